"""Too much, from outside: what is refused before it is parsed, and who is refused for it."""

import json
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from party.web import models, rate_limits
from tests.conftest import MakeApp, MakeServer
from tests.rooms.test_guesses import from_address
from tests.support.peers import Answer, Api, Seat
from tests.support.server import ROOT

KIB = 1024
MIB = KIB * KIB
JSON = {"Content-Type": "application/json"}


def room_with(quiz: bytes) -> bytes:
    """The body of a room with this as the content of its quiz."""
    return b'{"hostName": "Hana", "quizData": {"a": [' + quiz + b"1]}}"


NESTED = (b"[" * 60 + b"]" * 60 + b",") * (MIB // 121 - 1)
COSTLY = {
    "lists": b"[]," * (MIB // 3 - 20),
    "objects": b"{}," * (MIB // 3 - 20),
    "nested lists": NESTED,
    "numbers": b"1," * (MIB // 2 - 30),
    "members": b'{"":1},' * (MIB // 7 - 20),
    "beside texts": b'"[\\"[",[],' * (MIB // 10 - 20),
}


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the bodies that were parsed."""
    sizes: list[int] = []

    def loads(text: str, **options: Any) -> Any:
        sizes.append(len(text))
        return json.loads(text, **options)

    monkeypatch.setattr(models, "json", SimpleNamespace(loads=loads, dumps=json.dumps))
    return sizes


@pytest.mark.parametrize("quiz", COSTLY.values(), ids=COSTLY)
def test_what_is_costly_to_parse_is_refused_unparsed(client: Api, parsed: list[int], quiz: bytes) -> None:
    answer = client.request("POST", "/rooms", raw=room_with(quiz), headers=JSON)
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert parsed == []


@pytest.mark.needs("quiz")
@pytest.mark.parametrize(
    "quiz",
    [
        {"strokes": [[n % 640, n % 480] for n in range(25_000)]},
        {"points": [{"x": n, "y": n} for n in range(12_000)]},
        {"text": "[{,:}]" * 43_000},
        {"empty": [[] for _ in range(85_000)]},
        {"\"[": ["\\", '"', "[\\\"" * 20_000]},
    ],
    ids=["a drawing", "points", "a text of brackets", "empty lists", "quotes"],
)  # fmt: skip
def test_a_quiz_of_many_parts_is_none_the_less_one(client: Api, quiz: dict[str, Any]) -> None:
    assert len(json.dumps(quiz, separators=(",", ":"))) <= 256 * KIB
    host = client.create_room(quizData=quiz)
    assert host.room["quizData"] == quiz


def test_a_batch_of_drawings_is_sent(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    payload = {"strokes": [[n % 10, n % 7] for n in range(10_000)]}
    signals = [{"toId": guest.id, "type": "ice", "payload": payload} for _ in range(15)]
    assert host.send_batch(signals).status == 201


def test_a_stranger_s_batch_is_not_parsed(client: Api, parsed: list[int]) -> None:
    signal = b'{"roomCode": "ABCDEF", "messages": [' + b"{}," * 100_000 + b"{}]}"
    for token in (None, "nobody's"):
        assert client.request("POST", "/signal", raw=signal, headers=JSON, token=token).status == 401
    assert parsed == []


@pytest.mark.needs("quiz")
@pytest.mark.parametrize("path", ["join", "rejoin", "leave", "remove", "start", "next", "answer", "end"])
def test_only_calls_that_take_a_quiz_or_signals_read_large_bodies(
    client: Api, parsed: list[int], path: str
) -> None:
    host = client.create_room()
    parsed.clear()
    large = b'{"name": "Gus"}'.ljust(20 * KIB)
    answer = client.request("POST", f"/rooms/{host.code}/{path}", raw=large, headers=JSON, token=host.token)
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert parsed == []


@pytest.mark.needs("quiz")
def test_the_size_is_looked_at_before_the_depth(client: Api) -> None:
    deep: Any = "x" * 300 * KIB
    for _ in range(70):
        deep = {"v": deep}
    answer = client.request("POST", "/rooms", {"hostName": "H", "quizData": deep})
    assert (answer.status, answer.code) == (413, "TOO_LARGE")


# Whoever has much refused


@pytest.fixture
def tick(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets time pass for the limits in this process."""
    now = [1_000.0]
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def pass_by(seconds: float) -> None:
        now[0] += seconds

    return pass_by


def refuse(client: Api, times: int, path: str = "/rooms", token: str | None = None) -> list[int]:
    """The statuses of large bodies that are no JSON."""
    raw = b"[" * MIB
    return [client.request("POST", path, raw=raw, headers=JSON, token=token).status for _ in range(times)]


def test_an_address_with_much_refused_is_refused_unread(
    app: Flask, tick: Callable[[float], None], parsed: list[int]
) -> None:
    client = from_address(app, "192.0.2.1")
    assert refuse(client, 8) == [413] * 4 + [429] * 4
    refused = client.request("POST", "/rooms", {"hostName": "Hana"})
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "RATE_LIMITED", "1")
    assert parsed == []
    assert from_address(app, "192.0.2.2").request("POST", "/rooms", {"hostName": "Hana"}).status == 201
    tick(14)
    assert refuse(client, 2) == [413, 429]
    tick(120)
    assert client.request("POST", "/rooms", {"hostName": "Hana"}).status == 201


def test_members_are_not_refused_for_what_others_behind_their_address_send(
    app: Flask, tick: Callable[[float], None]
) -> None:
    client = from_address(app, "192.0.2.1")
    host = client.create_room()
    guest = client.join(host.code)
    refuse(client, 5)
    assert guest.send(host).status == 201
    assert host.call("POST", "/rejoin").status == 200
    assert client.request("POST", "/signal", {}, token="nobody's").code == "TOKEN_INVALID"
    # But for what they send themselves.
    assert refuse(client, 5, "/signal", guest.token) == [400] * 4 + [429]
    assert guest.send(host).code == "RATE_LIMITED"


def test_small_mistakes_are_not_held_against_anybody(client: Api) -> None:
    for _ in range(500):
        assert client.request("POST", "/rooms", {"hostName": ""}).status == 400
    assert client.request("POST", "/rooms", {"hostName": "Hana"}).status == 201


# Calls that had no limit


def test_a_seat_is_taken_again_thirty_times_a_minute(client: Api, host: Seat, guest: Seat) -> None:
    def rejoin() -> Answer:
        answer = guest.call("POST", "/rejoin")
        if answer.status == 200:
            guest.token = answer.data["you"]["token"]
        return answer

    assert [rejoin().status for _ in range(30)] == [200] * 30
    refused = rejoin()
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "RATE_LIMITED", "60")
    assert host.call("POST", "/rejoin").status == 200


@pytest.mark.needs("quiz")
@pytest.mark.parametrize(
    "path",
    [
        "GET ",
        pytest.param("GET /ice-servers", marks=pytest.mark.needs("ice")),
        "POST /start",
        "POST /answer",
        "POST /quiz",
        "POST /remove",
    ],
)
def test_a_member_s_calls_are_limited(make_app: MakeApp, tick: Callable[[float], None], path: str) -> None:
    client = Api.of_app(make_app(POLLS_PER_SECOND=20))
    host = client.create_room()
    method, end = path.split(" ")
    bodies: dict[str, Any] = {
        "/answer": {"questionIndex": 0, "answerIndex": 0, "timeMs": 0},
        "/quiz": {"quizData": {}},
        "/remove": {"participantId": "x"},
    }

    def call() -> int:
        return host.call(method, end, bodies.get(end)).status

    assert 429 not in [call() for _ in range(20)]
    assert call() == 429
    assert host.poll(host.seq).status == 200
    tick(1)
    assert call() != 429


@pytest.mark.needs("quiz")
def test_a_large_quiz_is_fetched_less_often(make_app: MakeApp, tick: Callable[[float], None]) -> None:
    client = Api.of_app(make_app(POLLS_PER_SECOND=20))
    host = client.create_room(quizData={"s": "x" * 250 * KIB})
    guest = client.join(host.code)
    assert [guest.call("GET").status for _ in range(4)] == [200] * 3 + [429]
    tick(1)
    assert guest.call("GET").status == 200


@pytest.mark.parametrize("path", ["/limits", "/health", "/openapi.json", "/metrics"])
def test_what_anybody_may_ask_is_limited_by_address(
    app: Flask, tick: Callable[[float], None], path: str
) -> None:
    statuses = [from_address(app, "127.0.0.1").request("GET", path).status for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    assert from_address(app, "127.0.0.2").request("GET", path).status == 200


def test_the_openapi_document_is_made_once_and_has_a_tag(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Api.of_app(app)
    first = client.request("GET", "/openapi.json")
    monkeypatch.setattr("party.web.routes.document", lambda app: pytest.fail("made again"))
    assert client.request("GET", "/openapi.json").text == first.text
    unchanged = app.test_client().get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (unchanged.status_code, unchanged.data) == (304, b"")


# Where gunicorn is reached directly


def exchange(port: int, sent: bytes) -> bytes:
    """What the server answers to these bytes, after which nothing more is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while part := connection.recv(65_536):
            received += part
    return received


CHUNKED = b"Transfer-Encoding: chunked\r\n"
MALFORMED = {
    "no number": (CHUNKED, b"ZZ\r\n{}\r\n0\r\n\r\n"),
    "a negative number": (CHUNKED, b"-5\r\n{}\r\n0\r\n\r\n"),
    "an empty line": (CHUNKED, b"\r\n{}\r\n0\r\n\r\n"),
    "a prefix": (CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk longer than stated": (CHUNKED, b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk that breaks off": (CHUNKED, b"ff\r\n{}"),
    "a second chunk of nonsense": (CHUNKED, b'13\r\n{"hostName": "Hana"\r\nZZ\r\n}\r\n0\r\n\r\n'),
    "no end": (CHUNKED, b"2\r\n{}\r\n"),
    "nothing": (CHUNKED, b""),
    "a body that breaks off": (b"Content-Length: 100\r\n", b'{"hostName": "Hana"}'),
    "a length that is no number": (b"Content-Length: many\r\n", b"{}"),
    "a negative length": (b"Content-Length: -5\r\n", b"{}"),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
}


def test_a_malformed_body_is_no_fault_of_ours(server: MakeServer, database_url: str) -> None:
    running = server(workers=1, config=ROOT / "deploy" / "gunicorn.conf.py")
    for name, (header, sent) in MALFORMED.items():
        for path in (b"/rooms", b"/signal"):
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            answer = exchange(running.port, head + header + b"\r\n" + sent)
            assert answer.startswith(b"HTTP/1.1 400 "), (name, answer)
    assert "Traceback" not in running.log
    assert Api.of_url(running.url).request("GET", "/health").status == 200
