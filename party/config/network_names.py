"""Hosts, ports, origins and the addresses of STUN and TURN servers, as browsers read them.

Each check raises `ValueError`, whose message says what to write instead.
"""

import ipaddress
import re

HIGHEST_PORT = 65535
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Pages never have an origin of these.
_NO_PAGES = {"ws": "http", "wss": "https"}
_WITHOUT_ORIGIN = ("file", "data", "blob", "about", "javascript")
_AN_ORIGIN = "write it as https://example.org"


def host_problem(host: str) -> str | None:
    """Why this can be neither a host's name nor an address (IPv6 in brackets); None where it can."""
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]") if host.endswith("]") else "")
        except ValueError:
            return "the host is no IPv6 address in brackets"
        return None
    labels = host.split(".")
    if labels[-1].isdecimal():  # browsers take it for an IPv4 address, or refuse it
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return "the host is no IPv4 address"
        return None
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        return "the host is neither a name nor an address"
    return None


def _page_host_problem(host: str) -> str | None:
    """As `host_problem`, for what browsers read: they take no address with a zone."""
    return "the host has a zone, after a %" if "%" in host else host_problem(host)


def check_origin(value: str) -> str:
    """An origin exactly as browsers send it, or `*`."""
    if value == "*":
        return value
    text = value.strip("\"'").lower()
    scheme, separator, rest = text.rpartition("://")
    if not separator:
        scheme, rest = "https", text.removeprefix("//")
    scheme = _NO_PAGES.get(scheme, scheme)
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?", authority)
    if text == "null" or scheme in _WITHOUT_ORIGIN or not authority:
        raise ValueError(f"an origin is a scheme and a host: {_AN_ORIGIN}")
    if "*" in authority:
        if authority == "*":
            raise ValueError("one * alone stands for every site: write *")
        raise ValueError("a * stands for no part of a host: write each origin, such as https://a.example.org")
    if match is None or not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
        raise ValueError(f"an origin is a scheme, a host and perhaps a port: {_AN_ORIGIN}")
    host, port = _as_browsers_write(match[1]), _port(match[2] or None)
    canonical = f"{scheme}://{host}"
    if port is not None and port != _DEFAULT_PORTS.get(scheme):
        canonical += f":{port}"
    if value.lower() != canonical:
        raise ValueError(f"browsers send an origin otherwise, so it would never match: write {canonical}")
    return canonical


def _as_browsers_write(host: str) -> str:
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise ValueError(f"the host is neither a name nor an address: {_AN_ORIGIN}") from None
    if problem := _page_host_problem(host):
        raise ValueError(f"{problem}: {_AN_ORIGIN}")
    return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]" if host.startswith("[") else host


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("0*[0-9]{1,5}", text) or not 0 < int(text) <= HIGHEST_PORT:
        raise ValueError(f"a port is a number from 1 to {HIGHEST_PORT}")
    return int(text)


def check_stun_url(value: str) -> str:
    """The address of a STUN server, its scheme in small letters."""
    return _ice_url(value, "stun", "turn")


def check_turn_url(value: str) -> str:
    """The address of a TURN server, its scheme in small letters."""
    return _ice_url(value, "turn", "stun")


def _ice_url(value: str, kind: str, other: str) -> str:
    form = f"{kind}:host or {kind}:host:port" + ("?transport=udp (or tcp)" if kind == "turn" else "")
    match = re.fullmatch(rf"(?i:({kind}s?|{other}s?)):(?!//)(.*)", value)
    if match is None:
        # Only a name is repeated: whatever else there is may be a password.
        bare = re.fullmatch(rf"(?:(?:{kind}s?:)?//)?([A-Za-z0-9.-]+(?::[0-9]+)?)", value)
        raise ValueError(f"write {f'{kind}:{bare[1]}' if bare else form}")
    scheme, rest = match[1].lower(), match[2]
    if scheme.startswith(other):
        raise ValueError(f"{scheme}: belongs into {other.upper()}_URLS; write {form} here")
    address, question, query = rest.partition("?")
    if question and kind == "stun":
        raise ValueError(f"write {form}, without a ? and what comes behind it")
    if question and query not in ("transport=udp", "transport=tcp"):
        raise ValueError(f"write {form}, and nothing else behind the ?")
    if "@" in address:
        raise ValueError(f"write {form}: credentials are made with TURN_SECRET")
    _check_ice_address(address, form)
    return f"{scheme}:{rest}"


def _check_ice_address(address: str, form: str) -> None:
    match = re.fullmatch(r"(\[.*\]|[^:]*)(?::([^:]*))?", address)
    if match is None:
        raise ValueError(f"write {form}, an IPv6 address in [brackets]")
    host, port = match[1], match[2]
    if not host.isascii():
        host = _as_browsers_write(host)
        raise ValueError(f"write the host as {host}")
    if not host or (problem := _page_host_problem(host)):
        raise ValueError(f"{problem if host else 'the host is missing'}: write {form}")
    if port is not None and not (re.fullmatch("[0-9]+", port) and 0 < int(port[:6]) <= HIGHEST_PORT):
        raise ValueError(f"the port is a number from 1 to {HIGHEST_PORT}: write {form}")
