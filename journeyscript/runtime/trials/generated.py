"""A test for each place of a journey that no test takes: somebody who goes there, with what the journey does today.

Takes a trial and its coverage; gives tests as plain data, and the places nobody was found for. `ways` invents customers
and timelines, each is lived through, and a test is given only where its story really takes the place: never a guess.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from journeyscript.checks.regions import survey
from journeyscript.diagnostics import Situation
from journeyscript.machine.model import NotSent, Send, State
from journeyscript.runtime.trials.coverage import COUNTED, Coverage, Key, Place, taken_by
from journeyscript.runtime.trials.happened import Happened
from journeyscript.runtime.trials.manners import events_in, spans
from journeyscript.runtime.trials.staging import TestData, first_staged
from journeyscript.runtime.trials.telling import Candidate, Data, Leg, Telling, written
from journeyscript.runtime.trials.trial import Trial
from journeyscript.runtime.trials.ways import candidates_along, way, way_by
from journeyscript.semantics.typed import Expression
from journeyscript.syntax.duration import show_duration

MOST_RESTS = 8
"""At so many steps an exit or the goal is tried to be reached."""

MOST_ENDINGS = 4
"""So many events, or changes, are tried that a condition lets pass."""


class Generated(Struct, frozen=True, kw_only=True):
    """Tests, and the places that none of them takes."""

    tests: tuple[TestData, ...]
    unreached: tuple[Place, ...]


def generate(trial: Trial, coverage: Coverage, names: Sequence[str]) -> Generated:
    """Return tests for what a coverage lacks, transitions first; `names` are those that other tests have already."""
    order = {"transition": 0, "exit": 1, "goal": 2, "step": 3}
    missing = sorted((one for one in coverage.missing if one.kind in COUNTED), key=lambda one: order[one.kind])
    taken, used = set(coverage.taken), set(names)
    tests: list[TestData] = []
    for place in missing:
        if place.key in taken:
            continue
        name = _name(place, used)
        found = _test(trial, place, name)
        if found is not None:
            test, also = found
            tests.append(test)
            used.add(name)
            taken |= also
    return Generated(tests=tuple(tests), unreached=tuple(place for place in missing if place.key not in taken))


def _name(place: Place, used: set[str]) -> str:
    match place.kind:
        case "transition":
            why = "" if place.words == "goes on" else f", {place.words}"
            base = f"{place.step} goes to {place.target}{why}"
        case "exit":
            base = f"the journey ends by {place.step}"
        case "goal":
            base = "the goal is reached"
        case _:
            base = f"{place.step} is reached"
    name = base = " ".join(base.split())
    number = 2
    while name in used:
        name, number = f"{base} ({number})", number + 1
    return name


def _test(trial: Trial, place: Place, name: str) -> tuple[TestData, set[Key]] | None:
    """Return a test that takes a place, and all that it takes."""
    also: set[Key] = set()

    def takes(happened: Happened) -> bool:
        found = taken_by(trial.machine, happened.story)
        if place.key not in found:
            return False
        also.update(found)
        return True

    path = (place.step, place.target) if place.kind == "transition" else ()
    test = first_staged(trial, _candidates(trial, place), name, path, takes)
    return None if test is None else (test, also)


def _candidates(trial: Trial, place: Place) -> Iterator[Candidate]:
    machine = trial.machine
    states = {state.id: state for state in machine.states}
    match place.kind:
        case "transition":
            yield from _going(trial, way_by(machine, states[place.step], place.number))
        case "step":
            yield from _going(trial, way(machine, (place.step,)))
        case "goal":
            assert machine.goal is not None, "it is a place of the journey"
            yield from _ending(trial, machine.goal.event, machine.goal.where)
        case "exit":
            rule = next(one for one in machine.exits if one.id == place.step)
            yield from _ending(trial, rule.event, rule.when)
        case _:
            return


def _going(trial: Trial, legs: Sequence[Leg] | None) -> Iterator[Candidate]:
    """Yield those who should go from leg to leg; who are to get no message there are out of reach."""
    if legs is None:
        return
    given: dict[str, bool | None] = {}
    for leg in legs:
        if leg.number is not None and isinstance(leg.state.transitions[leg.number].trigger, NotSent):
            given |= _out_of_reach(trial, leg.state)
    yield from candidates_along(trial.project, trial.compiled, legs, Situation(customer=tuple(given.items())))


def _out_of_reach(trial: Trial, state: State) -> dict[str, bool | None]:
    """Return what is so of whom no channel of a send may write to."""
    given: dict[str, bool | None] = {}
    for name in state.action.via if isinstance(state.action, Send) else ():
        channel = trial.project.channels[name]
        if channel.consent != "none" and isinstance(state.action, Send) and state.action.kind == "marketing":
            given[f"consent.{name}"] = False
        elif channel.address not in (None, "id"):
            given[f"customer.{channel.address}"] = None
    return given


def _ending(trial: Trial, event: str | None, condition: Expression | None) -> Iterator[Candidate]:
    """Yield those to whom something happens wherever they may rest: an event, or a change that a condition asks for."""
    machine = trial.machine
    resting = [state for state in machine.states if state.timer is not None or state.step == "wait_for"]
    for state in resting[:MOST_RESTS]:
        for ending in _endings(trial, event, condition):
            for candidate in _going(trial, way(machine, (state.id,))):
                yield replace(candidate, timeline=[*candidate.timeline, *ending])
                first, *others = candidate.timeline
                if "after" not in first and "at" not in first:
                    # In the evening, when times of day and windows are waited for that are open in the morning.
                    yield replace(candidate, timeline=[{"after": "13 hours", **first}, *others, *ending])
                break


def _endings(trial: Trial, event: str | None, condition: Expression | None) -> Iterator[list[Data]]:
    """Yield items of a timeline behind which a condition is true: by what changes, or by the time that passes."""
    found = None if condition is None else survey([condition], trial.machine.timezone)
    rows = () if found is None else tuple(row for row in found.rows if row.holds == (True,))[:MOST_ENDINGS]
    facts = [{leaf.name: value for leaf, value in zip(found.leaves, row.values, strict=True)} for row in rows if found]
    for known in facts or [{}]:
        telling = Telling(trial.project, trial.machine, known)
        definitions = trial.project.catalog.attributes
        changed = {
            name: None if value is None else written(value, definitions[name].type)
            for name, value in telling.about("customer.").items()
            if name in definitions
        }
        consent = {name: value for name, value in telling.about("consent.").items() if isinstance(value, bool)}
        item: Data = {"after": "1 hour"}
        if event is not None:
            properties = telling.properties(event, telling.about("event."))
            item |= {"event": event, **({"properties": properties} if properties else {})}
        yield [item | ({"attributes": changed} if changed else {}) | ({"consent": consent} if consent else {})]
    if event is not None or condition is None:
        return
    telling = Telling(trial.project, trial.machine, {})
    before: list[Data] = []
    for name in sorted(events_in([condition])):
        properties = telling.properties(name, {})
        before.append({"after": "1 hour", "event": name, **({"properties": properties} if properties else {})})
    for span in spans([condition]):
        time: Data = {"after": show_duration(span)}
        yield [time]
        yield [*before, time]
