"""What is due when, in memory."""

from contextlib import closing

from journeyscript.stores.memory.agenda import Agenda


def due(agenda, at):
    with closing(agenda.until(at)) as keys:
        return list(keys)


def test_keys_come_by_time_then_by_key_and_stay():
    agenda = Agenda()
    for key, at in ((3, 10), (1, 20), (2, 10)):
        agenda.put(key, at)
    assert due(agenda, 19) == [2, 3]
    assert due(agenda, 20) == [2, 3, 1]
    assert agenda.count(19) == 2


def test_stopping_early_loses_nothing():
    agenda = Agenda()
    for key in range(5):
        agenda.put(key, key)
    with closing(agenda.until(9)) as keys:
        assert next(keys) == 0
    assert due(agenda, 9) == [0, 1, 2, 3, 4]


def test_a_key_moved_back_and_forth_comes_once():
    agenda = Agenda()
    for at in (5, 7, 5, 7, 5):
        agenda.put(1, at)
    assert due(agenda, 9) == [1]
    assert agenda.first() == 5
    agenda.remove(1)
    agenda.remove(1)
    assert (due(agenda, 9), agenda.first()) == ([], None)


def test_what_was_removed_is_forgotten_in_the_end():
    agenda = Agenda()
    for key in range(5000):
        agenda.put(key, 10_000 - key)
    for key in range(4990):
        agenda.remove(key)
    assert len(agenda._heap) < 1100
    assert due(agenda, 20_000) == list(range(4999, 4989, -1))
