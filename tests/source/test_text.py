import os

import pytest

from journeyscript.source.text import MAX_BYTES, read_text
from journeyscript.source.yaml import read_file


def refused(tmp_path, data):
    """Write bytes to a file, assert that reading it gives one finding and no node, and return the finding."""
    (tmp_path / "x.yaml").write_bytes(data)
    node, (found,) = read_file(tmp_path, "x.yaml")
    assert node is None
    assert found.span.path == "x.yaml"
    return found


def test_a_file_is_read_without_its_byte_order_mark(tmp_path):
    (tmp_path / "x.txt").write_bytes("\ufeffgrüß dich\r\n".encode())
    assert read_text(tmp_path, "x.txt") == ("grüß dich\r\n", [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
def test_another_encoding_is_named(tmp_path, encoding):
    found = refused(tmp_path, "journey: welcome\n".encode(encoding))
    assert found.code == "JS001"
    assert encoding[:6].upper() in found.message
    assert found.help == "save the file as UTF-8"


def test_a_byte_that_is_not_utf_8_is_pointed_at(tmp_path):
    found = refused(tmp_path, "a: 1\r\nü: x".encode() + b"\xff\xfe")
    assert (found.code, found.message) == ("JS001", "the byte 0xFF is not UTF-8")
    assert (found.span.line, found.span.column, found.span.end_column) == (2, 5, 6)


def test_a_byte_order_mark_does_not_move_the_place_of_a_bad_byte(tmp_path):
    assert refused(tmp_path, b"\xef\xbb\xbfa: \xe4").span.column == 4


def test_a_nul_byte_is_pointed_at(tmp_path):
    found = refused(tmp_path, b"a: \0b")
    assert (found.code, found.span.line, found.span.column) == ("JS001", 1, 4)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(100_000_000)
    _, (found,) = read_file(tmp_path, "x.yaml")
    assert found.code == "JS012"
    assert "5 MB" in found.message


def test_a_file_may_be_as_large_as_the_limit(tmp_path):
    data = b"#" * (MAX_BYTES - 5) + b"\na: 1"
    (tmp_path / "x.yaml").write_bytes(data)
    node, findings = read_file(tmp_path, "x.yaml")
    assert findings == []
    assert node is not None


def test_an_empty_file_is_a_finding(tmp_path):
    assert refused(tmp_path, b"").code == "JS005"


def test_a_directory_is_not_a_file(tmp_path):
    (tmp_path / "x.yaml").mkdir()
    _, (found,) = read_file(tmp_path, "x.yaml")
    assert (found.code, found.message) == ("JS001", "this is a directory, not a file")


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.yaml")
    _, (found,) = read_file(tmp_path, "x.yaml")
    assert (found.code, found.message) == ("JS001", "this is not an ordinary file")


@pytest.mark.parametrize("path", ["absent.yaml", "file/x.yaml", "loop.yaml", "dangling.yaml", "a\0b.yaml", "n" * 300])
def test_a_file_that_cannot_be_opened_is_a_finding(tmp_path, path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    node, (found,) = read_file(tmp_path, path)
    assert node is None
    assert (found.code, found.span.path) == ("JS001", path)
    assert found.message.startswith("the file cannot be read: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_a_file_that_may_not_be_read_is_a_finding(tmp_path):
    (tmp_path / "x.yaml").write_text("a: 1")
    (tmp_path / "x.yaml").chmod(0)
    _, (found,) = read_file(tmp_path, "x.yaml")
    assert found.message == "the file cannot be read: permission denied"
