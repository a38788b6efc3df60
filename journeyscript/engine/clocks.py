"""Which zones' clocks show the same for a while, so that one of them can be asked for all.

There are hundreds of zones and a few dozen offsets, and in most weeks few clocks are put forward or back. Takes and
gives instants and names of zones; knows the zone database, and no schedule.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from whenever import available_timezones

from journeyscript.engine.calendar import DAY, SECOND, resolve_zone, zone_exists
from journeyscript.semantics.types import Instant

WEEK = 7 * DAY

_LOOKED_AT = range(-1, 9)
"""Days of a week at whose beginning its clocks are looked at: a day before to a day behind. No zone ever changed its
clock and changed it back within a day."""


@cache
def clock(zone: str) -> ZoneInfo:
    """Return a zone's clock; what `ZoneInfo` itself remembers is fewer than there are."""
    return ZoneInfo(zone)


@cache
def all_zones() -> tuple[str, ...]:
    """Return the zones that a customer may live by, each by its present name."""
    return tuple(sorted({resolve_zone(name, "UTC")[0] for name in available_timezones() if zone_exists(name)}))


def week_of(moment: Instant) -> int:
    """Return the number of the week, counted from 1970, that an instant lies in."""
    return moment // WEEK


@lru_cache(maxsize=16)
def in_step(week: int) -> Mapping[str, frozenset[str]]:
    """Return for one zone of each kind those whose clocks show what its clock shows, all through a week.

    A zone whose offset changes in the week, or within a day of it, is of a kind of its own.
    """
    days = [datetime.fromtimestamp((week * WEEK + day * DAY) // SECOND, UTC) for day in _LOOKED_AT]
    steady: dict[timedelta | None, list[str]] = {}
    kinds: dict[str, frozenset[str]] = {}
    for zone in all_zones():
        offsets = {day.astimezone(clock(zone)).utcoffset() for day in days}
        if len(offsets) == 1:
            steady.setdefault(offsets.pop(), []).append(zone)
        else:
            kinds[zone] = frozenset([zone])
    return kinds | {zones[0]: frozenset(zones) for zones in steady.values()}
