"""STUN and TURN (RFC 8489, RFC 8656), as far as it takes to ask a server whether it is well."""

import hashlib
import hmac
import ipaddress
import secrets
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

COOKIE = b"\x21\x12\xa4\x42"
HEADER = struct.Struct("!HH4s12s")
BINDING, ALLOCATE, REFRESH = 0x001, 0x003, 0x004
RESPONSE, ERROR_RESPONSE = 0x100, 0x110
USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, LIFETIME, REALM, NONCE = 0x06, 0x08, 0x09, 0x0D, 0x14, 0x15
XOR_RELAYED_ADDRESS, REQUESTED_TRANSPORT, XOR_MAPPED_ADDRESS = 0x16, 0x19, 0x20
UDP = b"\x11\0\0\0"  # what is relayed; how one asks for it is another matter
UNAUTHORIZED = 401
# A datagram may get lost, so it is sent again: after so long first, then after twice as long each time.
FIRST_WAIT_SECONDS = 0.5
LONGEST_DATAGRAM = 2048

Attributes = dict[int, bytes]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Transport = Literal["udp", "tcp", "tls", "dtls"]


class Refused(Exception):
    """The server answers with an error."""

    def __init__(self, attributes: Attributes) -> None:
        found = attributes.get(ERROR_CODE, b"").ljust(4, b"\0")
        self.attributes = attributes
        self.code = (found[2] & 7) * 100 + found[3]
        super().__init__(f"{self.code} {found[4:].decode(errors='replace')}".strip())


class NoServer(Exception):
    """What answers there speaks something else."""


class OpenToAll(Exception):
    """A TURN server that wants no credentials."""


@dataclass(frozen=True)
class Place:
    """Where a URL of the settings leads to."""

    host: str
    port: int
    transport: Transport

    @classmethod
    def of(cls, url: str) -> "Place":
        """Such as `turn:host:port?transport=tcp`, which the settings have checked."""
        scheme, _, rest = url.partition(":")
        parts = urlsplit(f"//{rest}")
        is_secure = scheme.endswith("s")
        asked = parts.query.removeprefix("transport=") or ("tcp" if is_secure else "udp")
        transports: dict[tuple[bool, str], Transport] = {
            (False, "udp"): "udp",
            (False, "tcp"): "tcp",
            (True, "tcp"): "tls",
            (True, "udp"): "dtls",
        }
        port = parts.port or (5349 if is_secure else 3478)
        return cls(parts.hostname or "", port, transports[is_secure, asked])


class Server:
    """A connection, over UDP, TCP or TLS, on which all takes `seconds` at most, but for looking up the name.

    Raises `OSError`, `Refused`, `NoServer`, and so do its methods.
    """

    def __init__(self, place: Place, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        self._is_datagram = place.transport == "udp"
        if self._is_datagram:
            self._socket = _datagram_socket(place)
        else:
            self._socket = socket.create_connection((place.host, place.port), seconds)
        if place.transport == "tls":
            context = ssl.create_default_context()
            self._socket = context.wrap_socket(self._socket, server_hostname=place.host)

    def own_address(self) -> Address:
        """As whom it sees this machine."""
        return self._ask(BINDING, {}, XOR_MAPPED_ADDRESS)

    def allocate(self, username: str, credential: str) -> Address:
        """An address of its own that relays; it is given back at once. Raises `OpenToAll`."""
        wanted = {REQUESTED_TRANSPORT: UDP}
        try:
            self._ask(ALLOCATE, wanted, XOR_RELAYED_ADDRESS)
        except Refused as refusal:
            if refusal.code != UNAUTHORIZED:
                raise
            given = {name: refusal.attributes.get(name, b"") for name in (REALM, NONCE)}
        else:
            raise OpenToAll
        identity = {USERNAME: username.encode(), **given}
        secret = b":".join((username.encode(), given[REALM], credential.encode()))
        key = hashlib.md5(secret, usedforsecurity=False).digest()
        found = self._ask(ALLOCATE, wanted | identity, XOR_RELAYED_ADDRESS, key)
        self._write(_message(REFRESH, secrets.token_bytes(12), {LIFETIME: bytes(4)} | identity, key))
        return found

    @property
    def address(self) -> Address:
        """Its own."""
        return ipaddress.ip_address(self._socket.getpeername()[0])

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _ask(self, method: int, attributes: Attributes, wanted: int, key: bytes = b"") -> Address:
        transaction = secrets.token_bytes(12)
        request = _message(method, transaction, attributes, key)
        answers = self._datagrams(request) if self._is_datagram else self._records(request)
        for answer in answers:
            kind, found = _read(answer, transaction)
            if kind == method | ERROR_RESPONSE:
                raise Refused(found)
            if kind == method | RESPONSE and len(found.get(wanted, b"")) in (8, 20):
                masked = zip(found[wanted][4:], COOKIE + transaction, strict=False)
                return ipaddress.ip_address(bytes(byte ^ mask for byte, mask in masked))
            if kind:
                raise NoServer("it answers something else")
        raise TimeoutError

    def _datagrams(self, request: bytes) -> Iterator[bytes]:
        wait = FIRST_WAIT_SECONDS
        while self._left() > 0:
            self._write(request)
            again = time.monotonic() + wait
            while (left := min(again - time.monotonic(), self._left())) > 0:
                self._socket.settimeout(left)
                try:
                    yield self._socket.recv(LONGEST_DATAGRAM)
                except TimeoutError:
                    break
            wait *= 2

    def _records(self, request: bytes) -> Iterator[bytes]:
        self._write(request)
        while True:
            head = self._exactly(HEADER.size)
            _, length, cookie, _ = HEADER.unpack(head)
            if cookie != COOKIE:
                raise NoServer("it answers something else")
            yield head + self._exactly(length)

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            self._socket.settimeout(max(self._left(), 0.001))
            if not (part := self._socket.recv(size - len(found))):
                raise NoServer("it hangs up")
            found += part
        return found

    def _write(self, data: bytes) -> None:
        self._socket.settimeout(max(self._left(), 0.001))
        self._socket.sendall(data)

    def _left(self) -> float:
        return self._deadline - time.monotonic()


def _datagram_socket(place: Place) -> socket.socket:
    """To the first of its addresses to which there is a way from here."""
    problem = OSError("it has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        place.host, place.port, type=socket.SOCK_DGRAM
    ):
        try:
            made = socket.socket(family, kind, protocol)
            made.connect(address)
        except OSError as error:
            problem = error
        else:
            return made
    raise problem


def _message(method: int, transaction: bytes, attributes: Attributes, key: bytes) -> bytes:
    """A request; with a key it is signed."""
    body = b"".join(
        struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)
        for name, value in attributes.items()
    )
    if not key:
        return HEADER.pack(method, len(body), COOKIE, transaction) + body
    # The length counts the signature that is about to follow.
    signed = HEADER.pack(method, len(body) + 24, COOKIE, transaction) + body
    return signed + struct.pack("!HH", MESSAGE_INTEGRITY, 20) + hmac.digest(key, signed, "sha1")


def _read(answer: bytes, transaction: bytes) -> tuple[int, Attributes]:
    """Its type and attributes; type 0 where it answers another request. Raises `NoServer`."""
    found: Attributes = {}
    try:
        kind, length, cookie, answered = HEADER.unpack_from(answer)
        if cookie != COOKIE or length != len(answer) - HEADER.size:
            raise NoServer("it answers something else")
        rest = answer[HEADER.size :]
        while rest:
            name, size = struct.unpack_from("!HH", rest)
            found.setdefault(name, rest[4 : 4 + size])
            rest = rest[4 + size + -size % 4 :]
    except struct.error:
        raise NoServer("it answers something else") from None
    return (kind if answered == transaction else 0), found
