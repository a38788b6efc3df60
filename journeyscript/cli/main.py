"""The command `journeyscript`: every command is a module of its own, read when it is asked for."""

import importlib

import click

from journeyscript import __version__
from journeyscript.cli.shared import CONTEXT, Exit

COMMANDS = {
    "init": "journeyscript.cli.init:init_command",
    "validate": "journeyscript.cli.validate:validate_command",
    "fmt": "journeyscript.cli.fmt:fmt_command",
    "test": "journeyscript.cli.test:test_command",
    "simulate": "journeyscript.cli.simulate:simulate_command",
    "backtest": "journeyscript.cli.backtest:backtest_command",
    "diff": "journeyscript.cli.diff:diff_command",
    "plan": "journeyscript.cli.plan:plan_command",
    "apply": "journeyscript.cli.apply:apply_command",
    "review": "journeyscript.cli.review:review_command",
    "run": "journeyscript.cli.run:run_command",
    "status": "journeyscript.cli.status:status_command",
    "explain": "journeyscript.cli.explain:explain_command",
    "doctor": "journeyscript.cli.doctor:doctor_command",
    "enter": "journeyscript.cli.enter:enter_command",
    "pause": "journeyscript.cli.pausing:pause_command",
    "resume": "journeyscript.cli.pausing:resume_command",
    "stop": "journeyscript.cli.pausing:stop_command",
    "customers": "journeyscript.cli.customers:customers_command",
    "suppressions": "journeyscript.cli.suppressions:suppressions_command",
    "outbox": "journeyscript.cli.outbox:outbox_command",
    "backup": "journeyscript.cli.backup:backup_command",
    "prune": "journeyscript.cli.prune:prune_command",
    "worst-case": "journeyscript.cli.worst_case:worst_case_command",
    "graph": "journeyscript.cli.graph:graph_command",
    "compile": "journeyscript.cli.compile:compile_command",
    "schema": "journeyscript.cli.schema:schema_command",
}


class _Commands(click.Group):
    """Commands in the order in which people meet them; a module is imported when its command is asked for."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command by name."""
        if name not in COMMANDS:
            from journeyscript.syntax.wording import meant

            near = meant(name, COMMANDS)
            if near is not None:
                raise click.UsageError(f"there is no command `{name}`; did you mean `{near}`?", ctx)
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(__version__, message="journeyscript %(version)s")
def cli() -> None:
    """Customer journeys as code.

    Journeys are YAML files. `validate` checks them, `test` tries them on invented customers, `run` takes real
    customers through them and sends the messages, `status` and `explain` say what happened and why.

    \b
    Start here:
      journeyscript init shop        make a project with a first journey
      journeyscript validate         check it
      journeyscript run --events FILE   replay recorded events; weeks pass in seconds
      journeyscript run              run it on the clock, until you stop it

    Every command exits with 0 for yes or done, 1 for no, 2 where it could not answer, 3 where nothing matched.
    """


def main() -> None:
    """Run the command line."""
    try:
        cli(prog_name="journeyscript")
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        raise SystemExit(Exit.CANNOT) from None
