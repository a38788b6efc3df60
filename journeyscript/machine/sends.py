"""The `send` step: which channels may carry the message, what its content reads, and what may be wrong with that."""

from collections.abc import Mapping

from journeyscript.machine.model import BEST_TIME, MessageClass, Send
from journeyscript.machine.reading import Reader
from journeyscript.semantics.catalog import suggestion
from journeyscript.semantics.scope import Scope
from journeyscript.semantics.templates import OFFERED, TemplateReads
from journeyscript.semantics.types import Kind, Milliseconds
from journeyscript.source.nodes import Mapping as MappingNode
from journeyscript.source.nodes import Node, Scalar
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.journey import SendStep
from journeyscript.syntax.message import MessageFile

GIVEN = ("customer", "entry")
"""What every template can read of the customer and of the entry; a variable of that name would hide it."""


class SendLowering:
    """Lowers the sends of one journey."""

    def __init__(
        self,
        reader: Reader,
        messages: Mapping[str, Mapping[str, Mapping[str, MessageFile]]],
        channels: Mapping[str, ChannelConfig],
        reads: Mapping[str, TemplateReads],
    ) -> None:
        self.reader, self.messages, self.channels, self.reads = reader, messages, channels, reads

    def lower(self, step: SendStep, scope: Scope) -> Send:
        """Return the action of a send."""
        message = step.message.text
        carried = self.messages.get(message, {})
        if not carried:
            self.reader.note(
                "JS105",
                f"there is no message `{message}`",
                step.message,
                suggestion(message, self.messages) or f"write `channels/CHANNEL/{message}.md`",
            )
        via = tuple(channel.text for channel in step.via if self._carries(channel, message, carried))
        via = via or tuple(carried)
        for key, _ in step.variables:
            if key.text in (*GIVEN, *OFFERED):
                self.reader.note("JS109", f"`{key.text}` is there by itself", key, "choose another name")
        variables = tuple((key.text, self.reader.checked(value, scope)[0].node) for key, value in step.variables)
        names = {name for name, _ in variables}
        return Send(
            message=message,
            via=via,
            kind=self._kind(step, message, via),
            prefer=not step.via,
            variables=variables,
            reads=self._reads(message, via, names, scope),
            delay=self._delay(step.when_capped),
            max_age=None if step.max_age is None else self.reader.milliseconds(step.max_age),
            best_time=self._best_time(step, scope),
        )

    def _best_time(self, step: SendStep, scope: Scope) -> bool:
        """Return whether the message waits for the customer's best time, which the catalog must know of."""
        if step.at is None or step.at.text != BEST_TIME:
            return False
        if scope.catalog.attribute(BEST_TIME) is None:
            self.reader.note(
                "JS301",
                f"customers have no attribute `{BEST_TIME}`",
                step.at,
                f"declare `{BEST_TIME}: {{ type: string, optional: true }}` in catalog/customer.yaml",
            )
        return True

    def _delay(self, when_capped: Node | None) -> Milliseconds:
        delay = when_capped.get("delay") if isinstance(when_capped, MappingNode) else None
        return 0 if delay is None else self.reader.milliseconds(delay)

    def _carries(self, channel: Scalar, message: str, carried: Mapping[str, object]) -> bool:
        if channel.text not in self.channels:
            advice = suggestion(channel.text, self.channels)
            self.reader.note("JS104", f"there is no channel `{channel.text}`", channel, advice)
            return False
        if channel.text in carried:
            return True
        if carried:  # else the message itself is the finding
            self.reader.note(
                "JS603",
                f"`{message}` has no content on `{channel.text}`",
                channel,
                f"add a file `channels/{channel.text}/{message}.*`, or leave the channel out",
            )
        return False

    def _kind(self, step: SendStep, message: str, via: tuple[str, ...]) -> MessageClass:
        written = {file.kind or "marketing" for channel in via for file in self.messages[message][channel].values()}
        if step.kind is not None:
            return "transactional" if step.kind.text == "transactional" else "marketing"
        # One file that says marketing is enough: the stricter class asks for consent.
        return "transactional" if written == {"transactional"} else "marketing"

    def _reads(self, message: str, via: tuple[str, ...], variables: set[str], scope: Scope) -> dict[str, Kind]:
        paths: dict[str, Kind] = {}
        for channel in via:
            # The channel's own templates (where to unsubscribe) read the customer too.
            sources = [channel, *(file.path for file in self.messages[message][channel].values())]
            for read in (read for source in sources if source in self.reads for read in self.reads[source].reads):
                if read.path[0] not in variables:
                    paths |= _kind_of(read.path, scope)
        return dict(sorted(paths.items()))


def _kind_of(path: tuple[str, ...], scope: Scope) -> dict[str, Kind]:
    """Return the field that a template reads with its kind; nothing for what is no field: that is told elsewhere."""
    match path:
        case ("customer", name, *_):
            definition = scope.catalog.attribute(name)
        case ("entry", "event", name, *_) if scope.entry is not None:
            definition = scope.entry.property(name)
        case ("entry", "at"):
            return {"entry.at": "timestamp"}
        case _:
            return {}
    length = 2 if path[0] == "customer" else 3
    return {} if definition is None else {".".join(path[:length]): definition.type.kind}
