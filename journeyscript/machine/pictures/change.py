"""What a picture of a change shows: the machine as it is now, and of the one before what is gone, all of it marked.

Takes two machines of one journey and what is different between them; gives one picture. Finds no difference itself.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from journeyscript.machine.comparison import (
    AnyDifference,
    JourneyChanged,
    StepAdded,
    StepChanged,
    StepRenamed,
)
from journeyscript.machine.model import Machine
from journeyscript.machine.pictures.picture import ENTRY, Arrow, Mark, Picture, picture_of


def picture_of_change(before: Machine, after: Machine, differences: Iterable[AnyDifference]) -> Picture:
    """Return the picture of a change: steps and ways that are new, changed or gone are marked as that."""
    found = tuple(differences)
    marks = _marks(found)
    renamed = {one.was: one.now for one in found if isinstance(one, StepRenamed)}
    old, new = _renamed(picture_of(before), renamed), picture_of(after)
    kept = {box.id for box in new.boxes}
    gone = tuple(replace(box, mark="gone") for box in old.boxes if box.id not in kept)
    boxes = tuple(replace(box, mark=marks.get(box.id, "")) for box in new.boxes)
    return Picture(journey=new.journey, boxes=(*boxes, *gone), arrows=_arrows(old, new))


def _marks(differences: Iterable[AnyDifference]) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    for one in differences:
        match one:
            case StepAdded(step=step):
                marks[step] = "new"
            case StepRenamed(now=step) | StepChanged(step=step):
                marks[step] = "changed"
            case JourneyChanged(part="entry" | "while_active" | "start"):
                marks[ENTRY] = "changed"
            case _:
                pass  # What is gone has a box of its own; the rest is nothing that a picture shows.
    return marks


def _renamed(picture: Picture, renamed: dict[str, str]) -> Picture:
    """Return the picture of before with its steps called as they are now."""

    def name(step: str) -> str:
        return renamed.get(step, step)

    return Picture(
        journey=picture.journey,
        boxes=tuple(replace(box, id=name(box.id)) for box in picture.boxes),
        arrows=tuple(replace(one, source=name(one.source), target=name(one.target)) for one in picture.arrows),
    )


def _arrows(old: Picture, new: Picture) -> tuple[Arrow, ...]:
    """Return the ways as they are now, then those between two steps that nothing leads between any more.

    The way in comes first, and is never one that is gone: there is one way in.
    """
    (entry, *ways) = new.arrows
    known = set(old.arrows)
    between = {(arrow.source, arrow.target) for arrow in new.arrows}
    shown: tuple[Arrow, ...] = tuple(arrow if arrow in known else replace(arrow, mark="new") for arrow in ways)
    gone = tuple(replace(arrow, mark="gone") for arrow in old.arrows[1:] if (arrow.source, arrow.target) not in between)
    return (entry, *shown, *gone)
