"""Live sources give whole lines without blocking, lose none, and know how far they have read."""

import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeyscript.runtime.intake.sources import LONGEST_LINE, DirectorySource, FileSource, StreamSource, open_source

LIMIT = 1_000


def texts(lines):
    return [line.text for line in lines]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.jsonl"


def test_a_file_that_is_not_there_yet_gives_nothing(path):
    source = FileSource(path, {})
    assert source.read(LIMIT) == []
    assert source.exhausted()
    path.write_bytes(b"one\n")
    assert texts(source.read(LIMIT)) == ["one"]
    source.finish()


def test_half_a_line_waits_for_its_other_half(path):
    source = FileSource(path, {})
    path.write_bytes(b"one\ntw")
    assert texts(source.read(LIMIT)) == ["one"]
    with path.open("ab") as file:
        file.write(b"o\r\nthree\n\n")
    assert texts(source.read(LIMIT)) == ["two", "three"]
    source.finish()


def test_a_position_is_where_another_reader_goes_on(path):
    path.write_bytes(b"one\ntwo\nthree\n")
    first = FileSource(path, {})
    (line,) = first.read(1)
    assert not first.exhausted()
    first.finish()
    second = FileSource(path, {line.reader: line.position})
    assert texts(second.read(LIMIT)) == ["two", "three"]
    second.finish()


def test_a_file_that_was_replaced_meanwhile_is_read_from_its_start(path, tmp_path):
    path.write_bytes(b"one\n")
    source = FileSource(path, {})
    (line,) = source.read(LIMIT)
    source.finish()
    (tmp_path / "new").write_bytes(b"two\nthree\n")
    (tmp_path / "new").rename(path)
    source = FileSource(path, {line.reader: line.position})
    assert texts(source.read(LIMIT)) == ["two", "three"]
    source.finish()


def test_what_was_written_before_a_rotation_is_still_read(path, tmp_path):
    path.write_bytes(b"one\n")
    source = FileSource(path, {})
    assert texts(source.read(LIMIT)) == ["one"]
    with path.open("ab") as file:
        file.write(b"two\n")
    path.rename(tmp_path / "old")
    assert texts(source.read(LIMIT)) == ["two"]
    path.write_bytes(b"three\n")
    assert texts(source.read(LIMIT)) == ["three"]
    source.finish()


def test_a_last_line_without_an_end_is_taken_where_it_is_complete_and_asked_for(path):
    path.write_bytes(b'{"a": 1}')
    following = FileSource(path, {})
    assert following.read(LIMIT) == []
    following.finish()
    whole = FileSource(path, {}, whole=True)
    assert texts(whole.read(LIMIT)) == ['{"a": 1}']
    with path.open("ab") as file:
        file.write(b'\n{"b": ')
    assert whole.read(LIMIT) == []
    assert whole.exhausted()
    whole.finish()


def test_a_line_without_an_end_in_sight_is_cut(path):
    path.write_bytes(b"x" * (2 * LONGEST_LINE + 5) + b"\nlast\n")
    source = FileSource(path, {})
    assert [len(text) for text in texts(source.read(LIMIT))] == [LONGEST_LINE, LONGEST_LINE, 5, 4]
    source.finish()


def test_bytes_that_are_no_text_are_marked(path):
    path.write_bytes(b'{"customer": "\xff"}\n')
    source = FileSource(path, {})
    assert texts(source.read(LIMIT)) == ['{"customer": "\ufffd"}']
    source.finish()


def test_a_folder_gives_its_files_in_the_order_of_their_names(tmp_path):
    (tmp_path / "b.jsonl").write_bytes(b"three\n")
    (tmp_path / "a.jsonl").write_bytes(b"one\ntwo\n")
    (tmp_path / "c.txt").write_bytes(b"nothing\n")
    source = DirectorySource(tmp_path, {})
    first = source.read(2)
    assert texts(first) == ["one", "two"]
    assert not source.exhausted()
    rest = source.read(LIMIT)
    assert texts(rest) == ["three"]
    assert source.exhausted()
    positions = {line.reader: line.position for line in [*first, *rest]}
    (tmp_path / "d.jsonl").write_bytes(b"four\n")
    assert texts(DirectorySource(tmp_path, positions).read(LIMIT)) == ["four"]


def test_what_a_person_names_is_opened_as_what_it_is(tmp_path, path):
    assert isinstance(open_source(str(tmp_path), {}, lambda: None, whole=False), DirectorySource)
    assert isinstance(open_source(str(path), {}, lambda: None, whole=False), FileSource)


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    ends = {reading, writing}
    yield reading, writing, ends
    for end in ends:
        os.close(end)


def test_a_pipe_gives_its_lines_and_ends(pipe, until):
    reading, writing, ends = pipe
    woken = threading.Event()
    source = StreamSource(reading, woken.set)
    os.write(writing, b"one\n\ntwo\nthr")
    assert woken.wait(60)
    lines = []
    until(lambda: lines.extend(source.read(LIMIT)) or len(lines) == 2)
    assert [(line.text, line.reader, line.position) for line in lines] == [("one", "", "1"), ("two", "", "2")]
    assert not source.exhausted()
    os.write(writing, b"ee")
    os.close(writing)
    ends.remove(writing)
    until(lambda: lines.extend(source.read(LIMIT)) or source.exhausted())
    assert texts(lines) == ["one", "two", "three"]
    assert source.finish() == []


def test_half_a_line_that_was_taken_off_a_pipe_is_not_lost_when_reading_stops(pipe, until):
    reading, writing, _ = pipe
    woken = threading.Event()
    source = StreamSource(reading, woken.set)
    os.write(writing, b'one\n{"customer": ')
    assert woken.wait(60)
    assert texts(source.finish()) == ["one", '{"customer": ']


@settings(max_examples=15, deadline=None)
@given(sizes=st.lists(st.integers(1, 9_000), min_size=1, max_size=3), read_first=st.integers(0, 50))
def test_every_whole_line_is_given_or_still_on_the_pipe_when_reading_stops(sizes, read_first):
    reading, writing = os.pipe()
    total = sum(sizes)

    def write():
        for start, size in enumerate(sizes):
            os.write(writing, b"".join(b"%d-%d\n" % (start, n) for n in range(size)))
        os.close(writing)

    writer = threading.Thread(target=write)
    source = StreamSource(reading, lambda: None)
    writer.start()
    lines = source.read(read_first)
    lines += source.finish()
    source._thread.join()  # it reads no more, and ends when its turn comes
    left = b""
    while chunk := os.read(reading, 1 << 16):
        left += chunk
    writer.join()
    os.close(reading)
    given_and_left = "\n".join(texts(lines)).encode() + b"\n" + left
    assert len(given_and_left.split()) in (total, total + 1), "a line that was cut in two counts twice"
    assert given_and_left.replace(b"\n", b"") == b"".join(
        b"%d-%d" % (start, n) for start, size in enumerate(sizes) for n in range(size)
    )
