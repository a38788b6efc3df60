"""A forecast as tables: the funnel of each journey, messages, channels, what was not sent, experiments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from journeyscript.cli.showing.simulations.words import amount, comparison, interval, minutes, percent, verdict

if TYPE_CHECKING:
    from rich.table import Table

    from journeyscript.runtime.simulation.forecast import Forecast, JourneyForecast

_BAR = 24


def parts_of(forecast: "Forecast") -> "Iterator[str | Table]":
    """Yield a forecast as lines and tables, in order."""
    days = f"{forecast.start[:10]} to {forecast.end[:10]} in {forecast.timezone}"
    yield f"{forecast.customers:,} customers of {forecast.population} (seed {forecast.seed}), {days}."
    yield from _doubts(forecast)
    yield ""
    for journey in forecast.journeys:
        if journey.entered or journey.refused:
            yield from _funnel(journey)
    yield from _messages(forecast)
    yield from _channels(forecast)
    yield from _not_sent(forecast)
    yield from _experiments(forecast)


def _doubts(forecast: "Forecast") -> Iterator[str]:
    if forecast.left_out:
        yield f"{forecast.left_out:,} records of the file could not be used and are left out."
    if forecast.rejected:
        yield f"{forecast.rejected:,} events were refused on the way: journeys start each other in a circle."
    if forecast.cut_short:
        yield f"{forecast.cut_short:,} customers reacted to their own reactions in a circle, and were stopped."
    if forecast.test_entries:
        yield f"Not counted: {forecast.test_entries:,} entries of test customers."


def _funnel(journey: "JourneyForecast") -> "Iterator[str | Table]":
    from journeyscript.machine.wording import refusal_in_words

    reached = (
        ""
        if journey.goal is None
        else f", {journey.goal:,} reached the goal ({percent(journey.goal, journey.entered)})"
    )
    table = _table(
        f"Journey {journey.journey}: {journey.entered:,} entered{reached}", "step", "reached", "share", "", "here"
    )
    for step in journey.steps:
        share = step.reached / journey.entered if journey.entered else 0.0
        bar = "█" * round(_BAR * share)
        here = f"{step.here:,}" if step.here else ""
        table.add_row(step.step, f"{step.reached:,}", percent(step.reached, journey.entered), bar, here)
    yield table
    left = [f"{one.count:,} {one.name}" for one in journey.ended] + (
        [f"{journey.active:,} still inside"] * (journey.active > 0)
    )
    yield "How it ended: " + (", ".join(left) or "nobody entered") + "."
    if journey.refused:
        refused = ", ".join(f"{one.count:,} {refusal_in_words(one.name)}" for one in journey.refused)
        yield f"Not entered: {refused}."
    yield ""


def _messages(forecast: "Forecast") -> "Iterator[Table]":
    if forecast.messages:
        table = _table("Messages", "journey", "message", "channel", "sent")
        for one in forecast.messages:
            table.add_row(one.journey, one.message, one.channel, f"{one.sent:,}")
        yield table


def _channels(forecast: "Forecast") -> "Iterator[str | Table]":
    if not forecast.channels:
        yield "No message was sent."
        return
    table = _table("Channels", "channel", "sent", "cost", "busiest day", "busiest hour", "rate", "what the rate does")
    for one in forecast.channels:
        day = max((day for day in forecast.days if day.channel == one.channel), key=lambda day: (day.sent, day.day))
        rate, effect = "", ""
        if one.capacity is not None:
            rate = f"{one.capacity:,.0f} an hour"
            effect = f"up to {minutes(one.longest_wait)} late" if one.longest_wait else "keeps up"
        table.add_row(
            one.channel,
            f"{one.sent:,}",
            amount(one.cost),
            f"{day.sent:,} on {day.day}",
            f"{one.peak:,} on {one.peak_hour.replace('T', ' at ')}",
            rate,
            effect,
        )
    yield table
    if forecast.cost is not None:
        yield f"All messages together cost {amount(forecast.cost)}."
    yield ""


def _not_sent(forecast: "Forecast") -> "Iterator[Table]":
    if forecast.skipped:
        table = _table("Not sent", "journey", "message", "reason", "count")
        for one in forecast.skipped:
            table.add_row(one.journey, one.message, one.reason, f"{one.count:,}")
        yield table
    if forecast.held:
        table = _table("Had to wait", "journey", "reason", "count")
        for hold in forecast.held:
            table.add_row(hold.journey, hold.reason, f"{hold.count:,}")
        yield table


def _experiments(forecast: "Forecast") -> "Iterator[str | Table]":
    for one in (*forecast.experiments, *forecast.holdouts):
        title = f"{comparison(one)}, measured against {one.base}"
        table = _table(title, "arm", "customers", "reached the goal", "share", "difference", "what it shows")
        for arm in one.arms:
            difference = "" if arm.against is None else interval(arm.against)
            shown = "" if arm.arm == one.base else verdict(arm.against)
            share = percent(arm.converted, arm.assigned)
            table.add_row(arm.arm, f"{arm.assigned:,}", f"{arm.converted:,}", share, difference, shown)
        yield table


def _table(title: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    numeric = {"reached", "share", "here", "sent", "cost", "count", "customers", "reached the goal"}
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left")
    return table
