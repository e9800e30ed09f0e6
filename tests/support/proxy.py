"""A proxy between a page and the service which does to the traffic what bad networks do."""

import http.client
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal

from tests.support.processes import free_port

HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Fate:
    """What becomes of an answer, which the service has given in any case."""

    is_lost: bool = False
    delay_seconds: float = 0


UNHARMED = Fate()
# (method, path with its query) -> what becomes of the answer
Rule = Callable[[str, str], Fate]


class Proxy:
    """Starts at once and harms nothing until it is told to.

    Each request has a connection of its own: browsers repeat by themselves what a connection loses that
    was used before, and then nothing would be lost.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.rule: Rule = lambda method, path: UNHARMED
        # Every request that reached the service, with the fate of its answer; for conditions of tests.
        self.passed: list[tuple[str, str, Fate]] = []
        self._outage: Literal["refused", "silent"] | None = None
        self._is_over = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server = _Listener(self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def lose_first(self, *patterns: str) -> None:
        """Lose the answer to the first request that each of these matches: r"POST /signal$"."""
        left = list(patterns)

        def rule(method: str, path: str) -> Fate:
            with self._lock:
                for pattern in left:
                    if re.match(pattern, f"{method} {path}"):
                        left.remove(pattern)
                        return Fate(is_lost=True)
            return UNHARMED

        self.rule = rule

    @property
    def lost(self) -> int:
        """How many answers were lost."""
        return sum(fate.is_lost for _, _, fate in self.passed)

    @contextmanager
    def outage(self, kind: Literal["refused", "silent"]) -> Iterator[None]:
        """Nothing passes, in neither direction: connections are cut at once, or nobody ever answers."""
        with self._lock:
            self._is_over.clear()
            self._outage = kind
            if kind == "refused":
                for connection in self._open:
                    _cut(connection)
        try:
            yield
        finally:
            with self._lock:
                self._outage = None
                self._is_over.set()

    def stop(self) -> None:
        """Stop for good."""
        self._is_over.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def is_down(self) -> bool:
        """Whether nothing may pass now; where nobody answers, it takes until that is over to know."""
        outage = self._outage
        if outage == "silent":
            self._is_over.wait()
        return outage is not None

    def opened(self, connection: socket.socket) -> None:
        """A page has connected."""
        with self._lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """A connection of a page is over."""
        with self._lock:
            self._open.discard(connection)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        super().__init__(("127.0.0.1", proxy.port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A page that went away is nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.proxy.opened(self.connection)

    def finish(self) -> None:
        self.server.proxy.closed(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if proxy.is_down():
            return
        try:
            status, headers, content = self._ask(body)
        except OSError:
            # The service is not there: for the page, neither is anything else.
            return
        fate = UNHARMED if self.command == "OPTIONS" else proxy.rule(self.command, self.path)
        proxy.passed.append((self.command, self.path, fate))
        # A thread of its own waits for each request, so nothing else is held up.
        threading.Event().wait(fate.delay_seconds)
        if fate.is_lost or proxy.is_down():
            return
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        service = http.client.HTTPConnection("127.0.0.1", self.server.proxy.target_port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
            headers["Host"] = self.headers["Host"]
            service.request(self.command, self.path, body or None, headers)
            answer = service.getresponse()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in HOP_HEADERS]
            return answer.status, kept, answer.read()
        finally:
            service.close()

    do_GET = do_POST = do_DELETE = do_OPTIONS = _pass_on


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
