"""Three-valued logic read aloud: a plain interpreter of typed expressions, against which the generated code is held.

It is slow and has no cleverness. Unknown is `None`; an operation on an unknown value is unknown.
"""

from datetime import UTC, date, datetime, timedelta
from math import isfinite
from zoneinfo import ZoneInfo

from journeyscript.engine.values import Enrollment, Event, Facts
from journeyscript.semantics import typed

DAY = 86_400_000


class Reference:
    """Evaluates expressions for one customer at one moment."""

    def __init__(self, facts: Facts, enrollment: Enrollment, now: int, zone: str) -> None:
        self.facts, self.enrollment, self.now, self.zone = facts, enrollment, now, zone

    def result(self, node, event):
        """Return the value of a whole expression, as it may leave it."""
        value = self.value(node, event)
        if isinstance(value, float) and not isfinite(value):
            return None
        if isinstance(value, int) and abs(value) > 2**63 - 1:
            return None
        return value

    def value(self, node, event: Event):  # noqa: C901, PLR0912 - one case for each node
        match node:
            case typed.Literal(value=value):
                return value
            case typed.Items(items=items):
                return [self.value(item, event) for item in items]
            case typed.Attribute(name=name):
                return self.facts.external_id if name == "id" else self.facts.attributes.get(name)
            case typed.Property(name=name):
                return self.of_event(event, name)
            case typed.EntryProperty(name=name):
                return self.of_event(self.enrollment.entry, name)
            case typed.JourneyFact(name=name):
                return {"name": self.enrollment.journey, "entered_at": self.enrollment.entered_at}[name]
            case typed.Consent(channel=channel):
                return self.facts.consent.get(channel, False)
            case typed.Known(of=of):
                return self.value(of, event) is not None
            case typed.Not(of=of):
                value = self.value(of, event)
                return None if value is None else not value
            case typed.And(items=items):
                values = [self.value(item, event) for item in items]
                return False if False in values else None if None in values else True
            case typed.Or(items=items):
                values = [self.value(item, event) for item in items]
                return True if True in values else None if None in values else False
            case typed.Compare(op=op, left=left, right=right):
                return self.compare(op, self.value(left, event), self.value(right, event))
            case typed.In(left=left, right=right):
                value, items = self.value(left, event), self.value(right, event)
                if value is None or items is None:
                    return None
                equal = [None if item is None else value == item for item in items]
                return True if True in equal else None if None in equal else False
            case typed.Coalesce(left=left, right=right):
                value = self.value(left, event)
                return self.value(right, event) if value is None else value
            case typed.InSegment(condition=condition):
                return self.value(condition, event) is True
            case typed.Arithmetic(op=op, left=left, right=right, type=kind):
                return self.arithmetic(op, self.value(left, event), self.value(right, event), kind.kind)
            case typed.Call(function=function, arguments=(argument,)):
                return self.call(function, self.value(argument, event))
            case typed.History():
                return self.history(node, event)
        raise AssertionError(node)

    def of_event(self, event: Event, name: str):
        return event.at if name == "at" else event.properties.get(name)

    def compare(self, op, left, right):
        if left is None or right is None:
            return None
        answers = {
            "==": lambda: left == right,
            "!=": lambda: left != right,
            "<": lambda: left < right,
            "<=": lambda: left <= right,
            ">": lambda: left > right,
            ">=": lambda: left >= right,
            "contains": lambda: left.find(right) >= 0,
            "starts with": lambda: left[: len(right)] == right,
            "ends with": lambda: right == "" or left[-len(right) :] == right,
        }
        return answers[op]()

    def arithmetic(self, op, left, right, kind):
        if left is None or right is None:
            return None
        if isinstance(left, str) and kind == "date":
            whole_days = abs(right) // DAY * (1 if right >= 0 else -1)
            try:
                moved = date.fromisoformat(left) + timedelta(days=whole_days if op == "+" else -whole_days)
            except OverflowError:
                return None
            return moved.isoformat()
        if isinstance(left, str) and op == "-":
            return (date.fromisoformat(left) - date.fromisoformat(right)) // timedelta(milliseconds=1)
        if op == "/":
            result = None if right == 0 else left / right
        else:
            result = {"+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right}[op]()
        return round(result) if kind == "duration" and op in "*/" and result is not None else result

    def call(self, function, value):
        if value is None:
            return None
        match function:
            case "days_since" if isinstance(value, str):
                return (self.today() - date.fromisoformat(value)).days
            case "days_until" if isinstance(value, str):
                return (date.fromisoformat(value) - self.today()).days
            case "days_since":
                return (self.now - value) // DAY
            case "days_until":
                return (value - self.now) // DAY
            case "hours_since":
                return (self.now - value) // 3_600_000
            case "lower":
                return value.lower()
            case "upper":
                return value.upper()
            case "length":
                return len(value)
            case "round":
                return round(value)
            case "abs":
                return -value if value < 0 else value
        raise AssertionError(function)

    def today(self) -> date:
        written = self.facts.attributes.get("timezone")
        zone = self.zone if written in (None, "", "Mars/Olympus") else written
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.now)).astimezone(ZoneInfo(zone)).date()

    def history(self, node: typed.History, event: Event):
        window = node.window
        start, end = None, self.now
        if window.last is not None:
            start = self.now - window.last
        elif window.since_entry:
            start = self.enrollment.entered_at
        elif window.start is not None:
            start, end = self.value(window.start, event), self.value(window.end, event)
            if start is None or end is None:
                return None
        found = [
            past
            for past in self.facts.history.get(node.event, ())
            if (start is None or past.at >= start)
            and past.at <= end
            and (node.where is None or self.value(node.where, past) is True)
        ]
        if node.function in ("did", "count"):
            return bool(found) if node.function == "did" else len(found)
        assert node.property is not None
        values = [self.of_event(past, node.property) for past in found]
        if node.function in ("first", "last"):
            return values[0 if node.function == "first" else -1] if values else None
        values = [value for value in values if value is not None]
        match node.function:
            case "sum":
                return sum(values)
            case "average":
                return sum(values) / len(values) if values else None
            case "min":
                return min(values) if values else None
            case "max":
                return max(values) if values else None
        raise AssertionError(node.function)
