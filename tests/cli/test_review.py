"""`review`: the comment on a change in a repository of its own, with people inside and without."""

import json
import os
import re
import subprocess

import pytest

from journeyscript.cli.reviewing.comment import LONGEST, Section, comment
from journeyscript.cli.showing.findings.markdown import escaped
from tests.changing import PEOPLE

WELCOME = """
journey: welcome
title: Welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - id: coupon
    wait: 3 days
  - send: later
"""
TESTS = """
journey: welcome
tests:
  - name: who signs up hears from us twice
    at: 2026-03-02T10:00+01:00
    timeline: [{ event: signed_up }, { after: 30 days }]
    expect: { sends: [{ message: welcome }, { message: later }] }
"""
POPULATION = """
population: few
seed: 1
start: 2026-01-05T00:00+01:00
for: 10 days
customers: { number: 20, arrive: { over: 1 day }, event: signed_up }
"""
LONGER = WELCOME + "  - wait: 1 day\n  - id: last\n    send: later\n"
STRANDING = WELCOME.replace("  - id: coupon\n    wait: 3 days\n", "  - wait: 3 days\n")


def git(root, *arguments):
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    for name in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{name}_NAME": "Ada", f"GIT_{name}_EMAIL": "ada@example.com"}
    subprocess.run(["git", "-C", root, *arguments], env=environment, check=True, capture_output=True)


def commit(root):
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "first")


@pytest.fixture
def shop(make_shop):
    """A shop in git, whose journey has a test and a population."""
    files = {
        "journeys/welcome.yaml": WELCOME,
        "journeys/welcome.test.yaml": TESTS,
        "simulations/few.yaml": POPULATION,
        ".gitignore": ".journeyscript/\noutbox/\n",
    }
    made = make_shop(files)
    commit(made.root)
    return made


@pytest.fixture
def inhabited(shop, in_process, record):
    """The same with three people at the wait `coupon`."""
    (shop.root / "people.jsonl").write_text("".join(record(name, "signed_up") for name in PEOPLE))
    ran = in_process(shop, "run", "--follow", "people.jsonl", "--once")
    assert ran.exit_code == 0, ran.output
    (shop.root / "people.jsonl").unlink()
    return shop


def change(shop, text):
    shop.write({"journeys/welcome.yaml": text})


def heads(text):
    """Return the first line of every section, without what makes it one."""
    lines = re.findall(r"^(?:<details(?: open)?><summary>)?(?:❌ )?(?:<b>|\*\*).*: .*$", text, re.MULTILINE)
    return [re.sub(r"<[^>]*>|\*\*", "", line) for line in lines]


def test_where_nothing_changed_nothing_stands_in_the_way(shop, in_process):
    answer = in_process(shop, "review")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith(
        "<!-- journeyscript review -->\n### journeyscript review: ✅ nothing stands in the way\n"
    )
    assert heads(answer.stdout) == [
        "Findings: none",
        "Tests: 1 passed, 0 failed; they take 100 % of what they test",
        "People inside: there is no store here, so nobody was counted",
        "Journeys: none is different",
        "Most messages for one customer: as before",
        "Forecast: 40 → 40 messages for 20 customers of few",
    ]


def test_a_change_is_told_with_people_numbers_a_forecast_and_a_picture(inhabited, in_process):
    change(inhabited, LONGER)
    answer = in_process(inhabited, "review", "--against", "git:HEAD")
    text = answer.stdout
    assert answer.exit_code == 1, "the test says that there are two messages, and now there are three"
    assert "❌ not yet: tests" in text
    assert "People inside: 3 people in what changes" in heads(text)
    assert "| `coupon` | 3 | stay in their version |" in text
    assert "- `welcome`: 3 of 3 replayed; none would have gone another way\n" in text
    assert "Journeys: 1 changed" in heads(text)
    assert "| + | last |" in text
    assert "Forecast: 40 → 60 messages for 20 customers of few" in heads(text)
    assert f"| {escaped('welcome: later by post')} | 20 | 40 |" in text
    assert "| welcome | all | all | in all | 2 | 3 |" in text
    assert "failed&#58; who signs up hears from us twice" in text
    change(inhabited, WELCOME)
    assert in_process(inhabited, "review").exit_code == 0


def test_what_recorded_histories_and_a_week_say_is_told_by_what_plan_says(shop, in_process):
    events = [("ada", 1_782_900_000_000), ("bob", 1_783_000_000_000)]
    lines = (json.dumps({"customer": name, "event": "signed_up", "time": at}) for name, at in events)
    (shop.root / "past.jsonl").write_text("".join(f"{line}\n" for line in lines))
    ran = in_process(shop, "run", "--events", "past.jsonl", "--until", "2026-07-15", "--store", "past.db")
    assert ran.exit_code == 0, ran.output
    change(shop, LONGER)
    text = in_process(shop, "review", "--against", "git:HEAD", "--store", "past.db").stdout
    assert "- `welcome`: 2 of 2 replayed; 2 would have gone another way\n" in text
    assert "| welcome | messages by post | 2 | 3 |" in text
    assert "JS805 history-diverges" in text
    assert text.count("= witness: ") == 1


def test_the_picture_marks_what_is_new_changed_and_gone(shop, in_process):
    change(shop, STRANDING.replace("- send: later", "- id: last\n    send: welcome"))
    text = in_process(shop, "review", "--picture-folder", "pictures").stdout
    (drawn,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    names = dict(re.findall(r'^  (s\d+)\W+"([^"]*)"', drawn, re.MULTILINE))
    marked = {
        mark: {names[name] for name in listed.split(",")} for listed, mark in re.findall(r"class (\S+) (\w+)", drawn)
    }
    assert marked == {
        "new": {"wait 3 days<br>new", "send welcome by post (last)<br>new"},
        "changed": {"send welcome by post<br>changed"},
        "gone": {"wait 3 days (coupon)<br>gone", "send later by post<br>gone"},
    }
    by_name = {words: name for name, words in names.items()}
    coupon, later = by_name["wait 3 days (coupon)<br>gone"], by_name["send later by post<br>gone"]
    assert f"{coupon} -.-> {later}" in drawn
    picture = (shop.root / "pictures" / "welcome.svg").read_text()
    assert picture.count('class="wait gone"') == 1
    assert "stroke: var(--gone)" in picture


def test_a_plan_that_strands_somebody_stands_in_the_way(inhabited, in_process):
    change(inhabited, STRANDING)
    answer = in_process(inhabited, "review")
    assert answer.exit_code == 1
    assert "❌ not yet: people inside\n" in answer.stdout
    assert "| JS802 step-renamed-without-migrate | <code>coupon</code> seems to be called" in answer.stdout
    assert answer.stdout.count("<details open>") == 1
    moved = STRANDING.replace("entry:", "migrate: { from: { coupon: wait } }\nentry:")
    change(inhabited, moved)
    answer = in_process(inhabited, "review")
    assert answer.exit_code == 0, answer.output
    assert "| `coupon` | 3 | move to wait |" in answer.stdout


def test_of_a_project_with_errors_only_these_are_told(shop, in_process):
    change(shop, WELCOME.replace("send: later", "send: latter"))
    answer = in_process(shop, "review")
    assert answer.exit_code == 1
    assert "❌ not yet: findings" in answer.stdout
    assert heads(answer.stdout)[0].startswith("❌ Findings: 1 error")
    assert "Tests:" not in answer.stdout
    assert "did you mean" in answer.stdout


@pytest.mark.parametrize(("weight", "exit_code"), [("warning", 0), ("error", 1)])
def test_tests_that_take_less_than_the_project_asks_for_are_told(shop, in_process, weight, exit_code):
    settings = (shop.root / "journeyscript.yaml").read_text()
    shop.write({"journeyscript.yaml": f"{settings}coverage: 100%\nrules: {{ JS903: {weight} }}\n"})
    change(shop, WELCOME.replace("steps:", 'exit:\n  - when: customer.id == "nobody"\nsteps:'))
    answer = in_process(shop, "review")
    assert answer.exit_code == exit_code, answer.output
    assert "JS903" in answer.stdout
    assert ("❌ not yet: tests" in answer.stdout) == (exit_code == 1)


def test_a_revision_without_a_project_has_everything_new(make_shop, in_process, tmp_path):
    (tmp_path / "read.me").write_text("hello\n")
    commit(tmp_path)
    shop = make_shop({"journeys/welcome.yaml": WELCOME, "simulations/few.yaml": POPULATION}, root=tmp_path / "shop")
    answer = in_process(shop, "review")
    assert answer.exit_code == 0, answer.output
    assert "Journeys: 1 new" in heads(answer.stdout)
    assert "Tests: there are none" in heads(answer.stdout)
    assert "| messages | ? | 40 |" in answer.stdout


def test_a_change_that_mends_a_broken_revision_is_reviewed_without_a_comparison(shop, in_process):
    shop.write({"journeys/welcome.yaml": WELCOME.replace("send: later", "send: latr")})
    commit(shop.root)
    shop.write({"journeys/welcome.yaml": WELCOME})
    answer = in_process(shop, "review", "--against", "git:HEAD")
    assert answer.exit_code == 0, answer.output
    assert "<b>Compared</b>: with nothing, as there is an error in <code>git&#58;HEAD</code>" in answer.stdout
    assert "--> HEAD:journeys/welcome.yaml:9:11" in answer.stdout
    assert "<b>Tests</b>: 1 passed" in answer.stdout
    assert "Pictures" not in answer.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--against", "git:nowhere"), "git knows no revision `nowhere`"),
        (("--against", "nowhere"), "there is no project in `nowhere`"),
        (("--store", "nowhere.db"), "there is no store at `nowhere.db`"),
        (("--population", "many"), "there is no population `many`"),
    ],
)
def test_what_was_named_and_is_not_there_ends_with_2_and_no_comment(shop, in_process, words, said):
    answer = in_process(shop, "review", *words)
    assert answer.exit_code == 2
    assert said in answer.stderr
    assert answer.stdout == ""


def test_of_several_populations_one_has_to_be_chosen(shop, in_process):
    shop.write({"simulations/others.yaml": POPULATION.replace("few", "others").replace("number: 20", "number: 5")})
    assert heads(in_process(shop, "review").stdout)[-1].startswith("Forecast: not made, as nothing says for which")
    assert "10 → 10 messages for 5 customers" in in_process(shop, "review", "--population", "others").stdout


def test_nothing_that_a_file_says_becomes_markup_or_a_mention(shop, in_process):
    change(shop, WELCOME.replace("title: Welcome", 'title: "</details> @everyone <img src=x> | cell"'))
    text = in_process(shop, "review").stdout
    assert "<img" not in text
    assert "@everyone" not in text
    assert text.count("<details") == text.count("</details>")


def test_a_comment_that_is_too_long_is_cut_between_blocks_and_says_where():
    many = tuple(f"| {number} | {'x' * 90} |" for number in range(2_000))
    sections = [
        Section(name="Short", said="one line", blocks=("whole",), whole="short"),
        Section(name="Long", said="many lines", blocks=many, whole="journeyscript long", blocked=True),
        Section(name="Longer", said="more lines", blocks=many * 2, whole="journeyscript longer"),
        Section(name="Bare", said="nothing to open"),
    ]
    text = comment("git:main", sections)
    assert LONGEST - 2_000 < len(text) <= LONGEST
    assert text.endswith("Too long for a comment, and cut: Long, Longer.")
    assert "Cut here: `journeyscript long` shows all of it." in text
    assert "\nwhole\n" in text
    assert text.count("<details") == text.count("</details>") == 3
    assert {line for line in text.splitlines() if line.startswith("| ")} <= set(many)
