"""Shared lives: who goes a way that others went is counted by it, and every count is that of living everybody."""

import pytest
from msgspec.structs import replace

from journeyscript.runtime.session import deployments_of
from journeyscript.runtime.simulation.life import Setting
from journeyscript.runtime.simulation.run import simulate
from journeyscript.runtime.simulation.sharing import read_by_name
from journeyscript.runtime.simulation.shortcuts import Shortcuts
from journeyscript.stores.memory import MemoryStore
from tests.runtime.simulation.test_simulation import CAPS, JOURNEY, POPULATION, make


def waiting(condition):
    """Return the journey with a longer first wait for those of whom a condition is true."""
    longer = f"{{ if: {condition}, steps: [{{ wait: 3 days, id: wait_longer }}] }}"
    branch = f"branch: [{longer}, {{ else: [{{ wait: 1 day }}] }}]"
    return JOURNEY.replace("wait: 1 day", branch)


PLAIN = POPULATION.replace("number: 120", "number: 1500")


def both(project, population, monkeypatch):
    """Return the tally with shortcuts and without, and how many were counted by the way of others."""
    asked = []
    tally_of = Shortcuts.tally

    def tally(self):
        found = tally_of(self)
        asked.append(found.customers - self._lived)
        return found

    monkeypatch.setattr(Shortcuts, "tally", tally)
    shared = simulate(project, population)
    return shared, simulate(project, population, shared=False), sum(asked)


@pytest.mark.parametrize(
    ("journey", "files"),
    [
        (JOURNEY, {}),
        (JOURNEY, {"journeyscript.yaml": CAPS}),
        (JOURNEY.replace("again: never", "again: never, holdout: 30%"), {}),
        (JOURNEY.replace("exit: false", "exit: true, within: 3 days"), {}),
        (waiting("customer.vip ?? false"), {}),
        (JOURNEY.replace("exit: [{", 'exit: [{ when: "did(app_installed, since entry)" }, {'), {}),
    ],
    ids=["plain", "caps", "holdout", "goal", "branch", "condition"],
)
def test_the_counts_are_those_of_living_everybody(tmp_path, monkeypatch, journey, files):
    project, population, findings = make(tmp_path, PLAIN, **{"journeys/welcome.yaml": journey, **files})
    assert findings == []
    shared, lived, _ = both(project, population, monkeypatch)
    assert shared == lived
    assert shared.customers == 1500


def test_most_customers_of_a_plain_journey_go_a_way_that_others_went(tmp_path, monkeypatch):
    project, population, _ = make(tmp_path, PLAIN)
    *_, counted = both(project, population, monkeypatch)
    assert counted > 1_200


def setting_of(project, population):
    store = MemoryStore()
    store.deploy(deployments_of(project), population.start)
    return Setting(project, population, store, population.start)


REFUSED = {
    "a wait for a time of day": {"journey": JOURNEY.replace("wait: 1 day", 'wait_until: { time: "09:00" }')},
    "arms drawn for each entry": {"journey": JOURNEY.replace("split: second", "split: second\n    per: entry")},
    "quiet hours": {"config": CAPS + '  quiet_hours: { between: ["22:00", "08:00"] }\n'},
    "a bounded journey": {"journey": JOURNEY.replace("again: never", "again: never, max_active: 5")},
    "a number that is drawn and decides": {"journey": waiting("(customer.age ?? 0) > 30")},
    "the customer's name": {"journey": waiting("customer.id == 'c0000007'")},
}


@pytest.mark.parametrize("why", REFUSED)
def test_where_more_is_asked_than_who_was_first_everybody_is_lived(tmp_path, why):
    written = REFUSED[why]
    files = {"journeys/welcome.yaml": written.get("journey", JOURNEY)}
    if "config" in written:
        files["journeyscript.yaml"] = written["config"]
    project, population, findings = make(tmp_path, PLAIN, **files)
    assert findings == []
    assert project.sound, [one.message for one in project.diagnostics]
    assert read_by_name(setting_of(project, population)) is None


def test_what_decides_is_known_by_name(tmp_path):
    journey = waiting("(customer.vip ?? false) and entry.event.source == 'web'")
    project, population, findings = make(tmp_path, PLAIN, **{"journeys/welcome.yaml": journey})
    assert findings == []
    read = read_by_name(setting_of(project, population))
    assert read is not None
    assert {"vip", "source", "timezone"} <= read
    assert "age" not in read


def test_a_life_that_symbols_cannot_live_is_lived(tmp_path, monkeypatch):
    def fails(*_):
        raise TypeError("no symbol can do this")

    project, population, _ = make(tmp_path, PLAIN)
    monkeypatch.setattr(Shortcuts, "_explore", fails)
    shared, lived, _ = both(project, replace(population), monkeypatch)
    assert shared == lived
