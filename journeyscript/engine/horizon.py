"""When a condition may next change by the passing of time alone.

Takes a typed expression, gives a function of (facts, event, enrollment, now): the earliest instant after now at which
the value may be another one though nothing happens, or `None`. It may be early, and is then asked again; it is never
late, for data that fit the catalog. Only the windows of history functions and the functions that count from or to now
know what time it is.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from datetime import date as Date  # noqa: N812 - `date` is a word of the language
from math import ceil, floor, isfinite
from typing import Any, NamedTuple, TypeAlias

from journeyscript.engine.calendar import DAY, instant_of, local_date, resolve_zone
from journeyscript.engine.evaluate import MISFITS, Evaluator, compile_part
from journeyscript.engine.operations import HOUR, MAX_NUMBER
from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.semantics import typed
from journeyscript.semantics.types import Instant, Value

Horizon: TypeAlias = Callable[[Facts, Event | None, Enrollment | None, Instant], Instant | None]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LAST_DAY = Date.max.toordinal() - 1


class _Steps(NamedTuple):
    """A whole number that only grows, or only falls, as time passes: its value now, and when it comes to another."""

    value: int
    rising: bool
    reaches: Callable[[int], Instant | None]


_Moving: TypeAlias = Callable[[Facts, Event | None, Enrollment | None, Instant], _Steps | None]


def compile_horizon(node: typed.Expression, timezone: str) -> Horizon | None:
    """Return the function for a condition, or `None` for one that time alone never changes; `timezone` as elsewhere."""
    found = _Builder(timezone).horizon(node)
    if found is None:
        return None

    def horizon(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Instant | None:
        moment = found(facts, event, enrollment, now)
        return None if moment is None or moment > MAX_NUMBER else moment

    return horizon


class _Builder:
    """Builds horizons from the leaves up; a part that time does not change has none."""

    def __init__(self, timezone: str) -> None:
        self.timezone = timezone

    def horizon(self, node: typed.Expression) -> Horizon | None:
        """Return when a node's value may change."""
        match node:
            case typed.And(items=items):
                return self.joined(items, decisive=False)
            case typed.Or(items=items):
                return self.joined(items, decisive=True)
            case typed.Compare(op=op) if op in _ORDERS:
                return self.comparison(node)
            case typed.History():
                return self.history(node)
            case typed.Call(arguments=(argument,)) if (moving := self.moving(node)) is not None:
                return _earliest([_next_step(moving), self.horizon(argument)])
            case _:
                return _earliest([self.horizon(part) for part in _parts(node)])

    def value(self, node: typed.Expression) -> Evaluator:
        """Return a node's value, unknown where the data do not fit."""
        function = compile_part(node, self.timezone)

        def value(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Value:
            try:
                return function(facts, event, enrollment, now)
            except MISFITS:
                return None

        return value

    def joined(self, items: tuple[typed.Expression, ...], *, decisive: bool) -> Horizon | None:
        """Return the horizon of `and` or `or`: as long as one part decides, the others do not matter."""
        horizons = [self.horizon(item) for item in items]
        earliest = _earliest(horizons)
        if earliest is None:
            return None
        parts = list(zip(map(self.value, items), horizons, strict=True))

        def horizon(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Instant | None:
            latest: Instant | None = None
            for value, own in parts:
                if value(facts, event, enrollment, now) is decisive:
                    moment = None if own is None else own(facts, event, enrollment, now)
                    if moment is None:
                        return None
                    latest = moment if latest is None else max(latest, moment)
            return earliest(facts, event, enrollment, now) if latest is None else latest

        return horizon

    def comparison(self, node: typed.Compare) -> Horizon | None:
        """Return the horizon of a comparison: where one side moves in steps, when it passes the other."""
        left, right = self.moving(node.left), self.moving(node.right)
        if left is not None and right is None:
            return self.crossing(_ORDERS[node.op], left, node.left, node.right)
        if right is not None and left is None:
            return self.crossing(_ORDERS[_MIRRORED.get(node.op, node.op)], right, node.right, node.left)
        return _earliest([self.horizon(node.left), self.horizon(node.right)])

    def crossing(
        self,
        holds: Callable[[Any, Any], bool],
        moving: _Moving,
        side: typed.Expression,
        other: typed.Expression,
    ) -> Horizon:
        """Return when what moves passes the other side, which may change as well."""
        mark = self.value(other)
        beside = _earliest([self.within(side), self.horizon(other)])

        def horizon(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Instant | None:
            steps, level = moving(facts, event, enrollment, now), mark(facts, event, enrollment, now)
            moment = beside and beside(facts, event, enrollment, now)
            if steps is None or not isinstance(level, int | float):
                return moment
            return _first([moment, _passes(holds, steps, level)])

        return horizon

    def moving(self, node: typed.Expression) -> _Moving | None:
        """Return a node as a number that moves in steps, where it is one."""
        match node:
            case typed.Call(function="days_since" | "days_until" | "hours_since" as function, arguments=(argument,)):
                return self.counted(function, argument)
            case typed.Coalesce(left=left, right=right) if (first := self.moving(left)) is not None:
                second = self.moving(right)
                return first if second is None else _either(first, second)
            case _:
                return None

    def within(self, node: typed.Expression) -> Horizon | None:
        """Return when that may change from which a moving number is counted."""
        match node:
            case typed.Coalesce(left=left, right=right):
                return _earliest([self.within(left), self.within(right)])
            case typed.Call(arguments=(argument,)) if self.moving(node) is not None:
                return self.horizon(argument)
            case _:
                return self.horizon(node)

    def counted(self, function: str, argument: typed.Expression) -> _Moving:
        """Return how a function that counts from or to now goes on."""
        origin, default = self.value(argument), self.timezone
        unit, rising = HOUR if function == "hours_since" else DAY, function != "days_until"

        def moving(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> _Steps | None:
            match origin(facts, event, enrollment, now):
                case int(at) if rising:
                    return _Steps((now - at) // unit, rising, lambda n: at + n * unit)
                case int(at):
                    return _Steps((at - now) // unit, rising, lambda n: at - (n + 1) * unit + 1)
                case str(text) if function != "hours_since":
                    zone, _ = resolve_zone(facts.attributes.get("timezone"), default)
                    return _calendar_days(text, rising, local_date(now, zone), zone)
                case _:
                    return None

        return moving

    def history(self, node: typed.History) -> Horizon | None:
        """Return when an event comes into or falls out of what is looked at, or is another one to `where`."""
        window, name = node.window, node.event
        where = None if node.where is None else self.horizon(node.where)
        beside: list[Horizon | None] = [None if where is None else _over_events(name, where)]
        if window.start is not None and window.end is not None:
            return _earliest([*beside, self.horizon(window.start), self.horizon(window.end)])
        beside.append(_coming(name))
        if window.last is not None:
            matches = None if node.where is None or where is not None else compile_part(node.where, self.timezone)
            latest = node.function in {"did", "last"} and where is None
            beside.append(_leaving(name, window.last, matches, latest=latest))
        return _earliest(beside)


def _parts(node: typed.Expression) -> Sequence[typed.Expression]:
    match node:
        case typed.Not(of=inner) | typed.Known(of=inner) | typed.InSegment(condition=inner):
            return (inner,)
        case typed.Items(items=items):
            return items
        case typed.Compare(left=left, right=right) | typed.In(left=left, right=right):
            return (left, right)
        case typed.Arithmetic(left=left, right=right) | typed.Coalesce(left=left, right=right):
            return (left, right)
        case typed.Call(arguments=arguments):
            return arguments
        case _:
            return ()


def _first(moments: Iterable[Instant | None]) -> Instant | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _earliest(horizons: Iterable[Horizon | None]) -> Horizon | None:
    """Return the earliest of several horizons; `None` where there is none at all."""
    found = [horizon for horizon in horizons if horizon is not None]
    if len(found) < 2:
        return found[0] if found else None
    return lambda facts, event, enrollment, now: _first(one(facts, event, enrollment, now) for one in found)


def _next_step(moving: _Moving) -> Horizon:
    def horizon(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> Instant | None:
        steps = moving(facts, event, enrollment, now)
        return None if steps is None else steps.reaches(steps.value + (1 if steps.rising else -1))

    return horizon


def _either(first: _Moving, second: _Moving) -> _Moving:
    def moving(facts: Facts, event: Event | None, enrollment: Enrollment | None, now: Instant) -> _Steps | None:
        steps = first(facts, event, enrollment, now)
        return second(facts, event, enrollment, now) if steps is None else steps

    return moving


def _passes(holds: Callable[[Any, Any], bool], steps: _Steps, level: float) -> Instant | None:
    """Return when a comparison of the moving number with a level becomes another one."""
    if not isfinite(level):
        return None
    marks = {floor(level), floor(level) + 1, ceil(level), ceil(level) - 1}
    ahead = sorted(n for n in marks if n > steps.value) if steps.rising else sorted(
        (n for n in marks if n < steps.value), reverse=True
    )  # fmt: skip
    now = holds(steps.value, level)
    return next((steps.reaches(n) for n in ahead if holds(n, level) is not now), None)


def _calendar_days(text: str, rising: bool, today: Date, zone: str) -> _Steps | None:  # noqa: FBT001 - as in `_Steps`
    try:
        day = Date.fromisoformat(text).toordinal()
    except ValueError:
        return None

    def begins(ordinal: int) -> Instant | None:
        return instant_of(Date.fromordinal(ordinal), 0, zone) if ordinal <= _LAST_DAY else None

    if rising:
        return _Steps(today.toordinal() - day, rising, lambda n: begins(day + n))
    return _Steps(day - today.toordinal(), rising, lambda n: begins(day - n))


def _over_events(name: str, where: Horizon) -> Horizon:
    """Return when a condition on past events may change for any of them."""
    return lambda facts, _event, enrollment, now: _first(
        where(facts, past, enrollment, now) for past in facts.history.get(name, ())
    )


def _coming(name: str) -> Horizon:
    """Return when an event comes into view that lies ahead of now, as it does where something is told late."""

    def horizon(facts: Facts, _event: Event | None, _enrollment: Enrollment | None, now: Instant) -> Instant | None:
        events = facts.history.get(name)
        if not events or events[-1].at <= now:
            return None
        return next(past.at for past in events if past.at > now)

    return horizon


def _leaving(name: str, back: int, matches: Evaluator | None, *, latest: bool) -> Horizon:
    """Return when an event falls out of the window: the first one, or the `latest`, where only that one counts."""

    def horizon(facts: Facts, _event: Event | None, enrollment: Enrollment | None, now: Instant) -> Instant | None:
        inside = [past for past in facts.history.get(name, ()) if now - back <= past.at <= now]
        which = max if latest else min
        if matches is not None:
            try:
                inside = [past for past in inside if matches(facts, past, enrollment, now) is True]
            except MISFITS:
                which = min
        return which(past.at for past in inside) + back + 1 if inside else None

    return horizon
