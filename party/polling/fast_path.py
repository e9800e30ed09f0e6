"""The shortest way through the service: a poll of a room that has not moved.

That is what nearly all requests are. Before Flask is asked, it is looked up in what this process
remembers, and held there if that is wanted; whatever is not certain goes the long way, which alone knows
errors, and which has the last word. The headers are those that the long way gave to a poll from the same
origin.
"""

import re
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask, request

from party import clock
from party.config import Settings
from party.polling.pace import poll_after_ms
from party.polling.reading import acknowledge
from party.rooms.due import is_due
from party.rows import Caller
from party.web.tokens import hashed

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from party.polling.memory import Memory

_POLL = re.compile(r"/signal/([^/%]+)/([^/%]+)")
# Origins are made up by clients: no more than so many are remembered.
MOST_ORIGINS = 100
# Each answer has its own.
_OWN = {"content-length", "x-request-id"}
# Under this name a request carries what went wrong on the short way.
_FAILURE = "party.failure"


class Shortcut:
    """WSGI around the app."""

    def __init__(self, app: Flask, settings: Settings, memory: "Memory") -> None:
        self._long_way = app.wsgi_app
        app.before_request(_fail)
        self._json = app.json
        self._housekeeping = app.extensions["party.housekeeping"]
        self._polls = app.extensions["party.web.rate_limits"].polls
        self._database = app.extensions["party.database"]
        self._watch = memory.watch
        self._heartbeats = memory.heartbeats
        self._holding = memory.holding
        self._longest_wait = settings.LONG_POLL_SECONDS
        # Origin → headers of a poll's answer.
        self._headers: dict[str | None, list[tuple[str, str]]] = {}

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            return self._long_way(environ, start_response)
        poll = _POLL.fullmatch(environ.get("PATH_INFO", ""))
        if poll is None:
            return self._long_way(environ, start_response)
        headers = self._headers.get(environ.get("HTTP_ORIGIN"))
        body = None
        try:
            if headers:
                body = self._answer(environ, poll[1], poll[2])
        except Exception as error:
            environ[_FAILURE] = error
        if body is None or headers is None:
            return self._long_way(environ, self._learning(environ, start_response))
        start_response(
            "200 OK",
            [*headers, ("Content-Length", str(len(body))), ("X-Request-Id", secrets.token_hex(8))],
        )
        return [body]

    def _answer(self, environ: "WSGIEnvironment", code: str, participant_id: str) -> bytes | None:
        """The body, if it is certain that there is nothing new. Raises what the app's own errors are."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        asked = _cursor_and_wait(environ)
        if asked is None or scheme != "Bearer":
            return None
        after, wait = asked
        seat = self._watch.seat(hashed(token))
        now = clock.now_ms()
        if seat is None or self._housekeeping.is_due(now):
            return None
        caller = seat.caller
        seconds = min(wait, self._longest_wait)
        # Whoever waits is told of what was not read yet.
        room = self._watch.room(caller["room_id"], lately=seconds > 0)
        if (
            room is None
            or room["members_seq"] != seat.members_seq
            or not (room["code"] == caller["code"] == code and caller["participant_id"] == participant_id)
            or after != room["seq"]
            or room["status"] == "ended"
            or is_due(room, now)
        ):
            return None
        self._polls.hit(caller["id"])
        if after > seat.covered:
            acknowledge(self._database, caller, after)
            seat.covered = after
        self._heartbeats.note(now, caller, room)
        pause = poll_after_ms(now, room, more=False, news=False)
        if seconds:
            return self._held(environ, caller, after, pause, seconds)
        return (
            b'{"success":true,"data":{"messages":[],"count":0,"seq":%d,"more":false,"gap":false,'
            b'"pollAfterMs":%d}}\n' % (after, pause)
        )

    def _held(
        self, environ: "WSGIEnvironment", caller: Caller, after: int, pause: int, seconds: float
    ) -> bytes | None:
        """The body, when it comes. Raises `TokenInvalid`."""
        empty = {"messages": [], "count": 0, "seq": after, "more": False, "gap": False, "pollAfterMs": pause}
        answer = self._holding.hold(environ, caller, empty, seconds)
        return f"{self._json.dumps({'success': True, 'data': answer}, separators=(',', ':'))}\n".encode()

    def _learning(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "StartResponse":
        """Remember the headers of a good answer to a poll."""
        origin = environ.get("HTTP_ORIGIN")

        def start(status: str, headers: list[tuple[str, str]], *error: object) -> object:
            if status == "200 OK" and origin not in self._headers:
                if len(self._headers) >= MOST_ORIGINS:
                    self._headers.clear()
                self._headers[origin] = [pair for pair in headers if pair[0].lower() not in _OWN]
            return start_response(status, headers, *error)  # type: ignore[arg-type]

        return start  # type: ignore[return-value]


def _cursor_and_wait(environ: "WSGIEnvironment") -> tuple[int, int] | None:
    """The cursor and the seconds to wait of a poll, if both are plainly written."""
    found = {"after": environ.get("HTTP_X_PARTY_AFTER", ""), "wait": environ.get("HTTP_X_PARTY_WAIT", "0")}
    query = environ.get("QUERY_STRING", "")
    parts = [part.partition("=") for part in query.split("&")] if query else []
    found |= {name: value for name, _, value in parts}
    if len(found) > 2 or len(parts) > len({name for name, _, _ in parts}):
        return None
    if not all(value.isascii() and value.isdigit() and len(value) <= 18 for value in found.values()):
        return None
    return int(found["after"]), int(found["wait"])


def _fail() -> None:
    """The short way ends in the app's own error handling: tried again, a failure would take twice as long."""
    error: Exception | None = request.environ.get(_FAILURE)
    if error is not None:
        raise error
