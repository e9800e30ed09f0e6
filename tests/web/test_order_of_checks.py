"""What is checked first, so that nobody without a token of a room learns anything about it."""

import itertools
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from party.web.calls import Call
from tests.conftest import MakeApp
from tests.support.peers import Answer, Api, Seat

UNKNOWN = "ZZZZZZ"
MALFORMED = ("ZZZZZ", "ZZZZZZZ", "ABC1IL", "zzzz-z", "%F0%9F%8E%89", "ABC%20DE", "Ⅷ", "\u017f" * 6, "%00")

Send = Callable[[Api, str, str | None], Answer]


def calls_with_token(app: Flask, *access: str) -> dict[str, Send]:
    """Every call for which a token is needed or good, made for a room code with a token."""
    document = Api.of_app(app).request("GET", "/openapi.json").json
    found: dict[str, Send] = {}
    for rule in app.url_map.iter_rules():
        declared: Call | None = getattr(app.view_functions[rule.endpoint], "call", None)
        if declared is not None and declared.access in access:
            (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            path = re.sub("<([a-z_]+)>", r"{\1}", rule.rule)
            operation = document["paths"][path][method.lower()]
            found[f"{method} {path}"] = partial(_send, method, path, body_of(operation, document))
    return found


def _send(method: str, path: str, body: Any, api: Api, code: str, token: str | None) -> Answer:
    if isinstance(body, dict) and "roomCode" in body:
        body = {**body, "roomCode": code}
    path = path.replace("{code}", code).replace("{participant_id}", "x")
    return api.request(method, path, body, token=token)


def body_of(operation: dict[str, Any], document: dict[str, Any]) -> Any:
    """The least that a call accepts as its body."""
    if "requestBody" not in operation:
        return None
    return example(operation["requestBody"]["content"]["application/json"]["schema"], document)


def example(schema: dict[str, Any], document: dict[str, Any]) -> Any:
    """A value that this schema of the contract describes."""
    if "$ref" in schema:
        return example(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return example(schema[choice][0], document)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        return {name: example(properties[name], document) for name in schema.get("required", [])}
    return {"string": "x", "boolean": True, "array": []}.get(schema["type"], max(schema.get("minimum", 0), 0))


MEMBERS = ("member", "player", "host", "even waiting", "even refused")


@pytest.fixture
def strangers(client: Api) -> tuple[Seat, Seat]:
    """The hosts of two rooms."""
    return client.create_room(), client.create_room()


def test_without_a_token_every_room_looks_the_same(
    app: Flask, client: Api, strangers: tuple[Seat, Seat]
) -> None:
    calls = calls_with_token(app, *MEMBERS)
    assert len(calls) >= 8
    for send, code in itertools.product(calls.values(), (strangers[0].code, UNKNOWN, "ZZZZZ")):
        answer = send(client, code, None)
        assert (answer.status, answer.code) == (401, "TOKEN_REQUIRED"), answer.text
        for wrong in ("x", strangers[0].token[:-1], strangers[0].token.swapcase(), "é"):
            answer = send(client, code, wrong)
            assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


def test_with_a_token_every_other_room_looks_the_same(
    app: Flask, client: Api, strangers: tuple[Seat, Seat]
) -> None:
    mine, other = strangers
    ended = client.create_room()
    ended.call("DELETE")
    codes = (other.code, ended.code, UNKNOWN, "ZZZZZ", "ZZZZZZZ", "%C5%BF" * 6)
    for send, code in itertools.product(calls_with_token(app, *MEMBERS, "anyone or member").values(), codes):
        answer = send(client, code, mine.token)
        assert (answer.status, answer.code) == (403, "NOT_A_MEMBER")


@pytest.mark.parametrize("code", [UNKNOWN, *MALFORMED])
def test_a_malformed_code_is_an_unknown_room(client: Api, code: str) -> None:
    answers = [
        client.request("GET", f"/rooms/{code}"),
        client.request("POST", f"/rooms/{code}/join", {"name": "Gus"}),
    ]
    for answer in answers:
        assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")


def test_the_form_of_the_request_comes_before_the_token_and_the_room(client: Api) -> None:
    wrong_forms = [
        (b"{", {"Content-Type": "application/json"}, 400, "BAD_JSON"),
        (b"[]", {"Content-Type": "application/json"}, 400, "VALIDATION_ERROR"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "JSON_REQUIRED"),
        (b"{}", {"Content-Type": "application/json"}, 400, "VALIDATION_ERROR"),
        (b" " * (1024 * 1024 + 1), {"Content-Type": "application/json"}, 413, "TOO_LARGE"),
    ]
    paths = ["/signal", *(f"/rooms/{UNKNOWN}/{action}" for action in ("remove", "join"))]
    for path, (raw, headers, status, code) in itertools.product(paths, wrong_forms):
        answer = client.request("POST", path, raw=raw, headers=headers)
        assert (answer.status, answer.code) == (status, code), (path, raw[:9])


def test_a_wrong_cursor_is_a_matter_of_form(client: Api) -> None:
    assert client.request("GET", f"/signal/{UNKNOWN}/x?after=-1").code == "BAD_CURSOR"
    assert client.request("GET", f"/signal/{UNKNOWN}/x?wait=soon").code == "VALIDATION_ERROR"


def test_the_token_comes_before_the_id_and_the_role(client: Api, strangers: tuple[Seat, Seat]) -> None:
    mine, other = strangers
    guest = client.join(mine.code)
    assert client.request("GET", f"/signal/{other.code}/{mine.id}", token=mine.token).code == "NOT_A_MEMBER"
    assert client.request("GET", f"/signal/{mine.code}/{guest.id}", token=mine.token).code == "NOT_YOUR_ID"
    assert guest.send(mine, fromId=mine.id).code == "NOT_YOUR_ID"
    assert client.request("DELETE", f"/rooms/{other.code}", token=guest.token).code == "NOT_A_MEMBER"
    mine.call("DELETE")
    assert guest.send(mine, fromId=mine.id).code == "NOT_YOUR_ID"
    assert guest.call("POST", "/end").code == "HOST_ONLY"


def test_strangers_are_counted_before_anything_is_looked_up(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=4))
    host = client.create_room(password="p")
    tried = [
        client.request("GET", f"/rooms/{UNKNOWN}"),
        client.request("GET", "/rooms/malformed"),
        client.request("POST", f"/rooms/{UNKNOWN}/join", {"name": "Gus"}),
        client.request("POST", f"/rooms/{host.code}/join", {"name": "Gus"}),
    ]
    assert [answer.status for answer in tried] == [404, 404, 404, 403]
    for code in (host.code, UNKNOWN, "malformed"):
        # No answer tells any more whether the code exists.
        assert client.request("GET", f"/rooms/{code}").code == "RATE_LIMITED"
        body = {"name": "Gus", "password": "p"}
        assert client.request("POST", f"/rooms/{code}/join", body).code == "RATE_LIMITED"
    # A body without form is no attempt, and members are not strangers.
    assert client.request("POST", f"/rooms/{host.code}/join", {}).code == "VALIDATION_ERROR"
    assert host.call("GET").status == 200


def test_a_stranger_reads_no_mailbox_and_ends_no_room(client: Api, strangers: tuple[Seat, Seat]) -> None:
    host, stranger = strangers
    guest = client.join(host.code)
    guest.send(host, {"secret": 1})
    for token in (None, "guess", host.id, stranger.token):
        answers = [
            client.request("GET", f"/signal/{host.code}/{host.id}", token=token),
            client.request("DELETE", f"/rooms/{host.code}", {"hostId": host.id}, token=token),
        ]
        assert all(answer.status in (401, 403) for answer in answers)
    # Not even another member of the same room.
    assert client.request("GET", f"/signal/{host.code}/{host.id}", token=guest.token).code == "NOT_YOUR_ID"
    assert [message["payload"] for message in host.read() if message["type"] == "offer"] == [{"secret": 1}]


@pytest.mark.parametrize(
    "value",
    ["{token}", "Basic {token}", "Bearer", "Bearer ", "Bearer a b", "bearer{token}", "Bearer {token} x"],
)
def test_only_a_bearer_token_is_one(client: Api, value: str) -> None:
    host = client.create_room()
    header = {"Authorization": value.format(token=host.token)}
    answer = client.request("POST", f"/rooms/{host.code}/rejoin", headers=header)
    assert answer.status == 401
    # The scheme's name is case-insensitive.
    header = {"Authorization": f"BEARER {host.token}"}
    assert client.request("GET", f"/rooms/{host.code}", headers=header).data["you"]["id"] == host.id
