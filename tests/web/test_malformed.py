"""Bad input: a 4xx with a code and the field's name, and nothing is stored."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.peers import Answer, Api, Seat

KIB = 1024
NOT_TEXTS: list[Any] = [None, 5, 1.5, True, [], ["x"], {}, {"id": "x"}]
BAD_NAMES: list[Any] = [*NOT_TEXTS, "", "   ", "x" * 51, "a\nb", "a\x00b", "\x7f", "a\x85b", "\ttab\tin"]
BAD_IDS: list[Any] = [*NOT_TEXTS[1:], "", " ", "x" * 37, "a b", "ä", "a.b", "a/b", "x\n", "x\x00", "🎉"]
NOT_NUMBERS: list[Any] = ["5", 2.5, True, [], {}, 10**30, -1, 0]
NOT_OBJECTS: list[Any] = ["text", 5, 1.5, True, [], [{}]]


def tables(app: Flask) -> dict[str, list[Any]]:
    """All that is stored about rooms."""
    database = app.extensions["party.database"]
    names = ("rooms", "participants", "signaling", "sent", "events")
    return {name: database.all(f"SELECT * FROM party_{name}") for name in names}


@pytest.fixture
def refused(app: Flask, client: Api) -> Callable[..., None]:
    """Checks that a call is refused as invalid in one field, and that nothing has changed."""

    def check(call: Callable[[], Answer], field: str | None) -> None:
        before = tables(app)
        answer = call()
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR"), answer.text
        assert answer.error.get("field") == field, answer.text
        assert tables(app) == before

    return check


Refused = Callable[[Callable[[], Answer], str | None], None]


@pytest.fixture
def host(client: Api) -> Seat:
    """The host of a room with a guest named `guest`."""
    seat = client.create_room(hostId="host")
    client.join(seat.code, participantId="guest")
    return seat


def test_create_refuses_what_is_no_room(client: Api, refused: Refused) -> None:
    wrong: dict[str, list[Any]] = {
        "hostName": BAD_NAMES,
        "hostId": BAD_IDS,
        "maxParticipants": [*NOT_NUMBERS, 1, 51],
        "password": [*NOT_TEXTS[1:], "", "x" * 129],
        "retryKey": [*NOT_TEXTS[1:], "short"],
    }
    for field, values in wrong.items():
        for value in values:
            body = {"hostName": "Hana", field: value}
            refused(lambda body=body: client.request("POST", "/rooms", body), field)  # type: ignore[misc]
    refused(lambda: client.request("POST", "/rooms", {}), "hostName")
    refused(lambda: client.request("POST", "/rooms"), "hostName")


def test_join_refuses_what_is_no_guest(client: Api, refused: Refused, host: Seat) -> None:
    wrong = {"name": BAD_NAMES, "participantId": BAD_IDS, "password": [*NOT_TEXTS[1:], "", "x" * 129]}
    path = f"/rooms/{host.code}/join"
    for field, values in wrong.items():
        for value in values:
            body = {"name": "Gus", field: value}
            refused(lambda body=body: client.request("POST", path, body), field)  # type: ignore[misc]
    refused(lambda: client.request("POST", path), "name")


def test_names_may_be_anything_visible(client: Api) -> None:
    for name in (
        "x",
        "x" * 50,
        "🎉" * 50,
        "Zoë 李 محمد",
        "<script>",
        "'; DROP TABLE party_rooms; --",
        "%s :name",
    ):
        host = client.create_room(name)
        assert host.room["hostName"] == name
        assert client.request("GET", f"/rooms/{host.code}").data["hostName"] == name


def test_send_refuses_what_is_no_signal(refused: Refused, client: Api, host: Seat) -> None:
    good = {"toId": "guest", "type": "offer", "payload": {}}
    wrong: dict[str, list[Any]] = {
        "toId": [None, *BAD_IDS],
        "type": [*NOT_TEXTS, "", "Offer", "offer ", "candidate", "participant-joined"],
        "payload": [None, *NOT_OBJECTS],
        "clientMsgId": [*NOT_TEXTS[1:], "", "x" * 65, "a b", "é", "a\n"],
        "fromId": BAD_IDS,
        "roomCode": NOT_TEXTS,
    }

    def send(body: dict[str, Any]) -> Answer:
        return client.request("POST", "/signal", body, token=host.token)

    for field, values in wrong.items():
        for value in values:
            body = {"roomCode": host.code, **good, field: value}
            refused(lambda body=body: send(body), field)  # type: ignore[misc]
    for field in ("toId", "type", "payload", "roomCode"):
        body = {name: value for name, value in {"roomCode": host.code, **good}.items() if name != field}
        refused(lambda body=body: send(body), field)  # type: ignore[misc]


def test_a_batch_with_one_bad_signal_stores_none(refused: Refused, host: Seat) -> None:
    good = {"toId": "guest", "type": "ice", "payload": {}}
    refused(lambda: host.send_batch([good, {**good, "payload": "text"}]), "messages.1.payload")
    refused(lambda: host.send_batch([good, "text"]), "messages.1")  # type: ignore[list-item]
    refused(lambda: host.send_batch([]), "messages")
    refused(lambda: host.send_batch([good] * 101), "messages")
    for value in (None, "text", 5, {}, {"0": good}):
        refused(lambda value=value: host.send_batch(value), "messages")  # type: ignore[misc]
    refused(lambda: host.send_batch([good], toId="guest"), None)


def test_host_calls_refuse_bad_bodies(refused: Refused, host: Seat) -> None:
    for value in [None, *BAD_IDS]:
        body = {"participantId": value}
        refused(lambda body=body: host.call("POST", "/remove", body), "participantId")  # type: ignore[misc]
    refused(lambda: host.call("POST", "/remove"), "participantId")


@pytest.mark.parametrize("wait", ["", "x", "-1", "e5", "1e", "nan", "inf", "+1", "\u0661", "1,5", "0x1"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(
    client: Api, host: Seat, refused: Refused, wait: str
) -> None:
    path = f"/signal/{host.code}/host"
    refused(lambda: client.request("GET", f"{path}?wait={wait}", token=host.token), "wait")
    header = {"X-Party-Wait": wait}
    if wait.isascii():
        refused(lambda: client.request("GET", path, token=host.token, headers=header), "wait")


BODIES = {
    "not json": b"{",
    "text after it": b'{"hostName": "H"} x',
    "single quotes": b"{'hostName': 'H'}",
    "not utf-8": b'{"hostName": "caf\xe9"}',
    "utf-16": '{"hostName": "H"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"hostName": "H"}',
    "a lone surrogate": b'{"hostName": "\\ud800"}',
    "a lone surrogate in capitals": b'{"hostName": "\\uD83C"}',
    "not a number": b'{"hostName": "H", "other": {"n": NaN}}',
    "infinity": b'{"hostName": "H", "other": {"n": -Infinity}}',
    "a huge number": b'{"hostName": "H", "other": {"n": ' + b"9" * 5000 + b"}}",
    "deep nesting": b'{"hostName": "H", "other": {"n": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_passed_on_is_no_json(app: Flask, client: Api, body: bytes) -> None:
    answer = client.request("POST", "/rooms", raw=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (400, "BAD_JSON")
    assert tables(app)["rooms"] == []


@pytest.mark.parametrize("value", ["null", "5", '"text"', "[]", "true", '[{"hostName": "H"}]'])
def test_a_body_must_be_an_object(app: Flask, client: Api, value: str) -> None:
    answer = client.request(
        "POST", "/rooms", raw=value.encode(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert tables(app)["rooms"] == []


@pytest.mark.parametrize("kind", [None, "", "text/plain", "application/x-www-form-urlencoded", "json", "*/*"])
def test_a_body_that_is_not_called_json_is_refused(app: Flask, client: Api, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = client.request("POST", "/rooms", raw=b'{"hostName": "H"}', headers=headers)
    assert (answer.status, answer.code) == (415, "JSON_REQUIRED")
    assert tables(app)["rooms"] == []


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"]
)
def test_json_may_be_called_by_its_other_names(client: Api, kind: str) -> None:
    answer = client.request("POST", "/rooms", raw=b'{"hostName": "H"}', headers={"Content-Type": kind})
    assert answer.status == 201


def test_calls_without_required_fields_need_no_body(client: Api, host: Seat) -> None:
    for path in ("/rejoin",):
        for raw, headers in (
            (None, {}),
            (b"", {"Content-Type": "application/json"}),
            (b"{}", {"Content-Type": "application/json"}),
            (b'{"unknown": 1}', {"Content-Type": "application/json"}),
        ):
            answer = client.request(
                "POST", f"/rooms/{host.code}{path}", raw=raw, headers=headers, token=host.token
            )
            assert answer.status in (200, 409), answer.text
            if path == "/rejoin":
                host.token = answer.data["you"]["token"]


# Sizes


def payload_of(size: int) -> dict[str, str]:
    """An object that takes so many bytes as compact JSON."""
    return {"s": "é" * ((size - len('{"s":""}')) // 2) + "x" * (size % 2)}


def test_a_payload_of_exactly_64_kib_arrives_whole(client: Api, host: Seat) -> None:
    guest = client.join(host.code)
    for payload in (payload_of(64 * KIB), {"s": "x" * (64 * KIB - 8)}, {"s": "🎉" * (16 * KIB - 2)}):
        assert len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) == 64 * KIB
        assert host.send(guest, payload).status == 201
        assert guest.read()[-1]["payload"] == payload


def test_one_byte_more_is_too_large_and_nothing_is_stored(app: Flask, host: Seat) -> None:
    before = tables(app)
    too_large = [
        host.send("guest", payload_of(64 * KIB + 1)),
        host.send_batch(
            [
                {"toId": "guest", "type": "ice", "payload": payload}
                for payload in ({}, payload_of(64 * KIB + 1))
            ]
        ),
        host.send("guest", payload_of(5 * KIB * KIB)),
    ]
    assert [(answer.status, answer.code) for answer in too_large] == [(413, "TOO_LARGE")] * len(too_large)
    assert tables(app) == before


def test_a_body_of_exactly_1_mib_is_read(client: Api) -> None:
    body = b'{"hostName": "H"}'
    headers = {"Content-Type": "application/json"}
    fits = client.request("POST", "/rooms", raw=body.ljust(KIB * KIB), headers=headers)
    assert fits.status == 201
    over = client.request("POST", "/rooms", raw=body.ljust(KIB * KIB + 1), headers=headers)
    assert (over.status, over.code) == (413, "TOO_LARGE")


def test_a_payload_is_passed_on_untouched(client: Api, host: Seat) -> None:
    guest = client.join(host.code)
    payload = {
        "sdp": "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n",
        "": "", "ключ": "🎉\u2028\x00\\\"'", "n": [0, -1, 1.5, 1e-7, 2**53], "%s": ":name %(x)s ? {}",
        "deep": {"a": [{"b": None}, True, False]}, "fromId": "someone", "a b": "  ",
    }  # fmt: skip
    host.send(guest, payload)
    assert guest.read()[-1]["payload"] == payload


def test_nesting_deeper_than_64_levels_is_refused(client: Api, refused: Refused, host: Seat) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {"n": 1}
        for _ in range(levels - 1):
            value = {"v": value}
        return value

    guest = client.join(host.code)
    assert host.send(guest, nested(64)).status == 201
    assert guest.read()[-1]["payload"] == nested(64)
    refused(lambda: host.send(guest, nested(65)), "payload")
