"""The outlines of boxes: every kind of step has a shape of its own, so that colour alone tells nothing.

Takes where a box stands, gives an SVG path inside it.
"""

from journeyscript.machine.pictures.layout import Rectangle

_WAITS = ("wait", "wait_until", "wait_for")


def slack(kind: str, height: float) -> float:
    """Return how much wider than its words a box must be, so that its outline does not cut them."""
    match kind:
        case "branch":
            return height * 0.7
        case "split" | "repeat" | "emit" | "enter":
            return 22.0
        case "wait" | "wait_until" | "wait_for" | "exit" | "end":
            return 12.0
        case "set" | "stage":
            return 8.0
        case _:
            return 0.0


def outline(kind: str, place: Rectangle) -> str:
    """Return the outline of a step's box as the data of a path."""
    left, top, right, bottom = place.x, place.y, place.x + place.width, place.y + place.height
    middle = place.y + place.height / 2
    if kind == "entry":
        return _round_box(place, place.height / 2)
    if kind in ("exit", "end"):
        return _round_box(place, min(place.height / 2, 18))
    if kind in _WAITS:
        return _round_box(place, 14)
    if kind == "branch":
        inset = place.height * 0.45
        return _polygon(
            (left, middle), (left + inset, top), (right - inset, top), (right, middle), (right - inset, bottom),
            (left + inset, bottom),
        )  # fmt: skip
    if kind == "split":
        return _polygon((left + 14, top), (right - 14, top), (right, bottom), (left, bottom))
    if kind == "repeat":
        return _polygon(
            (left + 11, top), (right - 11, top), (right, top + 11), (right, bottom - 11), (right - 11, bottom),
            (left + 11, bottom), (left, bottom - 11), (left, top + 11),
        )  # fmt: skip
    if kind == "emit":
        return _polygon((left + 12, top), (right, top), (right - 12, bottom), (left, bottom))
    if kind == "enter":
        return _polygon((left, top), (right - 12, top), (right, middle), (right - 12, bottom), (left, bottom))
    if kind in ("set", "stage"):
        bars = f"M{_at(left + 6, top)}V{bottom:.2f}M{_at(right - 6, top)}V{bottom:.2f}"
        return _polygon((left, top), (right, top), (right, bottom), (left, bottom)) + bars
    return _round_box(place, 3)


def _polygon(*corners: tuple[float, float]) -> str:
    return "M" + "L".join(_at(*corner) for corner in corners) + "Z"


def _round_box(place: Rectangle, radius: float) -> str:
    across, down = place.width - 2 * radius, place.height - 2 * radius
    arc = f"a{radius:.2f} {radius:.2f} 0 0 1"
    corners = ((radius, radius), (-radius, radius), (-radius, -radius), (radius, -radius))
    sides = (f"h{across:.2f}", f"v{down:.2f}", f"h{-across:.2f}", f"v{-down:.2f}")
    round_it = "".join(f"{side}{arc} {_at(*corner)}" for side, corner in zip(sides, corners, strict=True))
    return f"M{_at(place.x + radius, place.y)}{round_it}z"


def _at(x: float, y: float) -> str:
    return f"{x:.2f} {y:.2f}"
