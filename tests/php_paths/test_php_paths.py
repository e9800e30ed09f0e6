"""The paths of the PHP backend: its shapes, its weakness, and that the weakness stays in there."""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from party.db import Database
from party.errors import Unavailable
from party.ops.cleanup import clean
from party.ops.doctor.schema import LEDGER, expected_tables
from party.php_paths import rooms, signals
from party.web.rate_limits import Budget
from tests.conftest import Clock, MakeApp
from tests.db.test_query_plans import statements
from tests.support.peers import Answer, Api, Seat
from tests.support.php import ROOMS, SIGNAL, Php
from tests.web.test_malformed import BAD_IDS, BAD_NAMES, NOT_NUMBERS, NOT_OBJECTS, NOT_TEXTS

UNKNOWN = "ABC123"
KIB = 1024
QUIZ = {
    "questions": [
        {"question": "1 + 1?", "answers": ["1", "2"], "correct": 1},
        {"question": "2 + 2?", "answers": ["4", "5"], "correct": 0},
    ]
}


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An app that serves these paths."""
    return make_app(LEGACY_PHP_PATHS=True)


@pytest.fixture
def php(client: Api, clock: Clock) -> Php:
    """A page that speaks as the PHP backend's did, at the bound time."""
    return Php(client)


@pytest.fixture
def code(php: Php) -> str:
    """The code of a room of such pages: `host` and `guest`."""
    found: str = php.create("host").data["code"]
    assert php.join(found, "guest").status == 200
    return found


@pytest.fixture
def mixed(php: Php, client: Api, code: str) -> tuple[str, Seat]:
    """That room, and a member of it with a token, who has seen everything."""
    seat = client.join(code, "Tess", participantId="tess")
    return code, seat


def stored(app: Flask) -> dict[str, list[Any]]:
    """All that is stored about rooms and signals."""
    database: Database = app.extensions["party.database"]
    tables = set(expected_tables()) - {LEDGER, "party_rate_limits", "party_days"}
    return {name: database.all(f"SELECT * FROM {name}") for name in tables}


# The backend's own integration checks


def test_the_integration_checks_of_the_php_backend(php: Php) -> None:
    assert php.poll("TEST01", "peer1").data == {"messages": [], "count": 0}
    sent = php.send("TEST01", "peer2", "peer1", {"type": "offer", "sdp": "v=0"})
    assert sent.status == 201
    assert sent.data["messageId"] > 0
    received = php.poll("TEST01", "peer1").data
    assert received["count"] == 1
    assert received["messages"][0]["payload"] == {"type": "offer", "sdp": "v=0"}
    assert php.send("TEST01", "peer1", "peer2", {"candidate": "c"}, "ice").status == 201

    created = php.create("host-1", "Host", quizData=QUIZ, secondsPerQuestion=20)
    assert created.status == 201
    code = created.data["code"]
    assert len(code) == 6
    assert php.get(code).data["code"] == code
    joined = php.join(code, "guest-1", "Guest")
    assert joined.status == 200
    assert "guest-1" in [participant["id"] for participant in joined.data["participants"]]
    assert php.peers(code, "guest-1").data == {"peers": ["host-1"], "count": 1}
    assert php.leave(code, "guest-1").status == 200
    assert php.end(code, "host-1").status == 200
    assert php.get(code).data["status"] == "ended"


# Shapes


@pytest.mark.needs("quiz")
def test_a_room_has_the_form_that_the_pages_know(php: Php, clock: Clock) -> None:
    room = php.create("host", "Hana", quizData=QUIZ, secondsPerQuestion=20).data
    clock.advance(61)
    php.join(room["code"], "guest", "Gus")
    clock.advance(1)
    assert php.act(room["code"], "start", hostId="host").data == {
        "id": room["id"],
        "code": room["code"],
        "host_id": "host",
        "host_name": "Hana",
        "quiz_data": QUIZ,
        "status": "playing",
        "max_participants": 20,
        "seconds_per_question": 20,
        "created_at": "2026-01-09 12:34:56",
        "started_at": "2026-01-09 12:35:58",
        "ended_at": None,
        "current_question": 0,
        "participants": [
            {"id": "host", "name": "Hana", "isHost": True, "score": 0, "joinedAt": "2026-01-09 12:34:56"},
            {"id": "guest", "name": "Gus", "isHost": False, "score": 0, "joinedAt": "2026-01-09 12:35:57"},
        ],
    }
    assert type(room["id"]) is int
    assert room["started_at"] is None
    assert php.end(room["code"], "host").data == {"ended": True}
    assert php.get(room["code"].lower()).data["ended_at"] == "2026-01-09 12:35:58"


@pytest.mark.needs("quiz")
def test_participants_come_by_score_and_then_by_joining(php: Php) -> None:
    code = php.create("host", quizData=QUIZ).data["code"]
    for id in ("ann", "bob", "cid"):
        php.join(code, id, id)
    php.act(code, "start", hostId="host")
    for id, index in (("bob", 0), ("cid", 1), ("ann", -1)):
        answer = php.act(
            code, "answer", participantId=id, questionIndex=0, answerIndex=index, timeMs=1234.5
        ).data
        assert answer["isCorrect"] is (index == 1)
    shown = [(each["id"], each["score"]) for each in php.get(code).data["participants"]]
    assert shown == [("cid", 15), ("host", 0), ("ann", 0), ("bob", 0)]


@pytest.mark.needs("quiz")
def test_an_answer_without_a_choice_or_a_time_counts_as_none_and_as_0_ms(php: Php) -> None:
    code = php.create("host", quizData=QUIZ).data["code"]
    php.join(code, "guest")
    php.act(code, "start", hostId="host")
    for id, fields, points in (
        ("guest", {"answerIndex": None, "timeMs": None}, 0),
        ("host", {"answerIndex": 1}, 15),
    ):
        given = php.act(code, "answer", participantId=id, questionIndex=0, **fields).data
        assert (given["points"], "repeated" in given) == (points, False)
    php.act(code, "next", hostId="host")
    assert php.act(code, "answer", participantId="guest", questionIndex=1, timeMs=5).data["points"] == 0
    assert php.act(code, "answer", participantId="guest", questionIndex=1, answerIndex=0).data["repeated"]


def test_the_empty_array_of_php_is_no_quiz(php: Php) -> None:
    assert php.create("host", quizData=[]).data["quiz_data"] is None


@pytest.mark.needs("quiz")
def test_a_slash_at_the_end_makes_no_difference(php: Php, code: str) -> None:
    php.act(code, "quiz", hostId="host", quizData=QUIZ)
    bodies: dict[tuple[str, str], dict[str, Any] | None] = {
        ("POST", ROOMS): {"hostId": "host", "hostName": "Hana"},
        ("GET", f"{ROOMS}/{code}"): None,
        ("POST", f"{ROOMS}/{code}/join"): {"participantId": "late", "name": "Lea"},
        ("POST", f"{ROOMS}/{code}/leave"): {"participantId": "late"},
        ("POST", f"{ROOMS}/{code}/quiz"): {"hostId": "host", "quizData": QUIZ},
        ("POST", f"{ROOMS}/{code}/start"): {"hostId": "host"},
        ("POST", f"{ROOMS}/{code}/answer"): {"participantId": "guest", "questionIndex": 0, "answerIndex": 0},
        ("POST", f"{ROOMS}/{code}/next"): {"hostId": "host"},
        ("POST", SIGNAL): {
            "roomCode": code,
            "fromId": "host",
            "toId": "guest",
            "type": "ice",
            "payload": {"n": 1},
        },
        ("GET", f"{SIGNAL}/{code}/guest/peers"): None,
        ("GET", f"{SIGNAL}/{code}/guest"): None,
        ("DELETE", f"{ROOMS}/{code}"): {"hostId": "host"},
    }
    for (method, path), body in bodies.items():
        answer = php.api.request(method, f"{path}/", body)
        assert answer.status == (201 if path in (ROOMS, SIGNAL) else 200), (path, answer.text)
        if path == f"{SIGNAL}/{code}/guest":
            assert [message["payload"] for message in answer.data["messages"]] == [{"n": 1}]
    assert php.get(code).data["status"] == "ended"


def test_a_message_has_the_form_that_the_pages_know(php: Php, code: str) -> None:
    number = php.send(code, "host", "guest", {"sdp": "v=0"}).data["messageId"]
    assert php.poll(code.lower(), "guest").data == {
        "messages": [
            {
                "id": number,
                "fromId": "host",
                "toId": "guest",
                "type": "offer",
                "payload": {"sdp": "v=0"},
                "createdAt": "2026-01-09 12:34:56",
            }
        ],
        "count": 1,
    }
    assert php.poll(code, "guest").data == {"messages": [], "count": 0}


@pytest.mark.needs("quiz")
def test_a_failure_has_a_message_and_a_code_and_a_conflict_is_a_bad_request(php: Php, code: str) -> None:
    for n in range(18):
        php.join(code, f"guest-{n}")
    failures = {
        (404, "ROOM_NOT_FOUND"): php.get("ZZZZZZ"),
        (400, "ROOM_FULL"): php.join(code, "one-too-many"),
        (400, "PARTICIPANT_ID_TAKEN"): php.join(code, "guest"),
        (400, "WRONG_STATUS"): php.act(code, "next", hostId="host"),
        (400, "TOO_FEW_PARTICIPANTS"): php.act(php.create("x").data["code"], "start", hostId="x"),
        (400, "VALIDATION_ERROR"): php.join(code, ""),
        (403, "HOST_ONLY"): php.end(code, "guest"),
        (404, "PEER_NOT_FOUND"): php.act(
            code, "answer", participantId="nobody", questionIndex=0, answerIndex=0, timeMs=0
        ),
        (404, "NOT_FOUND"): php.act(code, "explode"),
        (405, "METHOD_NOT_ALLOWED"): php.api.request("GET", ROOMS),
        (413, "TOO_LARGE"): php.send(code, "host", "guest", {"sdp": "x" * 64 * KIB}),
    }
    for (status, name), answer in failures.items():
        assert answer.status == status, answer.text
        assert answer.json == {"success": False, "error": {"message": answer.error["message"], "code": name}}


def test_failures_of_the_service_have_that_form_too(php: Php, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, status, name, beside in (
        (Unavailable(), 503, "UNAVAILABLE", {"retryAfter": 2}),
        (RuntimeError("secret"), 500, "INTERNAL", None),
    ):

        def fail(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(signals, "poll", fail)
        answer = php.poll(UNKNOWN, "a")
        assert (answer.status, answer.code) == (status, name)
        expected: dict[str, object] = {**(beside or {"requestId": answer.headers["X-Request-Id"]})}
        assert answer.error == {"message": answer.error["message"], "code": name, **expected}
        assert "secret" not in answer.text


def test_where_the_setting_is_off_there_are_no_such_paths(make_app: MakeApp) -> None:
    client = Api.of_app(make_app())
    host = client.create_room()
    php = Php(client)
    for answer in (
        php.create(),
        php.get(host.code),
        php.join(host.code),
        php.end(host.code, host.id),
        php.send(host.code, "a", "b"),
        php.poll(host.code, "a"),
        php.peers(host.code, "a"),
        host.call("POST", "/php-paths", {"allowed": True}),
    ):
        assert (answer.status, answer.code) == (404, "NOT_FOUND")


def test_the_form_of_other_paths_stays_as_it_is(php: Php, client: Api, code: str) -> None:
    answer = client.request("POST", f"/rooms/{code}/join", {"name": "x", "participantId": "guest"})
    assert (answer.status, answer.code) == (409, "PARTICIPANT_ID_TAKEN")
    assert client.request("POST", "/rooms", {}).error["field"] == "hostName"


def test_json_is_taken_without_its_content_type(php: Php) -> None:
    raw = b'{"hostId": "host", "hostName": "Hana"}'
    for type in ("text/plain;charset=UTF-8", "application/x-www-form-urlencoded"):
        answer = php.api.request("POST", ROOMS, raw=raw, headers={"Content-Type": type})
        assert answer.status == 201


# Rooms


def test_leaving_and_joining_again_works(php: Php, code: str) -> None:
    for n in range(3):
        assert php.leave(code, "guest").data == {"left": True}
        assert [each["id"] for each in php.get(code).data["participants"]] == ["host"]
        assert php.join(code, "guest", f"Gus {n}").data["participants"][1]["name"] == f"Gus {n}"
    php.send(code, "host", "guest", {"n": 1})
    assert php.payloads(code, "guest") == [{"n": 1}]


def test_leaving_twice_and_without_having_joined_changes_nothing(php: Php, code: str, app: Flask) -> None:
    php.leave(code, "guest")
    before = stored(app)
    for id in ("guest", "nobody"):
        assert php.leave(code, id).data == {"left": True}
    assert stored(app) == before
    assert php.leave("ZZZZZZ", "guest").code == "ROOM_NOT_FOUND"


@pytest.mark.needs("quiz")
def test_a_room_is_joined_only_while_it_waits(php: Php, code: str, app: Flask) -> None:
    php.act(code, "start", hostId="host")
    php.leave(code, "guest")
    php.join(code, "late")  # what was due is done now
    for refusal in ((400, "WRONG_STATUS"), (410, "ROOM_ENDED")):
        before = stored(app)
        for id in ("late", "guest", "host"):
            answer = php.join(code, id)
            assert (answer.status, answer.code) == refusal
        assert stored(app) == before
        php.end(code, "host")


def test_whoever_leaves_takes_along_what_waits(php: Php, code: str) -> None:
    php.send(code, "host", "guest", {"n": 1})
    php.leave(code, "guest")
    php.join(code, "guest")
    assert php.payloads(code, "guest") == []


def test_when_the_host_leaves_the_room_ends(php: Php, code: str) -> None:
    php.leave(code, "host")
    assert php.get(code).data["status"] == "ended"
    assert php.send(code, "guest", "host").code == "ROOM_ENDED"
    # Its page leaves and ends when it is closed, in either order.
    assert php.end(code, "host").data == {"ended": True}
    assert php.end(code, "guest").code == "HOST_ONLY"


def test_ending_and_leaving_after_the_end_change_nothing(php: Php, code: str, app: Flask) -> None:
    php.end(code, "host")
    before = stored(app)
    assert php.end(code, "host").data == {"ended": True}
    assert php.leave(code, "guest").data == {"left": True}
    assert php.end(code, "guest").code == "HOST_ONLY"
    assert stored(app) == before


@pytest.mark.needs("quiz")
def test_the_quiz_may_be_replaced_while_waiting(php: Php, code: str) -> None:
    assert php.act(code, "quiz", hostId="host", quizData=QUIZ).data["quiz_data"] == QUIZ
    assert php.act(code, "quiz", hostId="guest", quizData={}).code == "HOST_ONLY"
    php.act(code, "start", hostId="host")
    assert php.act(code, "quiz", hostId="host", quizData={}).status == 400
    assert php.get(code).data["quiz_data"] == QUIZ


@pytest.mark.needs("quiz")
def test_after_the_last_question_the_room_ends(php: Php) -> None:
    code = php.create("host", quizData=QUIZ).data["code"]
    php.join(code)
    php.act(code, "start", hostId="host")
    assert php.act(code, "next", hostId="guest").code == "HOST_ONLY"
    assert php.act(code, "next", hostId="host").data["current_question"] == 1
    assert php.act(code, "next", hostId="host").data["status"] == "ended"


def test_polling_keeps_a_room_alive(php: Php, code: str, clock: Clock) -> None:
    for _ in range(10):
        clock.advance(3000)
        php.poll(code, "guest")
    assert php.get(code).data["status"] == "waiting"
    clock.advance(7300)
    assert php.get(code).data["status"] == "ended"
    assert php.poll(code, "guest").data["messages"] == []


def test_a_poll_ends_a_room_whose_time_is_over(
    php: Php, code: str, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.ops.cleanup.PIECES", 0)
    clock.advance(7201)
    assert php.poll(code, "guest").data["messages"] == []
    assert [room["status"] for room in stored(app)["party_rooms"]] == ["ended"]


def test_whoever_polls_is_online(php: Php, mixed: tuple[str, Seat], clock: Clock) -> None:
    code, tess = mixed
    clock.advance(100)
    php.poll(code, "guest")
    online = {each["id"]: each["online"] for each in tess.call("GET").data["participants"]}
    assert (online["guest"], online["host"]) == (True, False)


# Signals


def test_a_signal_may_come_before_its_room_and_its_participants(php: Php) -> None:
    for n in range(3):
        assert php.send(UNKNOWN, "a", "b", {"n": n}).status == 201
    php.send(UNKNOWN, "b", "a", {"n": "other"})
    assert php.payloads("ABC124", "b") == []
    assert php.payloads(UNKNOWN, "B") == []
    assert php.payloads(UNKNOWN, "b") == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert php.payloads(UNKNOWN, "b") == []
    assert php.payloads(UNKNOWN, "a") == [{"n": "other"}]
    assert php.peers(UNKNOWN, "a").data == {"peers": [], "count": 0}


def test_a_signal_that_nobody_fetches_expires(php: Php, code: str, clock: Clock, app: Flask) -> None:
    for room in (code, UNKNOWN):
        php.send(room, "host", "guest", {"n": 1})
        clock.advance(60)
        php.send(room, "host", "guest", {"n": 2})
        clock.advance(60)
        assert php.payloads(room, "guest") == [{"n": 2}]
    for room in (code, UNKNOWN):
        php.send(room, "host", "guest", {"n": 3})
    clock.advance(121)
    with app.app_context():
        assert clean(app.extensions["party.database"], clock.now)["php signals dropped"] == 2
    assert stored(app)["party_php_signals"] == []


def test_a_mailbox_takes_so_many_signals_and_bytes(
    php: Php, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.mailbox.MAILBOX_SIGNALS", 5)
    monkeypatch.setattr("party.mailbox.MAILBOX_BYTES", 100)
    for n in range(5):
        assert php.send(UNKNOWN, "a", "b", {"n": n}).status == 201
    full = php.send(UNKNOWN, "a", "b")
    assert (full.status, full.code) == (429, "MAILBOX_FULL")
    assert php.send(UNKNOWN, "a", "c", {"n": "x" * 92}).status == 201
    assert php.send(UNKNOWN, "a", "c").code == "MAILBOX_FULL"
    assert len(php.payloads(UNKNOWN, "b")) == 5
    assert php.send(UNKNOWN, "a", "b").status == 201
    clock.advance(121)
    assert php.send(UNKNOWN, "a", "c").status == 201


@pytest.fixture
def send_from(make_app: MakeApp) -> Callable[[str, str], int]:
    """`send_from(address, to)` leaves a signal: the status."""
    client = Api.of_app(make_app(LEGACY_PHP_PATHS=True, TRUSTED_PROXIES=1))

    def send(address: str, to: str) -> int:
        body = {"roomCode": UNKNOWN, "fromId": "a", "toId": to, "type": "ice", "payload": {}}
        return client.request("POST", SIGNAL, body, headers={"X-Forwarded-For": address}).status

    return send


def test_what_has_expired_takes_no_space_in_a_mailbox(
    send_from: Callable[[str, str], int], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.mailbox.MAILBOX_SIGNALS", 2)
    assert [send_from("192.0.2.1", "b") for _ in range(3)] == [201, 201, 429]
    assert send_from("192.0.2.2", "b") == 429
    clock.advance(121)
    assert send_from("192.0.2.2", "b") == 201


def test_an_address_can_make_only_so_much_wait(
    php: Php, send_from: Callable[[str, str], int], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.php_paths.mailbox.ADDRESS_SIGNALS", 5)
    assert [send_from("192.0.2.1", f"b{n}") for n in range(7)] == [201] * 5 + [429] * 2
    assert send_from("192.0.2.2", "b9") == 201
    php.poll(UNKNOWN, "b0")
    assert send_from("192.0.2.1", "b8") == 201
    clock.advance(121)
    assert send_from("192.0.2.1", "b7") == 201


def test_looking_with_head_takes_no_signal(php: Php) -> None:
    php.send(UNKNOWN, "a", "b", {"n": 1})
    response = php.api.request("OPTIONS", f"{SIGNAL}/{UNKNOWN}/b")
    assert response.status == 200
    with pytest.raises(ValueError, match="Expecting value"):  # a refusal without a body
        php.api.request("HEAD", f"{SIGNAL}/{UNKNOWN}/b")
    assert php.payloads(UNKNOWN, "b") == [{"n": 1}]


# Members with a token among them


def test_members_with_and_without_a_token_exchange_signals(
    php: Php, client: Api, mixed: tuple[str, Seat]
) -> None:
    code, tess = mixed
    sent = php.send(code, "host", tess.id, {"n": 1})
    assert sent.status == 201
    (message,) = tess.read()
    assert (message["fromId"], message["payload"], message["seq"]) == (
        "host",
        {"n": 1},
        sent.data["messageId"],
    )
    # Acknowledged like any other: it comes again until the cursor moves.
    assert tess.poll(0).data["messages"] == [message]
    number = tess.send("host", {"n": 2}, "answer").data["messageId"]
    assert php.poll(code, "host").data["messages"] == [
        {
            "id": number,
            "fromId": "tess",
            "toId": "host",
            "type": "answer",
            "payload": {"n": 2},
            "createdAt": "2026-01-09 12:34:56",
        }
    ]
    assert php.payloads(code, "host") == []


@pytest.mark.needs("quiz")
def test_members_with_a_token_learn_what_happens_on_these_paths(
    php: Php, mixed: tuple[str, Seat], clock: Clock
) -> None:
    code, tess = mixed
    php.act(code, "quiz", hostId="host", quizData=QUIZ)
    php.join(code, "late")
    php.act(code, "start", hostId="host")
    php.act(code, "answer", participantId="late", questionIndex=0, answerIndex=1, timeMs=1)
    php.act(code, "next", hostId="host")
    php.leave(code, "late")
    php.end(code, "host")
    assert [(event["type"], event["fromId"]) for event in tess.read()] == [
        ("quiz-updated", "host"),
        ("participant-joined", "late"),
        ("quiz-started", "host"),
        ("answered", "late"),
        ("score-changed", "late"),
        ("question-closed", "host"),
        ("question-advanced", "host"),
        ("participant-left", "late"),
        ("room-ended", "host"),
    ]


def test_a_signal_to_a_member_without_a_token_expires_with_notice(
    php: Php, mixed: tuple[str, Seat], clock: Clock
) -> None:
    code, tess = mixed
    number = tess.send("guest", {"n": 1}).data["messageId"]
    clock.advance(121)
    assert php.payloads(code, "guest") == []
    (event,) = tess.read()
    assert (event["type"], event["payload"]["messageId"]) == ("signal-expired", number)


# Every way to act as the participant `id` of a room that its caller may have to host.
Impersonation = Callable[[Php, str, str], Answer]
AS_ANYBODY: dict[str, Impersonation] = {
    "poll": lambda php, code, id: php.poll(code, id),
    "send to whoever has no token": lambda php, code, id: php.send(code, id, "guest"),
    "send to whoever has a token": lambda php, code, id: php.send(code, id, "tess"),
    "leave": lambda php, code, id: php.leave(code, id),
}
AS_HOST: dict[str, Impersonation] = {
    "quiz": lambda php, code, id: php.act(code, "quiz", hostId=id, quizData=QUIZ),
    "start": lambda php, code, id: php.act(code, "start", hostId=id),
    "next": lambda php, code, id: php.act(code, "next", hostId=id),
}


@pytest.fixture
def allowed(php: Php, client: Api) -> Iterator[dict[str, Seat]]:
    """Host and guest with tokens, in a room that these paths may see, beside `guest`."""
    host = client.create_room(hostId="hana")
    assert host.call("POST", "/php-paths", {"allowed": True}).data["code"] == host.code
    tess = client.join(host.code, "Tess", participantId="tess")
    assert php.join(host.code, "guest").status == 200
    host.send(tess, {"secret": 1})
    tess.send(host, {"secret": 2})
    yield {"hana": host, "tess": tess}
    # Whatever was tried: they are who they were, and have got all that was sent to them.
    for seat, secret in ((host, 2), (tess, 1)):
        assert [
            (message["payload"], message["fromId"]) for message in seat.read() if message["type"] == "offer"
        ] == [({"secret": secret}, "tess" if seat is host else "hana")]
        assert seat.call("GET").data["status"] != "ended"


@pytest.fixture
def played(allowed: dict[str, Seat]) -> dict[str, Seat]:
    """The same in a room that is played."""
    assert allowed["hana"].call("POST", "/quiz", {"quizData": QUIZ}).status == 200
    assert allowed["hana"].call("POST", "/start").status == 200
    return allowed


@pytest.mark.parametrize("id", ["hana", "tess"])
@pytest.mark.parametrize("way", AS_ANYBODY)
def test_nobody_acts_for_a_member_with_a_token(
    php: Php, app: Flask, allowed: dict[str, Seat], way: str, id: str
) -> None:
    before = stored(app)
    answer = AS_ANYBODY[way](php, allowed[id].code, id)
    assert (answer.status, answer.code) == (403, "NOT_YOUR_ID")
    assert stored(app) == before


@pytest.mark.needs("quiz")
@pytest.mark.parametrize("id", ["hana", "tess"])
def test_nobody_answers_for_a_member_with_a_token(
    php: Php, app: Flask, played: dict[str, Seat], id: str
) -> None:
    before = stored(app)
    answer = php.act(played[id].code, "answer", participantId=id, questionIndex=0, answerIndex=1, timeMs=1)
    assert (answer.status, answer.code) == (403, "NOT_YOUR_ID")
    assert stored(app) == before


def check_that_nobody_hosts(act: Impersonation, php: Php, app: Flask, room: str) -> None:
    """Neither in the host's name nor in another's."""
    before = stored(app)
    for id, code in {"hana": "NOT_YOUR_ID", "tess": "HOST_ONLY", "guest": "HOST_ONLY"}.items():
        answer = act(php, room, id)
        assert (answer.status, answer.code) == (403, code)
    assert stored(app) == before


def test_nobody_ends_the_room_of_a_host_with_a_token(php: Php, app: Flask, allowed: dict[str, Seat]) -> None:
    check_that_nobody_hosts(lambda php, code, id: php.end(code, id), php, app, allowed["hana"].code)


@pytest.mark.needs("quiz")
@pytest.mark.parametrize("way", AS_HOST)
def test_nobody_plays_the_host_with_a_token(php: Php, app: Flask, played: dict[str, Seat], way: str) -> None:
    check_that_nobody_hosts(AS_HOST[way], php, app, played["hana"].code)


def test_nobody_takes_the_seat_of_a_member_with_a_token(php: Php, mixed: tuple[str, Seat]) -> None:
    code, tess = mixed
    assert php.join(code, "tess").code == "PARTICIPANT_ID_TAKEN"
    assert tess.poll().status == 200


def test_only_members_send_to_a_member_with_a_token(php: Php, allowed: dict[str, Seat], app: Flask) -> None:
    before = stored(app)
    answer = php.send(allowed["tess"].code, "stranger", "tess")
    assert (answer.status, answer.code) == (403, "NOT_A_MEMBER")
    assert stored(app) == before


def test_what_was_sent_under_an_id_is_not_taken_for_the_word_of_its_later_member_with_a_token(
    php: Php, client: Api, code: str
) -> None:
    php.send(code, "tess", "guest", {"n": "forged"})
    tess = client.join(code, "Tess", participantId="tess")
    tess.send("guest", {"n": "true"})
    assert php.payloads(code, "guest") == [{"n": "true"}]


def test_what_waited_for_an_id_does_not_reach_its_later_member_with_a_token(
    php: Php, client: Api, code: str
) -> None:
    php.send(code, "host", "tess", {"n": 1})
    tess = client.join(code, "Tess", participantId="tess")
    assert php.poll(code, "tess").code == "NOT_YOUR_ID"
    assert tess.read() == []
    assert tess.poll().data["messages"] == []


def test_what_waited_for_a_member_that_was_removed_does_not_reach_the_next_one_with_its_id(
    php: Php, client: Api, clock: Clock
) -> None:
    host = client.create_room()
    host.call("POST", "/php-paths", {"allowed": True})
    for n in range(2):
        php.send(host.code, "ann", "guest", {"n": f"before {n}"})
        clock.advance(1)
        php.join(host.code, "guest")
        assert php.payloads(host.code, "guest") == [{"n": f"before {n}"}]
        php.send(host.code, "ann", "guest", {"n": f"for the former {n}"})
        assert host.call("POST", "/remove", {"participantId": "guest"}).status == 200
        clock.advance(1)


def test_the_seat_of_whoever_left_with_a_token_may_be_taken_without_one(
    php: Php, mixed: tuple[str, Seat]
) -> None:
    code, tess = mixed
    tess.call("POST", "/leave")
    assert php.join(code, "tess").status == 200
    assert php.poll(code, "tess").status == 200
    assert tess.poll().code == "TOKEN_INVALID"


def test_the_seat_of_whoever_left_without_a_token_may_be_taken_with_one(
    php: Php, client: Api, code: str
) -> None:
    php.leave(code, "guest")
    guest = client.join(code, "Gus", participantId="guest")
    assert php.poll(code, "guest").code == "NOT_YOUR_ID"
    assert php.leave(code, "guest").code == "NOT_YOUR_ID"
    assert guest.poll().status == 200


def test_a_member_without_a_token_has_no_way_into_our_own_calls(php: Php, client: Api, code: str) -> None:
    for token in ("", "None", "null", "host"):
        assert client.request("POST", f"/rooms/{code}/rejoin", token=token).status == 401


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> "Meanwhile":
    """`meanwhile(signals, "_take", act)`: does this when a call has looked and is about to lock the room."""

    def delay(module: ModuleType, name: str, act: Callable[[], object]) -> None:
        then = getattr(module, name)

        def late(*arguments: Any) -> Any:
            monkeypatch.setattr(module, name, then)
            act()
            return then(*arguments)

        monkeypatch.setattr(module, name, late)

    return delay


Meanwhile = Callable[[ModuleType, str, Callable[[], object]], None]


def test_a_seat_that_changes_hands_during_a_poll_is_not_read(
    php: Php, client: Api, mixed: tuple[str, Seat], meanwhile: Meanwhile
) -> None:
    code, tess = mixed
    found: list[Seat] = []

    def change_hands() -> None:
        php.leave(code, "guest")
        found.append(client.join(code, participantId="guest"))
        tess.send("guest", {"secret": 1})

    php.send(code, "host", "guest", {"n": 1})
    meanwhile(signals, "_take", change_hands)
    assert php.poll(code, "guest").code == "NOT_YOUR_ID"
    (message,) = found[0].read()
    assert message["payload"] == {"secret": 1}


def test_a_signal_is_not_accepted_for_a_seat_that_gets_a_token_at_that_moment(
    php: Php, client: Api, code: str, meanwhile: Meanwhile
) -> None:
    meanwhile(signals, "_store", lambda: client.join(code, participantId="late"))
    assert php.send(code, "host", "late").code == "PEER_NOT_FOUND"
    assert php.send(code, "host", "late").status == 201


def test_nobody_leaves_for_a_seat_that_gets_a_token_at_that_moment(
    php: Php, client: Api, code: str, meanwhile: Meanwhile
) -> None:
    def change_hands() -> None:
        php.leave(code, "guest")
        client.join(code, participantId="guest")

    meanwhile(rooms, "leave", change_hands)
    assert php.leave(code, "guest").data == {"left": True}
    assert [each["id"] for each in php.get(code).data["participants"]] == ["host", "guest"]


def test_nobody_joins_a_room_that_is_hidden_at_that_moment(
    php: Php, client: Api, meanwhile: Meanwhile
) -> None:
    host = client.create_room()
    host.call("POST", "/php-paths", {"allowed": True})
    meanwhile(rooms, "join", lambda: host.call("POST", "/php-paths", {"allowed": False}))
    assert php.join(host.code).code == "ROOM_NOT_FOUND"
    assert len(host.call("GET").data["participants"]) == 1


# Rooms of our own API


def test_a_room_of_our_own_api_looks_like_none(php: Php, client: Api, app: Flask) -> None:
    host = client.create_room(hostId="host")
    guest = client.join(host.code, participantId="guest")
    host.send(guest, {"secret": 1})
    before = stored(app)
    same: tuple[Callable[[str], Answer], ...] = (
        lambda code: php.get(code),
        lambda code: php.join(code, "x"),
        lambda code: php.leave(code, "guest"),
        lambda code: php.end(code, "host"),
        lambda code: php.act(code, "start", hostId="host"),
        lambda code: php.act(code, "next", hostId="host"),
        lambda code: php.act(code, "quiz", hostId="host", quizData={}),
        lambda code: php.act(code, "answer", participantId="guest", questionIndex=0, answerIndex=0, timeMs=0),
        lambda code: php.poll(code, "guest"),
        lambda code: php.peers(code, "guest"),
    )
    for ask in same:
        assert ask(host.code).text == ask("ZZZZZZ").text
    assert stored(app) == before
    # A signal waits for whoever asks here, and never reaches the member of that name.
    assert php.send(host.code, "host", "guest", {"n": 1}).status == 201
    assert [message["payload"] for message in guest.poll().data["messages"]] == [{"secret": 1}]
    assert php.payloads(host.code, "guest") == [{"n": 1}]


def test_the_host_lets_these_paths_see_its_room_and_hides_it_again(php: Php, client: Api) -> None:
    host = client.create_room(hostId="host")
    for _ in range(2):
        assert host.call("POST", "/php-paths", {"allowed": True}).status == 200
    assert php.get(host.code).data["host_id"] == "host"
    assert php.join(host.code, "guest").status == 200
    host.call("POST", "/php-paths", {"allowed": False})
    assert php.get(host.code).code == "ROOM_NOT_FOUND"
    assert php.leave(host.code, "guest").code == "ROOM_NOT_FOUND"


def test_only_the_host_lets_these_paths_see_a_room(php: Php, client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    assert guest.call("POST", "/php-paths", {"allowed": True}).code == "HOST_ONLY"
    path = f"/rooms/{host.code}/php-paths"
    assert client.request("POST", path, {"allowed": True}).code == "TOKEN_REQUIRED"
    for value in (None, 1, "true"):
        assert host.call("POST", "/php-paths", {"allowed": value}).code == "VALIDATION_ERROR"
    assert php.get(host.code).code == "ROOM_NOT_FOUND"


def test_a_password_is_not_passed_by(php: Php, client: Api) -> None:
    host = client.create_room(password="open sesame")
    refused = host.call("POST", "/php-paths", {"allowed": True})
    assert (refused.status, refused.code) == (409, "WRONG_STATUS")
    assert "password" in refused.error["message"]
    for answer in (php.get(host.code), php.join(host.code, "guest")):
        assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")
    assert host.call("POST", "/php-paths", {"allowed": False}).status == 200


# Limits


def test_rooms_and_joins_count_as_those_of_our_own_api(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(LEGACY_PHP_PATHS=True, ROOMS_PER_HOUR=3, LOOKS_PER_MINUTE=3))
    php = Php(client)
    code = php.create().data["code"]
    client.create_room()
    php.create()
    refused = php.create()
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert client.request("POST", "/rooms", {"hostName": "x"}).code == "RATE_LIMITED"
    php.join(code, "a")
    client.join(code)
    php.join("ZZZZZZ", "a")
    assert php.join(code, "b").code == "RATE_LIMITED"
    limits = client.request("GET", "/limits").data["limits"]
    assert {limit["action"]: limit["remaining"] for limit in limits if limit["action"] != "guess"} == {
        "create_room": 0,
        "look": 0,
    }


def test_codes_cannot_be_tried_out(make_app: MakeApp, clock: Clock) -> None:
    php, others = (Php(Api.of_app(make_app(LEGACY_PHP_PATHS=True, GUESSES_PER_MINUTE=4))) for _ in range(2))
    code = others.create("host").data["code"]
    tries: list[Callable[[str], Answer]] = [
        php.get,
        lambda code: php.leave(code, "x"),
        lambda code: php.end(code, "x"),
        lambda code: php.peers(code, "x"),
    ]
    for ask in tries:
        ask("ZZZZZZ")
    for ask in tries:
        for tried in (code, "ZZZZZZ"):
            answer = ask(tried)
            assert (answer.status, answer.code) == (429, "RATE_LIMITED"), answer.text
            assert answer.headers["Retry-After"] == "60"
    clock.advance(60)
    assert php.get(code).status == 200


def test_who_has_found_its_room_is_not_refused_for_what_neighbours_try(make_app: MakeApp) -> None:
    php = Php(Api.of_app(make_app(LEGACY_PHP_PATHS=True, GUESSES_PER_MINUTE=4)))
    code = php.create("host").data["code"]
    for _ in range(10):
        assert php.get(code).status == 200
    for _ in range(6):
        php.get("ZZZZZZ")
    assert php.get("ZZZZZZ").code == "RATE_LIMITED"
    assert php.get(code).status == 200


def test_who_has_made_or_joined_a_room_is_not_refused_for_what_neighbours_try(
    make_app: MakeApp, clock: Clock
) -> None:
    pages, others = (Api.of_app(make_app(LEGACY_PHP_PATHS=True, GUESSES_PER_MINUTE=4)) for _ in range(2))
    php = Php(pages)
    for _ in range(5):
        refused = php.get("ZZZZZZ")
    assert refused.code == "RATE_LIMITED"
    made = php.create("host").data["code"]
    assert php.get(made).status == 200
    found, joined = (Php(others).create("host").data["code"] for _ in range(2))
    assert php.get(joined).code == php.join(joined, "guest").code == "RATE_LIMITED"
    clock.advance(60)
    assert php.join(joined.lower(), "guest").status == 200
    for _ in range(4):
        php.get("ZZZZZZ")
    assert php.get(joined).status == 200
    assert php.get(found).code == "RATE_LIMITED"


def test_what_is_remembered_of_look_ups_changes_only_under_its_lock(
    php: Php, client: Api, app: Flask
) -> None:
    lookups = app.extensions["party.php_lookups"]
    changed: list[str] = []

    class Watched(OrderedDict[Any, None]):
        def __setitem__(self, key: Any, value: None) -> None:
            assert lookups._lock.locked()
            changed.append("remembered")
            super().__setitem__(key, value)

        def pop(self, *arguments: Any) -> None:
            assert lookups._lock.locked()
            changed.append("forgotten")
            super().pop(*arguments)

    lookups._found = Watched()
    host = client.create_room()
    host.call("POST", "/php-paths", {"allowed": True})
    assert php.get(host.code).status == 200
    host.call("POST", "/php-paths", {"allowed": False})
    assert php.get(host.code).status == 404
    assert changed == ["remembered", "forgotten"]


@pytest.mark.usefixtures("one_second")
def test_one_page_cannot_poll_or_send_too_fast(make_app: MakeApp) -> None:
    php = Php(Api.of_app(make_app(LEGACY_PHP_PATHS=True, POLLS_PER_SECOND=2, SENDS_PER_SECOND=2)))
    assert [php.poll(UNKNOWN, "a").status for _ in range(4)][2:] == [429, 429]
    assert php.poll(UNKNOWN, "b").status == 200
    # Each candidate is a send of its own here, and is not sent again.
    assert [php.send(UNKNOWN, "a", "b").status for _ in range(10)] == [201] * 8 + [429] * 2
    assert php.send(UNKNOWN, "b", "a").status == 201


# Bad input


def variants(good: dict[str, Any], wrong: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """Bodies with one wrong or missing field each."""
    for field, values in wrong.items():
        for value in values:
            yield {**good, field: value}


@pytest.mark.needs("quiz")
def test_bad_bodies_are_refused_and_change_nothing(php: Php, code: str, app: Flask) -> None:
    codes = [*NOT_TEXTS, "", "ABCDE", "ABCDEFG", "A" * 20, "ABC 12", "ÄBCDEF", "ABC12\x00", "ABC-12"]
    ids = [None, *BAD_IDS]
    bodies: dict[tuple[str, str], tuple[dict[str, Any], dict[str, list[Any]]]] = {
        ("POST", ROOMS): (
            {"hostId": "host", "hostName": "Hana"},
            {
                "hostId": ids,
                "hostName": BAD_NAMES,
                # The empty array is none, as in PHP.
                "quizData": [value for value in NOT_OBJECTS if value != []],
                "secondsPerQuestion": [*NOT_NUMBERS, 4, 301],
            },
        ),
        ("POST", f"{ROOMS}/{code}/join"): (
            {"participantId": "new", "name": "Gus"},
            {"participantId": ids, "name": BAD_NAMES},
        ),
        ("POST", f"{ROOMS}/{code}/leave"): ({}, {"participantId": ids}),
        ("POST", f"{ROOMS}/{code}/start"): ({}, {"hostId": ids}),
        ("POST", f"{ROOMS}/{code}/next"): ({}, {"hostId": ids}),
        ("DELETE", f"{ROOMS}/{code}"): ({}, {"hostId": ids}),
        ("POST", f"{ROOMS}/{code}/quiz"): ({"hostId": "host"}, {"quizData": [None, *NOT_OBJECTS]}),
        ("POST", f"{ROOMS}/{code}/answer"): (
            {"participantId": "guest", "questionIndex": 0, "answerIndex": 0, "timeMs": 0},
            {
                "participantId": ids,
                "questionIndex": [None, "0", 0.5, True, [], -1],
                "answerIndex": ["0", 0.5, True, [], -2],
                "timeMs": ["0", True, [], -1, 10**30],
            },
        ),
        ("POST", SIGNAL): (
            {"roomCode": code, "fromId": "host", "toId": "guest", "type": "offer", "payload": {}},
            {
                "roomCode": codes,
                "fromId": ids,
                "toId": ids,
                "type": [*NOT_TEXTS, "", "Offer", "bye"],
                "payload": [None, *NOT_OBJECTS],
            },
        ),
    }
    before = stored(app)
    # More is refused here than an address may have refused in a minute.
    app.extensions["party.rate_limits"].refused_bytes = Budget(100 * KIB * KIB)
    for (method, path), (good, wrong) in bodies.items():
        for body in variants(good, wrong):
            answer = php.api.request(method, path, body)
            assert answer.status == 400, (path, body, answer.text)
            assert set(answer.error) == {"code", "message"}
        for raw in (b"", b"{}", b"[]", b"{", b"\xff", b'"text"', b'{"hostId": NaN}'):
            answer = php.api.request(method, path, raw=raw, headers={"Content-Type": "application/json"})
            assert answer.status == 400, (path, raw, answer.text)
        too_large = php.api.request(method, path, raw=b" " * (KIB * KIB + 1))
        assert (too_large.status, too_large.code) == (413, "TOO_LARGE")
    assert stored(app) == before


@pytest.mark.parametrize("code", ["ABCDE", "A" * 20, "ABC%2012", "%C3%84BCDEF", "%00" * 6])
def test_a_malformed_code_in_a_path_is_an_unknown_room(php: Php, code: str) -> None:
    for answer in (php.get(code), php.join(code), php.leave(code, "x"), php.end(code, "x")):
        assert (answer.status, answer.code) == (404, "ROOM_NOT_FOUND")
    assert php.poll(code, "x").data == {"messages": [], "count": 0}
    assert php.peers(code, "x").data == {"peers": [], "count": 0}


@pytest.mark.parametrize("id", ["x" * 37, "a%20b", "%C3%A4", "a.b", "x%0A", "%00"])
def test_a_malformed_id_in_a_path_is_refused(php: Php, code: str, id: str) -> None:
    for room in (code, UNKNOWN):
        for answer in (php.poll(room, id), php.peers(room, id)):
            assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")


@pytest.mark.needs("quiz")
def test_sizes_are_bounded(php: Php, code: str, app: Flask) -> None:
    fits = {"sdp": "x" * (64 * KIB - len('{"sdp":""}'))}
    assert php.send(code, "host", "guest", fits).status == 201
    assert php.payloads(code, "guest") == [fits]
    before = stored(app)
    for answer in (
        php.send(code, "host", "guest", {"sdp": fits["sdp"] + "x"}),
        php.create("host", quizData={"x": "x" * 256 * KIB}),
        php.act(code, "quiz", hostId="host", quizData={"x": "x" * 256 * KIB}),
    ):
        assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert stored(app) == before


def test_our_own_description_names_the_hosts_call(client: Api, php: Php) -> None:
    paths = client.request("GET", "/openapi.json").json["paths"]
    assert "/rooms/{code}/php-paths" in paths
    assert not [path for path in paths if re.match("/endpoints", path)]


# What it costs


def test_an_idle_poll_reads_twice_and_writes_nothing(php: Php, mixed: tuple[str, Seat], app: Flask) -> None:
    code, _ = mixed
    for room in (code, UNKNOWN):
        php.poll(room, "guest")
        with statements(app) as said:
            php.poll(room, "guest")
        assert [sql.split()[0] for sql, _ in said] == ["SELECT", "SELECT"]
        assert not any("FOR UPDATE" in sql for sql, _ in said)
