"""A welcome journey by e-mail: a live run hands its mails to a real SMTP server, and they arrive as they should."""

import ssl
import subprocess
from email.utils import parseaddr

import pytest
import trustme

from journeyscript.channels.mime import message_id, parse_mailbox

CHANNEL = """
adapter: smtp
medium: email
address: email
consent: opt_in
sender: "The Shop <hello@shop.example>"
reply_to: help@shop.example
unsubscribe:
  url: "https://shop.example/stop?customer={{{{ customer.id | url_encode }}}}"
  mailto: stop@shop.example
retry: {{ attempts: 1000, first: 1 second, longest: 2 seconds }}
smtp: {{ host: 127.0.0.1, port: {port}, {smtp} }}
"""

FILES = {
    "channels/post/channel.yaml": None,
    "channels/post/welcome.txt": None,
    "channels/post/later.txt": None,
    "channels/email/welcome.md": """---
subject: "Welcome, {{ customer.first_name | default: 'you' }}"
---
# Hello {{ customer.first_name | default: "you" }}

Your plan is **{{ entry.event.plan | default: "free" }}**. [No more]({{ unsubscribe_url }})
""",
    "channels/email/welcome.de.md": """---
subject: "Willkommen, {{ customer.first_name | default: 'du' }}"
---
Schön, dass du da bist, {{ customer.first_name | default: "du" }}.
""",
    "channels/email/thanks.md": "---\nsubject: Thanks\n---\nThank you.\n",
    "journeys/welcome.yaml": """
journey: welcome
entry: { event: signed_up, again: never }
steps:
  - send: welcome
""",
    "journeys/thanks.yaml": """
journey: thanks
entry: { event: purchased, again: always }
steps:
  - send: thanks
""",
}


def mail_shop(make_shop, port, smtp="tls: none"):
    return make_shop({**FILES, "channels/email/channel.yaml": CHANNEL.format(port=port, smtp=smtp)})


@pytest.fixture
def signed_up(record):
    def write(customer, address="ada@example.com", **attributes):
        return record(
            customer,
            "signed_up",
            properties={"plan": "pro"},
            attributes={"email": address, "first_name": "Ada", **attributes},
            consent={"email": True},
        )

    return write


def part(mail, kind):
    return mail.get_body((kind,)).get_content()


def test_a_welcome_mail_arrives_with_everything_that_belongs_into_it(make_shop, mail_server, signed_up):
    shop = mail_shop(make_shop, mail_server.port)
    lines = signed_up("c 1") + signed_up(
        "c2", "jürgen@example.de".replace("ü", "ue"), locale="de-AT", first_name="Jürgen"
    )
    ran = shop.run("run", "--once", stdin=lines)
    assert ran.returncode == 0, ran.stderr
    (sender, receivers, mail), (_, others, german) = sorted(mail_server.mails, key=lambda taken: taken[1])
    assert (sender, receivers) == ("hello@shop.example", ("ada@example.com",))
    assert (mail["From"], mail["To"]) == ("The Shop <hello@shop.example>", "ada@example.com")
    assert mail["Reply-To"] == "help@shop.example"
    assert mail["Subject"] == "Welcome, Ada"
    assert mail.get_content_type() == "multipart/alternative"
    assert "Your plan is pro" in part(mail, "plain").replace("*", "")
    assert "Hello Ada" in part(mail, "plain")
    assert "Hello Ada</h1>" in part(mail, "html")
    assert "<strong>pro</strong>" in part(mail, "html")
    assert 'href="https://shop.example/stop?customer=c' in part(mail, "html")
    assert mail["List-Unsubscribe"].startswith("<https://shop.example/stop?customer=c")
    assert mail["List-Unsubscribe"].endswith(", <mailto:stop@shop.example>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    sends = shop.sends()
    assert mail["Message-ID"] == message_id(sends[0].key, parse_mailbox("hello@shop.example"))
    assert sends[0].provider_id == mail["Message-ID"]
    assert others == ("juergen@example.de",)
    assert german["Subject"] == "Willkommen, Jürgen"
    assert "Schön, dass du da bist, Jürgen." in part(german, "plain")
    assert [(send.status, send.locale) for send in sends] == [("sent", ""), ("sent", "de")]


def test_an_address_that_refuses_for_good_is_left_alone_by_every_journey(make_shop, mail_server, signed_up, record):
    shop = mail_shop(make_shop, mail_server.port)
    mail_server.answers["gone@example.com"] = ["550 5.1.1 no such user"]
    first = shop.run("run", "--once", stdin=signed_up("ada", "gone@example.com"))
    assert first.returncode == 0, first.stderr
    second = shop.run("run", "--once", stdin=record("ada", "purchased", properties={"total": 5}))
    assert second.returncode == 0, second.stderr
    welcome, thanks = shop.sends()
    assert (welcome.status, welcome.reason) == ("failed", "permanent")
    assert "550" in welcome.detail
    assert (thanks.status, thanks.reason) == ("skipped", "suppressed")
    assert mail_server.mails == []
    assert mail_server.asked == ["gone@example.com"]
    told = shop.run("explain", "ada").stdout
    assert "`welcome` failed: permanent" in told
    assert "`thanks` not sent: suppressed" in told


def test_a_receiver_who_cannot_just_now_gets_the_same_mail_later_and_once(make_shop, mail_server, signed_up, until):
    shop = mail_shop(make_shop, mail_server.port)
    mail_server.answers["ada@example.com"] = ["451 4.2.0 try again later", "250 OK"]
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(signed_up("ada"))
    run.stdin.flush()
    until(lambda: mail_server.mails)
    until(lambda: shop.sends()[0].status == "sent")
    shop.stop(run)
    (send,) = shop.sends()
    assert send.attempts == 2
    assert [mail["Message-ID"] for _, _, mail in mail_server.mails] == [send.provider_id]
    assert mail_server.asked == ["ada@example.com"] * 2


def test_a_server_that_is_down_at_first_gets_the_mail_when_it_is_back(make_shop, make_mail_server, signed_up, until):
    server = make_mail_server()
    shop = mail_shop(make_shop, server.reserve())
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(signed_up("ada") + signed_up("bo", "bo@example.com"))
    run.stdin.flush()
    # An attempt is `sending` until it is settled; what was tried and put back waits for another.
    until(lambda: [send.status for send in shop.sends() if send.attempts] == ["pending", "pending"])
    server.open()
    until(lambda: {send.status for send in shop.sends()} == {"sent"})
    shop.stop(run)
    assert sorted(parseaddr(mail["To"])[1] for _, _, mail in server.mails) == ["ada@example.com", "bo@example.com"]


def test_attempts_end(make_shop, mail_server, signed_up, until):
    shop = mail_shop(make_shop, mail_server.port)
    channel = shop.root / "channels" / "email" / "channel.yaml"
    channel.write_text(channel.read_text().replace("attempts: 1000", "attempts: 2"))
    mail_server.answers["ada@example.com"] = ["451 4.2.0 try again later"] * 9
    run = shop.start(stdin=subprocess.PIPE)
    run.stdin.write(signed_up("ada"))
    run.stdin.flush()
    until(lambda: shop.events() and shop.sends()[0].status == "failed")
    shop.stop(run)
    (send,) = shop.sends()
    assert (send.reason, send.attempts) == ("gave_up", 2)
    assert mail_server.asked == ["ada@example.com"] * 2


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_starttls_and_a_login_with_secrets_from_the_environment(make_shop, make_mail_server, signed_up, authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    server = make_mail_server(login=("shop", "correct horse"), context=context)
    smtp = 'tls: starttls, cafile: ca.pem, username: "${MAIL_USER}", password: "${MAIL_PASSWORD}"'
    shop = mail_shop(make_shop, server.open(), smtp)
    authority.cert_pem.write_to_path(str(shop.root / "ca.pem"))
    events = shop.root / "events.jsonl"
    events.write_text(signed_up("ada"))

    without = shop.run("run", "--once", "--follow", events, environment={"MAIL_USER": "shop"})
    assert without.returncode == 2
    assert without.stderr.splitlines() == [
        "error: channel `email` needs the environment variable `MAIL_PASSWORD`, which is not set"
    ]
    secrets = {"MAIL_USER": "shop", "MAIL_PASSWORD": "correct horse"}
    ran = shop.run("run", "--once", "--follow", events, environment=secrets)
    assert ran.returncode == 0, ran.stderr
    assert [receivers for _, receivers, _ in server.mails] == [("ada@example.com",)], "nothing was lost"
    assert "correct horse" not in ran.stderr + ran.stdout
    assert b"correct horse" not in shop.store_path.read_bytes()


def test_a_rehearsal_needs_no_secret_and_no_server(make_shop, signed_up):
    shop = mail_shop(make_shop, 9, 'tls: starttls, username: "${MAIL_USER}", password: "${MAIL_PASSWORD}"')
    dry = shop.run("run", "--once", "--dry-run", stdin=signed_up("ada"))
    assert dry.returncode == 0, dry.stderr
    (shop.root / "recording.jsonl").write_text(signed_up("ada").replace("{", '{"time": "2026-03-02T09:00:00Z", ', 1))
    replayed = shop.run("run", "--events", "recording.jsonl")
    assert replayed.returncode == 0, replayed.stderr
    (mail,) = shop.outbox("email", ".journeyscript/replay.messages")
    assert mail["subject"] == "Welcome, Ada"
    assert mail["headers"]["List-Unsubscribe"].startswith("<https://shop.example/stop")
