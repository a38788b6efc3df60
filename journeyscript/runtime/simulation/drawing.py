"""Draws of a simulation: the same seed, customer and occasion give the same value, on every machine and in any order.

Takes a population's distributions, gives values, delays and records. Every draw is a hash of names, so that a change of
one journey or one reaction leaves all other draws as they were.
"""

import math
from bisect import bisect_right
from statistics import NormalDist

from journeyscript.engine.chance import draw
from journeyscript.engine.values import Event
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.simulation.population import (
    Between,
    Choice,
    Constant,
    Crowd,
    Delay,
    Drawn,
    Exponential,
    Lognormal,
    Normal,
    Reaction,
    Source,
    Text,
    Uniform,
)
from journeyscript.semantics.types import Instant, Milliseconds, Value

_FINE = 1 << 53
_STANDARD = NormalDist()
SOURCE = "simulation"
"""What invented records come from."""


def fraction(*names: str) -> float:
    """Return a number above 0 and below 1, evenly spread over different names."""
    return (draw(_FINE - 1, *names) + 1) / _FINE


def name_of(number: int) -> str:
    """Return the name of the customer of that number, from 1."""
    return f"c{number:07}"


def arrivals(crowd: Crowd, seed: int, start: Instant) -> list[tuple[Instant, int]]:
    """Return when each customer comes, and their numbers from 1, in the order of time.

    Given how many there are, the moments of a Poisson process are independent and evenly spread.
    """
    if crowd.pattern == "uniform" or not crowd.over:
        return [(start + crowd.over * place // crowd.number, place + 1) for place in range(crowd.number)]
    key = str(seed)
    return sorted((start + draw(crowd.over, key, name_of(n), "arrives"), n) for n in range(1, crowd.number + 1))


class Draws:
    """What is drawn for one customer."""

    def __init__(self, seed: int, customer: str) -> None:
        self.customer = customer
        self._key = str(seed)

    def fraction(self, *names: str) -> float:
        """Return a number above 0 and below 1 for an occasion."""
        return fraction(self._key, self.customer, *names)

    def value(self, drawn: Drawn, number: int, *names: str) -> Value:
        """Return a value for an occasion; it is for the `number`-th thing that the customer does."""
        match drawn.source:
            case Constant(value=value):
                return value
            case Text(template=template):
                return template.replace("{customer}", self.customer).replace("{n}", str(number))
            case source:
                return _number(source, self.fraction(*names))

    def delay(self, delay: Delay, *names: str) -> Milliseconds:
        """Return how long something takes on an occasion."""
        if isinstance(delay, Between) and delay.low == delay.high:
            return delay.low
        return _delay(delay, self.fraction(*names))


def newcomer(draws: Draws, crowd: Crowd, at: Instant) -> Incoming:
    """Return the record with which a customer comes."""
    return Incoming(
        customer=draws.customer,
        at=at,
        event=Event(name=crowd.event, at=at, properties=_values(draws, crowd.properties, "comes", 1)),
        attributes=_values(draws, crowd.attributes, "is", 1),
        consent={
            channel: share > 0 and draws.fraction("consents", channel) <= share for channel, share in crowd.consent
        },
        source=SOURCE,
        source_id=None,
        position="",
    )


def reacts(draws: Draws, reaction: Reaction, time: int) -> Milliseconds | None:
    """Return how long after its cause the customer does it, the `time`-th time; `None` where they do not."""
    if not reaction.chance or draws.fraction(reaction.key, str(time)) > reaction.chance:
        return None
    return max(1, draws.delay(reaction.delay, reaction.key, str(time), "when"))


def reaction_record(draws: Draws, reaction: Reaction, time: int, number: int, at: Instant) -> Incoming:
    """Return the record of a reaction, the `time`-th time; it is the `number`-th that the customer does of all."""
    event = None
    if reaction.event is not None:
        properties = _values(draws, reaction.properties, reaction.key, time, number)
        event = Event(name=reaction.event, at=at, properties=properties)
    return Incoming(
        customer=draws.customer,
        at=at,
        event=event,
        attributes={},
        consent=dict(reaction.consent),
        source=SOURCE,
        source_id=None,
        position="",
    )


def _values(draws: Draws, drawn: tuple[Drawn, ...], occasion: str, time: int, number: int = 1) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in drawn:
        if one.missing and draws.fraction(occasion, str(time), one.name, "missing") <= one.missing:
            continue
        found[one.name] = draws.value(one, number, occasion, str(time), one.name)
    return found


def _number(source: Source, share: float) -> Value:
    match source:
        case Choice(values=values, upto=upto):
            return values[min(bisect_right(upto, share), len(values) - 1)]
        case Uniform(low=low, high=high, digits=0):
            return int(low) + math.floor((int(high) - int(low) + 1) * share)
        case Uniform(low=low, high=high, digits=digits):
            return round(low + (high - low) * share, digits)
        case Normal() as normal:
            number = normal.mean + normal.deviation * _STANDARD.inv_cdf(share)
            number = number if normal.low is None else max(number, normal.low)
            number = number if normal.high is None else min(number, normal.high)
            return round(number, normal.digits) if normal.digits else round(number)
        case _:
            raise AssertionError(f"{source} draws nothing")


def _delay(delay: Delay, share: float) -> Milliseconds:
    match delay:
        case Between(low=low, high=high):
            return low + math.floor((high - low + 1) * share)
        case Exponential(median=median):
            return round(median * -math.log2(share))
        case Lognormal(median=median, spread=spread):
            return round(median * math.pow(spread, _STANDARD.inv_cdf(share)))
