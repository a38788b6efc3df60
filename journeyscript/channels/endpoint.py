"""Which addresses an endpoint's name stands for, and whether messages may be posted there.

Takes a URL; gives IP addresses. Private, loopback and other addresses that are not for everybody are refused: a URL
must not become a way into the network that the program runs in. Opens no connection.
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx2


class AddressError(Exception):
    """The name leads nowhere, or only to where messages may not go. The text names the host alone."""


async def addresses_of(url: httpx2.URL, patience: float, *, private: bool) -> list[str]:
    """Return the addresses to connect to, at least one and the best first; `private` allows any.

    Raises:
        AddressError: there is none, it was not found within so many seconds of `patience`, or none is allowed.
    """
    try:
        async with asyncio.timeout(patience):
            found = await asyncio.get_running_loop().getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it has no address"
        raise AddressError(f"cannot find `{url.host}`: {reason}") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    allowed = [address for address in addresses if private or is_public(address)]
    if not allowed:
        raise AddressError(f"`{url.host}` is a private address; write `allow_private: true` if that is meant")
    return allowed


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the whole internet; of an IPv4 one inside an IPv6 one, that counts."""
    ip: IPv4Address | IPv6Address = ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None) or _translated(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _translated(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a translator reaches by this one (RFC 6052)."""
    return IPv4Address(int(ip) & 0xFFFF_FFFF) if int(ip) >> 32 == 0x0064_FF9B << 64 else None
