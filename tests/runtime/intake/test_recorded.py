"""Recordings, our own and foreign ones, as records in the order of time."""

import json

import msgspec
import pytest

from journeyscript.runtime.intake.recorded import UnreadableFileError, read_recorded, source_of
from journeyscript.runtime.intake.records import Incoming, Intake
from journeyscript.runtime.intake.sources import LONGEST_LINE
from journeyscript.stores.records import Rejected
from journeyscript.syntax.mapping import EventColumn, FileMapping, TimeColumn


def mapping(form, **changes):
    usual = FileMapping(
        format=form,
        customer="who",
        event=EventColumn(constant="purchased"),
        time=TimeColumn(column="day"),
        properties={"total": "amount"},
        attributes={"email": "mail"},
    )
    return msgspec.structs.replace(usual, **changes)


@pytest.fixture
def read(usual, tmp_path):
    def reading(content, how=None):
        path = tmp_path / "recording"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_recorded(path, how, Intake(usual.catalog), 0)

    return reading


def taken(records):
    return [(r.customer, r.at, r.event.properties, r.attributes) for r in records if isinstance(r, Incoming)]


ADA = ("ada", 1_772_323_200_000, {"total": 12.5}, {"email": "ada@example.com"})
BO = ("bo", 1_772_409_600_000, {"total": 7}, {"email": None})


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", 'who,day,amount,mail\nbo,2026-03-02,7,\nada,2026-03-01,"12.5",ada@example.com\n'),
        ("csv", "\ufeffwho,day,amount,mail\r\n\r\nbo,2026-03-02,7,\r\nada,2026-03-01,12.5,ada@example.com"),
        ("tsv", "who\tday\tamount\tmail\nbo\t2026-03-02\t7\t\nada\t2026-03-01\t12.5\tada@example.com\n"),
    ],
    ids=["csv", "a csv as spreadsheets write it", "tsv"],
)  # fmt: skip
def test_tables_are_read_by_their_columns_and_sorted_by_time(read, form, content):
    assert taken(read(content, mapping(form))) == [ADA, BO]


def test_columns_between_blanks_and_names_of_columns_given_by_the_mapping(read):
    how = mapping("whitespace", header=False, columns=("who", "day", "amount", "mail"))
    assert taken(read("  ada  2026-03-01   12.5 ada@example.com\n\n", how)) == [ADA]


def test_foreign_lines_of_json_are_mapped_too(read):
    line = json.dumps({"who": "ada", "day": "2026-03-01", "amount": 12.5, "mail": "ada@example.com", "more": 1})
    records = read(line + "\n\nnonsense\n" + '{"who": "bo"}\n', mapping("jsonl"))
    assert taken(records) == [ADA]
    assert [r.reason for r in records if isinstance(r, Rejected)] == [
        "the column `who` is missing",
        "the column `day` is missing",
    ]


def test_a_format_and_a_zone_say_what_a_time_means(read):
    how = mapping("csv", time=TimeColumn(column="day", format="%d.%m.%Y %H:%M", timezone="Europe/Berlin"))
    rows = "who,day,amount,mail\nada,29.03.2026 01:30,1,\nada,29.03.2026 03:30,1,\nada,30.02.2026 01:30,1,\n"
    records = read(rows, how)
    assert [at for _, at, _, _ in taken(records)] == [1_774_744_200_000, 1_774_747_800_000]
    assert records[0].reason == "'30.02.2026 01:30' is no time of the form `%d.%m.%Y %H:%M`"


def test_a_column_may_name_the_event_and_the_id(read):
    how = mapping("csv", event=EventColumn(column="what"), id="number", properties={}, attributes={})
    rows = "who,day,what,number\nada,2026-03-01,signed_up,17\nada,2026-03-01,sined_up,18\n"
    rejected, accepted = read(rows, how)
    assert (accepted.event.name, accepted.source_id) == ("signed_up", "17")
    assert "did you mean `signed_up`" in rejected.reason
    assert json.loads(rejected.raw)["customer"] == "ada"


def test_rows_that_cannot_be_read_stand_in_front_with_the_reason(read):
    rows = "who,day,amount,mail\n,2026-03-01,1,\nada,yesterday,1,\nada,2026-03-01,much,\nada\nbo,2026-03-02,7,\n"
    records = read(rows, mapping("csv"))
    assert [type(r) for r in records] == [Rejected] * 4 + [Incoming]
    assert [r.position for r in records] == ["1", "2", "3", "4", "5"]
    assert [r.reason for r in records[:4]] == [
        "`customer` is missing",
        "'yesterday' is no time of the form `ISO 8601`",
        "`total`: 'much' is not a number",
        "the column `day` is missing",
    ]


def test_rows_of_one_time_keep_their_order(read):
    lines = [json.dumps({"customer": f"c{n}", "time": "2026-03-01T00:00:00Z", "event": "signed_up"}) for n in range(50)]
    assert [r.customer for r in read("\n".join(lines))] == [f"c{n}" for n in range(50)]


def test_a_recorded_event_without_a_time_is_rejected(read):
    (record,) = read('{"customer": "ada", "event": "signed_up"}\n')
    assert record.reason == "`time` is missing, and a recorded event cannot do without"
    assert record.raw == '{"customer": "ada", "event": "signed_up"}'


@pytest.mark.parametrize("form", [None, "jsonl"])
def test_a_line_without_an_end_is_cut_and_what_follows_it_is_kept(read, form):
    long = '{"customer": "bob", "event": "' + "x" * (2 * LONGEST_LINE)
    own = '{"customer": "ada", "event": "closed", "time": "2026-03-01T00:00Z"}'
    foreign = '{"who": "ada", "day": "2026-03-01", "amount": "12.5", "mail": "ada@example.com"}'
    records = read(f"{long}\n{foreign if form else own}\n", None if form is None else mapping(form))
    rejected = [one for one in records if isinstance(one, Rejected)]
    assert len(rejected) == 3
    assert max(len(one.raw) for one in rejected) < LONGEST_LINE + 100
    assert [one.customer for one in records if isinstance(one, Incoming)] == ["ada"]


def test_an_event_of_the_first_moment_of_1970_has_a_time(read):
    (record,) = read('{"customer": "ada", "event": "signed_up", "time": "1970-01-01T00:00:00Z"}\n')
    assert isinstance(record, Incoming)
    assert record.at == 0


@pytest.mark.parametrize(
    ("content", "how", "said"),
    [
        (b"\xff\xfe\x00", None, "it is not UTF-8 text"),
        ("who,day\n", mapping("csv"), "the file has no column `amount`, `mail`; it has `who`, `day`"),
        ("a 1\n", mapping("whitespace", header=False, columns=("who", "day")), "has no column `amount`, `mail`"),
        ("who,day,amount,mail\n" + '"' + "x" * 200_000, mapping("csv"), "cannot be read as a table"),
        ("", mapping("csv", time=TimeColumn(column="day", timezone="Europe/Berlyn")), "no time zone `Europe/Berlyn`"),
    ],
    ids=["no text", "columns", "columns by mapping", "endless cell", "zone"],
)
def test_a_file_that_cannot_be_read_at_all_is_one_sentence(read, content, how, said):
    with pytest.raises(UnreadableFileError, match=said) as raised:
        read(content, how)
    assert "\n" not in str(raised.value)


def test_a_source_is_the_same_for_the_same_content_read_the_same_way(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("x")
    second.write_text("x")
    assert source_of(first, None) == source_of(second, None)
    assert source_of(first, None) != source_of(first, mapping("csv"))
    assert source_of(first, mapping("csv")) != source_of(first, mapping("tsv"))
    with pytest.raises(UnreadableFileError, match="No such file"):
        source_of(tmp_path / "absent", None)
    with pytest.raises(UnreadableFileError, match="Is a directory"):
        source_of(tmp_path, None)
