"""`journeyscript validate`: yes or no, and where."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from journeyscript.cli.shared import (
    CONTEXT,
    CannotAnswer,
    Exit,
    cannot,
    find_root,
    format_option,
    load_project,
    no_cache_option,
    project_option,
    source_reader,
)

if TYPE_CHECKING:
    from journeyscript.cli.validating.checked import Checked
    from journeyscript.cli.validating.choosing import Choice
    from journeyscript.cli.validating.fixing import Changed
    from journeyscript.compiler import Project
    from journeyscript.diagnostics import Diagnostic

Form: TypeAlias = Literal["full", "concise", "json", "github", "sarif", "junit", "markdown"]

_FOR_OTHERS = ("github", "sarif", "junit", "markdown")
"""Formats that are read outside the project's folder."""


def _explain(context: click.Context, _option: click.Parameter, wanted: str | None) -> None:
    """Print what there is to know of a rule, which needs no project."""
    if wanted is None:
        return
    from journeyscript.cli.rule_texts import explain_rule, find_rule, nearest_rule

    rule = find_rule(wanted)
    if rule is None:
        near = nearest_rule(wanted)
        cannot(f"there is no rule `{wanted}`", None if near is None else f"did you mean `{near}`?")
    click.echo(explain_rule(rule))
    context.exit(Exit.YES)


@click.command("validate", context_settings=CONTEXT)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@project_option
@format_option("full", "concise", "json", "github", "sarif", "junit", "markdown")
@click.option("--select", multiple=True, metavar="RULES", help="Show only these rules: codes, starts of codes, names.")
@click.option(
    "--ignore", multiple=True, metavar="RULES", help="Leave these rules out; the longer start of a code wins."
)
@click.option("--fix", is_flag=True, help="Write the fixes that cannot change what a file means, then check again.")
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@click.option(
    "--save-witness",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the witnesses of what is found as tests of the journey, to a new *.test.yaml.",
)
@click.option("--watch", is_flag=True, help="Check again whenever a file changes, until Ctrl-C.")
@click.option(
    "--explain",
    metavar="RULE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Say what a rule finds and why, by its code or its name.",
)
@no_cache_option
def validate_command(
    paths: tuple[Path, ...],
    folder: Path | None,
    output_format: Form,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fix: bool,
    diff: bool,
    save_witness: Path | None,
    watch: bool,
) -> None:
    """Check every file of a project: journeys, catalog, channels, messages and tests.

    With PATHS, only findings in these files or folders are shown. Exits with 0 where there is no error, 1 where there
    is one, 3 where no file of the project is among PATHS. With `--output-format sarif` findings exit with 0: whoever
    reads them decides.

    Rules are named like `JS304`, `JS3` or `unguarded-optional`, with commas between them. What is wrong with a file as
    such (JS001 to JS012) is shown whatever is chosen. A rule that is off, as JS510 is, shows where it is selected by
    its whole code or name.

    \b
    journeyscript validate
    journeyscript validate journeys/welcome.yaml --select JS3,JS501
    journeyscript validate --fix
    journeyscript validate journeys/welcome.yaml --save-witness journeys/witness.test.yaml
    journeyscript validate --explain JS304
    journeyscript validate --output-format github   # annotations on a pull request
    """
    if watch and (fix or diff or save_witness):
        cannot("`--watch` only checks", "leave out what writes, or run it first")
    if save_witness is not None:
        _refuse(save_witness, diff=diff)
    from journeyscript.cli.validating.checked import load_checked
    from journeyscript.cli.validating.choosing import read_choice

    choice = read_choice(select, ignore)

    def check() -> Exit:
        return _check(load_checked(folder, choice.asked), paths, choice, output_format)

    if watch:
        _watch(find_root(folder), check)
    elif diff:
        sys.exit(_show_fixes(load_project(folder), paths, choice))
    else:
        if fix:
            _write_fixes(load_project(folder), paths, choice)
        code = check()
        if save_witness is not None and code != Exit.NOTHING:
            code = _save_witnesses(load_checked(folder, choice.asked), paths, choice, save_witness) or code
        sys.exit(code)


def _check(project: "Project | Checked", paths: tuple[Path, ...], choice: "Choice", output_format: Form) -> Exit:
    """Print what is found in the chosen files, and return the exit code."""
    from journeyscript.cli.showing.findings.diagnostics import render, summary
    from journeyscript.cli.showing.findings.placing import behind, placed, prefix_of

    root, chosen = project.files.root, _chosen(project, paths)
    if not chosen:
        click.echo(
            "nothing to check: " + ("no such file in the project" if paths else "there are no journeys"), err=True
        )
        return Exit.NOTHING
    found = _wanted(project, paths, choice)
    prefix = prefix_of(root) if output_format in _FOR_OTHERS else ""
    text = render(
        [placed(item, prefix) for item in found],
        output_format,
        behind(prefix, source_reader(root)),
        color=sys.stdout.isatty(),
        files=[prefix + path for path in chosen],
    )
    if text:
        click.echo(text)
    if not found and output_format in ("full", "concise"):
        journeys = sum(path in chosen for path in project.files.journeys)
        click.echo(f"{journeys} journey{'s' if journeys != 1 else ''}, {len(chosen)} files, no findings{choice.words}")
    elif output_format == "github":
        click.echo(summary(found))
    return Exit.YES if output_format == "sarif" else _verdict(found)


def _verdict(found: list["Diagnostic"]) -> Exit:
    return Exit.NO if any(item.severity == "error" for item in found) else Exit.YES


def _chosen(project: "Project | Checked", paths: tuple[Path, ...]) -> set[str]:
    from journeyscript.cli.validating.choosing import choose_files

    return choose_files(paths, project.files.root, project.files.every)


def _wanted(project: "Project | Checked", paths: tuple[Path, ...], choice: "Choice") -> list["Diagnostic"]:
    chosen = _chosen(project, paths)
    return [d for d in project.diagnostics if (not paths or d.span.path in chosen) and choice.takes(d)]


def _fixes(project: "Project", paths: tuple[Path, ...], choice: "Choice") -> "list[Changed]":
    """Return what the safe fixes of the chosen findings change."""
    from journeyscript.cli.validating.fixing import fix_copy

    chosen = _chosen(project, paths)
    try:
        return fix_copy(
            project.files.root, project.files.every, lambda found: found.span.path in chosen and choice.takes(found)
        )
    except OSError as problem:
        cannot(f"the fixes cannot be tried out: {problem.strerror}")


def _show_fixes(project: "Project", paths: tuple[Path, ...], choice: "Choice") -> Exit:
    """Print what safe fixes would change; the exit code is that of the project as it is."""
    from journeyscript.cli.validating.fixing import difference

    for changed in _fixes(project, paths, choice):
        click.echo(difference(changed))
    return _verdict(_wanted(project, paths, choice))


def _write_fixes(project: "Project", paths: tuple[Path, ...], choice: "Choice") -> None:
    """Write the safe fixes and say on standard error what they settled."""
    from journeyscript.cli.showing.findings.snippets import clean

    for changed in _fixes(project, paths, choice):
        path = project.files.root / changed.path
        try:
            if path.read_bytes() != changed.before:
                cannot(f"`{changed.path}` was changed by somebody else meanwhile", "run the command again")
            path.write_bytes(changed.after)
        except OSError as problem:
            cannot(f"`{changed.path}` cannot be written: {problem.strerror}")
        for item in changed.settled:
            assert item.fix is not None
            click.echo(f"fixed {clean(changed.path)}:{item.span.line}: {item.code} {item.fix.title}", err=True)


def _refuse(file: Path, *, diff: bool) -> None:
    """End the command where witnesses cannot be saved in a file."""
    if diff:
        cannot("`--diff` writes nothing", "leave out `--save-witness`")
    if not file.name.endswith((".test.yaml", ".test.yml")):
        cannot(f"`{file}` is not called like a file of tests", "give it a name that ends in `.test.yaml`")
    if file.exists():
        cannot(f"`{file}` is there already", "give another name, or delete it first")


def _save_witnesses(project: "Checked", paths: tuple[Path, ...], choice: "Choice", file: Path) -> Exit | None:
    """Write the witnesses of the chosen findings; return the exit code where there is none to write."""
    from journeyscript.cli.showing.findings.snippets import clean
    from journeyscript.cli.validating.witnesses import journeys_with_witness, saved_witnesses
    from journeyscript.compiler import compile_in_spite

    found = _wanted(project, paths, choice)
    compiled = compile_in_spite(project.files.root)
    journeys = journeys_with_witness(compiled, found)
    if len(journeys) > 1:
        listed = ", ".join(f"`{name}`" for name in journeys)
        cannot(f"witnesses of several journeys were found ({listed}), and a file tests one", "name that journey's file")
    saved = saved_witnesses(compiled, journeys[0] if journeys else "", found, file.name)
    for item in saved.without:
        click.echo(f"no witness to save: {clean(item.span.path)}:{item.span.line}: {item.code} {item.name}", err=True)
    if not saved.shown:
        click.echo("nothing was saved", err=True)
        return Exit.NOTHING
    try:
        file.write_text(saved.text, encoding="utf-8")
    except OSError as problem:
        cannot(f"`{file}` cannot be written: {problem.strerror}")
    tests = f"{len(saved.shown)} test{'s' if len(saved.shown) != 1 else ''}"
    settled = "" if _verdict(found) == Exit.YES else "; they run once no error is left, or it is ignored"
    click.echo(f"saved {tests} in {clean(str(file))}{settled}", err=True)
    return None


def _watch(root: Path, check: Callable[[], Exit]) -> None:
    """Check at every change; a project that cannot be read just now is no reason to stop looking."""
    from journeyscript.cli.validating.watching import watch

    def check_once() -> None:
        click.clear()  # Does nothing unless somebody looks at a terminal.
        try:
            check()
        except CannotAnswer as problem:
            problem.show()
        click.echo("waiting for a file to change; Ctrl-C ends", err=True)
        sys.stdout.flush()

    watch(root, check_once)
