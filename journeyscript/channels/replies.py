"""What an SMTP server's refusal means: for good or for now, and whose fault it is.

Takes reply codes and texts (RFC 5321, enhanced codes of RFC 3463) and gives judgements. Knows no connection.
"""

import re

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})\b")

SERVICE_CLOSING = 421
"""The server ends this connection; the next one may do."""


def is_permanent(code: int) -> bool:
    """Return whether the answer is no for good."""
    return 500 <= code < 600


def _enhanced(text: str) -> tuple[int, int] | None:
    """Return subject and detail of the enhanced status code (RFC 3463), `(1, 1)` for 5.1.1."""
    found = _ENHANCED.match(text)
    return (int(found[2]), int(found[3])) if found else None


def is_about_address(code: int, text: str) -> bool:
    """Return whether the receiver's address is at fault, and not this mail, this sender or this server's policy."""
    match _enhanced(text):
        case (1, _) | (2, 1):
            return True
        case None | (0, 0):
            return code in {550, 551, 553}
        case _:
            return False


def is_about_sender(code: int, text: str) -> bool:
    """Return whether an answer to the receiver's address really says that we may not send: login, sender's address."""
    return code in {530, 535, 538} or _enhanced(text) in {(1, 7), (1, 8), (7, 8)}
