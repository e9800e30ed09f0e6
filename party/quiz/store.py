"""The game in the database: moving on and answering, each under the room's lock.

A question is open from the moment in which it became the current one until the next one does. An answer
is marked at once and kept, so that it counts once, however often it comes.
"""

from typing import Any

from party.clock import iso
from party.db import Connection, transaction
from party.errors import ValidationError, WrongStatus
from party.quiz import fields, rules
from party.quiz.errors import TooFewParticipants, WrongQuestion
from party.rooms import ending, views
from party.rooms.stream import advance, lock_as_member, publish
from party.rows import Caller, Room
from party.web.models import to_json


@transaction
def set_quiz(tx: Connection, now: int, caller: Caller, quiz_data: dict[str, Any]) -> dict[str, Any]:
    """Replace the quiz of a waiting room: Room. Raises `WrongStatus`."""
    room, host = lock_as_member(tx, caller)
    if room["status"] != "waiting":
        raise WrongStatus
    fields.store(tx, room, quiz_data=to_json(quiz_data))
    publish(tx, room, now, "quiz-updated", host["participant_id"], {})
    return views.room_view(tx, now, room)


@transaction
def start(tx: Connection, now: int, caller: Caller) -> dict[str, Any]:
    """Start the game: Room. Raises `WrongStatus`, `TooFewParticipants`."""
    room, host = lock_as_member(tx, caller)
    if room["status"] != "waiting":
        raise WrongStatus
    if len(views.present_members(tx, room["id"])) < 2:
        raise TooFewParticipants
    data = {"status": "playing", "startedAt": iso(now)}
    changes: dict[str, Any] = {"status": "playing", "started_at": now}
    publish(tx, room, now, "quiz-started", host["participant_id"], data, members=True, **changes)
    return views.room_view(tx, now, room)


@transaction
def next_question(tx: Connection, now: int, caller: Caller, from_question: int | None) -> dict[str, Any]:
    """Move to the next question, or after the last one end the room: Room. `caller` is the host.

    Raises `WrongQuestion` if `from_question` is given and is not the current one, `WrongStatus` where no
    quiz is being played, `RoomEnded`.
    """
    room, host = lock_as_member(tx, caller)
    quiz, questions = _being_played(tx, room)
    current = quiz.current_question
    if from_question is not None and from_question != current:
        raise WrongQuestion
    correct = questions[current]["correct"]
    following = current + 1
    if following == len(questions):
        outcome = {"correct": correct, "standings": _standings(tx, room)}
        ending.end_locked(tx, now, room, host["participant_id"], "finished", **outcome)
    else:
        opened = {"room_id": room["id"], "question": following, "opened_at": now}
        tx.insert_many("party_questions", [opened])
        data = {"currentQuestion": following, "correct": correct}
        fields.store(tx, room, current_question=following)
        publish(tx, room, now, "question-advanced", host["participant_id"], data)
    return views.room_view(tx, now, room)


@transaction
def answer(
    tx: Connection, now: int, caller: Caller, question: int, answer: int, time_ms: int
) -> dict[str, Any]:
    """Mark a member's answer, -1 being none: {questionIndex, isCorrect, points, score, repeated?}.

    `time_ms` is how long it took as its page says. Whoever has answered the question before gets that
    result again. Raises `ValidationError` for an index that does not exist, `WrongQuestion` for a question
    that is not open, `WrongStatus` where no quiz is being played, `RoomEnded`.
    """
    room, member = lock_as_member(tx, caller)
    quiz, questions = _being_played(tx, room)
    if not 0 <= question < len(questions):
        raise ValidationError("questionIndex: the quiz has no such question", field="questionIndex")
    if not -1 <= answer < len(rules.choices(questions[question])):
        raise ValidationError("answerIndex: the question has no such answer", field="answerIndex")

    key = {"room_id": room["id"], "question": question, "member_id": member["id"]}
    known = tx.one(
        """
        SELECT points, score FROM party_answers
        WHERE room_id = :room_id AND question = :question AND member_id = :member_id
        """,
        **key,
    )
    if known is not None:
        return {**_marked(question, **known), "repeated": True}

    _check_open(tx, now, room, quiz.current_question, question)
    points = 0
    if answer == questions[question]["correct"]:
        taken_ms = rules.time_counted_ms(time_ms, now - fields.question_opened_at(tx, room, question))
        points = rules.points_for(taken_ms, quiz.seconds_per_question * 1000)
    score = fields.score_of(tx, member) + points
    tx.insert_many("party_answers", [{**key, "points": points, "score": score}])
    if points:
        fields.store_score(tx, member, score)
        who = member["participant_id"]
        publish(tx, room, now, "score-changed", who, {"participantId": who, "score": score})
    else:
        # Nobody is told, but the room is alive.
        advance(tx, room, now, 0)
    return _marked(question, points, score)


def _marked(question: int, points: int, score: int) -> dict[str, Any]:
    return {"questionIndex": question, "isCorrect": points > 0, "points": points, "score": score}


def _being_played(tx: Connection, room: Room) -> tuple[fields.Quiz, list[rules.Question]]:
    """The quiz of a locked room that plays, and its questions. Raises `WrongStatus`."""
    if room["status"] != "playing":
        raise WrongStatus
    quiz = fields.quiz_of(tx, room)
    questions = rules.questions_of(quiz.data)
    if questions is None:
        raise WrongStatus("This room's quizData is not a quiz that can be played.")
    return quiz, questions


def _check_open(tx: Connection, now: int, room: Room, current: int, question: int) -> None:
    """Raises `WrongQuestion` unless this is the current question or the one before it, closed just now."""
    if question == current:
        return
    if question != current - 1 or now - fields.question_opened_at(tx, room, current) >= rules.GRACE_MS:
        raise WrongQuestion


def _standings(tx: Connection, room: Room) -> list[dict[str, Any]]:
    """Who is in the room, by score and then by joining."""
    scores = fields.scores_of(tx, room)
    standings = [
        {"participantId": who["participant_id"], "name": who["name"], "score": scores.get(who["id"], 0)}
        for who in views.present_members(tx, room["id"])
    ]
    return sorted(standings, key=lambda standing: -standing["score"])
