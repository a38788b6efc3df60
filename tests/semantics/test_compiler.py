"""A whole project through the compiler."""

from journeyscript.compiler import compile_project
from tests.projects import codes, lay_out, steps_of


def compiled(root, files):
    return compile_project(lay_out(root, files))


def test_a_project_without_findings_is_sound(tmp_path):
    project = compiled(tmp_path, {"journeys/trial.yaml": steps_of("- send: welcome")})
    assert project.sound
    assert list(project.journeys) == ["trial"]
    assert set(project.journeys["trial"].contents) == {c.digest for c in project.journeys["trial"].machine.contents}


def test_one_wrong_journey_leaves_the_others(tmp_path):
    files = {
        "journeys/wrong.yaml": steps_of("- send: nothing").replace("trial", "wrong"),
        "journeys/trial.yaml": steps_of("- wait: 1 day"),
    }
    project = compiled(tmp_path, files)
    assert not project.sound
    assert list(project.journeys) == ["trial"]


def test_an_error_cannot_be_turned_off_so_no_journey_is_lost_silently(tmp_path):
    files = {
        "journeyscript.yaml": 'name: x\nrules: { JS105: "off", JS902: "off" }\n',
        "journeys/trial.yaml": steps_of("- send: nothing"),
    }
    project = compiled(tmp_path, files)
    assert sorted(codes(list(project.diagnostics))) == ["JS005", "JS105"]
    assert not project.sound


def test_a_warning_can_be_turned_off_or_made_an_error(tmp_path):
    journey = {"journeys/trial.yaml": steps_of("- send: welcome")}
    off = compiled(tmp_path / "a", {**journey, "journeyscript.yaml": 'name: x\nrules: { JS902: "off" }\n'})
    error = compiled(tmp_path / "b", {**journey, "journeyscript.yaml": "name: x\nrules: { JS902: error }\n"})
    assert off.diagnostics == ()
    assert [(found.code, found.severity) for found in error.diagnostics] == [("JS902", "error")]
    assert not error.sound


def test_contents_belong_to_the_version(tmp_path):
    from journeyscript.machine.canonical import version_of

    journey = {"journeys/trial.yaml": steps_of("- send: reminder")}
    versions = {
        version_of(
            compiled(tmp_path / str(n), {**journey, "channels/push/reminder.txt": text}).journeys["trial"].machine
        )
        for n, text in enumerate(["Come back.\n", "Come back!\n", "Come back.\n"])
    }
    assert len(versions) == 2


def test_nothing_but_a_folder_is_a_project_of_nothing(tmp_path):
    project = compile_project(tmp_path)
    assert project.journeys == {}
    assert project.sound
