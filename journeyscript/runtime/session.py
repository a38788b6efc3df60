"""A project, a store and its channels brought together: what a run needs, made once and let go of at the end."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self, TextIO

from journeyscript.channels.adapters import make_adapter, rehearsal
from journeyscript.compiler import Project
from journeyscript.engine.values import ChannelPolicy
from journeyscript.machine.canonical import version_of
from journeyscript.runtime.batch import Rules
from journeyscript.runtime.intake import Intake
from journeyscript.runtime.outbox import Carrier, Outbox
from journeyscript.runtime.programs import Programs
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Deployment, Store


def deployments_of(project: Project) -> list[Deployment]:
    """Return the project's journeys as a store takes them, in the order of their files."""
    return [
        Deployment(
            version=version_of(compiled.machine),
            machine=compiled.machine,
            about=compiled.about,
            contents=compiled.contents,
        )
        for compiled in project.journeys.values()
    ]


def policies_of(project: Project) -> dict[str, ChannelPolicy]:
    """Return what each channel asks before it may carry a message. Policies are live: they hold for everybody at once."""
    return {
        name: ChannelPolicy(address=channel.address, consent=channel.consent)
        for name, channel in project.channels.items()
    }


def rules_of(project: Project, store: Store, *, virtual: bool) -> Rules:
    """Return what batches over this store go by."""
    deployments, current = store.deployments()
    order = [d.version for d in deployments_of(project) if d.version in current]
    return Rules(
        programs=Programs(deployments, order),
        channels=policies_of(project),
        max_event_age=project.config.max_event_age,
        virtual=virtual,
    )


class Session:
    """What a run works with. Use it in a `with`: channels are closed at its end, the store stays the caller's."""

    def __init__(
        self,
        project: Project,
        store: Store,
        *,
        virtual: bool,
        for_real: bool,
        at: Instant,
        environment: Mapping[str, str],
        stream: TextIO | None = None,
    ) -> None:
        """Deploy the project's journeys to the store as of `at`.

        `for_real`: channels that leave the machine do so; else they are rehearsed into files.

        Raises:
            ChannelError: a channel cannot be used as it is configured.
            StoreError: the store cannot be used.
        """
        carriers = {}
        for name, config in project.channels.items():
            used = config if for_real else rehearsal(config)
            adapter = make_adapter(used, environment=environment, folder=_folder(project), stream=stream)
            carriers[name] = Carrier(config=used, adapter=adapter)
        store.deploy(deployments_of(project), at)
        self.project, self.store = project, store
        self.rules = rules_of(project, store, virtual=virtual)
        self.intake = Intake(project.catalog)
        kept, _ = store.deployments()
        contents = {digest: document for d in kept.values() for digest, document in d.contents.items()}
        self.outbox = Outbox(store, carriers, contents)

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the channels."""
        self.outbox.close()


def _folder(project: Project) -> Path:
    return project.files.root
