"""What happened to a real customer in one journey, as a test with somebody else in their place.

Takes a dossier and the journey as it is now; gives a test as plain data: of the customer only what the journey reads,
of their events only those that it looks at, personal data replaced, and what the store says came of it as expectation.
A store keeps attributes and consent as they are today, not as they were: what changed meanwhile shows as a difference.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.engine.calendar import resolve_zone
from journeyscript.machine.model import ENTERED, Assign, ByApi, Machine, Send
from journeyscript.machine.needs import ALWAYS_READ
from journeyscript.runtime.trials.happened import Happened
from journeyscript.runtime.trials.invented import attribute_definitions
from journeyscript.runtime.trials.masking import Masking
from journeyscript.runtime.trials.staging import TestData, expectation, tried
from journeyscript.runtime.trials.telling import Data, written
from journeyscript.runtime.trials.trial import Trial, Verdict
from journeyscript.semantics.types import TIMESTAMP, Instant
from journeyscript.stores.records import Dossier, Story
from journeyscript.syntax.duration import HOUR

MOST_NAMES = 200
"""So many names are tried until one draws the same arms as the customer did."""


class Recording(Struct, frozen=True, kw_only=True):
    """A test of what happened, and the verdict on it: where the journey as it is now does otherwise.

    `replaced` names what is somebody else's now, `kept` the texts that were left as they are.
    """

    test: TestData
    verdict: Verdict
    replaced: tuple[str, ...]
    kept: tuple[str, ...]


def record(trial: Trial, dossier: Dossier, title: str) -> Recording | None:
    """Return the test of a customer in the trial's journey, or `None` for somebody who never entered it."""
    machine = trial.machine
    story = _of_journey(dossier.story, machine.journey)
    if not story.enrollments:
        return None
    first: Recording | None = None
    for name in islice(_names(), MOST_NAMES):
        masking = Masking(trial.project, (dossier.story.customer.external_id, *dossier.names), name)
        test = _test(trial, dossier, story, masking, title)
        verdict = tried(trial, test)
        found = Recording(test=test, verdict=verdict, replaced=masking.replaced, kept=masking.kept)
        if verdict.passed:
            return found
        first = first or found
    return first


def _names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"customer {number}"


def _of_journey(story: Story, journey: str) -> Story:
    """Return what of a customer's story happened in one journey."""
    ours = tuple(one for one in story.enrollments if one.journey == journey)
    ids = {one.id for one in ours}
    return replace(
        story,
        enrollments=ours,
        decisions=tuple(kept for kept in story.decisions if kept.enrollment in ids),
        sends=tuple(send for send in story.sends if send.enrollment in ids),
    )


def _test(trial: Trial, dossier: Dossier, story: Story, masking: Masking, title: str) -> TestData:
    masking.learn(dossier.story.customer.attributes, attribute_definitions(trial.project.catalog))
    for kept in dossier.events:
        if kept.event.name in trial.project.catalog.events:
            masking.learn(kept.event.properties, trial.project.catalog.events[kept.event.name].properties)
    items = _timeline(trial, dossier, story, masking)
    begins = min([at for at, _ in items] + [one.entered_at for one in story.enrollments])
    if trial.machine.entry.trigger is not None and not isinstance(trial.machine.entry.trigger, ByApi):
        begins -= HOUR  # Nothing that the customer does starts the journey, so they have to be there before.
    timeline: list[Data] = [{"at": _moment(at), **item} if at > begins else item for at, item in items]
    ends = max([begins, *(kept.decision.at for kept in story.decisions)])
    if not items or ends > items[-1][0]:
        timeline.append({"at": _moment(ends)})
    zone, _ = resolve_zone(story.customer.attributes.get("timezone"), trial.machine.timezone)
    happened = Happened(machine=trial.machine, about=trial.compiled.about, story=story, zone=zone, refused=None)
    return {
        "name": title,
        "customer": _customer(trial, story, masking),
        "at": _moment(begins),
        "timeline": timeline,
        "expect": expectation(happened, happened.path),
    }


def _moment(at: Instant) -> str:
    return str(written(at, TIMESTAMP)).replace(".000Z", "Z").replace(":00Z", "Z")


def _customer(trial: Trial, story: Story, masking: Masking) -> Data:
    """Return of the customer what the journey reads; what it wrote itself was not there before."""
    machine = trial.machine
    definitions = attribute_definitions(trial.project.catalog)
    channels = {name for state in machine.states if isinstance(state.action, Send) for name in state.action.via}
    addresses = {trial.project.channels[name].address for name in channels if name in trial.project.channels}
    read = {*machine.needs.attributes, *ALWAYS_READ, *(name for name in addresses if name)}
    own = set(_assigned(machine, story))
    known: Data = {"id": masking.name}
    for name, value in story.customer.attributes.items():
        if name in read and name in definitions and name not in own and value is not None:
            known[name] = masking.value(name, value, definitions[name])
    consent = {name: given for name, given in sorted(story.customer.consent.items()) if name in channels}
    return {**known, "consent": consent} if consent else known


def _assigned(machine: Machine, story: Story) -> Iterable[str]:
    reached = {kept.decision.state for kept in story.decisions}
    for state in machine.states:
        if isinstance(state.action, Assign) and state.id in reached:
            yield from (name for name, _ in state.action.values)


def _timeline(trial: Trial, dossier: Dossier, story: Story, masking: Masking) -> list[tuple[Instant, Data]]:
    """Return what happened to the customer that the journey looks at, in order of time."""
    machine, catalog = trial.machine, trial.project.catalog
    looked_at = {*machine.needs.events, *machine.needs.history, machine.entry.event}
    items: list[tuple[Instant, Data]] = []
    for kept in dossier.events:
        definition = catalog.events.get(kept.event.name)
        if definition is None or kept.event.name not in looked_at or kept.source == f"journey:{machine.journey}":
            continue
        properties = {
            name: masking.value(f"{kept.event.name}.{name}", value, definition.properties[name])
            for name, value in kept.event.properties.items()
            if name in definition.properties and value is not None
        }
        items.append((kept.event.at, {"event": kept.event.name, **({"properties": properties} if properties else {})}))
    if isinstance(machine.entry.trigger, ByApi):
        kinds = machine.entry.trigger.properties
        own = [kept.event for kept in dossier.events if kept.source == f"journey:{machine.journey}"]
        for one in story.enrollments:
            if one.entry in own:
                continue  # The journey asked for itself, and will do so in the test.
            given = one.entry.properties if one.entry.name == ENTERED else {}
            asked = {n: masking.typed(f"entry.{n}", v, kinds[n]) for n, v in given.items() if n in kinds}
            items.append((one.entered_at, {"enter": asked}))
    return sorted(items, key=lambda item: item[0])
