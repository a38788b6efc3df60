"""What a channel's file comes to: defaults that depend on the adapter, and lengths of time in milliseconds."""

import pytest

from journeyscript.source.yaml import read_yaml
from journeyscript.syntax.config import RateConfig, WebhookConfig, read_channel
from journeyscript.syntax.duration import DurationProblem

HOOK = 'adapter: webhook\nwebhook: { url: "https://shop.example/", secret: "${SECRET}" }\n'


def channel(text, name="hook"):
    node, findings = read_yaml("channel.yaml", text)
    assert not findings
    return read_channel(name, node)


@pytest.mark.parametrize(
    ("text", "declared"),
    [
        (HOOK, "retry"),
        (HOOK + "on_unknown: assume_sent\n", "assume_sent"),
        ("adapter: smtp\nsmtp: { host: mx }\n", "assume_sent"),
        ("adapter: file\n", "assume_sent"),
        ("adapter: file\non_unknown: retry\n", "retry"),
    ],
)
def test_only_a_webhook_tries_again_what_nobody_knows_unless_the_file_says_so(text, declared):
    assert channel(text).on_unknown == declared


def test_a_webhook_needs_no_address_and_carries_text():
    read = channel(HOOK)
    assert (read.medium, read.address, read.rate) == ("text", None, None)
    assert read.webhook == WebhookConfig(url="https://shop.example/", secret="${SECRET}")


def test_a_rate_is_in_milliseconds():
    assert channel(HOOK + "rate: { messages: 100, per: 1 minute }\n").rate == RateConfig(messages=100, per=60_000)
    assert channel(HOOK + "rate: { messages: 5, per: 2 calendar days }\n").rate.per == 172_800_000
    with pytest.raises(DurationProblem):
        channel(HOOK + "rate: { messages: 5, per: 1M }\n")
