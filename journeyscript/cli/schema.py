"""`journeyscript schema`: the JSON Schemas of a project's files, for editors and other tools."""

import json
from pathlib import Path

import click

from journeyscript.cli.shared import CONTEXT, Exit, cannot


@click.command("schema", context_settings=CONTEXT)
@click.argument("kind", required=False)
@click.option(
    "--write",
    "folder",
    is_flag=False,
    flag_value=Path(".journeyscript"),
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every schema, or that of KIND, into this folder; without a folder, into .journeyscript.",
)
def schema_command(kind: str | None, folder: Path | None) -> None:
    """Print the JSON Schema of a KIND of file; without KIND, the names of all kinds.

    The compiler checks files against the same schemas. An editor that knows them completes keys, explains them, and
    shows mistakes while they are made.

    \b
    journeyscript schema journey
    journeyscript schema --write        # then, in the first line of a journey:
    # yaml-language-server: $schema=../.journeyscript/journey.schema.json
    """
    from journeyscript.syntax.validating import SCHEMA_KINDS, schema

    kinds = [known for known in SCHEMA_KINDS if kind in (None, known)]
    if not kinds:
        cannot(f"there is no kind of file `{kind}`", "there is " + ", ".join(f"`{known}`" for known in SCHEMA_KINDS))
    texts = {known: json.dumps(schema(known), indent=2, ensure_ascii=False) + "\n" for known in kinds}
    if folder is not None:
        _write(folder, {f"{known}.schema.json": text for known, text in texts.items()})
    elif kind is not None:
        click.echo(texts[kinds[0]], nl=False)
    else:
        for known in kinds:
            click.echo(known)
    raise SystemExit(Exit.YES)


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Write the schemas over those that are there, and name them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
            click.echo(f"wrote {folder / name}")
    except OSError as problem:
        cannot(f"`{problem.filename or folder}` cannot be written: {problem.strerror}")
