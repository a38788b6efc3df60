"""Whatever a line says, it is taken in or rejected with a reason, and both stores can keep what comes of it."""

import json
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from journeyscript.engine.values import Event
from journeyscript.runtime.intake.records import LONGEST_NAME, Incoming, Intake
from journeyscript.runtime.intake.values import DEEPEST, EARLIEST, LATEST
from journeyscript.semantics.catalog import AttributeDefinition, Catalog, EventDefinition
from journeyscript.semantics.types import Type
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.records import Changes, KeptEvent, Rejected
from journeyscript.stores.sqlite import open_sqlite

NOW = 1_772_000_000_000


def definition(name, kind, *, optional=False, **more):
    return AttributeDefinition(name=name, type=Type(kind=kind, **more), optional=optional)


CATALOG = Catalog(
    attributes={
        "email": definition("email", "string", optional=True),
        "points": definition("points", "integer", optional=True),
        "born": definition("born", "date", optional=True),
        "seen": definition("seen", "timestamp", optional=True),
        "tags": definition("tags", "list", items=Type(kind="string"), optional=True),
        "more": definition("more", "object", optional=True),
    },
    events={
        "signed_up": EventDefinition(name="signed_up", properties={}),
        "purchased": EventDefinition(
            name="purchased",
            properties={
                "total": definition("total", "money"),
                "lasts": definition("lasts", "duration", optional=True),
                "kind": definition("kind", "enum", values=("a", "b"), optional=True),
                "gift": definition("gift", "boolean", optional=True),
            },
        ),
    },
    segments={},
    channels=("email",),
)


def line(record, **options):
    text = record if isinstance(record, str) else json.dumps(record, **options)
    return Intake(CATALOG).line(text, "test", "1", NOW)


def reason(record):
    answer = line(record)
    assert isinstance(answer, Rejected), answer
    assert answer.raw == (record if isinstance(record, str) else json.dumps(record))
    assert answer.reason == " ".join(answer.reason.split()), "one line"
    assert len(answer.reason) < 400
    return answer.reason


def purchase(**properties):
    return {"customer": "ada", "event": "purchased", "properties": {"total": 1, **properties}}


def test_a_whole_record_is_taken_in():
    answer = line(
        {
            "customer": " ada ",
            "event": "purchased",
            "time": "2026-03-01T09:00:00+01:00",
            "id": 17,
            "properties": {
                "total": "12.50",
                "kind": "a",
                "gift": "true",
                "lasts": "2 days",
                "unknown": [1, {"a": None}],
            },
            "attributes": {"email": "ada@example.com", "points": "7", "born": "20000229", "colour": "red"},
            "consent": {"email": True},
        }
    )
    assert answer == Incoming(
        customer="ada",
        at=1_772_352_000_000,
        event=Event(
            name="purchased",
            at=1_772_352_000_000,
            properties={"total": 12.5, "kind": "a", "gift": True, "lasts": 172_800_000, "unknown": [1, {"a": None}]},
        ),
        attributes={"email": "ada@example.com", "points": 7, "born": "2000-02-29", "colour": "red"},
        consent={"email": True},
        source="test",
        source_id="17",
        position="1",
    )


def test_a_record_without_an_event_changes_only_the_profile_and_one_without_a_time_happened_now():
    answer = line({"customer": 5, "attributes": {"points": 1}})
    assert (answer.customer, answer.event, answer.at, answer.source_id) == ("5", None, NOW, None)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("nonsense", "not JSON"),
        ("", "not JSON"),
        ('{"customer": "ada", "event": NaN}', "not JSON"),
        ('{"customer": "ada", "attributes": {"points": 1e999}}', "a number does not fit into 64 bits"),
        ('{"customer": "ada", "attributes": {"a": "\\ud800"}}', "not JSON"),
        ("[" * 100_000, "lists and objects lie too deep in each other"),
        ([1], "a record is an object"),
        (None, "a record is an object"),
        ({"event": "signed_up"}, "`customer` is missing"),
        ({"customer": "  "}, "`customer` is missing"),
        ({"customer": True}, "`customer` is a text or a number"),
        ({"customer": {"id": 1}}, "`customer` is a text or a number"),
        ({"customer": "a" * (LONGEST_NAME + 1)}, f"`customer` is longer than {LONGEST_NAME} characters"),
        ({"customer": "a\x00b"}, "`customer` has a NUL character in it"),
        ({"customer": "a", "id": [1]}, "`id` is a text or a number"),
        ({"customer": "a", "event": "sined_up"}, "there is no event `sined_up`; did you mean `signed_up`?"),
        ({"customer": "a", "event": "x" * 100_000}, "there is no event `xxx"),
        ({"customer": "a", "event": "a\x00\nb"}, "there is no event `a\\x00\\nb`"),
        ({"customer": "a", "event": ["signed_up"]}, "`event` is a name, not ['signed_up']"),
        ({"customer": "a", "properties": 5, "event": "signed_up"}, "`properties` is an object of names and values"),
        ({"customer": "a", "attributes": "x"}, "`attributes` is an object of names and values"),
        ({"customer": "a", "event": "purchased"}, "`purchased` needs the property `total`"),
        (purchase(total=None), "`purchased` needs the property `total`"),
        (purchase(total="1_000"), "`total`: '1_000' is not a number"),
        (purchase(total="nan"), "`total`: 'nan' is not a number"),
        (purchase(total="1e999"), "`total`: '1e999' is not a number"),
        (purchase(total=True), "`total`: True is not money"),
        (purchase(total=1 << 63), "`total`: 9223372036854775808 does not fit into 64 bits"),
        (purchase(total="9" * 5_000), "does not fit into 64 bits"),
        (purchase(kind="c"), "`kind`: 'c' is not one of a, b"),
        (purchase(gift="yes"), "`gift`: 'yes' is not boolean"),
        (purchase(lasts="1 calendar day"), "`lasts`: '1 calendar day' has no fixed length"),
        (purchase(lasts="soon"), "`lasts`: `soon` is not a duration"),
        (purchase(other=1 << 64), "`other`: 18446744073709551616 does not fit into 64 bits"),
        (purchase(other=-(1 << 63) - 1), "does not fit into 64 bits"),
        ({"customer": "a", "attributes": {"points": "--5"}}, "`points`: '--5' is not integer"),
        ({"customer": "a", "attributes": {"points": 1.5}}, "`points`: 1.5 is not integer"),
        ({"customer": "a", "attributes": {"points": 1e300}}, "does not fit into 64 bits"),
        ({"customer": "a", "attributes": {"born": "29.2.2001"}}, "`born`: '29.2.2001' is no date"),
        ({"customer": "a", "attributes": {"tags": "x"}}, "`tags`: 'x' is not list of string"),
        ({"customer": "a", "attributes": {"tags": [{}]}}, "`tags`: {} is not string"),
        ({"customer": "a", "consent": {"sms": True}}, "consent is given for `sms`, which is no channel"),
        ({"customer": "a", "consent": {"email": "yes"}}, "consent for `email` is true or false"),
        ({"customer": "a", "time": "yesterday"}, "'yesterday' is no time; write it as"),
        ({"customer": "a", "time": "2026-03-01T09:00:00"}, "says no zone; add an offset"),
        ({"customer": "a", "time": 1.5}, "1.5 is no time"),
        ({"customer": "a", "time": True}, "True is no time"),
        ({"customer": "a", "time": LATEST + 1}, "is no time between the years 1 and 9000"),
        ({"customer": "a", "time": "0001-01-01T00:00:00+14:00"}, "is no time between the years 1 and 9000"),
        ({"customer": "a", "attributes": {"seen": 10**30}}, "does not fit into 64 bits"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence_and_kept_as_it_came(record, said):
    assert said in reason(record)


def test_text_that_is_no_unicode_is_rejected_and_kept_readable():
    answer = line('{"customer": "a\ud800"}')
    assert isinstance(answer, Rejected)
    assert answer.raw == '{"customer": "a\\ud800"}'
    answer = Intake(CATALOG).record({"customer": "a", "attributes": {"b\udc80": 1}}, "test", "1", NOW)
    assert isinstance(answer, Rejected)
    answer = Intake(CATALOG).record({"customer": "a\udc80"}, "test", "1", NOW)
    assert answer.reason == "`customer` is not valid Unicode"


def test_depth_has_a_bound():
    def nested(depth):
        value = 1
        for _ in range(depth):
            value = [value]
        return {"customer": "a", "attributes": {"other": value}}

    assert isinstance(line(nested(DEEPEST)), Incoming)
    assert "lie more than" in reason(nested(DEEPEST + 1))
    assert "lie more than" in reason(nested(500))


def test_numbers_keep_their_value():
    answer = line(purchase(total="9007199254740993", other=0.1))
    assert answer.event.properties == {"total": 9_007_199_254_740_993, "other": 0.1}
    assert line(purchase(total=(1 << 63) - 1)).event.properties["total"] == (1 << 63) - 1


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(EARLIEST - 10**15, LATEST + 10**15)
    | st.floats()
    | st.text()
    | st.text(st.characters(categories=["Cs", "Cc", "Lu"]))
    | st.sampled_from(
        ["signed_up", "purchased", "ada", "2026-03-01T09:00:00Z", "1 day", "true", "12", "-0", "9999-12-31"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
names = ["customer", "event", "time", "id", "properties", "attributes", "consent"]
fields = st.dictionaries(st.sampled_from([*CATALOG.attributes, "total", "lasts", "kind", "gift", "x\x00"]), values)
records = st.fixed_dictionaries(
    {"customer": st.just("ada") | values},
    optional={
        "event": st.sampled_from(["signed_up", "purchased"]) | values,
        "time": st.sampled_from(["2026-03-01T09:00:00+01:00", NOW]) | values,
        "id": values,
        "properties": fields | values,
        "attributes": fields | values,
        "consent": st.dictionaries(st.sampled_from(["email", "sms"]), st.booleans()) | values,
    },
)


@pytest.fixture(scope="module")
def stores():
    with tempfile.TemporaryDirectory() as folder, closing(open_sqlite(Path(folder) / "store.db")) as sqlite:
        yield MemoryStore(), sqlite


@settings(max_examples=400, deadline=None)
@given(
    text=st.text()
    | values.map(json.dumps)
    | records.map(json.dumps)
    | records.map(lambda r: json.dumps(r, ensure_ascii=False))
)
@example(text="\ud800")
@example(text='{"customer": "\x00"}')
@example(text="9" * 5_000)
@example(text='{"customer": ' + "9" * 5_000 + "}")
@example(text='{"a":' * 5_000)
@example(text='{"customer": "a", "attributes": {"points": "' + "9" * 5_000 + '"}}')
def test_every_line_is_taken_in_or_rejected_and_every_store_keeps_it(stores, text):
    answer = line(text)
    for store in stores:
        if isinstance(answer, Rejected):
            store.commit(Changes(rejected=[answer]))
            assert store.rejected(1) == [answer]
            continue
        (customer,) = store.load([answer.customer], [], history=False).values()
        customer.attributes = answer.attributes
        event = answer.event or Event(name="signed_up", at=answer.at)
        kept = KeptEvent(
            customer=customer.number, event=event, received_at=NOW, source="s", source_id=None, needed=True
        )
        store.commit(Changes(customers=[customer], events=[kept]))
        (again,) = store.load([answer.customer], [], history=False).values()
        assert again.attributes == answer.attributes
        assert EARLIEST <= answer.at <= LATEST


@settings(max_examples=200, deadline=None)
@given(record=values | records)
def test_every_record_is_taken_in_or_rejected(record):
    answer = Intake(CATALOG).record(record, "test", "1", NOW)
    assert isinstance(answer, Incoming | Rejected)
    if isinstance(answer, Rejected):
        answer.raw.encode()
        answer.reason.encode()
