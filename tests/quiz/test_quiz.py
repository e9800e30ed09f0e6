"""The quiz: questions one after the other, answers that the server marks, and scores."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from party.errors import TokenInvalid
from party.ops.cleanup import clean
from party.quiz import store
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

# The right answers to the three questions of the fixtures' game, which have 30 seconds each.
CORRECT = [1, 0, 2]
QUIZ: dict[str, Any] = {
    "title": "Capitals",
    "questions": [
        {"question": f"Question {n}", "answers": ["a", "b", "c"], "correct": correct, "hint": [n]}
        for n, correct in enumerate(CORRECT)
    ],
}
# Nothing that can be played, though a room may carry it.
NOT_PLAYABLE: list[dict[str, Any] | None] = [
    None,
    {},
    {"questions": None},
    {"questions": []},
    {"questions": {}},
    {"questions": "abc"},
    {"questions": [1, 2]},
    {"questions": [None]},
    {"questions": [{"answers": ["a", "b"]}]},
    {"questions": [{"correct": 0}]},
    {"questions": [{"answers": [], "correct": 0}]},
    {"questions": [{"answers": {"a": 1}, "correct": 0}]},
    {"questions": [{"answers": "ab", "correct": 0}]},
    {"questions": [{"options": "ab", "correct": 0}]},
    {"questions": [{"answers": [], "options": ["a", "b"], "correct": 0}]},
    *(
        {"questions": [QUIZ["questions"][0], {"answers": ["a", "b"], "correct": correct}]}
        for correct in (None, -1, 2, 10**30, True, 0.0, "0", [0])
    ),
]


def start(host: Seat) -> None:
    """Start the host's game."""
    assert host.call("POST", "/start").status == 200


def give(seat: Seat, question: int, answer: int, time_ms: int = 0) -> Answer:
    """Answer a question."""
    body = {"questionIndex": question, "answerIndex": answer, "timeMs": time_ms}
    return seat.call("POST", "/answer", body)


def move(host: Seat, **fields: Any) -> Answer:
    """Move to the next question."""
    return host.call("POST", "/next", fields)


def events(seat: Seat) -> list[tuple[str, str | None, Any]]:
    """What the seat has not read yet: type, who, and payload."""
    return [(event["type"], event["fromId"], event["payload"]) for event in seat.read()]


def scores(seat: Seat) -> dict[str, int]:
    """The scores of all in the room."""
    return {member["id"]: member["score"] for member in seat.call("GET").data["participants"]}


def stored(app: Flask) -> list[Any]:
    """All that is stored about rooms, but for signs of life."""
    database = app.extensions["party.database"]
    tables = ("rooms", "participants", "events", "questions", "answers")
    return [database.all(f"SELECT * FROM party_{table}") for table in tables]


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room with a quiz, which waits."""
    return client.create_room("Hana", hostId="host", quizData=QUIZ)


@pytest.fixture
def game(host: Seat, guest: Seat) -> Seat:
    """The host of that room when it plays: the first question is open, and the start has been read."""
    start(host)
    host.read()
    guest.read()
    return host


# Points


@pytest.mark.parametrize(
    ("seconds", "time_ms", "points"),
    [
        (30, 0, 15),
        (30, 6_000, 15),  # 20 %
        (30, 8_400, 15),  # 4.5 for speed
        (30, 8_401, 14),
        (30, 18_000, 13),  # 60 %: 2.5 for speed
        (30, 18_001, 12),
        (30, 27_600, 11),
        (30, 27_601, 10),
        (30, 30_000, 10),  # 100 %
        (30, 30_001, 10),
        (30, 10**30, 10),
        (7, 1_960, 15),
        (7, 1_961, 14),
        (300, 84_000, 15),
        (300, 84_001, 14),
    ],
)
def test_a_correct_answer_brings_10_and_up_to_5_for_speed(
    client: Api, clock: Clock, seconds: int, time_ms: int, points: int
) -> None:
    host = client.create_room(quizData=QUIZ, secondsPerQuestion=seconds)
    guest = client.join(host.code)
    start(host)
    clock.advance(min(time_ms, 30_001) / 1000)
    answer = give(guest, 0, CORRECT[0], time_ms)
    assert answer.status == 200
    assert answer.data == {"questionIndex": 0, "isCorrect": True, "points": points, "score": points}
    assert scores(host)[guest.id] == points


@pytest.mark.parametrize("answer", [0, 2, -1])
def test_a_wrong_answer_and_none_bring_nothing(game: Seat, guest: Seat, answer: int) -> None:
    assert give(guest, 0, answer).data == {"questionIndex": 0, "isCorrect": False, "points": 0, "score": 0}
    assert scores(game)["guest"] == 0


@pytest.mark.parametrize(
    ("passed_ms", "points"), [(0, 15), (8_000, 15), (10_400, 15), (10_401, 14), (32_000, 10), (3_600_000, 10)]
)
def test_nobody_is_faster_than_the_server_saw_give_or_take_two_seconds(
    game: Seat, guest: Seat, clock: Clock, passed_ms: int, points: int
) -> None:
    clock.advance(passed_ms / 1000)
    assert give(guest, 0, CORRECT[0], time_ms=0).data["points"] == points


def test_a_slower_time_than_the_server_saw_is_believed(game: Seat, guest: Seat) -> None:
    assert give(guest, 0, CORRECT[0], time_ms=30_000).data["points"] == 10


def test_each_question_has_its_own_time(game: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(100)
    move(game)
    clock.advance(5)
    assert give(guest, 1, CORRECT[1], 5_000).data["points"] == 15
    clock.advance(100)
    move(game)
    clock.advance(20)
    assert give(guest, 2, CORRECT[2], 0).data["points"] == 13
    assert scores(game)["guest"] == 28


def test_a_clock_that_was_set_back_does_not_matter(game: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(-60)
    assert give(guest, 0, CORRECT[0], 18_000).data["points"] == 13


# Answering


def test_a_second_answer_changes_nothing_and_gets_the_first_result(
    game: Seat, guest: Seat, clock: Clock, app: Flask
) -> None:
    clock.advance(18)
    first = give(guest, 0, CORRECT[0], 18_000)
    before = stored(app)
    for answer, time_ms in ((CORRECT[0], 18_000), (CORRECT[0], 0), (0, 0), (-1, 0)):
        again = give(guest, 0, answer, time_ms)
        assert (again.status, again.data) == (200, {**first.data, "repeated": True})
    assert stored(app) == before


@pytest.mark.parametrize("first", [0, 2, -1])
def test_a_wrong_answer_cannot_be_mended(game: Seat, guest: Seat, first: int) -> None:
    give(guest, 0, first)
    again = give(guest, 0, CORRECT[0]).data
    assert (again["repeated"], again["isCorrect"], again["points"]) == (True, False, 0)
    assert scores(game)["guest"] == 0


def test_a_known_answer_is_known_long_after_its_question_closed(
    game: Seat, guest: Seat, clock: Clock
) -> None:
    first = give(guest, 0, CORRECT[0])
    move(game)
    give(guest, 1, CORRECT[1])
    clock.advance(600)
    again = give(guest, 0, CORRECT[0])
    assert (again.status, again.data) == (200, {**first.data, "repeated": True})
    assert scores(game)["guest"] == 30


def test_the_host_may_play_too(game: Seat, guest: Seat) -> None:
    assert give(game, 0, CORRECT[0]).data["score"] == 15
    assert scores(guest) == {"host": 15, "guest": 0}


def test_only_the_current_question_can_be_answered(game: Seat, guest: Seat, app: Flask) -> None:
    before = stored(app)
    for question in (1, 2):
        early = give(guest, question, CORRECT[question])
        assert (early.status, early.code) == (409, "WRONG_QUESTION")
    assert stored(app) == before


def test_a_question_can_be_answered_until_two_seconds_after_it_closed(
    client: Api, game: Seat, guest: Seat, clock: Clock
) -> None:
    other = client.join(game.code)
    clock.advance(17)
    move(game)
    clock.advance(1.999)
    # It took 18.999 s from its own opening, of which two may be the network's.
    assert give(guest, 0, CORRECT[0], 0).data["points"] == 13
    clock.advance(0.001)
    late = give(other, 0, CORRECT[0], 0)
    assert (late.status, late.code) == (409, "WRONG_QUESTION")
    assert give(other, 1, CORRECT[1], 0).status == 200


@pytest.mark.parametrize("how", ["poll", "poll without cursor", "look", "rejoin", "send", "a spectator"])
def test_nobody_is_late_after_anybody_was_told_what_was_right(
    client: Api, game: Seat, guest: Seat, how: str
) -> None:
    other = client.join(game.code, participantId="other")
    looker = client.request("POST", f"/rooms/{game.code}/join", {"name": "L", "spectate": True}).data
    spectator = Seat(client, looker)
    for seat in (game, guest, spectator):
        seat.read()
    move(game)
    game.read()  # who knew it before
    game.call("GET")
    give(other, 0, CORRECT[0])
    match how:
        case "poll":
            told = str(guest.read())
        case "poll without cursor":
            told = str(guest.poll(after=None).data)
        case "look":
            told = str(guest.call("GET").data["quizData"])
        case "rejoin":
            answer = guest.call("POST", "/rejoin")
            told, guest = str(answer.data["quizData"]), Seat(client, answer.data)
        case "send":
            told = str(guest.send("other", after=guest.seq).data)
        case _:
            told = str(spectator.read())
    assert f"'correct': {CORRECT[0]}" in told
    assert give(guest, 0, CORRECT[0], 0).code == "WRONG_QUESTION"
    assert give(guest, 1, CORRECT[1], 0).status == 200
    assert give(other, 0, 0).data["repeated"] is True


def test_of_two_questions_closed_at_once_only_the_last_can_be_answered(game: Seat, guest: Seat) -> None:
    move(game)
    move(game)
    assert give(guest, 0, CORRECT[0]).code == "WRONG_QUESTION"
    assert give(guest, 1, CORRECT[1]).status == 200


def test_whoever_comes_again_starts_at_0_and_answers_no_question_twice(
    client: Api, game: Seat, guest: Seat
) -> None:
    give(guest, 0, 0)
    move(game)
    give(guest, 1, CORRECT[1])
    guest.call("POST", "/leave")
    again = client.join(game.code, participantId=guest.id)
    assert give(again, 1, CORRECT[1]).data["repeated"] is True
    assert give(again, 0, CORRECT[0]).data["isCorrect"] is False
    assert scores(game)["guest"] == 0
    move(game)
    assert give(again, 2, CORRECT[2]).data["score"] == 15


def test_whoever_reloads_keeps_the_score(client: Api, game: Seat, guest: Seat) -> None:
    give(guest, 0, CORRECT[0])
    page = Seat(client, guest.call("POST", "/rejoin").data)
    assert scores(page) == {"host": 0, "guest": 15}
    assert give(page, 0, 0).data["repeated"] is True


def test_a_wrong_answer_keeps_the_room_alive_as_any_change(game: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(7190)
    give(guest, 0, -1)
    clock.advance(7190)
    assert game.call("GET").data["status"] == "playing"


def test_a_participant_without_a_token_plays_until_it_is_gone(
    app: Flask, game: Seat, guest: Seat, clock: Clock
) -> None:
    database = app.extensions["party.database"]
    seat = "party_participants WHERE participant_id = 'guest'"
    database.write(lambda tx: tx.run(f"UPDATE {seat.replace(' WHERE', ' SET token_hash = NULL WHERE')}"))
    caller: Any = {**database.one(f"SELECT * FROM {seat}"), "access": "player"}
    with app.app_context():
        assert store.answer(database, clock.now, caller, 0, CORRECT[0], 0)["score"] == 15
        game.call("POST", "/remove", {"participantId": guest.id})
        move(game)
        with pytest.raises(TokenInvalid):
            store.answer(database, clock.now, caller, 1, CORRECT[1], 0)


# Moving on


def test_the_host_moves_from_question_to_question(game: Seat, guest: Seat) -> None:
    for current in (1, 2):
        answer = move(game)
        assert answer.status == 200
        assert (answer.data["status"], answer.data["currentQuestion"]) == ("playing", current)
        assert "you" not in answer.data
        closed = {
            "questionIndex": current - 1,
            "correct": CORRECT[current - 1],
            "answeredCount": 0,
            "distribution": [0, 0, 0],
        }
        payload = {"currentQuestion": current, "correct": CORRECT[current - 1]}
        assert events(guest) == [
            ("question-closed", "host", closed),
            ("question-advanced", "host", payload),
        ]
        assert guest.call("GET").data["currentQuestion"] == current


def test_a_body_is_not_needed_to_move_on(game: Seat) -> None:
    assert game.call("POST", "/next").data["currentQuestion"] == 1
    assert game.call("POST", "/next", {"fromQuestion": None}).data["currentQuestion"] == 2


def test_with_from_question_a_repeated_call_moves_once(game: Seat, app: Flask) -> None:
    assert move(game, fromQuestion=0).data["currentQuestion"] == 1
    before = stored(app)
    for question in (0, 2, 3, 10**30):
        refused = move(game, fromQuestion=question)
        assert (refused.status, refused.code) == (409, "WRONG_QUESTION")
    assert stored(app) == before
    assert move(game, fromQuestion=1).data["currentQuestion"] == 2


def test_after_the_last_question_the_room_ends_with_the_standings(
    client: Api, game: Seat, guest: Seat, clock: Clock
) -> None:
    second, third = client.join(game.code, "Abe"), client.join(game.code, "Zoe")
    gone = client.join(game.code, "Gone")
    give(third, 0, CORRECT[0])
    give(gone, 0, CORRECT[0])
    gone.call("POST", "/leave")
    move(game)
    move(game)
    give(guest, 2, CORRECT[2], 30_000)
    give(second, 2, CORRECT[2], 30_000)
    for seat in (game, guest):
        seat.read()
    clock.advance(2)
    answer = move(game, fromQuestion=2)
    assert (answer.status, answer.data["status"]) == (200, "ended")
    payload = {
        "status": "ended",
        "endedAt": "2026-01-09T12:34:58.789Z",
        "reason": "finished",
        "correct": CORRECT[2],
        # By score, then by joining.
        "standings": [
            {"participantId": third.id, "name": "Zoe", "score": 15},
            {"participantId": "guest", "name": "Gus", "score": 10},
            {"participantId": second.id, "name": "Abe", "score": 10},
            {"participantId": "host", "name": "Hana", "score": 0},
        ],
    }
    closed = {"questionIndex": 2, "correct": CORRECT[2], "answeredCount": 2, "distribution": [0, 0, 2]}
    told = [("question-closed", "host", closed), ("room-ended", "host", payload)]
    assert events(game) == events(guest) == told
    assert answer.data["endedAt"] == payload["endedAt"]
    assert answer.data["currentQuestion"] == 2
    for over in (move(game), move(game, fromQuestion=2), give(guest, 2, 0), give(game, 2, 0)):
        assert (over.status, over.code) == (410, "ROOM_ENDED")
    # The end has been acknowledged.
    assert guest.poll(guest.seq).code == "ROOM_ENDED"


def test_a_whole_game(client: Api, clock: Clock) -> None:
    correct = [0, 1, 2, 3, 0]
    quiz = {"questions": [{"question": "?", "answers": list("abcd"), "correct": n} for n in correct]}
    host = client.create_room("Hana", secondsPerQuestion=10, quizData=quiz)
    ada, ben = client.join(host.code, "Ada"), client.join(host.code, "Ben")
    start(host)
    for n, right in enumerate(correct):
        clock.advance(2)
        assert give(ada, n, right, 2_000).data["score"] == 15 * (n + 1)
        clock.advance(4)
        give(ben, n, right if n % 2 else -1, 6_000)
        move(host, fromQuestion=n)
    heard = [(kind, payload) for kind, _, payload in events(ada)]
    assert [kind for kind, _ in heard].count("question-advanced") == 4
    assert [payload["correct"] for kind, payload in heard if kind == "question-advanced"] == correct[:4]
    of_ada = [payload for kind, payload in heard if payload.get("participantId") == ada.id]
    mine = [payload["score"] for payload in of_ada if "score" in payload]
    assert mine == [15, 30, 45, 60, 75]
    kind, payload = heard[-1]
    assert kind == "room-ended"
    assert [(each["name"], each["score"]) for each in payload["standings"]] == [
        ("Ada", 75),
        ("Ben", 26),
        ("Hana", 0),
    ]
    assert scores(host) == {host.id: 0, ada.id: 75, ben.id: 26}


def test_guests_do_not_move_on(game: Seat, guest: Seat, app: Flask) -> None:
    before = stored(app)
    refused = guest.call("POST", "/next", {"fromQuestion": 0})
    assert (refused.status, refused.code) == (403, "HOST_ONLY")
    assert stored(app) == before


def test_nothing_is_asked_before_the_start(host: Seat, guest: Seat) -> None:
    for early in (move(host), move(host, fromQuestion=0), give(guest, 0, 0), give(guest, 9, 9)):
        assert (early.status, early.code) == (409, "WRONG_STATUS")
    start(host)
    assert host.call("GET").data["currentQuestion"] == 0
    assert give(guest, 0, CORRECT[0]).data["points"] == 15


def test_who_joins_in_the_middle_plays_from_there(client: Api, game: Seat) -> None:
    move(game)
    late = client.join(game.code)
    assert late.room["currentQuestion"] == 1
    assert give(late, 1, CORRECT[1]).data["score"] == 15


# Events


def test_a_new_score_is_told_to_all_with_who_and_how_much(game: Seat, guest: Seat) -> None:
    give(guest, 0, CORRECT[0])
    give(guest, 0, CORRECT[0])
    give(game, 0, 0)
    heard = [
        ("answered", "guest", {"participantId": "guest", "questionIndex": 0, "answeredCount": 1}),
        ("score-changed", "guest", {"participantId": "guest", "score": 15}),
        # What a wrong answer was, and that a repeated one came, is nobody else's business.
        ("answered", "host", {"participantId": "host", "questionIndex": 0, "answeredCount": 2}),
    ]
    assert events(game) == events(guest) == heard
    move(game)
    give(guest, 1, CORRECT[1], 30_000)
    assert events(game)[-1] == ("score-changed", "guest", {"participantId": "guest", "score": 25})


def test_polls_that_have_been_idle_hear_of_it(game: Seat, guest: Seat) -> None:
    for _ in range(3):
        assert guest.read() == []
    move(game)
    assert [kind for kind, _, _ in events(guest)] == ["question-closed", "question-advanced"]
    assert guest.read() == []
    give(game, 1, CORRECT[1])
    assert [kind for kind, _, _ in events(guest)] == ["answered", "score-changed"]


# What is shown


def correct_in(room: dict[str, Any]) -> list[Any]:
    """What a Room tells of the right answers, by question."""
    return [question.get("correct", "hidden") for question in room["quizData"]["questions"]]


def rooms_shown_to(seat: Seat) -> list[dict[str, Any]]:
    """Every Room that a member can get without changing anything but its own token and signals."""
    shown = [seat.call("GET").data, seat.poll().data["room"]]
    if shown[0]["status"] != "ended":
        shown.append(seat.call("POST", "/rejoin").data)
        seat.token = shown[-1]["you"]["token"]
    return shown


def test_while_a_question_is_open_only_the_host_sees_what_is_correct(client: Api, host: Seat) -> None:
    key = "a-retry-key-of-22-characters"
    body = {"name": "Gus", "participantId": "guest", "retryKey": key}
    guest = Seat(client, client.request("POST", f"/rooms/{host.code}/join", body).data)
    hidden: list[Any] = ["hidden"] * 3
    assert correct_in(host.room) == CORRECT
    assert correct_in(guest.room) == hidden
    retried = client.request("POST", f"/rooms/{host.code}/join", body)
    assert correct_in(retried.data) == hidden
    guest.token = retried.data["you"]["token"]
    assert correct_in(host.call("POST", "/quiz", {"quizData": QUIZ}).data) == CORRECT
    assert all(correct_in(room) == hidden for room in rooms_shown_to(guest))
    assert correct_in(host.call("POST", "/start").data) == CORRECT
    for closed in range(3):
        shown = [*CORRECT[:closed], *hidden[closed:]]
        assert [correct_in(room) for room in rooms_shown_to(guest)] == [shown] * 3
        assert [correct_in(room) for room in rooms_shown_to(host)] == [CORRECT] * 3
        late = client.join(host.code, "Late")
        assert correct_in(late.room) == shown
        assert correct_in(host.call("POST", "/remove", {"participantId": late.id}).data) == CORRECT
        assert correct_in(move(host).data) == CORRECT
    assert [correct_in(room) for room in rooms_shown_to(guest)] == [CORRECT] * 2


def test_nothing_else_of_the_quiz_is_hidden(guest: Seat) -> None:
    shown = guest.room["quizData"]
    assert shown == {
        "title": "Capitals",
        "questions": [
            {"question": f"Question {n}", "answers": ["a", "b", "c"], "hint": [n]} for n in range(3)
        ],
    }


def test_a_gap_in_the_stream_shows_no_more(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(SIGNAL_TTL_SECONDS=10))
    host = client.create_room(quizData=QUIZ)
    guest = client.join(host.code)
    start(host)
    move(host)
    host.send(guest)
    clock.advance(11)
    by_sending = guest.send(host, after=guest.seq).data
    by_polling = guest.poll(guest.seq).data
    for answer in (by_sending, by_polling):
        assert answer["gap"] is True
        assert correct_in(answer["room"]) == [CORRECT[0], "hidden", "hidden"]


@pytest.mark.parametrize("how", ["ended", "host-left", "expired"])
def test_in_a_room_that_is_over_everything_is_shown(game: Seat, guest: Seat, clock: Clock, how: str) -> None:
    match how:
        case "ended":
            game.call("DELETE")
        case "host-left":
            game.call("POST", "/leave")
        case "expired":
            clock.advance(7201)
    room = guest.call("GET").data
    assert (room["status"], correct_in(room)) == ("ended", CORRECT)
    (ended,) = events(guest)
    assert set(ended[2]) == {"status", "endedAt", "reason"}


# What is no quiz


@pytest.mark.parametrize("quiz", NOT_PLAYABLE, ids=str)
def test_a_room_may_carry_any_object_but_only_a_quiz_is_played(
    client: Api, app: Flask, quiz: dict[str, Any] | None
) -> None:
    host = client.create_room(quizData=quiz)
    guest = client.join(host.code)
    assert host.room["quizData"] == guest.room["quizData"] == quiz
    if quiz is not None:
        assert host.call("POST", "/quiz", {"quizData": quiz}).data["quizData"] == quiz
    start(host)
    before = stored(app)
    for answer in (move(host), move(host, fromQuestion=0), give(guest, 0, 0), give(guest, 0, -1)):
        assert (answer.status, answer.code) == (409, "WRONG_STATUS")
        assert "quiz" in answer.error["message"]
    assert stored(app) == before
    assert guest.call("GET").data["quizData"] == quiz


def test_choices_may_be_called_options(client: Api, clock: Clock) -> None:
    quiz = {
        "questions": [
            {"question": "?", "options": ["a", "b", "c"], "correct": 2},
            {"question": "?", "answers": ["a", "b"], "options": ["a"], "correct": 1},
        ]
    }
    host = client.create_room(quizData=quiz)
    guest = client.join(host.code)
    start(host)
    assert correct_in(host.call("GET").data) == [2, 1]
    assert correct_in(guest.call("GET").data) == ["hidden", "hidden"]
    assert give(guest, 0, 3).code == "VALIDATION_ERROR"
    assert give(guest, 0, 2).data["points"] == 15
    move(host)
    assert correct_in(guest.call("GET").data) == [2, "hidden"]
    assert give(guest, 1, 2).code == "VALIDATION_ERROR"
    assert give(guest, 1, 1).data["points"] == 15


def test_what_the_server_does_not_need_a_quiz_may_lack_or_add(client: Api) -> None:
    quiz = {"questions": [{"answers": [{"img": "a.png"}, None], "correct": 1, "x": {"correct": 7}}]}
    host = client.create_room(quizData=quiz)
    guest = client.join(host.code)
    assert guest.room["quizData"] == {
        "questions": [{"answers": [{"img": "a.png"}, None], "x": {"correct": 7}}]
    }
    start(host)
    assert give(guest, 0, 1).data["isCorrect"] is True
    assert move(host).data["status"] == "ended"


# Bad input


BAD_INDEXES: list[Any] = [None, "0", 0.0, 1.5, True, False, [], {}, [0], {"n": 0}]
GOOD = {"questionIndex": 0, "answerIndex": 0, "timeMs": 0}


def refused(app: Flask, call: Callable[[], Answer], field: str | None) -> None:
    """Check that a call is refused as invalid in this field and has changed nothing."""
    before = stored(app)
    answer = call()
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR"), answer.text
    assert answer.error.get("field") == field
    assert stored(app) == before


@pytest.mark.parametrize("field", GOOD)
def test_an_answer_must_be_whole_and_made_of_whole_numbers(
    app: Flask, game: Seat, guest: Seat, field: str
) -> None:
    too_small = {"questionIndex": [-1], "answerIndex": [-2, -(10**30)], "timeMs": [-1]}
    for value in [*BAD_INDEXES, *too_small[field]]:
        refused(app, lambda value=value: guest.call("POST", "/answer", {**GOOD, field: value}), field)  # type: ignore[misc]
    body = {name: value for name, value in GOOD.items() if name != field}
    refused(app, lambda: guest.call("POST", "/answer", body), field)


@pytest.mark.parametrize(("question", "answer"), [(0, 3), (0, 10**30), (3, 0), (3, -1), (10**30, 0)])
def test_an_index_that_does_not_exist_is_refused(
    app: Flask, game: Seat, guest: Seat, question: int, answer: int
) -> None:
    field = "answerIndex" if question == 0 else "questionIndex"
    refused(app, lambda: give(guest, question, answer), field)
    # Whether it has been answered before or not.
    give(guest, 0, CORRECT[0])
    refused(app, lambda: give(guest, question, answer), field)


@pytest.mark.parametrize("value", [*BAD_INDEXES[1:], -1], ids=str)
def test_a_question_to_move_on_from_is_an_index(app: Flask, game: Seat, value: Any) -> None:
    refused(app, lambda: move(game, fromQuestion=value), "fromQuestion")


@pytest.mark.parametrize("action", ["next", "answer"])
def test_what_is_no_json_object_moves_nothing(client: Api, app: Flask, game: Seat, action: str) -> None:
    before = stored(app)
    path = f"/rooms/{game.code}/{action}"
    json_type = {"Content-Type": "application/json"}
    for raw, headers, status in (
        (b"{", json_type, 400),
        (b"[]", json_type, 400),
        (b"null", json_type, 400),
        (b'{"fromQuestion": NaN}', json_type, 400),
        (b'{"fromQuestion": 0}', {"Content-Type": "text/plain"}, 415),
        (b" " * (1024 * 1024 + 1), json_type, 413),
    ):
        answer = client.request("POST", path, raw=raw, headers=headers, token=game.token)
        assert answer.status == status
    assert stored(app) == before


# What remains


def test_a_game_goes_with_its_room(client: Api, app: Flask, game: Seat, guest: Seat, clock: Clock) -> None:
    database = app.extensions["party.database"]

    def rows() -> list[int]:
        return [len(database.all(f"SELECT * FROM party_{table}")) for table in ("questions", "answers")]

    other = client.create_room(quizData=QUIZ)
    client.join(other.code)
    start(other)
    for host in (game, other):
        give(host, 0, CORRECT[0])
        move(host)
    game.call("DELETE")
    assert rows() == [2, 2]
    with app.app_context():
        clean(database, clock.now + 25 * 3600 * 1000)
    # The other one has expired, and is shown for another day.
    assert rows() == [1, 1]
