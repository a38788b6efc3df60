"""Whether a file has the shape that its kind asks for: every key known, none missing, every value of the right form.

Takes nodes and gives findings at their places, one for each cause. What is right is in the JSON Schemas alone; here a
departure from one is told to the person who wrote the file.
"""

from functools import cache
from itertools import islice
from typing import Any, TypeAlias

from journeyscript.diagnostics import Diagnostic, Fix
from journeyscript.rules import finding
from journeyscript.source.building import shorten
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence, locate, plain
from journeyscript.source.scalars import read_plain
from journeyscript.syntax import wording
from journeyscript.syntax.validating import SCHEMA_KINDS, FileKind, Place, Schema, Violation, schema, violations

__all__ = ["SCHEMA_KINDS", "FileKind", "check_structure", "schema", "step_keywords"]

MAX_VIOLATIONS = 500
"""A file with more than that is of another kind altogether; the rest would say nothing new."""

MAX_UNKNOWN_KEYS = 20
"""Likewise for the unknown keys of one mapping."""

_STEP_LISTS = ("steps", "then", "else")

Groups: TypeAlias = dict[Place, list[Violation]]


def check_structure(kind: FileKind, node: Node) -> list[Diagnostic]:
    """Return what is wrong with the shape of a file of this kind, in the order of the file."""
    groups: Groups = {}
    for violation in islice(violations(kind, plain(node)), MAX_VIOLATIONS):
        groups.setdefault(violation.place, []).append(violation)
    findings = [found for place in groups for found in _tell(kind, node, place, groups)]
    return sorted(findings, key=lambda found: (found.span, found.code))


@cache
def step_keywords() -> tuple[str, ...]:
    """Return the keys that say what a step does, of which every step has one."""
    return tuple(choice["required"][0] for choice in schema("journey")["$defs"]["step"]["anyOf"])


def _tell(kind: FileKind, root: Node, place: Place, groups: Groups) -> list[Diagnostic]:
    """Return the findings for everything that departs at one place."""
    group, target = groups[place], locate(root, place)
    first = {violation.keyword: violation for violation in reversed(group)}
    if "not" in first:
        return [_misplaced(locate(root, place[:-1]), str(place[-1]), first["not"])]
    if "type" in first:
        return _wrong_value(place, target, first["type"])
    if "contains" in first or "x-last" in first:
        return _no_else(root, place, target, groups)
    told = [_wrong_name(target, item) for item in group if item.keyword == "propertyNames"]
    if isinstance(target, Mapping):
        told.extend(_wrong_keys(kind, place, target, group))
    told_by_keys = ("propertyNames", "additionalProperties", "required", "anyOf")
    value = next((item for item in group if item.keyword not in told_by_keys), None)
    return told + (_wrong_value(place, target, value) if value is not None and not told else [])


# Keys ---------------------------------------------------------------------------------------------------------------


def _wrong_keys(kind: FileKind, place: Place, target: Mapping, group: list[Violation]) -> list[Diagnostic]:
    """Return findings for keys that are unknown or missing, without those that only follow from others."""
    closed = [item.schema for item in group if item.keyword == "additionalProperties"]
    # Of two forms that apply at once each refuses what the other allows; wrong is what both refuse.
    allowed = {name: None for form in closed for name in form["properties"]}
    choices = [name for item in group for name in item.schema.get("x-alternatives", ())]
    undecided = bool(choices) and not any(target.get(name) for name in choices)
    unknown = [pair.key for pair in target.pairs if closed and pair.key.text not in allowed][:MAX_UNKNOWN_KEYS]
    told: list[Diagnostic] = []
    if kind == "journey" and _is_step(place):
        keywords = [pair.key.text for pair in target.pairs if pair.key.text in step_keywords()]
        if not keywords:
            return [_no_keyword(target)]
        if len(keywords) > 1:
            told.append(_two_keywords(target, keywords))
            group = [item for item in group if item.keyword != "required"]
    if undecided:
        # Which of its forms this is nobody can say, so keys of any form may be right.
        allowed |= dict.fromkeys(choices)
        unknown = [key for key in unknown if key.text not in _properties(kind)]
    free = [name for name in allowed if target.get(name) is None]
    meant = {key.text: wording.meant(key.text, free) for key in unknown}
    told.extend(_unknown_key(kind, key, tuple(allowed), meant[key.text]) for key in unknown)
    slips = {name for name in meant.values() if name is not None}
    return told + _missing_keys(kind, place, target, group, slips)


def _is_step(place: Place) -> bool:
    return len(place) > 1 and isinstance(place[-1], int) and place[-2] in _STEP_LISTS


def _no_keyword(target: Mapping) -> Diagnostic:
    """Return the finding for a step of which nobody can say what it does."""
    keywords = step_keywords()
    belonging = _properties("journey")
    strange = [pair.key for pair in target.pairs if pair.key.text not in belonging]
    slip = next((key for key in strange if wording.meant(key.text, keywords)), strange[0] if strange else None)
    if slip is None:
        span = target.pairs[0].key.span if target.pairs else target.span
        help_text = f"a step has one of the keys {wording.together(keywords)}"
        return finding("JS004", "this step does not say what it does", span, help=help_text)
    meant = wording.meant(slip.text, keywords)
    return finding(
        "JS003",
        f"there is no step `{shorten(slip.text)}`",
        slip.span,
        help=wording.suggestion(meant, keywords, "step"),
        fix=_rename(slip, meant),
    )


def _two_keywords(target: Mapping, keywords: list[str]) -> Diagnostic:
    message = f"`{keywords[1]}` has no place beside `{keywords[0]}`: a step does one thing"
    help_text = f"write `- {keywords[1]}:` as a step of its own"
    return finding("JS003", message, target.key_span(keywords[1]), help=help_text)


def _unknown_key(kind: FileKind, key: Scalar, allowed: tuple[str, ...], meant: str | None) -> Diagnostic:
    known = meant is None and key.text in _properties(kind)
    message = f"the key `{key.text}` has no place here" if known else f"there is no key `{shorten(key.text)}` here"
    help_text = wording.suggestion(meant, allowed, "key")
    if any(key.text.count(closing) > key.text.count(opening) for opening, closing in ("()", "[]")):
        # `{ when: did(order, last 5 days) }` ends at the comma, as every mapping in braces does.
        help_text = "within `{ }` a comma ends a value: put what stands there in quotes, or on a line of its own"
    return finding("JS003", message, key.span, help=help_text, fix=_rename(key, meant))


def _misplaced(target: Node, name: str, item: Violation) -> Diagnostic:
    """Return the finding for a key that another one beside it rules out."""
    span = target.key_span(name) if isinstance(target, Mapping) else target.span
    return finding("JS003", f"the key `{name}` has no place here", span, help=item.schema.get("errorMessage"))


def _rename(key: Scalar, meant: str | None) -> Fix | None:
    return None if meant is None else Fix(title=f"write `{meant}`", span=key.span, replacement=meant)


def _missing_keys(
    kind: FileKind, place: Place, target: Mapping, group: list[Violation], slips: set[str]
) -> list[Diagnostic]:
    """Return a finding for the keys that are missing, and one under its own rule for a wait without a timeout."""
    missing: dict[str, Schema] = {}
    told = []
    for item in group:
        if item.keyword != "required":
            continue
        choices = item.schema.get("x-alternatives", ())
        if choices and not any(target.get(name) for name in choices):
            if slips.isdisjoint(choices):
                span = target.pairs[0].key.span if target.pairs else target.span
                return [finding("JS004", f"{wording.either(choices)} is missing here", span)]
            return []
        missing |= {name: item.schema for name in item.asked if target.get(name) is None and name not in slips}
    if kind == "journey" and missing.pop("timeout", None) is not None:
        told.append(_no_timeout(target))
    if missing:
        told.append(_missing(kind, place, target, missing))
    return told


def _missing(kind: FileKind, place: Place, target: Mapping, missing: dict[str, Schema]) -> Diagnostic:
    span = target.pairs[0].key.span if target.pairs else target.span
    if kind == "journey" and _is_step(place):
        span = next(pair.key.span for pair in target.pairs if pair.key.text in step_keywords())
    names = tuple(missing)
    if len(names) > 1:
        return finding("JS004", f"the keys {wording.together(names)} are missing here", span)
    declared = missing[names[0]].get("properties", {}).get(names[0])
    example = wording.example(_resolved(kind, declared if isinstance(declared, dict) else _properties(kind)[names[0]]))
    help_text = None if example is None else f"add it, for example `{names[0]}: {example}`"
    return finding("JS004", f"the key `{names[0]}` is missing here", span, help=help_text)


def _no_timeout(target: Mapping) -> Diagnostic:
    span = target.key_span("wait_for" if target.get("wait_for") is not None else "when")
    message = "this wait has no `timeout`, so a customer can be stuck in it for ever"
    return finding("JS210", message, span, help="add how long it is worth waiting, for example `timeout: 3 days`")


def _no_else(root: Node, place: Place, target: Node, groups: Groups) -> list[Diagnostic]:
    """Return that a branch does not end with `else`, unless its last item is wrong in a way that explains it."""
    items = target.items if isinstance(target, Sequence) else ()
    if (*place, len(items) - 1) in groups:
        return []
    step = locate(root, place[:-1])
    span = step.key_span("branch") if isinstance(step, Mapping) else target.span
    early = next((item for item in items if isinstance(item, Mapping) and item.get("else") is not None), None)
    if isinstance(early, Mapping):
        message = "`else` is not the last item of its branch, so what follows it is never looked at"
        return [finding("JS204", message, early.key_span("else"), help="move it to the end")]
    message = "this branch has no `else`, so it says nothing about customers to whom no condition applies"
    return [
        finding("JS204", message, span, help="add `- else: []` as its last item, with the steps for everybody else")
    ]


# Values -------------------------------------------------------------------------------------------------------------


def _wrong_name(target: Node, item: Violation) -> Diagnostic:
    """Return the finding for a key that is a name of the writer's own choice, and not one that can be chosen."""
    span = target.key_span(item.value) if isinstance(target, Mapping) else target.span
    title, choices = item.schema.get("title", "name"), item.schema.get("enum")
    message = f"`{shorten(item.value)}` is not {wording.noun(title)}"
    if choices is None:
        return finding("JS005", message, span, help=item.schema.get("patternErrorMessage"))
    meant = wording.meant(item.value, choices)
    return finding("JS003", message, span, help=wording.suggestion(meant, choices, title))


def _wrong_value(place: Place, target: Node, item: Violation) -> list[Diagnostic]:
    """Return the finding for a value of the wrong form, unless reading it went wrong before."""
    if isinstance(target, Scalar) and not target.quoted and read_plain(target.text)[1] is not None:
        return []
    subject = _subject(place)
    what = f"{subject} must be {wording.expected(item.schema)}, not {wording.found(target)}"
    help_text, fix = _by_example(place, item.schema), None
    match item.keyword:
        case "type" if isinstance(target, Scalar) and target.value is None:
            what = f"{subject} has no value"
        case "minLength" | "minProperties":
            what = f"{subject} is empty"
        case "minItems" if item.schema.get("maxItems") is None:
            what = f"{subject} is empty"
        case "minItems" | "maxItems":
            what = f"{subject} must be {wording.expected(item.schema)}, not of {len(item.value)}"
        case "minimum" | "exclusiveMinimum" | "maximum":
            limits = {"minimum": "at least", "exclusiveMinimum": "more than", "maximum": "at most"}
            what = f"{subject} must be {limits[item.keyword]} {item.asked}, not {wording.found(target)}"
        case "uniqueItems":
            what, help_text = f"{wording.found(target)} is listed twice", "delete one of the two"
        case "pattern":
            help_text = ", such as ".join(
                text for text in (item.schema.get("patternErrorMessage"), _quoted(wording.example(item.schema))) if text
            )
        case "enum":
            meant = wording.meant(str(item.value), item.schema["enum"])
            help_text = None if meant is None else f"did you mean `{meant}`?"
            fix = _replace(target, meant)
        case _:
            pass
    return [finding("JS005", what, target.span, help=help_text, fix=fix)]


def _replace(target: Node, meant: str | None) -> Fix | None:
    if meant is None or not isinstance(target, Scalar) or target.quoted:
        return None
    return Fix(title=f"write `{meant}`", span=target.span, replacement=wording.flow(meant))


def _subject(place: Place) -> str:
    """Return how to speak of the value at a place."""
    if not place:
        return "this file"
    if isinstance(place[-1], str):
        return f"`{shorten(place[-1])}`"
    of = next((part for part in reversed(place) if isinstance(part, str)), None)
    return "this item" if of is None else f"this item of `{shorten(of)}`"


def _by_example(place: Place, part: Schema) -> str | None:
    """Return help that shows how the value is written; a whole file is too long to show."""
    example = wording.example(part)
    if not place or example is None:
        return None
    return f"for example `{place[-1]}: {example}`" if isinstance(place[-1], str) else f"for example `{example}`"


def _quoted(text: str | None) -> str | None:
    return None if text is None else f"`{text}`"


# Schemas ------------------------------------------------------------------------------------------------------------


@cache
def _properties(kind: FileKind) -> dict[str, Schema]:
    """Return every key that a kind of file has anywhere, with what the schema says of it."""
    known: dict[str, Schema] = {}
    pending: list[Any] = [schema(kind)]
    while pending:
        match pending.pop():
            case dict() as part:
                declared = part.get("properties")
                if isinstance(declared, dict):
                    known |= {name: child for name, child in declared.items() if isinstance(child, dict)}
                pending.extend(child for name, child in part.items() if name != "examples")
            case list() as parts:
                pending.extend(parts)
            case _:
                pass
    return known


def _resolved(kind: FileKind, part: Schema) -> Schema:
    """Return a schema with what it refers to, its own words first."""
    reference = part.get("$ref", "").removeprefix("#/$defs/")
    return {**schema(kind)["$defs"][reference], **part} if reference else part
