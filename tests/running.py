"""Runs as `docs/semantics.md` writes them: journeys, what comes in and when, and what must have come of it.

Takes a store of either kind. Between two lines of a run the clock goes on, timers fire, and messages go out when due;
a line with `down` says that nothing ran until then. Channels answer what a line says, else that they took it.
"""

import re
from collections import Counter
from datetime import UTC, datetime

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.cli.init import scaffold
from journeyscript.compiler import compile_project
from journeyscript.runtime.advancing.starting import Schedules, enrol_existing
from journeyscript.runtime.changing.applying import apply_plan
from journeyscript.runtime.changing.planning import plan_change
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.operating.orders import Pause, Resume, Stop, Suppress, carry_out
from journeyscript.runtime.session import quiet_of, rules_of
from journeyscript.source.nodes import plain
from journeyscript.source.yaml import read_yaml
from journeyscript.stores.addresses import digest_of
from tests.answering import Answering
from tests.worlds import SHOWN_ON_PURPOSE, World, write_project

ANSWERS = {
    "taken": Sent(),
    "not now": Deferred(detail="not now"),
    "never": Refused(detail="no such mailbox", suppress=True),
    "unknown": Unknown(detail="the connection was lost"),
}


class Obliging(Answering):
    """A channel that takes whatever it was told nothing else of."""

    async def deliver(self, batch):
        self.answers += [Sent()] * (len(batch) - len(self.answers))
        return await super().deliver(batch)


class Run:
    """One run: versions of each journey in the order in which they are deployed, and the lines of what happens."""

    def __init__(self, title, journeys, policies, channels, text):
        self.title, self.policies, self.channels = title, policies, channels
        self.versions = {}
        for name, journey in journeys:
            self.versions.setdefault(name, []).append(journey)
        node, findings = read_yaml("run.yaml", text)
        assert not findings, findings
        written = plain(node)
        self.lines, self.expect = written["run"], written["expect"]


def runs(text):
    """Return the runs of a document."""
    found, journeys, policies, channels, title = [], [], "", {}, ""
    for heading, block in re.findall(r"^#+ (.*)$|^```yaml\n((?:.|\n)*?)^```$", text, re.MULTILINE):
        if heading:
            title, journeys, policies, channels = heading, [], "", {}
        elif block.startswith(("policies:", "test_customers:")):
            policies = block
        elif block.startswith("# channels/"):
            channels = {block.split("\n", 1)[0].removeprefix("# "): block}
        elif block.startswith("journey: "):
            journeys.append((block.split("\n", 1)[0].removeprefix("journey: "), block))
        elif block.startswith("run:"):
            found.append(Run(title, journeys, policies, channels, block))
            journeys = []
        else:
            journeys = []
    return found


def lived(run, folder, store):
    """Live through a run; return what was expected of whom, and what happened instead, in the same form."""
    living = _Living(run, folder, store)
    for line in run.lines:
        living.live(line)
    living.close()
    return run.expect, {who: _told(store, who, wanted) for who, wanted in run.expect.items()}


class _Living:
    def __init__(self, run, folder, store):
        self.run, self.folder, self.store = run, folder, store
        self.now, self.outbox, self.answering = 0, None, {}
        self.deployed, self.version = "before" not in run.lines[0], 0
        self.world = World(folder, self._journeys() if self.deployed else {}, store, files=self._files())
        self._open()

    def _journeys(self):
        versions = self.run.versions.items()
        return {name: texts[min(self.version, len(texts) - 1)] for name, texts in versions}

    def _files(self):
        written = scaffold("example")
        weights = ", ".join(f'{code}: "off"' for code in SHOWN_ON_PURPOSE)
        project = f"{written['journeyscript.yaml']}{self.run.policies}rules: {{ {weights} }}\n"
        channels = {path: _over(written[path], more) for path, more in self.run.channels.items()}
        return {"journeyscript.yaml": project, **channels}

    def _open(self):
        """Open the outbox anew, over what is deployed now."""
        left = {name: channel.answers for name, channel in self.answering.items()}
        self.close()
        self.answering = {name: Obliging(*left.get(name, ())) for name in self.world.project.channels}
        carriers = {
            name: Carrier(config=config, adapter=self.answering[name])
            for name, config in self.world.project.channels.items()
        }
        kept, _ = self.store.deployments()
        contents = {digest: text for one in kept.values() for digest, text in one.contents.items()}
        self.outbox = Outbox(self.store, carriers, contents, virtual=False, quiet=quiet_of(self.world.project))

    def close(self):
        if self.outbox is not None:
            self.outbox.close()

    def live(self, line):
        at = _instant(line["at"])
        if self.now:
            self._let_time_pass(at - 1 if "down" not in line else 0)
        if self.now == 0:
            self.schedules = Schedules(self.store, self.world.rules, at - 1)
        self.now = at
        for name, answers in line.get("answers", {}).items():
            self.answering[name].answers += [ANSWERS[answer] for answer in answers]
        if not self.deployed and "before" not in line:
            self.deployed = True
            self.world = World(self.folder, self._journeys(), self.store, files=self._files())
            self._open()
        records = [*line.get("records", ()), *([line["record"]] if "record" in line else ())]
        self._work(at, *({"time": line["at"], **record} for record in records))
        self._order(line, at)
        self._work(at)

    def _order(self, line, at):
        if "apply" in line:
            self.version += 1
            write_project(self.folder, self._journeys(), self._files())
            self.world.project = compile_project(self.folder)
            planned = plan_change(self.world.project, self.store, at)
            assert planned.blocked == (line["apply"] == "blocked"), planned
            if not planned.blocked:
                apply_plan(self.store, planned, at)
                self.world.rules = rules_of(self.world.project, self.store, virtual=False)
                self._open()
        if "enrol_existing" in line:
            enrol_existing(self.store, self.world.rules, line["enrol_existing"], at)
        orders = [
            *([Pause(journey=line["pause"])] if "pause" in line else ()),
            *([Resume(journey=line["resume"], overdue=line.get("overdue"))] if "resume" in line else ()),
            *([Stop(journey=line["stop"], leave=line.get("inside") == "exit")] if "stop" in line else ()),
            *([Suppress(digests=tuple(map(digest_of, line["suppress"])))] if "suppress" in line else ()),
        ]
        for order in orders:
            answer = carry_out(self.store, order, at, self.world.rules)
            assert answer.kind == "done", answer

    def _let_time_pass(self, until):
        while True:
            moments = [self.store.next_due(), self.outbox.next_moment(self.now), self.schedules.next()]
            moment = min((max(one, self.now) for one in moments if one is not None and one <= until), default=None)
            if moment is None:
                return
            self.now = moment
            self._work(moment)

    def _work(self, now, *records):
        """Do what there is to do at a moment, as a live run does it round by round."""
        self.world.at(now, *records)
        while self.outbox.deliver(now) or self.schedules.fire(now) is not None:
            self.world.at(now)


def _over(text, more):
    """Return a file with other lines in the place of those that say the same."""
    said = tuple(f"{key}:" for key in re.findall(r"^(\w+):", more, re.MULTILINE))
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(said)) + more


def _told(store, who, wanted):
    """Return what is to be told of somebody, as far as it is asked for."""
    if who == "rejected":
        return [one.reason for one in reversed(store.rejected(100))]
    if who in {"counted", "not counted"}:
        entered = Counter()
        for one in store.journey_counts(test=who == "not counted"):
            entered[one.journey] += one.count
        return dict(entered)
    story = store.story(who)
    if story is None:
        return "unknown"
    found = {}
    for key, expected in wanted.items() if isinstance(wanted, dict) else ():
        match key:
            case "journeys":
                told = {}
                for one in story.enrollments:
                    told.setdefault(one.journey, []).append(_standing(one))
                found[key] = {name: all_[0] if len(all_) == 1 else all_ for name, all_ in told.items()}
            case "sends":
                sends = sorted(story.sends, key=lambda send: (send.created_at, send.enrollment, send.visit))
                timed = any(" at " in one for one in expected)
                found[key] = [_outcome(send, timed=timed) for send in sends]
            case "refused":
                found[key] = {one.journey or one.event: one.reason for one in story.refusals}
            case "attributes":
                found[key] = {name: str(story.customer.attributes.get(name)) for name in expected}
            case "history":
                found[key] = [one.event.name for one in store.dossier(who).events]
    return found


def _standing(one):
    if one.status == "active":
        return f"at {one.state}"
    return one.status if one.reason is None else f"{one.status}({one.reason})"


def _outcome(send, *, timed):
    reason = "" if send.reason is None or send.status == "pending" else f"({send.reason})"
    at = send.settled_at if send.status in ("sent", "failed") else send.created_at
    moment = datetime.fromtimestamp((at or 0) / 1000, UTC)
    return f"{send.message} {send.status}{reason}" + (f" at {moment:%Y-%m-%dT%H:%MZ}" if timed else "")


def _instant(text):
    return round(datetime.fromisoformat(text).timestamp() * 1000)
