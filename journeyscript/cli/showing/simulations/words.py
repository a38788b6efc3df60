"""Numbers of a forecast as people read them, the same in tables and on pages."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from journeyscript.runtime.simulation.forecast import ExperimentForecast
    from journeyscript.runtime.simulation.proportions import Difference

_SURE = 0.8
_MINUTES_AN_HOUR = 60


def percent(count: int, of: int) -> str:
    """Return a share with one digit behind the point; empty where there is nothing to be a share of."""
    return f"{100 * count / of:.1f} %" if of else ""


def amount(money: float | None) -> str:
    """Return an amount of money, empty where it is not known."""
    return "" if money is None else f"{money:,.2f}"


def minutes(count: int) -> str:
    """Return a length of time that is given in minutes."""
    if count < 2 * _MINUTES_AN_HOUR:
        return "1 minute" if count == 1 else f"{count} minutes"
    return f"{count / _MINUTES_AN_HOUR:,.0f} hours"


def comparison(one: "ExperimentForecast") -> str:
    """Return what is compared: the arms of an experiment, or a journey with what happens without it."""
    from journeyscript.runtime.simulation.forecast import HELD_OUT

    what = f"Experiment {one.experiment}" if one.base != HELD_OUT else "Holdout"
    return f"{what} in {one.journey}"


def interval(difference: "Difference") -> str:
    """Return a difference in points of a per cent, with the bounds of its interval."""
    points = (100 * difference.difference, 100 * difference.low, 100 * difference.high)
    return "{:+.1f} ({:+.1f} to {:+.1f}) points".format(*points)


def verdict(difference: "Difference | None") -> str:
    """Return what a difference shows, and how many customers a test of it would take."""
    if difference is None:
        return "nobody to compare"
    if not difference.enough:
        return "too few to tell"
    if difference.power is None:
        return "no difference"
    clear = "a difference" if difference.low > 0 or difference.high < 0 else "may be chance"
    power = f"found {100 * difference.power:.0f} times out of 100"
    needed = (
        "" if difference.power >= _SURE or difference.needed is None else f"; {difference.needed:,} customers for 80"
    )
    return f"{clear}; {power}{needed}"
