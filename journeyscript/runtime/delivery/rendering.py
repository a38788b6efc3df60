"""From a send as it was decided to the message that its channel carries.

Takes the pinned contents and the data of the decision; gives rendered messages. Decides nothing and sends nothing.
"""

from collections.abc import Mapping

import msgspec

from journeyscript.channels.adapters import unsubscribe
from journeyscript.channels.outgoing import Outgoing
from journeyscript.channels.render import Template, compile_content
from journeyscript.stores.records import KeptSend
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.message import ContentDocument


class Renderer:
    """Renders sends over the contents that journeys are pinned to, each compiled once."""

    def __init__(self, contents: Mapping[str, str]) -> None:
        """Take contents as JSON text by their digest."""
        self._contents = dict(contents)
        self._templates: dict[str, Template] = {}

    def outgoing(self, send: KeptSend, config: ChannelConfig) -> Outgoing:
        """Return the message.

        Raises:
            RenderError: the content does not fit the data.
            KeyError: the content is not there.
            msgspec.DecodeError: content or data cannot be read.
        """
        template = self._templates.get(send.content)
        if template is None:
            document = msgspec.json.decode(self._contents[send.content], type=ContentDocument)
            template = self._templates[send.content] = compile_content(document)
        data = msgspec.json.decode(send.data, type=dict)
        url, mailto = unsubscribe(config, data)
        rendered = template.render({**data, "unsubscribe_url": url}, locale=send.locale)
        customer = data.get("customer", {}).get("id")
        return Outgoing(
            key=send.key,
            channel=send.channel,
            message=send.message,
            customer=customer if isinstance(customer, str) else "",
            address=send.address,
            kind=send.kind,
            rendered=rendered,
            unsubscribe_url=url,
            unsubscribe_mailto=mailto,
        )
