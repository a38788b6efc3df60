"""What a week brings: entries and messages before and now, by what customers did in the last weeks."""

import pytest

from journeyscript.runtime.changing.histories import sampling
from journeyscript.stores.memory import MemoryStore
from tests.runtime.changing.test_histories import AT, COUPON, DAY, OTHER, PURCHASE, Shop

WEB = 'journey: trial\nentry: { event: signed_up, where: event.source == "web", again: never }\n'


@pytest.fixture
def shop(tmp_path):
    """On each of 28 days somebody signs up on the web; on each other one in the app as well."""
    shop = Shop(MemoryStore(), tmp_path / "project")
    shop.deploy(COUPON, WEB)
    for day in range(28):
        shop.until(AT + day * DAY)
        shop.happen(f"web-{day}")
        if day % 2:
            shop.happen(f"app-{day}", source="app")
    shop.until(AT + 28 * DAY)
    return shop


def told(shop, most=100):
    found = shop.outlook(most).week
    return {(one.journey, one.channel): (one.before, one.now) for one in found.expected}


def test_entries_and_messages_of_a_changed_journey_are_told_for_a_week(shop):
    shop.write(COUPON, WEB.replace('where: event.source == "web", ', ""))
    found = shop.outlook().week
    assert (found.days, found.taken, found.customers) == (28.0, 42, 42)
    # 28 and 42 entries in four weeks; the last message goes out after 23 days, to the first six and the first nine.
    assert told(shop) == {("trial", ""): (7, 10), ("trial", "email"): (7, 10), ("trial", "push"): (2, 2)}


def test_what_happened_longer_ago_does_not_count_but_leads_to_what_does(shop):
    shop.until(AT + 42 * DAY)
    shop.write(COUPON.replace("20 days", "21 days"), WEB)
    found = shop.outlook().week
    assert found.days == 28.0
    assert told(shop)["trial", ""] == (4, 4), "14 of 28"
    assert told(shop)["trial", "push"] == (5, 5), "19 of those 28 whom the store has"


def test_a_sample_stands_for_everybody(shop, monkeypatch):
    shop.write(COUPON.replace("3 days", "2 days"), WEB)
    found = shop.outlook(21).week
    assert (found.taken, found.customers) == (21, 42)
    assert told(shop, 21) == told(shop, 21)
    assert abs(told(shop, 21)["trial", ""][0] - 7) <= 2
    monkeypatch.setattr(sampling, "AT_LEAST", 10)
    monkeypatch.setattr(sampling, "EACH", 0)
    few = shop.outlook(21)
    assert (few.week.taken, few.histories[0].taken) == (10, 10), "as many as their events allow"


def test_a_journey_that_comes_or_goes_has_one_side(shop):
    (shop.root / "journeys" / "trial.yaml").unlink()
    gone = shop.root / "journeys" / "other.yaml"
    gone.write_text(OTHER.replace("purchased", "signed_up").replace("  - wait: 9 days\n", ""), encoding="utf-8")
    shop.compile()
    found = shop.outlook()
    assert told(shop) == {
        ("other", ""): (None, 10),
        ("other", "email"): (None, 10),
        ("trial", ""): (7, None),
        ("trial", "email"): (7, None),
        ("trial", "push"): (2, None),
    }
    assert [one.journey for one in found.histories if one.there] == [], "there is nothing to replay them through"
    assert [one.code for one in found.findings] == ["JS812"]


def test_a_file_of_another_name_changes_nothing(shop):
    (shop.root / "journeys" / "trial.yaml").rename(shop.root / "journeys" / "renamed.yaml")
    shop.compile(sound=False)
    assert shop.plan().of == ()
    outlook = shop.outlook()
    assert (outlook.histories, outlook.week, outlook.findings) == ((), None, ())


def test_other_journeys_are_told_where_it_makes_a_difference_to_them(shop):
    chained = COUPON.replace("  - send: welcome\n    via: email\n", "  - emit: app_installed\n")
    other = OTHER.replace("purchased", "app_installed").replace("  - wait: 9 days\n", "")
    shop.deploy(COUPON, WEB, {"journeys/other.yaml": other})
    shop.write(chained, WEB, {"journeys/other.yaml": other})
    assert told(shop) == {
        ("other", ""): (0, 7),
        ("other", "email"): (0, 7),
        ("trial", ""): (7, 7),
        ("trial", "email"): (7, 0),
        ("trial", "push"): (2, 2),
    }


def test_less_than_a_day_tells_nothing(tmp_path):
    shop = Shop(MemoryStore(), tmp_path / "project")
    shop.deploy(COUPON)
    shop.write(COUPON.replace("3 days", "2 days"))
    assert shop.outlook().week.expected == ()
    shop.happen("ada", "purchased", **PURCHASE)
    shop.until(AT + DAY - 1)
    assert shop.outlook().week.expected == ()
    shop.until(AT + DAY)
    assert told(shop) == {("trial", ""): (0, 0)}
