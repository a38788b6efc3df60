"""A file of journey tests exactly as written: invented customers, what they do and when, and what must come of it.

Takes a node whose shape was checked against the schema, gives frozen records; texts stay scalars with positions, so
that a failed expectation can point at itself. Nothing is resolved, defaulted or judged here.
"""

from msgspec import Struct

from journeyscript.diagnostics import Span
from journeyscript.source.nodes import Mapping, Node, Scalar, Sequence


class Happening(Struct, frozen=True, kw_only=True):
    """One item of a timeline: time passes, the customer changes, an event happens, or somebody asks to enter."""

    span: Span
    event: Scalar | None
    enter: Mapping | None
    id: Scalar | None
    properties: Mapping | None
    attributes: Mapping | None
    consent: Mapping | None
    after: Scalar | None
    at: Scalar | None


class ExpectedSend(Struct, frozen=True, kw_only=True):
    """A message that must have been sent."""

    span: Span
    message: Scalar
    channel: Scalar | None
    at: Scalar | None
    because: Scalar | None


class ExpectedSilence(Struct, frozen=True, kw_only=True):
    """A message that must not have been sent, and why."""

    node: Mapping
    message: Scalar
    reason: Scalar | None


class Expectations(Struct, frozen=True, kw_only=True):
    """What must have come of it; `None` is what the test says nothing of. `place` gives where each key stands."""

    place: Mapping
    sends: tuple[ExpectedSend, ...] | None
    not_sent: tuple[ExpectedSilence, ...]
    path: tuple[Scalar, ...]
    state: Scalar | None
    reason: Scalar | None
    goal: Scalar | None
    attributes: Mapping | None


class WrittenTest(Struct, frozen=True, kw_only=True):
    """One customer's story. `customer` holds `id`, `consent` and attributes side by side."""

    span: Span
    name: Scalar
    customer: Mapping | None
    at: Scalar | None
    timeline: tuple[Happening, ...]
    expect: Expectations


class WrittenTests(Struct, frozen=True, kw_only=True):
    """A `*.test.yaml`."""

    path: str
    journey: Scalar
    tests: tuple[WrittenTest, ...]


def read_tests(path: str, node: Mapping) -> WrittenTests:
    """Return the tests that a file of the right shape says."""
    return WrittenTests(
        path=path,
        journey=_required(node, "journey"),
        tests=tuple(_test(item) for item in _mappings(node, "tests")),
    )


def _test(node: Mapping) -> WrittenTest:
    return WrittenTest(
        span=node.span,
        name=_required(node, "name"),
        customer=_mapping(node, "customer"),
        at=_scalar(node, "at"),
        timeline=tuple(_happening(item) for item in _mappings(node, "timeline")),
        expect=_expectations(node.get("expect")),
    )


def _happening(node: Mapping) -> Happening:
    return Happening(
        span=node.span,
        event=_scalar(node, "event"),
        enter=_mapping(node, "enter"),
        id=_scalar(node, "id"),
        properties=_mapping(node, "properties"),
        attributes=_mapping(node, "attributes"),
        consent=_mapping(node, "consent"),
        after=_scalar(node, "after"),
        at=_scalar(node, "at"),
    )


def _expectations(node: Node | None) -> Expectations:
    assert isinstance(node, Mapping), "the schema lets no test without `expect` come here"
    return Expectations(
        place=node,
        sends=None if node.get("sends") is None else tuple(_send(item) for item in _mappings(node, "sends")),
        not_sent=tuple(
            ExpectedSilence(node=item, message=_required(item, "message"), reason=_scalar(item, "reason"))
            for item in _mappings(node, "not_sent")
        ),
        path=tuple(item for item in _items(node, "path") if isinstance(item, Scalar)),
        state=_scalar(node, "state"),
        reason=_scalar(node, "reason"),
        goal=_scalar(node, "goal"),
        attributes=_mapping(node, "attributes"),
    )


def _send(node: Mapping) -> ExpectedSend:
    return ExpectedSend(
        span=node.span,
        message=_required(node, "message"),
        channel=_scalar(node, "channel"),
        at=_scalar(node, "at"),
        because=_scalar(node, "because"),
    )


def _required(node: Mapping, key: str) -> Scalar:
    value = node.get(key)
    assert isinstance(value, Scalar), f"the schema lets nothing without `{key}` come here"
    return value


def _scalar(node: Mapping, key: str) -> Scalar | None:
    value = node.get(key)
    return value if isinstance(value, Scalar) else None


def _mapping(node: Mapping, key: str) -> Mapping | None:
    value = node.get(key)
    return value if isinstance(value, Mapping) else None


def _items(node: Mapping, key: str) -> tuple[Node, ...]:
    value = node.get(key)
    return value.items if isinstance(value, Sequence) else ()


def _mappings(node: Mapping, key: str) -> tuple[Mapping, ...]:
    return tuple(item for item in _items(node, key) if isinstance(item, Mapping))
