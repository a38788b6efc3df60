"""The examples of `docs/semantics.md` are sound, and every answer has an example or names its tests, which are there.

The examples are run on every store and in simulation by `tests/conformance/test_documented.py`.
"""

import ast
import re

import msgspec

from tests.worlds import SHOWN_ON_PURPOSE, WELCOME, examples, signed_up, write_project

DOCUMENT = "docs/semantics.md"


def sections(text):
    """Return what stands below each heading that has no heading below itself: text by title."""
    parts = re.split(r"^(##+) (.+)\n", text, flags=re.MULTILINE)[1:]
    levels, titles, bodies = parts[::3], parts[1::3], parts[2::3]
    following = [*levels[1:], "##"]
    return {
        title: body
        for level, title, body, after in zip(levels, titles, bodies, following, strict=True)
        if after <= level
    }


def test_every_example_is_a_sound_project_and_does_what_the_document_says(document, tmp_path, say):
    found = examples(document(DOCUMENT).text)
    names = [name for name, *_ in found]
    assert len(set(names)) == len(names) > 20
    assert all(tests for _, _, tests, _ in found)
    weights = ", ".join(f'{code}: "off"' for code in SHOWN_ON_PURPOSE)
    for number, policies in enumerate({policies: None for *_, policies in found}):
        folder = tmp_path / str(number)
        chosen = [(name, journey, tests) for name, journey, tests, under in found if under == policies]
        write_project(
            folder, {k: v for name, text, tests in chosen for k, v in ((name, text), (f"{name}.test", tests))}
        )
        # Some examples show on purpose what a journey would better not do, and they live in one project.
        with (folder / "journeyscript.yaml").open("a") as project:
            project.write(f"{policies}rules: {{ {weights} }}\n")
        assert say("journeyscript validate", folder=folder).endswith("no findings\n")
        assert " 0 failed" in say("journeyscript test", folder=folder)


def test_every_answer_has_an_example_or_names_its_test(document):
    unproved = [
        title
        for title, body in sections(document(DOCUMENT).text).items()
        if "```yaml\ntests:" not in body and "::test_" not in body
    ]
    assert not unproved


def test_every_test_that_is_named_is_there(document, root):
    named = re.findall(r"`(tests/[\w/.]+)::(test_\w+)`", document(DOCUMENT).text)
    assert named
    for path, name in named:
        functions = {
            node.name for node in ast.parse((root / path).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert name in functions, f"{path} has no {name}"


# Two clocks --------------------------------------------------------------------------------------------------------


def test_a_replay_ends_with_its_last_event_unless_told_to_go_on(tmp_path, say):
    write_project(tmp_path, {"welcome": WELCOME})
    (tmp_path / "events.jsonl").write_bytes(msgspec.json.encode(signed_up("2026-05-01T12:00Z")) + b"\n")
    assert "1 at wait_for.purchased" in say("journeyscript run --events events.jsonl", folder=tmp_path)
    assert "1 at wait_for.purchased" not in say(
        "journeyscript run --events events.jsonl --until 2026-06-01", folder=tmp_path
    )


def test_a_replay_and_a_live_run_refuse_each_other_s_store(tmp_path, say):
    write_project(tmp_path)
    say("journeyscript run --events samples/events.jsonl", folder=tmp_path)
    said = say("journeyscript run --once --store .journeyscript/replay.db", folder=tmp_path, code=2)
    assert "was filled by a replay" in said
    say("journeyscript run --once", folder=tmp_path)
    said = say(
        "journeyscript run --events samples/events.jsonl --store .journeyscript/store.db", folder=tmp_path, code=2
    )
    assert "belongs to live runs" in said
