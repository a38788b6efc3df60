"""Journey tests: an invented customer goes through one journey, on the path that production takes, on virtual time.

Takes a project, a journey and a store for each test; gives verdicts. Only the tested journey is deployed, with the
project's channels and policies; nothing is delivered: a message counts as sent when it was decided. At the end every
timer has fired that is due up to the story's last moment.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.engine.calendar import local_text, resolve_zone
from journeyscript.engine.entry import HELD_OUT, REFRESHED, Refused, asked
from journeyscript.engine.values import Event
from journeyscript.machine.canonical import version_of
from journeyscript.machine.model import ENTERED
from journeyscript.machine.wording import refusal_in_words, rule_in_words
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.advancing.memberships import bare_facts
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.advancing.starting import Schedules
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import policies_of, policies_on, testers_of
from journeyscript.runtime.trials.coverage import Coverage, coverage_of
from journeyscript.runtime.trials.expectations import check_names, judge
from journeyscript.runtime.trials.happened import Failure, Happened
from journeyscript.runtime.trials.invented import Invented, invent
from journeyscript.semantics.types import Instant, Value
from journeyscript.stores.records import Changes, Deployment, Store
from journeyscript.syntax.trial_file import WrittenTest

AT_ONCE = 100
"""Customers whose timers are fired in one batch; a test has one."""

_STARTS = ("entry", HELD_OUT, REFRESHED)
"""Rules by which an event that starts the journey did something."""


class Line(Struct, frozen=True, kw_only=True):
    """One line of what happened: `at` is the customer's local time, `what` an event or the state reached."""

    at: str
    what: str
    why: str = ""
    values: tuple[tuple[str, Value], ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
    """What came of one test.

    `findings` say what is wrong with the test itself; then it was not run. `zone` is the one that `lines` are told in,
    `happened` all that came of it.
    """

    journey: str
    name: str
    span: Span
    findings: tuple[Diagnostic, ...] = ()
    failures: tuple[Failure, ...] = ()
    zone: str = "UTC"
    lines: tuple[Line, ...] = ()
    happened: Happened | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.findings and not self.failures


class Trial:
    """A journey made ready to be tested any number of times."""

    def __init__(self, project: Project, journey: str) -> None:
        """Link the journey.

        Raises:
            KeyError: the project has no such journey, or it does not compile.
        """
        compiled = project.journeys[journey]
        version = version_of(compiled.machine)
        self.project, self.compiled, self.machine, self.version = project, compiled, compiled.machine, version
        self._deployment = Deployment(
            version=version, machine=compiled.machine, about=compiled.about, contents=compiled.contents
        )
        self._rules = Rules(
            programs=Programs({version: self._deployment}, [version]),
            channels=policies_of(project),
            policies=policies_on(project, virtual=True),
            max_event_age=project.config.max_event_age,
            virtual=True,
            test_customers=testers_of(project),
        )

    def run(self, test: WrittenTest, store: Store) -> Verdict:
        """Return the verdict on one test; the store is empty before, and holds the story afterwards."""
        verdict = Verdict(journey=self.machine.journey, name=test.name.text, span=test.name.span)
        invented, findings = invent(self.project, self.machine.journey, test)
        findings = [*findings, *check_names(test.expect, self.project, self.machine)]
        if invented is None or findings:
            return replace(verdict, findings=tuple(findings))
        life = _Life(self, store, invented)
        happened = life.live()
        failures = judge(test.expect, happened, self.project.catalog)
        lines = tuple(life.lines(happened.zone))
        return replace(verdict, failures=tuple(failures), zone=happened.zone, lines=lines, happened=happened)

    def happening(self, test: WrittenTest, store: Store) -> Happened | None:
        """Return what comes of a test's story, whatever it expects; `None` where the story cannot be told."""
        invented, _ = invent(self.project, self.machine.journey, test)
        return None if invented is None else _Life(self, store, invented).live()

    def coverage(self, verdicts: Iterable[Verdict]) -> Coverage:
        """Return what of the journey tests went through."""
        stories = [verdict.happened.story for verdict in verdicts if verdict.happened is not None]
        return coverage_of(self.compiled, self._rules.channels, self._rules.policies, stories)

    def begin(self, store: Store, at: Instant) -> Rules:
        """Deploy the journey to a store; return what batches over it go by."""
        store.deploy([self._deployment], at)
        return self._rules


class _Life:
    """One story being lived through."""

    def __init__(self, trial: Trial, store: Store, invented: Invented) -> None:
        self.trial, self.store, self.invented = trial, store, invented
        self.rules = trial.begin(store, invented.profile.at)
        self._schedules = Schedules(store, self.rules, invented.profile.at - 1)
        self.refusals: list[str] = []
        self._told: list[tuple[Instant, str, str, tuple[tuple[str, Value], ...]]] = []
        self._left: dict[int, str] = {}

    def live(self) -> Happened:
        """Go through the whole story; return what came of it, as the store tells it."""
        self._keep(advance(self.store, self.rules, incoming=[self.invented.profile], now=self.invented.profile.at))
        for moment in self.invented.moments:
            # What is due at the very instant comes after what the customer does then.
            self._fire(moment.at - 1)
            record = moment.record
            if record is None:
                continue
            changes = advance(self.store, self.rules, incoming=[record], now=moment.at)
            self._tell(record, changes)
            self._keep(changes)
            if changes.events and record.event is not None:
                self._note_refusal(record.event, changes)
        self._fire(self.invented.ends)
        story = self.store.story(self.invented.customer)
        assert story is not None, "the customer was there before anything happened"
        zone, _ = resolve_zone(story.customer.attributes.get("timezone"), self.trial.machine.timezone)
        return Happened(
            machine=self.trial.machine,
            about=self.trial.compiled.about,
            story=story,
            zone=zone,
            refused=self.refusals[-1] if self.refusals else None,
        )

    def lines(self, zone: str) -> list[Line]:
        """Return what happened, in order, in the local time of a zone."""
        return [Line(at=local_text(at, zone), what=what, why=why, values=seen) for at, what, why, seen in self._told]

    def _tell(self, record: Incoming, changes: Changes) -> None:
        """Note what came in."""
        consent = {f"consent.{channel}": given for channel, given in record.consent.items()}
        changed: dict[str, Value] = {**record.attributes, **consent}
        if changed:
            self._told.append((record.at, "the customer", "changes", tuple(changed.items())))
        if record.event is not None:
            why = "happens" if changes.events else "is ignored: an event of this id was taken in before"
            self._told.append((record.at, record.event.name, why, tuple(record.event.properties.items())))

    def _fire(self, until: Instant) -> None:
        while (moment := self._schedules.next()) is not None and moment <= until:
            self._fire_timers(moment)
            changes = self._schedules.fire(moment)
            if changes is not None:
                self._note(changes)
        self._fire_timers(until)

    def _fire_timers(self, until: Instant) -> None:
        while due := self.store.due(until, AT_ONCE):
            self._keep(advance(self.store, self.rules, due=due, now=until))

    def _keep(self, changes: Changes) -> None:
        self.store.commit(changes)
        self._note(changes)

    def _note(self, changes: Changes) -> None:
        for refusal in changes.refusals:
            if refusal.event == ENTERED:
                self._refused(Event(name=ENTERED, at=refusal.at), refusal.reason, ())
        for kept in changes.decisions:
            decision = kept.decision
            why = rule_in_words(self.trial.machine, self._left.get(kept.enrollment), decision.rule)
            self._left[kept.enrollment] = decision.state
            self._told.append((decision.at, decision.state, why, decision.values))

    def _note_refusal(self, event: Event, changes: Changes) -> None:
        """Note why an event that could have started the journey did not."""
        journey, program = self.trial.machine.journey, self.rules.programs[self.trial.version]
        for refusal in changes.refusals:
            if refusal.journey == journey and refusal.event == event.name != ENTERED:
                self._refused(event, refusal.reason, ())
        if any(kept.decision.rule in _STARTS for kept in changes.decisions):
            return
        story = self.store.story(self.invented.customer)
        assert story is not None, "the customer was there before anything happened"
        facts = bare_facts(story.customer)
        if event.name == self.trial.machine.entry.event and asked(program, event, facts, event.at) == Refused(
            reason="where"
        ):
            # Whoever never asked is not kept as refused, so the engine is asked once more.
            reads = () if program.admits is None else program.admits.reads
            self._refused(event, "where", tuple((text, read(facts, event, None, event.at)) for text, read in reads))

    def _refused(self, event: Event, reason: str, values: tuple[tuple[str, Value], ...]) -> None:
        self.refusals.append(reason)
        self._told.append((event.at, "not entered", refusal_in_words(reason), values))
