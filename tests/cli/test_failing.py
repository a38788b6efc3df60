"""A command that fails says so by its exit code, in whatever form it answers, and never by a traceback."""

import click
import pytest

from journeyscript.cli.main import cli

VALUES = {
    "customer": "ada",
    "anonymous": "visitor",
    "known": "ada",
    "journey": "absent",
    "file": "absent/plan.json",
    "population": "absent",
    "paths": "absent.yaml",
    "keys": "absent",
    "journeys": "absent",
}
"""What an argument is given; any other one is `absent`."""
NEEDED = {
    "erase": ["--yes"],
    "resume": ["--overdue", "fire"],
    "stop": ["--drain"],
    "prune": ["--older-than", "100 days", "--yes"],
    "run": ["--once"],
    "graph": ["--heat"],
}
"""What a command cannot do without, so that it fails for the reason that is meant."""

NO_PROJECT = ("init", "schema")
"""Commands that need none."""


def leaves(command, path=()):
    """Yield every command that is none of a group, with its words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from leaves(command.get_command(context, name), (*path, name))
    else:
        yield path, command


COMMANDS = dict(leaves(cli))
FORMS = [
    (path, form)
    for path, command in COMMANDS.items()
    for form in next((option.type.choices for option in command.params if option.name == "output_format"), ("",))
]


def line_of(path, form, *, required_only=True):
    """Return the words of a command in a form."""
    arguments = [one for one in COMMANDS[path].params if isinstance(one, click.Argument)]
    given = [VALUES.get(one.name, "absent") for one in arguments if one.required or not required_only]
    return [*path, *given, *NEEDED.get(path[-1], ()), *(["--output-format", form] if form else [])]


def takes(path, option):
    return any(one.name == option for one in COMMANDS[path].params)


def failed(ran, *codes):
    """Assert that a command ended with one of the codes, with a sentence and no more than that."""
    assert isinstance(ran.exception, SystemExit), ran.exc_info
    assert ran.exit_code in codes, ran.output
    assert ran.output.strip()
    assert "Traceback" not in ran.output


def named(cases):
    return [" ".join((*path, form)) for path, form in cases]


WITH_PROJECT = [(path, form) for path, form in FORMS if path[0] not in NO_PROJECT]


@pytest.mark.parametrize(("path", "form"), WITH_PROJECT, ids=named(WITH_PROJECT))
def test_without_a_project_every_command_fails_in_every_form(tmp_path, make_shop, in_process, path, form):
    shop = make_shop({"journeyscript.yaml": None}, root=tmp_path / "nothing")
    failed(in_process(shop, *line_of(path, form)), 2)


WITH_STORE = [(path, form) for path, form in FORMS if takes(path, "store_path") and path[0] != "test"]


@pytest.mark.parametrize(("path", "form"), WITH_STORE, ids=named(WITH_STORE))
def test_on_a_store_that_is_none_every_command_fails_in_every_form(make_shop, in_process, path, form):
    shop = make_shop()
    (shop.root / "broken.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    failed(in_process(shop, *line_of(path, form), "--store", "broken.db"), 1, 2)
    assert (shop.root / "broken.db").read_bytes() == b"SQLite format 3\0" + b"x" * 5_000, "it is left as it is"


COMPILING = [
    (path, form)
    for path, form in FORMS
    if path[0] in ("validate", "test", "simulate", "backtest", "diff", "plan", "apply", "run", "worst-case", "graph")
    and form != "sarif"  # Whoever reads that decides; the file holds what is wrong.
]


@pytest.mark.parametrize(("path", "form"), COMPILING, ids=named(COMPILING))
def test_with_an_error_in_the_project_every_command_that_compiles_fails_in_every_form(
    make_shop, in_process, path, form
):
    shop = make_shop(
        {"journeys/welcome.yaml": "journey: welcome\n", "journeys/welcome.test.yaml": "journey: welcome\n"}
    )
    failed(in_process(shop, *line_of(path, form)), 1, 2)


NAMING = [
    (path, form)
    for path, form in FORMS
    if any(isinstance(one, click.Argument) and one.name in VALUES for one in COMMANDS[path].params)
    and path[0] not in ("init", "enter", "backup", "pause", "resume", "stop")
]


@pytest.mark.parametrize(("path", "form"), NAMING, ids=named(NAMING))
def test_what_is_not_there_is_no_success_in_any_form(make_shop, in_process, path, form):
    shop = make_shop()
    failed(in_process(shop, *line_of(path, form, required_only=False)), 1, 2, 3)


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_an_option_that_there_is_not_is_wrong_use(make_shop, in_process, path):
    failed(in_process(make_shop(), *path, "--absent"), 2)
