"""The outlook of a plan shown for people: what came of recorded histories, and what a week brings."""

from collections.abc import Iterator

from journeyscript.checks.changes.histories import Histories
from journeyscript.runtime.changing.outlook import Outlook
from journeyscript.runtime.changing.week import Expected, Week


def outlook_as_text(outlook: Outlook) -> str:
    """Return an outlook for a terminal; empty where there is nothing to tell."""
    blocks: list[list[str]] = []
    told = [one for one in outlook.histories if one.there]
    if told:
        width = max(len(one.journey) for one in told)
        lines = [f"  {one.journey:<{width}}  {in_words(one)}" for one in told]
        blocks.append(["recorded histories of those inside, and of those who left in the last 28 days:", *lines])
    if outlook.week is not None:
        blocks.append(list(_week(outlook.week)))
    return "\n\n".join("\n".join(block) for block in blocks)


def outlook_as_markdown(outlook: Outlook) -> Iterator[str]:
    """Yield the parts of an outlook for a comment."""
    told = [f"- `{one.journey}`: {in_words(one)}" for one in outlook.histories if one.there]
    if told:
        yield "\n".join(["Recorded histories of those inside, and of those who left in the last 28 days:", "", *told])
    if outlook.week is not None and outlook.week.expected:
        rows = [f"| {' | '.join(_row(one))} |" for one in outlook.week.expected]
        yield f"Expected in a week, {_basis(outlook.week)}:"
        yield "\n".join(["| journey | | before | now |", "|---|---|---:|---:|", *rows])


def in_words(histories: Histories) -> str:
    """Return how many histories were replayed, how many would have gone another way, and which were left out."""
    parts = [f"{histories.compared:,} of {histories.there:,} replayed"]
    if histories.compared:
        different = f"{histories.different:,}" if histories.different else "none"
        parts.append(f"{different} would have gone another way")
    left = (
        (histories.moved, "moved between versions before"),
        (histories.unlike, "not to be told from the profile of today"),
        (histories.pruned, "pruned"),
    )
    words = ", ".join(f"{count:,} {why}" for count, why in left if count)
    return "; ".join([*parts, f"left out: {words}"] if words else parts)


def _week(week: Week) -> Iterator[str]:
    if not week.expected:
        yield "expected in a week: not told, as less than a day is recorded"
        return
    yield f"expected in a week, {_basis(week)}:"
    rows = [("", "", "before", "now"), *map(_row, week.expected)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for journey, what, before, now in rows:
        words = f"  {journey:<{widths[0]}}  {what:<{widths[1]}}"
        yield f"{words}  {before:>{widths[2]}}  {now:>{widths[3]}}"


def _basis(week: Week) -> str:
    return f"by {week.days:g} days of {week.taken:,} of {week.customers:,} customers"


def _row(one: Expected) -> tuple[str, str, str, str]:
    what = f"messages by {one.channel}" if one.channel else "entries"
    before, now = ("-" if count is None else f"{count:,}" for count in (one.before, one.now))
    return one.journey, what, before, now
