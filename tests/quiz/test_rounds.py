"""The quiz again with the same people, and how its rounds went."""

import csv
import io
from typing import Any

import pytest
from flask import Flask

from party.ops.cleanup import clean
from tests.conftest import Clock
from tests.quiz.test_quiz import CORRECT, QUIZ, events, give, move, scores
from tests.support.peers import Answer, Api, Seat


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room that stays after the quiz."""
    return client.create_room("Hana", hostId="host", quizData=QUIZ, afterQuiz="stay")


def begin(host: Seat, **options: Any) -> Answer:
    """Start a round."""
    return host.call("POST", "/start", options)


def play(host: Seat, *right: Seat) -> None:
    """Play a whole round, in which some answer everything rightly and at once."""
    for question, correct in enumerate(CORRECT):
        for seat in right:
            assert give(seat, question, correct).data["isCorrect"]
        move(host, fromQuestion=question)


def results(host: Seat) -> Any:
    """The rounds of the host's room."""
    return host.call("GET", "/results").data["rounds"]


def heard(seat: Seat) -> dict[str, Any]:
    """The last payload of each type of event that the seat has not read yet."""
    return {kind: payload for kind, _, payload in events(seat)}


# Again


def test_a_room_that_stays_waits_again_after_the_last_question(host: Seat, guest: Seat) -> None:
    begin(host)
    play(host, guest)
    told = heard(guest)
    assert "room-ended" not in told
    standings = [
        {"participantId": "guest", "name": "Gus", "score": 45},
        {"participantId": "host", "name": "Hana", "score": 0},
    ]
    assert told["quiz-finished"] == {"round": 1, "correct": CORRECT[2], "standings": standings}
    room = guest.call("GET").data
    shown = (room["status"], room["currentQuestion"], room["round"], room["questionOpenedAt"])
    assert shown == ("waiting", 0, 1, None)
    # It can be played again, so nothing of it is given away.
    assert all("correct" not in question for question in room["quizData"]["questions"])
    assert scores(guest) == {"host": 0, "guest": 45}
    for answer in (move(host), give(guest, 2, 0)):
        assert (answer.status, answer.code) == (409, "WRONG_STATUS")


def test_a_room_ends_with_its_quiz_unless_it_is_to_stay(client: Api, clock: Clock) -> None:
    host = client.create_room(quizData=QUIZ)
    assert host.room["settings"]["afterQuiz"] == "end"
    client.join(host.code)
    begin(host)
    play(host)
    assert host.call("GET").data["status"] == "ended"
    kept = results(host)
    assert len(kept) == 1
    assert kept[0]["finishedAt"] == host.call("GET").data["endedAt"]


def test_another_round_begins_at_0_or_keeps_the_scores(host: Seat, guest: Seat, clock: Clock) -> None:
    begin(host)
    play(host, guest)
    guest.read()
    clock.advance(60)
    room = begin(host, keepScores=True).data
    assert (room["round"], room["currentQuestion"]) == (2, 0)
    started = {
        "status": "playing",
        "startedAt": "2026-01-09T12:35:56.789Z",
        "round": 2,
        "keepScores": True,
    }
    # And nobody's score is told.
    assert events(guest) == [("quiz-started", "host", started)]
    assert room["questionOpenedAt"] == room["startedAt"] == started["startedAt"]
    assert scores(guest)["guest"] == 45
    assert give(guest, 0, CORRECT[0]).data == {
        "questionIndex": 0,
        "isCorrect": True,
        "points": 15,
        "score": 60,
    }
    for _ in CORRECT:
        move(host)
    guest.read()
    assert begin(host).data["round"] == 3
    ((_, _, payload),) = events(guest)
    assert payload["keepScores"] is False
    assert scores(guest) == {"host": 0, "guest": 0}
    assert give(guest, 0, CORRECT[0]).data["score"] == 15


def test_the_host_may_set_another_quiz_and_other_settings_before_it_starts_again(
    host: Seat, guest: Seat
) -> None:
    begin(host)
    play(host, guest)
    other = {"questions": [{"question": "Other", "answers": ["x", "y"], "correct": 1}]}
    assert host.call("POST", "/quiz", {"quizData": other}).status == 200
    guest.read()
    changed = host.call("POST", "/settings", {"afterQuiz": "end"})
    assert changed.data["settings"]["afterQuiz"] == "end"
    assert events(guest) == [("settings-changed", "host", {"changed": {"afterQuiz": "end"}})]
    host.call("POST", "/settings", {"afterQuiz": "end"})
    host.call("POST", "/settings", {"afterQuiz": None})
    assert events(guest) == []
    begin(host)
    give(guest, 0, 1)
    assert move(host).data["status"] == "ended"
    assert [[question["question"] for question in each["questions"]] for each in results(host)] == [
        ["Question 0", "Question 1", "Question 2"],
        ["Other"],
    ]


@pytest.mark.parametrize("value", ["again", "", 1, True, ["stay"]], ids=str)
def test_what_is_no_way_to_go_on_is_refused(client: Api, host: Seat, value: Any) -> None:
    for answer in (
        client.request("POST", "/rooms", {"hostName": "H", "afterQuiz": value}),
        host.call("POST", "/settings", {"afterQuiz": value}),
    ):
        assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", "afterQuiz")
    assert host.call("GET").data["settings"]["afterQuiz"] == "stay"


def test_an_answer_of_another_round_never_counts(host: Seat, guest: Seat) -> None:
    begin(host)
    give(guest, 0, CORRECT[0])
    for _ in CORRECT:
        move(host)
    begin(host)
    body = {"questionIndex": 0, "answerIndex": CORRECT[0], "timeMs": 0}
    for round in (0, 1, 3):
        late = guest.call("POST", "/answer", {**body, "round": round})
        assert (late.status, late.code) == (409, "WRONG_QUESTION")
    assert scores(guest)["guest"] == 0
    now = guest.call("POST", "/answer", {**body, "round": 2})
    assert now.data == {"questionIndex": 0, "isCorrect": True, "points": 15, "score": 15}
    again = guest.call("POST", "/answer", {**body, "round": 2})
    assert again.data["repeated"] is True


def test_the_question_before_the_first_is_of_another_round(host: Seat, guest: Seat) -> None:
    begin(host)
    play(host)
    begin(host)
    assert give(guest, 2, CORRECT[2]).code == "WRONG_QUESTION"


@pytest.mark.parametrize("name", ["keepScores", "autoAdvance", "pauseSeconds"])
def test_what_a_start_takes_is_checked(host: Seat, guest: Seat, name: str) -> None:
    wrong: list[Any] = ["true", [], {}, 1.5, *([-1, 61, True] if name == "pauseSeconds" else [1, 0])]
    for value in wrong:
        answer = begin(host, **{name: value})
        assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", name)
    assert host.call("GET").data["status"] == "waiting"
    assert begin(host, **{name: None}).status == 200


# Results


def test_results_tell_how_each_round_went(client: Api, host: Seat, guest: Seat, clock: Clock) -> None:
    assert results(host) == []
    zoe = client.join(host.code, "Zoe", participantId="zoe")
    begin(host)
    clock.advance(4)
    give(guest, 0, CORRECT[0], 3_000)
    give(zoe, 0, 0, 4_000)
    move(host)
    give(guest, 1, 0, 1_000)
    give(zoe, 1, -1, 500)
    running = results(host)
    assert running[0]["finishedAt"] is None
    questions = [
        ("Question 0", 2, 1, 3_500, [1, 1, 0]),
        ("Question 1", 2, 1, 1_000, [1, 0, 0]),
        ("Question 2", 0, 0, None, [0, 0, 0]),
    ]
    names = ("question", "answeredCount", "rightCount", "medianMs", "distribution")
    standings = [
        {"participantId": "guest", "name": "Gus", "score": 30, "rightCount": 2, "answeredCount": 2},
        {"participantId": "host", "name": "Hana", "score": 0, "rightCount": 0, "answeredCount": 0},
        {"participantId": "zoe", "name": "Zoe", "score": 0, "rightCount": 0, "answeredCount": 2},
    ]
    expected = {
        "round": 1,
        "startedAt": "2026-01-09T12:34:56.789Z",
        "finishedAt": None,
        "questions": [
            {"index": index, **dict(zip(names, row, strict=True))} for index, row in enumerate(questions)
        ],
        "standings": standings,
    }
    assert running == [expected]
    move(host)
    move(host)
    finished = {**expected, "finishedAt": "2026-01-09T12:35:00.789Z"}
    assert results(host) == [finished]
    # Whoever goes, or plays on, changes nothing of it.
    zoe.call("POST", "/leave")
    begin(host)
    give(guest, 0, 0)
    assert results(host)[0] == finished
    assert results(host)[1]["questions"][0]["distribution"] == [1, 0, 0]
    host.call("POST", "/end")
    assert [each["finishedAt"] for each in results(host)] == [finished["finishedAt"], None]


def test_only_the_host_sees_results(client: Api, app: Flask, host: Seat, guest: Seat, clock: Clock) -> None:
    begin(host)
    refused = guest.call("GET", "/results")
    assert (refused.status, refused.code) == (403, "HOST_ONLY")
    stranger = client.request("GET", f"/rooms/{host.code}/results")
    assert (stranger.status, stranger.code) == (401, "TOKEN_REQUIRED")
    odd = host.call("GET", "/results?format=xml")
    assert (odd.status, odd.code, odd.error["field"]) == (400, "VALIDATION_ERROR", "format")
    host.call("POST", "/end")
    assert len(results(host)) == 1
    with app.app_context():
        clean(app.extensions["party.database"], clock.now + 25 * 3600 * 1000)
    assert host.call("GET", "/results").status == 401
    database = app.extensions["party.database"]
    assert database.all("SELECT * FROM party_rounds") == []


def test_results_as_a_table_can_be_opened_without_harm(client: Api, app: Flask, clock: Clock) -> None:
    host = client.create_room("=1+1", hostId="-host", quizData=QUIZ, afterQuiz="stay")
    formulas = ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", 'Quote " comma, ;', "Ümläut 😀 שלום"]
    seats = [client.join(host.code, name) for name in formulas]
    begin(host)
    play(host, seats[0])
    begin(host)
    answer = app.test_client().get(
        f"/rooms/{host.code}/results?format=csv", headers={"Authorization": f"Bearer {host.token}"}
    )
    assert answer.status_code == 200
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))
    assert [row["round"] for row in rows] == ["1"] * 7 + ["2"] * 7
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    first = rows[0]
    assert (first["name"], first["participantId"]) == (f"'{formulas[0]}", f"{seats[0].id}")
    assert (first["score"], first["rightCount"], first["answeredCount"]) == ("45", "3", "3")
    assert rows[1]["participantId"] == "'-host"
    assert [row["name"] for row in rows[5:7]] == formulas[4:]
    assert (rows[0]["finishedAt"], rows[7]["finishedAt"]) == ("2026-01-09T12:34:56.789Z", "")
