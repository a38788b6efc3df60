"""The table of rules: every code that a finding can carry, with its name, weight and what it says.

Codes and names are public: a code is never reused and a name never changes. Knows nothing of how a rule is checked;
`finding` fills in what the table knows, so that no checker repeats a name or a severity.
"""

from collections.abc import Sequence

from msgspec import Struct

from journeyscript.diagnostics import Diagnostic, Fix, Label, Severity, Situation, Span


class Rule(Struct, frozen=True, kw_only=True):
    """One rule: `summary` is a whole sentence that says what the rule finds."""

    code: str
    name: str
    severity: Severity
    summary: str


def _error(code: str, name: str, summary: str) -> Rule:
    return Rule(code=code, name=name, severity=Severity.ERROR, summary=summary)


def _warning(code: str, name: str, summary: str) -> Rule:
    return Rule(code=code, name=name, severity=Severity.WARNING, summary=summary)


def _info(code: str, name: str, summary: str) -> Rule:
    return Rule(code=code, name=name, severity=Severity.INFO, summary=summary)


RULES: tuple[Rule, ...] = (
    # Source: the file as YAML
    _error("JS001", "yaml-syntax", "The file cannot be read, or what it holds is not YAML."),
    _error("JS002", "duplicate-key", "A key is written twice in one mapping, so one of its values would be lost."),
    _error("JS003", "unknown-key", "A key means nothing where it stands; it is often a slip of the keyboard."),
    _error("JS004", "missing-key", "A key that is needed is not there."),
    _error("JS005", "wrong-shape", "A value has another shape than the one its key asks for."),
    _error("JS006", "yaml-coercion", "An unquoted value is a different value to tools that read YAML 1.1."),
    _warning("JS007", "id-file-mismatch", "A journey has another name than the file it is written in."),
    _error("JS008", "duplicate-journey", "Two files define a journey of the same name."),
    _warning("JS010", "unused-suppression", "A comment ignores a rule that finds nothing there or cannot be ignored."),
    _warning("JS011", "expression-as-text", "A text looks like an expression, and the value it names was meant."),
    _error("JS012", "yaml-feature", "The file uses a part of YAML that journeys do without, or exceeds a limit."),
    _warning("JS014", "bidi-or-confusable", "Characters are there that make a text look like another one."),
    # Names: what the project declares
    _error("JS101", "unknown-step", "A step is named that the journey does not have."),
    _error("JS102", "duplicate-step", "Two steps of a journey have the same id."),
    _error("JS103", "unknown-event", "An event is named that the catalog does not declare."),
    _error("JS104", "unknown-channel", "A channel is named that the project does not have."),
    _error("JS105", "unknown-message", "A message is named that no channel can carry."),
    _error("JS106", "unknown-segment", "A segment is named that the catalog does not declare."),
    _error("JS107", "unknown-journey", "A journey is named that the project does not have, or that cannot be entered."),
    _info("JS108", "naming-convention", "A name is not in lower case with `_` between its words."),
    _error("JS109", "reserved-name", "A definition takes a name that the language keeps for itself."),
    _info("JS110", "unused-definition", "An event, attribute, segment, message or channel is used nowhere."),
    # Flow: where customers can go
    _error("JS201", "unreachable-step", "No customer can ever reach a step."),
    _error("JS202", "dead-end", "A customer who reaches a step can never leave it."),
    _error("JS203", "no-exit", "From some step no way leads to the end of the journey."),
    _error("JS204", "non-exhaustive-branch", "A branch does not end with `else`, so some customers have no way on."),
    _warning("JS205", "overlapping-branches", "Two ranges of a value overlap, so customers at the boundary fit both."),
    _error("JS206", "shadowed-branch", "A branch can never be taken, because one before it always wins."),
    _warning("JS207", "constant-guard", "A condition has the same outcome for everybody."),
    _error("JS208", "loop-without-wait", "A loop can run through all its rounds at one instant."),
    _error("JS210", "wait-without-timeout", "A wait has no timeout, so a customer can be stuck in it for ever."),
    _warning("JS211", "wait-outlives-journey", "A wait ends after the journey's longest life, so nobody gets past it."),
    _error("JS212", "split-weights", "The weights of a split do not divide customers among its arms."),
    _warning("JS214", "unreachable-goal", "The event that reaches the goal ends the journey before it counts."),
    _warning("JS217", "wait-after-measured-send", "An event is missed, as a wait stands between it and its message."),
    _warning("JS218", "trailing-wait", "A wait at the end of a journey has nothing behind it."),
    # Types: expressions
    _error("JS300", "expression-syntax", "An expression cannot be parsed."),
    _error("JS301", "unknown-attribute", "A customer attribute is named that the catalog does not declare."),
    _error("JS302", "unknown-property", "An event property is named that the catalog does not declare."),
    _error("JS303", "type-mismatch", "Values are combined whose types do not go together."),
    _error("JS304", "unguarded-optional", "A value that may be missing is used without a check or a default."),
    _error("JS305", "unknown-function", "A function is called that the language does not have."),
    _error("JS306", "bad-arguments", "A function is called with arguments that it does not take."),
    _error("JS307", "not-in-enum", "A value is compared with one that it can never have."),
    _error("JS308", "condition-not-boolean", "A condition is neither true nor false."),
    _error("JS309", "naive-timestamp", "A timestamp says no zone, so it is another moment in each."),
    _error("JS310", "unit-mismatch", "Amounts of different units are combined, such as money and a duration."),
    _error("JS311", "event-not-in-scope", "An expression uses `event` where no event has just happened."),
    _warning("JS312", "may-fail-at-runtime", "Something has no value for some customers, and nothing says what then."),
    _info(
        "JS314", "redundant-condition", "A part of a condition changes nothing, as it is settled before it is asked."
    ),
    _warning("JS317", "stale-fact", "A message relies on what was checked before a wait and may have changed since."),
    # Time
    _error("JS401", "unknown-timezone", "A time zone is named that the time zone database does not know."),
    _error("JS402", "empty-window", "A window of time holds no instant at all."),
    _warning("JS403", "dst-gap", "A time that is waited for does not exist on a day when clocks go forward."),
    _warning("JS404", "below-resolution", "A wait is finer than the second on which timers are due."),
    _error("JS405", "never-sendable", "A message comes up only in quiet hours, and is too old when they end."),
    _warning("JS406", "past-date", "A moment that is waited for, or counted down to, is over."),
    _error("JS408", "ambiguous-duration", "A duration can be read in more than one way."),
    _warning("JS409", "window-slip", "A wait of days and the time of day behind it add up to a day too many."),
    # Policy: what may be sent
    _error("JS501", "consent-undeclared", "A channel does not say which consent it needs, so none could be checked."),
    _error("JS502", "worst-case-messages", "Whoever goes a certain way loses a message to a frequency cap."),
    _warning("JS503", "worst-case-in-window", "More messages than a frequency cap allows may fall within its time."),
    _info("JS504", "no-cap-declared", "Marketing is sent, and no frequency cap bounds how much of it."),
    _error("JS505", "marketing-without-unsubscribe", "A marketing message offers no way to say no to more of them."),
    _error("JS506", "transactional-misuse", "A step calls transactional what the message calls marketing."),
    _info("JS507", "quiet-hours-missing", "Marketing is sent on a channel that has no quiet hours."),
    _info("JS510", "send-may-be-skipped", "Some customers cannot be sent a message, and no `else` says what then."),
    _warning("JS511", "sensitive-attribute", "A sensitive value becomes part of a link."),
    _warning(
        "JS513", "rate-exceeds-channel", "More customers are due a message at once than its channel can carry in time."
    ),
    _warning("JS514", "back-to-back-sends", "Two marketing messages can go to a customer on one channel at once."),
    # Content: messages
    _error("JS601", "undefined-variable", "A message uses a variable that nothing provides."),
    _warning("JS602", "optional-without-default", "A message prints a value that may be missing, with no default."),
    _error("JS603", "channel-mismatch", "A message's file does not fit the channel it lies in."),
    _info("JS604", "unused-variable", "A variable is given to a message that does not read it."),
    _warning("JS605", "sms-segments", "A text is sent, and paid, as more text messages than it should be."),
    _error("JS606", "subject-missing", "An e-mail has no subject."),
    _warning("JS607", "locale-missing", "A send speaks a language on one channel and not on another."),
    _error("JS608", "unescaped-html", "A value stands where it would be HTML and not text."),
    _warning("JS609", "insecure-link", "A link in a message is not encrypted."),
    _error("JS610", "template-syntax", "A message's template cannot be parsed."),
    # Project: several journeys
    _warning("JS701", "competing-entry", "Two journeys can start with marketing on one channel at the same moment."),
    _warning("JS702", "combined-cap", "Journeys that one event starts go over a frequency cap together."),
    _error("JS703", "trigger-cycle", "Journeys start each other round and round, and nothing holds them back."),
    _info("JS706", "audience-subsumed", "Everybody who enters one journey enters another one on the same event too."),
    # Changes: two versions, and those who are inside
    _error("JS801", "occupied-step-removed", "A step is gone at which people stand, and nothing says where they go."),
    _error("JS802", "step-renamed-without-migrate", "A step at which people stand goes by another name now."),
    _warning("JS803", "wait-changed", "People wait by a time that is another one now, and nothing says which holds."),
    _error("JS804", "event-property-removed", "People stay in a version that reads what the catalog no longer has."),
    _warning("JS805", "history-diverges", "What is recorded of people would have gone another way."),
    _error("JS806", "split-changed-mid-run", "An experiment has other arms than the one that people are in."),
    _warning("JS807", "goal-redefined", "Another goal counts than the one that people are on their way to."),
    _error("JS810", "consent-weakened", "A message that asked for consent asks nobody any more."),
    _warning("JS811", "audience-widened", "A journey lets in more customers than those it was written for."),
    _error("JS812", "version-not-drained", "A journey is taken away while people are inside of it."),
    # Habits
    _info("JS901", "owner-missing", "A journey does not say who answers for it."),
    _warning("JS902", "no-tests", "A journey has no tests beside it."),
    _warning("JS903", "coverage-below", "The tests of a journey take less of it than the project asks for."),
    _error("JS905", "shared-experiment-name", "Two splits of one name divide customers differently."),
    _error("JS908", "secret-in-file", "A secret is written into a file instead of being taken from the environment."),
    _info("JS910", "title-missing", "A journey has no title."),
)

RULE_BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}


def finding(  # noqa: PLR0913 - the parts of a finding, each by its name
    code: str,
    message: str,
    span: Span,
    *,
    help: str | None = None,  # noqa: A002  the word users see
    labels: Sequence[Label] = (),
    journey: str | None = None,
    step: str | None = None,
    witness: Sequence[str] = (),
    fix: Fix | None = None,
    situation: Situation | None = None,
) -> Diagnostic:
    """Return a finding of a rule, with the rule's name and severity filled in.

    Raises:
        KeyError: there is no rule of that code.
    """
    rule = RULE_BY_CODE[code]
    return Diagnostic(
        code=rule.code,
        name=rule.name,
        severity=rule.severity,
        message=message,
        span=span,
        help=help,
        labels=tuple(labels),
        journey=journey,
        step=step,
        witness=tuple(witness),
        fix=fix,
        situation=situation,
    )
