"""Whatever journey the grammar allows: its machine can always be left, and every round of it takes time."""

import json
import random
from itertools import pairwise
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.machine.canonical import canonical_json, machine_from_json, version_of
from journeyscript.machine.graph import instant_cycle, leads_to_final, path_to, reachable
from journeyscript.machine.model import Due, Lap
from tests.projects import compile_text, machine_of
from tests.strategies import journeys, text_of

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "ok").glob("*.yaml"))


def compiled(journey):
    found, findings = compile_text(text_of(journey))
    # Of what is drawn by chance, one alternative may well take what is meant for another.
    assert not [item for item in findings if item.severity == "error" and item.code != "JS206"], findings
    assert found is not None
    return found


@settings(max_examples=150)
@given(journeys())
def test_every_random_journey_compiles_to_a_machine_that_can_be_left(journey):
    machine = compiled(journey).machine
    names = {state.id for state in machine.states}
    assert leads_to_final(machine) == names
    assert reachable(machine) <= names
    assert instant_cycle(machine) == ()
    for state in machine.states:
        assert bool(state.transitions) != bool(state.final)
        assert all(transition.target in names for transition in state.transitions)
        # Whoever rests in a state has a timer: it is set wherever a way out waits for one.
        assert (state.timer is not None) == any(isinstance(t.trigger, Due) for t in state.transitions)


@settings(max_examples=150)
@given(journeys())
def test_every_loop_of_a_random_journey_is_bounded_and_takes_time(journey):
    """Without the transitions that count rounds no state leads back to itself, and no round takes no time."""
    machine = compiled(journey).machine
    assert instant_cycle(machine) == ()
    onward = {
        state.id: [t.target for t in state.transitions if not isinstance(t.trigger, Lap)] for state in machine.states
    }
    # Kahn's way: take away whatever leads nowhere any more; what is left then goes round.
    while gone := {name for name, targets in onward.items() if not any(target in onward for target in targets)}:
        onward = {name: targets for name, targets in onward.items() if name not in gone}
    assert onward == {}


@settings(max_examples=100)
@given(journeys())
def test_a_machine_read_from_its_json_is_the_same(journey):
    machine = compiled(journey).machine
    again = machine_from_json(canonical_json(machine))
    assert again == machine
    assert version_of(again) == version_of(machine)
    assert canonical_json(again) == canonical_json(machine)


@settings(max_examples=60)
@given(journeys(), st.randoms(use_true_random=False))
def test_formatting_comments_and_the_order_of_keys_change_no_version(journey, chance):
    first = version_of(compiled(journey).machine)
    written = yaml.safe_dump(shuffled(journey, chance), sort_keys=False, width=40)
    text = "# A comment.\n" + written.replace("\n", "\n\n# another\n", 1)
    assert version_of(machine_of_warned(text)) == first


def machine_of_warned(text):
    found, findings = compile_text(text, "journeys/elsewhere.yaml")
    assert found is not None, findings
    return found.machine


def shuffled(value, chance: random.Random):
    """Return a value whose mappings have their keys in another order."""
    if isinstance(value, list):
        return [shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    # The variables of a message, and what is set, stand in an order that is part of what happens.
    keys = list(value)
    chance.shuffle(keys)
    return {key: value[key] if key in ("set", "with", "properties") else shuffled(value[key], chance) for key in keys}


def test_titles_and_owners_change_no_version():
    text = GOLDEN[0].read_text()
    document = yaml.safe_load(text)
    changed = {**document, "title": "Another", "owner": "somebody@shop.example", "stage": "loyalty", "segment": "loyal"}
    assert version_of(machine_of(json.dumps(changed)).machine) == version_of(machine_of(text).machine)


def changes(value):
    """Yield copies of a journey, each with one thing in it that behaves differently."""
    match value:
        case dict():
            for key, item in value.items():
                if key not in ("journey", "title", "owner", "stage", "segment"):
                    for changed in changes(item):
                        yield {**value, key: changed}
                if key in (
                    "else",
                    "then",
                    "exit",
                    "goal",
                    "max_lifetime",
                    "key",
                    "where",
                    "via",
                    "id",
                    "until",
                    "spread",
                ):
                    yield {name: kept for name, kept in value.items() if name != key}
        case list() if value and isinstance(value[0], dict):
            for number, item in enumerate(value):
                yield [*value[:number], *value[number + 1 :]]
                for changed in changes(item):
                    yield [*value[:number], changed, *value[number + 1 :]]
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            for old, new in (
                ("days", "hours"),
                ("day", "hour"),
                ("10", "11"),
                ("50", "51"),
                ("purchased", "app_installed"),
            ):
                if old in value:
                    yield value.replace(old, new, 1)


def test_every_change_of_behaviour_is_another_version():
    for path in GOLDEN:
        document = yaml.safe_load(path.read_text())
        first = version_of(machine_of(path.read_text()).machine)
        versions = [
            version_of(found.machine)
            for changed in changes(document)
            if (found := compile_text(json.dumps(changed))[0]) is not None
        ]
        assert len(versions) >= 8
        assert first not in versions, path.name


@settings(max_examples=60)
@given(journeys())
def test_the_way_to_a_state_is_a_way(journey):
    machine = compiled(journey).machine
    states = {state.id: state for state in machine.states}
    for name in reachable(machine):
        path = path_to(machine, name)
        assert path[0] == machine.initial
        assert path[-1] == name
        for here, following in pairwise(path):
            assert following in {t.target for t in states[here].transitions}
