"""The shortest way through the service: a request of a member that this process knows.

Nearly all are polls, and mostly the room has not moved. Before Flask is asked, a poll is answered from what
this process remembers, or held there if that is wanted, and a send is stored (`party.signaling.send`);
whatever is not certain takes the full path, which has the last word. The headers are those that the full path
gave to such a request from the same origin.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, request

from party import clock
from party.errors import BadCursor, ValidationError
from party.features import ENCLOSED_IN
from party.polling.memory import Memory

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# The status and the data of an answer.
Found = tuple[str, dict[str, Any]]
_POLL = re.compile(r"/signal/([^/%]+)/([^/%]+)")
# Origins are made up by clients: no more than so many are remembered.
MOST_ORIGINS = 100
# Each answer has its own.
_OWN = {"content-length", "x-request-id"}
# Under this name a request carries what went wrong on the fast path.
_FAILURE = "party.failure"
# As the app's own.
_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

CURSOR = re.compile(r"[0-9]{1,18}")
WAIT = re.compile(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def arguments(environ: dict[str, Any]) -> tuple[int | None, float]:
    """A poll's cursor and its seconds to wait, from the query or the headers of a WSGI request.

    Raises `BadCursor`, `ValidationError`.
    """
    after, wait = environ.get("HTTP_X_PARTY_AFTER"), environ.get("HTTP_X_PARTY_WAIT")
    # Of a name that stands there twice the first counts.
    for name, value in reversed(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)):
        if name == "after":
            after = value
        elif name == "wait":
            wait = value
    if wait is not None and not WAIT.fullmatch(wait):
        raise ValidationError("wait: a number of seconds, 0 or more", field="wait")
    if after is not None and not CURSOR.fullmatch(after):
        raise BadCursor
    return None if after is None else int(after), float(wait or 0)


class FastPath:
    """WSGI around the app."""

    def __init__(self, app: Flask, memory: Memory) -> None:
        self._full_path = app.wsgi_app
        app.before_request(_fail)
        self._housekeeping = app.extensions["party.housekeeping"]
        self._app = app
        self._memory = memory
        # Method and path → what answers such a request, or leaves it to the full path, which can still read
        # its body. It raises what the app's own errors are, where nothing is to be tried again.
        self.answers: dict[tuple[str, str], Callable[[WSGIEnvironment], Found | None]] = {}
        # Origin → headers of an answer.
        self._headers: dict[str | None, list[tuple[str, str]]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        poll = _POLL.fullmatch(path) if method == "GET" else None
        answers = self._poll if poll else self.answers.get((method, path))
        if answers is None:
            return self._full_path(environ, start_response)
        headers = self._headers.get(environ.get("HTTP_ORIGIN"))
        found = None
        try:
            if headers and clock.now_ms() < self._housekeeping.due_at:
                found = answers(environ)
        except Exception as error:
            environ[_FAILURE] = error
        if found is None or headers is None:
            return self._full_path(environ, self._learning(environ, start_response))
        body = f"{_json({'success': True, 'data': found[1]})}\n".encode()
        start_response(
            found[0],
            [*headers, ("Content-Length", str(len(body))), ("X-Request-Id", secrets.token_hex(8))],
        )
        return [body]

    def _poll(self, environ: "WSGIEnvironment") -> Found | None:
        """The answer of a poll, if it is certain who asks. Raises what the app's own errors are."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        after, wait = arguments(environ)
        now = clock.now_ms()
        if after is None or scheme != "Bearer" or self._app.extensions.get(ENCLOSED_IN) in environ:
            return None
        _, _, code, participant_id = environ["PATH_INFO"].split("/")
        seconds = min(wait, self._memory.longest_wait)
        found = self._memory.answer(now, token, code, participant_id, after, waits=seconds > 0)
        if found is None:
            return None
        caller, answer = found
        return "200 OK", self._memory.hold(environ, caller, answer, seconds)

    def _learning(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "StartResponse":
        """Remember the headers of a good answer."""
        origin = environ.get("HTTP_ORIGIN")

        def start(status: str, headers: list[tuple[str, str]], *error: object) -> object:
            if status in ("200 OK", "201 CREATED") and origin not in self._headers:
                if len(self._headers) >= MOST_ORIGINS:
                    self._headers.clear()
                self._headers[origin] = [pair for pair in headers if pair[0].lower() not in _OWN]
            return start_response(status, headers, *error)  # type: ignore[arg-type]

        return start  # type: ignore[return-value]


def _fail() -> None:
    """The fast path ends in the app's own error handling: tried again, a failure would take twice as long."""
    error: Exception | None = request.environ.get(_FAILURE)
    if error is not None:
        raise error
