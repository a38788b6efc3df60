"""Expectations that fail, rewritten to what happened: only keys that are there, and no comment lost.

Takes a file's text with the verdicts on its tests; gives the new text. A value is replaced where it stands; a list that
has others in it now is written anew, and so is all that is expected where a key has nothing more to say.
"""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any

import yaml
from msgspec import Struct

from journeyscript.cli.testing.adding import unquoted
from journeyscript.diagnostics import Span
from journeyscript.engine.calendar import local_text
from journeyscript.runtime.trials.causes import cause_name
from journeyscript.runtime.trials.expectations import NOT_ENTERED, STATUSES
from journeyscript.runtime.trials.happened import Happened
from journeyscript.runtime.trials.staging import expected_state
from journeyscript.runtime.trials.telling import written
from journeyscript.runtime.trials.trial import Verdict
from journeyscript.semantics.catalog import Catalog
from journeyscript.source.nodes import Scalar, plain
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.records import KeptSend
from journeyscript.syntax.formatter import format_text
from journeyscript.syntax.formatter.comments import CannotFormatError, read_tokens
from journeyscript.syntax.trial_file import Expectations, ExpectedSend, WrittenTest


class CannotUpdateError(ValueError):
    """A file's expectations cannot be rewritten. The text says why."""


class _Edit(Struct, frozen=True, kw_only=True):
    """A stretch of the text and what to write there; `key` is where its key stands, `gone` that it goes as well."""

    span: Span
    text: str
    key: Span | None = None
    gone: bool = False


def updated(text: str, path: str, ran: Iterable[tuple[WrittenTest, Verdict]], catalog: Catalog) -> str:
    """Return a file's text in which what failed is expected as it happened; tests that are wrong themselves stay.

    Raises:
        CannotUpdateError: something in it would be lost.
    """
    edits: list[_Edit] = []
    for test, verdict in ran:
        if verdict.failures and verdict.happened is not None:
            edits += _edits(test.expect, verdict.happened, catalog)
    if not edits:
        return text
    try:
        comments = [comment.text for comment in read_tokens(text).comments]
        changed = _applied(text, edits)
        kept = [comment.text for comment in read_tokens(changed).comments]
    except (CannotFormatError, yaml.YAMLError) as problem:
        raise CannotUpdateError(f"`{path}` cannot be written anew: {problem}") from None
    if sorted(comments) != sorted(kept) or read_yaml(path, changed)[0] is None:
        raise CannotUpdateError(f"`{path}` has a comment inside of what is to be written anew; move it and try again")
    was_formatted = format_text("test", path, text).text == text
    formatted = format_text("test", path, changed).text
    return formatted if formatted is not None and was_formatted else changed


def _edits(expect: Expectations, happened: Happened, catalog: Catalog) -> list[_Edit]:
    """Return what to change so that a test expects what happened."""
    wanted: dict[str, Any] = {}
    edits: list[_Edit] = []
    for pair in expect.place.pairs:
        key = pair.key.text
        new = _expected(key, expect, happened, catalog)
        if new is None:
            continue
        wanted[key] = new
        old = plain(pair.value)
        if new == old:
            continue
        edits += _differences(key, expect, old, new) or [
            _Edit(span=pair.value.span, text=_flow(new), key=pair.key.span)
        ]
    silent = [pair for pair in expect.place.pairs if pair.key.text not in wanted]
    start = expect.place.pairs[0].key.span
    if wanted and (start.line, start.column) == (expect.place.span.line, expect.place.span.column):
        return [*edits, *(_Edit(span=pair.value.span, text="", key=pair.key.span, gone=True) for pair in silent)]
    if not silent:
        return edits
    # A key has nothing more to say, and stands between braces or alone.
    wanted = wanted or {"state": expected_state(happened)}
    return [_Edit(span=expect.place.span, text=_flow(wanted))]


def _expected(key: str, expect: Expectations, happened: Happened, catalog: Catalog) -> Any:  # noqa: ANN401 - plain YAML
    """Return what a key would have to say; `None` where there is nothing for it to say."""
    last = happened.last
    match key:
        case "sends":
            return _sends(expect.sends or (), happened)
        case "not_sent":
            return _silences(expect, happened) or None
        case "path":
            met = _in_order([step.text for step in expect.path], happened.path)
            return (met if met is not None else happened.path) or None
        case "state":
            assert expect.state is not None, "the key is there"
            return _state(expect.state, happened)
        case "reason":
            return None if last is None else last.reason
        case "goal":
            return last is not None and last.goal_at is not None
        case "attributes":
            return _attributes(expect, happened, catalog)
        case _:
            return None


def _sends(expected: Sequence[ExpectedSend], happened: Happened) -> list[dict[str, Any]]:
    """Return the messages that were sent, each with what was said of it where it stood in the same order."""
    names, sent = [send.message.text for send in expected], [send.message for send in happened.sent]
    before: dict[int, ExpectedSend] = {}
    for block in SequenceMatcher(a=names, b=sent, autojunk=False).get_matching_blocks():
        before |= {block.b + number: expected[block.a + number] for number in range(block.size)}
    return [_send(before.get(number), send, happened) for number, send in enumerate(happened.sent)]


def _send(before: ExpectedSend | None, send: KeptSend, happened: Happened) -> dict[str, Any]:
    item: dict[str, Any] = {"message": send.message}
    if before is None:
        return item
    if before.channel is not None:
        item["channel"] = send.channel
    if before.at is not None:
        item["at"] = _moment(before.at, send, happened)
    if before.because is not None:
        item["because"] = cause_name(before.because.text, send, happened.story)
    return item


def _moment(before: Scalar, send: KeptSend, happened: Happened) -> str:
    """Return when a message was sent; in the words that are there where they are right."""
    from journeyscript.runtime.intake.values import parse_instant

    if parse_instant(before.text) == send.created_at:
        return before.text
    return local_text(send.created_at, happened.zone).replace(":00+", "+").replace(":00-", "-")


def _silences(expect: Expectations, happened: Happened) -> list[dict[str, Any]]:
    sent = {send.message for send in happened.sent}
    found = []
    for silence in expect.not_sent:
        message = silence.message.text
        reasons = [send.reason for send in happened.skipped if send.message == message]
        if silence.reason is None or silence.reason.text in reasons:
            if silence.reason is not None or message not in sent:
                found.append(plain(silence.node))
        elif reasons:
            found.append({"message": message, "reason": reasons[0]})
        elif message not in sent:
            found.append({"message": message})
    return [item for item in found if isinstance(item, dict)]


def _in_order(steps: list[str], reached: list[str]) -> list[str] | None:
    """Return the steps where they were reached in this order."""
    there = iter(reached)
    met = all(any(state == step or state.startswith(f"{step}.") for state in there) for step in steps)
    return steps if met else None


def _state(before: Scalar, happened: Happened) -> str:
    last, wanted = happened.last, before.text
    if last is None:
        return NOT_ENTERED
    if wanted in STATUSES:
        return last.status
    holds = last.state == wanted or last.state.startswith(f"{wanted}.")
    return wanted if holds else expected_state(happened)


def _attributes(expect: Expectations, happened: Happened, catalog: Catalog) -> dict[str, Any]:
    assert expect.attributes is not None, "the key is there"
    found: dict[str, Any] = {}
    for pair in expect.attributes.pairs:
        name, definition = pair.key.text, catalog.attributes.get(pair.key.text)
        value = happened.story.customer.attributes.get(name)
        found[name] = value if definition is None or value is None else written(value, definition.type)
    return found


def _differences(key: str, expect: Expectations, old: Any, new: Any) -> list[_Edit]:  # noqa: ANN401 - plain YAML
    """Return an edit for each value that differs; none where the list has others in it and is to be written anew."""
    node = expect.place.get(key)
    pairs: list[tuple[Any, Any, Any]] = []
    if isinstance(old, dict) and isinstance(new, dict) and node is not None:
        pairs = [(node, old, new)]
    elif key in ("sends", "not_sent") and [i["message"] for i in old] == [i["message"] for i in new]:
        items = getattr(node, "items", ())
        if all(set(before) == set(after) for before, after in zip(old, new, strict=True)):
            pairs = list(zip(items, old, new, strict=True))
    elif isinstance(node, Scalar):
        return [_Edit(span=node.span, text=_flow(new))]
    return [
        _Edit(span=item.get(name).span, text=_flow(value))
        for item, before, after in pairs
        for name, value in after.items()
        if value != before[name]
    ]


def _flow(value: Any) -> str:  # noqa: ANN401 - plain YAML
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1 << 20)
    return unquoted(text.removesuffix("\n").removesuffix("\n..."))


def _applied(text: str, edits: Sequence[_Edit]) -> str:
    """Return the text with all edits; comments inside of what is replaced go above the key it belongs to."""
    lines = text.split("\n")
    comments = read_tokens(text).comments
    for edit in sorted(edits, key=lambda one: one.span, reverse=True):
        first, last = edit.span.line - 1, edit.span.end_line - 1
        tail = lines[last][edit.span.end_column - 1 :]
        if edit.key is None:
            lines[first : last + 1] = [lines[first][: edit.span.column - 1] + edit.text + tail]
            continue
        start, end = (edit.key.line, edit.key.column), (edit.span.end_line, edit.span.end_column)
        if edit.gone:
            # What is said at the end of the line is kept on a line of its own.
            end = (edit.span.end_line + 1, 0)
        margin = " " * (len(lines[edit.key.line - 1]) - len(lines[edit.key.line - 1].lstrip()))
        above = [f"{margin}{comment.text}" for comment in comments if start <= comment.at < end]
        said = [] if edit.gone else [f"{lines[edit.key.line - 1][: edit.key.end_column - 1]}: {edit.text}{tail}"]
        lines[edit.key.line - 1 : last + 1] = above + said
    return "\n".join(lines)
