"""Markdown with Liquid in it, made into HTML with Liquid in it: once, when a message is compiled.

Markdown never sees a customer's value: the Liquid tags are taken out before the conversion and put back after it, so
what a customer wrote can be neither Markdown nor HTML. Raw HTML is allowed as the author wrote it. Knows no
customer and renders nothing.
"""

import re
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

from journeyscript.channels.template import RenderError

# A comment and a raw block are one piece each: what stands inside them is no Markdown.
_TAG = re.compile(
    r"\{%-?\s*(?P<block>raw|comment|doc)\s*-?%\}.*?\{%-?\s*end(?P=block)\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL
)
_OUTPUT = re.compile(r"\{\{|\{%-?\s*(?:echo|liquid|cycle|increment|decrement)\b")
_BLOCK = re.compile(r"\{%-?\s*(?P<end>end)?(?:if|unless|for|case|capture)\b")
_MIDDLE = re.compile(r"\{%-?\s*(?:else|elsif|when)\b")
_LOOP = re.compile(r"\{%-?\s*for\b")
_LOOP_END = re.compile(r"\{%-?\s*endfor\b")
_STATEMENT = re.compile(r"\{\{(-?)(.*?)(-?)\}\}", re.DOTALL)
_LINKS = r"""\b(?:href|src|action|background|poster)\s*=\s*["']?\s*"""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class _Protected:
    """A source with every Liquid tag replaced by a word that Markdown leaves alone, wherever it stands."""

    def __init__(self, source: str) -> None:
        word = "lqd"
        while word in source:
            word += "q"
        self.tags: list[str] = []
        self._words: dict[str, str] = {}
        self._word = word
        self.pattern = re.compile(rf"{word}(\d+)z")
        self.text = self._outdented(_TAG.sub(lambda found: self._hide(found[0]), source).split("\n"))

    def _hide(self, tag: str) -> str:
        # Equal tags get equal words, so that a link's label still finds its definition.
        if tag not in self._words:
            self._words[tag] = f"{self._word}{len(self.tags)}z"
            self.tags.append(tag)
        return self._words[tag]

    def _outdented(self, lines: list[str]) -> str:
        """Return the lines with what stands between two control lines moved to their margin.

        Authors indent inside `{% if %}`; to Markdown, four blanks would be code or a continued paragraph.
        """
        open_blocks: list[tuple[int, int]] = []
        for number, line in enumerate(lines):
            word = self.pattern.fullmatch(line.strip())
            tag = self.tag(word) if word else ""
            block, middle = _BLOCK.match(tag), _MIDDLE.match(tag)
            if open_blocks and (middle or (block and block["end"])):
                margin, start = open_blocks.pop()
                _to_margin(lines, start, number, margin)
            if middle or (block and not block["end"]):
                open_blocks.append((_margin(line), number + 1))
        return "\n".join(lines)

    def tag(self, word: re.Match[str]) -> str:
        return self.tags[int(word[1])]

    def has_output(self, text: str) -> bool:
        """Return whether some word in the text stands for a tag that writes a value."""
        return any(_OUTPUT.match(self.tag(word)) for word in self.pattern.finditer(text))

    def are_only_tags(self, line: str) -> bool:
        """Return whether the line holds control tags and nothing else."""
        words = list(self.pattern.finditer(line))
        return bool(words) and not self.pattern.sub("", line).strip() and not self.has_output(line)

    def restore(self, html: str) -> str:
        """Return the HTML with the tags back; a value that begins a link is checked for where it leads."""
        linked = re.compile(rf"({_LINKS}){self.pattern.pattern}", re.IGNORECASE)
        html = linked.sub(lambda found: found[1] + _as_link(self.tags[int(found[2])]), html)
        return self.pattern.sub(self.tag, html)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _to_margin(lines: list[str], start: int, end: int, margin: int) -> None:
    surplus = min((_margin(line) for line in lines[start:end] if line.strip()), default=margin) - margin
    if surplus > 0:
        lines[start:end] = [line[surplus:] if line.strip() else line for line in lines[start:end]]


def _as_link(tag: str) -> str:
    statement = _STATEMENT.fullmatch(tag)
    return f"{{{{{statement[1]}{statement[2]} | link_target {statement[3]}}}}}" if statement else tag


def markdown_to_html(source: str) -> str:
    """Return the HTML of a Markdown source, Liquid tags unchanged in it. Raises `RenderError` for unsafe places."""
    protected = _Protected(source)
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    # In a mail, text that is indented is text; code is written between fences.
    markdown.disable("code")

    def control_line(state: StateBlock, line: int, end_line: int, silent: bool) -> bool:  # noqa: ARG001, FBT001
        text = state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
        if not protected.are_only_tags(text):
            return False
        if not silent:
            state.line = line + 1
            token = state.push("html_block", "", 0)
            token.content = text.strip() + "\n"
        return True

    markdown.block.ruler.before(
        "fence", "control_line", control_line, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    tokens = _loops_inside_lists(markdown.parse(protected.text), protected)
    html = markdown.renderer.render(tokens, markdown.options, {})
    _refuse_unsafe_places(html, protected)
    return protected.restore(html)


def _loops_inside_lists(tokens: list[Token], protected: _Protected) -> list[Token]:
    """Move a loop that surrounds one whole list into the list, so that it makes items and not lists."""
    tokens = list(tokens)
    for at in range(len(tokens) - 1):
        if not (_is_tag(tokens[at], _LOOP, protected) and tokens[at + 1].type.endswith("_list_open")):
            continue
        level = tokens[at + 1].level
        closes = (
            later
            for later in range(at + 2, len(tokens) - 1)
            if tokens[later].type.endswith("_list_close") and tokens[later].level == level
        )
        close = next(closes, None)
        if close is not None and _is_tag(tokens[close + 1], _LOOP_END, protected):
            tokens[at], tokens[at + 1] = tokens[at + 1], tokens[at]
            tokens[close], tokens[close + 1] = tokens[close + 1], tokens[close]
    return tokens


def _is_tag(token: Token, kind: re.Pattern[str], protected: _Protected) -> bool:
    word = protected.pattern.fullmatch(token.content.strip()) if token.type == "html_block" else None
    return word is not None and kind.match(protected.tag(word)) is not None


class _Places(HTMLParser):
    """Looks for values in places where escaping them as text is not enough."""

    def __init__(self, protected: _Protected) -> None:
        super().__init__(convert_charrefs=False)
        self._protected = protected
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        written = self.get_starttag_text() or ""
        if self._protected.has_output(_QUOTED.sub("", written)):
            raise RenderError("body: a value inside an HTML tag must stand in quotes")
        for name, value in attrs:
            if name.startswith("on") and self._protected.has_output(value or ""):
                raise RenderError(f"body: a value may not stand in the HTML attribute `{name}`")
        if tag in {"script", "style"}:
            self._inside = tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._inside = None

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is not None and self._protected.has_output(data):
            raise RenderError(f"body: a value may not stand inside <{self._inside}>")


def _refuse_unsafe_places(html: str, protected: _Protected) -> None:
    places = _Places(protected)
    places.feed(html)
    places.close()
