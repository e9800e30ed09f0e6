"""Rounds and questions that close by themselves under concurrency, raced for over several processes."""

from collections import Counter
from typing import Any

import pytest

from tests.conftest import MakeServer
from tests.quiz.test_quiz_races import give, standings
from tests.rooms.test_races import at_once
from tests.support.peers import Answer, Api, Seat

TIMES = 50
QUESTION = {"question": "?", "answers": ["a", "b"], "correct": 1}


@pytest.fixture
def api(server: MakeServer) -> Api:
    """Calls to three processes."""
    return Api.of_url(server(workers=3, threads=8).url)


@pytest.fixture
def game(api: Api) -> tuple[Seat, Seat, Seat]:
    """A host and two players of a game that goes on by itself, without pauses."""
    quiz = {"questions": [QUESTION] * (TIMES + 1)}
    host = api.create_room(quizData=quiz, secondsPerQuestion=300)
    seats = host, api.join(host.code), api.join(host.code)
    host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 0})
    for seat in seats:
        seat.read()
    return seats


def closed_once(seat: Seat, count: int = TIMES) -> list[dict[str, Any]]:
    """What a member has been told, of which every question was closed and left once, in order."""
    told: list[dict[str, Any]] = seat.read()
    closed = [event["payload"] for event in told if event["type"] == "question-closed"]
    opened = [event["payload"] for event in told if event["type"] == "question-advanced"]
    assert [each["questionIndex"] for each in closed] == list(range(count))
    assert [each["currentQuestion"] for each in opened] == list(range(1, count + 1))
    return closed


def test_the_last_two_answers_at_once_close_a_question_once(game: tuple[Seat, Seat, Seat]) -> None:
    host, ada, ben = game
    for n in range(TIMES):
        answers = at_once([lambda: give(ada, n, 1), lambda: give(ben, n, 0)])  # noqa: B023
        assert [answer.data["isCorrect"] for answer in answers] == [True, False]
    assert all(each["distribution"] == [1, 1] for each in closed_once(host))
    assert standings(host) == {host.id: 0, ada.id: 15 * TIMES, ben.id: 0}


def test_next_by_hand_against_the_last_answer_moves_once(game: tuple[Seat, Seat, Seat]) -> None:
    host, ada, ben = game
    points = 0
    for n in range(TIMES):
        give(ada, n, 0)
        moved, answer = at_once(
            [lambda: host.call("POST", "/next", {"fromQuestion": n}), lambda: give(ben, n, 1)]  # noqa: B023
        )
        # One of them came too late.
        assert sorted((moved.status, answer.status)) == [200, 409]
        points += answer.data["points"] if answer.status == 200 else 0
    assert {len(each["distribution"]) for each in closed_once(ada)} == {2}
    assert standings(host) == {host.id: 0, ada.id: 0, ben.id: points}


def test_who_leaves_as_the_last_that_had_not_answered_closes_a_question_once(
    api: Api, game: tuple[Seat, Seat, Seat]
) -> None:
    host, ada, ben = game
    for n in range(TIMES):
        left, answer = at_once([lambda: ben.call("POST", "/leave"), lambda: give(ada, n, 1)])  # noqa: B023
        assert (left.status, answer.status) == (200, 200)
        assert host.call("GET").data["currentQuestion"] == n + 1
        ben = api.join(host.code, participantId=ben.id)
    assert all(each["answeredCount"] == 1 for each in closed_once(host))
    assert standings(host)[ada.id] == 15 * TIMES


def test_a_host_that_hands_over_in_the_middle_of_a_question_loses_no_answer(
    game: tuple[Seat, Seat, Seat],
) -> None:
    host, ada, ben = game
    scores: Counter[str] = Counter()
    for n in range(TIMES):
        handed, *answers = at_once(
            [
                lambda: host.call("POST", "/host", {"participantId": ada.id}),  # noqa: B023
                lambda: give(ada, n, 1),  # noqa: B023
                lambda: give(ben, n, 1),  # noqa: B023
            ]
        )
        assert handed.status == 200
        host, ada = ada, host
        # Who was the host plays now, and is waited for unless all others had answered before.
        answers.append(give(ada, n, 1))
        for seat, answer in zip((host, ben, ada), answers, strict=True):
            assert answer.status in (200, 409)
            scores[seat.id] += answer.data["points"] if answer.status == 200 else 0
        assert host.call("GET").data["currentQuestion"] == n + 1
    closed_once(ben)
    assert standings(ben) == {seat.id: scores[seat.id] for seat in (host, ada, ben)}


def test_an_answer_of_the_round_before_never_counts_in_the_next(api: Api) -> None:
    host = api.create_room(quizData={"questions": [QUESTION]}, afterQuiz="stay")
    guest = api.join(host.code)

    def again() -> Answer:
        host.call("POST", "/next")
        return host.call("POST", "/start")

    host.call("POST", "/start")
    counted = 0
    for round in range(1, TIMES + 1):
        body = {"questionIndex": 0, "answerIndex": 1, "timeMs": 0, "round": round}
        begun, answer = at_once([again, lambda: guest.call("POST", "/answer", body)])  # noqa: B023
        assert begun.data["round"] == round + 1
        assert standings(host) == {host.id: 0, guest.id: 0}
        assert answer.status in (200, 409)
        counted += answer.status == 200
    rounds = host.call("GET", "/results").data["rounds"]
    assert sum(each["questions"][0]["rightCount"] for each in rounds) == counted
