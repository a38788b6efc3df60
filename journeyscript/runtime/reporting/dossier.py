"""Everything a store has of one person, as plain data that can be written as JSON: what they may ask for.

Takes what a store gives; instants become ISO 8601 in UTC. Leaves out only what says nothing of the person, such as the
digests of contents.
"""

from typing import Any

import msgspec

from journeyscript.engine.calendar import local_text
from journeyscript.engine.values import Enrollment
from journeyscript.semantics.types import Instant
from journeyscript.stores.records import Dossier, KeptDecision, KeptEvent, KeptSend, Rejected


def plain(dossier: Dossier) -> dict[str, Any]:
    """Return a dossier as dictionaries, lists and texts."""
    story = dossier.story
    customer = story.customer
    return {
        "customer": customer.external_id,
        "earlier_names": list(dossier.names),
        "attributes": customer.attributes,
        "consent": customer.consent,
        "suppressed": sorted(customer.suppressed),
        "segments": sorted(one.segment.partition("@")[0] for one in customer.memberships.values() if one.inside),
        "events": [_event(one) for one in dossier.events],
        "enrollments": [_enrollment(one, story.decisions, story.sends) for one in story.enrollments],
        "refused_entries": [
            {"at": _at(one.at), "event": one.event, "journey": one.journey, "reason": one.reason, "detail": one.detail}
            for one in story.refusals
        ],
        "refused_records": [_rejected(one) for one in dossier.rejected],
    }


def _at(moment: Instant | None) -> str | None:
    return None if moment is None else local_text(moment, "UTC")


def _event(kept: KeptEvent) -> dict[str, Any]:
    return {
        "event": kept.event.name,
        "at": _at(kept.event.at),
        "received_at": _at(kept.received_at),
        "source": kept.source,
        "id": kept.source_id,
        "properties": kept.event.properties,
    }


def _enrollment(
    enrollment: Enrollment, decisions: tuple[KeptDecision, ...], sends: tuple[KeptSend, ...]
) -> dict[str, Any]:
    return {
        "journey": enrollment.journey,
        "version": enrollment.version,
        "key": enrollment.key,
        "status": enrollment.status,
        "state": enrollment.state,
        "reason": enrollment.reason,
        "test_customer": enrollment.test,
        "entered_at": _at(enrollment.entered_at),
        "due_at": _at(enrollment.over_at),
        "goal_at": _at(enrollment.goal_at),
        "ended_at": _at(enrollment.ended_at),
        "entry": {
            "event": enrollment.entry.name,
            "at": _at(enrollment.entry.at),
            "properties": enrollment.entry.properties,
        },
        "held": None if enrollment.held is None else msgspec.to_builtins(enrollment.held),
        "decisions": [
            {
                "at": _at(kept.decision.at),
                "state": kept.decision.state,
                "rule": kept.decision.rule,
                "values": dict(kept.decision.values),
            }
            for kept in decisions
            if kept.enrollment == enrollment.id
        ],
        "messages": [_send(send) for send in sends if send.enrollment == enrollment.id],
    }


def _send(send: KeptSend) -> dict[str, Any]:
    return {
        "key": send.key,
        "message": send.message,
        "class": send.kind,
        "channel": send.channel,
        "address": send.address,
        "locale": send.locale,
        "data": msgspec.json.decode(send.data),
        "status": send.status,
        "reason": send.reason,
        "detail": send.detail,
        "provider_id": send.provider_id,
        "created_at": _at(send.created_at),
        "settled_at": _at(send.settled_at),
    }


def _rejected(rejected: Rejected) -> dict[str, Any]:
    return {
        "source": rejected.source,
        "position": rejected.position,
        "received_at": _at(rejected.received_at),
        "reason": rejected.reason,
        "raw": rejected.raw,
    }
