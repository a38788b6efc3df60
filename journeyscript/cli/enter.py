"""`journeyscript enter`: ask a journey that starts by `api` to let a customer in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, load_sound_project, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.semantics.types import Instant
    from journeyscript.stores.records import Changes
    from journeyscript.stores.sqlite import SqliteStore


@click.command("enter", context_settings=CONTEXT)
@click.argument("journey")
@click.argument("customer")
@click.option(
    "--property", "-p", "properties", multiple=True, metavar="NAME=VALUE", help="A property of the request, as JSON."
)
@click.option("--id", "request_id", default="", help="The request's own name: a second one of that name does nothing.")
@project_option
@store_option
def enter_command(
    journey: str,
    customer: str,
    properties: tuple[str, ...],
    request_id: str,
    folder: Path | None,
    store_path: Path | None,
) -> None:
    """Ask JOURNEY to let CUSTOMER in. Its entry must be `api`; all that its entry says holds as for an event.

    The store must be free. While a run is going on, hand it the same request as a record:

    \b
    {"type": "enter", "journey": "offer", "customer": "c003", "properties": {"coupon": "MAY"}}

    A value that is no JSON is a text. Messages are sent by the next run.

    \b
    journeyscript enter offer c003 -p coupon=MAY
    """
    from journeyscript.cli.writing import changing, moment_of
    from journeyscript.runtime.intake import Incoming, Intake
    from journeyscript.runtime.session import requests_of

    project = load_sound_project(folder)
    record = {"type": "enter", "journey": journey, "customer": customer, "properties": _values(properties)}
    instead = 'hand the run the record {"type": "enter", "journey": …, "customer": …}'
    with changing(project.files.root, store_path, instead) as store:
        now = moment_of(store)
        asked = {**record, "id": request_id} if request_id else record
        request = Intake(project.catalog, requests_of(project)).record(asked, "enter", "", now)
        if not isinstance(request, Incoming):
            cannot(request.reason if hasattr(request, "reason") else "this is no request")
        changes = _ask(project, store, request, now)
    _tell(journey, customer, changes)


def _ask(project: "Project", store: "SqliteStore", request: object, now: "Instant") -> "Changes":
    """Commit a request and return what it changed."""
    from msgspec.structs import replace

    from journeyscript.runtime.batch import advance
    from journeyscript.runtime.intake import Incoming
    from journeyscript.runtime.session import rules_of

    assert isinstance(request, Incoming)
    rules = rules_of(project, store, virtual=False)
    if request.enters not in rules.programs.started:
        cannot(f"`{request.enters}` does not run in this store yet", "`journeyscript run` deploys it")
    name = store.survivors([request.customer]).get(request.customer, request.customer)
    changes = advance(store, rules, incoming=[replace(request, customer=name)], now=now)
    store.commit(changes)
    return changes


def _values(properties: tuple[str, ...]) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = {}
    for one in properties:
        name, equals, value = one.partition("=")
        if not equals:
            cannot(f"`{one}` is no property", "write --property NAME=VALUE")
        try:
            found[name] = msgspec.json.decode(value)
        except msgspec.DecodeError:
            found[name] = value
    return found


def _tell(journey: str, customer: str, changes: "Changes") -> None:
    from journeyscript.machine.wording import refusal_in_words

    entered = [
        one for one in changes.enrollments if one.journey == journey and one.entry.name.startswith("journeyscript")
    ]
    refused = [one.reason for one in changes.refusals if one.journey == journey]
    if refused:
        click.echo(f"`{customer}` was not let into `{journey}`: {refusal_in_words(refused[0])}", err=True)
        sys.exit(Exit.NO)
    if not changes.events:
        click.echo("a request of this id was taken in before", err=True)
        sys.exit(Exit.NOTHING)
    if not entered:
        click.echo(f"`{customer}` was not let into `{journey}`: the entry's condition does not hold", err=True)
        sys.exit(Exit.NO)
    last = entered[-1]
    click.echo(f"`{customer}` entered `{journey}`" + (f", and is at `{last.state}`" if last.status == "active" else ""))
