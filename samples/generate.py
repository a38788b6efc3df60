"""Writes `events.jsonl`: six weeks of an invented shop, the same every time.

Run it as `python samples/generate.py`; a test holds the shipped file equal to what it writes.
"""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CUSTOMERS = 60
NAMES = ["Ada", "Bo", "Chen", "Dora", "Emeka", "Finn", "Grete", "Hana", "Ivo", "Jun", "Kaja", "Lale", "Mei", "Nils"]
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Shanghai", "Europe/Kyiv", None]
LOCALES = {"Europe/Berlin": "de", "Asia/Shanghai": "zh-CN"}


def events() -> list[dict[str, object]]:
    """Return the events in the order of time."""
    chance = random.Random(20260302)
    records: list[dict[str, object]] = []
    for number in range(CUSTOMERS):
        records += _customer(chance, number)
    records.sort(key=lambda record: str(record["time"]))
    return [{"id": f"e{number:04}", **record} for number, record in enumerate(records, 1)]


def _customer(chance: random.Random, number: int) -> list[dict[str, object]]:
    customer = f"c{number:03}"
    signed_up = START + timedelta(minutes=chance.randrange(21 * 24 * 60))
    zone = chance.choice(ZONES)
    attributes = {
        "email": f"{customer}@example.com" if chance.random() < 0.95 else None,
        "first_name": chance.choice([*NAMES, None]),
        "phone": f"+4915100000{number:03}" if chance.random() < 0.5 else None,
        "push_token": f"token-{number:03}" if chance.random() < 0.3 else None,
        "timezone": zone,
        "locale": LOCALES.get(zone or ""),
        "status": "active",
    }
    consent = {"email": chance.random() < 0.9, "sms": chance.random() < 0.6, "push": chance.random() < 0.8}
    source = chance.choice(["web", "web", "app", "shop", "import"])
    records = [
        {
            "customer": customer,
            "event": "signed_up",
            "time": _text(signed_up),
            "properties": {"source": source},
            "attributes": {name: value for name, value in attributes.items() if value is not None},
            "consent": consent,
        }
    ]
    moment = signed_up
    for order in range(chance.choice([0, 0, 1, 1, 2, 4])):
        moment += timedelta(minutes=chance.randrange(60, 9 * 24 * 60))
        records += _order(chance, customer, f"{number:03}-{order + 1}", moment)
    if chance.random() < 0.2:
        records.append({"customer": customer, "event": "app_installed", "time": _text(moment + timedelta(hours=20))})
    if chance.random() < 0.05:
        records.append({"customer": customer, "event": "account_closed", "time": _text(moment + timedelta(days=2))})
    return records


def _order(chance: random.Random, customer: str, order: str, moment: datetime) -> list[dict[str, object]]:
    total = round(chance.uniform(15, 160), 2)
    shipped = moment + timedelta(hours=chance.randrange(4, 30))
    delivery = (shipped + timedelta(days=2)).date().isoformat()
    records: list[dict[str, object]] = [
        {
            "customer": customer,
            "event": "purchased",
            "time": _text(moment),
            "properties": {"order_id": order, "total": total},
        },
        {
            "customer": customer,
            "event": "order_shipped",
            "time": _text(shipped),
            "properties": {"order_id": order} | ({"delivery_date": delivery} if chance.random() < 0.9 else {}),
        },
    ]
    if chance.random() < 0.4:
        written = moment + timedelta(days=chance.randrange(5, 14), hours=3)
        stars = chance.randrange(1, 6)
        records.append(
            {
                "customer": customer,
                "event": "review_written",
                "time": _text(written),
                "properties": {"order_id": order, "stars": stars},
            }
        )
    return records


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def main() -> None:
    """Write the file beside this one."""
    lines = [json.dumps(record, ensure_ascii=False) for record in events()]
    Path(__file__).with_name("events.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
