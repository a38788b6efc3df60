"""Changes of small projects with people inside: two versions of files, and what a plan says of them."""

from contextlib import nullcontext
from pathlib import Path

from msgspec.structs import replace

from journeyscript.compiler import Project, compile_project
from journeyscript.engine.values import Event
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.changing.outlook import look_ahead
from journeyscript.runtime.changing.planning import Planned, plan_change
from journeyscript.runtime.intake.records import Incoming
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from tests.projects import TODAY, lay_out

NOW = 1_772_323_200_000
"""2026-03-01T00:00 UTC, when everybody signs up."""

PEOPLE = ("ada", "bob", "eve")


def changed(root: Path, before: dict[str, str], after: dict[str, str]) -> tuple[Project, Planned]:
    """Return the changed project and the plan for it, with three people inside who signed up before the change."""
    old = compile_project(lay_out(root / "before", before), today=TODAY)
    new = compile_project(lay_out(root / "after", after), today=TODAY)
    assert (old.diagnostics, new.diagnostics) == ((), ())
    store = MemoryStore()
    store.note(clock="virtual")
    store.deploy(deployments_of(old), NOW)
    signed_up = Event(name="signed_up", at=NOW, properties={"source": "web"})
    records = [
        Incoming(
            customer=name,
            at=NOW,
            event=signed_up,
            attributes={"email": f"{name}@example.com", "push_token": name},
            consent={"email": True, "push": True},
            source="test",
            source_id=None,
            position="",
        )
        for name in PEOPLE
    ]
    store.commit(advance(store, rules_of(old, store, virtual=True), incoming=records, now=NOW))
    planned = plan_change(new, store, NOW)
    outlook = look_ahead(new, store, planned, NOW, 100, lambda _: nullcontext(lambda _count, _now: None))
    return new, replace(planned, findings=outlook.findings)


def files_in(folder: Path) -> dict[str, str]:
    """Return the texts of a folder's files, by path."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}
