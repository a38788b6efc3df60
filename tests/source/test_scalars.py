import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from journeyscript.source.scalars import read_plain

OLD = yaml.SafeLoader("")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("FALSE", False), ("True", True),
        ("0", 0), ("-12", -12), ("+7", 7), ("0x1F", 31), ("3.25", 3.25), ("-1.5e+3", -1500.0), (".5", 0.5),
        ("never", "never"), ("3 days", "3 days"), ("nullable", "nullable"), ("trUe", "trUe"), ("-", "-"),
        ("2026-03-28", "2026-03-28"), ("2026-03-28T20:00:00+01:00", "2026-03-28T20:00:00+01:00"), ("09:00", "09:00"),
    ],
)  # fmt: skip
def test_a_plain_scalar_has_the_value_of_the_core_schema(text, value):
    read, trouble = read_plain(text)
    assert (read, type(read), trouble) == (value, type(value), None)


@pytest.mark.parametrize(
    ("text", "value", "other"),
    [
        ("10:00", "10:00", "a number in base 60"), ("22:30:15", "22:30:15", "a number in base 60"),
        ("09:30.5", "09:30.5", "a number in base 60"),
        ("NO", "NO", "false"), ("on", "on", "true"), ("Yes", "Yes", "true"), ("n", "n", "false"),
        ("010", 10, "a number in base 8"), ("-017", -17, "a number in base 8"), ("08", 8, "text"),
        ("1_000", "1_000", "a number"), ("1_0.5", "1_0.5", "a number"), ("0b11", "0b11", "a number"),
        ("-0x1F", "-0x1F", "a number"), ("0o17", 15, "text"), ("1e3", 1000.0, "text"), ("=", "=", "a default value"),
    ],
)  # fmt: skip
def test_what_yaml_1_1_reads_otherwise_is_named(text, value, other):
    read, trouble = read_plain(text)
    assert read == value
    assert trouble is not None
    assert trouble.code == "JS006"
    assert trouble.message == f"`{text}` without quotes is {other} to tools that read YAML 1.1"


@pytest.mark.parametrize("text", [".nan", "-.inf", ".INF"])
def test_what_is_no_number_is_refused(text):
    read, trouble = read_plain(text)
    assert read == text
    assert trouble is not None
    assert trouble.code == "JS012"


@pytest.mark.parametrize("text", ["9223372036854775808", "-" + "9" * 30, "1e999", "0x" + "F" * 17, "7" * 6000])
def test_a_number_that_does_not_fit_stays_text(text):
    read, trouble = read_plain(text)
    assert read == text
    assert trouble is not None
    assert trouble.code == "JS005"
    assert len(trouble.message) < 80


def _old_value(text):
    """Return what PyYAML, which reads YAML 1.1, takes a plain scalar for; the text where it cannot say."""
    tag = OLD.resolve(yaml.ScalarNode, text, (True, False))
    node = yaml.ScalarNode(tag, text)
    match tag.rpartition(":")[2]:
        case "int":
            return OLD.construct_yaml_int(node)
        case "float":
            return OLD.construct_yaml_float(node)
        case "bool":
            return OLD.construct_yaml_bool(node)
        case "null":
            return None
        case _:
            return text


@given(st.text("0127589+-._:xobeE", min_size=1, max_size=9))
@example("-.5")
@example("1_0.5e3")
@example("0x_")
@example("1E500")
def test_a_number_is_left_alone_exactly_where_both_versions_of_yaml_agree(text):
    try:
        old = _old_value(text)
    except ValueError:
        return  # Not even PyYAML can read what it took for a number.
    new, trouble = read_plain(text)
    if isinstance(old, float) and not math.isfinite(old):
        assert trouble is not None
    elif trouble is not None and trouble.code == "JS005":
        assert math.isinf(float(text)), "too large for a number, whatever the version"
    else:
        same = type(old) is type(new) and old == new
        assert same == (trouble is None)
