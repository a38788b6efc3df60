"""`journeyscript prune`: what ended long ago goes, what counts stays."""

from pathlib import Path

import click

from journeyscript.cli.ordering import give, wait_option
from journeyscript.cli.shared import CONTEXT, cannot, project_option, store_option


@click.command("prune", context_settings=CONTEXT)
@click.option("--older-than", "age", required=True, metavar="DURATION", help='How long ago it ended: "400 days".')
@click.option("--dry-run", is_flag=True, help="Only say how much it would be; a run may be going on.")
@wait_option
@project_option
@store_option
def prune_command(age: str, dry_run: bool, wait: float, folder: Path | None, store_path: Path | None) -> None:
    """Take away enrollments that ended long ago, with their decisions and messages, and events nobody looks at.

    The counts of `status` stay, and so does that somebody has entered: who may enter only once does not enter again.
    Events stay as long as some journey looks back to them. An event that is sent again after it was taken away is taken
    in again; it is too old to start anything.

    A run that is going on does it between two batches, which wait for it; without one the file is written anew, too.

    \b
    journeyscript prune --older-than "400 days" --dry-run
    journeyscript prune --older-than "400 days"
    """
    from journeyscript.cli.writing import asking, moment_of
    from journeyscript.runtime.operating.orders import Prune, pruned_in_words
    from journeyscript.runtime.operating.retention import looked_at

    back = _milliseconds(age)
    if dry_run:
        with asking(folder, store_path) as store:
            now = moment_of(store)
            found = store.prune(now - back, looked_at(store, now), dry=True)
        click.echo(f"would take away {pruned_in_words(found)}")
        return
    give(folder, store_path, Prune(back=back), wait, compact=True)


def _milliseconds(text: str) -> int:
    from journeyscript.runtime.operating.retention import SHORTEST
    from journeyscript.syntax.duration import DurationProblem, parse_duration, show_duration

    try:
        duration = parse_duration(text)
    except DurationProblem as problem:
        cannot(f"--older-than: {problem.message}", problem.help_text)
    back = duration.milliseconds + duration.calendar_days * 86_400_000
    if back < SHORTEST:
        cannot(
            f"--older-than is at least {show_duration(SHORTEST)}",
            "frequency caps, and inputs that come twice, look back on what is younger",
        )
    return back
