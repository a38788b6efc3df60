"""A written value, or how it is drawn, to a distribution whose every value is of the declared type.

Takes a node of the right shape and a type of the catalog. Knows no names and no places: who asks says where it stands.
"""

from itertools import accumulate
from math import isfinite

from journeyscript.runtime.intake.values import BadValue, typed_value
from journeyscript.runtime.simulation.population import Choice, Constant, Normal, Source, Text, Uniform
from journeyscript.semantics.types import Type
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence, plain

_DIGITS = {"integer": 0, "money": 2, "number": 6}
"""To how many digits behind the point a drawn number of each kind is rounded."""
_LARGEST = 1e15
"""Whole numbers are exact up to here, and no customer has more of anything."""


class BadDistribution(ValueError):
    """A distribution would give values that are not of the type; the text is one plain sentence."""


def source_of(node: Node, kind: Type) -> Source:
    """Return the distribution that is written.

    Raises:
        BadDistribution: some value that it gives is of another type.
    """
    try:
        if not isinstance(node, Mapping):
            return Constant(value=typed_value(plain(node), kind))
        form = next(pair for pair in node.pairs if pair.key.text != "missing")
        match form.key.text, form.value:
            case "choice", Mapping(pairs=pairs):
                values = tuple(typed_value(pair.key.text, kind) for pair in pairs)
                return Choice(values=values, upto=_upto([_number(pair.value) for pair in pairs]))
            case "uniform", Sequence(items=(low, high)):
                return _uniform(_number(low), _number(high), kind)
            case "normal", Mapping() as given:
                return _normal(given, kind)
            case "text", Scalar() as given:
                if kind.kind != "string":
                    raise BadDistribution(f"a text is not {kind}")
                return Text(template=str(typed_value(given.text, kind)))
            case _, value:
                return Constant(value=typed_value(plain(value), kind))
    except BadValue as problem:
        raise BadDistribution(str(problem)) from None


def _uniform(low: float, high: float, kind: Type) -> Uniform:
    digits = _digits(kind)
    if low > high:
        raise BadDistribution("the first of the two numbers is greater than the second")
    if not digits and not (low.is_integer() and high.is_integer()):
        raise BadDistribution(f"a number with a point is not {kind}")
    return Uniform(low=low, high=high, digits=digits)


def _normal(given: Mapping, kind: Type) -> Normal:
    mean, deviation, low, high = (
        None if (node := given.get(name)) is None else _number(node) for name in ("mean", "deviation", "min", "max")
    )
    assert mean is not None, "the schema asks for it"
    assert deviation is not None, "the schema asks for it"
    if low is not None and high is not None and low > high:
        raise BadDistribution("`min` is greater than `max`")
    return Normal(mean=mean, deviation=deviation, low=low, high=high, digits=_digits(kind))


def _digits(kind: Type) -> int:
    if kind.kind not in _DIGITS:
        raise BadDistribution(f"a drawn number is not {kind}")
    return _DIGITS[kind.kind]


def _number(node: Node) -> float:
    assert isinstance(node, Scalar), "the schema lets nothing else come here"
    value = node.value
    assert isinstance(value, int | float), "the schema lets nothing else come here"
    if abs(value) > _LARGEST or not isfinite(value):
        raise BadDistribution(f"`{node.text}` is too large")
    return float(value)


def _upto(weights: list[float]) -> tuple[float, ...]:
    total = sum(weights)
    return (*(upto / total for upto in list(accumulate(weights))[:-1]), 1.0)
