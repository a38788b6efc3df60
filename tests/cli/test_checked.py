"""The cache of findings: never another answer than without it, and never in the way."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyscript.cli.validating import checked
from journeyscript.cli.validating.checked import FOLDER, KEPT, check_project
from journeyscript.compiler import compile_project
from tests.projects import lay_out, steps_of

PATHS = [
    "journeyscript.yaml",
    "catalog/customer.yaml",
    "catalog/events.yaml",
    "catalog/segments.yaml",
    "channels/email/channel.yaml",
    "channels/email/welcome.md",
    "channels/push/reminder.txt",
    "channels/fax/channel.yaml",
    "channels/fax/welcome.txt",
    "journeys/trial.yaml",
    "journeys/other.yaml",
    "journeys/deep/trial.yaml",
    "journeys/trial.test.yaml",
    "notes.txt",
]
TEXTS = [
    steps_of("- send: welcome"),
    steps_of("- send: wellcome"),
    steps_of("- send: reminder\n- wait: 1 day\n- send: welcome").replace("trial", "other"),
    'name: other\nrules: { JS902: "off", JS007: error }\n',
    "name: golden\ntimezone: Nowhere/Else\n",
    "adapter: console\nconsent: none\n",
    "events: { signed_up: {} }\n",
    "attributes: { email: { type: string } }\n",
    "segments: { loyal: { when: did(purchased) } }\n",
    "---\nsubject: Hello\n---\nHello {{ customer.nobody }}\n",
    "Hello\n",
    "[",
    "",
]

change = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PATHS), st.sampled_from(TEXTS)),
    st.tuples(st.just("remove"), st.sampled_from(PATHS)),
    st.tuples(st.just("move"), st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.tuples(st.just("add"), st.sampled_from(PATHS), st.sampled_from(["# a comment\n", " ", "x"])),
    st.tuples(st.just("folder"), st.sampled_from(PATHS)),
)


def apply(root, what, name, *more):
    """Make one change to a project, as an editor or git would."""
    path = root / name
    if what in ("write", "folder", "remove", "move") and path.is_dir():
        shutil.rmtree(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    match what:
        case "write":
            path.write_text(more[0], encoding="utf-8")
        case "remove":
            path.unlink(missing_ok=True)
        case "folder":
            path.unlink(missing_ok=True)
            path.mkdir()
        case "move" if path.is_file() and name != more[0] and not (root / more[0]).is_dir():
            (root / more[0]).parent.mkdir(parents=True, exist_ok=True)
            path.replace(root / more[0])
        case "add" if path.is_file():
            with path.open("a", encoding="utf-8") as file:
                file.write(more[0])


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(change, min_size=1, max_size=3), min_size=1, max_size=6))
def test_whatever_changes_the_answer_is_the_one_without_a_cache(rounds):
    with tempfile.TemporaryDirectory() as place:
        root = lay_out(Path(place) / "project", {"journeys/trial.yaml": TEXTS[0]})
        for changes in rounds:
            for one in changes:
                apply(root, *one)
            fresh = compile_project(root)
            for _ in range(2):  # The first may fill the cache, and the second reads it.
                known = check_project(root)
                assert (known.diagnostics, known.files) == (fresh.diagnostics, fresh.files)


@pytest.fixture
def project(tmp_path):
    return lay_out(tmp_path / "project", {"journeys/trial.yaml": steps_of("- send: wellcome")})


@pytest.fixture
def compilations(monkeypatch):
    """Count how often a project is compiled."""
    from journeyscript import compiler

    counted, compile_real = [], compiler.compile_project

    def compile_counted(root):
        counted.append(root)
        return compile_real(root)

    monkeypatch.setattr(compiler, "compile_project", compile_counted)
    return counted


def entries(project):
    return sorted((project / FOLDER).glob("*.json"))


def test_what_has_not_changed_is_not_compiled_again(project, compilations):
    first = check_project(project)
    assert check_project(project) == first
    assert len(compilations) == 1
    (project / "journeys" / "trial.yaml").write_text(steps_of("- send: welcome"))
    assert check_project(project).diagnostics != first.diagnostics
    (project / "journeys" / "trial.yaml").write_text(steps_of("- send: wellcome"))
    assert check_project(project) == first
    assert len(compilations) == 2


def test_without_the_cache_nothing_is_read_from_it_or_written_to_it(project, compilations):
    assert check_project(project, cache=False) == check_project(project, cache=False)
    assert len(compilations) == 2
    assert not (project / FOLDER).exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"0" * 40 + b"\n[]", None])
def test_a_damaged_entry_is_passed_over_and_replaced(project, compilations, damage):
    good = check_project(project)
    (entry,) = entries(project)
    whole = entry.read_bytes()
    entry.write_bytes(whole.replace(b"wellcome", b"welcomee") if damage is None else damage)
    assert check_project(project) == good
    assert len(compilations) == 2
    assert entry.read_bytes() == whole


def test_a_finding_is_not_believed_under_another_key(project, compilations):
    check_project(project)
    (entry,) = entries(project)
    (project / "journeys" / "trial.yaml").write_text(steps_of("- send: welcome"))
    entry.rename(entry.with_stem(checked._key(project)))
    assert check_project(project).diagnostics == ()


def test_a_place_that_cannot_be_written_is_no_trouble(project, compilations):
    (project / ".journeyscript").write_text("a file where a folder belongs")
    assert [found.code for found in check_project(project).diagnostics] == ["JS105"]
    assert len(compilations) == 1


def test_the_answers_asked_for_last_are_kept_and_git_does_not_see_them(project):
    for number in range(KEPT + 3):
        (project / "journeys" / "trial.yaml").write_text(steps_of("- send: welcome") + f"# {number}\n")
        check_project(project)
    assert len(entries(project)) == KEPT
    assert (project / FOLDER / ".gitignore").read_text() == "*\n"
    assert [path.name for path in (project / FOLDER).iterdir() if path.suffix not in (".json", "")] == []


def test_what_was_saved_while_it_was_checked_is_not_remembered(project, monkeypatch):
    from journeyscript import compiler

    compile_real = compiler.compile_project

    def saved_meanwhile(root):
        (root / "journeys" / "trial.yaml").write_text(steps_of("- send: welcome"))
        return compile_real(root)

    monkeypatch.setattr(compiler, "compile_project", saved_meanwhile)
    check_project(project)
    assert not (project / FOLDER).exists()


def test_another_version_of_this_package_has_other_keys(project, monkeypatch):
    before = checked._key(project)
    monkeypatch.setattr(checked, "_surroundings", lambda: [b"another"])
    assert checked._key(project) != before
