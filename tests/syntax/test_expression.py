"""The grammar of expressions: what binds how, every form, and where a wrong text stops making sense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeyscript.syntax.expression import (
    MAX_LENGTH,
    Binary,
    Chain,
    Constant,
    FunctionCall,
    HistoryCall,
    ListOf,
    Name,
    SegmentTest,
    SyntaxProblem,
    Unary,
    parse_expression,
)


def shape(tree):
    """Return a tree as nested tuples, without places."""
    match tree:
        case Name(parts=parts):
            return ".".join(parts)
        case Constant(value=value, duration=duration):
            return ("ms", value) if duration else value
        case ListOf(items=items):
            return [shape(item) for item in items]
        case Unary(op=op, of=of):
            return (op, shape(of))
        case Binary(op=op, left=left, right=right):
            return (shape(left), op, shape(right))
        case Chain(op=op, parts=parts):
            return (op, *map(shape, parts))
        case SegmentTest(subject=subject, segment=segment, negated=negated):
            return (shape(subject), "not in" if negated else "in", "segment", segment)
        case FunctionCall(function=function, arguments=arguments):
            return (function, [shape(argument) for argument in arguments])
        case HistoryCall() as call:
            window = call.window
            return (
                call.function,
                shape(call.event),
                None if call.where is None else shape(call.where),
                None
                if window is None
                else window.last or window.since_entry or tuple(shape(bound) for bound in window.between),
                call.member,
            )


def parsed(text):
    return shape(parse_expression(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and c", ("or", "a", ("and", "b", "c"))),
        ("(a or b) and c", ("and", ("or", "a", "b"), "c")),
        ("not a and b", ("and", ("not", "a"), "b")),
        ("not a == b", ("not", ("a", "==", "b"))),
        ("not not a", ("not", ("not", "a"))),
        ("a == b ?? c", ("a", "==", ("??", "b", "c"))),
        ("a ?? b ?? c", ("??", "a", "b", "c")),
        ("a ?? b + 1", ("??", "a", ("b", "+", 1))),
        ("a + b * c", ("a", "+", ("b", "*", "c"))),
        ("a - b - c", (("a", "-", "b"), "-", "c")),
        ("a / b * c", (("a", "/", "b"), "*", "c")),
        ("-a * b", (("-", "a"), "*", "b")),
        ("a - -1", ("a", "-", ("-", 1))),
        ("a or b or c", ("or", "a", "b", "c")),
        ("a.b is known or c is unknown", ("or", ("known", "a.b"), ("unknown", "c"))),
        ("a + 1 is known", ("known", ("a", "+", 1))),
        ("not has a", ("not", ("known", "a"))),
    ],
)
def test_operators_bind_from_or_the_loosest_to_minus_the_tightest(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize("operator", ["==", "!=", "<", "<=", ">", ">=", "contains", "starts with", "ends with", "in"])
def test_every_comparison_joins_two_values(operator):
    assert parsed(f"a.b {operator} c") == ("a.b", operator, "c")
    assert parsed(f"a.b   {operator.replace(' ', chr(10))}   c") == ("a.b", operator, "c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("007", 7),
        ("1.50", 1.5),
        ("'it is'", "it is"),
        (r'"a \"quoted\" \\ word\n\t\r"', 'a "quoted" \\ word\n\t\r'),
        (r'"\u00e9 \u0007"', "é \x07"),
        ('"größer 中 🎉"', "größer 中 🎉"),
        ("30 days", ("ms", 30 * 86_400_000)),
        ("1.5 hours", ("ms", 5_400_000)),
        ("1 week", ("ms", 7 * 86_400_000)),
        ("[]", []),
        ("[1, 2,]", [1, 2]),
        ("a not in [1]", ("not", ("a", "in", [1]))),
        ("customer in segment vip", ("customer", "in", "segment", "vip")),
        ("customer not in segment vip", ("customer", "not in", "segment", "vip")),
        ("f()", ("f", [])),
        ("f(a, 1)", ("f", ["a", 1])),
        ("did(x)", ("did", "x", None, None, None)),
        ("count(x where a == 1, last 2 days)", ("count", "x", ("a", "==", 1), 2 * 86_400_000, None)),
        ("sum(x.total, since entry)", ("sum", "x.total", None, True, None)),
        ("did(x, between a and b)", ("did", "x", None, ("a", "b"), None)),
        ("last(x).at", ("last", "x", None, None, "at")),
        ("first(x where a, last 1 hour).total", ("first", "x", "a", 3_600_000, "total")),
    ],
)
def test_every_form_can_be_written(text, expected):
    assert parsed(text) == expected


@pytest.mark.parametrize("word", ["days", "in", "or", "last", "count", "known", "segment", "where", "true", "entry"])
def test_a_word_of_the_language_is_a_name_behind_a_dot(word):
    assert parsed(f"event.{word} == 1") == (f"event.{word}", "==", 1)
    assert parsed(f"did({word})") == ("did", word, None, None, None)


@pytest.mark.parametrize("text", ["1 == 1 orange", "a is knownand b", "3 daysfoo", "a startswith b", "nottrue or"])
def test_a_word_of_the_language_is_a_whole_word(text):
    with pytest.raises(SyntaxProblem):
        parse_expression(text)


@pytest.mark.parametrize(
    ("text", "offset", "length", "message", "help_text"),
    [
        ("", 0, 1, "empty", None),
        (" \t\n", 0, 1, "empty", None),
        ("a = 1", 2, 1, "`=` cannot stand here", "write `==` to compare"),
        ("a && b", 2, 1, "`&` cannot stand here", "write `and`"),
        ("a || b", 2, 1, "`|` cannot stand here", "write `or`"),
        ("!a", 0, 1, "`!` cannot stand here", "write `not`, or `!=` to compare"),
        ('a == "x', 5, 1, '`"` cannot stand here', "this text has no closing quote"),
        ("a b", 2, 1, "`b` cannot stand here", "an operator"),
        ("a ==", 4, 1, "ends too early", "a name, a value"),
        ("(a", 2, 1, "ends too early", "a `)` is missing"),
        ("[1", 2, 1, "ends too early", "a `]` is missing"),
        ("[1,,2]", 3, 1, "`,` cannot stand here", "a name, a value"),
        ("a == ü", 5, 1, "`ü` cannot stand here", None),
        ("a\0b", 1, 1, "cannot stand here", None),
        ("🎉", 0, 1, "cannot stand here", None),
        ("a == 1;", 6, 1, "`;` cannot stand here", None),
        ("has 3", 4, 1, "`3` cannot stand here", None),
        ("99999999999999999999 > a", 0, 20, "too large", None),
        ("a > 99999 weeks", 4, 5, "longer than a hundred years", None),
        ("did(x, last 99999 weeks)", 12, 5, "longer than a hundred years", None),
    ],
)
def test_a_wrong_text_is_wrong_at_one_place(text, offset, length, message, help_text):
    with pytest.raises(SyntaxProblem) as caught:
        parse_expression(text)
    problem = caught.value
    assert (problem.offset, problem.length) == (offset, length)
    assert message in problem.message
    assert help_text is None or help_text in (problem.help_text or "")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * (MAX_LENGTH - 1),
        "[" * 3_000,
        "+".join("1" * 1_900),
        "not\t" * 900 + "true",
        "-\t" * 1_900 + "1",
        "1 - " * 900 + "1",
        "f(" * 1_000,
        "f(" * 600 + "1" + ")" * 600,
        "did(x where " * 300,
        "a." * 1_900,
        "9" * MAX_LENGTH,
        "9" * 400 + ".0",
        "9" * 400 + " days",
        "\0" * 1_000,
        "\ufeffa",
        '"' + "\\" * 1_001,
        "a" * (MAX_LENGTH + 1),
    ],
    ids=lambda text: f"{text[:12]!r} of {len(text)}",
)
def test_a_hostile_text_is_refused(text):
    with pytest.raises(SyntaxProblem):
        parse_expression(text)


def test_brackets_that_say_nothing_may_be_many_and_texts_may_hold_any():
    assert parsed("(" * 1_900 + "a" + ")" * 1_900) == "a"
    assert parsed(f'a == "{"(" * 100}"') == ("a", "==", "(" * 100)


PIECES = [*"ab.()[]\"'=<>+-*/?,1 \n\\é\0", "and ", "not ", "in ", "last ", "did(", " is known", "1 day"]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_is_an_expression_or_is_refused(text):
    start, end = extent(text)
    assert 0 <= start <= end <= len(text) + 1


def extent(text):
    """Return where an expression stands in a text, or the place at which it is refused."""
    try:
        tree = parse_expression(text)
    except SyntaxProblem as problem:
        return problem.offset, problem.offset
    return tree.start, tree.end


def test_every_node_knows_its_place():
    tree = parse_expression("customer.age >= 18 and did(purchased)")
    assert isinstance(tree, Chain)
    assert [(part.start, part.end) for part in tree.parts] == [(0, 18), (23, 37)]
