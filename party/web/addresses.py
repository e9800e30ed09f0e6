"""Whose request it is, as far as limits go: an address, or the network that one customer has."""

import ipaddress
import re

from flask import request

from party.config import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address() -> Address | None:
    """The caller's address; none where the server's own is all that there is, as on a Unix socket."""
    return _forwarded_address() or _parsed(request.remote_addr or "")


def client_key() -> str:
    """The caller's network: an IPv4 address, or the /64 that an IPv6 customer gets as a whole."""
    address = client_address()
    return network_of(address) if address else str(request.remote_addr)


def network_of(address: Address) -> str:
    """What is counted for an address."""
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _forwarded_address() -> Address | None:
    """Whom the outermost of our proxies saw. What stands further left, the client may have made up.

    Split at every comma: a parser that knows quotes could be led astray by one that is never closed.
    """
    proxies = settings().TRUSTED_PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    return _parsed(forwarded[-proxies]) if 0 < proxies <= len(forwarded) else None


def _parsed(text: str) -> Address | None:
    """An IP address, with or without the port that some proxies add; IPv4 in IPv6 as what it is."""
    match = re.fullmatch(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+|([^%]*)(?:%.*)?", text.strip())
    try:
        address = ipaddress.ip_address(match[match.lastindex]) if match and match.lastindex else None
    except ValueError:
        return None
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address
