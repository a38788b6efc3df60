"""`journeyscript pause`, `resume` and `stop`: a journey stands still, goes on, lets nobody in any more."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.ordering import give, wait_option
from journeyscript.cli.shared import CONTEXT, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.stores.records import Overdue


@click.command("pause", context_settings=CONTEXT)
@click.argument("journey")
@wait_option
@project_option
@store_option
def pause_command(journey: str, wait: float, folder: Path | None, store_path: Path | None) -> None:
    """Let JOURNEY stand still until it is resumed.

    Nobody enters, no timer fires, no message leaves, also none that is on its way already. Events are still taken in:
    exits and goals count, and who waits for an event goes on, as far as the next message, where they wait. A run that
    is going on obeys between two batches. It holds over restarts. All other journeys go on.

    \b
    journeyscript pause welcome
    journeyscript resume welcome --overdue fire
    """
    from journeyscript.runtime.operating.orders import Pause

    give(folder, store_path, Pause(journey=journey), wait)


@click.command("resume", context_settings=CONTEXT)
@click.argument("journey")
@click.option(
    "--overdue",
    type=click.Choice(["fire", "recompute", "skip_stale"]),
    help="What becomes of all that was due during a pause.",
)
@wait_option
@project_option
@store_option
def resume_command(
    journey: str, overdue: "Overdue | None", wait: float, folder: Path | None, store_path: Path | None
) -> None:
    """Let JOURNEY go on after a pause or a stop.

    After a pause, say with --overdue what becomes of all that was due meanwhile:

    \b
    fire        it happens now, in the order in which it was due; messages
                older than their `max_age` are skipped
    recompute   everything that waits is moved by as long as the pause was
    skip_stale  it happens now, but without the messages: they are skipped

    \b
    journeyscript resume welcome --overdue recompute
    """
    from journeyscript.runtime.operating.orders import Resume

    give(folder, store_path, Resume(journey=journey, overdue=overdue), wait)


@click.command("stop", context_settings=CONTEXT)
@click.argument("journey")
@click.option("--drain", "how", flag_value="drain", help="Those inside go on to their end.")
@click.option("--exit", "how", flag_value="exit", help="Those inside end now, as exited (stopped).")
@wait_option
@project_option
@store_option
def stop_command(journey: str, how: str | None, wait: float, folder: Path | None, store_path: Path | None) -> None:
    """Let nobody into JOURNEY any more.

    Say what becomes of those inside: --drain or --exit. `resume` opens the journey again; who has left by --exit stays
    out, and what was still on its way to them is not sent.

    \b
    journeyscript stop welcome --drain
    journeyscript stop welcome --exit
    """
    from journeyscript.cli.shared import cannot
    from journeyscript.runtime.operating.orders import Stop

    if how is None:
        cannot("say what becomes of those inside", "--drain lets them go on, --exit ends them now")
    give(folder, store_path, Stop(journey=journey, leave=how == "exit"), wait)
