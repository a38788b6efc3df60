"""Who may be written to: the first of a send's channels that has an address and the customer's consent.

Pure. The answer is an effect either way: a message to hand over, or a skip with each channel's reason.
"""

from typing import Literal, TypeAlias

from journeyscript.engine.calendar import local_text, resolve_zone
from journeyscript.engine.program import Program
from journeyscript.engine.values import Enrollment, Facts, SendMessage, SkipMessage
from journeyscript.machine.model import MessageClass, Send
from journeyscript.semantics.types import Kind, Value

SkipReason: TypeAlias = Literal["no_channel", "no_address", "suppressed", "no_consent"]


def decide_send(
    program: Program,
    send: Send,
    step: str,
    visit: int,
    enrollment: Enrollment,
    facts: Facts,
    given: dict[str, Value],
) -> SendMessage | SkipMessage:
    """Return the message on the channel that may carry it, or why none may. `given` are the step's own variables."""
    tried: list[tuple[str, str]] = []
    for channel in _order(send, facts):
        address, reason = _reachable(channel, send.kind, facts)
        if reason is not None:
            tried.append((channel, reason))
            continue
        locale, content = _content(program, send.message, channel, facts.attributes.get("locale"))
        return SendMessage(
            step=step,
            visit=visit,
            message=send.message,
            kind=send.kind,
            channel=channel,
            address=address,
            content=content,
            locale=locale,
            data=_data(program, send, enrollment, facts, given),
        )
    return SkipMessage(
        step=step,
        visit=visit,
        message=send.message,
        kind=send.kind,
        reason=tried[0][1] if tried else "no_channel",
        tried=tuple(tried),
    )


def _order(send: Send, facts: Facts) -> tuple[str, ...]:
    preferred = facts.attributes.get("preferred_channel")
    if not send.prefer or preferred not in send.via:
        return send.via
    return (str(preferred), *(channel for channel in send.via if channel != preferred))


def _reachable(channel: str, kind: MessageClass, facts: Facts) -> tuple[str, SkipReason | None]:
    """Return the address on a channel, and the reason why it may not be used."""
    policy = facts.channels.get(channel)
    if policy is None:
        return "", "no_channel"
    address = ""
    if policy.address is not None:
        value = facts.external_id if policy.address == "id" else facts.attributes.get(policy.address)
        if not isinstance(value, str) or not value.strip():
            return "", "no_address"
        address = value.strip()
        if address in facts.suppressed:
            return address, "suppressed"
    if kind == "marketing" and policy.consent != "none":
        given = facts.consent.get(channel)
        if given is False or (given is None and policy.consent == "opt_in"):
            return address, "no_consent"
    return address, None


def _content(program: Program, message: str, channel: str, wanted: Value) -> tuple[str, str]:
    """Return the locale and digest of the content that fits best: the locale, its language, everyone's, any."""
    contents = program.contents[message, channel]
    language = wanted.replace("_", "-") if isinstance(wanted, str) else ""
    for locale in (language, language.split("-", maxsplit=1)[0], ""):
        if locale in contents:
            return locale, contents[locale]
    first = min(contents)
    return first, contents[first]


def _data(
    program: Program, send: Send, enrollment: Enrollment, facts: Facts, given: dict[str, Value]
) -> dict[str, Value]:
    """Return what the content may read, and no more: a store keeps this until the message is out."""
    zone, _ = resolve_zone(facts.attributes.get("timezone"), program.machine.timezone)
    customer: dict[str, Value] = {"id": facts.external_id}
    entry: dict[str, Value] = {}
    event: dict[str, Value] = {}
    for path, kind in send.reads.items():
        match path.split("."):
            case ["customer", "id"]:
                pass
            case ["customer", name]:
                customer[name] = _shown(facts.attributes.get(name), kind, zone)
            case ["entry", "at"]:
                entry["at"] = _shown(enrollment.entered_at, "timestamp", zone)
            case [_, _, "at"]:
                event["at"] = _shown(enrollment.entry.at, "timestamp", zone)
            case [_, _, name]:
                event[name] = _shown(enrollment.entry.properties.get(name), kind, zone)
            case _:
                raise AssertionError(f"the compiler lets no template read `{path}`")
    if event:
        entry["event"] = event
    data: dict[str, Value] = {"customer": customer, "entry": entry}
    return {**data, **given}


def _shown(value: Value, kind: Kind, zone: str) -> Value:
    """Return a timestamp as local time with its offset, which template filters understand; others as they are."""
    return local_text(value, zone) if kind == "timestamp" and isinstance(value, int) else value
