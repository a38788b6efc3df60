"""What a picture of a machine shows, in whatever form it is drawn: boxes and arrows with their words.

Takes a machine and, for a heat map, how many customers stand at each state; gives boxes and arrows in the order of
the file. Knows no form of picture, no store and no size.
"""

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.machine.model import Machine, Send, State
from journeyscript.machine.wording import entry_in_words, state_in_words, transition_in_words

ENTRY = ""
"""The id of the box in which every picture begins; no step can be called so."""

MISSED = "no test comes here"

Mark: TypeAlias = Literal["", "new", "changed", "gone"]
"""What a change did to a box or an arrow; empty where it did nothing, or where no change is shown."""


class Heat(Struct, frozen=True, kw_only=True):
    """How many enrollments stand at a state, went on from it, and ended while they stood there."""

    here: int = 0
    passed: int = 0
    left: int = 0


class Box(Struct, frozen=True, kw_only=True):
    """A state, or the entry. `kind` is the step's keyword, `entry` or `end`; `note` stands below the title.

    `warmth` is from 0 to 1: how much of the crowd at the fullest state stands here; `traffic` likewise, how many went
    through. `missed`: no test comes here. `mark`: what a change did to it.
    """

    id: str
    kind: str
    title: str
    note: str = ""
    heat: Heat | None = None
    warmth: float = 0.0
    traffic: float = 0.0
    missed: bool = False
    mark: Mark = ""

    @property
    def whole(self) -> str:
        """Return all there is to say of the box, in one line."""
        parts = (self.id, self.title, self.note, self.counts, MISSED if self.missed else "", self.mark)
        return ": ".join(dict.fromkeys(part for part in parts if part))

    @property
    def counts(self) -> str:
        """Return the heat in words; empty where there is none to show."""
        if self.heat is None:
            return ""
        if self.kind in ("exit", "end"):
            return f"{self.heat.left:,} ended"
        counted = ((self.heat.here, "here"), (self.heat.passed, "passed"), (self.heat.left, "left"))
        return " · ".join(f"{count:,} {word}" for count, word in counted if count) or "nobody yet"


class Arrow(Struct, frozen=True, kw_only=True):
    """A transition, or the way in, from box to box; `label` says when it is gone, empty where that needs no word.

    `missed`: no test goes it. `mark`: what a change did to it.
    """

    source: str
    target: str
    label: str = ""
    missed: bool = False
    mark: Mark = ""


class Picture(Struct, frozen=True, kw_only=True):
    """The entry first, then all states in the order of the file, and every transition once."""

    journey: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def picture_of(
    machine: Machine,
    heat: Mapping[str, Heat] | None = None,
    missed: Collection[tuple[str, int | None]] = (),
) -> Picture:
    """Return the picture of a machine; with `heat`, every state carries its counts, zeros where none are given.

    `missed` are the states, and their transitions by number from 0, that no test takes.
    """
    shown = () if heat is None else tuple(heat.get(state.id, Heat()) for state in machine.states)
    fullest = max((one.here for one in shown), default=0)
    busiest = max((one.passed + one.left for one in shown), default=0)
    boxes = [Box(id=ENTRY, kind="entry", title="")]
    arrows = [Arrow(source=ENTRY, target=machine.initial, label=entry_in_words(machine.entry))]
    for number, state in enumerate(machine.states):
        counts = shown[number] if shown else None
        boxes.append(
            Box(
                id=state.id,
                kind=state.step,
                title=state_in_words(state),
                note=_note(state),
                heat=counts,
                warmth=(counts.here / fullest) ** 0.5 if counts is not None and fullest else 0.0,
                traffic=(counts.passed + counts.left) / busiest if counts is not None and busiest else 0.0,
                missed=(state.id, None) in missed,
            )
        )
        arrows += [
            Arrow(
                source=state.id,
                target=transition.target,
                label=transition_in_words(transition, state),
                missed=(state.id, way) in missed,
            )
            for way, transition in enumerate(state.transitions)
        ]
    return Picture(journey=machine.journey, boxes=tuple(boxes), arrows=tuple(arrows))


def _note(state: State) -> str:
    """Return the channels of a send, and the id of a step whose author gave it one."""
    parts = []
    if isinstance(state.action, Send):
        parts.append(f"by {', '.join(state.action.via)}")
    if state.step != "end" and state.id.partition(".")[0] != state.step and state.id != state_in_words(state):
        parts.append(f"({state.id})")
    return " ".join(parts)
