"""Whether what happened is what a journey test expects; where it is not, what happened instead, and why.

Takes a test's expectations and the story as the store tells it; gives failures, each at its place in the file. Runs
nothing. Where a customer entered several times, sends and path are those of all enrollments in order of time; state,
reason and goal are those of the last one.
"""

from collections.abc import Iterator

from journeyscript.compiler import Project
from journeyscript.diagnostics import Diagnostic
from journeyscript.engine.calendar import local_text
from journeyscript.machine.model import Machine, Send
from journeyscript.rules import finding
from journeyscript.runtime.intake.values import BadValue, parse_instant
from journeyscript.runtime.trials.causes import value_in_words
from journeyscript.runtime.trials.deciding import decided_against, decided_at_last
from journeyscript.runtime.trials.expected_sends import sends_unlike, silences_broken
from journeyscript.runtime.trials.happened import Failure, Happened, is_named, listed, standing
from journeyscript.runtime.trials.invented import attribute_definitions, typed_mapping
from journeyscript.semantics.catalog import Catalog, suggestion
from journeyscript.semantics.types import Value
from journeyscript.source.nodes import Scalar
from journeyscript.syntax.trial_file import Expectations

NOT_ENTERED = "not_entered"
STATUSES = ("active", "completed", "exited", "failed", NOT_ENTERED)


def check_names(expect: Expectations, project: Project, machine: Machine) -> list[Diagnostic]:
    """Return findings for names in the expectations that could never be met, or never fail.

    The steps of a `path` were checked when the project was compiled.
    """
    messages = {state.action.message for state in machine.states if isinstance(state.action, Send)}
    ids = {state.id for state in machine.states}
    named = [*(send.message for send in expect.sends or ()), *(silence.message for silence in expect.not_sent)]
    findings = [
        finding(
            "JS105",
            f"journey `{machine.journey}` has no message `{name.text}`",
            name.span,
            help=suggestion(name.text, messages),
        )
        for name in named
        if name.text not in messages
    ]
    for channel in (send.channel for send in expect.sends or () if send.channel is not None):
        if channel.text not in project.channels:
            advice = suggestion(channel.text, project.channels)
            findings.append(finding("JS104", f"there is no channel `{channel.text}`", channel.span, help=advice))
    findings += [found for send in expect.sends or () if send.at is not None for found in _not_an_instant(send.at)]
    step = expect.state
    if step is not None and step.text not in STATUSES and not any(is_named(name, step.text) for name in ids):
        message = f"journey `{machine.journey}` has no step `{step.text}`"
        advice = suggestion(step.text, [*ids, *STATUSES])
        findings.append(finding("JS101", message, step.span, help=advice))
    _, wrong = typed_mapping(expect.attributes, attribute_definitions(project.catalog), "customers")
    return findings + wrong


def _not_an_instant(written: Scalar) -> Iterator[Diagnostic]:
    try:
        parse_instant(written.text)
    except BadValue as problem:
        yield finding("JS005", str(problem), written.span)


def judge(expect: Expectations, happened: Happened, catalog: Catalog) -> list[Failure]:
    """Return the expectations that were not met, messages first, then the way."""
    failures = [
        *sends_unlike(expect, happened),
        *silences_broken(expect.not_sent, happened),
        *_path(expect.path, happened),
    ]
    if expect.state is not None:
        failures += _state(expect.state, happened)
    if expect.reason is not None:
        failures += _reason(expect.reason, happened)
    if expect.goal is not None:
        failures += _goal(expect.goal, happened)
    return failures + list(_attributes(expect, happened, catalog))


def _path(expected: tuple[Scalar, ...], happened: Happened) -> Iterator[Failure]:
    reached = happened.path
    position = 0
    for step in expected:
        while position < len(reached) and not is_named(reached[position], step.text):
            position += 1
        if position == len(reached):
            yield Failure(
                span=step.span,
                expected=f"reached, in this order: {listed([item.text for item in expected])}",
                happened=f"reached: {listed(reached)}",
                why=(f"`{step.text}` does not follow what stands in front of it; the customer {standing(happened)}",),
                decided=decided_against([s.id for s in happened.machine.states if is_named(s.id, step.text)], happened),
            )
            return
        position += 1


def _state(written: Scalar, happened: Happened) -> Iterator[Failure]:
    last, wanted = happened.last, written.text
    if last is None:
        holds = wanted == NOT_ENTERED
    elif wanted in STATUSES:
        holds = last.status == wanted
    else:
        holds = is_named(last.state, wanted)
    if not holds:
        steps = [state.id for state in happened.machine.states if is_named(state.id, wanted)]
        yield Failure(
            span=written.span,
            expected=f"state `{wanted}`",
            happened=f"the customer {standing(happened)}",
            decided=decided_against(steps, happened) if steps else decided_at_last(happened),
        )


def _reason(written: Scalar, happened: Happened) -> Iterator[Failure]:
    if happened.last is None or happened.last.reason != written.text:
        yield Failure(
            span=written.span,
            expected=f"ended for the reason `{written.text}`",
            happened=f"the customer {standing(happened)}",
            decided=decided_at_last(happened),
        )


def _goal(written: Scalar, happened: Happened) -> Iterator[Failure]:
    reached_at = None if happened.last is None else happened.last.goal_at
    if (reached_at is not None) != written.value:
        yield Failure(
            span=written.span,
            expected="the goal reached" if written.value else "the goal not reached",
            happened="it was not" if reached_at is None else f"it was, at {local_text(reached_at, happened.zone)}",
        )


def _attributes(expect: Expectations, happened: Happened, catalog: Catalog) -> Iterator[Failure]:
    wanted, _ = typed_mapping(expect.attributes, attribute_definitions(catalog), "customers")
    for name, value in wanted.items():
        found = happened.story.customer.attributes.get(name)
        if found != value:
            assert expect.attributes is not None, "values were read from it"
            node = expect.attributes.get(name)
            yield Failure(
                span=expect.attributes.span if node is None else node.span,
                expected=f"`{name}` is {_shown(value)}",
                happened=f"`{name}` is {_shown(found)}",
            )


def _shown(value: Value) -> str:
    return "missing" if value is None else f"`{value_in_words(value)}`"
