"""Journey tests lived through as a simulation: cases of a journey are one population, in one store, on virtual time.

The population is a file of records with what each customer is and does, read as `customers: { file: … }` is. Every case
is one of its customers; what becomes of the others meanwhile must not matter to them.
"""

import json

from msgspec.structs import replace

from journeyscript.engine.calendar import resolve_zone
from journeyscript.machine.model import Arm
from journeyscript.runtime.intake.recorded import read_recorded
from journeyscript.runtime.intake.records import Incoming, Intake
from journeyscript.runtime.session import requests_of
from journeyscript.runtime.simulation.population import Population, Recorded
from journeyscript.runtime.simulation.run import simulate
from journeyscript.runtime.trials.expectations import judge
from journeyscript.runtime.trials.happened import Happened
from journeyscript.runtime.trials.invented import invent
from journeyscript.source.nodes import plain

SEASON = 100 * 86_400_000
"""Cases that begin farther apart than this do not meet: between them a journey on a schedule would ask for years."""


class Simulated:
    """The cases of one journey of a project."""

    def __init__(self, project, journey, tests, folder):
        self.project = replace(project, journeys={journey: project.journeys[journey]})
        self.compiled, self.tests, self.folder = project.journeys[journey], tests, folder
        self.invented = [self._invented(test) for test in tests]
        machine = self.compiled.machine
        self.alone = machine.entry.max_active is not None
        self.drawn = machine.entry.holdout > 0 or any(
            isinstance(transition.trigger, Arm) for state in machine.states for transition in state.transitions
        )

    def failures(self, number):
        """Return the expectations of the case of that number that its customer, in the simulation, did not meet."""
        happened = self.happened(number)
        return judge(self.tests[number].expect, happened, self.project.catalog)

    def happened(self, number):
        """Return what came of a case, watched until its story ends."""
        records = self.records(number)
        population = Population(
            name="cases",
            seed=1,
            start=records[0].at,
            end=self.invented[number].ends,
            who=Recorded(records=tuple(records)),
        )
        stories = []
        simulate(self.project, population, look=lambda store: stories.append(store.story(self._name(number))))
        (story,) = stories
        machine = self.compiled.machine
        zone, _ = resolve_zone(story.customer.attributes.get("timezone"), machine.timezone)
        return Happened(machine=machine, about=self.compiled.about, story=story, zone=zone, refused=None)

    def records(self, number):
        """Return what is recorded of everybody who lives in one store with the customer of that case."""
        path = self.folder / f"case-{number}.jsonl"
        lines = [line for other in self.together(number) for line in self._lines(other)]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        taken = read_recorded(path, None, Intake(self.project.catalog, requests_of(self.project)), 0)
        assert all(isinstance(record, Incoming) for record in taken), taken
        return taken

    def together(self, number):
        """Return the cases of one population: all of a season, but none that would take the place of another."""
        if self.alone:
            return [number]
        names = {self._name(number): number}
        for other, invented in enumerate(self.invented):
            if abs(invented.profile.at - self.invented[number].profile.at) <= SEASON:
                names.setdefault(self._name(other), other)
        return sorted(names.values())

    def _invented(self, test):
        invented, findings = invent(self.project, self.compiled.machine.journey, test)
        assert not findings
        return invented

    def _name(self, number):
        """Return what the customer of a case goes by: a name of their own, unless the draws hang on the written one."""
        written, customer = self.invented[number].customer, self.tests[number].customer
        named = customer is not None and customer.get("id") is not None
        return written if named or self.drawn else f"case-{number}"

    def _lines(self, number):
        test, invented = self.tests[number], self.invented[number]
        profile = {} if test.customer is None else plain(test.customer)
        consent = profile.pop("consent", {})
        profile.pop("id", None)
        name = self._name(number)
        yield {"customer": name, "time": invented.profile.at, "attributes": profile, "consent": consent}
        for happening, moment in zip(test.timeline, invented.moments, strict=True):
            if moment.record is None:
                continue
            line = {"customer": name, "time": moment.at}
            for key in ("attributes", "consent", "properties"):
                written = getattr(happening, key)
                if written is not None:
                    line[key] = plain(written)
            if happening.event is not None:
                line["event"] = happening.event.text
            if happening.enter is not None:
                line |= {
                    "type": "enter",
                    "journey": self.compiled.machine.journey,
                    "properties": plain(happening.enter),
                }
            if happening.id is not None:
                line["id"] = f"{name} {happening.id.text}"
            yield line
