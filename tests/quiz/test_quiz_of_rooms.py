"""The quiz's part of rooms: what the body that opens one may have, what a Room shows, when a game starts."""

from collections.abc import Callable
from typing import Any

from tests.conftest import Clock
from tests.support.peers import Answer, Api, Seat

KIB = 1024
NOT_NUMBERS: list[Any] = ["5", 2.5, True, [], {}, 10**30, -1, 0]
NOT_OBJECTS: list[Any] = ["text", 5, 1.5, True, [], [{}]]


def events(seat: Seat) -> list[tuple[str, str | None, Any]]:
    """The events that a poll brings, each with who caused it and what it says."""
    return [(message["type"], message["fromId"], message["payload"]) for message in seat.read()]


def payload_of(size: int) -> dict[str, str]:
    """An object that takes so many bytes as compact JSON."""
    return {"s": "é" * ((size - len('{"s":""}')) // 2) + "x" * (size % 2)}


def nested(levels: int) -> dict[str, Any]:
    """An object so many levels deep."""
    value: dict[str, Any] = {"n": 1}
    for _ in range(levels - 1):
        value = {"v": value}
    return value


def test_a_room_has_a_quiz_only_if_it_was_given_one(client: Api) -> None:
    room = client.create_room().room
    fields = list(room)
    first = fields.index("secondsPerQuestion")
    assert fields[first : first + 5] == [
        "secondsPerQuestion",
        "currentQuestion",
        "quizData",
        "round",
        "questionOpenedAt",
    ]
    assert fields.index("maxParticipants") < first < fields.index("createdAt")
    assert (room["round"], room["questionOpenedAt"]) == (0, None)
    assert (room["secondsPerQuestion"], room["currentQuestion"], room["quizData"]) == (30, 0, None)
    (participant,) = room["participants"]
    assert list(participant) == [
        "id",
        "name",
        "isHost",
        "role",
        "seat",
        "presence",
        "online",
        "score",
        "joinedAt",
    ]
    assert participant["score"] == 0


def test_the_quiz_that_the_host_asks_for_is_the_rooms(client: Api) -> None:
    quiz = {"questions": [], "Ümläut": "ü", "n": 1.5, "deep": {"a": [None, True]}}
    host = client.create_room(secondsPerQuestion=300, quizData=quiz)
    assert (host.room["secondsPerQuestion"], host.room["quizData"]) == (300, quiz)
    assert host.call("GET").data["quizData"] == quiz
    assert client.create_room(secondsPerQuestion=5).room["quizData"] is None


def test_joining_is_possible_while_playing(client: Api) -> None:
    host = client.create_room()
    client.join(host.code)
    host.call("POST", "/start")
    assert client.join(host.code).room["status"] == "playing"


def test_the_quiz_can_be_replaced_while_waiting(client: Api) -> None:
    host = client.create_room(quizData={"old": 1})
    guest = client.join(host.code)
    answer = host.call("POST", "/quiz", {"quizData": {"new": [2]}})
    assert answer.status == 200
    assert answer.data["quizData"] == {"new": [2]}
    assert events(guest) == [("quiz-updated", host.id, {})]
    assert guest.call("GET").data["quizData"] == {"new": [2]}
    host.call("POST", "/start")
    late = host.call("POST", "/quiz", {"quizData": {}})
    assert (late.status, late.code) == (409, "WRONG_STATUS")
    assert guest.call("GET").data["quizData"] == {"new": [2]}


def test_a_game_starts_once_with_two(client: Api, clock: Clock) -> None:
    host = client.create_room()
    alone = host.call("POST", "/start")
    assert (alone.status, alone.code) == (409, "TOO_FEW_PARTICIPANTS")
    guest = client.join(host.code)
    clock.advance(3)
    answer = host.call("POST", "/start")
    assert (answer.status, answer.data["status"]) == (200, "playing")
    assert answer.data["startedAt"] == "2026-01-09T12:34:59.789Z"
    assert answer.data["round"] == 1
    started = {
        "status": "playing",
        "startedAt": "2026-01-09T12:34:59.789Z",
        "round": 1,
        "keepScores": False,
    }
    assert events(guest) == [("quiz-started", host.id, started)]
    again = host.call("POST", "/start")
    assert (again.status, again.code) == (409, "WRONG_STATUS")


def test_in_an_ended_room_no_quiz_is_set_or_started(client: Api) -> None:
    host = client.create_room()
    host.call("DELETE")
    for answer in (host.call("POST", "/start"), host.call("POST", "/quiz", {"quizData": {}})):
        assert (answer.status, answer.code) == (410, "ROOM_ENDED")


def test_players_neither_set_nor_start_a_quiz(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    before = host.call("GET").data
    for answer in (guest.call("POST", "/start"), guest.call("POST", "/quiz", {"quizData": {}})):
        assert (answer.status, answer.code) == (403, "HOST_ONLY")
    assert host.call("GET").data == before


def test_setting_and_starting_a_quiz_keep_a_room_alive(client: Api, host: Seat, clock: Clock) -> None:
    client.join(host.code)
    changes: list[Callable[[], Answer]] = [
        lambda: host.call("POST", "/quiz", {"quizData": {}}),
        lambda: host.call("POST", "/start"),
    ]
    for change in changes:
        before = host.call("GET").data["expiresAt"]
        clock.advance(3600)
        assert change().data["expiresAt"] > before


def refused(answer: Answer, field: str) -> None:
    """Checks that a call was refused as invalid in one field."""
    assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", field)


def test_what_is_no_quiz_is_refused_and_changes_nothing(client: Api, host: Seat) -> None:
    before = host.call("GET").data
    for value in [*NOT_OBJECTS, nested(65)]:
        refused(client.request("POST", "/rooms", {"hostName": "H", "quizData": value}), "quizData")
        refused(host.call("POST", "/quiz", {"quizData": value}), "quizData")
    refused(host.call("POST", "/quiz", {"quizData": None}), "quizData")
    refused(host.call("POST", "/quiz"), "quizData")
    for value in [*NOT_NUMBERS, 4, 301]:
        body = {"hostName": "H", "secondsPerQuestion": value}
        refused(client.request("POST", "/rooms", body), "secondsPerQuestion")
    assert host.call("GET").data == before


def test_a_quiz_larger_than_256_kib_is_refused(client: Api, host: Seat) -> None:
    large = payload_of(256 * KIB + 1)
    for answer in (
        host.call("POST", "/quiz", {"quizData": large}),
        client.request("POST", "/rooms", {"hostName": "H", "quizData": large}),
    ):
        assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert host.call("GET").data["quizData"] is None


def test_a_quiz_of_exactly_256_kib_is_kept(host: Seat) -> None:
    quiz = payload_of(256 * KIB)
    assert host.call("POST", "/quiz", {"quizData": quiz}).data["quizData"] == quiz


def test_a_start_needs_no_body(client: Api, host: Seat) -> None:
    client.join(host.code)
    for raw in (None, b"", b"{}", b'{"unknown": 1}'):
        headers = {} if raw is None else {"Content-Type": "application/json"}
        path = f"/rooms/{host.code}/start"
        assert client.request("POST", path, raw=raw, headers=headers, token=host.token).status in (200, 409)


def test_the_document_describes_the_quiz(client: Api) -> None:
    document = client.request("GET", "/openapi.json").json
    paths, schemas = document["paths"], document["components"]["schemas"]
    assert {f"/rooms/{{code}}/{name}" for name in ("quiz", "start", "next", "answer")} <= paths.keys()
    for name in ("Room", "RoomWithYou"):
        assert {"quizData", "secondsPerQuestion", "currentQuestion"} <= schemas[name]["properties"].keys()
        assert {"quizData", "secondsPerQuestion", "currentQuestion"} <= set(schemas[name]["required"])
    assert {"quizData", "secondsPerQuestion"} <= schemas["CreateRoom"]["properties"].keys()
    assert schemas["CreateRoom"]["required"] == ["hostName"]
    assert "score" in schemas["Participant"]["required"]
