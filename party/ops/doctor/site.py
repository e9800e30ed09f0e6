"""Requests to the service from outside, sent as they stand and followed nowhere."""

import ipaddress
import json
import ssl
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from party.ops.doctor.finding import Skipped
from party.version import VERSION

TIMEOUT_SECONDS = 20
# Enough of an answer to know what it is.
READ_BYTES = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """An answer of the site."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The contract's envelope; empty if this is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and "success" in found else {}

    @property
    def is_ours(self) -> bool:
        """Whether the app wrote this, and nobody between us and it."""
        return bool(self.json) or (self.status == 204 and "X-Request-Id" in self.headers)

    @property
    def data(self) -> dict[str, Any]:
        """What a success carries. Raises `Skipped`: another check tells why the service does not answer."""
        if not self.json.get("success"):
            raise Skipped(f"the service answered {self.status}")
        found: dict[str, Any] = self.json["data"]
        return found

    @property
    def code(self) -> str:
        """The code of an error, or nothing."""
        return str(self.json.get("error", {}).get("code", ""))


class InBetween(Exception):
    """Somebody else answered what was asked of the app."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Site:
    """The address given by --url. Connections are kept, as a browser keeps them."""

    def __init__(self, url: str, source: str | None = None, timeout: float = TIMEOUT_SECONDS) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.is_secure = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.is_secure else 80)
        self.path = parts.path.rstrip("/")
        # Set by a check after which others make no sense.
        self.unreachable = ""
        # Set by the check that has heard the app itself: from then on, its answers are expected.
        self.is_party = False
        self._timeout = timeout
        self._source = (source, 0) if source else None
        self._connection: HTTPConnection | None = None

    def __enter__(self) -> "Site":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect_party(self) -> None:
        """Raises `Skipped` where the app has not been heard."""
        if not self.is_party:
            raise Skipped(self.unreachable or "the service does not answer")

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        """GET a path below the mount point. Raises `InBetween` as `call` does."""
        return self._expected(self.request("GET", self.path + path, headers))

    def call(self, method: str, path: str, token: str = "", body: dict[str, Any] | None = None) -> Answer:
        """A call of the contract. Raises `InBetween` if another answers where the app has been heard."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is None:
            return self._expected(self.request(method, self.path + path, headers))
        headers["Content-Type"] = "application/json"
        self.close()  # a kept connection may be dead by now, and this request is sent only once
        return self._expected(self.request(method, self.path + path, headers, json.dumps(body).encode()))

    def _expected(self, answer: Answer) -> Answer:
        if self.is_party and not answer.is_ours:
            raise InBetween(answer)
        return answer

    def request(
        self, method: str, target: str, headers: dict[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Send a request for exactly this target. Raises `OSError`, `HTTPException`, `Skipped`."""
        sent = {"User-Agent": f"party-doctor/{VERSION}", **(headers or {})}
        was_kept = self._connection is not None
        try:
            return self._send(method, target, sent, body)
        except (OSError, HTTPException):
            self.close()
            if not was_kept:
                raise
            return self._send(method, target, sent, body)

    def connect(self) -> HTTPConnection:
        """The connection; its socket tells the addresses and the certificate. Raises `Skipped`."""
        if self.unreachable:
            raise Skipped(self.unreachable)
        if self._connection is None:
            arguments: dict[str, Any] = {"timeout": self._timeout, "source_address": self._source}
            if self.is_secure:
                arguments["context"] = ssl.create_default_context()
            connection = (HTTPSConnection if self.is_secure else HTTPConnection)(
                self.host, self.port, **arguments
            )
            connection.connect()
            self._connection = connection
        return self._connection

    def close(self) -> None:
        """Give the connection up; the next request makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def certificate(self) -> dict[str, Any]:
        """The server's certificate, which has been verified. Raises `ssl.SSLCertVerificationError`."""
        socket = self.connect().sock
        assert isinstance(socket, ssl.SSLSocket)
        return socket.getpeercert() or {}

    @property
    def addresses(self) -> tuple[str, str]:
        """Whence and where to the connection goes."""
        socket = self.connect().sock
        return socket.getsockname()[0], socket.getpeername()[0]

    def _send(self, method: str, target: str, given: dict[str, str], body: bytes | None) -> Answer:
        connection = self.connect()
        connection.request(method, target, body, given)
        response = connection.getresponse()
        content = response.read(READ_BYTES)
        if not response.isclosed() or response.will_close:
            self.close()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            # What comes twice, browsers see as one with a comma.
            known = headers.get(name.title())
            headers[name.title()] = value if known is None else f"{known}, {value}"
        return Answer(response.status, headers, content)


def is_loopback(host: str) -> bool:
    """Whether this is a name or an address of this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
