"""`suppressions`: addresses that nobody is written to at, brought along in a file or named one by one."""

import io
import json
from contextlib import closing

import pytest

from journeyscript.cli.address_lists import BadLine, addresses_in
from journeyscript.runtime.operating.letterbox import Letterbox
from journeyscript.stores.sqlite import open_sqlite

BY_MAIL = {
    "channels/post/channel.yaml": "adapter: file\nmedium: text\npath: outbox\naddress: email\nconsent: none\n",
    "journeys/welcome.yaml": "journey: welcome\nentry: { event: signed_up, again: never }\nsteps:\n  - send: welcome\n",
}


@pytest.fixture
def shop(make_shop):
    return make_shop(BY_MAIL)


@pytest.fixture
def ask(shop, in_process):
    """Ask for a command; return how it ended and what it said."""

    def asked(*command):
        ran = in_process(shop, "suppressions", *command)
        assert "Traceback" not in ran.output
        return ran.exit_code, ran.stdout, ran.stderr

    return asked


def signs_up(record, **emails):
    return "".join(record(name, "signed_up", attributes={"email": email}) for name, email in emails.items())


def outcomes(shop):
    return [(send.customer, send.status, send.reason) for send in shop.sends()]


def test_a_list_is_there_before_the_first_customer_and_nobody_on_it_is_written_to(shop, record):
    (shop.root / "never.csv").write_text('email,since\n"Ada@Example.com",2024\nbob@example.com,2025\n\n')
    ran = shop.run("suppressions", "add", "--file", "never.csv")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "put on the list: 3 addresses\n", "")
    people = signs_up(record, ada="ada@example.com", cy="cy@example.com", twin=" ADA@example.com ")
    assert shop.run("run", "--once", stdin=people).returncode == 0
    assert outcomes(shop) == [(1, "skipped", "suppressed"), (2, "sent", None), (3, "skipped", "suppressed")]
    assert [message["to"] for message in shop.outbox()] == ["cy@example.com"]
    told = shop.run("explain", "ada").stdout
    assert "`welcome` not sent: suppressed" in told
    assert "suppressed addresses: ada@example.com\n" in shop.run("customers", "show", "ada").stdout


def test_a_list_comes_from_standard_input_as_well(shop):
    ran = shop.run("suppressions", "add", "--file", "-", stdin="ada@example.com\r\n+49 151 2345\r\n")
    assert (ran.returncode, ran.stdout) == (0, "put on the list: 2 addresses\n")
    assert shop.run("suppressions", "check", "+49(151)2345").returncode == 0


def test_addresses_are_added_counted_checked_and_removed(ask):
    assert ask("add", "ada@example.com", "bob@example.com", "ADA@example.com") == (
        0, "put on the list: 2 addresses\n", "",
    )  # fmt: skip
    assert ask("add", "Ada@example.com", "cy@example.com")[:2] == (
        0, "put on the list: 1 address; on it already: 1\n",
    )  # fmt: skip
    assert ask("count")[:2] == (0, "3 addresses on the list\n")
    assert json.loads(ask("count", "--output-format", "json")[1]) == {"addresses": 3}
    assert ask("check", "ada@EXAMPLE.com", "cy@example.com")[:2] == (
        0, "`ada@EXAMPLE.com` is on the list\n`cy@example.com` is on the list\n",
    )  # fmt: skip
    assert ask("check", "ada@example.com", "dee@example.com")[:2] == (
        1, "`ada@example.com` is on the list\n`dee@example.com` is not on the list\n",
    )  # fmt: skip
    assert ask("remove", "ADA@example.com", "dee@example.com")[:2] == (
        0, "taken off the list: 1 address; not on it: 1\n",
    )  # fmt: skip
    assert ask("remove", "ada@example.com") == (3, "", "taken off the list: 0 addresses; not on it: 1\n")
    assert ask("count")[1] == "2 addresses on the list\n"


def test_bad_lines_are_told_by_number_and_all_others_are_kept(shop, ask):
    lines = [
        b"\xef\xbb\xbfada@example.com", b"", b"Bob <bob@example.com>", b";comment", b"\xff\xfe", b'"open, 2024',
        b"cy@example.com\tcomplained", b"dee@example.com, eve@example.com", b"a@b@c", b"hidden\xe2\x80\x8b@example.com",
    ]  # fmt: skip
    (shop.root / "never.txt").write_bytes(b"\n".join(lines))
    code, told, bad = ask("add", "--file", "never.txt")
    assert (code, told) == (1, "put on the list: 3 addresses\n")
    assert bad.splitlines() == [
        "line 3: it is not one bare e-mail address",
        "line 4: there is no address in its first column",
        "line 5: it is not in UTF-8",
        "line 6: its quotes do not close",
        "line 9: it is not one bare e-mail address",
        "line 10: it holds a character that no address has",
    ]
    assert ask("check", "ada@example.com", "cy@example.com", "dee@example.com")[0] == 0
    assert ask("check", "eve@example.com")[0] == 1, "it stands in the second column"


def test_a_quoted_column_may_hold_quotes_and_dividers():
    lines = io.BytesIO(b'"a ""b"" c";1\n"x,y" , 2\n  plain  \n"a"b\n')
    assert list(addresses_in(lines)) == ['a "b" c', "x,y", "plain", BadLine(number=4, why="its quotes do not close")]


def test_a_large_file_goes_in_batches_and_may_be_repeated(shop, ask):
    (shop.root / "many.txt").write_text("".join(f"a{number}@example.com\n" for number in range(25_000)))
    assert ask("add", "--file", "many.txt")[1] == "put on the list: 25,000 addresses\n"
    assert ask("add", "--file", "many.txt")[1] == "put on the list: 0 addresses; on it already: 25,000\n"
    assert ask("count")[1] == "25,000 addresses on the list\n"


def test_without_an_address_it_says_what_is_missing(shop, ask):
    assert ask("add") == (2, "", "error: say which addresses\n  help: name them, or a file with --file\n")
    assert ask("add", "Ada <ada@example.com>")[2] == (
        "error: `Ada <ada@example.com>` is no address: it is not one bare e-mail address\n"
    )
    assert not shop.store_path.exists()
    (shop.root / "empty.txt").write_text("\n\n")
    assert ask("add", "--file", "empty.txt") == (3, "", "there is no address in it\n")
    assert ask("add", "--file", "absent.txt")[0] == 2


@pytest.mark.parametrize("command", [("remove", "ada@example.com"), ("check", "ada@example.com"), ("count",)])
def test_without_a_store_only_a_list_can_make_one(shop, ask, command):
    code, _, told = ask(*command)
    assert (code, told.splitlines()[1]) == (2, "  help: `journeyscript run` makes one")
    assert not shop.store_path.exists()


def test_a_run_that_is_going_on_takes_the_list_in_between_two_batches(shop, record, until):
    followed = shop.root / "events.jsonl"
    followed.touch()
    process = shop.start("--follow", followed)
    (shop.root / "never.txt").write_text("".join(f"a{n}@example.com\n" for n in range(15_000)) + "cy@example.com\n")
    ran = shop.run("suppressions", "add", "bob@example.com", "--file", "never.txt", "--wait", "50")
    assert (ran.returncode, ran.stdout) == (0, "put on the list: 15,002 addresses\n"), ran.stderr
    assert shop.run("suppressions", "check", "bob@example.com", "cy@example.com").returncode == 0
    followed.write_text(signs_up(record, bob="bob@example.com", ada="ada@example.com"))
    until(lambda: sorted(status for _, status, _ in outcomes(shop)) == ["sent", "skipped"])
    assert [message["to"] for message in shop.outbox()] == ["ada@example.com"]
    assert (
        shop.run("suppressions", "remove", "bob@example.com", "--wait", "50").stdout
        == "taken off the list: 1 address\n"
    )
    shop.stop(process)


def test_an_order_holds_no_address_that_could_be_read(shop, ask):
    assert ask("add", "ada@example.com")[0] == 0
    with closing(open_sqlite(shop.store_path)):
        code, _, told = ask("add", "secret@example.com", "--wait", "0")
    assert (code, "the order waits" in told) == (1, True)
    (order,) = Letterbox(shop.store_path).folder.glob("*.order")
    assert b"secret" not in order.read_bytes()
    assert ask("add", "bob@example.com")[0] == 0
    assert ask("check", "secret@example.com")[0] == 0, "the order that waited came before the next one"


def test_a_customer_who_is_erased_stays_on_the_list_and_is_not_written_to_when_they_come_back(shop, record, in_process):
    sign_up = signs_up(record, ada="ada@example.com")
    assert shop.run("suppressions", "add", "ada@example.com").returncode == 0
    assert shop.run("run", "--once", stdin=sign_up).returncode == 0
    assert in_process(shop, "customers", "erase", "ada", "--yes").exit_code == 0
    assert b"ada@example.com" not in shop.store_path.read_bytes()
    assert shop.run("run", "--once", stdin=sign_up).returncode == 0
    assert outcomes(shop)[-1] == (2, "skipped", "suppressed")
