"""From one time of day that was waited for to the next one: how long it takes at least, for whoever stays in a zone."""

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.worst_case.times import SHIFT
from journeyscript.machine.model import AtTime
from journeyscript.semantics.types import Milliseconds
from journeyscript.syntax.duration import DAY, MINUTE, WEEK
from journeyscript.syntax.policies import WEEKDAYS


class Landing(Struct, frozen=True, kw_only=True):
    """The last time of day that was waited for: when it was at the earliest, and how long ago that is at least."""

    timer: AtTime
    at: Milliseconds
    since: Milliseconds = 0

    def at_least_as_soon(self, other: "Landing") -> bool:
        """Return whether whatever follows the other one can follow this one as soon."""
        return self.timer == other.timer and self.at <= other.at and self.since <= other.since

    def later(self, least: Milliseconds) -> "Landing":
        """Return it after so much more time."""
        return replace(self, since=self.since + least)

    def before(self, most: Milliseconds) -> "Landing":
        """Return it as it is seen from a moment that is at most so much later, and may be at once."""
        return replace(self, at=self.at - most)

    def next(self, timer: AtTime) -> Milliseconds:
        """Return when another time of day that is waited for from now on comes at the earliest."""
        return self.at + max(
            0, min(self._until(day, timer) for day in _of_the_week(self.timer)) - SHIFT - self.timer.spread
        )

    def _until(self, landed: Milliseconds, timer: AtTime) -> Milliseconds:
        """Return how much later than this one, which was at a moment of the week, the wall clock shows the other."""
        reached = landed + max(0, self.since - SHIFT)
        return min((moment - reached - 1) % WEEK + 1 for moment in _of_the_week(timer)) + reached - landed


def _of_the_week(timer: AtTime) -> list[Milliseconds]:
    """Return the moments of a week at which a timer is due, from Monday midnight."""
    return [WEEKDAYS.index(day) * DAY + timer.minute * MINUTE for day in timer.days]
