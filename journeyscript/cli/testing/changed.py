"""`test --select changed`: the journeys whose machine is another one than at a revision of git, or elsewhere."""

from pathlib import Path

from journeyscript.cli.revisions import REVISION, BrokenProjectError, folder_of, journeys_of, revision_of, store_of
from journeyscript.cli.stores import live_store_path
from journeyscript.compiler import Project


def changed_journeys(project: Project, against: str, store_path: Path | None) -> set[str]:
    """Return the journeys that are new, or another version; comments and formatting make no difference.

    A journey that had errors then counts as another one.
    """
    root = project.files.root
    try:
        if against == "store":
            before = store_of(live_store_path(root, project.config, store_path))
        elif against.startswith(REVISION):
            before = revision_of(root, against.removeprefix(REVISION))
        else:
            before = folder_of(Path(against), against)
    except BrokenProjectError as broken:
        before = journeys_of(broken.project)
    versions = {name: one.version for name, one in before.items()}
    return {name for name, one in journeys_of(project).items() if versions.get(name) != one.version}
