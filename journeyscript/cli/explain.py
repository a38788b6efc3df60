"""`journeyscript explain`: why a customer is where they are."""

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot, format_option, load_settings, project_option, store_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from journeyscript.runtime.reporting.explain import Explanation, Refused
    from journeyscript.stores.records import Deployment, Story


@click.command("explain", context_settings=CONTEXT)
@click.argument("customer")
@click.argument("journey", required=False)
@project_option
@store_option
@format_option("text", "json")
def explain_command(
    customer: str, journey: str | None, folder: Path | None, store_path: Path | None, output_format: str
) -> None:
    """Tell every step of CUSTOMER, with the rule and the values that decided it, and what was not and why.

    That is what was not sent, and which journeys did not let them in. Times are in the customer's zone. With JOURNEY,
    only that journey is told. Exits with 3 where there is nothing to tell.

    \b
    journeyscript explain c003
    journeyscript explain c003 welcome --output-format json
    """
    from journeyscript.cli.stores import open_latest
    from journeyscript.stores.records import StoreError

    root, config = load_settings(folder)
    store, _ = open_latest(root, config, store_path)
    try:
        with contextlib.closing(store):
            story = store.story(customer)
            deployments, _current = store.deployments()
    except StoreError as problem:
        cannot(str(problem))
    if story is None:
        click.echo(f"the store knows no customer `{customer}`", err=True)
        sys.exit(Exit.NOTHING)
    tell(story, deployments, config.timezone, journey, output_format)


def tell(
    story: "Story", deployments: "Mapping[str, Deployment]", timezone: str, journey: str | None, output_format: str
) -> None:
    """Print all there is to tell of a customer, or end the command with 3 where that is nothing."""
    import msgspec

    from journeyscript.runtime.reporting.explain import explain, explain_refusals

    customer = story.customer.external_id
    told = explain(story, deployments, timezone, journey)
    refused = explain_refusals(story, timezone, journey)
    if output_format == "json":
        found = {"enrollments": told, "refused": refused}
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        for number, explanation in enumerate(told):
            if number:
                click.echo()
            _print(customer, explanation)
        if told and refused:
            click.echo()
        _print_refused(customer, refused)
    if not told and not refused:
        what = "any journey" if journey is None else f"`{journey}`"
        click.echo(f"`{customer}` has never entered {what}", err=True)
        sys.exit(Exit.NOTHING)


def _print_refused(customer: str, refused: "Sequence[Refused]") -> None:
    if not refused:
        return
    click.echo(f"{customer} was refused:")
    width = max(len(one.journey) for one in refused)
    for one in refused:
        click.echo(f"  {one.at}  {one.journey:<{width}}  on `{one.event}`: {one.why}")


def _print(customer: str, explanation: "Explanation") -> None:
    from journeyscript.engine.sensitive import HIDDEN
    from journeyscript.semantics.show import show_value

    key = f", {explanation.key}" if explanation.key else ""
    who = f"{customer}, a test customer," if explanation.test_customer else customer
    click.echo(f"{who} in {explanation.journey}{key} (version {explanation.version}): {explanation.outcome}")
    width = max(len(line.state) for line in explanation.lines) if explanation.lines else 0
    for line in explanation.lines:
        values = ", ".join(f"{text} = {value if value == HIDDEN else show_value(value)}" for text, value in line.values)
        click.echo(f"  {line.at}  {line.state:<{width}}  {line.why}" + (f"  [{values}]" if values else ""))
        if line.send is not None:
            click.echo(f"  {'':<25}  {'':<{width}}  {line.send}")
