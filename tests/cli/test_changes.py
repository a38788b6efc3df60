"""`diff`, `plan` and `apply`: what they print, how they end, and what they refuse."""

import contextlib
import json
import os
import re
import subprocess

import pytest

from journeyscript.cli.stores import REPLAY_STORE
from journeyscript.stores.sqlite import open_sqlite
from tests.changing import PEOPLE

SIGN_UP = {"attributes": {"timezone": "Europe/Berlin"}}

COUPON = """
journey: welcome
title: Welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - id: coupon
    wait: 3 days
  - send: later
"""
OFFER = COUPON.replace("id: coupon", "id: offer")
MOVED = OFFER.replace("entry:", "migrate: { from: { coupon: offer } }\nentry:")


@pytest.fixture
def shop(make_shop, in_process, record):
    """A shop with three people at the wait `coupon`."""
    shop = make_shop({"journeys/welcome.yaml": COUPON})
    enter(shop, in_process, record, *PEOPLE)
    return shop


def enter(shop, in_process, record, *names):
    (shop.root / "people.jsonl").write_text("".join(record(name, "signed_up", **SIGN_UP) for name in names))
    ran = in_process(shop, "run", "--follow", "people.jsonl", "--once")
    assert ran.exit_code == 0, ran.output
    (shop.root / "people.jsonl").unlink()


def write(shop, text):
    shop.write({"journeys/welcome.yaml": text})


# diff --------------------------------------------------------------------------------------------------------------


def test_diff_tells_of_what_is_deployed_in_every_format_and_ends_with_4_where_asked(shop, in_process):
    same = in_process(shop, "diff", "--exit-code")
    assert (same.exit_code, same.stdout) == (0, "")
    write(shop, COUPON.replace("3 days", "1 day"))
    found = in_process(shop, "diff", "--exit-code")
    assert found.exit_code == 4
    assert "  ~ timer of coupon: after 3 days -> after 1 day\n" in found.stdout
    assert in_process(shop, "diff").exit_code == 0
    document = json.loads(in_process(shop, "diff", "--output-format", "json").stdout)
    (journey,) = document["journeys"]
    assert journey["differences"] == [
        {"is": "step_changed", "step": "coupon", "part": "timer", "was": "after 3 days", "now": "after 1 day"}
    ]
    table = in_process(shop, "diff", "--output-format", "markdown").stdout
    assert "| ~ | timer of coupon | after 3 days | after 1 day |" in table


@pytest.mark.parametrize(("tier", "code"), [("any", 4), ("report", 4), ("history", 0), ("inflight", 0)])
def test_a_title_is_a_difference_to_readers_only(shop, in_process, tier, code):
    write(shop, COUPON.replace("title: Welcome", "title: Hello"))
    assert in_process(shop, "diff", "--tier", tier, "--exit-code").exit_code == code


def test_a_comment_is_no_difference(shop, in_process):
    write(shop, "# hello\n" + COUPON)
    assert in_process(shop, "diff", "--exit-code").exit_code == 0


def test_a_journey_that_has_come_or_is_gone_is_a_difference_to_nobody_inside(shop, in_process):
    shop.write({"journeys/other.yaml": COUPON.replace("journey: welcome", "journey: other")})
    (shop.root / "journeys" / "welcome.yaml").unlink()
    told = in_process(shop, "diff", "--exit-code")
    assert told.exit_code == 4
    assert "other: new, version" in told.stdout
    assert "welcome: gone, was version" in told.stdout
    assert in_process(shop, "diff", "--tier", "inflight", "--exit-code").exit_code == 0


def git(shop, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{name}_NAME": "Ada", f"GIT_{name}_EMAIL": "ada@example.com"}
    subprocess.run(["git", "-C", shop.root, *arguments], env=environment, check=True, capture_output=True)


def test_diff_against_a_revision_of_git_reads_its_files_and_touches_none(shop, in_process):
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    assert in_process(shop, "diff", "--against", "git:HEAD", "--exit-code").exit_code == 0
    write(shop, OFFER)
    before = {path: path.stat().st_mtime_ns for path in (shop.root / "journeys").iterdir()}
    found = in_process(shop, "diff", "--against", "git:HEAD", "--exit-code")
    assert found.exit_code == 4
    assert "  + offer: wait 3 days" in found.stdout
    assert {path: path.stat().st_mtime_ns for path in (shop.root / "journeys").iterdir()} == before


def test_diff_against_a_revision_works_in_a_folder_of_the_repository(make_shop, in_process, tmp_path):
    git(make_shop(root=tmp_path), "init", "--quiet")
    shop = make_shop({"journeys/welcome.yaml": COUPON}, root=tmp_path / "shops" / "one")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    write(shop, OFFER)
    assert "offer" in in_process(shop, "diff", "--against", "git:HEAD").stdout


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("git:nowhere", "git knows no revision `nowhere`"),
        ("git:--upload-pack=x", "git knows no revision `--upload-pack=x`"),
        ("nowhere", "there is no project in `nowhere`"),
        ("main", "`git:main` is a revision of git"),
    ],
)
def test_diff_cannot_compare_with_what_is_not_there(shop, in_process, against, said):
    git(shop, "init", "--quiet")
    answer = in_process(shop, "diff", "--against", against)
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_diff_outside_of_a_repository_or_without_git_says_so(shop, in_process, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(shop.root.parent))
    outside = in_process(shop, "diff", "--against", "git:HEAD")
    assert outside.exit_code == 2
    assert "is in no git repository" in outside.stderr
    monkeypatch.setenv("PATH", str(shop.root))
    without = in_process(shop, "diff", "--against", "git:HEAD")
    assert without.exit_code == 2
    assert "there is no `git` here" in without.stderr


def test_diff_with_what_is_deployed_asks_for_a_store(make_shop, in_process):
    answer = in_process(make_shop(), "diff")
    assert answer.exit_code == 2
    assert "there is no store at" in answer.stderr


def test_diff_of_a_journey_that_nobody_knows_says_so(shop, in_process):
    answer = in_process(shop, "diff", "welcom")
    assert answer.exit_code == 2
    assert "did you mean `welcome`?" in answer.stderr


def test_diff_with_another_folder(shop, make_shop, in_process, tmp_path):
    other = make_shop({"journeys/welcome.yaml": OFFER}, root=tmp_path / "other")
    assert "  - offer: wait 3 days" in in_process(shop, "diff", "--against", str(other.root)).stdout


@pytest.mark.parametrize("file", ["draft.yaml", "drafts/any-name.yml", "journeys/welcome.yaml"])
def test_diff_with_a_file_compares_the_journey_in_it_as_it_would_be_in_this_project(shop, in_process, file):
    shop.write({"journeys/other.yaml": COUPON.replace("journey: welcome", "journey: other"), file: OFFER})
    write(shop, OFFER if file.startswith("journeys") else COUPON)
    found = in_process(shop, "diff", "--against", file, "--exit-code")
    if file.startswith("journeys"):
        assert (found.exit_code, found.stdout) == (0, "")
    else:
        assert found.exit_code == 4
        assert "  - offer: wait 3 days" in found.stdout
        assert "~ file" not in found.stdout
    assert "other" not in found.stdout


@pytest.mark.parametrize("pretty", [(), ("--pretty",)])
def test_diff_with_a_compiled_machine_tells_of_all_but_titles_and_files(shop, in_process, pretty):
    (shop.root / "before.json").write_text(in_process(shop, "compile", "welcome", *pretty).stdout)
    same = in_process(shop, "diff", "--against", "before.json", "--exit-code")
    assert (same.exit_code, same.stdout) == (0, "")
    write(shop, OFFER.replace("title: Welcome", "title: Hello"))
    found = in_process(shop, "diff", "--against", "before.json")
    assert "  ~ name of a step: coupon -> offer" in found.stdout or "  + offer: wait 3 days" in found.stdout
    assert "title" not in found.stdout


def test_diff_with_a_file_compares_no_other_journey(shop, in_process):
    shop.write({"journeys/other.yaml": COUPON.replace("journey: welcome", "journey: other"), "old.yaml": OFFER})
    answer = in_process(shop, "diff", "other", "--against", "old.yaml")
    assert answer.exit_code == 2
    assert "`old.yaml` is the journey `welcome`" in answer.stderr
    assert in_process(shop, "diff", "welcome", "--against", "old.yaml").exit_code == 0


def test_diff_with_the_file_of_a_journey_that_is_gone_says_so(shop, in_process):
    shop.write({"journeys/other.yaml": COUPON.replace("journey: welcome", "journey: other")})
    (shop.root / "journeys" / "welcome.yaml").rename(shop.root / "old.yaml")
    told = in_process(shop, "diff", "--against", "old.yaml")
    assert told.stdout.startswith("welcome: gone, was version")
    assert "other" not in told.stdout


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("old.yaml", COUPON.replace("later", "latr"), ("--> old.yaml:9:11", "the journey in `old.yaml` has errors")),
        ("old.yaml", "journey: [", ("--> old.yaml:1:11", "the journey in `old.yaml` has errors")),
        ("old.yaml", "name: shop\n", ("there is no journey in `old.yaml`",)),
        ("old.json", "{}", ("`old.json` is no machine", "`journeyscript compile JOURNEY` prints one")),
        ("old.json", "no JSON", ("`old.json` is no machine",)),
    ],
)
def test_diff_with_a_file_that_holds_no_sound_journey_says_what_is_wrong(shop, in_process, file, text, said):
    shop.write({file: text})
    answer = in_process(shop, "diff", "--against", file)
    assert answer.exit_code == 2
    assert all(part in answer.stderr for part in said), answer.stderr


@pytest.fixture
def broken_before(shop):
    """A shop whose last commit has an error in one of two journeys, which is mended in the files."""
    shop.write({"journeys/other.yaml": COUPON.replace("journey: welcome", "journey: other")})
    write(shop, COUPON.replace("send: later", "send: latr"))
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    write(shop, COUPON)
    return shop


def test_diff_with_a_revision_that_has_errors_shows_them_where_they_stood(broken_before, in_process):
    answer = in_process(broken_before, "diff", "--against", "git:HEAD")
    assert answer.exit_code == 2
    assert "error[JS105]: there is no message `latr`" in answer.stderr
    assert "--> HEAD:journeys/welcome.yaml:9:11" in answer.stderr
    assert "- send: latr" in answer.stderr
    assert "the project in `git:HEAD` has an error" in answer.stderr
    assert in_process(broken_before, "diff", "welcome", "--against", "git:HEAD").exit_code == 2


def test_diff_of_a_journey_that_was_sound_does_not_mind_errors_elsewhere(broken_before, in_process):
    broken_before.write({"journeys/other.yaml": OFFER.replace("journey: welcome", "journey: other")})
    answer = in_process(broken_before, "diff", "other", "--against", "git:HEAD")
    assert answer.exit_code == 0
    assert "  + offer: wait 3 days" in answer.stdout


def test_a_revision_whose_tests_or_populations_are_wrong_can_be_compared_with(shop, in_process):
    shop.write(
        {"journeys/welcome.test.yaml": "journey: welcome\ntests: 3\n", "simulations/few.yaml": "population: 3\n"}
    )
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "first")
    (shop.root / "journeys" / "welcome.test.yaml").unlink()
    (shop.root / "simulations" / "few.yaml").unlink()
    answer = in_process(shop, "diff", "--against", "git:HEAD", "--exit-code")
    assert (answer.exit_code, answer.stdout) == (0, "")


def test_tests_of_journeys_that_had_errors_count_as_changed(broken_before, in_process):
    for name in ("welcome", "other"):
        test = f"{{ name: {name} signs up, timeline: [event: signed_up], expect: {{ state: active }} }}"
        broken_before.write({f"journeys/{name}.test.yaml": f"journey: {name}\ntests: [{test}]\n"})
    answer = in_process(broken_before, "test", "--select", "changed", "--against", "git:HEAD")
    assert answer.exit_code == 0, answer.output
    assert "1 passed" in answer.stdout
    assert "welcome" in answer.stdout


# plan --------------------------------------------------------------------------------------------------------------


def test_a_plan_without_a_store_has_nobody_to_speak_of(make_shop, in_process):
    answer = in_process(make_shop(), "plan")
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "there is no store yet" in answer.stderr


def test_nothing_changes_where_nothing_has_changed(shop, in_process):
    answer = in_process(shop, "plan", "--exit-code")
    assert (answer.exit_code, answer.stdout) == (0, "no journey changes\n")


@pytest.mark.parametrize("form", ["full", "json", "markdown"])
def test_a_blocked_plan_ends_with_1_in_every_format_and_names_the_number_of_people(shop, in_process, form):
    write(shop, COUPON.replace("  - id: coupon\n    wait: 3 days\n", "  - wait: 1 day\n"))
    answer = in_process(shop, "plan", "--output-format", form, "--out", "change.plan")
    assert answer.exit_code == 1
    assert "`coupon` is gone, and 3 people are at it" in answer.stdout
    assert not (shop.root / "change.plan").exists(), "what cannot be applied is not kept"


def test_a_plan_says_where_everybody_goes(shop, in_process):
    write(shop, MOVED)
    answer = in_process(shop, "plan", "--exit-code")
    assert answer.exit_code == 4
    assert answer.stdout.splitlines()[1] == "  coupon  3 people  move to offer"
    document = json.loads(in_process(shop, "plan", "--output-format", "json").stdout)
    (line,) = document["journeys"][0]["lines"]
    assert (line["step"], line["people"], line["fate"], line["to"], line["timer"]) == (
        "coupon", 3, "move", "offer", "keep"
    )  # fmt: skip
    assert (document["blocked"], document["findings"]) == (False, [])
    assert "| `coupon` | 3 | move to offer |" in in_process(shop, "plan", "--output-format", "markdown").stdout


def test_a_plan_leaves_the_store_as_it_is(shop, in_process):
    before = shop.ask(lambda store: (store.journey_counts(), store.deployments()[1]))
    write(shop, MOVED)
    in_process(shop, "plan")
    assert shop.ask(lambda store: (store.journey_counts(), store.deployments()[1])) == before


DAY = 86_400_000
HISTORY = COUPON.replace("entry:", "exit:\n  - event: closed\nentry:")


@pytest.fixture
def past(make_shop, in_process):
    """A shop whose store holds a month: ten people a day apart, of whom every other one left after two days."""
    shop = make_shop({"journeys/welcome.yaml": HISTORY})
    records = [(f"c{day}", "signed_up", day * DAY) for day in range(10)]
    records += [(f"c{day}", "closed", (day + 2) * DAY + 5) for day in range(0, 10, 2)]
    lines = [
        {"customer": customer, "event": event, "time": 1_782_900_000_000 + after}
        for customer, event, after in sorted(records, key=lambda one: one[2])
    ]
    (shop.root / "past.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    ran = in_process(shop, "run", "--events", "past.jsonl", "--until", "2026-07-15", "--store", "past.db")
    assert ran.exit_code == 0, ran.output
    shop.write({"journeys/welcome.yaml": HISTORY.replace("3 days", "1 day")})
    return shop


def test_a_plan_tells_what_recorded_histories_and_a_week_say_of_a_change(past, in_process):
    answer = in_process(past, "plan", "--store", "past.db")
    assert answer.exit_code == 0, answer.output
    assert "  welcome  10 of 10 replayed; 10 would have gone another way\n" in answer.stdout
    assert "warning[JS805]: 10 of 10 recorded histories would have gone another way: " in answer.stdout
    assert "5 with other messages, 5 with messages at another time, 5 to another step\n" in answer.stdout
    assert re.search(r"= witness: c\d entered on `signed_up` at 2026-07-\d\dT", answer.stdout)
    assert "exit closed; is sent `welcome`, now " in answer.stdout
    assert re.search(r"^expected in a week, by 13\.\d days of 10 of 10 customers:$", answer.stdout, re.MULTILINE)
    assert re.search(r"^  welcome  entries +5 +5$", answer.stdout, re.MULTILINE)
    assert re.search(r"^  welcome  messages by post +8 +10$", answer.stdout, re.MULTILINE)
    document = json.loads(in_process(past, "plan", "--store", "past.db", "--output-format", "json").stdout)
    (histories,) = document["histories"]
    assert (histories["journey"], histories["taken"], histories["messages"], histories["times"]) == (
        "welcome",
        10,
        5,
        5,
    )
    assert document["week"]["expected"][0] == {"journey": "welcome", "channel": "", "before": 5, "now": 5}
    table = in_process(past, "plan", "--store", "past.db", "--output-format", "markdown").stdout
    assert "- `welcome`: 10 of 10 replayed; 10 would have gone another way\n" in table
    assert "| welcome | messages by post | 8 | 10 |" in table


def test_a_plan_looks_at_as_much_of_the_past_as_is_asked_for_and_keeps_none_of_it(past, in_process):
    some = in_process(past, "plan", "--store", "past.db", "--histories", "4", "--out", "some.plan")
    assert "  welcome  4 of 10 replayed; 4 would have gone another way\n" in some.stdout
    assert "of 4 of 10 customers:" in some.stdout
    nothing = in_process(past, "plan", "--store", "past.db", "--histories", "0", "--out", "none.plan")
    assert not any(words in nothing.stdout for words in ("JS805", "recorded histories", "expected in a week"))
    assert (past.root / "some.plan").read_bytes() == (past.root / "none.plan").read_bytes()
    applied = in_process(past, "apply", "some.plan", "--store", "past.db")
    assert (applied.exit_code, applied.stdout.endswith("applied\n")) == (0, True)


def test_where_another_way_is_an_error_it_blocks_the_plan_and_what_is_applied_at_once(past, in_process):
    past.write({"journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\nrules: { JS805: error }\n"})
    answer = in_process(past, "plan", "--store", "past.db", "--out", "change.plan")
    assert (answer.exit_code, (past.root / "change.plan").exists()) == (1, False)
    applied = in_process(past, "apply", "--auto", "--store", "past.db")
    assert applied.exit_code == 1
    assert "error[JS805]" in applied.stdout
    past.write({"journeyscript.yaml": 'name: shop\ntimezone: Europe/Berlin\nrules: { JS805: "off" }\n'})
    silent = in_process(past, "plan", "--store", "past.db")
    assert silent.exit_code == 0
    assert "JS805" not in silent.stdout
    assert "10 would have gone another way" in silent.stdout


# apply -------------------------------------------------------------------------------------------------------------


def test_what_is_planned_is_applied(shop, in_process):
    write(shop, MOVED)
    assert in_process(shop, "plan", "--out", "change.plan").exit_code == 0
    answer = in_process(shop, "apply", "change.plan")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.endswith("move to offer\napplied\n")
    (count,) = shop.ask(lambda store: store.journey_counts())
    assert (count.state, count.status, count.count) == ("offer", "active", 3)
    told = in_process(shop, "explain", "ada")
    assert "moved here from version" in told.stdout
    assert in_process(shop, "run", "--once").exit_code == 0
    assert in_process(shop, "doctor").exit_code == 0
    assert in_process(shop, "plan").stdout == "no journey changes\n"


def test_a_plan_that_is_applied_has_nothing_left_to_do_and_nothing_happens_twice(shop, in_process):
    write(shop, MOVED)
    in_process(shop, "plan", "--out", "change.plan")
    in_process(shop, "apply", "change.plan")
    again = in_process(shop, "apply", "change.plan")
    assert (again.exit_code, again.stdout) == (0, "nothing is left to do: what the plan is for is deployed\n")


def test_a_plan_is_refused_where_other_versions_were_deployed_since(shop, in_process):
    write(shop, MOVED)
    in_process(shop, "plan", "--out", "change.plan")
    write(shop, COUPON + "  - wait: 1 day\n  - { id: more, send: later }\n")
    assert in_process(shop, "apply", "--auto").exit_code == 0
    write(shop, MOVED)
    answer = in_process(shop, "apply", "change.plan")
    assert answer.exit_code == 1
    assert "other versions were deployed to the store since the plan was made" in answer.stderr


def test_a_plan_is_refused_for_other_journeys(shop, in_process):
    write(shop, MOVED)
    in_process(shop, "plan", "--out", "change.plan")
    write(shop, MOVED.replace("3 days", "2 days"))
    answer = in_process(shop, "apply", "change.plan")
    assert answer.exit_code == 1
    assert "the plan is for other journeys" in answer.stderr


def test_more_people_at_a_step_of_the_plan_fare_as_it_says(shop, in_process, record):
    write(shop, MOVED)
    in_process(shop, "plan", "--out", "change.plan")
    write(shop, COUPON)
    enter(shop, in_process, record, "zoe")
    write(shop, MOVED)
    answer = in_process(shop, "apply", "change.plan")
    assert answer.exit_code == 0, answer.output
    assert "  coupon  4 people  move to offer" in answer.stdout


def test_auto_plans_and_applies_at_once_and_stops_where_it_is_blocked(shop, in_process):
    write(shop, OFFER)
    blocked = in_process(shop, "apply", "--auto")
    assert blocked.exit_code == 1
    assert "JS802" in blocked.stdout
    write(shop, MOVED)
    assert in_process(shop, "apply", "--auto").stdout.endswith("applied\n")
    assert in_process(shop, "apply", "--auto").stdout == "no journey changes\n"


@pytest.mark.parametrize("arguments", [(), ("change.plan", "--auto"), ("nowhere.plan",), ("journeyscript.yaml",)])
def test_apply_wants_one_plan_that_is_one(shop, in_process, arguments):
    answer = in_process(shop, "apply", *arguments)
    assert answer.exit_code == 2
    assert "help:" in answer.stderr


def test_apply_waits_for_no_run_that_is_going_on(shop, in_process):
    write(shop, COUPON)
    process = shop.start()
    write(shop, MOVED)
    assert in_process(shop, "plan").exit_code == 0, "a plan may be made beside a run"
    answer = in_process(shop, "apply", "--auto")
    assert answer.exit_code == 2
    assert "stop the run, apply the plan, and start it again" in answer.stderr
    shop.stop(process)
    assert in_process(shop, "apply", "--auto").exit_code == 0


# run ---------------------------------------------------------------------------------------------------------------


def test_a_run_does_not_start_where_somebody_would_be_left_at_a_step_that_is_gone(shop, in_process):
    for text in (OFFER, MOVED):
        write(shop, text)
        answer = in_process(shop, "run", "--once")
        assert answer.exit_code == 2
        assert "`coupon` of `welcome` is gone, and 3 people stand at it" in answer.stderr
        assert "`journeyscript plan`" in answer.stderr


@pytest.fixture
def interrupted(make_shop, in_process, record):
    """A shop whose replay was interrupted while three people stood at the wait `coupon`."""
    shop = make_shop({"journeys/welcome.yaml": COUPON})
    signed_up = {**SIGN_UP, "time": "2026-03-01T00:00:00Z"}
    (shop.root / "people.jsonl").write_text("".join(record(name, "signed_up", **signed_up) for name in PEOPLE))
    assert in_process(shop, "run", "--events", "people.jsonl").exit_code == 0
    with contextlib.closing(open_sqlite(shop.root / REPLAY_STORE)) as store:
        store.note(finished="no")
    return shop


def test_a_replay_does_not_go_on_where_somebody_would_be_left_at_a_step_that_is_gone(interrupted, in_process):
    write(interrupted, MOVED)
    assert in_process(interrupted, "apply", "--auto", "--store", REPLAY_STORE).exit_code == 0
    write(interrupted, COUPON)
    answer = in_process(interrupted, "run", "--events", "people.jsonl")
    assert answer.exit_code == 2, answer.output
    assert "`offer` of `welcome` is gone, and 3 people stand at it" in answer.stderr


def test_a_replay_that_was_interrupted_starts_over_with_other_journeys_and_says_so(interrupted, in_process):
    write(interrupted, OFFER)
    answer = in_process(interrupted, "run", "--events", "people.jsonl")
    assert answer.exit_code == 0
    assert "The journeys are others than those of the replay that was interrupted: it starts over." in answer.stderr
    again = in_process(interrupted, "run", "--events", "people.jsonl")
    assert "starts over" not in again.stderr


def test_a_run_starts_on_a_change_that_leaves_everybody_a_step(shop, in_process):
    write(shop, COUPON + "  - wait: 1 day\n  - { id: more, send: later }\n")
    assert in_process(shop, "run", "--once").exit_code == 0
    versions = shop.ask(lambda store: {one.version for one in store.journey_counts()})
    assert len(versions) == 1, "nobody has moved"


def test_a_run_starts_where_the_file_lets_people_finish_in_their_version(shop, in_process):
    write(shop, OFFER.replace("journey: welcome", "journey: welcome  # journeyscript: ignore[JS802]"))
    assert in_process(shop, "run", "--once").exit_code == 0
