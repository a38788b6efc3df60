"""A project, a store and its channels brought together: what a run needs, made once and let go of at the end."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Self, TextIO, TypeAlias

import msgspec

from journeyscript.channels.adapters import make_adapter, rehearsal
from journeyscript.channels.withheld import WithheldAdapter
from journeyscript.compiler import Project
from journeyscript.engine.evaluate import Evaluator, compile_expression
from journeyscript.engine.values import ChannelPolicy
from journeyscript.machine.canonical import version_of
from journeyscript.machine.model import ENTERED, ByApi
from journeyscript.runtime.advancing.memberships import prepare
from journeyscript.runtime.advancing.programs import Programs
from journeyscript.runtime.advancing.rules import Rules
from journeyscript.runtime.delivery.outbox import Carrier, Outbox
from journeyscript.runtime.delivery.rechecking import QuietHours
from journeyscript.runtime.intake.records import Intake
from journeyscript.semantics.catalog import AttributeDefinition, EventDefinition
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Deployment, Store
from journeyscript.syntax.config import ChannelConfig
from journeyscript.syntax.policies import Policies


class For(Enum):
    """What messages are handed to channels for, where they are not rehearsed into a folder."""

    REAL = "real"
    NOTHING = "nothing"


Delivery: TypeAlias = For | Path


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
    """Return what each channel asks before it may carry a message. Policies are live: they hold for all at once."""
    return {
        name: ChannelPolicy(
            address=channel.address,
            consent=channel.consent,
            quiet_hours=project.config.policies.quiet_hours if channel.quiet_hours is None else channel.quiet_hours,
        )
        for name, channel in project.channels.items()
    }


def quiet_of(project: Project) -> QuietHours:
    """Return when messages that go out later than they were decided have to wait; live as the policies are."""
    return QuietHours(
        windows={name: policy.quiet_hours for name, policy in policies_of(project).items()},
        timezone=project.config.timezone,
        release_over=project.config.policies.release_over,
    )


def policies_on(project: Project, *, virtual: bool) -> Policies:
    """Return what holds for every send and wait; on virtual time everything comes in order, and nothing late."""
    policies = project.config.policies
    return msgspec.structs.replace(policies, grace=0) if virtual else policies


def testers_of(project: Project) -> Evaluator | None:
    """Return what tells whether somebody is a test customer; like the policies, it holds for all journeys at once."""
    condition = project.test_customers
    return None if condition is None else compile_expression(condition, project.config.timezone)


def rules_of(project: Project, store: Store, *, virtual: bool) -> Rules:
    """Return what batches over this store go by."""
    deployments, current = store.deployments()
    order = [d.version for d in deployments_of(project) if d.version in current]
    return Rules(
        programs=Programs(deployments, order, project.catalog),
        channels=policies_of(project),
        policies=policies_on(project, virtual=virtual),
        max_event_age=project.config.max_event_age,
        virtual=virtual,
        test_customers=testers_of(project),
    )


def requests_of(project: Project) -> dict[str, EventDefinition]:
    """Return what a request to enter has to say, for each journey that can be asked for."""
    found: dict[str, EventDefinition] = {}
    for name, compiled in project.journeys.items():
        trigger = compiled.machine.entry.trigger
        if isinstance(trigger, ByApi):
            properties = {
                key: AttributeDefinition(name=key, type=kind, optional=key in trigger.optional)
                for key, kind in trigger.properties.items()
            }
            found[name] = EventDefinition(name=ENTERED, properties=properties)
    return found


class Session:
    """What a run works with. Use it in a `with`: channels are closed at its end, the store stays the caller's."""

    def __init__(
        self,
        project: Project,
        store: Store,
        *,
        virtual: bool,
        delivery: Delivery,
        at: Instant,
        environment: Mapping[str, str],
        stream: TextIO | None = None,
    ) -> None:
        """Deploy the project's journeys to the store as of `at`.

        `delivery` is `For.REAL`, a folder that rehearsed messages are written to, or `For.NOTHING`.

        Raises:
            ChannelError: a channel cannot be used as it is configured.
            StoreError: the store cannot be used.
        """
        carriers = {
            name: _carrier(project, config, delivery, environment, stream) for name, config in project.channels.items()
        }
        store.deploy(deployments_of(project), at)
        self.project, self.store = project, store
        self.rules = rules_of(project, store, virtual=virtual)
        prepare(store, self.rules.programs.segments, at)
        self.intake = Intake(project.catalog, requests_of(project))
        kept, _ = store.deployments()
        contents = {digest: document for d in kept.values() for digest, document in d.contents.items()}
        self.outbox = Outbox(store, carriers, contents, virtual=virtual, quiet=quiet_of(project))

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the channels."""
        self.outbox.close()


def _carrier(
    project: Project,
    config: ChannelConfig,
    delivery: Delivery,
    environment: Mapping[str, str],
    stream: TextIO | None,
) -> Carrier:
    root = project.files.root
    match delivery:
        case For.NOTHING:
            return Carrier(config=config, adapter=WithheldAdapter())
        case For.REAL:
            adapter = make_adapter(config, environment=environment, folder=root, stream=stream)
        case Path():
            # What is rehearsed stays together, wherever the channel would have written.
            config = rehearsal(config, delivery)
            adapter = make_adapter(config, environment=environment, folder=root, stream=stream)
    return Carrier(config=config, adapter=adapter)
