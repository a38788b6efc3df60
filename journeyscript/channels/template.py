"""One Liquid template: compiled once, rendered often, with the rules every content keeps.

Takes source text and gives a `Liquid` that renders plain data. Rendering reads no clock and no file: `now`, `today`,
`include` and `render` do not exist, loops and output are bounded, and nothing marks a customer's value as safe HTML.
What a journey's catalog declares (`customer.x`, `journey.x`, `entry.x`, `entry.event.x`) must be in the data; what
lies inside a value (an item of a list, a part of an object) is nil where it is absent.
"""

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import quote
from zoneinfo import ZoneInfo

from liquid import BoundTemplate, Environment, Markup, RenderContext, StrictUndefined, Token
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.filter import with_context
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

if TYPE_CHECKING:
    from journeyscript.semantics.types import Value

_LOOP_ITERATIONS = 10_000
_OUTPUT_BYTES = 1_000_000
_LOCALS_BYTES = 1_000_000
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC).timestamp() * 1000
_LATEST = datetime(9999, 12, 30, tzinfo=UTC).timestamp() * 1000

_DECLARED = frozenset({"customer", "entry", "journey"})
_RUNNABLE_SCHEME = re.compile(r"(?:javascript|vbscript|data|file):")

# What filters raise over values they were not made for; Liquid wraps most of it, but not all.
_FAILURES = (LiquidError, ArithmeticError, ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError)


class RenderError(Exception):
    """Content that cannot be compiled or rendered; the text is one plain sentence."""


class _Context(RenderContext):
    """Where names are looked up: local variables and the data, and no clock."""

    def __init__(self, template: BoundTemplate, *, globals: Mapping[str, object] | None = None) -> None:  # noqa: A002
        super().__init__(template, globals=globals)
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        root = path[0]
        try:
            found = self.scope[root] if isinstance(root, str) else self._missing(path[:1], token, default)
        except KeyError:
            return self._missing(path[:1], token, default)
        for place, segment in enumerate(path[1:], start=1):
            try:
                found = self.get_item(found, segment)
            except (KeyError, TypeError, IndexError):
                if _declared(path, place):
                    return self._missing(path[: place + 1], token, default)
                return None
        return found

    def _missing(self, path: list[object], token: Token | None, default: object) -> object:
        if default is not UNDEFINED:
            return default
        name = ".".join(str(part) for part in path)
        return self.env.undefined(name, hint=f"`{name}` is not defined", token=token)


def _declared(path: list[object], place: int) -> bool:
    """Return whether the name at `place` of the path is one that the catalog declares."""
    return path[0] in _DECLARED and (place == 1 or (place == 2 and path[:2] == ["entry", "event"]))


class _Bound(BoundTemplate):
    context_class = _Context

    def over(self, data: Mapping[str, object]) -> str:
        """Return the output over the data, which is not copied."""
        buffer: StringIO = self._get_buffer()
        self.render_with_context(_Context(self, globals=data), buffer)
        return buffer.getvalue()


class _Liquid(Environment):
    """The dialect: standard Liquid without files, without a clock, and bounded."""

    loop_iteration_limit = _LOOP_ITERATIONS
    output_stream_limit = _OUTPUT_BYTES
    local_namespace_limit = _LOCALS_BYTES
    template_class = _Bound

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for tag in ("include", "render"):
            del self.tags[tag]
        for name in ("safe", "escapejs"):
            del self.filters[name]
        self.add_filter("date", _date)
        self.add_filter("link_target", _link_target)


@with_context
def _date(value: object, form: object = "%Y-%m-%d", zone: object = None, *, context: RenderContext) -> object:
    """Write a timestamp (milliseconds in UTC) or an ISO 8601 text by `strftime`.

    A timestamp is shown in `zone`, else in `customer.timezone` where the data has it, else in UTC. What is no
    date is given back unchanged, as Liquid does.
    """
    if value is None:
        return ""
    moment = _moment(value)
    if moment is None:
        return value
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(_zone(zone, context))
    return moment.strftime(str(form))


def _moment(value: object) -> datetime | date | None:
    match value:
        case bool():
            return None
        case int() | float():
            return datetime.fromtimestamp(value / 1000, UTC) if _EARLIEST <= value <= _LATEST else None
        case str():
            try:
                return date.fromisoformat(value) if len(value) == len("2026-03-29") else datetime.fromisoformat(value)
            except ValueError:
                return None
        case _:
            return None


def _zone(named: object, context: RenderContext) -> tzinfo:
    if named is not None:
        try:
            return ZoneInfo(str(named))
        except (ValueError, LookupError, OSError):
            raise FilterArgumentError(f"`{named}` is not a time zone", token=None) from None
    customer = context.globals.get("customer")
    own = customer.get("timezone") if isinstance(customer, Mapping) else None
    try:
        return ZoneInfo(str(own)) if own else UTC
    except (ValueError, LookupError, OSError):
        return UTC


def _link_target(value: object) -> object:
    """Give back a value that begins a link, or `#` where following it would run something."""
    if value is None:
        return ""
    text = html.unescape(str(value)) if isinstance(value, Markup) else str(value)
    # Browsers ignore control characters and blanks inside a scheme, so they are ignored here too.
    return "#" if _RUNNABLE_SCHEME.match(re.sub(r"[\x00-\x20]+", "", text).lower()) else value


_ENVIRONMENTS = {
    escape: _Liquid(undefined=StrictUndefined, autoescape=escape, strict_filters=True) for escape in (False, True)
}


class Liquid:
    """A compiled template. `place` names it in errors: `subject`, `body`."""

    def __init__(self, source: str, *, place: str, escape: bool = False) -> None:
        """Compile the source; `escape` makes every value HTML text. Raises `RenderError`."""
        self._place = place
        environment = _ENVIRONMENTS[escape]
        try:
            bound = environment.from_string(source)
            unknown = sorted(set(bound.analyze(include_partials=False).filters) - set(environment.filters))
        except _FAILURES as error:
            raise RenderError(_sentence(place, error)) from None
        if unknown:
            raise RenderError(f"{place}: there is no filter `{unknown[0]}`")
        assert isinstance(bound, _Bound)
        self._bound = bound

    def render(self, data: "Mapping[str, Value]") -> str:
        """Return the output over the data. Raises `RenderError`."""
        try:
            return self._bound.over(data)
        except _FAILURES as error:
            raise RenderError(_sentence(self._place, error)) from None


@lru_cache(maxsize=256)
def compile_line(source: str, place: str) -> Liquid:
    """Return the compiled template of a short text, such as a URL. Raises `RenderError`."""
    return Liquid(source, place=place)


def percent_encoded(url: str) -> str:
    """Return the URL with everything encoded that may not stand in one: blanks, control and non-ASCII characters."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~", errors="replace")


def _sentence(place: str, error: BaseException) -> str:
    """Return what is wrong, and on which line, without the value that caused it."""
    if not isinstance(error, LiquidError):
        what = "a value is not valid Unicode" if isinstance(error, UnicodeError) else "a value does not fit its filter"
        return f"{place}: {what}"
    where = error.context()
    line = f" line {where[0]}" if where is not None and place == "body" else ""
    return f"{place}{line}: {' '.join(str(error.message).split())}"
