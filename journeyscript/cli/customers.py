"""`journeyscript customers`: what is known of a person, all of it, none of it any more, and two that are one."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from journeyscript.cli.ordering import give, wait_option
from journeyscript.cli.shared import CONTEXT, Exit, format_option, load_settings, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.stores.records import Dossier

_SHOWN = 10
"""Messages that `show` names."""


@click.group("customers", context_settings=CONTEXT)
def customers_command() -> None:
    """Look at one customer, hand out or erase all there is of them, or make one of two.

    CUSTOMER is the name that records know them by, an earlier one included.

    \b
    journeyscript customers show c003
    journeyscript customers export c003 > c003.json
    journeyscript customers erase c003
    journeyscript customers merge visitor-17 c003
    """


def _customer(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("customer")(project_option(store_option(command)))


@customers_command.command("show", context_settings=CONTEXT)
@_customer
@format_option("text", "json")
def show_command(customer: str, folder: Path | None, store_path: Path | None, output_format: str) -> None:
    """Show the profile, consent, enrollments and latest messages of CUSTOMER.

    \b
    journeyscript customers show c003
    """
    from journeyscript.runtime.reporting.dossier import plain

    dossier = _dossier(customer, folder, store_path)
    told = plain(dossier)
    if output_format == "json":
        _print_json(told)
        return
    click.echo(f"{told['customer']}, customer number {dossier.story.customer.number}")
    if told["earlier_names"]:
        click.echo(f"earlier names: {', '.join(told['earlier_names'])}")
    for title in ("attributes", "consent"):
        click.echo(f"{title}:" + ("" if told[title] else " none"))
        for name, value in sorted(told[title].items()):
            click.echo(f"  {name}: {_shown(value)}")
    click.echo(f"suppressed addresses: {', '.join(told['suppressed']) or 'none'}")
    click.echo(f"events: {len(told['events']):,}")
    click.echo("enrollments:" + ("" if told["enrollments"] else " none"))
    for one in told["enrollments"]:
        key = f" ({one['key']})" if one["key"] else ""
        end = f"at {one['state']}" if one["status"] == "active" else f"{one['reason'] or ''} {one['ended_at']}".strip()
        test = ", as a test customer" if one["test_customer"] else ""
        click.echo(f"  {one['journey']}{key}: {one['status']}, entered {one['entered_at']}{test}, {end}")
    _tell_messages([send for one in told["enrollments"] for send in one["messages"]])
    click.echo("`journeyscript explain` tells each step and why.")


def _tell_messages(sends: list[dict[str, Any]]) -> None:
    latest = sorted(sends, key=lambda send: send["created_at"], reverse=True)
    click.echo("messages:" + ("" if latest else " none"))
    for send in latest[:_SHOWN]:
        by = f" by {send['channel']}" if send["channel"] else ""
        why = f" ({send['reason']})" if send["reason"] else ""
        click.echo(f"  {send['created_at']} {send['message']}{by}: {send['status']}{why}")
    if len(latest) > _SHOWN:
        click.echo(f"  and {len(latest) - _SHOWN:,} earlier ones")


@customers_command.command("export", context_settings=CONTEXT)
@_customer
def export_command(customer: str, folder: Path | None, store_path: Path | None) -> None:
    """Print everything the store has of CUSTOMER as JSON, for them to read.

    \b
    journeyscript customers export c003 > c003.json
    """
    from journeyscript.runtime.reporting.dossier import plain

    _print_json(plain(_dossier(customer, folder, store_path)))


@customers_command.command("erase", context_settings=CONTEXT)
@_customer
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
def erase_command(customer: str, folder: Path | None, store_path: Path | None, yes: bool, wait: float) -> None:
    """Erase CUSTOMER from the store: profile, events, messages, and what could lead back to them.

    Enrollments that are active end as exited (deleted), their timers with them. Only counts are left. It cannot be
    taken back; backups and files that channels wrote are not touched. Who comes by the same name later is somebody
    new. A run that is going on does it between two batches; the file is written anew where none is.

    \b
    journeyscript customers erase c003 --yes
    """
    from journeyscript.runtime.operating.orders import Erase

    if not yes:
        _dossier(customer, folder, _live(folder, store_path))
        click.confirm(f"Erase `{customer}`? This cannot be taken back", abort=True, err=True)
    give(folder, store_path, Erase(customer=customer), wait, compact=True)


@customers_command.command("merge", context_settings=CONTEXT)
@click.argument("anonymous")
@click.argument("known")
@wait_option
@project_option
@store_option
def merge_command(anonymous: str, known: str, wait: float, folder: Path | None, store_path: Path | None) -> None:
    """Make one customer of two: KNOWN stays, and what comes by the name ANONYMOUS belongs to them from now on.

    KNOWN takes over history, enrollments and messages. Where both are inside a journey, the older enrollment goes on. A
    recorded no to a channel outlives a yes. Nothing is started by it. A run that is going on does it between two
    batches.

    \b
    journeyscript customers merge visitor-17 c003
    """
    from journeyscript.runtime.operating.orders import Merge

    give(folder, store_path, Merge(customer=known, previous=anonymous), wait)


def _live(folder: Path | None, written: Path | None) -> Path:
    """Return the store that orders go to: of live runs, also where a replay was written to last."""
    from journeyscript.cli.stores import live_store_path

    return live_store_path(*load_settings(folder), written)


def _dossier(customer: str, folder: Path | None, store_path: Path | None) -> "Dossier":
    from journeyscript.cli.writing import asking

    with asking(folder, store_path) as store:
        dossier = store.dossier(customer)
    if dossier is None:
        _nobody(customer)
    return dossier


def _nobody(customer: str) -> NoReturn:
    click.echo(f"the store knows no customer `{customer}`", err=True)
    sys.exit(Exit.NOTHING)


def _print_json(told: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))


def _shown(value: object) -> str:
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
