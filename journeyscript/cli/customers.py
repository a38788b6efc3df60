"""`journeyscript customers`: what is known of a person, all of it, none of it any more, and two that are one."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, format_option, project_option, store_option

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
    from journeyscript.runtime.dossier import plain

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
        click.echo(f"  {one['journey']}{key}: {one['status']}, entered {one['entered_at']}, {end}")
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
    from journeyscript.runtime.dossier import plain

    _print_json(plain(_dossier(customer, folder, store_path)))


@customers_command.command("erase", context_settings=CONTEXT)
@_customer
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase_command(customer: str, folder: Path | None, store_path: Path | None, yes: bool) -> None:
    """Erase CUSTOMER from the store: profile, events, messages, and what could lead back to them.

    Enrollments that are active end as exited (deleted), their timers with them. Only counts are left. It cannot be
    taken back; backups and files that channels wrote are not touched. Who comes by the same name later is somebody
    new.

    \b
    journeyscript customers erase c003 --yes
    """
    from journeyscript.cli.writing import changing, counted, moment_of

    instead = 'stop the run first, or hand it the record {"type": "erase", "customer": …}'
    with changing(folder, store_path, instead) as store:
        if store.dossier(customer) is None:
            _nobody(customer)
        if not yes:
            click.confirm(f"Erase `{customer}`? This cannot be taken back", abort=True, err=True)
        erased = store.erase(customer, moment_of(store))
        store.compact()
    if erased is None:
        _nobody(customer)
    click.echo(
        f"erased 1 customer: {counted(erased.enrollments, 'enrollment')} ({erased.ended:,} active), "
        f"{counted(erased.sends, 'message')}, {counted(erased.events, 'event')}, "
        f"{counted(erased.rejected, 'refused record')}"
    )


@customers_command.command("merge", context_settings=CONTEXT)
@click.argument("anonymous")
@click.argument("known")
@project_option
@store_option
def merge_command(anonymous: str, known: str, folder: Path | None, store_path: Path | None) -> None:
    """Make one customer of two: KNOWN stays, and what comes by the name ANONYMOUS belongs to them from now on.

    KNOWN takes over history, enrollments and messages. Where both are inside a journey, the older enrollment goes on. A
    recorded no to a channel outlives a yes. Nothing is started by it.

    \b
    journeyscript customers merge visitor-17 c003
    """
    from journeyscript.cli.writing import changing, counted, moment_of
    from journeyscript.stores.records import MergeError

    instead = 'stop the run first, or hand it the record {"type": "merge", "customer": …, "previous": …}'
    with changing(folder, store_path, instead) as store:
        if store.dossier(anonymous) is None and store.dossier(known) is None:
            _nobody(known)
        try:
            merged = store.merge(anonymous, known, moment_of(store))
        except MergeError as problem:
            cannot(str(problem))
    if merged is None:
        click.echo(f"`{anonymous}` is `{known}` already")
        return
    click.echo(
        f"`{anonymous}` is `{known}` from now on: {counted(merged.taken_over, 'enrollment')} taken over, "
        f"{merged.ended:,} ended because both were inside"
    )


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
