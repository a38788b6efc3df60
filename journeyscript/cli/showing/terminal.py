"""Where tables are printed. Imports what draws them only when one is."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return where tables are printed: plain without a terminal, and wide enough that a pipe cuts nothing."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(markup=False, highlight=False)
    return Console(markup=False, highlight=False, width=160, no_color=True)
