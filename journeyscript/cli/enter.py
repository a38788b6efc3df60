"""`journeyscript enter`: ask a journey that starts by `api` to let a customer in."""

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from journeyscript.cli.ordering import give, wait_option
from journeyscript.cli.shared import CONTEXT, cannot, load_sound_project, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.operating.requests import Enter


@click.command("enter", context_settings=CONTEXT)
@click.argument("journey")
@click.argument("customer")
@click.option(
    "--property", "-p", "properties", multiple=True, metavar="NAME=VALUE", help="A property of the request, as JSON."
)
@click.option("--id", "request_id", default="", help="The request's own name: a second one of that name does nothing.")
@wait_option
@project_option
@store_option
def enter_command(
    journey: str,
    customer: str,
    properties: tuple[str, ...],
    request_id: str,
    wait: float,
    folder: Path | None,
    store_path: Path | None,
) -> None:
    """Ask JOURNEY to let CUSTOMER in. Its entry must be `api`; all that its entry says holds as for an event.

    A run that is going on does it between two batches, and sends what comes of it; without one, the next run sends it.
    A record asks the same:

    \b
    {"type": "enter", "journey": "offer", "customer": "c003", "properties": {"coupon": "MAY"}}

    A value that is no JSON is a text.

    \b
    journeyscript enter offer c003 -p coupon=MAY
    """
    from journeyscript.runtime.session import rules_of

    project = load_sound_project(folder)
    record: dict[str, object] = {"type": "enter", "journey": journey, "customer": customer, "id": request_id or None}
    order = _order(project, {**record, "properties": _values(properties)})
    give(folder, store_path, order, wait, rules=lambda store: rules_of(project, store, virtual=False))


def _order(project: "Project", record: dict[str, object]) -> "Enter":
    """Return a request as an order; one without a name gets one, so that it counts once whatever happens to it."""
    from journeyscript.runtime.intake.records import Incoming, Intake
    from journeyscript.runtime.live import wall_clock
    from journeyscript.runtime.operating.requests import Enter
    from journeyscript.runtime.session import requests_of

    request = Intake(project.catalog, requests_of(project)).record(record, "enter", "", wall_clock())
    if not isinstance(request, Incoming) or request.event is None:
        cannot(request.reason if hasattr(request, "reason") else "this is no request")
    return Enter(
        journey=request.enters,
        customer=request.customer,
        name=request.source_id or f"order-{uuid4()}",
        properties=request.event.properties,
    )


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
