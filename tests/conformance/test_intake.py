"""Whatever comes in among good records: it is taken in or kept with a reason, and no good record is lost for it."""

import json
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.compiler import compile_project
from journeyscript.runtime.intake.sources import FileSource
from journeyscript.runtime.live import Live
from journeyscript.runtime.session import For, Session
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite

PROJECT = compile_project(Path(__file__).parent / "project")
NOW = 1_767_603_600_000
"""2026-01-05T09:00Z."""
JOURNEY = "case_27_one_event_twice"
MOST = 100

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["x", "y", " x ", "", 7, True, "\x00", "n" * 600]) | values
records = st.fixed_dictionaries(
    {},
    optional={
        "customer": names,
        "previous": names,
        "userId": names,
        "event": st.sampled_from(["started", "ordered", "startd", "entered"]) | values,
        "type": st.sampled_from(["merge", "alias", "erase", "delete", "enter", "track"]) | values,
        "journey": st.sampled_from(["entry_api", JOURNEY]) | values,
        "time": st.sampled_from(["2026-01-05T09:00:00Z", "2026-13-01T00:00Z", "0001-01-01T00:00Z", NOW, -1]) | values,
        "id": names,
        "properties": st.dictionaries(st.sampled_from(["order_id", "refused", "z"]), values) | values,
        "attributes": st.dictionaries(st.sampled_from(["email", "birthday", "renews_at", "z"]), values) | values,
        "consent": st.dictionaries(st.sampled_from(["email", "z"]), values) | values,
    },
)
lines = (
    st.binary(max_size=60)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | values.map(lambda value: json.dumps(value).encode())
    | records.map(lambda record: json.dumps(record).encode())
).map(lambda raw: raw.replace(b"\n", b" "))

TERRIBLE = [
    b"[" * 100_000,
    b'{"customer": "x", "event": ' + b'{"a":' * 5_000,
    b"\x00",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf" + json.dumps({"customer": "x", "event": "started"}).encode(),
    json.dumps({"customer": "x", "event": "started"}).encode("utf-16"),
    b'{"customer": "x"}\r{"customer": "y"}',
    b"9" * 5_000,
    b'{"customer": "x", "time": 1e400, "event": "started"}',
    b'{"customer": "\\ud800", "event": "started"}',
    b'{"customer": "x", "attributes": {"email": "\\udfff"}}',
    b'{"type": "merge", "customer": "x", "previous": "x"}',
    b'{"type": "erase", "customer": null}',
    b'{"type": "enter", "customer": "x", "journey": "absent"}',
    b"a" * 2_000_000,
]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def kind(request):
    return request.param


def good(number):
    return json.dumps({"customer": f"good-{number}", "event": "started", "time": NOW, "id": f"good-{number}"}).encode()


def run(kind, folder, content):
    """Take a file in, as a run that follows it does; return the store and what the run says it did."""
    path = folder / "events.jsonl"
    path.write_bytes(content)
    store = MemoryStore() if kind == "memory" else open_sqlite(folder / "store.db")
    with Session(PROJECT, store, virtual=False, delivery=For.NOTHING, at=NOW - 1_000, environment={}) as session:
        live = Live(session, threading.Event(), clock=lambda: NOW)
        live.run([FileSource(path, store.positions(), whole=True)], once=True)
    return store, live.done


def mixed(bad):
    """Return a file in which a good record stands behind each of these lines."""
    return b"".join(line + b"\n" + good(number) + b"\n" for number, line in enumerate(bad))


def told_of(store, number):
    """Return what a store holds of the good record of that number: its events, and what became of the entry."""
    dossier = store.dossier(f"good-{number}")
    assert dossier is not None
    started = [event.source_id for event in dossier.events if event.event.name == "started"]
    return started, [one.status for one in dossier.story.enrollments if one.journey == JOURNEY]


@settings(max_examples=40)
@given(bad=st.lists(lines, max_size=8))
def test_case_36_whatever_comes_is_taken_in_or_kept_with_a_reason_and_no_good_event_is_lost(kind, bad):
    with TemporaryDirectory() as folder:
        store, done = run(kind, Path(folder), mixed(bad))
        with closing(store):
            kept = store.rejected(MOST)
            assert done.taken + done.refused == sum(bool(line.strip()) for line in bad) + len(bad)
            assert len(kept) == done.refused == store.totals(NOW).rejected
            assert all(one.reason and one.raw for one in kept)
            for number in range(len(bad)):
                assert told_of(store, number) == ([f"good-{number}"], ["completed"])


def test_case_36_so_it_is_with_the_worst_that_comes_to_mind(kind, tmp_path):
    store, done = run(kind, tmp_path, mixed(TERRIBLE))
    with closing(store):
        kept = store.rejected(MOST)
        assert len(kept) == done.refused >= len(TERRIBLE) - 3
        assert all(one.reason and one.raw for one in kept)
        told = [told_of(store, number) for number in range(len(TERRIBLE))]
        assert told == [([f"good-{number}"], ["completed"]) for number in range(len(TERRIBLE))]


def test_case_36_what_was_refused_stands_in_the_store_as_it_came_with_its_place(kind, tmp_path):
    bad = [b"no record", json.dumps({"customer": "x", "event": "startd"}).encode()]
    store, _ = run(kind, tmp_path, b"\n".join([bad[0], good(0), bad[1], good(1)]) + b"\n")
    with closing(store):
        later, sooner = store.rejected(MOST)
    assert [sooner.raw.encode(), later.raw.encode()] == bad
    assert "not JSON" in sooner.reason
    assert later.reason == "there is no event `startd`; did you mean `started`?"
    assert sooner.source == later.source != ""
    assert sooner.position != later.position
