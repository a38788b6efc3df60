"""Whether the messages of a story are those that a journey test expects, and where not, why.

Takes what is written and what happened; gives failures. Sends are compared as they were decided, in order of time.
"""

from collections.abc import Iterator

from journeyscript.engine.calendar import local_text
from journeyscript.machine.model import Send
from journeyscript.runtime.intake.values import parse_instant
from journeyscript.runtime.trials.causes import cause_in_words, led_by
from journeyscript.runtime.trials.deciding import decided_against, decided_send
from journeyscript.runtime.trials.happened import Decided, Failure, Happened, listed, standing
from journeyscript.stores.records import KeptSend
from journeyscript.syntax.trial_file import Expectations, ExpectedSend, ExpectedSilence


def sends_unlike(expect: Expectations, happened: Happened) -> Iterator[Failure]:
    """Yield a failure where other messages were sent than those expected, or otherwise than expected."""
    if expect.sends is None:
        return
    wanted = [send.message.text for send in expect.sends]
    got = [send.message for send in happened.sent]
    if wanted == got:
        for written, send in zip(expect.sends, happened.sent, strict=True):
            yield from _details(written, send, happened)
        return
    missing = [name for name in dict.fromkeys(wanted) if wanted.count(name) > got.count(name)]
    surplus = [send for send in happened.sent if send.message not in wanted]
    first = next((n for n, (want, have) in enumerate(zip(wanted, got, strict=False)) if want != have), None)
    if first is None and len(wanted) > len(got):
        first = len(got)
    span = expect.place.key_span("sends") if first is None else expect.sends[first].span
    yield Failure(
        span=span,
        expected=f"sent, in this order: {listed(wanted)}",
        happened=f"sent: {listed(got)}",
        why=(
            *(why for name in missing for why in why_not_sent(name, happened)),
            *(f"`{send.message}` {_sent_in_words(send, happened)}" for send in surplus),
        ),
        decided=_decided(missing, surplus, happened),
    )


def _decided(missing: list[str], surplus: list[KeptSend], happened: Happened) -> Decided | None:
    """Return what the difference comes down to: a way that was not taken, else one that was."""
    steps = [
        state.id
        for state in happened.machine.states
        if isinstance(state.action, Send) and state.action.message in missing[:1]
    ]
    if steps and not any(send.message in missing[:1] for send in happened.skipped):
        return decided_against(steps, happened)
    return decided_send(surplus[0], happened) if surplus and not missing else None


def _details(written: ExpectedSend, send: KeptSend, happened: Happened) -> Iterator[Failure]:
    """Compare one message that was sent with all that is said of it."""
    name = f"`{send.message}`"
    if written.channel is not None and written.channel.text != send.channel:
        yield Failure(
            span=written.channel.span,
            expected=f"{name} by {written.channel.text}",
            happened=f"{name} by {send.channel}",
        )
    if written.at is not None and parse_instant(written.at.text) != send.created_at:
        yield Failure(
            span=written.at.span,
            expected=f"{name} at {local_text(parse_instant(written.at.text), happened.zone)}",
            happened=f"{name} at {local_text(send.created_at, happened.zone)}",
        )
    if written.because is not None and not led_by(written.because.text, send, happened.story):
        yield Failure(
            span=written.because.span,
            expected=f"{name} because of `{written.because.text}`",
            happened=f"{name} because of {cause_in_words(send, happened.story)}",
            decided=decided_send(send, happened),
        )


def silences_broken(expected: tuple[ExpectedSilence, ...], happened: Happened) -> Iterator[Failure]:
    """Yield a failure for each message that was sent all the same, or was never skipped for the reason that is written.

    With a reason, one time that the message was asked for and skipped is enough: it may have been sent at others.
    """
    for silence in expected:
        message = silence.message.text
        if silence.reason is not None and any(
            send.message == message and send.reason == silence.reason.text for send in happened.skipped
        ):
            continue
        sent = next((send for send in happened.sent if send.message == message), None)
        if sent is not None:
            yield Failure(
                span=silence.message.span,
                expected=f"`{message}` not sent",
                happened=f"`{message}` {_sent_in_words(sent, happened)}",
                decided=decided_send(sent, happened),
            )
        elif silence.reason is not None:
            yield Failure(
                span=silence.reason.span,
                expected=f"`{message}` skipped for the reason `{silence.reason.text}`",
                happened="; ".join(why_not_sent(message, happened)),
            )


def why_not_sent(message: str, happened: Happened) -> tuple[str, ...]:
    """Return why a message was not sent, or not as often: skipped, or no step that sends it was reached."""
    skipped = tuple(
        f"`{message}` was skipped at {local_text(send.created_at, happened.zone)}: {send.reason}"
        + (f" ({send.detail})" if send.detail else "")
        for send in happened.skipped
        if send.message == message
    )
    times = sum(send.message == message for send in happened.sent)
    if times:
        return (f"`{message}` was sent only {'once' if times == 1 else f'{times} times'}", *skipped)
    if skipped:
        return skipped
    if happened.last is None:
        return (f"`{message}` was never asked for, as the customer {standing(happened)}",)
    steps = [
        state.id
        for state in happened.machine.states
        if isinstance(state.action, Send) and state.action.message == message
    ]
    verb = "was" if len(steps) == 1 else "were"
    reached = f"{listed(steps)} {verb} not reached"
    return (f"`{message}` was never asked for: {reached}, the customer {standing(happened)}",)


def _sent_in_words(send: KeptSend, happened: Happened) -> str:
    cause = cause_in_words(send, happened.story)
    return f"was sent by {send.channel} at {local_text(send.created_at, happened.zone)}, because of {cause}"
