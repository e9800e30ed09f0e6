"""Peers that speak the contract, in this process or over the network; every answer is checked."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from inspect import getmembers, isclass, isfunction
from pkgutil import walk_packages
from typing import Any

import requests
from flask import Flask

import party
from party import errors
from tests.support.server import ROOT


@cache
def codes() -> set[str]:
    """The codes of the core's errors, and of those that the calls of this project are declared with."""
    names = [module.name for module in walk_packages(party.__path__, "party.")]
    routes = [import_module(name) for name in names if name.endswith(".routes")]
    views = [view for module in routes for _, view in getmembers(module, isfunction)]
    declared = [kind for view in views if hasattr(view, "call") for kind in view.call.errors]
    core = [kind for _, kind in getmembers(errors, isclass) if issubclass(kind, errors.ApiError)]
    return {kind.code for kind in core + declared}


def shown(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """What an object has of the expected fields: features may add others."""
    return {name: found[name] for name in expected if name in found}


# What no answer may show: a trace, SQL, a table, a path of this machine.
LEAKS = re.compile(
    rf"Traceback|(FROM|INTO|UPDATE|JOIN|table:) party_|SELECT |{re.escape(str(ROOT))}|site-packages"
)
# Browsers keep what they have of these, and ask whether it is still the same.
PAGES = ("/", "/play")
OUTSIDE_THE_ENVELOPE = ("/openapi.json", "/metrics", "/static/", "/admin")


def lasting(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Messages without those that time alone brings: who is there."""
    return [message for message in messages if message["type"] != "presence-changed"]


@dataclass(frozen=True)
class Answer:
    """An answer of the service."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The whole body."""
        return json.loads(self.text)

    @property
    def data(self) -> Any:
        """What a success carries."""
        assert self.status < 300, self.text
        return self.json["data"]

    @property
    def error(self) -> dict[str, Any]:
        """What a failure carries."""
        assert self.status >= 400, self.text
        found: dict[str, Any] = self.json["error"]
        return found

    @property
    def code(self) -> str:
        """The error's code."""
        code: str = self.error["code"]
        return code


# (method, path, body, headers) -> (status, headers, text)
Transport = Callable[[str, str, bytes | None, dict[str, str]], tuple[int, dict[str, str], str]]


class Api:
    """Calls of the contract. A path is relative to the mount point."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @classmethod
    def of_app(cls, app: Flask) -> "Api":
        """In this process; the client's address is 127.0.0.1."""

        def send(
            method: str, path: str, body: bytes | None, headers: dict[str, str]
        ) -> tuple[int, dict[str, str], str]:
            # A client per call: nothing is kept between calls, and threads do not meet.
            response = app.test_client().open(path, method=method, data=body, headers=headers, buffered=True)
            response.close()
            return response.status_code, dict(response.headers), response.get_data(as_text=True)

        return cls(send)

    @classmethod
    def of_url(cls, url: str) -> "Api":
        """Over the network, each call on a connection of its own."""

        def send(
            method: str, path: str, body: bytes | None, headers: dict[str, str]
        ) -> tuple[int, dict[str, str], str]:
            response = requests.request(method, url + path, data=body, headers=headers, timeout=30)
            return response.status_code, dict(response.headers), response.content.decode()

        return cls(send)

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Answer:
        """One call, with a JSON body or with raw bytes; the answer's form is checked."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if json is not None:
            raw = _dumps(json)
            sent.setdefault("Content-Type", "application/json")
        answer = Answer(*self._transport(method, path, raw, sent))
        check_form(method, path, answer)
        return answer

    def create_room(self, host_name: str = "Hana", **fields: Any) -> "Seat":
        """The host's seat in a new room."""
        return Seat(self, self.request("POST", "/rooms", {"hostName": host_name, **fields}).data)

    def join(self, code: str, name: str = "Gus", **fields: Any) -> "Seat":
        """A guest's seat."""
        return Seat(self, self.request("POST", f"/rooms/{code}/join", {"name": name, **fields}).data)


@dataclass
class Seat:
    """A member of a room: its token, and the cursor of its page."""

    api: Api
    room: dict[str, Any]
    id: str = field(init=False)
    token: str = field(init=False)
    code: str = field(init=False)
    seq: int = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.room["you"]["id"]
        self.token = self.room["you"]["token"]
        self.code = self.room["code"]
        self.seq = self.room["seq"]

    def call(self, method: str, action: str = "", json: Any = None) -> Answer:
        """A call below the room's path, such as `call("POST", "/leave")`."""
        return self.api.request(method, f"/rooms/{self.code}{action}", json, token=self.token)

    def poll(self, after: int | None = None) -> Answer:
        """Poll with this cursor, or without one; the seat's own cursor is neither used nor moved."""
        query = "" if after is None else f"?after={after}"
        return self.api.request("GET", f"/signal/{self.code}/{self.id}{query}", token=self.token)

    def read(self, *, presence: bool = False) -> list[dict[str, Any]]:
        """Poll as the contract wants it until all is read, moving the seat's cursor: the messages.

        Who is there changes with time alone: those events are left out but where they are asked for.
        """
        messages: list[dict[str, Any]] = []
        while True:
            data = self.poll(self.seq).data
            messages += data["messages"] if presence else lasting(data["messages"])
            self.seq = data["seq"]
            if not data["more"]:
                return messages

    def send(self, to: "Seat | str", payload: Any = None, type: str = "offer", **fields: Any) -> Answer:
        """Send one signal; `fields` such as clientMsgId, fromId, after."""
        message = _message(to, payload, type)
        return self.api.request(
            "POST", "/signal", {"roomCode": self.code, **message, **fields}, token=self.token
        )

    def send_batch(self, messages: list[dict[str, Any]], **fields: Any) -> Answer:
        """Send several signals, each {toId, type, payload, clientMsgId?}."""
        body = {"roomCode": self.code, "messages": messages, **fields}
        return self.api.request("POST", "/signal", body, token=self.token)


def _message(to: Seat | str, payload: Any, type: str) -> dict[str, Any]:
    to_id = to.id if isinstance(to, Seat) else to
    return {"toId": to_id, "type": type, "payload": {"sdp": "v=0"} if payload is None else payload}


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def check_form(method: str, path: str, answer: Answer) -> None:
    """What holds for every answer, whatever it says."""
    assert not (leak := LEAKS.search(answer.text)), f"{method} {path} shows {leak!r}"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-Id"]
    if answer.status >= 400 and path != "/":
        assert set(answer.json) == {"success", "error"}, answer.text
        assert answer.json["success"] is False
        assert answer.code in codes()
        assert answer.error["message"]
        assert set(answer.error) <= {"code", "message", "field", "retryAfter", "requestId", "reason"}
        assert ("field" not in answer.error) or answer.code == "VALIDATION_ERROR"
        if answer.status in (429, 503):
            assert int(answer.headers["Retry-After"]) == answer.error["retryAfter"] >= 1
    elif method not in ("HEAD", "OPTIONS") and path != "/" and not path.startswith(OUTSIDE_THE_ENVELOPE):
        assert set(answer.json) == {"success", "data"}, answer.text
        assert answer.json["success"] is True
    if not path.startswith("/static/") and (path not in PAGES or answer.status >= 400):
        assert answer.headers["Cache-Control"] == "no-store"
