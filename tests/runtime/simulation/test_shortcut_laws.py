"""Shared lives are sound: whatever the journeys and the population are, the counts are those of living everybody."""

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from journeyscript.compiler import compile_project
from journeyscript.runtime.simulation.reading import read_population
from journeyscript.runtime.simulation.run import simulate
from journeyscript.runtime.simulation.shortcuts import Shortcuts
from journeyscript.runtime.simulation.symbols import Trace
from journeyscript.runtime.simulation.tree import Tree
from tests.projects import lay_out

FAST = Path("/dev/shm")
TIMES = ("1 second", "0.999 seconds", "1.0005 seconds", "59 seconds", "90 minutes", *["1 hour"] * 4, "2 hours",
         *["1 day"] * 3, "3 days")  # fmt: skip
"""Lengths of waits, windows, caps and delays alike, so that many of them end at one instant."""

EVENTS = ("purchased", "page_viewed", "app_installed", "became_vip", "account_closed", "signed_up")
OF_THE_CUSTOMER = (
    "customer.vip",
    "not customer.vip",
    'customer.country in ["DE", "AT"]',
    'has customer.level and customer.level == "gold"',
    "customer.visits > 1",
    "customer.visits + 1 == customer.score",
    "consent.email",
    "not consent.push",
)
OF_THE_EVENT = {
    "purchased": ("event.total > 10", "event.items == 1 or customer.vip", 'event.category ?? "" == "toys"'),
    "signed_up": ('event.source == "web"', 'has event.plan and event.plan != "pro"', "event.source == 'app'"),
    "page_viewed": ('event.url == "/a"', "customer.vip"),
    "became_vip": ("event.spent > 15",),
}


class Writer:
    """Writes a project of a few journeys and its population, as chance has it."""

    def __init__(self, chance):
        self.chance, self.count = chance, 0
        self.calm = self.likely(0.6)
        """Whether there are few ways to go, so that most customers go one that others went."""
        self.journeys = ["one", "two", "three"][: chance.randint(1, 2 if self.calm else 3)]
        self.entries = {"one": "signed_up"}
        for name in self.journeys[1:]:
            self.entries[name] = chance.choice(("api", "api", "signed_up", "purchased", "page_viewed", "became_vip"))

    def likely(self, share):
        return self.chance.random() < share

    def some(self, items, most):
        return [self.chance.choice(items) for _ in range(self.chance.randint(0, most))]

    def time(self):
        return self.chance.choice(TIMES)

    def files(self):
        found = {f"journeys/{name}.yaml": self.journey(name) for name in self.journeys}
        found |= {"simulations/small.yaml": self.population(), "journeyscript.yaml": self.config()}
        return {path: json.dumps(content) for path, content in found.items()}

    def config(self):
        config = {"name": "golden", "timezone": "Europe/Berlin", "rules": {"JS902": "off"}}
        config["per_file_ignores"] = {"journeys/*": ["JS206", "JS502", "JS703"]}
        policies = {}
        if self.likely(0.5):
            policies["caps"] = [
                {"messages": self.chance.randint(1, 3), "per": self.chance.choice(("1 hour", "1 day", "3 days"))}
                | ({"channel": self.chance.choice(("email", "push", "sms"))} if self.likely(0.5) else {})
                for _ in range(self.chance.randint(1, 3))
            ]
        if self.likely(0.3):
            policies["grace"] = self.time()
        return config | ({"policies": policies} if policies else {})

    # Journeys ---------------------------------------------------------------------------------------------------------

    def journey(self, name):
        self.count = 0
        self.entry = self.entries[name]
        entry = {"api": {}} if self.entry == "api" else {"event": self.entry}
        if self.likely(0.2) and self.entry != "api":
            entry["where"] = self.condition(self.entry, inside=False)
        entry["again"] = self.chance.choice(
            ("never", "always", f"after {self.time()}", f"after {self.time()} after exit")
        )
        if self.likely(0.4):
            entry["while_active"] = self.chance.choice(("ignore", "restart", "refresh"))
        if self.likely(0.2):
            entry["holdout"] = self.chance.choice(("20%", "50%"))
        if self.likely(0.2):
            entry["key"] = {"signed_up": "event.source", "purchased": "event.order_id"}.get(
                self.entry, "customer.country"
            )
        journey = {"journey": name, "entry": entry}
        if self.likely(0.3):
            journey["exclusive_group"] = "all"
        if self.likely(0.3):
            journey["priority"] = self.chance.randint(-1, 3)
        if name == "one" or self.likely(0.3):
            journey["stage"] = "onboarding"
        if self.likely(0.5):
            journey["goal"] = self.event() | {"exit": self.likely(0.5)} | self.maybe(0.4, within=self.time())
        if self.likely(0.6):
            journey["exit"] = [self.event() for _ in range(self.chance.randint(1, 2))]
            if self.likely(0.4):
                journey["exit"].append({"when": self.chance.choice(OF_THE_CUSTOMER)})
        if self.likely(0.25):
            journey["max_lifetime"] = self.chance.choice(("90 minutes", "1 day", "2 days"))
        return journey | {"steps": self.steps(2 if self.calm else 3, least=2)}

    def maybe(self, share, **values):
        return values if self.likely(share) else {}

    def event(self, share=0.4):
        name = self.chance.choice(EVENTS)
        found = {"event": name}
        if self.likely(share):
            found["where"] = self.condition(name, inside=True)
        return found

    def condition(self, about, *, inside, deep=1):
        kind = self.chance.random()
        if deep and kind < 0.3:
            parts = [self.condition(about, inside=inside, deep=0) for _ in range(2)]
            return f"({parts[0]}) {self.chance.choice(('and', 'or'))} {self.negated(f'({parts[1]})')}"
        if kind < 0.5:
            return self.chance.choice(OF_THE_EVENT.get(about, OF_THE_CUSTOMER))
        if kind < 0.6 and inside and self.entry in ("signed_up", "purchased"):
            return {"signed_up": 'entry.event.source == "web"', "purchased": "entry.event.total > 10"}[self.entry]
        return self.history(inside=inside) if kind < 0.9 else self.chance.choice(OF_THE_CUSTOMER)

    def negated(self, condition):
        return f"not {condition}" if self.likely(0.3) else condition

    def history(self, *, inside):
        windows = ("", f", last {self.time()}", f", last {self.time()}", ", since entry" if inside else "")
        window, name = self.chance.choice(windows), self.chance.choice(EVENTS)
        return self.chance.choice(
            (
                f"did({name}{window})",
                f"did({name}{window})",
                f"count({name}{window}) >= {self.chance.randint(1, 3)}",
                f"count(purchased where event.total > 10{window}) >= 1",
                f"sum(purchased.total{window}) > 20",
                f"(average(purchased.items{window}) ?? 0) > 1",
                f"(last(purchased{window}).items ?? 2) > 1",
                "customer in segment loyal",
            )
        )

    def steps(self, deep, least=0):
        return [self.step(deep) for _ in range(self.chance.randint(least, 3))]

    def step(self, deep):
        self.count += 1
        number = self.count
        kinds = ["send", "send", "send", "wait", "wait", "wait_for", "wait_for", "branch", "branch", "set", "emit",
                 "enter", "until"]  # fmt: skip
        kinds += ["split", "repeat"] if deep > 1 else []
        kind = self.chance.choice(kinds)
        if not deep and kind in ("branch", "split", "repeat"):
            kind = "send"
        if kind == "enter" and "api" not in self.entries.values():
            kind = "wait"
        return getattr(self, f"step_{kind}")(deep) | {"id": f"s{number}"}

    def step_send(self, deep):
        message = self.chance.choice(("welcome", "reminder", "offer", "code"))
        channels = {"welcome": ("email", "sms"), "reminder": ("push", "email"), "offer": ("email",), "code": ("sms",)}
        some = [one for one in channels[message] if self.likely(0.7)]
        found = {"send": message} | ({"via": some} if some else {})
        discount = self.chance.choice(("10", "10", "hours_since(entry.at)", "length(customer.id)", "count(purchased)"))
        found |= {"offer": {"with": {"discount": discount}}, "code": {"with": {"code": "'1'"}}}.get(message, {})
        found |= self.maybe(0.2, when_capped={"delay": self.time()}) | self.maybe(0.2, max_age=self.time())
        return found | ({"else": self.steps(deep - 1)} if deep and self.likely(0.2) else {})

    def step_wait(self, _deep):
        return {"wait": self.time()}

    def step_until(self, _deep):
        when = self.chance.choice(OF_THE_CUSTOMER) if self.likely(0.9) else self.history(inside=True)
        return {"wait_until": {"when": when, "timeout": self.time()}}

    def step_wait_for(self, deep):
        found = {"timeout": self.time()} | self.maybe(0.5, lookback=self.chance.choice(("since entry", self.time())))
        if self.likely(0.3):
            awaited = [self.event() | {"steps": self.steps(deep - 1) if deep else []} for _ in range(2)]
            return found | {"wait_for": awaited}
        one = self.event()
        found |= {"wait_for": one.pop("event")} | one
        if deep and self.likely(0.5):
            found["then"] = [*self.steps(deep - 1), {"exit": "converted"}] if self.likely(0.4) else self.steps(deep - 1)
        return found | ({"else": self.steps(deep - 1)} if deep and self.likely(0.3) else {})

    def step_branch(self, deep):
        ways = [
            {"if": self.condition("", inside=True), "steps": self.steps(deep - 1, 1)}
            for _ in range(self.chance.randint(1, 2))
        ]
        return {"branch": [*ways, {"else": self.steps(deep - 1)}]}

    def step_split(self, deep):
        arms = [{"arm": arm, "weight": 50, "steps": self.steps(deep - 1)} for arm in ("a", "b")]
        return {"split": self.chance.choice(("first", "second")) + str(self.count), "arms": arms} | (
            {"per": "entry"} if self.likely(0.1) else {}
        )

    def step_repeat(self, deep):
        repeat = {"times": self.chance.randint(2, 4)} | self.maybe(0.6, until=self.condition("", inside=True))
        return {"repeat": repeat, "steps": [{"wait": self.time(), "id": f"r{self.count}"}, *self.steps(deep - 2)]}

    def step_set(self, _deep):
        values = {"visits": "customer.visits + 1", "vip": "not customer.vip", "phone": '""', "level": '"gold"'}
        values |= {"visits ": "count(purchased, since entry)", "preferred_channel": '"push"'}
        name = self.chance.choice(list(values))
        return {"set": {name.strip(): values[name]}}

    def step_emit(self, _deep):
        return self.chance.choice(
            (
                {"emit": "became_vip", "properties": {"spent": "sum(purchased.total)"}},
                {"emit": "page_viewed", "properties": {"url": self.chance.choice(('"/a"', '"/b"'))}},
                {"emit": "app_installed"},
            )
        )

    def step_enter(self, _deep):
        return {"enter": self.chance.choice([name for name, entry in self.entries.items() if entry == "api"])}

    # Populations ------------------------------------------------------------------------------------------------------

    def population(self):
        customers = {"number": self.chance.randint(250 if self.calm else 60, 400), "event": "signed_up"}
        if self.likely(0.8):
            customers["arrive"] = {"over": self.chance.choice(("1 second", "1 hour", "3 days"))}
            customers["arrive"] |= self.maybe(0.3, **{"as": "uniform"})
        customers["properties"] = self.properties("signed_up")
        customers["attributes"] = {
            "email": {"text": "{customer}@shop.example"} | self.maybe(0.5, missing="10%"),
            "push_token": {"text": "{customer}"},
            "phone": self.chance.choice(({"choice": {"": 1, "+49": 2}}, {"text": "+49{customer}", "missing": "20%"})),
            "vip": {"choice": {"true": 1, "false": 2}} | self.maybe(0.3, missing="20%"),
            "country": {"choice": {"DE": 2, "AT": 1, "FR": 1}},
            "visits": self.chance.choice((0, {"choice": {0: 1, 1: 1, 2: 1}})),
            "score": {"choice": {1: 1, 2.5: 1}},
            "age": {"uniform": [18, 80]},
        }
        if self.likely(0.4):
            customers["attributes"]["level"] = {"choice": {"gold": 1, "silver": 1}, "missing": "30%"}
        if self.likely(0.3):
            customers["attributes"]["preferred_channel"] = {
                "choice": {"sms": 1, "email": 1, "push": 1},
                "missing": "20%",
            }
        if self.calm:
            kept = {name: drawn for name, drawn in customers["attributes"].items() if self.likely(0.5)}
            customers["attributes"] = kept | {"email": {"text": "{customer}@shop.example"}}
        customers["consent"] = {"email": self.chance.choice(("100%", "80%", "0%")), "push": "90%", "sms": "50%"}
        if self.calm:
            del customers["consent"]["push"]
        length = self.chance.choice(("2 hours", "3 days", "8 days"))
        start = self.chance.choice(("2026-03-02T00:00+01:00", "2026-03-27T23:59:59.999+01:00"))
        found = {"population": "small", "seed": self.chance.randint(0, 9999), "start": start, "for": length}
        reactions = [self.reaction() for _ in range(self.chance.randint(0, 2 if self.calm else 5))]
        return found | {"customers": customers, "behaviour": reactions}

    def properties(self, name):
        match name:
            case "purchased":
                drawn = {"choice": {5: 1, 12: 1, 30: 1}} if self.likely(0.7) else {"uniform": [5, 7]}
                number = "1" if self.likely(0.7) else {"text": "{customer}-{n}"}
                return {"order_id": number, "total": drawn, "items": {"choice": {1: 1, 2: 1}}} | (
                    {"category": {"choice": {"toys": 1, "food": 1}, "missing": "40%"}} if self.likely(0.4) else {}
                )
            case "signed_up":
                return {"source": {"choice": {"web": 3, "app": 1}}} | self.maybe(0.3, plan={"text": "{customer}"})
            case "page_viewed":
                return {"url": self.chance.choice(("/a", {"choice": {"/a": 1, "/b": 1}}))}
            case "became_vip":
                return {"spent": {"choice": {10: 1, 20: 1}}}
            case _:
                return {}

    def reaction(self):
        cause = self.chance.choice(
            (
                {"message": self.chance.choice(("welcome", "reminder", "offer"))},
                {"message": "reminder", "channel": self.chance.choice(("push", "email"))},
                {"event": self.chance.choice(("signed_up", "signed_up", "purchased", "page_viewed"))},
                {"stage": "onboarding"},
            )
        )
        found = {"after": cause, "chance": self.chance.choice(("100%", "60%", "20%"))}
        found["within"] = self.chance.choice(
            (
                {"fixed": self.time()},
                {"fixed": self.time()},
                {"uniform": ["1 second", "1.01 seconds"]},
                {"uniform": ["1 hour", "1 day"]},
                {"exponential": {"median": self.time()}},
                {"lognormal": {"median": self.time()}},
            )
        )
        if self.likely(0.2):
            return found | {"consent": {self.chance.choice(("push", "email")): self.likely(0.3)}}
        name = self.chance.choice(EVENTS[:5] + EVENTS[:2])
        return found | {"event": name, "properties": self.properties(name)}


def read(files):
    """Return the project of these files and its population, `None` where something in it is not allowed."""
    with TemporaryDirectory(dir=FAST if FAST.is_dir() else None) as folder:
        project = compile_project(lay_out(Path(folder), files))
        if not project.sound:
            return project, None
        (node,) = project.simulations.values()
        population, findings = read_population(project, node)
        assert not findings, [one.message for one in findings]
    return project, population


def both(project, population, monkeypatch):
    """Return the tally with shared lives and without, and how many were counted by the way of others."""
    shared_lives = []

    def remembered(self, *arguments, begin=Shortcuts.__init__):
        begin(self, *arguments)
        shared_lives.append(self)

    with monkeypatch.context() as patch:
        patch.setattr(Shortcuts, "__init__", remembered)
        shared = simulate(project, population)
    counted = sum(max(sum(one._times) - one._lived, 0) for one in shared_lives)
    return shared, simulate(project, population, shared=False), counted


@settings(
    max_examples=int(os.environ.get("LAWS", "30")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.randoms(use_true_random=False))
def test_whatever_the_project_is_the_counts_are_those_of_living_everybody(chance):
    with pytest.MonkeyPatch.context() as monkeypatch:
        project, population = read(Writer(chance).files())
        if population is None:
            event("not a sound project")
            return
        shared, lived, counted = both(project, population, monkeypatch)
        event("most are counted" if 2 * counted > lived.customers else "some are" if counted else "all are lived")
        assert shared == lived


def test_in_a_good_share_of_such_projects_most_customers_are_counted_by_others(monkeypatch):
    used = Counter()
    for seed in range(12):
        project, population = read(Writer(Random(seed)).files())
        if population is not None:
            shared, lived, counted = both(project, population, monkeypatch)
            assert shared == lived
            used[2 * counted > lived.customers] += 1
    assert used[True] >= 3
    assert used.total() >= 10


# What differs though nobody asked for it ----------------------------------------------------------------------------

HEAD = {"population": "small", "seed": 3, "start": "2026-03-02T00:00+01:00", "for": "8 days"}
PEOPLE = {
    "number": 300,
    "event": "signed_up",
    "properties": {"source": "web"},
    "consent": {"email": "50%", "sms": "70%"},
}
TWICE = [
    {
        "after": {"event": "signed_up"},
        "event": "purchased",
        "chance": "100%",
        "within": {"fixed": "1 hour"},
        "properties": {"order_id": "1", "total": 5, "items": {"uniform": [1, 2]}},
    }
] * 2
LATER = {"wait_for": "purchased", "lookback": "since entry", "timeout": "1 day", "then": [{"exit": "again"}]}
UNASKED = {
    "whether a chosen address is blank": (
        {
            "journey": "one",
            "entry": {"event": "signed_up", "again": "never"},
            "steps": [{"send": "welcome", "via": "sms"}],
        },
        {"attributes": {"phone": {"choice": {"": 1, "+49": 1}}}},
    ),
    "whether an event is that of the entry": (
        {
            "journey": "one",
            "entry": {"event": "purchased", "again": "never"},
            "steps": [{"wait": "1 second"}, LATER, {"send": "reminder", "via": "email"}],
        },
        {},
    ),
    "whether a goal is the event of the entry": (
        {
            "journey": "one",
            "entry": {"event": "purchased", "again": "never", "holdout": "50%"},
            "goal": {"event": "purchased", "exit": False},
            "steps": [{"wait": "1 day"}],
        },
        {},
    ),
    "which of two draws a name means": (
        {
            "journey": "consents",
            "entry": {"event": "signed_up", "again": "never"},
            "steps": [
                {
                    "split": "offer",
                    "id": "email",
                    "arms": [
                        {"arm": "a", "weight": 50, "steps": [{"send": "welcome", "via": "email"}]},
                        {"arm": "b", "weight": 50, "steps": []},
                    ],
                }
            ],
        },
        {},
    ),
}


def written(journey, people):
    population = HEAD | {"customers": PEOPLE | people, "behaviour": TWICE}
    files = {f"journeys/{journey['journey']}.yaml": journey, "simulations/small.yaml": population}
    project, population = read({path: json.dumps(content) for path, content in files.items()})
    assert population is not None, [found.message for found in project.diagnostics]
    return project, population


@pytest.mark.parametrize("what", UNASKED)
def test_what_differs_between_customers_is_asked_or_they_are_lived(what, monkeypatch):
    shared, lived, _ = both(*written(*UNASKED[what]), monkeypatch)
    assert shared == lived
    assert shared.customers == 300


def test_ways_that_cannot_be_compiled_are_counted_once(monkeypatch):
    def fails(_):
        raise IndentationError("too many levels of indentation")

    monkeypatch.setattr(Tree, "compile", fails)
    shared, lived, counted = both(*written(*UNASKED["whether a chosen address is blank"]), monkeypatch)
    assert (shared, counted) == (lived, 0)


def test_a_way_with_many_turns_off_the_longest_one_is_found_or_unknown():
    tree = Tree(("name", "at"), {"answer_to": lambda number, name: name[number]})

    def goes(answers):
        trace = Trace()
        for number, answer in enumerate(answers):
            trace.ask(f"answer_to({number}, name)", answer)
        tree.grow(trace, [])

    # Behind every question the longer way is the one that not many take.
    ways = [[*[True] * turns, False, *[False] * (300 - 2 * turns)] for turns in range(120)]
    for answers in ways:
        goes(answers)
    tree.compile()
    found = [tree.find(answers, 0) for answers in ways]
    assert found[:80] == list(range(80))
    assert set(found[80:]) <= {-1, *range(80, 120)}
