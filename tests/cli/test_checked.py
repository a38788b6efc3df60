"""The cache of findings: never another answer than without it, and never in the way."""

import shutil
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from journeyscript.cli.validating import checked, parts
from journeyscript.cli.validating.checked import KEPT, check_project
from journeyscript.cli.validating.kept import FOLDER
from journeyscript.compiler import compile_project
from journeyscript.source.project import list_project
from journeyscript.source.snapshot import Snapshot
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
    steps_of("- send: reminder # journeyscript: ignore[JS105]\n- emit: signed_up").replace("trial", "other"),
    "journey: trial\ntests: [{ name: a, timeline: [{ event: signed_up }], expect: { path: [send.welcome] } }]\n",
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


def today():
    return date(2026, 3, 1)


@pytest.fixture(autouse=True, scope="module")
def one_day():
    """Let no midnight come between two looks."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(checked, "today", today)
        yield


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(change, min_size=1, max_size=3), min_size=1, max_size=6))
def test_whatever_changes_the_answer_is_the_one_without_a_cache(rounds):
    with tempfile.TemporaryDirectory() as place:
        root = lay_out(Path(place) / "project", {"journeys/trial.yaml": TEXTS[0]})
        for changes in rounds:
            for one in changes:
                apply(root, *one)
            fresh = compile_project(root, today=today())
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

    counted, check_real = [], compiler.check_files

    def check_counted(files, *more):
        counted.append(files.root)
        return check_real(files, *more)

    monkeypatch.setattr(compiler, "check_files", check_counted)
    return counted


@pytest.fixture
def looked_at(monkeypatch):
    """Note which journeys and tests are looked at anew, and between which journeys."""
    from journeyscript import compiler

    noted = []

    def noting(name):
        real = getattr(compiler._Compilation, name)

        def noted_real(self, path, *more):
            noted.append(path)
            return real(self, path, *more)

        monkeypatch.setattr(compiler._Compilation, name, noted_real)

    noting("journey")
    noting("test")
    between = compiler._between
    monkeypatch.setattr(compiler, "_between", lambda group, *more: noted.append(tuple(group)) or between(group, *more))
    return noted


def entries(project):
    return sorted((project / FOLDER).glob("*.json"))


def key_of(project):
    return checked._keys(list_project(project), Snapshot(project), today())[1]


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
    entry.rename(entry.with_stem(key_of(project)))
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
    assert [path.name for path in (project / FOLDER).iterdir() if path.suffix not in (".json", ".parts", "")] == []


def test_what_is_saved_while_the_project_is_checked_is_found_the_next_time(project, monkeypatch):
    from journeyscript import compiler

    check_real = compiler.check_files

    def saved_meanwhile(files, *more):
        (project / "journeys" / "trial.yaml").write_text(steps_of("- send: welcome"))
        return check_real(files, *more)

    monkeypatch.setattr(compiler, "check_files", saved_meanwhile)
    assert [found.code for found in check_project(project).diagnostics] == ["JS105"]
    assert check_project(project).diagnostics == ()


def test_another_version_of_this_package_has_other_keys(project, monkeypatch):
    before = checked._keys(list_project(project), Snapshot(project), today())
    monkeypatch.setattr(checked, "_surroundings", lambda _day: [b"another"])
    after = checked._keys(list_project(project), Snapshot(project), today())
    assert before[0] != after[0]
    assert before[1] != after[1]


# Single journeys ---------------------------------------------------------------------------------------------------


def journey(name, steps="- send: welcome", event="signed_up"):
    return steps_of(steps, f"entry: {{ event: {event}, again: always }}").replace("journey: trial", f"journey: {name}")


TESTS = """
journey: {name}
tests: [{{ name: it is sent, timeline: [{{ event: {event} }}], expect: {{ state: completed }} }}]
"""


@pytest.fixture
def several(tmp_path):
    """Return a project of four journeys, of which two and two start on one event."""
    files = {}
    for name, event in [("a", "signed_up"), ("b", "signed_up"), ("c", "app_installed"), ("d", "app_installed")]:
        files[f"journeys/{name}.yaml"] = journey(name, event=event)
        files[f"journeys/{name}.test.yaml"] = TESTS.format(name=name, event=event)
    return lay_out(tmp_path / "project", files)


def test_only_the_journey_that_changed_is_looked_at_again_and_those_that_start_with_it(several, looked_at):
    check_project(several)
    assert len(looked_at) == 4 + 4 + 2
    looked_at.clear()
    (several / "journeys" / "c.yaml").write_text(journey("c", "- wait: 1 day\n- send: wellcome", "app_installed"))
    assert "JS105" in [found.code for found in check_project(several).diagnostics]
    assert looked_at == ["journeys/c.yaml"]
    looked_at.clear()
    (several / "journeys" / "c.yaml").write_text(journey("c", "- wait: 1 day\n- send: welcome", "app_installed"))
    check_project(several)
    assert looked_at == ["journeys/c.yaml", ("c", "d")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("catalog/segments.yaml", "segments: {}\n"),
        ("channels/email/welcome.md", "---\nsubject: Hello\n---\nHello\n"),
        ("journeyscript.yaml", "name: golden\ntimezone: Europe/Paris\n"),
        ("channels/fax/channel.yaml", "adapter: console\nconsent: none\n"),
    ],
)
def test_whatever_every_journey_depends_on_has_all_looked_at_again(several, looked_at, path, text):
    check_project(several)
    looked_at.clear()
    (several / path).parent.mkdir(exist_ok=True)
    (several / path).write_text(text)
    check_project(several)
    assert len(looked_at) == 4 + 4 + 2


def test_a_renamed_file_is_looked_at_again_though_its_text_is_the_same(several, looked_at):
    check_project(several)
    looked_at.clear()
    (several / "journeys" / "a.yaml").rename(several / "journeys" / "renamed.yaml")
    (found,) = [found for found in check_project(several).diagnostics if found.code == "JS007"]
    assert found.span.path == "journeys/renamed.yaml"
    assert "journeys/renamed.yaml" in looked_at


@pytest.mark.parametrize("damage", [b"", b"0" * 40 + b"\n\x80", None])
def test_damaged_parts_are_passed_over_and_replaced(several, looked_at, damage):
    good = check_project(several)
    (kept,) = (several / FOLDER).glob("*.parts")
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"app_installed", b"app_installee") if damage is None else damage)
    for entry in entries(several):
        entry.unlink()
    looked_at.clear()
    assert check_project(several) == good
    assert len(looked_at) == 4 + 4 + 2
    assert kept.read_bytes() == whole


def test_the_parts_hold_what_the_last_run_needed_and_no_more(several):
    check_project(several)
    (kept,) = (several / FOLDER).glob("*.parts")
    before = kept.stat().st_size
    for number in range(5):
        (several / "journeys" / "a.yaml").write_text(journey("a") + f"# {number}\n")
        check_project(several)
    assert kept.stat().st_size == before
    (several / "journeys" / "a.yaml").unlink()
    check_project(several)
    assert kept.stat().st_size < before


def test_the_parts_of_a_few_catalogs_are_kept(several):
    for number in range(parts.KEPT + 2):
        (several / "catalog" / "segments.yaml").write_text(f"segments: {{}}\n# {number}\n")
        check_project(several)
    assert len(list((several / FOLDER).glob("*.parts"))) == parts.KEPT


def test_a_number_too_large_to_be_kept_is_looked_at_each_time(several, looked_at):
    huge = TESTS.replace("event: {event}", "event: purchased, properties: {{ items: 123456789012345678901234567890 }}")
    (several / "journeys" / "a.test.yaml").write_text(huge.format(name="a"))
    for number in range(2):
        looked_at.clear()
        (several / "journeys" / "b.yaml").write_text(journey("b") + f"# {number}\n")
        assert check_project(several).diagnostics == compile_project(several, today=today()).diagnostics
        assert "journeys/a.test.yaml" in looked_at
