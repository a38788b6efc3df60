"""What of a journey its tests have gone through: steps, transitions, exits, the goal, and reasons to skip a message.

Takes a compiled journey and the stories that tests left behind; gives every place with its words and where it was
written, and which of them were taken. Two transitions that look the same from outside (one event, one step behind it)
count as one: taken together. Knows no file and no form of report.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.engine.sending import permitted
from journeyscript.engine.values import ChannelPolicy
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Always, Arm, Due, If, Lap, Machine, NotSent, On, Send, State, Trigger, When
from journeyscript.machine.wording import exit_in_words, goal_in_words, state_in_words, trigger_in_words
from journeyscript.stores.records import Story
from journeyscript.syntax.policies import Policies

PlaceKind: TypeAlias = Literal["step", "transition", "exit", "goal", "skip"]
Key: TypeAlias = tuple[PlaceKind, str, str]
"""A place's kind, the step or exit it belongs to, and which one: a transition's number from 0, a reason to skip."""

COUNTED: tuple[PlaceKind, ...] = ("step", "transition", "exit", "goal")
"""What the share is taken of. Reasons to skip are told beside it: some of them no customer of a project ever has."""


class Place(Struct, frozen=True, kw_only=True):
    """One thing that a test can take. `target` is where a transition leads."""

    kind: PlaceKind
    step: str
    detail: str = ""
    words: str
    target: str = ""
    span: Span | None = None

    @property
    def key(self) -> Key:
        """What tells it from the others of its journey."""
        return self.kind, self.step, self.detail

    @property
    def number(self) -> int:
        """A transition's place among those of its step, from 0."""
        return int(self.detail)


class Coverage(Struct, frozen=True, kw_only=True):
    """The places of one journey in the order of the file, and which of them were taken."""

    journey: str
    places: tuple[Place, ...]
    taken: frozenset[Key]

    @property
    def missing(self) -> tuple[Place, ...]:
        """The places that no test took."""
        return tuple(place for place in self.places if place.key not in self.taken)

    def counts(self, *kinds: PlaceKind) -> tuple[int, int]:
        """Return how many places of some kinds were taken, and how many there are."""
        keys = [place.key for place in self.places if place.kind in kinds]
        return sum(key in self.taken for key in keys), len(keys)


def percent(every: Iterable[Coverage]) -> float:
    """Return the share of steps, transitions, exits and goals that were taken; 100 where there are none."""
    counts = [coverage.counts(*COUNTED) for coverage in every]
    taken, there = sum(one for one, _ in counts), sum(one for _, one in counts)
    return 100 * taken / there if there else 100.0


def coverage_of(
    compiled: Compiled, channels: Mapping[str, ChannelPolicy], policies: Policies, stories: Iterable[Story]
) -> Coverage:
    """Return what stories have gone through; `channels` and `policies` say why a message can be skipped at all."""
    taken: set[Key] = set()
    for story in stories:
        taken |= taken_by(compiled.machine, story)
    places = tuple(_places(compiled, channels, policies))
    return Coverage(journey=compiled.machine.journey, places=places, taken=frozenset(taken))


def taken_by(machine: Machine, story: Story) -> set[Key]:
    """Return all that one customer went through in the journey of a machine."""
    states = {state.id: state for state in machine.states}
    ours = {one.id for one in story.enrollments if one.journey == machine.journey}
    taken: set[Key] = {
        ("skip", send.step, send.reason or "")
        for send in story.sends
        if send.status == "skipped" and send.enrollment in ours
    }
    left: dict[int, tuple[str, int]] = {}
    for kept in story.decisions:
        decision, before = kept.decision, left.get(kept.enrollment)
        if kept.enrollment not in ours or decision.state not in states:
            continue
        taken.add(("step", decision.state, ""))
        kind, _, rest = decision.rule.partition(" ")
        if kind == "exit":
            taken.add(("exit", rest, ""))
        elif kind == "goal":
            taken.add(("goal", "", ""))
        if before is not None and before[1] != decision.visit and before[0] in states:
            taken |= {
                ("transition", before[0], str(number))
                for number, transition in enumerate(states[before[0]].transitions)
                if transition.target == decision.state and _went(states[before[0]], number, kind, rest)
            }
        left[kept.enrollment] = (decision.state, decision.visit)
    return taken


def _went(state: State, number: int, kind: str, rest: str) -> bool:
    """Return whether a rule of the trace is that of a transition of a state."""
    trigger = state.transitions[number].trigger
    match kind, trigger:
        case ("timer", Due()) | ("when", When()) | ("lap", Lap()) | ("skipped", NotSent()):
            return True
        case (("window" | "date"), Due()):
            return True
        case "event", On(event=event):
            return event == rest
        case "arm", Arm(arm=arm):
            return arm == rest
        case "if", If():
            return int(rest) == 1 + sum(not isinstance(t.trigger, On | Due) for t in state.transitions[:number])
        case (("else" | "laps" | "send" | "done"), Always()):
            return True
        case "skipped", Always():
            return not any(isinstance(other.trigger, NotSent) for other in state.transitions)
        case _:
            return False


def _places(compiled: Compiled, channels: Mapping[str, ChannelPolicy], policies: Policies) -> Iterator[Place]:
    machine, about = compiled.machine, compiled.about
    for number, rule in enumerate(machine.exits, 1):
        span = about.conditions.get(f"exit/{number}")
        yield Place(kind="exit", step=rule.id, words=f"exit: {exit_in_words(rule)}", span=span)
    if machine.goal is not None:
        words = f"goal: {goal_in_words(machine.goal)}"
        yield Place(kind="goal", step="", words=words, span=about.conditions.get("goal"))
    for state in machine.states:
        here = about.spans.get(state.id)
        yield Place(kind="step", step=state.id, words=state_in_words(state), span=here)
        for number, transition in enumerate(state.transitions):
            yield Place(
                kind="transition",
                step=state.id,
                detail=str(number),
                words=_in_words(transition.trigger, state),
                target=transition.target,
                span=about.conditions.get(f"{state.id}/{number + 1}", here),
            )
        if isinstance(state.action, Send):
            for reason in _reasons(state.action, channels, policies):
                words = f"{state_in_words(state)}: skipped, {reason}"
                yield Place(kind="skip", step=state.id, detail=reason, words=words, span=here)


def _in_words(trigger: Trigger, state: State) -> str:
    """Return what makes a transition happen; unlike on a picture, there is always a word for it."""
    said = trigger_in_words(trigger, state)
    match trigger:
        case Lap():
            return f"next round, {said}"
        case Always() if state.step == "repeat":
            return "no round left"
        case Always() if state.step == "send" and len(state.transitions) > 1:
            return "sent"
        case Due():
            return f"time is up, {said}" if said else "time is up"
        case Arm(arm=arm):
            return f"arm {arm}"
        case _:
            return said or "goes on"


def _reasons(send: Send, channels: Mapping[str, ChannelPolicy], policies: Policies) -> Iterator[str]:
    """Yield why a message can be skipped: what its first channel says where no channel may carry it, and caps."""
    asked = [channels[name] for name in send.via if name in channels]

    def guarded(channel: ChannelPolicy) -> bool:
        return not permitted(send.kind, channel.consent, given=False)

    if asked and all(channel.address not in (None, "id") or guarded(channel) for channel in asked):
        if asked[0].address not in (None, "id"):
            yield "no_address"
        if guarded(asked[0]):
            yield "no_consent"
    if send.kind == "marketing" and any(cap.channel is None or cap.channel in send.via for cap in policies.caps):
        yield "capped"
