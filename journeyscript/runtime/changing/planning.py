"""What a change does to those who are inside: counted over a store, decided by the same function that will move them.

Takes a compiled project and a store, which it only reads; gives a plan: for each changed journey and each step with
people at it, where they go. What is wrong with the change is said by the rules from JS801 on.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.changes.change import Change, Fate, Occupied
from journeyscript.checks.changes.rules import check_change
from journeyscript.compiler import Project, weigh_later
from journeyscript.diagnostics import Diagnostic, Severity
from journeyscript.engine.moving import move
from journeyscript.engine.values import Enrollment, Outcome, SendMessage
from journeyscript.machine.graph import reachable
from journeyscript.machine.lowering import Compiled
from journeyscript.machine.model import Machine, Migration, MigrationTimer, Send
from journeyscript.runtime.advancing.batch import transfer
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.progress import Decide
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.semantics.types import Instant
from journeyscript.stores.counts import JourneyCount
from journeyscript.stores.records import Changes, Deployment, Store

PLAN_FORMAT: Literal["journeyscript.plan/1"] = "journeyscript.plan/1"

BATCH = 2_000
"""Customers who are looked at together."""


class Again(Struct, frozen=True, kw_only=True, order=True):
    """How many would receive a message that they have received already."""

    message: str
    people: int


class Line(Struct, frozen=True, kw_only=True):
    """What becomes of those who stand at a step of an older version.

    `to` is the step they go to, or stay at. Of `people`, the time of `retimed` is another one than before, that of
    `due` is up at once, and `sent` get a message by the move itself. `again` is what some have received, and what lies
    ahead of them only by the move. Test customers at the step go where people go, and are in no other count.
    """

    version: str
    step: str
    people: int
    test_customers: int = 0
    fate: Fate
    to: str = ""
    timer: MigrationTimer | None = None
    retimed: int = 0
    due: int = 0
    sent: int = 0
    again: tuple[Again, ...] = ()


class JourneyPlan(Struct, frozen=True, kw_only=True):
    """A journey that is another one than the store has, by its new version (empty: it is taken away)."""

    journey: str
    version: str
    before: tuple[str, ...]
    lines: tuple[Line, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """A plan: which versions a store has as its current ones, which are to be, and what becomes of those inside."""

    format: Literal["journeyscript.plan/1"] = PLAN_FORMAT
    deployed: tuple[str, ...]
    versions: dict[str, str]
    journeys: tuple[JourneyPlan, ...]


class Planned(Struct, frozen=True, kw_only=True):
    """A plan, the changes it is made of, what is found of it, and all that it changes in the store."""

    plan: Plan
    of: tuple[Change, ...] = ()
    findings: tuple[Diagnostic, ...]
    deployments: tuple[Deployment, ...]
    changes: Changes

    @property
    def blocked(self) -> bool:
        """Whether something has to be said or mended before it can be applied."""
        return any(found.severity == Severity.ERROR for found in self.findings)


def plan_change(project: Project, store: Store, now: Instant) -> Planned:
    """Return what becomes of everybody inside, once the project's journeys take the place of those of the store.

    `now` is when they would; nothing is kept.
    """
    deployments = tuple(deployments_of(project))
    kept, current = store.deployments()
    changes = list(changes_of(deployments, kept, current, store))
    found = [item for change in changes for item in check_change(change, project.catalog)]
    coming = {one.version: one for one in deployments}
    programs = Programs({**kept, **coming}, list(coming), project.catalog)
    rules = replace(rules_of(project, store, virtual=store.settings().get("clock") == "virtual"), programs=programs)
    mover = _Mover(changes, programs, now)
    moved = Changes()
    for numbers in _batches(store, [change.journey for change in changes if change.migration is not None]):
        mover.received = store.received(numbers)
        transfer(store, rules, numbers, mover, now, moved)
    journeys = tuple(
        JourneyPlan(
            journey=change.journey,
            version=change.version,
            before=_versions(change, kept, current),
            lines=tuple(mover.lines(change)),
        )
        for change in changes
    )
    plan = Plan(
        deployed=tuple(sorted(current)),
        versions={one.machine.journey: one.version for one in deployments},
        journeys=journeys,
    )
    findings = weigh_later(project, found)
    return Planned(plan=plan, of=tuple(changes), findings=findings, deployments=deployments, changes=moved)


class Left(Struct, frozen=True, kw_only=True):
    """How many stand at a step that is gone, and that nobody has moved them from, test customers apart."""

    journey: str
    step: str
    people: int
    test: int = 0


def unplanned(project: Project, store: Store) -> tuple[Left, ...]:
    """Return who would be left at steps that are gone, if the project's journeys ran as they are.

    Whether the file says where they go does not matter: nobody has gone yet. What the file ignores is left out.
    """
    kept, current = store.deployments()
    deployments = deployments_of(project)
    if {one.version for one in deployments} <= current:
        return ()
    left: list[Left] = []
    for change in changes_of(deployments, kept, current, store):
        if change.version in current:
            continue
        unmoved = replace(change, migration=None)
        stranded = unmoved.stranded()
        found = [one for one in check_change(unmoved, project.catalog) if one.code in _STRANDING]
        left += [
            Left(journey=change.journey, step=one.step, people=people, test=test)
            for one in weigh_later(project, found)
            if one.step is not None
            for people, test in (stranded[one.step],)
        ]
    return tuple(left)


_STRANDING = frozenset({"JS801", "JS802"})
"""The rules by which somebody is left at a step that is gone."""


def changes_of(
    deployments: Iterable[Deployment], kept: Mapping[str, Deployment], current: Collection[str], store: Store
) -> Iterator[Change]:
    """Yield the journeys that are to be another version than the store's, or none, or whose files move people.

    What was deployed with people in older versions, and says nothing of them, has been decided.
    """
    people, tests = _active(store.journey_counts()), _active(store.journey_counts(test=True))
    arriving = {one.machine.journey: one for one in deployments}
    deployed = [kept[version].machine.journey for version in sorted(current)]
    for journey in dict.fromkeys((*arriving, *deployed)):
        new = arriving.get(journey)
        version = "" if new is None else new.version
        migration = None if new is None else _migration(new, kept, current)
        inside = tuple(
            Occupied(
                version=old,
                machine=kept[old].machine,
                about=kept[old].about,
                people=people.get((journey, old), {}),
                test=tests.get((journey, old), {}),
            )
            for name, old in sorted(people.keys() | tests.keys())
            if name == journey and old != version
        )
        comes = new is not None and version not in current
        if comes or (inside and (new is None or migration is not None)):
            after = None if new is None else _compiled(new)
            yield Change(journey=journey, version=version, after=after, migration=migration, inside=inside)


def _active(counts: Iterable[JourneyCount]) -> dict[tuple[str, str], Counter[str]]:
    """Return by journey and version how many are at each state."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for one in counts:
        if one.status == "active":
            found.setdefault((one.journey, one.version), Counter())[one.state] += one.count
    return found


def _migration(new: Deployment, kept: Mapping[str, Deployment], current: Collection[str]) -> Migration | None:
    """Return what the file says of those inside; of a version that comes back, what brought them away, backwards."""
    if new.about.migrate is not None:
        return new.about.migrate
    journey = new.machine.journey
    deployed = next((kept[one] for one in current if kept[one].machine.journey == journey), None)
    if new.version not in kept or deployed is None or deployed.version == new.version:
        return None
    forward = deployed.about.migrate
    if forward is None:
        return None
    targets = Counter(forward.moves.values())
    steps = {state.id for state in new.machine.states}
    back: dict[str, str | None] = {
        target: source
        for source, target in forward.moves.items()
        if target is not None and targets[target] == 1 and target not in steps and source in steps
    }
    return Migration(moves=back, timer=forward.timer)


def _compiled(one: Deployment) -> Compiled:
    return Compiled(machine=one.machine, about=one.about, contents=one.contents)


def _versions(change: Change, kept: Mapping[str, Deployment], current: Collection[str]) -> tuple[str, ...]:
    """Return the versions that a journey had, the deployed one first: that one and all that people are in."""
    deployed = [version for version in sorted(current) if kept[version].machine.journey == change.journey]
    had = dict.fromkeys((*deployed, *(one.version for one in change.inside)))
    return tuple(version for version in had if version != change.version)


def _batches(store: Store, journeys: Iterable[str]) -> Iterator[list[int]]:
    """Yield the numbers of all who are inside of these journeys, each once."""
    numbers: set[int] = set()
    for journey in journeys:
        after = 0
        while found := store.inside(journey, after, BATCH):
            numbers.update(found)
            after = found[-1]
    ordered = sorted(numbers)
    for start in range(0, len(ordered), BATCH):
        yield ordered[start : start + BATCH]


class _Count(Struct, kw_only=True):
    """What happened to those at one step of one version."""

    retimed: int = 0
    due: int = 0
    sent: int = 0
    again: Counter[str]


class _Mover:
    """Moves enrollments, and counts what becomes of them."""

    def __init__(self, changes: Iterable[Change], programs: Programs, now: Instant) -> None:
        self._changes = {change.journey: change for change in changes}
        self._programs, self._now = programs, now
        self.received: Mapping[int, frozenset[str]] = {}
        self._counts: dict[tuple[str, str], _Count] = {}

    def __call__(self, enrollment: Enrollment, decide: Decide) -> Outcome | None:
        """Return an enrollment moved; `None` where it stays."""
        change = self._changes.get(enrollment.journey)
        migration = None if change is None else change.migration
        if change is None or migration is None or enrollment.version == change.version:
            return None
        fate, target = change.fate(enrollment.state)
        if fate not in {"move", "exit"}:
            return None
        after = self._programs[change.version]
        before = self._programs[enrollment.version]
        outcome = decide(lambda facts: move(after, before, enrollment, migration, facts, self._now))
        if enrollment.test:
            return outcome
        count = self._counts.setdefault((enrollment.version, enrollment.state), _Count(again=Counter()))
        if fate == "move":
            self._count(count, enrollment, outcome, target, before.machine, after.machine)
        return outcome

    def _count(
        self, count: _Count, was: Enrollment, outcome: Outcome, target: str, before: Machine, after: Machine
    ) -> None:
        now = outcome.enrollment
        sent = any(isinstance(effect, SendMessage) for effect in outcome.effects)
        count.sent += sent
        if now.state == target and now.status == "active":
            count.retimed += now.over_at != was.over_at
            count.due += now.over_at is not None and now.over_at <= self._now < (was.over_at or 0)
        new = _ahead(after, target) - _ahead(before, was.state)
        count.again.update(new & self.received.get(was.id, frozenset()))

    def lines(self, change: Change) -> Iterator[Line]:
        """Yield a line for each step with people at it, in the order of the versions and of their files."""
        for one in change.inside:
            for state in one.machine.states:
                people, test = one.people.get(state.id, 0), one.test.get(state.id, 0)
                if not people and not test:
                    continue
                fate, to = change.fate(state.id)
                count = self._counts.get((one.version, state.id)) or _Count(again=Counter())
                moves = fate == "move" and change.migration is not None
                yield Line(
                    version=one.version,
                    step=state.id,
                    people=people,
                    test_customers=test,
                    fate=fate,
                    to=to,
                    timer=change.migration.timer if moves and change.migration is not None else None,
                    retimed=count.retimed,
                    due=count.due,
                    sent=count.sent,
                    again=tuple(sorted(Again(message=name, people=n) for name, n in count.again.items())),
                )


def _ahead(machine: Machine, state: str) -> frozenset[str]:
    """Return the messages that may be sent from a state on, its own included."""
    onward = reachable(machine, [state])
    actions = (one.action for one in machine.states if one.id in onward)
    return frozenset(action.message for action in actions if isinstance(action, Send))
