"""Random journeys over the base project, as text: what the grammar of steps can say and the compiler accepts."""

import json

from hypothesis import strategies as st

CONDITIONS = (
    "customer.vip",
    "not customer.vip",
    "customer.visits > 3",
    "has customer.age and customer.age >= 18",
    "customer.verified ?? false",
    "did(purchased, since entry)",
    "count(purchased, last 30 days) >= 2",
    "customer in segment loyal",
    "customer in segment reachable or customer.visits == 0",
    "consent.sms",
    'customer.status == "active"',
    "days_since(customer.joined) > 30",
    "sum(purchased.total) > customer.balance",
)
WAITED_FOR = (
    {"event": "purchased"},
    {"event": "purchased", "where": "event.total >= 50"},
    {"event": "purchased", "where": "has event.category and customer.vip"},
    {"event": "page_viewed", "where": 'event.url starts with "/cart"'},
    {"event": "app_installed"},
)
DURATIONS = ("1 second", "90 minutes", "1 day", "3 days", "1 calendar day", "2 calendar weeks", "PT90S")
MOMENTS = (
    {"time": "09:00"},
    {"time": "02:30", "days": "weekdays", "spread": "15 minutes"},
    {"date": "customer.birthday - 3 days", "time": "08:00", "if_missing": "continue"},
    {"date": "customer.seen_at", "if_missing": "exit", "if_past": "exit", "spread": "1 hour"},
    {"date": "last(purchased).at + 2 days", "if_missing": "continue", "if_past": "continue"},
    {"between": ["09:00", "18:00"], "days": ["mon", "sat"]},
    {"between": ["22:00", "06:00"], "spread": "30 minutes"},
    {"when": "customer.vip or did(purchased, since entry)", "timeout": "3 days"},
    {"when": "customer.visits > 5", "timeout": "1 calendar day"},
)
ACTIONS = (
    {"send": "welcome"},
    {"send": "reminder", "via": ["push", "email"]},
    {"send": "offer", "with": {"discount": "customer.visits * 2"}},
    {"send": "code", "with": {"code": "upper(customer.country)"}},
    {"send": "welcome", "at": "best_time"},
    {"send": "reminder", "via": "email", "at": "best_time", "max_age": "2 hours"},
    {"set": {"visits": "customer.visits + 1"}},
    {"set": {"vip": True, "level": '"gold"'}},
    {"emit": "page_viewed", "properties": {"url": '"/journey"'}},
    {"enter": "other", "with": {"visits": "customer.visits"}},
    {"stage": "active"},
)
EXIT = {"exit": "left"}
ENTRY = {
    "while_active": st.sampled_from(["ignore", "restart", "refresh"]),
    "holdout": st.sampled_from(["5%", "0.5%", "99.9999%"]),
    "max_active": st.integers(1, 1000),
}
HEAD = {"priority": st.integers(-3, 3), "exclusive_group": st.just("offers")}


def _plain() -> st.SearchStrategy[dict]:
    waits = st.sampled_from(DURATIONS).map(lambda text: {"wait": text})
    moments = st.sampled_from(MOMENTS).map(lambda moment: {"wait_until": moment})
    return st.sampled_from(ACTIONS) | waits | moments


def _blocks(depth: int, *, most: int = 3) -> st.SearchStrategy[list[dict]]:
    return st.lists(_step(depth), max_size=most)


@st.composite
def _step(draw: st.DrawFn, depth: int) -> dict:
    if depth <= 0 or draw(st.integers(0, 2)) == 0:
        return draw(_plain())
    inner = _blocks(depth - 1)
    match draw(st.sampled_from(["branch", "split", "repeat", "wait_for", "several", "send"])):
        case "branch":
            conditions = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3, unique=True))
            items = [{"if": condition, "steps": draw(inner)} for condition in conditions]
            if draw(st.booleans()):
                items[0]["steps"].append(EXIT)
            return {"branch": [*items, {"else": draw(inner)}]}
        case "split":
            weight = draw(st.integers(0, 100))
            return {
                "split": draw(st.sampled_from(["colour", "tone"])),
                "per": draw(st.sampled_from(["customer", "entry"])),
                "arms": [
                    {"arm": "a", "weight": weight, "steps": draw(inner)},
                    {"arm": "b", "weight": 100 - weight, "steps": draw(inner)},
                ],
            }
        case "repeat":
            loop = {"times": draw(st.integers(1, 3))}
            if draw(st.booleans()):
                loop["until"] = draw(st.sampled_from(CONDITIONS))
            return {"repeat": loop, "steps": [{"wait": draw(st.sampled_from(DURATIONS))}, *draw(inner)]}
        case "wait_for":
            case = draw(st.sampled_from(WAITED_FOR))
            then = draw(inner) + ([EXIT] if draw(st.booleans()) else [])
            where = {"where": case["where"]} if "where" in case else {}
            timeout = draw(st.sampled_from(DURATIONS))
            return {"wait_for": case["event"], **where, "timeout": timeout, "then": then, "else": draw(inner)}
        case "several":
            cases = draw(st.lists(st.sampled_from(WAITED_FOR), min_size=1, max_size=3))
            events = [{**case, "steps": draw(inner)} for case in cases]
            return {"wait_for": events, "timeout": draw(st.sampled_from(DURATIONS))}
        case _:
            return {"send": "reminder", "else": draw(inner)}


@st.composite
def journeys(draw: st.DrawFn) -> dict:
    """Draw a journey as plain values; every step has an id of its own."""
    journey: dict = {
        "journey": "trial",
        "entry": {
            "event": "signed_up",
            "again": draw(st.sampled_from(["never", "always", "after 3 days", "after 1 week after exit"])),
            **draw(st.fixed_dictionaries({}, optional=ENTRY)),
        },
        **draw(st.fixed_dictionaries({}, optional=HEAD)),
    }
    if draw(st.booleans()):
        journey["goal"] = {"event": "purchased", "where": "event.total >= 100", "exit": draw(st.booleans())}
        if draw(st.booleans()):
            journey["goal"]["within"] = "5 days"
    journey["exit"] = draw(
        st.lists(
            st.sampled_from(
                [
                    {"event": "account_closed"},
                    {"event": "purchased", "where": "event.total == 0"},
                    {"when": 'customer.status == "blocked"'},
                    {"when": "customer.visits > 8"},
                ]
            ),
            max_size=2,
        )
    )
    if draw(st.booleans()):
        journey["max_lifetime"] = draw(st.sampled_from(["1 day", "10 days", "200 days"]))
    steps = draw(st.lists(_step(2), min_size=1, max_size=5))
    counter = iter(range(1, 10_000))
    journey["steps"] = [_with_ids(step, counter) for step in steps]
    return journey


def _with_ids(value, counter):
    """Return a copy in which every step is numbered."""
    if isinstance(value, list):
        return [_with_ids(item, counter) for item in value]
    if not isinstance(value, dict):
        return value
    words = (
        "send",
        "wait",
        "wait_until",
        "wait_for",
        "branch",
        "split",
        "repeat",
        "set",
        "emit",
        "enter",
        "stage",
        "exit",
    )
    is_step = any(word in value for word in words) and "when" not in value
    number = {"id": f"s{next(counter)}"} if is_step else {}
    inner = ("steps", "then", "else", "branch", "arms", "wait_for")
    return {**number, **{key: _with_ids(item, counter) if key in inner else item for key, item in value.items()}}


def text_of(journey: dict) -> str:
    """Return a journey as a file's text: JSON is YAML."""
    return json.dumps(journey)
