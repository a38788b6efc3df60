"""What is in messages: how long a text message gets, where links lead, which languages there are, what nobody reads.

Takes message files and compiled journeys with what their templates read; renders nothing and knows no customer.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from journeyscript.checks.places import place
from journeyscript.checks.segments import is_sms, static_text, too_long
from journeyscript.diagnostics import Diagnostic, Label, Span
from journeyscript.machine.graph import path_to
from journeyscript.machine.lowering import Compiled, Messages, Surroundings
from journeyscript.machine.model import Send, State
from journeyscript.machine.needs import nodes
from journeyscript.rules import finding
from journeyscript.semantics import typed
from journeyscript.semantics.catalog import Catalog
from journeyscript.semantics.templates import TemplateReads
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.message import MessageFile

_INSECURE = re.compile(r"\bhttp://(?!www\.w3\.org/|localhost\b|127\.0\.0\.1\b)[^\s<>\"'()]*", re.IGNORECASE)
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_NAMED = re.compile(r"(?<![\w@/.-])customer\.([A-Za-z_][A-Za-z0-9_]*)(?![\w@-]|\.\w)")


def check_messages(
    messages: Messages, reads: Mapping[str, TemplateReads], channels: Mapping[str, ChannelConfig], catalog: Catalog
) -> Iterator[Diagnostic]:
    """Yield what is found in the texts of messages, whoever sends them."""
    for by_channel in messages.values():
        for by_locale in by_channel.values():
            for file in by_locale.values():
                yield from insecure_link(file)
                if not reads[file.path].findings:  # What is no template has no text outside its tags.
                    yield from name_as_text(file, catalog)
                if is_sms(channels[file.channel]):
                    yield from sms_segments(file)


def check_sends(compiled: Compiled, surroundings: Surroundings) -> Iterator[Diagnostic]:
    """Yield what is found where a journey sends a message."""
    for state in compiled.machine.states:
        if isinstance(state.action, Send):
            carried = {channel: surroundings.messages[state.action.message][channel] for channel in state.action.via}
            files = [file for by_locale in carried.values() for file in by_locale.values()]
            yield from unused_variable(compiled, state, state.action, files, surroundings)
            yield from transactional_misuse(compiled, state, state.action, files)
            yield from sensitive_attribute(compiled, state, state.action, files, surroundings)
            yield from locale_missing(compiled, state, carried)


def insecure_link(file: MessageFile) -> Iterator[Diagnostic]:
    """JS609: a link that anybody on the way can read and change."""
    for match, span in _found(_INSECURE, file):
        link = _TAG.sub("…", match[0])
        yield finding(
            "JS609",
            f"`{link}` is not encrypted, so others can read who follows it and lead them elsewhere",
            span,
            help="write `https://`",
            witness=(file.message, file.channel, link),
        )


def name_as_text(file: MessageFile, catalog: Catalog) -> Iterator[Diagnostic]:
    """JS011: the name of an attribute stands in a text without braces, so the receiver reads the name."""
    for match, span in _found(_NAMED, file, masked=True):
        if catalog.attribute(match[1]) is not None:
            yield finding(
                "JS011",
                f"`{match[0]}` is text here: the receiver reads it as it stands",
                span,
                help=f"write `{{{{ {match[0]} }}}}` for the value",
            )


def sms_segments(file: MessageFile) -> Iterator[Diagnostic]:
    """JS605: a text is sent, and paid, as several text messages."""
    found = too_long(static_text(file.content.body))
    if found is not None:
        span = Span(path=file.path, line=file.body_line, end_line=file.body_line)
        if found.character is not None:
            span = next((place for _, place in _found(re.compile(re.escape(found.character)), file)), span)
        yield finding("JS605", found.message, span, help=found.help_text, witness=(file.message, found.reckoning))


def unused_variable(
    compiled: Compiled, state: State, send: Send, files: Iterable[MessageFile], surroundings: Surroundings
) -> Iterator[Diagnostic]:
    """JS604: a variable is worked out for a message, and no content of it reads it."""
    read = {read.path[0] for file in files for read in surroundings.reads[file.path].reads}
    for name, _ in send.variables:
        if name not in read:
            yield finding(
                "JS604",
                f"no content of `{send.message}` reads `{name}`",
                place(compiled, state.id),
                help="take it out of `with`, or use it in the message",
                journey=compiled.machine.journey,
                step=state.id,
                witness=path_to(compiled.machine, state.id),
            )


def transactional_misuse(
    compiled: Compiled, state: State, send: Send, files: Iterable[MessageFile]
) -> Iterator[Diagnostic]:
    """JS506: a step calls transactional what the message itself calls marketing, and so asks nobody for consent."""
    said = next((file for file in files if file.kind == "marketing"), None)
    if send.kind == "transactional" and said is not None:
        yield finding(
            "JS506",
            f"`{send.message}` says that it is marketing, and would go out without consent here",
            place(compiled, state.id),
            help="take `class: transactional` out of the step, or `class: marketing` out of the message",
            labels=(Label(span=said.span, text="says `class: marketing`"),),
            journey=compiled.machine.journey,
            step=state.id,
            witness=(*path_to(compiled.machine, state.id), f"not consent.{said.channel}, and still sent"),
        )


def sensitive_attribute(
    compiled: Compiled, state: State, send: Send, files: Iterable[MessageFile], surroundings: Surroundings
) -> Iterator[Diagnostic]:
    """JS511: a sensitive value becomes part of a link, which every server on its way writes into its logs."""
    attributes = surroundings.catalog.attributes
    given = {
        name: node.name
        for name, value in send.variables
        for node in nodes(value)
        if isinstance(node, typed.Attribute) and node.name in attributes and attributes[node.name].sensitive
    }
    sources = [*(file.path for file in files), *(name for name in send.via if name in surroundings.reads)]
    for read in (read for source in sources for read in surroundings.reads[source].reads if read.in_link):
        match read.path:
            case ("customer", name, *_) if name in attributes and attributes[name].sensitive:
                attribute = name
            case (name, *_) if name in given:
                attribute = given[name]
            case _:
                continue
        yield finding(
            "JS511",
            f"`customer.{attribute}` is sensitive, and stands in a link",
            read.span,
            help="links are kept in logs and histories; put `customer.id` into it instead",
            journey=compiled.machine.journey,
            step=state.id,
            witness=path_to(compiled.machine, state.id),
        )


def locale_missing(
    compiled: Compiled, state: State, carried: Mapping[str, Mapping[str, MessageFile]]
) -> Iterator[Diagnostic]:
    """JS607: one send speaks a language on one of its channels and does not on another."""
    for channel, by_locale in carried.items():
        for other, theirs in carried.items():
            for locale, file in theirs.items():
                if not locale or _speaks(by_locale, locale):
                    continue
                here = by_locale.get("") or next(iter(by_locale.values()))
                yield finding(
                    "JS607",
                    f"`{file.message}` has no `{locale}` for `{channel}`, though it has for `{other}`",
                    here.span,
                    help=f"write `channels/{channel}/{file.message}.{locale}.{here.path.rsplit('.', 1)[-1]}`",
                    labels=(Label(span=file.span, text=f"the `{locale}` one"),),
                    journey=compiled.machine.journey,
                    step=state.id,
                    witness=(*path_to(compiled.machine, state.id), f'customer.locale is "{locale}"', f"by {channel}"),
                )


def _speaks(by_locale: Mapping[str, MessageFile], locale: str) -> bool:
    """Return whether somebody of a locale gets their language: `de` stands in for `de-AT`."""
    return locale in by_locale or locale.split("-", 1)[0] in by_locale


def _found(
    pattern: re.Pattern[str], file: MessageFile, *, masked: bool = False
) -> Iterator[tuple[re.Match[str], Span]]:
    """Yield every match in the subject and the body with its place; `masked`: not inside the tags of the template."""
    subject, body = file.content.subject or "", file.content.body
    if masked:
        subject, body = (_TAG.sub(lambda tag: re.sub(r"[^\n]", " ", tag[0]), text) for text in (subject, body))
    yield from ((match, file.subject_span or file.span) for match in pattern.finditer(subject))
    starts = [0, *(match.end() for match in re.finditer("\n", body))]
    for match in pattern.finditer(body):
        row = bisect_right(starts, match.start()) - 1
        line = Span(path=file.path, line=file.body_line + row, end_line=file.body_line + row)
        yield match, line.within(match.start() - starts[row], len(match[0]))
