"""Whether a message goes out: on which channel, now or later, or not at all.

The first of a send's channels that has an address and the customer's consent carries it. Quiet hours hold a marketing
message back until they end, a frequency cap stops it or lets it wait, a paused journey sends nothing. Pure: the answer
is an effect, or a hold.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from journeyscript.engine.calendar import (
    SECOND,
    local_text,
    minute_of_day,
    next_time_of_day,
    quiet_until,
    resolve_zone,
    whole_second,
    zone_in_words,
)
from journeyscript.engine.chance import draw
from journeyscript.engine.program import Program
from journeyscript.engine.values import (
    ChannelPolicy,
    Enrollment,
    Facts,
    Held,
    HeldReason,
    SendMessage,
    SkipMessage,
    Slot,
)
from journeyscript.machine.model import BEST_TIME, MessageClass, Send
from journeyscript.semantics.types import Instant, Kind, Milliseconds, Value
from journeyscript.syntax.duration import show_duration
from journeyscript.syntax.policies import WEEKDAYS, FrequencyCap

Unreachable: TypeAlias = Literal["no_channel", "no_address", "suppressed", "no_consent"]


def skip(send: Send, step: str, visit: int, reason: str, tried: tuple[tuple[str, str], ...] = ()) -> SkipMessage:
    """Return that the message of a step is not sent, and why; `tried` are the channels with their own reasons."""
    return SkipMessage(step=step, visit=visit, message=send.message, kind=send.kind, reason=reason, tried=tried)


class Hold(Struct, frozen=True, kw_only=True):
    """The message waits until this instant, when everything is decided again. `values` say what holds it."""

    until: Instant
    held: Held
    values: tuple[tuple[str, Value], ...]


class Asked(Struct, frozen=True, kw_only=True):
    """A step's wish to send: `at` is when it should have been reached, `held` why it waits already, where it does."""

    program: Program
    send: Send
    step: str
    visit: int
    enrollment: Enrollment
    given: dict[str, Value]
    at: Instant
    held: Held | None = None

    def skipped(self, reason: str, tried: tuple[tuple[str, str], ...] = ()) -> SkipMessage:
        """Return that the message is not sent, and why."""
        return skip(self.send, self.step, self.visit, reason, tried)

    def hold(self, reason: HeldReason, until: Instant, *values: tuple[str, Value]) -> Hold:
        """Return that the message waits."""
        return Hold(until=until, held=Held(reason=reason, given=self.given), values=values)


def decide_send(asked: Asked, facts: Facts, now: Instant) -> SendMessage | SkipMessage | Hold:
    """Return the message on the channel that may carry it, why none may, or until when it waits."""
    stopped = _controlled(asked, facts)
    if stopped is not None:
        return stopped
    send = asked.send
    max_age = facts.policies.max_age if send.max_age is None else send.max_age
    latest = whole_second(asked.at + max_age)
    if now > latest:
        waited = asked.held is not None and asked.held.reason == "quiet_hours"
        return asked.skipped("quiet_expired" if waited else "stale")
    channel, address, tried = _channel(send, facts)
    if channel is None:
        return asked.skipped(tried[0][1] if tried else "no_channel", tried)
    if send.best_time:
        stopped = _early(asked, facts, now, latest)
    if stopped is None and send.kind == "marketing":
        stopped = _quiet(asked, channel, facts, now, latest) or _capped(asked, channel, facts, now)
    if stopped is not None:
        return stopped
    locale, content = _content(asked.program, send.message, channel, facts.attributes.get("locale"))
    return SendMessage(
        step=asked.step,
        visit=asked.visit,
        message=send.message,
        kind=send.kind,
        channel=channel,
        address=address,
        content=content,
        locale=locale,
        data=_data(asked.program, send, asked.enrollment, facts, asked.given),
        expires_at=latest,
    )


def _controlled(asked: Asked, facts: Facts) -> Hold | SkipMessage | None:
    """Return that the message waits until the journey is resumed, or that the pause has made it stale."""
    if not facts.controls:
        return None
    machine = asked.program.machine
    control = facts.control(machine.journey)
    if control.paused_at is not None:
        return asked.hold("paused", asked.enrollment.entered_at + machine.lifetime)
    if control.stale_before is not None and asked.at < control.stale_before:
        return asked.skipped("stale")
    return None


def _channel(send: Send, facts: Facts) -> tuple[str | None, str, tuple[tuple[str, str], ...]]:
    """Return the first channel that may be used with the address, and why those before it may not."""
    tried: list[tuple[str, str]] = []
    for channel in _order(send, facts):
        address, reason = _reachable(channel, send.kind, facts)
        if reason is None:
            return channel, address, tuple(tried)
        tried.append((channel, reason))
    return None, "", tuple(tried)


def _early(asked: Asked, facts: Facts, now: Instant, latest: Instant) -> Hold | None:
    """Return that the message waits for the first best time from its step on, where the customer has one."""
    text = facts.attributes.get(BEST_TIME)
    minute = minute_of_day(text)
    if minute is None:
        return None
    zone, doubt = resolve_zone(facts.attributes.get("timezone"), asked.program.machine.timezone)
    release = min(next_time_of_day(asked.at - 1, minute, WEEKDAYS, zone) + _scattered(asked, facts), latest)
    if now >= release:
        return None
    seen = asked.program.seen(BEST_TIME, f"customer.{BEST_TIME}", text)
    return asked.hold("best_time", release, seen, _zone_seen(asked, zone, doubt))


def _scattered(asked: Asked, facts: Facts) -> Milliseconds:
    return scatter(facts.policies.release_over, asked.step, facts.external_id, str(asked.visit))


def scatter(over: Milliseconds, *names: str) -> Milliseconds:
    """Return how much later than others a message is let go: all who wait for one moment would go in one second."""
    return draw(max(over // SECOND, 1), "release", *names) * SECOND


def _quiet(asked: Asked, channel: str, facts: Facts, now: Instant, latest: Instant) -> Hold | SkipMessage | None:
    """Return that the message waits for the end of the channel's quiet hours, as long as it may."""
    policy: ChannelPolicy = facts.channels[channel]
    if not policy.quiet_hours:
        return None
    zone, doubt = resolve_zone(facts.attributes.get("timezone"), asked.program.machine.timezone)
    end = quiet_until(now, policy.quiet_hours, zone)
    if end is None:
        return None
    if now >= latest:
        return asked.skipped("quiet_expired")
    release = min(end + _scattered(asked, facts), latest)
    return asked.hold("quiet_hours", release, _zone_seen(asked, zone, doubt))


def _zone_seen(asked: Asked, zone: str, doubt: str | None) -> tuple[str, Value]:
    return asked.program.seen("timezone", "zone", zone_in_words(zone, doubt))


def _capped(asked: Asked, channel: str, facts: Facts, now: Instant) -> Hold | SkipMessage | None:
    """Return that a frequency cap stops the message, or lets it wait until there is room again."""
    reached = [
        (free, cap) for cap in facts.policies.caps if (free := _room_again(cap, channel, facts.recent, now)) is not None
    ]
    if not reached:
        return None
    free, cap = max(reached, key=lambda one: one[0])
    latest = whole_second(asked.at + asked.send.delay)
    if not asked.send.delay or now >= latest:
        return asked.skipped("capped", ((channel, _in_words(cap)),))
    return asked.hold("capped", min(free, latest), ("cap", _in_words(cap)))


def _room_again(cap: FrequencyCap, channel: str, recent: Sequence[Slot], now: Instant) -> Instant | None:
    """Return when a cap that is reached has room again, `None` where it has room now, or is for other channels."""
    if cap.channel is not None and cap.channel != channel:
        return None
    counted = sorted(
        slot.at for slot in recent if slot.at > now - cap.per and (cap.channel is None or slot.channel == cap.channel)
    )
    return counted[-cap.messages] + cap.per if len(counted) >= cap.messages else None


def _in_words(cap: FrequencyCap) -> str:
    on = "" if cap.channel is None else f" on {cap.channel}"
    return f"{cap.messages} in {show_duration(cap.per)}{on}"


def _order(send: Send, facts: Facts) -> tuple[str, ...]:
    preferred = facts.attributes.get("preferred_channel")
    if not send.prefer or preferred not in send.via:
        return send.via
    return (str(preferred), *(channel for channel in send.via if channel != preferred))


def _reachable(channel: str, kind: MessageClass, facts: Facts) -> tuple[str, Unreachable | None]:
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
    if not permitted(kind, policy.consent, facts.consent.get(channel)):
        return address, "no_consent"
    return address, None


def permitted(kind: str, asked: Literal["opt_in", "opt_out", "none"], given: bool | None) -> bool:  # noqa: FBT001
    """Return whether a message of a class may go out; `given` is the recorded answer, `None` where there is none."""
    if kind != "marketing" or asked == "none":
        return True
    return given is True or (given is None and asked == "opt_out")


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
    customer: dict[str, Value] = {"id": facts.external_id}
    entry: dict[str, Value] = {}
    if send.reads:
        _read(program, send, enrollment, facts, customer, entry)
    return {"customer": customer, "entry": entry, **given}


def _read(
    program: Program,
    send: Send,
    enrollment: Enrollment,
    facts: Facts,
    customer: dict[str, Value],
    entry: dict[str, Value],
) -> None:
    zone, _ = resolve_zone(facts.attributes.get("timezone"), program.machine.timezone)
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


def _shown(value: Value, kind: Kind, zone: str) -> Value:
    """Return a timestamp as local time with its offset, which template filters understand; others as they are."""
    return local_text(value, zone) if kind == "timestamp" and isinstance(value, int) else value
