"""A plan shown: for people, for programs, and for a comment on a pull request."""

from collections.abc import Iterator

import msgspec

from journeyscript.checks.changes.change import crowd
from journeyscript.cli.showing.outlooks import outlook_as_markdown
from journeyscript.diagnostics import Diagnostic
from journeyscript.runtime.changing.outlook import Outlook
from journeyscript.runtime.changing.planning import JourneyPlan, Line, Plan, Planned


def as_json(planned: Planned, outlook: Outlook) -> str:
    """Return a plan as one JSON document, with what is found of it and its outlook."""
    from journeyscript.cli.showing.findings.diagnostics import render

    told = msgspec.json.decode(render(planned.findings, "json", lambda _: None))
    document = {
        **msgspec.to_builtins(planned.plan),
        "blocked": planned.blocked,
        "findings": told["diagnostics"],
        "histories": msgspec.to_builtins(outlook.histories),
        "week": msgspec.to_builtins(outlook.week),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def saved(plan: Plan) -> bytes:
    """Return a plan as it is kept in a file."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def read_saved(document: bytes) -> Plan:
    """Return a plan that was kept in a file.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(document, type=Plan)


def as_text(plan: Plan) -> str:
    """Return a plan for a terminal: a line for each step with people at it."""
    return "\n".join(line for one in plan.journeys for line in _journey(one))


def as_markdown(planned: Planned, outlook: Outlook) -> str:
    """Return a plan for a comment: a table for each journey, what came of histories, and what a week brings."""
    parts: list[str] = []
    for one in planned.plan.journeys:
        parts.append(f"### {_heading(one)}")
        if one.lines:
            rows = [f"| `{line.step}` | {_number(line)} | {in_words(line)} |" for line in one.lines]
            parts.append("\n".join(["| step | people | what becomes of them |", "|---|---:|---|", *rows]))
    parts += outlook_as_markdown(outlook)
    parts += [f"- **{found.code}** {_plain(found)}" for found in planned.findings]
    return "\n\n".join(parts) if parts else "No journey changes."


def _plain(found: Diagnostic) -> str:
    return found.message + (f" — {found.help}" if found.help else "")


def _journey(one: JourneyPlan) -> Iterator[str]:
    yield _heading(one)
    several = len({line.version for line in one.lines}) > 1
    widths = [max((len(words) for words in column), default=0) for column in zip(*map(_cells, one.lines), strict=True)]
    for line in one.lines:
        step, people = _cells(line)
        version = f"  (version {line.version})" if several else ""
        yield f"  {step:<{widths[0]}}  {people:>{widths[1]}}  {in_words(line)}{version}"


def _cells(line: Line) -> tuple[str, str]:
    return line.step, crowd(line.people, line.test_customers)


def _number(line: Line) -> str:
    return crowd(line.people, line.test_customers) if line.test_customers else f"{line.people:,}"


def _heading(one: JourneyPlan) -> str:
    people, test = sum(line.people for line in one.lines), sum(line.test_customers for line in one.lines)
    inside = f"{crowd(people, test)} inside" if people or test else "nobody is inside"
    before = ", ".join(one.before)
    if not one.version:
        return f"{one.journey}: version {before} is taken away; {inside}"
    if not one.before:
        return f"{one.journey}: new, version {one.version}"
    return f"{one.journey}: version {before} -> {one.version}; {inside}"


def in_words(line: Line) -> str:
    """Return what becomes of those at a step."""
    match line.fate:
        case "stay":
            return "stay in their version"
        case "exit":
            return "leave the journey"
        case "stranded":
            return "stand at a step that is gone"
        case "move":
            parts = ["move" if line.to == line.step else f"move to {line.to}"]
    if line.retimed:
        parts.append(f"{line.retimed:,} with another time")
    if line.due:
        parts.append(f"{line.due:,} go on at once")
    if line.sent:
        parts.append(f"{line.sent:,} get a message by it")
    parts += [f"{one.people:,} would receive `{one.message}` again" for one in line.again]
    return ", ".join(parts)
