import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from journeyscript.rules import RULES
from journeyscript.source.nodes import plain
from journeyscript.source.project import list_project
from journeyscript.source.yaml import read_file, read_yaml
from journeyscript.syntax.journey import STEP_KEYWORDS
from journeyscript.syntax.structure import SCHEMA_KINDS, check_structure, schema, step_keywords

ROOT = Path(__file__).parents[2]


def marked(text):
    """Return a text without its marks «…», and the place that they stood around as (line, column, line, column)."""
    before, _, rest = text.partition("«")
    inside, _, after = rest.partition("»")

    def place(part):
        return part.count("\n") + 1, len(part) - part.rfind("\n")

    return before + inside + after, (*place(before), *place(before + inside))


def node_of(text):
    node, findings = read_yaml("x.yaml", text)
    assert findings == []
    assert node is not None
    return node


def only(kind, text, code):
    """Assert that a text has one finding, of this code and at the mark, and return it."""
    text, place = marked(text)
    (found,) = check_structure(kind, node_of(text))
    span = found.span
    assert (found.code, span.line, span.column, span.end_line, span.end_column) == (code, *place), found.message
    return found


def step(text):
    """Return a journey with one step, written on one line."""
    return f"journey: welcome\nentry: {{event: signed_up, again: never}}\nsteps:\n  - {text}\n"


GOOD_STEPS = [
    "{send: welcome}",
    "{id: first, send: welcome, via: email}",
    "{send: welcome, via: [push, email], with: {discount: 10, name: customer.first_name, vip: true}}",
    "{send: welcome, class: transactional, else: [{exit: unreachable}]}",
    "{wait: 1 day}",
    "{wait: P1DT12H}",
    "{wait: {days: 1, hours: 12}}",
    "{wait: {weeks: 0, minutes: 5, seconds: 1}}",
    '{wait_until: {time: "09:00"}}',
    '{wait_until: {time: "09:00", days: [mon, tue], spread: 15 minutes}}',
    '{wait_until: {time: "23:59", days: weekend}}',
    "{wait_until: {date: customer.birthday - 3 days, if_missing: continue}}",
    '{wait_until: {date: event.due_at, time: "08:00", if_missing: exit, if_past: exit, spread: 1 hour}}',
    '{wait_until: {between: ["09:00", "18:00"], days: weekdays, spread: 15 minutes}}',
    "{wait_until: {when: customer.verified, timeout: 3 days}}",
    "{wait_for: purchased, timeout: 3 days}",
    "{wait_for: purchased, where: event.total > 10, timeout: 3 days, then: [{exit: converted}], else: []}",
    "{wait_for: [{event: a, steps: []}, {event: b, where: true, steps: [{exit: b}]}], timeout: 1 day, else: []}",
    "{branch: [{if: customer.vip, steps: []}, {if: true, steps: [{send: a}]}, {else: [{send: b}]}]}",
    "{split: offer, arms: [{arm: a, weight: 45, steps: []}, {arm: control, weight: 0, steps: []}], per: entry}",
    "{repeat: {times: 3, until: did(purchased)}, steps: [{wait: 1 day}]}",
    "{set: {level: '\"gold\"', visits: 3, vip: true}}",
    "{emit: became_vip}",
    "{emit: became_vip, properties: {total: event.total}}",
    "{enter: offer}",
    "{enter: offer, with: {coupon: entry.event.coupon}}",
    "{stage: at risk}",
    "{exit: converted}",
]

GOOD_FILES = [
    (
        "journey",
        """
        journey: welcome
        title: Welcome series
        owner: lifecycle@shop.example
        stage: onboarding
        segment: new_customers
        entry: {event: signed_up, where: event.source != "import", again: after 30 days, key: event.id}
        goal: {event: purchased, where: event.total > 0, within: 14 days, exit: false}
        exit: [{event: account_closed, where: true}, {when: customer.status == "blocked"}]
        max_lifetime: 90 days
        steps: [{send: welcome}]
        """,
    ),
    (
        "test",
        """
        journey: welcome
        tests:
          - name: a buyer on day two is thanked and left alone
            customer: {id: ada, email: ada@example.com, timezone: Europe/Berlin, consent: {email: true}, level: 3}
            at: 2026-03-28T20:00+01:00
            timeline:
              - event: signed_up
              - {after: 1 day 2 hours, event: purchased, properties: {total: 42}, attributes: {vip: true}}
              - {event: agreed, at: 2026-04-01T10:00:00.5Z, consent: {sms: true}}
              - after: 10 days
            expect:
              sends:
                - {message: welcome, channel: email, at: 2026-03-28T20:00+01:00}
                - {message: thanks, because: purchased}
              not_sent: [{message: offer, reason: no_consent}]
              path: [send.welcome, wait, exit]
              state: exited
              reason: converted
              goal: true
              attributes: {vip: true}
        """,
    ),
    (
        "customer",
        """
        attributes:
          email: {type: string, optional: true, sensitive: true, description: Where e-mail goes}
          plan: {type: enum, values: [free, pro]}
          tags: {type: list, items: string}
          moods: {type: list, items: {type: enum, values: [good, bad]}}
          grid: {type: list, items: {type: list, items: {type: number}}}
          anything: {type: list}
        """,
    ),
    (
        "events",
        "events: {signed_up: {}, bought: {description: Paid, properties: {total: {type: money, optional: true}}}}",
    ),
    ("segments", "segments: {vip: {description: The best, when: customer.value >= 500}, all: {when: true}}"),
    ("channel", "{adapter: console}"),
    (
        "channel",
        """
        adapter: smtp
        medium: email
        address: email
        consent: opt_in
        sender: Shop <hello@shop.example>
        reply_to: help@shop.example
        unsubscribe: {url: "https://shop.example/u", mailto: u@shop.example}
        on_unknown: assume_sent
        retry: {attempts: 3, first: 1 minute, longest: 1 hour}
        smtp: {host: h, port: 587, tls: starttls, username: "${U}", password: "${P}", timeout: 2.5, cafile: c.pem}
        """,
    ),
    ("channel", "{adapter: file, medium: text, consent: none, format: jsonl, path: .journeyscript/outbox}"),
    ("channel", "{adapter: console, price: 0.07}"),
    (
        "population",
        """
        population: spring
        seed: 7
        start: 2026-03-02T00:00+01:00
        for: 30 days
        customers:
          number: 5000
          arrive: {over: 14 days, as: uniform}
          event: signed_up
          properties: {source: web, total: {uniform: [1, 2.5], missing: 1%}}
          attributes:
            email: {text: '{customer}', missing: 3%}
            country: {choice: {DE: 70, AT: 0.5}}
            spent: {normal: {mean: 45, deviation: 20, min: 5, max: 100}}
            tags: [a, b]
            vip: {value: true, missing: 12.5%}
          consent: {email: 100%, sms: 0%}
        behaviour:
          - {after: {message: offer, channel: email}, event: bought, chance: 14%, within: 2 days, properties: {n: 5}}
          - {after: {event: bought}, chance: 1%, within: {fixed: 1 day}, consent: {email: false}}
          - {after: {stage: onboarding}, event: left, chance: 1%, within: {uniform: [1 hour, 2 days]}}
          - {after: {stage: onboarding}, event: left, chance: 1%, within: {exponential: {median: 1 hour}}}
          - {after: {stage: onboarding}, event: left, chance: 1%, within: {lognormal: {median: 1 hour, spread: 2.5}}}
        """,
    ),
    ("population", "{population: all, for: 3 days, customers: {file: people.jsonl}}"),
    ("message", "{subject: 'Welcome, {{ customer.first_name }}', preheader: Hi, class: marketing}"),
    ("project", "{name: shop, timezone: Europe/Berlin, store: s.db, max_event_age: 24 hours, rules: {JS902: error}}"),
    ("project", "{name: shop, rules: {JS902: 'off', JS207: warning}}"),
    (
        "mapping",
        """
        format: whitespace
        columns: [customer, date, number, total]
        header: false
        customer: customer
        event: {constant: purchased}
        time: {column: date, format: "%Y%m%d", timezone: Europe/Berlin}
        properties: {total: total}
        attributes: {country: land}
        """,
    ),
    ("mapping", "{format: jsonl, customer: user, event: {column: type}, time: {column: at}, id: key}"),
]


@pytest.mark.parametrize("text", GOOD_STEPS)
def test_every_form_of_every_step_is_accepted(text):
    assert check_structure("journey", node_of(step(text))) == []


@pytest.mark.parametrize(("kind", "text"), GOOD_FILES)
def test_every_key_of_every_kind_of_file_is_accepted(kind, text):
    assert check_structure(kind, node_of(text)) == []


def test_the_files_of_this_project_have_the_right_shape():
    files = list_project(ROOT)
    kinds = [
        *(("journey", path) for path in files.journeys),
        *(("test", path) for path in files.tests),
        *(("channel", path) for path in files.channels),
        *(("population", path) for path in files.simulations),
        ("project", files.config),
        ("customer", files.customer),
        ("events", files.events),
        ("segments", files.segments),
    ]
    assert files.journeys
    for kind, path in kinds:
        node, findings = read_file(ROOT, path)
        assert [*findings, *check_structure(kind, node)] == []


BAD_STEPS = [
    ("{«sned»: welcome}", "JS003", "did you mean `send`?"),
    ("{via: email, «goto»: start}", "JS003", "the steps here are"),
    ("{send: welcome, «wait»: 1 day}", "JS003", "write `- wait:` as a step of its own"),
    ("{send: welcome, «wait_for»: purchased}", "JS003", "a step of its own"),
    ("{send: welcome, «vai»: email}", "JS003", "did you mean `via`?"),
    ("{wait_until: {timeout: 1 day, when: did(order, «last 5 days)»}}", "JS003", "put what stands there in quotes"),
    ("{send: welcome, «timeout»: 3 days}", "JS003", "the keys here are `id`, `send`"),
    ("«{}»", "JS004", "a step has one of the keys"),
    ("{«id»: first}", "JS004", "a step has one of the keys"),
    ("«exit»", "JS005", "for example `{ send: welcome }`"),
    ("«[{send: a}]»", "JS005", "for example"),
    ("{send: «»}", "JS005", "for example `send: welcome`"),
    ("{send: «my message»}", "JS005", "a name has letters"),
    ("{send: a, via: [email, sms, «email»]}", "JS005", "delete one of the two"),
    ("{send: a, via: «[]»}", "JS005", "for example"),
    ("{send: a, class: «transactionl»}", "JS005", "did you mean `transactional`?"),
    ("{send: a, with: {«first name»: x}}", "JS005", "letters, digits and `_` only"),
    ("{send: a, with: {name: «[x]»}}", "JS005", "for example"),
    ("{send: a, else: «{send: b}»}", "JS005", "for example `else: [{ send: welcome }]`"),
    ("{wait: «3»}", "JS005", "for example `wait: 3 days`"),
    ("{wait: «{}»}", "JS005", "for example"),
    ("{wait: {«dys»: 3}}", "JS003", "did you mean `days`?"),
    ("{wait: {days: «-1»}}", "JS005", "for example"),
    ("{wait: {days: «1.0»}}", "JS005", "for example"),
    ("{wait_until: «customer.birthday - 3 days»}", "JS005", "if_missing: continue"),
    ("{wait_until: {«date»: customer.birthday}}", "JS004", "`if_missing: continue`"),
    ("{wait_until: {«days»: weekdays}}", "JS004", None),
    ("{wait_until: «{}»}", "JS004", None),
    ("{wait_until: {«tim»: '09:00'}}", "JS003", "did you mean `time`?"),
    ("{wait_until: {«wen»: customer.vip, timeout: 3 days}}", "JS003", "did you mean `when`?"),
    ("{wait_until: {time: «9:30am»}}", "JS005", 'such as `"09:00"`'),
    ("{wait_until: {time: '09:00', «if_missing»: exit}}", "JS003", "the keys here are"),
    ("{wait_until: {time: '09:00', days: «weekday»}}", "JS005", "did you mean `weekdays`?"),
    ("{wait_until: {time: '09:00', days: [mon, «tus»]}}", "JS005", "did you mean `tue`?"),
    ("{wait_until: {between: «['09:00']»}}", "JS005", "for example"),
    ("{wait_until: {between: ['09:00', «'24:00'»]}}", "JS005", "23:59"),
    ("{wait_until: {«when»: customer.vip}}", "JS210", "`timeout: 3 days`"),
    ("{«wait_for»: purchased}", "JS210", "`timeout: 3 days`"),
    ("{id: x, «wait_for»: [{event: a, steps: []}]}", "JS210", "`timeout: 3 days`"),
    ("{wait_for: purchased, «timout»: 3 days}", "JS003", "did you mean `timeout`?"),
    ("{wait_for: «{event: a}», timeout: 1 day}", "JS005", "for example"),
    ("{wait_for: [{event: a, steps: []}], timeout: 1 day, «then»: []}", "JS003", "the keys here are"),
    ("{wait_for: [{«event»: a}], timeout: 1 day}", "JS004", "`steps: [{ send: welcome }]`"),
    ("{«branch»: [{if: customer.vip, steps: []}]}", "JS204", "add `- else: []`"),
    ("{«branch»: []}", "JS204", "add `- else: []`"),
    ("{branch: [{«else»: []}, {if: customer.vip, steps: []}]}", "JS204", "move it to the end"),
    ("{branch: [{if: customer.vip, steps: []}, {«esle»: []}]}", "JS003", "did you mean `else`?"),
    ("{branch: [{if: customer.vip, steps: [], «else»: []}]}", "JS003", "the keys here are `if` and `steps`"),
    ("{branch: [{«if»: customer.vip}, {else: []}]}", "JS004", "for example `steps:"),
    ("{branch: [{«steps»: []}, {else: []}]}", "JS004", None),
    ("{branch: [{if: «», steps: []}, {else: []}]}", "JS005", "for example"),
    ("{branch: «{if: x, steps: []}»}", "JS005", "for example"),
    ("{«split»: offer}", "JS004", "for example `arms:"),
    ("{split: offer, arms: «[]»}", "JS005", "for example"),
    ("{split: offer, arms: [{«arm»: a, steps: []}]}", "JS004", "`weight: 50`"),
    ("{split: offer, arms: [{arm: a, weight: «0.5», steps: []}]}", "JS005", "for example"),
    ("{split: offer, arms: [{arm: a, weight: «-1», steps: []}]}", "JS005", "for example"),
    ("{split: offer, arms: [{arm: a, weight: 1, steps: []}], per: «custmer»}", "JS005", "did you mean `customer`?"),
    ("{repeat: «3», steps: [{wait: 1 day}]}", "JS005", "for example `repeat: { times: 3 }`"),
    ("{repeat: {times: «0»}, steps: [{wait: 1 day}]}", "JS005", "for example"),
    ("{«repeat»: {times: 2}}", "JS004", "for example `steps:"),
    ("{repeat: {times: 2}, steps: «[]»}", "JS005", None),
    ("{repeat: {times: 2, «steps»: []}, steps: [{wait: 1 day}]}", "JS003", "the keys here are `times` and `until`"),
    ("{set: «{}»}", "JS005", "for example"),
    ("{emit: «Order Placed»}", "JS005", "such as `signed_up`"),
    ("{enter: «[a, b]»}", "JS005", "for example `enter: welcome`"),
    ("{enter: offer, «properties»: {a: 1}}", "JS003", "the keys here are `id`, `enter` and `with`"),
    ("{stage: «3»}", "JS005", "for example `stage: active`"),
    ("{stage: active, «with»: {a: 1}}", "JS003", "the keys here are `id` and `stage`"),
    ("{exit: «true»}", "JS005", "for example `exit: converted`"),
    ("{exit: converted, «reason»: x}", "JS003", "the keys here are `id` and `exit`"),
    ("{wait_for: a, timeout: 1 day, then: [{branch: [{if: x, steps: [{«sedn»: a}]}, {else: []}]}]}", "JS003", "`send`"),
]

BAD_FILES = [
    ("journey", "«- journey»", "JS005", None),
    ("journey", "«welcome»", "JS005", None),
    ("journey", "«{}»", "JS004", None),
    ("journey", "«journey»: a\nentry: {event: a, again: never}\n", "JS004", "for example `steps:"),
    (
        "journey",
        "«jurney»: a\nentry: {event: a, again: never}\nsteps: [{exit: a}]\n",
        "JS003",
        "did you mean `journey`?",
    ),
    ("journey", "journey: a\nentry: {«event»: a}\nsteps: [{exit: a}]\n", "JS004", "for example `again: after 30 days`"),
    (
        "journey",
        "journey: a\nentry: {event: a, again: «after»}\nsteps: [{exit: a}]\n",
        "JS005",
        "such as `after 30 days`",
    ),
    ("journey", "journey: a\nentry: {event: a, again: never}\nsteps: «[]»\n", "JS005", None),
    (
        "journey",
        "journey: a\nentry: {event: a, again: never}\ngoal: {«event»: b}\nsteps: [{exit: a}]",
        "JS004",
        "`exit: false`",
    ),
    (
        "journey",
        "journey: a\nentry: {event: a, again: never}\ngoal:«»\nsteps: [{exit: a}]",
        "JS005",
        "for example `goal:",
    ),
    (
        "journey",
        "journey: a\nentry: {event: a, again: never}\nexit: [{«wen»: b}]\nsteps: [{exit: a}]",
        "JS003",
        "`when`?",
    ),
    (
        "journey",
        "journey: a\nentry: {event: a, again: never}\nexit: [{when: b, «where»: c}]\nsteps: [{exit: a}]",
        "JS003",
        "`when`",
    ),
    (
        "journey",
        "journey: a\nentry: {event: a, again: never}\nmax_lifetime: «{days: 3}»\nsteps: [{exit: a}]",
        "JS005",
        "3 days",
    ),
    ("test", "journey: a\ntests: «[]»", "JS005", None),
    ("test", "journey: a\ntests: [{«name»: x, at: 2026-03-28T20:00Z, timeline: [{event: a}]}]", "JS004", "expect"),
    (
        "test",
        "journey: a\ntests: [{name: x, at: «2026-03-28», timeline: [{event: a}], expect: {goal: true}}]",
        "JS005",
        "UTC",
    ),
    (
        "test",
        "journey: a\ntests: [{name: x, at: 2026-03-28T20:00Z, timeline: [{event: a}], expect: «{}»}]",
        "JS005",
        "sends",
    ),
    (
        "test",
        "journey: a\ntests: [{name: x, at: 2026-03-28T20:00Z, timeline: [{«properties»: {}}], expect: {goal: true}}]",
        "JS004",
        None,
    ),
    (
        "test",
        """
        journey: a
        tests:
          - name: x
            at: 2026-03-28T20:00Z
            timeline: [{event: a, after: 1 day, «at»: 2026-03-28T20:00Z}]
            expect: {goal: true}
        """,
        "JS003",
        "write either `after` or `at`",
    ),
    ("customer", "attributes: {plan: {type: «strin»}}", "JS005", "did you mean `string`?"),
    ("customer", "attributes: {plan: {«type»: enum}}", "JS004", None),
    ("customer", "attributes: {plan: {type: string, «values»: [a]}}", "JS003", "only the type `enum` has `values`"),
    ("customer", "attributes: {plan: {type: enum, values: [a, «1»]}}", "JS005", None),
    ("customer", "attributes: {plan: {type: string, «items»: string}}", "JS003", "only the type `list` has `items`"),
    ("customer", "attributes: {tags: {type: list, items: {type: list, items: {type: «texts»}}}}", "JS005", None),
    ("customer", "attributes: {plan: «string»}", "JS005", "for example `plan: {"),
    ("customer", "attributes: {«first-name»: {type: string}}", "JS005", "letters, digits and `_`"),
    ("events", "events: {signed_up: «»}", "JS005", "for example `signed_up:"),
    ("events", "events: {signed_up: {propertes: {}}}".replace("propertes", "«propertes»"), "JS003", "`properties`?"),
    ("segments", "segments: {vip: «customer.value > 3»}", "JS005", "for example `vip:"),
    ("segments", "segments: {vip: {when: «[]»}}", "JS005", "for example `when:"),
    ("channel", "{adapter: «carrier_pigeon»}", "JS005", None),
    ("channel", "{«medium»: text}", "JS004", "for example `adapter: console`"),
    ("channel", "{«adapter»: smtp, sender: a@b.example}", "JS004", "for example `smtp:"),
    ("channel", "{adapter: file, smtp: {host: h, port: «70000»}}", "JS005", "for example `port: 587`"),
    ("channel", "{adapter: file, smtp: {host: h, timeout: «0»}}", "JS005", "for example"),
    ("channel", "{adapter: file, retry: {attempts: «0»}}", "JS005", "for example"),
    ("channel", "{adapter: console, price: «-1»}", "JS005", "for example `price: 0.07`"),
    ("population", "{population: a, for: 1 day, customers: {«number»: 3}}", "JS004", "for example `event: signed_up`"),
    ("population", "{population: a, for: 1 day, customers: {file: a, «number»: 3}}", "JS003", None),
    ("population", "{population: a, for: 1 day, customers: {number: «0», event: b}}", "JS005", "1000"),
    (
        "population",
        "{population: a, for: 1 day, customers: {number: 1, event: b, attributes: {c: {«chioce»: {d: 1}}}}}",
        "JS003",
        "did you mean `choice`?",
    ),
    (
        "population",
        "{population: a, for: 1 day, customers: {number: 1, event: b, consent: {email: «80»}}}",
        "JS005",
        "for example `email: 12%`",
    ),
    (
        "population",
        "population: a\nfor: 1 d\ncustomers: {file: b}\nbehaviour: [{«after»: {event: b}, chance: 1%, within: 1 day}]",
        "JS004",
        None,
    ),
    (
        "population",
        """
        population: a
        for: 1 day
        customers: {file: b}
        behaviour: [{after: {event: b}, event: c, chance: 1%, within: {«unifrom»: 1 day}}]
        """,
        "JS003",
        "did you mean `uniform`?",
    ),
    ("message", "{«subjct»: Hello}", "JS003", "did you mean `subject`?"),
    ("message", "{class: «newsletter»}", "JS005", None),
    ("project", "{«timezone»: UTC}", "JS004", "for example `name: shop`"),
    ("project", "{name: a, rules: {«JS9021»: error}}", "JS003", "did you mean `JS902`?"),
    ("project", "{name: a, rules: {JS902: «eror»}}", "JS005", "did you mean `error`?"),
    ("mapping", "{format: csv, customer: c, event: «{}», time: {column: t}}", "JS004", None),
    ("mapping", "{format: csv, customer: c, event: {constant: a, «column»: b}, time: {column: t}}", "JS003", None),
    (
        "mapping",
        "{format: csv, customer: c, event: {column: a}, time: {column: t}, columns: [a, «a»]}",
        "JS005",
        "delete",
    ),
]


def helps(found, expected):
    return expected is None or (found.help is not None and expected in found.help)


@pytest.mark.parametrize(("text", "code", "help_text"), BAD_STEPS)
def test_a_step_of_the_wrong_shape_is_one_finding_at_its_place(text, code, help_text):
    found = only("journey", step(text), code)
    assert helps(found, help_text), found.help


@pytest.mark.parametrize(("kind", "text", "code", "help_text"), BAD_FILES)
def test_a_file_of_the_wrong_shape_is_one_finding_at_its_place(kind, text, code, help_text):
    found = only(kind, text, code)
    assert helps(found, help_text), found.help


def test_a_slip_of_the_keyboard_can_be_corrected():
    found = only("journey", step("{«sned»: welcome}"), "JS003")
    assert found.fix is not None
    assert (found.fix.span, found.fix.replacement) == (found.span, "send")


def test_a_word_that_needs_quotes_is_corrected_with_them():
    found = only("project", "{name: a, rules: {JS902: «of»}}", "JS005")
    assert found.fix is not None
    assert found.fix.replacement == '"off"'


def test_allowed_keys_are_listed_where_they_are_few():
    found = only("journey", step("{emit: a, «xyz»: 1}"), "JS003")
    assert found.help == "the keys here are `id`, `emit` and `properties`"


def test_what_reading_has_reported_is_not_reported_again():
    node, findings = read_yaml("x.yaml", step("{split: a, arms: [{arm: b, weight: 010, steps: []}], per: no}"))
    assert [found.code for found in findings] == ["JS006", "JS006"]
    assert check_structure("journey", node) == []


def test_several_mistakes_come_in_the_order_of_the_file():
    text = (
        "journey: a\nentry: {event: a}\nsteps:\n  - {sned: x}\n  - {send: x, vai: z}\n"
        "  - wait_for: b\n    then: [{wait: 3}]\n    timeout: 1 day\n"
    )
    found = check_structure("journey", node_of(text))
    assert [(item.code, item.span.line) for item in found] == [("JS004", 2), ("JS003", 4), ("JS003", 5), ("JS005", 7)]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        step("{wait_for: a, timeout: 1 day, then: [" * 20 + "{exit: a}" + "]}" * 20),
        step("{branch: [{else: [" * 15 + "{sned: a}" + "]}]}" * 15),
        "journey: a\nentry: {event: a, again: never}\nsteps: [" + "3, " * 50_000 + "]",
        "{" + ", ".join(f"key{number}: 1" for number in range(20_000)) + "}",
        step("{send: a, via: [" + ", ".join(f"{n}, c{n}" for n in range(20_000)) + "]}"),
        "? " + "x" * 100_000 + "\n: 1\n",
    ],
    ids=["deep", "deep and wrong", "wrong items", "unknown keys", "mixed list", "long key"],
)
def test_no_shape_is_too_much_to_check(text):
    for found in check_structure("journey", node_of(text)):
        assert len(found.message) < 200


# The schemas themselves --------------------------------------------------------------------------------------------


def parts(part):
    """Yield every schema inside a schema, itself included."""
    if isinstance(part, dict):
        yield part
        for name, child in part.items():
            if name in ("properties", "$defs"):
                for inner in child.values():
                    yield from parts(inner)
            elif name in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "contains", "not"):
                yield from parts(child)
            elif name in ("allOf", "anyOf"):
                for inner in child:
                    yield from parts(inner)


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_a_schema_is_valid_json_schema(kind):
    Draft202012Validator.check_schema(schema(kind))
    assert schema(kind)["$schema"] == Draft202012Validator.META_SCHEMA["$schema"]


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_every_key_of_a_schema_is_described_for_editors(kind):
    root = schema(kind)
    assert root["title"]
    assert root["description"]
    for part in parts(root):
        for name, child in part.get("properties", {}).items():
            if isinstance(child, dict) and not child.keys() <= {"const", "type", "not", "errorMessage"}:
                assert child.get("description", "").endswith((".", "`.")), name


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_every_mapping_of_a_schema_is_closed(kind):
    for part in parts(schema(kind)):
        declared = part.get("properties")
        if part.get("type") == "object" and declared is not None and "propertyNames" not in part:
            forms = [inner for inner in parts(part) if inner.get("additionalProperties") is False]
            assert forms or "allOf" in part, part.get("title")


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_the_examples_of_a_schema_follow_it(kind):
    root = schema(kind)
    plain_validator = Draft202012Validator(root)
    assert root["examples"]
    for part in parts(root):
        for example in part.get("examples", ()):
            assert plain_validator.evolve(schema={**part, "$schema": root["$schema"]}).is_valid(example), example


@pytest.mark.parametrize("kind", SCHEMA_KINDS)
def test_the_example_of_a_kind_of_file_is_a_good_one(kind):
    for example in schema(kind)["examples"]:
        assert check_structure(kind, node_of(json.dumps(example))) == []


OURS_ALONE = ("«1.0»", "{branch: [{«else»: []}, ")
"""Departures that JSON Schema has no words for: a whole number written with a point, an item that is not the last."""


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((kind, text) for kind, text, _, _ in BAD_FILES),
        *(
            ("journey", step(text))
            for text, _, _ in BAD_STEPS
            if not any(only_ours in text for only_ours in OURS_ALONE)
        ),
    ],
)
def test_an_editor_refuses_what_the_compiler_refuses(kind, text):
    value = plain(node_of(marked(text)[0]))
    assert not Draft202012Validator(schema(kind)).is_valid(value)


@pytest.mark.parametrize(("kind", "text"), [*GOOD_FILES, *(("journey", step(text)) for text in GOOD_STEPS)])
def test_an_editor_accepts_what_the_compiler_accepts(kind, text):
    assert Draft202012Validator(schema(kind)).is_valid(plain(node_of(text)))


def test_checking_leaves_the_schemas_as_they_are():
    before = copy.deepcopy(schema("journey"))
    check_structure("journey", node_of(step("{sned: a}")))
    assert schema("journey") == before


def test_the_steps_of_the_schema_are_the_steps_that_are_read():
    declared = schema("journey")["$defs"]["step"]
    assert set(step_keywords()) == set(STEP_KEYWORDS) == set(declared["properties"]) - {"id"}
    assert [choice["if"]["required"][0] for choice in declared["allOf"]] == list(step_keywords())


def test_the_rules_of_the_schema_are_the_rules_there_are():
    names = schema("project")["properties"]["rules"]["propertyNames"]["enum"]
    assert names == [rule.code for rule in RULES]
