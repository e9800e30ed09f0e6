"""Bodies as base64url, for those behind a firewall that takes a body's words for an attack."""

import base64
import json
from typing import Any

import pytest

from tests.conftest import MakeApp
from tests.support.peers import Answer, Api, Seat

MIB = 1024 * 1024
NASTY = {
    "questions": [
        {"text": "<b>?</b> ' OR 1=1; DROP TABLE x; -- $(cat /etc/passwd) 🎉", "answers": ["ja", "né"]}
    ]
}
TYPES = ["text/plain", "text/plain; charset=utf-8", "application/x-www-form-urlencoded"]


def encode(value: Any) -> bytes:
    """JSON as base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(value, ensure_ascii=False).encode()).rstrip(b"=")


def post(client: Api, path: str, raw: bytes, token: str | None = None, **headers: str) -> Answer:
    """A call with an encoded body; `headers` are written with underscores."""
    sent = {"Content-Type": "text/plain", "X-Party-Body": "b64"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    return client.request("POST", path, token=token, raw=raw, headers=sent)


@pytest.mark.needs("quiz")
@pytest.mark.parametrize("content_type", TYPES)
def test_every_call_takes_an_encoded_body(client: Api, content_type: str) -> None:
    created = post(client, "/rooms", encode({"hostName": "Ädä 🎉"}), Content_Type=content_type)
    assert (created.status, created.data["hostName"]) == (201, "Ädä 🎉")
    code, token = created.data["code"], created.data["you"]["token"]
    quiz = encode({"quizData": NASTY})
    answer = post(client, f"/rooms/{code}/quiz", quiz, token, Content_Type=content_type)
    assert (answer.status, answer.data["quizData"]) == (200, NASTY)
    guest = post(client, f"/rooms/{code}/join", encode({"name": "Gus", "participantId": "gus"}))
    assert guest.status == 200
    payload = {"sdp": "v=0\r\na=ice-pwd:+/'\"`"}
    signal = {"roomCode": code, "toId": "gus", "type": "offer", "payload": payload}
    assert post(client, "/signal", encode(signal), token, Content_Type=content_type).status == 201
    poll = client.request("GET", f"/signal/{code}/gus", token=guest.data["you"]["token"])
    assert [message["payload"] for message in poll.data["messages"]] == [payload]


@pytest.mark.parametrize("padding", [0, 1, 2])
def test_padding_may_be_there_or_not(client: Api, padding: int) -> None:
    padded = base64.urlsafe_b64encode(json.dumps({"hostName": "A" * (8 - padding)}).encode())
    assert padded.count(b"=") == padding
    for raw in (padded, padded.rstrip(b"=")):
        assert post(client, "/rooms", raw).status == 201


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"hostName": "Ada"}',
        b"e30 ",
        b"e30\n",
        b"e",  # no whole byte
        b"e30=e30",
        b"====",
        b"e30===",
        b"b64=e30",
        "e30ä".encode(),
        b"+/+/",  # base64, but of the other alphabet
        base64.urlsafe_b64encode(b"\xff\xfe"),
        base64.urlsafe_b64encode(b"no JSON"),
        base64.urlsafe_b64encode(b'{"hostName": NaN}'),
        base64.urlsafe_b64encode(b'{"hostName": "\\ud800"}'),
    ],
)
def test_what_is_not_base64url_of_json_is_bad_json(client: Api, raw: bytes) -> None:
    answer = post(client, "/rooms", raw)
    assert (answer.status, answer.code) == (400, "BAD_JSON")


def test_the_fields_of_an_encoded_body_are_checked_as_ever(client: Api) -> None:
    answer = post(client, "/rooms", encode({"hostName": ""}))
    assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", "hostName")
    values: list[Any] = [[], "text", 5, None]
    for value in values:
        answer = post(client, "/rooms", encode(value))
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


@pytest.mark.needs("quiz")
def test_an_encoded_body_may_be_absent_where_any_may(client: Api) -> None:
    host = client.create_room()
    client.join(host.code)
    assert post(client, f"/rooms/{host.code}/start", b"", host.token).status == 200


def test_a_text_is_no_body_without_the_header(client: Api) -> None:
    raw = encode({"hostName": "Ada"})
    for headers in ({}, {"X_Party_Body": "gzip"}, {"X_Party_Body": ""}):
        for content_type in TYPES:
            sent = {"Content-Type": content_type}
            sent |= {name.replace("_", "-"): value for name, value in headers.items()}
            answer = client.request("POST", "/rooms", raw=raw, headers=sent)
            assert (answer.status, answer.code) == (415, "JSON_REQUIRED")


def test_the_header_says_nothing_of_a_body_that_is_json(client: Api) -> None:
    raw = json.dumps({"hostName": "Ada"}).encode()
    assert post(client, "/rooms", raw, Content_Type="application/json").status == 201
    answer = post(client, "/rooms", encode({"hostName": "Ada"}), Content_Type="application/json")
    assert (answer.status, answer.code) == (400, "BAD_JSON")
    answer = post(client, "/rooms", encode({"hostName": "Ada"}), Content_Type="image/png")
    assert (answer.status, answer.code) == (415, "JSON_REQUIRED")


def test_where_encoded_bodies_are_off_they_are_refused(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ENCODED_BODIES=False))
    for content_type in TYPES:
        answer = post(client, "/rooms", encode({"hostName": "Ada"}), Content_Type=content_type)
        assert (answer.status, answer.code) == (415, "JSON_REQUIRED")
    assert client.request("POST", "/rooms", {"hostName": "Ada"}).status == 201


def test_what_is_encoded_may_be_as_large_as_what_is_not(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)

    def send(size: int) -> Answer:
        text = json.dumps({"roomCode": host.code, "messages": signals_to(guest)})
        raw = base64.urlsafe_b64encode(text.encode().ljust(size))
        return post(client, "/signal", raw, host.token)

    assert send(MIB).status == 201
    # One byte more decoded, with and without a byte more encoded.
    for size in (MIB + 1, MIB + 2, MIB + 3, 2 * MIB):
        answer = send(size)
        assert (answer.status, answer.code) == (413, "TOO_LARGE"), size


def signals_to(guest: Seat) -> list[dict[str, Any]]:
    """A batch that is no trouble by itself."""
    return [{"toId": guest.id, "type": "ice", "payload": {"candidates": []}}]


def test_a_body_that_is_not_encoded_may_not_be_as_long_as_one_that_is(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    text = json.dumps({"roomCode": host.code, "messages": signals_to(guest)}).encode()
    headers = {"Content-Type": "application/json"}
    answers = [
        client.request("POST", "/signal", token=host.token, raw=text.ljust(size), headers=headers)
        for size in (MIB, MIB + 1, MIB + 4)
    ]
    assert [answer.status for answer in answers] == [201, 413, 413]


def test_the_document_says_that_bodies_may_be_encoded(client: Api) -> None:
    document = client.request("GET", "/openapi.json").json
    for path, item in document["paths"].items():
        body = item.get("post", {}).get("requestBody")
        if body is None:
            continue
        assert set(body["content"]) >= {"application/json", "text/plain"}, path
        encoded = body["content"]["text/plain"]["schema"]
        assert (encoded["type"], encoded["contentEncoding"]) == ("string", "base64url")
        assert encoded["contentMediaType"] == "application/json"
        assert encoded["contentSchema"] == body["content"]["application/json"]["schema"]
        names = {parameter["name"] for parameter in item["post"]["parameters"]}
        assert "X-Party-Body" in names


@pytest.mark.parametrize(("method", "end"), [("POST", "/end"), ("DELETE", "")])
def test_the_host_ends_the_room_by_either_method(client: Api, method: str, end: str) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    refused = guest.call(method, end)
    assert (refused.status, refused.code) == (403, "HOST_ONLY")
    stranger = client.request(method, f"/rooms/{host.code}{end}")
    assert (stranger.status, stranger.code) == (401, "TOKEN_REQUIRED")
    answer = host.call(method, end)
    assert (answer.status, answer.data) == (200, {"ended": True})
    (event,) = [message for message in guest.poll(0).data["messages"] if message["type"] == "room-ended"]
    assert event["payload"]["reason"] == "ended"
    again = host.call(method, end)
    assert (again.status, again.code) == (410, "ROOM_ENDED")
