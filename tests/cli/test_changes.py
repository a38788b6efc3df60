"""`diff`, `plan` and `apply`: what they print, how they end, and what they refuse."""

import json
import os
import subprocess

import pytest

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


def test_a_plan_is_refused_once_it_is_applied_and_nothing_happens_twice(shop, in_process):
    write(shop, MOVED)
    in_process(shop, "plan", "--out", "change.plan")
    in_process(shop, "apply", "change.plan")
    again = in_process(shop, "apply", "change.plan")
    assert again.exit_code == 1
    assert "other versions were deployed to the store since the plan was made" in again.stderr


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


def test_a_run_starts_on_a_change_that_leaves_everybody_a_step(shop, in_process):
    write(shop, COUPON + "  - wait: 1 day\n  - { id: more, send: later }\n")
    assert in_process(shop, "run", "--once").exit_code == 0
    versions = shop.ask(lambda store: {one.version for one in store.journey_counts()})
    assert len(versions) == 1, "nobody has moved"


def test_a_run_starts_where_the_file_lets_people_finish_in_their_version(shop, in_process):
    write(shop, OFFER.replace("journey: welcome", "journey: welcome  # journeyscript: ignore[JS802]"))
    assert in_process(shop, "run", "--once").exit_code == 0
