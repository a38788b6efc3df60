"""The picture of a change: what is new, changed and gone is marked, and nothing else is."""

from journeyscript.machine.comparison import compare
from journeyscript.machine.pictures.change import picture_of_change
from journeyscript.machine.pictures.mermaid import mermaid
from journeyscript.machine.pictures.picture import picture_of
from journeyscript.machine.pictures.svg import svg
from tests.projects import compile_text

BEFORE = """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
  - id: pause
    wait: 2 days
  - send: reminder
"""


def compiled(text):
    found, findings = compile_text(text)
    assert found is not None, findings
    return found


def change(after):
    old, new = compiled(BEFORE), compiled(after)
    return picture_of_change(old.machine, new.machine, compare(old.machine, new.machine, old.about, new.about))


def marks(picture):
    return {box.id: box.mark for box in picture.boxes if box.mark}


def ways(picture):
    return {(arrow.source, arrow.target, arrow.mark) for arrow in picture.arrows if arrow.mark}


def test_where_nothing_changed_the_picture_is_that_of_the_journey():
    assert change(BEFORE) == picture_of(compiled(BEFORE).machine)


def test_a_step_that_goes_is_drawn_behind_the_others_with_the_ways_it_had():
    picture = change(BEFORE.replace("  - id: pause\n    wait: 2 days\n", ""))
    assert [box.id for box in picture.boxes][-1] == "pause"
    assert marks(picture) == {"send.welcome": "changed", "pause": "gone"}
    assert ways(picture) == {
        ("send.welcome", "send.reminder", "new"),
        ("send.welcome", "pause", "gone"),
        ("pause", "send.reminder", "gone"),
    }
    drawn = mermaid(picture)
    assert "s0 ==> s1" in drawn
    assert "s0 -.-> s3" in drawn
    assert "(gone)" in svg(picture)


def test_a_step_that_comes_is_new_and_one_that_is_different_is_changed():
    picture = change(BEFORE.replace("2 days", "3 days") + "  - wait: 1 day\n")
    assert marks(picture) == {"pause": "changed", "send.reminder": "changed", "wait": "new"}


def test_a_step_by_another_name_is_changed_and_not_gone():
    picture = change(BEFORE.replace("pause", "rest").replace("entry:", "migrate: { from: { pause: rest } }\nentry:"))
    assert marks(picture) == {"rest": "changed"}
    assert ways(picture) == set()


def test_another_entry_marks_where_the_picture_begins():
    picture = change(BEFORE.replace("again: never", "again: always"))
    assert marks(picture) == {"": "changed"}
    assert "class start changed" in mermaid(picture)
