"""Messages by day as an SVG of stacked bars, one colour for each channel.

Takes the days of a forecast; gives a part of a page whose style names the colours. Every bar says in a tooltip what
it is.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeyscript.runtime.simulation.forecast import DayForecast

_WIDTH, _HEIGHT = 900, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 10, 28
_LINES = 4
_LABELS = 8
_MOST_DAYS = 366


def bars(days: "Sequence[DayForecast]", channels: Sequence[str]) -> str:
    """Return the picture; `channels` is the order in which they are stacked."""
    sent = {(one.day, one.channel): one.sent for one in days}
    shown = _every_day([one.day for one in days])
    highest = _round_up(max(sum(sent.get((day, channel), 0) for channel in channels) for day in shown))
    parts = [
        f'<svg class="bars" role="img" aria-label="Messages by day" viewBox="0 0 {_WIDTH} {_HEIGHT}">',
        *_grid(highest),
        *_days(shown, channels, sent, highest),
    ]
    return "".join([*parts, "</svg>"])


def _every_day(days: Sequence[str]) -> list[str]:
    """Return all days from the first to the last, those without a message as well, unless they are very many."""
    first, last = date.fromisoformat(min(days)), date.fromisoformat(max(days))
    count = (last - first).days + 1
    if count > _MOST_DAYS:
        return sorted(set(days))
    return [(first + timedelta(days=number)).isoformat() for number in range(count)]


def _round_up(count: int) -> int:
    """Return a number from `count` up that four lines divide evenly and that reads well."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size * _LINES >= count:
                return step * size * _LINES
        size *= 10


def _grid(highest: int) -> Iterator[str]:
    for line in range(_LINES + 1):
        count = highest * line // _LINES
        y = _y(count, highest)
        yield f'<path class="rule" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{count:,}</text>'


def _days(
    shown: Sequence[str], channels: Sequence[str], sent: dict[tuple[str, str], int], highest: int
) -> Iterator[str]:
    room = (_WIDTH - _LEFT - _RIGHT) / len(shown)
    width = max(room * 0.78, 0.5)
    every = -(-len(shown) // _LABELS)
    for number, day in enumerate(shown):
        x, below = _LEFT + room * number + (room - width) / 2, 0
        for place, channel in enumerate(channels):
            count = sent.get((day, channel), 0)
            if count:
                top, bottom = _y(below + count, highest), _y(below, highest)
                said = escape(f"{day}: {count:,} by {channel}")
                yield (
                    f'<rect class="c{place % 6}" x="{x:.1f}" y="{top:.1f}" width="{width:.1f}"'
                    f' height="{bottom - top:.1f}"><title>{said}</title></rect>'
                )
                below += count
        if number % every == 0:
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 8}">{day[5:]}</text>'


def _y(count: int, highest: int) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - count / highest)
