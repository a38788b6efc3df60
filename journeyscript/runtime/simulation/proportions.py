"""Two shares compared: the difference with its interval, how likely it would be found, and how many it would take.

Takes counts, gives shares from 0 to 1. Plain normal approximations with unpooled variances: good where each arm has
some conversions, which `enough` says.
"""

from math import ceil, sqrt
from statistics import NormalDist

from msgspec import Struct

_NORMAL = NormalDist()
CONFIDENCE, POWER = 0.95, 0.8
_FEWEST = 10
"""Conversions, and customers without one, that each arm needs for the approximation."""


class Difference(Struct, frozen=True, kw_only=True):
    """The share of one arm less that of another one.

    `low` and `high` bound it with a confidence of 95 %. `power` is how likely a test at 5 % would find a difference as
    large as this one, `needed` how many customers in both arms together find it four times out of five, split as they
    are; `None` where there is no difference to find. `enough` says whether there are conversions enough to rely on it.
    """

    difference: float
    low: float
    high: float
    power: float | None
    needed: int | None
    enough: bool


def compare(converted: int, of: int, other_converted: int, other_of: int) -> Difference | None:
    """Return how much the first share lies above the second; `None` where one of them has nobody.

    With p and q the shares of n and m customers, the variance of p - q is s = p(1 - p)/n + q(1 - q)/m; the interval is
    p - q ± z·√s with z = 1.96 (Wald), the power Φ(|p - q|/√s - z), and the customers needed for a power of 80 % are
    n + m times s·(z + 0.84)²/(p - q)². As in Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions,
    third edition, chapters 2 to 4, without the correction for continuity.
    """
    if not of or not other_of:
        return None
    one, other = converted / of, other_converted / other_of
    difference = one - other
    deviation = sqrt(one * (1 - one) / of + other * (1 - other) / other_of)
    z = _NORMAL.inv_cdf((1 + CONFIDENCE) / 2)
    power, needed = None, None
    if difference and deviation:
        power = _NORMAL.cdf(abs(difference) / deviation - z)
        needed = ceil((of + other_of) * ((z + _NORMAL.inv_cdf(POWER)) * deviation / difference) ** 2)
    return Difference(
        difference=difference,
        low=max(-1.0, difference - z * deviation),
        high=min(1.0, difference + z * deviation),
        power=power,
        needed=needed,
        enough=min(converted, of - converted, other_converted, other_of - other_converted) >= _FEWEST,
    )
