"""A project to run, written into a folder of its own, and the command line as its users call it."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from journeyscript.stores.sqlite import open_sqlite

# What whoever runs the tests wants of a terminal is no matter of theirs, nor is the repository that a hook works in.
OTHERS = ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
for name in [name for name in os.environ if name in OTHERS or name.startswith("GIT_")]:
    del os.environ[name]

# How long an example takes is the machine's affair, and no test's.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Continuous integration asks the same examples every time, so that red means the change; at home new ones are found.
settings.register_profile("default", UNHURRIED)
settings.register_profile("ci", UNHURRIED, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

PATIENCE = 60.0
"""Seconds after which something that should happen has not happened; a busy machine needs some."""

SHOP = {
    "journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\n",
    "catalog/customer.yaml": """
attributes:
  email: { type: string, optional: true }
  first_name: { type: string, optional: true }
  locale: { type: string, optional: true }
  timezone: { type: string, optional: true }
  points: { type: integer, optional: true }
""",
    "catalog/events.yaml": """
events:
  signed_up: { properties: { plan: { type: string, optional: true } } }
  purchased: { properties: { total: { type: money } } }
  closed: {}
""",
    "channels/post/channel.yaml": "adapter: file\nmedium: text\nconsent: none\npath: outbox\n",
    "channels/post/welcome.txt": 'Hello {{ customer.first_name | default: "you" }}',
    "channels/post/later.txt": "Hello again, {{ customer.id }}",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
exit:
  - event: closed
steps:
  - send: welcome
  - wait: 1 second
  - send: later
""",
}


class Shop:
    """A project in a folder."""

    def __init__(self, root: Path, files: dict[str, str]) -> None:
        self.root = root
        self.processes: list[subprocess.Popen[str]] = []
        self.write(files)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run(self, *arguments: object, stdin: str | None = None, environment: dict[str, str] | None = None):
        """Run a command to its end. Without `stdin` nothing is piped in."""
        piped = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return subprocess.run(
            self._command(arguments),
            **piped,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.root,
            env=_environment(environment),
            timeout=PATIENCE,
            check=False,
        )

    def start(self, *arguments: object, stdin=subprocess.DEVNULL, environment: dict[str, str] | None = None):
        """Start a live run and return it once it answers signals."""
        process = self.begin(*arguments, stdin=stdin, environment=environment)
        until(lambda: "Ctrl-C stops" in self.said(process) or process.poll() is not None)
        assert process.poll() is None, self.said(process)
        return process

    def begin(self, *arguments: object, stdin=subprocess.DEVNULL, environment: dict[str, str] | None = None):
        """Start a run and return it at once."""
        log = self.root / f"run-{len(self.processes)}.log"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                self._command(("run", *arguments)),
                stdin=stdin,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                cwd=self.root,
                env=_environment(environment),
            )
        self.processes.append(process)
        return process

    def stop(self, process, how: int = signal.SIGTERM) -> str:
        """Stop a live run as its users do; return what it said."""
        process.send_signal(how)
        assert process.wait(PATIENCE) == 0, self.said(process)
        return self.said(process)

    def said(self, process) -> str:
        return (self.root / f"run-{self.processes.index(process)}.log").read_text()

    @property
    def store_path(self) -> Path:
        return self.root / ".journeyscript" / "store.db"

    def ask(self, question, path: Path | None = None):
        """Return what a question, a function of a store, is answered at this moment."""
        with closing(open_sqlite(path or self.store_path, read_only=True)) as store:
            return question(store)

    def events(self) -> int:
        return self.ask(lambda store: store.totals(0).events) if self.store_path.exists() else 0

    def sends(self, path: Path | None = None):
        return self.ask(lambda store: store.sends(10_000), path)

    def outbox(self, channel: str = "post", folder: str = "outbox", *, killed: bool = False):
        """Return the messages that were written to files. Where a writer was `killed`, half of one may stand there."""
        file = self.root / folder / f"{channel}.jsonl"
        # What stands behind the last line end is being written at this moment.
        messages = []
        for line in file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else ():
            try:
                messages.append(json.loads(line))
            except ValueError:
                assert killed, line
        return messages

    def _command(self, arguments) -> list[str]:
        return [sys.executable, "-m", "journeyscript", *map(str, arguments)]


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    home = str(Path(__file__).parents[1])
    return {**os.environ, "PYTHONPATH": home, "PYTHONUTF8": "1", **(more or {})}


def until(holds, seconds: float = PATIENCE):
    """Wait until something holds, and return it."""
    end = time.monotonic() + seconds
    while not (answer := holds()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return answer


@pytest.fixture(name="until")
def _until():
    return until


@pytest.fixture
def make_shop(tmp_path):
    """Make a project of the usual files and of those that the test is about; `None` takes one away."""
    shops = []

    def make(files=None, root: Path = tmp_path) -> Shop:
        chosen = {name: text for name, text in {**SHOP, **(files or {})}.items() if text is not None}
        shops.append(Shop(root, chosen))
        return shops[-1]

    yield make
    for shop in shops:
        for process in shop.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()


@pytest.fixture
def shop(make_shop) -> Shop:
    return make_shop()


@pytest.fixture
def record():
    """Write a record as the runtime takes it in."""

    def write(customer, event=None, time=None, **more) -> str:
        fields = {"customer": customer, "event": event, "time": time, **more}
        return json.dumps({name: value for name, value in fields.items() if value is not None}) + "\n"

    return write


@pytest.fixture
def in_process(monkeypatch):
    """Run a command in this process: quicker, for what needs no process of its own."""
    from click.testing import CliRunner

    from journeyscript.cli.main import cli

    def run(shop, *arguments):
        monkeypatch.chdir(shop.root)
        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def run_once(in_process):
    """Let a run in this process take in records, and end once there is nothing to do."""

    def run(shop, records):
        file = shop.root / f"records-{len(list(shop.root.glob('records-*')))}.jsonl"
        file.write_text(records, encoding="utf-8")
        ran = in_process(shop, "run", "--once", "--follow", file)
        assert ran.exit_code == 0, ran.output

    return run
