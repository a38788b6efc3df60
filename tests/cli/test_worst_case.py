"""`journeyscript worst-case`: what it counts, how it shows it, and how it ends."""

import json

SERIES = {
    "journeyscript.yaml": "name: shop\ntimezone: Europe/Berlin\npolicies: { caps: [{ messages: 1, per: 12 hours }] }\n",
    "journeys/series.yaml": """
journey: series
entry: { event: purchased, again: always }
steps:
  - repeat: { times: 9 }
    steps:
      - wait: 6 hours
      - send: later
""",
}


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_it_counts_each_journey_and_all_of_them_together(make_shop, in_process):
    ran = in_process(make_shop(SERIES), "worst-case")
    assert ran.exit_code == 0
    table = rows(ran.stdout)
    assert " ".join(table[1]) == "journey channel class in all any 12 hours any 24 hours any 7 days"
    assert ["series", "all", "all", "9", "2", "4", "9"] in table
    assert ["welcome", "all", "all", "2", "2", "2", "2"] in table
    assert ["together", "all", "all", "11", "2-4", "4-6", "9-11"] in table
    assert ["post", "marketing", "9", "2", "4", "9"] in table


def test_it_says_on_which_way_and_for_which_entry(make_shop, in_process):
    lines = in_process(make_shop(SERIES), "worst-case", "series").stdout.splitlines()
    assert "series: for one entry; `again: always`, so there is no bound over time" in lines
    assert "series: 2 in 12 hours on send.later, repeat, wait, send.later" in lines
    (whole,) = [line for line in lines if line.startswith("series: 9 in all on repeat, wait, send.later, ")]
    assert " more), " in whole
    assert not [line for line in lines if "together" in line], "one journey is what it is together"


def test_a_journey_that_goes_over_a_cap_is_counted_all_the_same(make_shop, in_process):
    shop = make_shop(SERIES)
    assert in_process(shop, "validate").exit_code == 1
    assert in_process(shop, "worst-case", "series").exit_code == 0


def test_entries_say_how_often_the_numbers_come_round(make_shop, in_process):
    heads = {
        "again: never": "for good: nobody enters again",
        "again: after 30 days": "for one entry; the next one is 30 days after entry at the earliest",
        "again: after 30 days after exit": "for one entry; the next one is 30 days after exit at the earliest",
        "again: always, while_active: restart": "for one entry; entering again starts it anew",
        "again: always, key: event.total": "for one entry; there is one for each `key`",
    }
    shop = make_shop()
    for head, said in heads.items():
        text = f"journey: welcome\nentry: {{ event: purchased, {head} }}\nsteps: [{{ send: welcome }}]\n"
        shop.write({"journeys/welcome.yaml": text})
        ran = in_process(shop, "worst-case")
        assert f"welcome: {said}" in ran.stdout, ran.output


def test_json_holds_the_numbers_and_the_ways(make_shop, in_process):
    found = json.loads(in_process(make_shop(SERIES), "worst-case", "--output-format", "json").stdout)
    assert found["format"] == "journeyscript.worst-case/1"
    series, welcome = found["journeys"]
    assert (series["journey"], welcome["journey"]) == ("series", "welcome")
    first = series["rows"][0]
    assert (first["channel"], first["class"], first["in_all"]["most"]) == (None, None, 9)
    assert [(one["milliseconds"], one["least"], one["most"]) for one in first["within"]] == [
        (43_200_000, 2, 2),
        (86_400_000, 4, 4),
        (604_800_000, 9, 9),
    ]
    assert first["within"][0]["path"] == ["send.later", "repeat", "wait", "send.later"]
    assert found["together"]["rows"][0]["in_all"] == {"least": 11, "most": 11, "path": []}


def test_markdown_is_a_table_with_remarks(make_shop, in_process):
    lines = in_process(make_shop(SERIES), "worst-case", "series", "--output-format", "markdown").stdout.splitlines()
    assert lines[0].startswith("| journey | channel | class | in all | any 12 hours |")
    assert lines[2] == "| series | all | all | 9 | 2 | 4 | 9 |"
    assert "- series: 2 in 12 hours on `send.later`, `repeat`, `wait`, `send.later`" in lines


def test_what_nobody_knows_is_a_question_mark(make_shop, in_process):
    steps = "repeat: { times: 1000 }, steps: [{ wait: 1 hour, id: a }, { send: later }]"
    text = (
        "journey: series\nentry: { event: purchased, again: never }\n"
        f"steps: [{{ repeat: {{ times: 1000 }}, id: outer, steps: [{{ wait: 1 day }}, {{ {steps} }}] }}]\n"
    )
    shop = make_shop({"journeys/series.yaml": text})
    assert ["series", "all", "all", "?", "?", "?"] in rows(in_process(shop, "worst-case", "series").stdout)
    found = json.loads(in_process(shop, "worst-case", "series", "--output-format", "json").stdout)
    assert found["journeys"][0]["rows"][0]["in_all"] == {"least": None, "most": None, "path": []}


def test_a_journey_without_messages_has_a_row(make_shop, in_process):
    quiet = "journey: quiet\nentry: { event: purchased, again: never }\nsteps: [{ exit: done }]\n"
    table = rows(in_process(make_shop({"journeys/quiet.yaml": quiet}), "worst-case", "quiet").stdout)
    assert ["quiet", "all", "all", "0", "0", "0"] in table


def test_an_unknown_journey_ends_with_2_a_broken_project_with_1_and_an_empty_one_with_3(make_shop, in_process):
    shop = make_shop()
    ran = in_process(shop, "worst-case", "welcme")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "`welcome`" in ran.stderr
    shop.write({"journeys/welcome.yaml": "journey: welcome\n"})
    ran = in_process(shop, "worst-case")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "journeys/welcome.yaml" in ran.stderr
    (shop.root / "journeys" / "welcome.yaml").unlink()
    assert in_process(shop, "worst-case").exit_code == 3
