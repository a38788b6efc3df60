"""Live runs of the real command: events from a pipe, a file that grows, a folder, and timers that fire."""

import json
import subprocess

DAY = "2026-03-02T09:00:00+01:00"


def welcomed(shop):
    return sorted(message["customer"] for message in shop.outbox() if message["message"] == "welcome")


def greeted_again(shop):
    return sorted(message["customer"] for message in shop.outbox() if message["message"] == "later")


def test_piped_events_are_taken_in_as_they_come_and_timers_fire_on_time(shop, record, until):
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(record("ada", "signed_up", attributes={"first_name": "Ada"}))
    run.stdin.flush()
    until(lambda: welcomed(shop) == ["ada"])
    assert shop.outbox()[0]["text"].strip() == "Hello Ada"
    run.stdin.write(record("bo", "signed_up"))
    run.stdin.flush()
    until(lambda: greeted_again(shop) == ["ada", "bo"])
    said = shop.stop(run)
    assert "Took in 2 records" in said
    first, second = (s for s in shop.sends() if s.key.startswith(f"welcome/{shop.sends()[0].enrollment}/"))
    assert second.created_at - first.created_at >= 1_000, "the wait of one second was kept"


def test_a_run_goes_on_with_its_timers_after_the_pipe_has_ended(shop, record, until):
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(record("ada", "signed_up").rstrip("\n"))
    run.stdin.close()
    until(lambda: greeted_again(shop) == ["ada"])
    shop.stop(run)


def test_a_followed_file_is_read_line_by_line_as_it_grows(shop, record, until):
    followed = shop.root / "events.jsonl"
    run = shop.start("--follow", followed)
    with followed.open("w") as file:
        file.write(record("ada", "signed_up"))
        file.flush()
        until(lambda: welcomed(shop) == ["ada"])
        line = record("bo", "signed_up")
        file.write(line[:20])
        file.flush()
        until(lambda: greeted_again(shop) == ["ada"])
        assert welcomed(shop) == ["ada"], "half a line is no line"
        file.write(line[20:])
        file.flush()
        until(lambda: welcomed(shop) == ["ada", "bo"])
    shop.stop(run)
    assert shop.ask(lambda store: store.rejected(5)) == []


def test_a_file_that_is_rotated_or_cut_is_read_from_its_new_start(shop, record, until):
    followed = shop.root / "events.jsonl"
    followed.write_text(record("ada", "signed_up"))
    run = shop.start("--follow", followed)
    until(lambda: welcomed(shop) == ["ada"])
    with followed.open("a") as file:
        file.write(record("bo", "signed_up"))
    followed.rename(shop.root / "events.jsonl.1")
    followed.write_text(record("cy", "signed_up") + record("di", "signed_up"))
    until(lambda: welcomed(shop) == ["ada", "bo", "cy", "di"])
    followed.write_text(record("ed", "signed_up"))
    until(lambda: welcomed(shop) == ["ada", "bo", "cy", "di", "ed"])
    shop.stop(run)
    assert shop.events() == 5


def test_files_that_arrive_in_a_followed_folder_are_read(shop, record, until):
    folder = shop.root / "incoming"
    folder.mkdir()
    (folder / "a.jsonl").write_text(record("ada", "signed_up"))
    run = shop.start("--follow", folder)
    until(lambda: welcomed(shop) == ["ada"])
    (folder / "b.jsonl").write_text(record("bo", "signed_up"))
    (folder / "notes.txt").write_text("these are no events")
    until(lambda: welcomed(shop) == ["ada", "bo"])
    shop.stop(run)
    run = shop.start("--follow", folder)
    with (folder / "a.jsonl").open("a") as file:
        file.write(record("cy", "signed_up"))
    until(lambda: welcomed(shop) == ["ada", "bo", "cy"])
    shop.stop(run)
    assert shop.events() == 3


def test_lines_that_are_no_records_are_kept_with_the_reason_and_stop_nobody(shop, record):
    lines = ["not json\n", "[]\n", record("ada", "sined_up"), "\n", record("bo", "signed_up"), '{"customer": "x"']
    ran = shop.run("run", "--once", stdin="".join(lines))
    assert ran.returncode == 0, ran.stderr
    assert welcomed(shop) == ["bo"]
    reasons = [rejected.reason for rejected in shop.ask(lambda store: store.rejected(10))]
    assert len(reasons) == 4
    assert "there is no event `sined_up`; did you mean `signed_up`?" in reasons
    kept = [rejected.raw for rejected in shop.ask(lambda store: store.rejected(10))]
    assert "not json" in kept


def test_once_does_what_there_is_to_do_and_leaves_half_a_line_for_the_next_time(shop, record):
    followed = shop.root / "events.jsonl"
    followed.write_text(record("ada", "signed_up") + '{"customer": "bo", ')
    assert shop.run("run", "--once", "--follow", followed).returncode == 0
    assert welcomed(shop) == ["ada"]
    with followed.open("a") as file:
        file.write('"event": "signed_up"}')
    assert shop.run("run", "--once", "--follow", followed).returncode == 0
    assert welcomed(shop) == ["ada", "bo"]
    assert shop.ask(lambda store: store.rejected(5)) == []
    said = shop.run("run", "--once", "--follow", followed).stderr
    assert "Took in 0 records" in said


def test_a_followed_file_that_cannot_be_read_is_one_sentence(shop, record):
    (shop.root / "events.jsonl").write_text(record("ada", "signed_up"))
    ran = shop.run("run", "--once", "--follow", "events.jsonl/deeper")
    assert ran.returncode == 2
    assert "`events.jsonl/deeper` cannot be read" in ran.stderr.replace(str(shop.root.resolve()) + "/", "")
    assert "Traceback" not in ran.stderr


def test_the_same_file_named_twice_is_read_once(shop, record):
    (shop.root / "events.jsonl").write_text(record("ada", "signed_up"))
    assert shop.run("run", "--once", "--follow", "events.jsonl", "--follow", "./events.jsonl").returncode == 0
    assert shop.events() == 1


def test_several_sources_are_read_together(shop, record):
    (shop.root / "incoming").mkdir()
    (shop.root / "incoming" / "a.jsonl").write_text(record("ada", "signed_up"))
    (shop.root / "events.jsonl").write_text(record("bo", "signed_up"))
    ran = shop.run(
        "run", "--once", "--follow", "-", "--follow", "events.jsonl", "--follow", "incoming",
        stdin=record("cy", "signed_up"),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert welcomed(shop) == ["ada", "bo", "cy"]
    status = json.loads(shop.run("status", "--output-format", "json").stdout)
    assert status["totals"]["customers"] == 3


def test_messages_to_the_console_come_out_of_standard_output(make_shop, record):
    shop = make_shop({"channels/post/channel.yaml": "adapter: console\nmedium: text\nconsent: none\n"})
    ran = shop.run("run", "--once", stdin=record("ada", "signed_up", attributes={"first_name": "Ada"}))
    assert "Hello Ada" in ran.stdout
    assert "welcome" in ran.stdout
