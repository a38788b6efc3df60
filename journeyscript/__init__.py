"""Customer journeys as code: YAML files compiled to state machines and run by one pure function.

The public interface: compile a project, link a machine, step an enrollment, open a store. Everything else is inside.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = [
    "Diagnostic",
    "Enrollment",
    "Event",
    "Facts",
    "Machine",
    "MemoryStore",
    "Outcome",
    "Program",
    "Project",
    "TimerFired",
    "__version__",
    "admit",
    "compile_project",
    "enroll",
    "link",
    "open_sqlite",
    "step",
    "version_of",
]

if TYPE_CHECKING:
    from journeyscript.compiler import Project, compile_project
    from journeyscript.diagnostics import Diagnostic
    from journeyscript.engine.entry import admit, enroll
    from journeyscript.engine.program import Program, link
    from journeyscript.engine.step import step
    from journeyscript.engine.values import Enrollment, Event, Facts, Outcome, TimerFired
    from journeyscript.machine.canonical import version_of
    from journeyscript.machine.model import Machine
    from journeyscript.stores.memory import MemoryStore
    from journeyscript.stores.sqlite import open_sqlite

_HOMES = {
    "Diagnostic": "diagnostics",
    "Enrollment": "engine.values",
    "Event": "engine.values",
    "Facts": "engine.values",
    "Machine": "machine.model",
    "MemoryStore": "stores.memory",
    "Outcome": "engine.values",
    "Program": "engine.program",
    "Project": "compiler",
    "TimerFired": "engine.values",
    "admit": "engine.entry",
    "compile_project": "compiler",
    "enroll": "engine.entry",
    "link": "engine.program",
    "open_sqlite": "stores.sqlite",
    "step": "engine.step",
    "version_of": "machine.canonical",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for, so that the command line starts quickly."""
    if name not in _HOMES:
        raise AttributeError(f"module `journeyscript` has no attribute `{name}`")
    from importlib import import_module

    return getattr(import_module(f"journeyscript.{_HOMES[name]}"), name)
