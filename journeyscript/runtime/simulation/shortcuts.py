"""Which simulated customers need not be lived one by one, as others went the same way before.

Takes what all lives of a simulation go by; lives one customer of a kind with symbols for the moments and for what is
drawn, and counts all others of that kind by it: the counts are those that every single life would have come to.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from journeyscript.engine.chance import draw_arm
from journeyscript.engine.entry import is_held_out
from journeyscript.engine.program import Program
from journeyscript.engine.values import Facts
from journeyscript.machine.model import Arm
from journeyscript.runtime.simulation.drawing import Draws, name_of, newcomer
from journeyscript.runtime.simulation.life import Life, Setting
from journeyscript.runtime.simulation.population import Between, Choice, Crowd, Delay, Drawn
from journeyscript.runtime.simulation.symbols import Symbol, Trace
from journeyscript.runtime.simulation.tally import QUARTER, Census, Tally
from journeyscript.runtime.simulation.tree import Tree
from journeyscript.semantics.types import Instant, Milliseconds, Value
from journeyscript.stores.records import Customer

MOST = 500
"""Paths that are kept; a population that goes more ways is lived."""

FIRST, SHARE = 50, 20
"""So many customers are lived with symbols, and of all behind them one in so many: it costs more than a life."""


class Shortcuts:
    """The ways that customers of a simulation went."""

    def __init__(self, setting: Setting, read: frozenset[str], newcomer_of: Callable[[str], Customer]) -> None:
        """Take a setting with what is `read_by_name`; `newcomer_of` gives a customer of whom nothing is known."""
        assert isinstance(setting.population.who, Crowd), "only who is drawn is alike"
        self._setting, self._crowd, self._read = setting, setting.population.who, read
        self._newcomer_of = newcomer_of
        self._functions: dict[str, Callable[[str], object]] = {}
        self._named: dict[object, str] = {}
        self._tree = Tree(("name", "at"), self._functions)
        self._fixed = [self.function(key, draw) for key, draw in _fixed_draws(setting)]
        self._census = Census({one.version: one.machine for one in setting.rules.programs.started.values()})
        self._tallies: list[Tally] = []
        self._times: list[int] = []
        self._lived = self._asked = self._again = 0

    def function(self, key: object, draw: Callable[[str], object]) -> str:
        """Return the expression of a draw, which takes the customer's name; the same key is the same draw."""
        name = self._named.setdefault(key, f"d{len(self._named)}")
        self._functions.setdefault(name, draw)
        return f"{name}(name)"

    def count(self, number: int, at: Instant) -> bool:
        """Count a customer who comes at an instant; return whether it could be done."""
        name = name_of(number)
        self._asked += 1
        path = self._tree.find(name, at)
        if path >= 0:
            self._times[path] += 1
            return True
        if self._lived > FIRST + self._asked // SHARE or self._tree.size >= MOST:
            return False
        self._lived += 1
        try:
            return self._explore(name, at)
        except Exception:  # noqa: BLE001 - whatever a symbol cannot do, a life can
            self._lived = 1 << 60
            return False

    def _explore(self, name: str, at: Instant) -> bool:
        """Live a customer with symbols, and keep the way they went; return whether others may go it as well."""
        trace = Trace()
        for expression in self._fixed:
            trace.ask(expression, self._functions[expression.removesuffix("(name)")](name))
        draws = SymbolicDraws(self._setting.population.seed, name, self._read, trace, self.function)
        record = newcomer(draws, self._crowd, Symbol(trace, at, "at"))  # type: ignore[arg-type]
        life = Life(self._setting, self._newcomer_of(name), [record], {}, draws)
        life.live()
        changes = life.finish()
        marks = [
            (one.channel, one.created_at // QUARTER)
            for one in changes.sends
            if one.status != "skipped" and not one.test
        ]
        changes.sends = [replace(one, created_at=0) for one in changes.sends]
        self._census.tally = tally = Tally()
        self._census.count(changes, cut_short=life.cut_short)
        if trace.pinned or changes.rejected or any(one.reason == "internal_error" for one in changes.enrollments):
            return False
        path, is_new = self._tree.grow(trace, marks)  # type: ignore[arg-type]
        if is_new:
            tally.quarters.clear()
            self._tallies.append(tally)
            self._times.append(0)
        # Before anything is counted: where this fails, the customer is lived.
        self._again += not is_new
        if (is_new and self._tree.size.bit_count() == 1) or self._again == SHARE:
            self._tree.compile()
            self._again = 0
        self._times[path] += 1
        self._tree.marked.update((channel, int(quarter)) for channel, quarter in marks)
        return True

    def tally(self) -> Tally:
        """Return the counts of all who were counted."""
        found = Tally()
        for one, times in zip(self._tallies, self._times, strict=True):
            if times:
                found.add(one, times)
        found.quarters.update(self._tree.marked)
        return found


class SymbolicDraws(Draws):
    """Draws that are symbols wherever they decide anything."""

    def __init__(
        self,
        seed: int,
        customer: str,
        read: frozenset[str],
        trace: Trace,
        function: Callable[[object, Callable[[str], object]], str],
    ) -> None:
        super().__init__(seed, customer)
        self._seed, self._read, self._trace, self._function = seed, read, trace, function

    def fraction(self, *names: str) -> float:
        """Return a number above 0 and below 1 as a symbol."""
        expression = self._function(names, partial(_fraction, self._seed, names))
        return Symbol(self._trace, super().fraction(*names), expression)  # type: ignore[return-value]

    def value(self, drawn: Drawn, number: int, *names: str) -> Value:
        """Return a value that this life goes by; whoever has another one goes another way, where it was chosen."""
        value = Draws(self._seed, self.customer).value(drawn, number, *names)
        if drawn.name in self._read and isinstance(drawn.source, Choice):
            self._trace.ask(self._function(("value", *names), partial(_value, self._seed, drawn, names)), repr(value))
        return value

    def delay(self, delay: Delay, *names: str) -> Milliseconds:
        """Return how long something takes as a symbol, where that is drawn."""
        if isinstance(delay, Between) and delay.low == delay.high:
            return delay.low
        number = Draws(self._seed, self.customer).delay(delay, *names)
        expression = self._function(("delay", *names), partial(_later, self._seed, delay, names))
        return Symbol(self._trace, number, expression)  # type: ignore[return-value]


def _fraction(seed: int, names: tuple[str, ...], customer: str) -> float:
    return Draws(seed, customer).fraction(*names)


def _value(seed: int, drawn: Drawn, names: tuple[str, ...], customer: str) -> str:
    return repr(Draws(seed, customer).value(drawn, 1, *names))


def _later(seed: int, delay: Delay, names: tuple[str, ...], customer: str) -> Milliseconds:
    return Draws(seed, customer).delay(delay, *names)


def _fixed_draws(setting: Setting) -> Iterator[tuple[object, Callable[[str], object]]]:
    """Yield what the engine draws for a customer by name: whether they are held out, and their arms."""
    for journey, program in setting.rules.programs.started.items():
        if program.machine.entry.holdout:
            yield ("holdout", journey), partial(_holds_out, program)
        for state in program.machine.states:
            arms = [one.trigger for one in state.transitions if isinstance(one.trigger, Arm)]
            if arms:
                yield ("arm", journey, state.id), partial(_arm, arms)


def _holds_out(program: Program, customer: str) -> bool:
    return is_held_out(program, Facts(external_id=customer))


def _arm(arms: Iterable[Arm], customer: str) -> str | None:
    first = next(iter(arms))
    return draw_arm(((arm.arm, arm.weight) for arm in arms), first.experiment, customer)
