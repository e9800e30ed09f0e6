"""Questions that close and open by themselves, times of their own, and who has more time than others."""

from typing import Any

import pytest

from party.quiz import rules
from tests.conftest import Clock
from tests.quiz.test_quiz import CORRECT, QUIZ, correct_in, events, give, move, scores
from tests.support.peers import Answer, Api, Seat


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room with three questions of 30 seconds."""
    return client.create_room("Hana", hostId="host", quizData=QUIZ)


@pytest.fixture
def other(client: Api, host: Seat) -> Seat:
    """Another player."""
    return client.join(host.code, "Zoe", participantId="zoe")


@pytest.fixture
def game(host: Seat, guest: Seat, other: Seat) -> Seat:
    """The host of a game with two players that goes on by itself."""
    assert host.call("POST", "/start", {"autoAdvance": True}).status == 200
    for seat in (host, guest, other):
        seat.read()
    return host


def kinds(seat: Seat) -> list[str]:
    """The types of what the seat has not read yet."""
    return [kind for kind, _, _ in events(seat)]


# By time


def test_a_question_closes_when_its_time_is_over_and_the_next_opens_after_a_pause(
    game: Seat, guest: Seat, clock: Clock
) -> None:
    give(guest, 0, CORRECT[0])
    guest.read()
    clock.advance(29.999)
    assert kinds(guest) == []
    clock.advance(0.001)
    closed = {"questionIndex": 0, "correct": CORRECT[0], "answeredCount": 1, "distribution": [0, 1, 0]}
    # By itself, so it is from nobody.
    assert events(guest) == [("question-closed", None, closed)]
    room = guest.call("GET").data
    assert (room["status"], room["currentQuestion"], room["questionOpenedAt"]) == ("playing", 0, None)
    assert correct_in(room) == [CORRECT[0], "hidden", "hidden"]
    clock.advance(4.999)
    assert kinds(guest) == []
    clock.advance(0.001)
    advanced = {"currentQuestion": 1, "correct": CORRECT[0]}
    assert events(guest) == [("question-advanced", None, advanced)]
    room = guest.call("GET").data
    assert (room["currentQuestion"], room["questionOpenedAt"]) == (1, "2026-01-09T12:35:31.789Z")


def test_a_game_goes_on_to_its_end_whoever_polls(game: Seat, guest: Seat, other: Seat, clock: Clock) -> None:
    for seat in (guest, other, game) * 2:
        clock.advance(36)
        seat.read()
    assert guest.call("GET").data["status"] == "ended"
    heard = kinds(other)
    assert heard.count("room-ended") == 1
    (kept,) = game.call("GET", "/results").data["rounds"]
    assert kept["finishedAt"] is not None


@pytest.mark.parametrize("after", ["end", "stay"])
def test_the_last_question_ends_the_round_after_its_pause(client: Api, clock: Clock, after: str) -> None:
    quiz = {"questions": QUIZ["questions"][:1]}
    host = client.create_room(quizData=quiz, afterQuiz=after)
    guest = client.join(host.code)
    host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 7})
    guest.read()
    clock.advance(30)
    assert kinds(guest) == ["question-closed"]
    clock.advance(7)
    assert kinds(guest) == ["room-ended" if after == "end" else "quiz-finished"]
    assert guest.call("GET").data["status"] == ("ended" if after == "end" else "waiting")
    clock.advance(600)
    assert host.call("GET", "/results").data["rounds"][0]["finishedAt"] == "2026-01-09T12:35:33.789Z"


def test_with_a_pause_of_0_the_next_question_opens_at_once(host: Seat, guest: Seat, clock: Clock) -> None:
    host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 0})
    guest.read()
    clock.advance(31)
    assert kinds(guest) == ["question-closed", "question-advanced"]
    # It has all of its time, whenever that was made.
    clock.advance(29.9)
    assert kinds(guest) == []


def test_without_auto_advance_a_question_stays_open(host: Seat, guest: Seat, clock: Clock) -> None:
    host.call("POST", "/start", {"pauseSeconds": 0})
    guest.read()
    give(guest, 0, CORRECT[0])
    guest.read()
    clock.advance(80)
    assert kinds(guest) == []


def test_a_question_may_have_a_time_of_its_own(client: Api, clock: Clock) -> None:
    short, usual = ({**QUIZ["questions"][0], **more} for more in ({"questionSeconds": 10}, {}))
    host = client.create_room(quizData={"questions": [short, usual]}, secondsPerQuestion=20)
    guest = client.join(host.code)
    host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 0})
    guest.read()
    clock.advance(6)
    assert give(guest, 0, CORRECT[0], 6_000).data["points"] == 13
    clock.advance(0)
    assert kinds(guest)[-1] == "question-advanced"
    clock.advance(19.9)
    assert kinds(guest) == []
    clock.advance(0.1)
    assert kinds(guest) == ["question-closed", "room-ended"]


@pytest.mark.parametrize("seconds", [4, 301, 10.0, "10", True, [10]], ids=str)
def test_a_time_that_a_question_cannot_have_is_refused(client: Api, host: Seat, seconds: Any) -> None:
    quiz = {"questions": [QUIZ["questions"][0], {**QUIZ["questions"][1], "questionSeconds": seconds}]}
    for answer in (
        client.request("POST", "/rooms", {"hostName": "H", "quizData": quiz}),
        host.call("POST", "/quiz", {"quizData": quiz}),
    ):
        assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", "quizData")
    assert host.call("GET").data["quizData"] == QUIZ
    # What is no quiz is the app's own affair.
    assert host.call("POST", "/quiz", {"quizData": {"questionSeconds": seconds}}).status == 200


# By answers


def test_a_question_closes_as_soon_as_every_player_has_answered(game: Seat, guest: Seat, other: Seat) -> None:
    give(guest, 0, -1)
    assert kinds(guest) == ["answered"]
    give(other, 0, CORRECT[0])
    assert kinds(guest) == ["answered", "score-changed", "question-closed"]
    # The host is not waited for, and too late now.
    assert give(game, 0, CORRECT[0]).code == "WRONG_QUESTION"


def test_who_is_not_online_is_not_waited_for(game: Seat, guest: Seat, other: Seat) -> None:
    other.call("POST", "/away")
    guest.read()
    give(guest, 0, CORRECT[0])
    assert kinds(guest)[-1] == "question-closed"


def test_where_nobody_is_online_a_question_has_its_time(
    game: Seat, guest: Seat, other: Seat, clock: Clock
) -> None:
    give(guest, 0, CORRECT[0])
    for seat in (guest, other):
        seat.call("POST", "/away")
    game.read()
    clock.advance(29.9)
    assert "question-closed" not in kinds(game)
    clock.advance(0.1)
    assert kinds(game) == ["question-closed"]


@pytest.mark.parametrize("how", ["leave", "away", "remove", "spectate", "hand over"])
def test_who_goes_as_the_last_that_had_not_answered_closes_the_question(
    game: Seat, guest: Seat, other: Seat, how: str
) -> None:
    give(guest, 0, CORRECT[0])
    guest.read()
    match how:
        case "leave" | "away":
            other.call("POST", f"/{how}")
        case "remove":
            game.call("POST", "/remove", {"participantId": other.id})
        case "spectate":
            other.call("POST", "/role", {"role": "spectator"})
        case "hand over":
            # The old host plays from then on, and has not answered.
            game.call("POST", "/host", {"participantId": other.id})
            assert "question-closed" not in kinds(guest)
            give(game, 0, 0)
    assert kinds(guest)[-1] == "question-closed"


def test_nothing_counts_after_a_question_has_closed_by_itself(
    game: Seat, guest: Seat, other: Seat, clock: Clock
) -> None:
    clock.advance(30)
    assert kinds(guest) == ["question-closed"]
    # What was right has been told by then.
    late = give(guest, 0, CORRECT[0], 1_000)
    assert (late.status, late.code) == (409, "WRONG_QUESTION")
    clock.advance(5)
    assert kinds(guest) == ["question-advanced"]
    assert give(guest, 0, CORRECT[0], 1_000).code == "WRONG_QUESTION"
    assert give(guest, 1, CORRECT[1]).status == 200
    assert scores(game)["guest"] == 15


# By hand


def test_the_host_may_move_on_before(game: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(3)
    assert move(game, fromQuestion=0).data["currentQuestion"] == 1
    assert kinds(guest) == ["question-closed", "question-advanced"]
    clock.advance(29.9)
    assert kinds(guest) == []
    clock.advance(0.1)
    assert kinds(guest) == ["question-closed"]
    # In the pause, which is over then.
    assert move(game, fromQuestion=1).data["currentQuestion"] == 2
    assert kinds(guest) == ["question-advanced"]
    clock.advance(5)
    assert kinds(guest) == []


# Extra time


def extra(host: Seat, participant: str, factor: Any) -> Answer:
    """Give a participant more time."""
    return host.call("POST", "/extra-time", {"participantId": participant, "factor": factor})


def test_extra_time_counts_for_points_and_closing_and_nobody_else_is_told(
    game: Seat, guest: Seat, other: Seat, clock: Clock
) -> None:
    room = extra(game, "guest", 2).data
    assert room["extraTimes"] == {"guest": 2}
    assert events(guest) == [("extra-time", "host", {"factor": 2})]
    assert guest.call("GET").data["extraTime"] == 2
    assert events(other) == []
    for shown in (other.call("GET").data, other.poll().data["room"]):
        assert "extraTime" not in shown
        assert "extraTimes" not in shown
    clock.advance(24)
    # 40 % of its time, and 80 % of the usual one.
    assert give(guest, 0, CORRECT[0], 24_000).data["points"] == 14
    clock.advance(6)
    assert kinds(other)[-1] == "question-closed"
    clock.advance(5)
    assert kinds(guest)[-1] == "question-advanced"
    clock.advance(59)
    guest.read()
    assert kinds(game)[-1] != "question-closed"
    clock.advance(1)
    assert kinds(game) == ["question-closed"]


def test_extra_time_may_be_taken_back(game: Seat, guest: Seat, clock: Clock) -> None:
    extra(game, "guest", 1.5)
    assert "extraTimes" not in extra(game, "guest", 1).data
    assert events(guest) == [
        ("extra-time", "host", {"factor": 1.5}),
        ("extra-time", "host", {"factor": 1}),
    ]
    assert extra(game, "guest", 1).status == 200
    assert events(guest) == []
    clock.advance(30)
    assert kinds(guest) == ["question-closed"]


def test_who_has_extra_time_is_checked(game: Seat, guest: Seat) -> None:
    for factor in (0, 0.5, 1.1, 3, "2", True, None):
        answer = extra(game, "guest", factor)
        assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", "factor")
    assert extra(game, "nobody", 2).code == "PEER_NOT_FOUND"
    assert extra(guest, "guest", 2).code == "HOST_ONLY"
    game.call("POST", "/end")
    assert extra(game, "guest", 2).code == "ROOM_ENDED"


def test_extra_time_goes_with_whom_it_was_given_to(client: Api, host: Seat, guest: Seat) -> None:
    extra(host, "guest", 2)
    guest.call("POST", "/leave")
    again = client.join(host.code, participantId="guest")
    assert "extraTime" not in again.room
    assert "extraTimes" not in host.call("GET").data


# The rules alone


@pytest.mark.parametrize(
    ("players", "closes"),
    [
        ([], 10_000),
        ([(False, 100)], 10_000),
        ([(True, 100)], 0),
        ([(True, 200), (False, 100)], 10_000),
        ([(True, 100), (False, 125)], 12_500),
        ([(False, 200), (False, 150)], 20_000),
        ([(True, 200), (True, 150)], 0),
    ],
)
def test_when_a_question_closes(players: list[tuple[bool, int]], closes: int) -> None:
    found = rules.closes_at(1_000, 10_000, [rules.Player(*player) for player in players])
    assert found == 1_000 + closes
