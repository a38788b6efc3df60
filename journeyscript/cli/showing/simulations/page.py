"""A forecast as one HTML page that stands alone: no script, no font, no link; light and dark by the reader's choice.

Takes a project, a forecast and the counts of every step; gives the text of the page. Every name that a user chose is
escaped. The same forecast gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from journeyscript.cli.showing.simulations.bars import bars
from journeyscript.cli.showing.simulations.words import amount, comparison, interval, minutes, percent, verdict

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.machine.pictures.picture import Heat
    from journeyscript.runtime.simulation.forecast import Forecast, JourneyForecast
    from journeyscript.runtime.simulation.tally import Tally

_STYLE = """
  :root { color-scheme: light dark; --page: #f4f6f8; --card: #ffffff; --text: #1c2430; --quiet: #56606e;
    --rule: #d9dee5; --fill: #3b76c4; --c0: #3b76c4; --c1: #2f8a54; --c2: #b98a1d; --c3: #7d5bbe; --c4: #c2543b;
    --c5: #5f7d8b; }
  @media (prefers-color-scheme: dark) { :root { --page: #0d1014; --card: #14181e; --text: #e8edf3; --quiet: #a5b0bd;
    --rule: #2c343e; --fill: #6ea3e6; --c0: #6ea3e6; --c1: #5dbb83; --c2: #d3a849; --c3: #a98be3; --c4: #e08468;
    --c5: #8aa6b3; } }
  body { margin: 0; background: var(--page); color: var(--text);
    font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "Noto Sans", sans-serif; }
  main { max-width: 1000px; margin: 0 auto; padding: 32px 16px 64px; }
  h1 { font-size: 26px; margin: 0; } h2 { font-size: 19px; margin: 0 0 12px; }
  h3 { font-size: 15px; margin: 20px 0 8px; }
  p { margin: 6px 0; } .quiet { color: var(--quiet); }
  section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 20px;
    margin-top: 20px; }
  .figures { display: flex; flex-wrap: wrap; gap: 12px 40px; } .figures b { display: block; font-size: 24px; }
  .wide { overflow-x: auto; } .wide > svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
  table { border-collapse: collapse; width: 100%; font-size: 14px; }
  th { text-align: left; color: var(--quiet); font-weight: 600; }
  th, td { padding: 5px 14px 5px 0; vertical-align: top; }
  tr + tr td, thead + tbody td { border-top: 1px solid var(--rule); }
  .count { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .share { width: 34%; }
  .share i { display: block; height: 11px; margin-top: 6px; border-radius: 3px; background: var(--fill); }
  .bars { width: 100%; } .bars text { fill: var(--quiet); font-size: 11px; } .rule { stroke: var(--rule); fill: none; }
  .c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
  .c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
  .c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
  .key i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin: 0 6px 0 16px; }
"""


def page(project: "Project", forecast: "Forecast", tally: "Tally") -> str:
    """Return the page."""
    title = escape(f"Forecast: {forecast.population}")
    parts = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>",
        f'<p class="quiet">{_days(forecast)}, seed {forecast.seed}. Invented customers; nothing was sent.</p>',
        *_figures(forecast),
        *_messages(forecast),
        *_experiments(forecast),
    ]
    journeys = [journey for journey in forecast.journeys if journey.entered]
    for number, journey in enumerate(journeys):
        parts += _journey(project, journey, tally.heat(journey.journey), number)
    return "\n".join([*parts, "</main></body></html>\n"])


def _days(forecast: "Forecast") -> str:
    return f"{forecast.start[:10]} to {forecast.end[:10]} in {escape(forecast.timezone)}"


def _figures(forecast: "Forecast") -> Iterator[str]:
    figures = {
        "customers": f"{forecast.customers:,}",
        "entries": f"{sum(journey.entered for journey in forecast.journeys):,}",
        "messages": f"{sum(one.sent for one in forecast.channels):,}",
        "not sent": f"{sum(one.count for one in forecast.skipped):,}",
    }
    if forecast.cost is not None:
        figures["cost"] = amount(forecast.cost)
    shown = "".join(f"<div><b>{figure}</b>{name}</div>" for name, figure in figures.items())
    yield f'<section><div class="figures">{shown}</div>'
    for count, what in (
        (forecast.left_out, "records of the file could not be used and are left out"),
        (forecast.rejected, "events were refused: journeys start each other in a circle"),
        (forecast.cut_short, "customers reacted to their own reactions in a circle, and were stopped"),
        (forecast.test_entries, "entries of test customers are not counted"),
    ):
        if count:
            yield f"<p>{count:,} {what}.</p>"
    yield "</section>"


def _messages(forecast: "Forecast") -> Iterator[str]:
    if not forecast.channels:
        return
    names = [one.channel for one in forecast.channels]
    key = "".join(f'<i class="c{place % 6}"></i>{escape(name)}' for place, name in enumerate(names))
    yield f'<section><h2>Messages by day</h2><p class="key quiet">{key}</p><div class="wide">'
    yield bars(forecast.days, names)
    yield "</div>"
    rows = []
    for one in forecast.channels:
        rate = "" if one.capacity is None else f"{one.capacity:,.0f} an hour"
        effect = f", up to {minutes(one.longest_wait)} late" if one.longest_wait else ", keeps up"
        busiest = f"{one.peak:,} on {one.peak_hour.replace('T', ' at ')}"
        rows.append((one.channel, f"{one.sent:,}", amount(one.cost), busiest, rate + (effect if rate else "")))
    yield _table(("channel", "#sent", "#cost", "busiest hour", "rate"), rows)
    if forecast.skipped:
        yield "<h3>Not sent</h3>"
        skipped = [(one.journey, one.message, one.reason, f"{one.count:,}") for one in forecast.skipped]
        yield _table(("journey", "message", "reason", "#count"), skipped)
    if forecast.held:
        yield "<h3>Had to wait</h3>"
        held = [(one.journey, one.reason, f"{one.count:,}") for one in forecast.held]
        yield _table(("journey", "reason", "#count"), held)
    yield "</section>"


def _experiments(forecast: "Forecast") -> Iterator[str]:
    for one in (*forecast.experiments, *forecast.holdouts):
        yield f"<section><h2>{escape(comparison(one))}</h2>"
        yield f'<p class="quiet">Measured against {escape(one.base)}; the bounds hold 95 times out of 100.</p>'
        rows = [
            (
                arm.arm,
                f"{arm.assigned:,}",
                f"{arm.converted:,}",
                percent(arm.converted, arm.assigned),
                "" if arm.against is None else interval(arm.against),
                "" if arm.arm == one.base else verdict(arm.against),
            )
            for arm in one.arms
        ]
        yield _table(("arm", "#customers", "#reached the goal", "#share", "difference", "what it shows"), rows)
        yield "</section>"


def _journey(project: "Project", journey: "JourneyForecast", heat: "dict[str, Heat]", number: int) -> Iterator[str]:
    from journeyscript.machine.pictures.picture import picture_of
    from journeyscript.machine.pictures.svg import svg

    compiled = project.journeys[journey.journey]
    title = compiled.about.title or journey.journey
    goal = (
        ""
        if journey.goal is None
        else f", {journey.goal:,} reached the goal ({percent(journey.goal, journey.entered)})"
    )
    ended = [f"{one.count:,} {escape(one.name)}" for one in journey.ended]
    ended += [f"{journey.active:,} still inside"] if journey.active else []
    yield f"<section><h2>{escape(title)}</h2>"
    yield f"<p>{journey.entered:,} entered{goal}. How it ended: {', '.join(ended)}.</p>"
    yield '<table><thead><tr><th>step</th><th class="count">reached</th><th class="count">share</th><th></th></tr>'
    yield "</thead><tbody>"
    for step in journey.steps:
        width = 100 * step.reached / journey.entered
        yield (
            f'<tr><td>{escape(step.step)}</td><td class="count">{step.reached:,}</td>'
            f'<td class="count">{percent(step.reached, journey.entered)}</td>'
            f'<td class="share"><i style="width:{width:.1f}%"></i></td></tr>'
        )
    drawn = svg(picture_of(compiled.machine, heat))
    for name in ("title", "desc"):  # Ids are unique on a page.
        drawn = drawn.replace(f'id="{name}"', f'id="{name}{number}"', 1)
    drawn = drawn.replace('aria-labelledby="title desc"', f'aria-labelledby="title{number} desc{number}"', 1)
    yield f'</tbody></table><div class="wide">{drawn}</div></section>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a column whose name begins with `#` holds counts."""
    dress = [' class="count"' if column.startswith("#") else "" for column in columns]
    head = "".join(f"<th{how}>{column.removeprefix('#')}</th>" for column, how in zip(columns, dress, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{how}>{escape(cell)}</td>" for cell, how in zip(row, dress, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
