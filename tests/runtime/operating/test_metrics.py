"""What is counted of batches and settlements as they pass through an observed store, on both stores."""

from contextlib import closing

import pytest
from prometheus_client.parser import text_string_to_metric_families

from journeyscript.channels.outgoing import Deferred, Refused, Sent, Unknown
from journeyscript.runtime.advancing.batch import advance
from journeyscript.runtime.operating.metrics import Metrics
from journeyscript.runtime.operating.observing import observed
from journeyscript.runtime.operating.orders import Cancel, carry_out
from journeyscript.runtime.session import deployments_of, rules_of
from journeyscript.stores.memory import MemoryStore
from journeyscript.stores.sqlite import open_sqlite
from tests.runtime.sends import NOW, outbox_of, put_sends

DAY = 86_400_000


class Counting:
    """A store and what is counted of it, on a clock that the test sets."""

    def __init__(self, store, file):
        self.now, self._file = NOW, file
        self.metrics = Metrics(["welcome"], lambda: self.now, file=file)
        self.store = observed(store, self.metrics)

    def counts(self, name):
        """Return the samples of this name: labels to value, without those that are zero."""
        self.metrics.show(self.now, self.store.next_due(), self.store.next_available())
        families = text_string_to_metric_families(self._file.read_text())
        return {
            tuple(one.labels.values()): one.value
            for family in families
            for one in family.samples
            if one.name == f"journeyscript_{name}" and one.value
        }


@pytest.fixture(params=["memory", "sqlite"])
def counting(request, tmp_path, usual):
    made = MemoryStore() if request.param == "memory" else open_sqlite(tmp_path / "counted.db")
    with closing(made):
        made.deploy(deployments_of(usual), NOW)
        yield Counting(made, tmp_path / "run.prom")


def take(counting, project, records):
    store, rules = counting.store, rules_of(project, counting.store, virtual=False)
    store.commit(advance(store, rules, incoming=records, due=store.due(counting.now, 100), now=counting.now))


def test_entries_endings_and_sends_are_those_that_the_store_has(usual, take_in, counting):
    rows = [("a", 0, "signed_up"), ("b", 1, "signed_up"), ("b", 2, "signed_up"), ("b", 3, "closed")]
    take(counting, usual, take_in(usual, rows))
    take(counting, usual, take_in(usual, [("a", 4, "closed")]))
    entered = sum(one.count for one in counting.store.journey_counts())
    assert entered == 2
    assert counting.counts("entries_total") == {("welcome",): entered}
    assert counting.counts("endings_total") == {("welcome", "exited"): 2}
    assert counting.counts("refusals_total") == {("welcome", "inside"): 1}
    assert counting.counts("sends_total") == {("post", "decided", "welcome", ""): 2}


def test_how_late_a_timer_was_kept_is_counted_once_for_each_that_was_due(usual, take_in, counting):
    counting.now = NOW + 30_000
    take(counting, usual, take_in(usual, [("a", 0, "signed_up"), ("b", 30_000, "signed_up")]))
    assert counting.counts("timer_lateness_seconds_count") == {}
    store = counting.store
    due = store.next_due()
    counting.now = due + 5_000
    assert counting.counts("timers_overdue_seconds") == {(): 5}
    take(counting, usual, [])
    assert counting.counts("timer_lateness_seconds_count") == {(): 1}
    assert counting.counts("timer_lateness_seconds_sum") == {(): 5}
    assert counting.counts("timers_overdue_seconds") == {}, "the other one is not due yet"


def test_each_attempt_is_counted_by_what_became_of_it_and_none_that_was_not_begun(usual, counting):
    put_sends(usual, counting.store, 5)
    answers = [Sent(), Refused(detail="no"), Deferred(detail="busy"), Unknown(detail="?")]
    answers.append(Deferred(detail="the run ends", begun=False))
    _, outbox, _ = outbox_of(usual, answers, store=counting.store, on_unknown="assume_sent")
    counting.now = NOW + 7_000
    assert counting.counts("outbox_overdue_seconds") == {(): 7}
    outbox.deliver(NOW)
    outbox.close()
    assert counting.counts("deliveries_total") == {
        ("post", "sent", ""): 1,
        ("post", "failed", "permanent"): 1,
        ("post", "deferred", "deferred"): 1,
        ("post", "sent", "assumed"): 1,
    }


def test_what_an_operator_cancels_is_counted_on_its_channel(usual, counting):
    put_sends(usual, counting.store, 3)
    carry_out(counting.store, Cancel(), NOW)
    assert counting.counts("deliveries_total") == {("post", "skipped", "cancelled"): 3}


def test_what_a_store_refuses_to_keep_is_not_counted(usual, tmp_path):
    with closing(open_sqlite(tmp_path / "counted.db")) as store:
        store.deploy(deployments_of(usual), NOW)
        counting = Counting(store, tmp_path / "run.prom")
        put_sends(usual, counting.store, 2)
        with pytest.raises(ValueError, match="already keeps"):
            put_sends(usual, counting.store, 2)
        assert counting.counts("entries_total") == {("welcome",): 1}
        assert counting.counts("sends_total") == {("post", "decided", "welcome", ""): 2}


def test_a_file_that_can_no_longer_be_written_stops_nothing_and_is_told_once(usual, tmp_path, caplog):
    folder = tmp_path / "collected"
    folder.mkdir()
    metrics = Metrics([], lambda: NOW, file=folder / "run.prom")
    (folder / "run.prom").unlink()
    folder.rmdir()
    for second in range(3):
        metrics.show(NOW + second * 1_000, None, None)
    assert [one.message for one in caplog.records] == [
        f"the file {folder / 'run.prom'} cannot be written: No such file or directory"
    ]
    assert not metrics.wanted(NOW + 2_999)
    assert metrics.wanted(NOW + 3_000)
