"""Where tables are printed and bars grow. Imports what draws them only when one is."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return where tables are printed: plain without a terminal, and wide enough that a pipe cuts nothing."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(markup=False, highlight=False)
    return Console(markup=False, highlight=False, width=160, no_color=True)


@contextlib.contextmanager
def share_bar(what: str) -> Iterator[Callable[[float, float | None], None]]:
    """Show how far some work is, where somebody is looking. It is told how much is done, and of how much if known."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    out = Console(stderr=True)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
