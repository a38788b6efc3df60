"""Comments that settle a finding where it stands, and patterns of files whose findings a project does without.

Takes the texts of a project's files; says of a finding whether it is ignored, of a comment whether it was of use. Only
real comments count: `# journeyscript: ignore[JS207]` inside quotes is text. Knows nothing of how findings are made.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from journeyscript.diagnostics import Diagnostic, Fix, Severity, Span
from journeyscript.rules import RULE_BY_CODE, finding
from journeyscript.source.building import shorten
from journeyscript.source.comments import Comment, comments_in
from journeyscript.source.snapshot import Snapshot

_SIGN = "journeyscript:"
_ABOUT_WHAT_RUNS = ("JS2", "JS5", "JS7", "JS8", "JS9")
_LEAVES_A_HOLE = frozenset({"JS204", "JS210", "JS212"})


def can_be_ignored(code: str) -> bool:
    """Return whether a rule may be ignored: a warning may, an error where there is something to run in spite of it."""
    rule = RULE_BY_CODE[code]
    if code == "JS010":
        return False
    judged = code.startswith(_ABOUT_WHAT_RUNS) and code not in _LEAVES_A_HOLE
    return judged or rule.severity != Severity.ERROR


class Suppressions:
    """What a project's files and its project file ask to be left out."""

    def __init__(self, comments: Iterable[Comment] = (), by_file: Mapping[str, Sequence[str]] | None = None) -> None:
        self.comments = tuple(comments)
        self._by_file = by_file or {}
        self._by_place = {(c.span.path, c.line, name) for c in self.comments for name, _ in c.names}

    def cover(self, found: Diagnostic) -> bool:
        """Return whether a finding is ignored, by a comment or for its whole file."""
        if not can_be_ignored(found.code):
            return False
        return self._commented(found) or any(
            found.code in codes and fnmatchcase(found.span.path, pattern) for pattern, codes in self._by_file.items()
        )

    def settle(self, findings: Sequence[Diagnostic], *, unasked: Collection[str] = ()) -> list[Diagnostic]:
        """Return the findings that are left, and those about the comments themselves.

        That a comment is of no use is said only where no error is left: before that, not everything was looked at.
        `unasked`: rules that were not looked at this time, so that nothing is said of comments about them.
        """
        left = [found for found in findings if not self.cover(found)]
        sound = all(found.severity != Severity.ERROR for found in left)
        used = {(f.span.path, f.span.line, f.code) for f in findings if self._commented(f)}
        return [
            *left,
            *(problem for comment in self.comments for problem in _problems(comment, used, unasked, sound=sound)),
        ]

    def _commented(self, found: Diagnostic) -> bool:
        return (found.span.path, found.span.line, found.code) in self._by_place


def read_suppressions(
    snapshot: Snapshot, paths: Iterable[str], by_file: Mapping[str, Sequence[str]] | None = None
) -> Suppressions:
    """Return what the files at `paths` and the patterns `by_file` ignore."""
    comments: list[Comment] = []
    for path in paths:
        text, _ = snapshot.text(path)
        if text is not None and _SIGN in text:
            comments += comments_in(path, text)
    return Suppressions(comments, by_file)


def _problems(
    comment: Comment, used: set[tuple[str, int, str]], unasked: Collection[str], *, sound: bool
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a comment: rules that do not exist, that cannot be ignored, or that found nothing."""
    if not comment.names:
        help_text = "name them in brackets: `ignore[JS207]`"
        yield finding("JS010", "this comment does not say which rules it ignores", comment.span, help=help_text)
    for name, span in comment.names:
        if name not in RULE_BY_CODE:
            yield finding("JS010", f"there is no rule `{shorten(name)}`", span, help="name a rule, such as `JS207`")
        elif not can_be_ignored(name):
            yield finding("JS010", f"`{name}` cannot be ignored", span, help=_why(name))
        elif sound and name not in unasked and (span.path, comment.line, name) not in used:
            message = f"`{name}` finds nothing on line {comment.line} that could be ignored"
            if comment.line == span.line:
                message = f"`{name}` finds nothing on this line that could be ignored"
            yield finding("JS010", message, span, help="take it out of the comment", fix=_without(comment, name))


def _why(code: str) -> str:
    if code == "JS010":
        return "take out what is of no use"
    return "mend what it finds: with that error there is nothing to run"


def _without(comment: Comment, name: str) -> Fix | None:
    if comment.removal is None:
        return None
    if len(comment.names) > 1:
        return _shorter(comment, name)
    return Fix(title="delete the comment", span=comment.removal, replacement="")


def _shorter(comment: Comment, name: str) -> Fix:
    """Return the list of a comment without one of its names."""
    first, last = comment.names[0][1], comment.names[-1][1]
    kept = ", ".join(other for other, _ in comment.names if other != name)
    whole = Span(
        path=first.path, line=first.line, column=first.column, end_line=last.end_line, end_column=last.end_column
    )
    return Fix(title=f"take out `{name}`", span=whole, replacement=kept)
