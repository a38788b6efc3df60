"""Messages kept as files: complete, never half, one mail for one key."""

import asyncio
import json
from email import message_from_bytes, policy

import msgspec
import pytest

from journeyscript.channels.adapters import make_adapter
from journeyscript.channels.file import file_stem
from journeyscript.channels.outgoing import Deferred, Refused, Rendered, Sent


@pytest.fixture
def file_channel(email_channel):
    def of(format: str, **changes):  # noqa: A002
        return msgspec.structs.replace(email_channel, adapter="file", format=format, path="out", smtp=None, **changes)

    return of


def deliver(config, folder, *batches):
    async def scenario():
        adapter = make_adapter(config, environment={}, folder=folder)
        answers = [await adapter.deliver(batch) for batch in batches]
        await adapter.close()
        return answers

    return asyncio.run(scenario())


def lines(folder, name="email"):
    return [json.loads(line) for line in (folder / "out" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_each_message_is_one_json_line_with_everything_in_it(file_channel, make_outgoing, tmp_path):
    rendered = Rendered(text="Hallo Zoë 🎉\nzwei", subject="Grüße", html="<p>Hallo</p>")
    answers = deliver(
        file_channel("jsonl"),
        tmp_path,
        [make_outgoing(rendered=rendered, unsubscribe_url="https://s.example/u"), make_outgoing(key="k2")],
        [make_outgoing(key="k3", kind="transactional", unsubscribe_url="https://s.example/u")],
    )
    assert answers == [[Sent(), Sent()], [Sent()]]
    first, second, third = lines(tmp_path)
    assert first == {
        "key": "welcome/1048576/send.welcome/1",
        "channel": "email",
        "message": "welcome",
        "customer": "c-1",
        "to": "ada@example.com",
        "subject": "Grüße",
        "text": "Hallo Zoë 🎉\nzwei",
        "html": "<p>Hallo</p>",
        "headers": {
            "From": "The Shop <hello@shop.example>",
            "Message-ID": first["headers"]["Message-ID"],
            "X-JourneyScript-Key": "welcome/1048576/send.welcome/1",
            "List-Unsubscribe": "<https://s.example/u>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    }
    assert [second["key"], third["key"]] == ["k2", "k3"]
    assert "List-Unsubscribe" not in third["headers"]


def test_a_text_channel_has_no_headers_and_needs_no_sender(file_channel, make_outgoing, tmp_path):
    channel = file_channel("jsonl", name="sms", medium="text", sender=None)
    [[answer]] = deliver(
        channel, tmp_path, [make_outgoing(channel="sms", address="+491", rendered=Rendered(text="hi"))]
    )
    assert answer == Sent()
    [line] = lines(tmp_path, "sms")
    assert (line["to"], line["text"], line["subject"], line["headers"]) == ("+491", "hi", None, {})


def test_half_a_line_left_by_a_killed_process_spoils_only_itself(file_channel, make_outgoing, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "email.jsonl").write_text('{"key": "k0"}\n{"key": "ha', encoding="utf-8")
    deliver(file_channel("jsonl"), tmp_path, [make_outgoing(key="k1")])
    written = (tmp_path / "out" / "email.jsonl").read_text(encoding="utf-8").splitlines()
    assert written[:2] == ['{"key": "k0"}', '{"key": "ha']
    assert json.loads(written[2])["key"] == "k1"


@pytest.mark.parametrize("form", ["jsonl", "eml"])
def test_a_folder_that_cannot_be_written_defers_everything(file_channel, make_outgoing, tmp_path, form):
    (tmp_path / "out").write_text("a file where the folder should be")
    [answers] = deliver(file_channel(form), tmp_path, [make_outgoing(), make_outgoing(key="k2")])
    assert [type(answer) for answer in answers] == [Deferred, Deferred]


def test_a_mail_is_one_eml_file_that_a_mail_program_can_read(file_channel, make_outgoing, tmp_path):
    rendered = Rendered(text="Hallo Zoë", subject="Grüße 🎉", html="<p>Hallo Zoë</p>")
    [[answer]] = deliver(file_channel("eml"), tmp_path, [make_outgoing(rendered=rendered)])
    [file] = (tmp_path / "out" / "email").iterdir()
    assert file.name == f"{file_stem('welcome/1048576/send.welcome/1')}.eml"
    assert file.name.startswith("welcome_1048576_send.welcome_1-")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Grüße 🎉"
    assert mail.get_body(("plain",)).get_content().strip() == "Hallo Zoë"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Hallo Zoë</p>"
    assert answer == Sent(provider_id=str(mail["Message-ID"]))


def test_the_same_key_written_twice_gives_one_file_with_the_last_content(file_channel, make_outgoing, tmp_path):
    later = make_outgoing(rendered=Rendered(text="second", subject="s"))
    deliver(file_channel("eml"), tmp_path, [make_outgoing()], [later])
    [file] = (tmp_path / "out" / "email").iterdir()
    assert message_from_bytes(file.read_bytes(), policy=policy.default).get_content().strip() == "second"


def test_a_mail_is_replaced_in_one_step_so_that_no_reader_sees_half_of_it(file_channel, make_outgoing, tmp_path):
    deliver(file_channel("eml"), tmp_path, [make_outgoing()])
    [file] = (tmp_path / "out" / "email").iterdir()
    before = file.read_bytes()
    reader = tmp_path / "what a reader has open"
    reader.hardlink_to(file)
    deliver(file_channel("eml"), tmp_path, [make_outgoing(rendered=Rendered(text="second", subject="s"))])
    assert reader.read_bytes() == before != file.read_bytes()
    assert [left.suffix for left in file.parent.iterdir()] == [".eml"]


@pytest.mark.parametrize("key", ["../../etc/passwd", "/abs/olute", "a\0b", "..", "", "x" * 5000, "con/ä/漢", ".hidden"])
def test_no_key_leaves_the_folder_or_breaks_the_name(file_channel, make_outgoing, tmp_path, key):
    [[answer]] = deliver(file_channel("eml"), tmp_path, [make_outgoing(key=key)])
    assert isinstance(answer, Sent)
    assert [file.parent for file in tmp_path.rglob("*.eml")] == [tmp_path / "out" / "email"]


def test_keys_that_look_alike_get_different_files():
    assert len({file_stem(key) for key in ["a/b", "a_b", "a//b", "a/b/", "A/b"]}) == 5


def test_a_mail_to_no_address_is_refused_and_leaves_no_file(file_channel, make_outgoing, tmp_path):
    [[answer]] = deliver(file_channel("eml"), tmp_path, [make_outgoing(address="nobody")])
    assert isinstance(answer, Refused)
    assert list(tmp_path.iterdir()) == []
