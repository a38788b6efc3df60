"""What a message's own channel would refuse to compile, told with its place before anybody is to receive it.

Takes a message file and asks the conversion that makes its HTML; decides nothing itself.
"""

import re
from collections.abc import Iterator

from journeyscript.diagnostics import Diagnostic, Span
from journeyscript.rules import finding
from journeyscript.syntax.message import MessageFile

_SUSPICIOUS = re.compile(r"<(?:script|style)\b|<[A-Za-z][^<>]*\{[{%]", re.IGNORECASE)


def unescaped_html(file: MessageFile) -> Iterator[Diagnostic]:
    """Yield JS608 where a value would stand in HTML as something else than text."""
    body = file.content.body
    found = _SUSPICIOUS.search(body) if file.content.medium == "email" else None
    if found is None:  # Most messages: the conversion need not be loaded.
        return
    from journeyscript.channels.markdown import markdown_to_html
    from journeyscript.channels.template import RenderError

    try:
        markdown_to_html(body)
    except RenderError as error:
        row = body.count("\n", 0, found.start())
        column = found.start() - (body.rfind("\n", 0, found.start()) + 1)
        line = Span(path=file.path, line=file.body_line + row, end_line=file.body_line + row)
        yield finding(
            "JS608",
            str(error).removeprefix("body: "),
            line.within(column, len(found[0])),
            help="escaping does not protect there; put the value into the text, or an attribute's value into quotes",
            witness=(file.message, file.channel, "a value with a blank or a quote in it becomes HTML"),
        )
