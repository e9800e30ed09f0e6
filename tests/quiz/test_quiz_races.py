"""The quiz under concurrency, raced for over several server processes."""

import pytest

from tests.conftest import MakeServer
from tests.rooms.test_races import at_once
from tests.support.peers import Answer, Api, Seat

QUESTIONS = 8
QUIZ = {"questions": [{"question": "?", "answers": ["a", "b"], "correct": 1}] * QUESTIONS}


@pytest.fixture
def api(shared_server: MakeServer) -> Api:
    """Calls to three processes."""
    return Api.of_url(shared_server(workers=3, threads=8).url)


@pytest.fixture
def game(api: Api) -> tuple[Seat, list[Seat]]:
    """A room that plays: its host and four guests."""
    host = api.create_room(quizData=QUIZ, secondsPerQuestion=300)
    guests = [api.join(host.code) for _ in range(4)]
    host.call("POST", "/start")
    for seat in (host, *guests):
        seat.read()
    return host, guests


def give(seat: Seat, question: int, answer: int) -> Answer:
    """Answer a question at once."""
    body = {"questionIndex": question, "answerIndex": answer, "timeMs": 0}
    return seat.call("POST", "/answer", body)


def standings(seat: Seat) -> dict[str, int]:
    """The scores of all in the room."""
    return {member["id"]: member["score"] for member in seat.call("GET").data["participants"]}


def test_answers_of_one_participant_from_several_tabs_count_once(game: tuple[Seat, list[Seat]]) -> None:
    host, (guest, *_) = game
    for n in range(QUESTIONS - 1):
        # Some right, some wrong: whichever comes first is the answer.
        answers = at_once([lambda choice=choice: give(guest, n, choice) for choice in (0, 1) * 4])  # type: ignore[misc]  # noqa: B023
        assert {answer.status for answer in answers} == {200}
        results = [answer.data for answer in answers]
        (first,) = (result for result in results if "repeated" not in result)
        assert [result for result in results if result != first] == [{**first, "repeated": True}] * 7
        host.call("POST", "/next", {"fromQuestion": n})
    heard = [event["payload"]["score"] for event in guest.read() if event["type"] == "score-changed"]
    assert heard == [15 * (n + 1) for n in range(len(heard))]
    assert standings(host)[guest.id] == 15 * len(heard)


def test_next_from_one_question_in_several_tabs_of_the_host_moves_once(game: tuple[Seat, list[Seat]]) -> None:
    host, (guest, *_) = game
    for n in range(QUESTIONS - 1):
        answers = at_once([lambda: host.call("POST", "/next", {"fromQuestion": n})] * 6)  # noqa: B023
        moved = [answer.data["currentQuestion"] for answer in answers if answer.status == 200]
        assert moved == [n + 1]
        assert [answer.code for answer in answers if answer.status == 409] == ["WRONG_QUESTION"] * 5
    heard = [(event["type"], event["payload"]) for event in guest.read()]
    closed = [payload["questionIndex"] for kind, payload in heard if kind == "question-closed"]
    opened = [payload["currentQuestion"] for kind, payload in heard if kind == "question-advanced"]
    assert (closed, opened) == (list(range(QUESTIONS - 1)), list(range(1, QUESTIONS)))


def test_the_end_of_the_last_question_is_reached_once(game: tuple[Seat, list[Seat]]) -> None:
    host, (guest, *_) = game
    for _ in range(QUESTIONS - 1):
        host.call("POST", "/next")
    guest.read()
    last = {"fromQuestion": QUESTIONS - 1}
    answers = at_once([lambda: host.call("POST", "/next", last)] * 6)
    assert sorted(answer.status for answer in answers) == [200] + [410] * 5
    assert [event["type"] for event in guest.read()] == ["question-closed", "room-ended"]


def test_nobodys_points_get_lost_when_all_answer_while_the_host_moves_on(
    game: tuple[Seat, list[Seat]],
) -> None:
    host, guests = game
    scores = {seat.id: 0 for seat in (host, *guests)}
    for n in range(QUESTIONS - 1):
        moved, *answers = at_once(
            [
                lambda: host.call("POST", "/next", {"fromQuestion": n}),  # noqa: B023
                *(lambda guest=guest: give(guest, n, 1) for guest in guests),  # noqa: B023
            ]
        )
        assert moved.status == 200
        for guest, answer in zip(guests, answers, strict=True):
            scores[guest.id] += answer.data["points"]
            assert answer.data["score"] == scores[guest.id] == 15 * (n + 1)
    assert standings(host) == scores
