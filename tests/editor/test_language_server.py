"""The real yaml-language-server with our schemas: it is silent where we are, and errs, completes and explains right.

Install it with `npm install --prefix tests/editor`; without it these tests are skipped.
"""

import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from journeyscript.syntax.validating import SCHEMA_KINDS, schema
from tests.projects import read

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PLACES = (Path(os.environ.get("YAML_LANGUAGE_SERVER", "")), HERE / "node_modules/.bin/yaml-language-server")
SERVER = next((str(place) for place in PLACES if place.is_file()), shutil.which("yaml-language-server"))

pytestmark = pytest.mark.skipif(
    SERVER is None or shutil.which("node") is None,
    reason="yaml-language-server is not installed: npm install --prefix tests/editor",
)

GOOD = {
    "journey": sorted((ROOT / "journeys").glob("[!.]*[!t].yaml")),
    "test": sorted((ROOT / "journeys").glob("*.test.yaml")),
    "channel": sorted((ROOT / "channels").glob("*/channel.yaml")),
    "customer": [ROOT / "catalog/customer.yaml"],
    "events": [ROOT / "catalog/events.yaml"],
    "segments": [ROOT / "catalog/segments.yaml"],
    "project": [ROOT / "journeyscript.yaml"],
    "population": sorted((ROOT / "simulations").glob("*.yaml")),
}
HEAD = "journey: trial\nentry: { event: signed_up, again: never }\nsteps:\n"
BAD = {
    "an unknown key of a step": HEAD + "  - send: welcome\n  - wait: 1 day\n    vja: push\n",
    "a wait without a timeout": HEAD + "  - wait: 1 day\n  - wait_for: purchased\n",
    "an unknown kind of step": HEAD + "  - wait: 1 day\n  - sned: welcome\n",
    "a value of the wrong kind": HEAD.replace("again: never", "again: sometimes") + "  - wait: 1 day\n",
    "a key that is missing": "journey: trial\nentry: { event: signed_up }\nsteps: [{ wait: 1 day }]\n",
}


class Server:
    """A language server on its standard streams."""

    def __init__(self, schemas):
        self.process = subprocess.Popen([SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.buffer = b""
        self.last_id = 0
        self.schemas = schemas
        self.answers, self.diagnostics = {}, {}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        self.send("initialized", {})

    def send(self, method, params, **more):
        self.write({"method": method, "params": params, **more})

    def write(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def ask(self, method, params):
        self.last_id += 1
        number = self.last_id
        self.send(method, params, id=number)
        self.until(lambda: number in self.answers)
        return self.answers[number]

    def until(self, done):
        end = time.monotonic() + 100
        while not done():
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            assert ready, "the language server did not answer"
            self.buffer += os.read(self.process.stdout.fileno(), 65536)
            while (message := self.message()) is not None:
                self.take(message)

    def message(self):
        head, found, rest = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return json.loads(rest[:length])

    def take(self, message):
        match message:
            case {"method": "textDocument/publishDiagnostics", "params": params}:
                self.diagnostics[params["uri"]] = params["diagnostics"]
            case {"method": "workspace/configuration", "id": number, "params": params}:
                yaml = {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}
                found = [yaml if item.get("section") == "yaml" else None for item in params["items"]]
                self.write({"id": number, "result": found})
            case {"method": _, "id": number}:
                self.write({"id": number, "result": None})
            case {"id": number}:
                assert "error" not in message, message
                self.answers[number] = message["result"]

    def open(self, kind, text):
        """Open a text as a file of some kind, which its first line names; return its address."""
        uri = f"file:///project/{len(self.diagnostics)}-{time.monotonic_ns()}.yaml"
        text = f"# yaml-language-server: $schema={self.schemas.as_uri()}/{kind}.schema.json\n{text}"
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.send("textDocument/didOpen", {"textDocument": document})
        return uri

    def findings(self, kind, text, *, some=False):
        """Return what is found in a text; where `some` are expected, the first that is."""
        uri = self.open(kind, text)
        self.until(lambda: self.diagnostics.get(uri) if some else uri in self.diagnostics)
        return self.diagnostics[uri]

    def at(self, method, uri, line, character):
        position = {"line": line, "character": character}
        return self.ask(method, {"textDocument": {"uri": uri}, "position": position})


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    for kind in SCHEMA_KINDS:
        (folder / f"{kind}.schema.json").write_text(json.dumps(schema(kind)))
    started = Server(folder)
    yield started
    started.process.kill()
    started.process.communicate()


@pytest.mark.parametrize("kind", list(GOOD))
def test_it_finds_nothing_in_the_files_of_this_repository(server, kind):
    paths = [path for path in GOOD[kind] if kind == "test" or not path.name.endswith(".test.yaml")]
    assert paths
    for path in paths:
        assert server.findings(kind, path.read_text()) == [], path


@pytest.mark.parametrize("text", BAD.values(), ids=list(BAD))
def test_it_marks_the_line_that_the_compiler_names(server, text):
    ours = {found.span.line for found in read(text)[1] if found.severity == "error"}
    # The first line is the one that names the schema, and the server counts from 0.
    theirs = {found["range"]["start"]["line"] for found in server.findings("journey", text, some=True)}
    assert ours
    assert ours <= theirs


def test_a_new_step_is_completed_with_every_keyword(server):
    uri = server.open("journey", HEAD + "  - \n")
    found = server.at("textDocument/completion", uri, 4, 4)
    labels = {item["label"] for item in found["items"]}
    assert {"send", "wait", "wait_until", "wait_for", "branch", "split", "repeat", "set", "emit", "exit"} <= labels


def test_a_key_is_explained_where_the_mouse_rests(server):
    uri = server.open("journey", HEAD + "  - send: welcome\n    via: push\n")
    assert "The channels to try, in this order" in json.dumps(server.at("textDocument/hover", uri, 5, 5))
