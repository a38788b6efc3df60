"""`journeyscript outbox`: messages from the decision on, tried again or cancelled by hand."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyscript.cli.ordering import give, wait_option
from journeyscript.cli.shared import CONTEXT, Exit, cannot, format_option, project_option, store_option
from journeyscript.cli.showing.terminal import console

if TYPE_CHECKING:
    from journeyscript.stores.records import KeptSend

_STATUSES = ("pending", "sending", "sent", "skipped", "failed")


@click.group("outbox", context_settings=CONTEXT)
def outbox_command() -> None:
    """List messages, try failed ones again, cancel those that wait.

    \b
    journeyscript outbox list --status failed
    journeyscript outbox retry --channel email
    journeyscript outbox cancel --journey welcome
    """


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        store_option,
        project_option,
        click.option("--channel", help="Only those by this channel."),
        click.option("--journey", help="Only those of this journey."),
    ):
        command = option(command)
    return command


@outbox_command.command("list", context_settings=CONTEXT)
@click.option("--status", type=click.Choice(_STATUSES), help="Only those of this status.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at the most.")
@_filters
@format_option("text", "json")
def list_command(
    status: str | None,
    limit: int,
    journey: str | None,
    channel: str | None,
    folder: Path | None,
    store_path: Path | None,
    output_format: str,
) -> None:
    """List messages, the latest first. May be asked while a run is going on; exits with 3 where there are none.

    \b
    journeyscript outbox list --status failed --channel email
    """
    import msgspec

    from journeyscript.cli.writing import asking

    with asking(folder, store_path) as store:
        sends = store.find_sends(limit, status=status, journey=journey, channel=channel)
    if output_format == "json":
        fields = [{name: getattr(send, name) for name in _SHOWN} for send in sends]
        click.echo(msgspec.json.format(msgspec.json.encode(fields), indent=2))
    elif sends:
        _print_table(sends)
    else:
        click.echo("there are no such messages", err=True)
    if not sends:
        sys.exit(Exit.NOTHING)


_SHOWN = (
    "key", "journey", "step", "message", "channel", "status", "reason", "detail", "attempts", "created_at",
    "available_at", "settled_at",
)  # fmt: skip
"""What a list tells of a message: neither the address nor the data."""


def _print_table(sends: "Sequence[KeptSend]") -> None:
    from rich import box
    from rich.table import Table

    from journeyscript.engine.calendar import local_text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("created (UTC)", "message", "channel", "status", "why", "key"):
        table.add_column(column, overflow="fold")
    for send in sends:
        why = ": ".join(part for part in (send.reason, send.detail) if part)
        created = local_text(send.created_at, "UTC").removesuffix("+00:00").removesuffix("Z")
        table.add_row(created, send.message, send.channel, send.status, why, send.key)
    console().print(table)


@outbox_command.command("retry", context_settings=CONTEXT)
@click.argument("keys", nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All of them, of every journey and channel.")
@click.option("--force", is_flag=True, help="Also what the receiving side refused for good.")
@wait_option
def retry_command(
    keys: tuple[str, ...],
    journey: str | None,
    channel: str | None,
    folder: Path | None,
    store_path: Path | None,
    everything: bool,
    force: bool,
    wait: float,
) -> None:
    """Make failed messages wait for another attempt, with the same key.

    KEYS are those that `outbox list` shows. Only what failed because attempts ran out, the content could not be
    rendered or the channel was not there is tried again; a receiver's no stays a no without --force. A run that is
    going on tries at once; else the next one does.

    \b
    journeyscript outbox retry --channel email
    """
    from journeyscript.runtime.operating.orders import Retry

    _ask_for_choice(keys, journey, channel, everything=everything)
    give(folder, store_path, Retry(keys=keys, journey=journey, channel=channel, force=force), wait)


@outbox_command.command("cancel", context_settings=CONTEXT)
@click.argument("keys", nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All of them, of every journey and channel.")
@wait_option
def cancel_command(
    keys: tuple[str, ...],
    journey: str | None,
    channel: str | None,
    folder: Path | None,
    store_path: Path | None,
    everything: bool,
    wait: float,
) -> None:
    """Cancel messages that wait to be sent: they end as skipped (cancelled), their customers go on.

    KEYS are those that `outbox list` shows. A run that is going on does it between two batches.

    \b
    journeyscript outbox cancel --journey welcome
    """
    from journeyscript.runtime.operating.orders import Cancel

    _ask_for_choice(keys, journey, channel, everything=everything)
    give(folder, store_path, Cancel(keys=keys, journey=journey, channel=channel), wait)


def _ask_for_choice(keys: tuple[str, ...], journey: str | None, channel: str | None, *, everything: bool) -> None:
    if not (keys or journey or channel or everything):
        cannot("say which messages", "name keys, --journey or --channel, or take --all")
