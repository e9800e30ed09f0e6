"""The course of a game: a question closes, the next one opens, and the last one ends the round.

Each under the room's lock: by the host's word, or by itself where the game was started so. `actor` is the
host, or None for what happens by itself.
"""

from dataclasses import replace
from typing import Any

from party.db import Connection
from party.errors import WrongStatus
from party.quiz import fields, results, rules
from party.quiz.fields import Quiz
from party.rooms import ending
from party.rooms.events import publish
from party.rooms.stream import earliest
from party.rows import Member, Room
from party.web.models import to_json


def being_played(tx: Connection, room: Room) -> tuple[Quiz, list[rules.Question]]:
    """The quiz of a locked room that plays, and its questions. Raises `WrongStatus`."""
    if room["status"] != "playing":
        raise WrongStatus
    quiz = fields.quiz_of(tx, room)
    questions = rules.questions_of(quiz.data)
    if questions is None:
        raise WrongStatus("This room's quizData is not a quiz that can be played.")
    return quiz, questions


def catch_up(tx: Connection, now: int, room: Room) -> int | None:
    """Close and open in a locked room what is due by now: when the next is due, None if nothing is."""
    if room["status"] != "playing":
        return None
    quiz = fields.quiz_of(tx, room)
    questions = rules.questions_of(quiz.data)
    if questions is None or not quiz.auto_advance:
        return None
    while (due_at := _due_at(tx, room, quiz, questions)) <= now:
        if quiz.closed_at is None:
            quiz = close(tx, now, room, quiz, questions, None)
        elif quiz.closed == len(questions):
            finish(tx, now, room, quiz, questions, None)
            return None
        else:
            quiz = open_next(tx, now, room, quiz, questions, None)
    return due_at


def _due_at(tx: Connection, room: Room, quiz: Quiz, questions: list[rules.Question]) -> int:
    """When the current question closes, or the one after it opens, as things stand now."""
    if quiz.closed_at is not None:
        return quiz.closed_at + quiz.pause_ms
    current = quiz.current_question
    opened_at = fields.opened_at_of(tx, room, current)
    question_ms = rules.time_of(questions[current], quiz.seconds_per_question)
    return rules.closes_at(opened_at, question_ms, _players(tx, room, current))


def _players(tx: Connection, room: Room, question: int) -> list[rules.Player]:
    """For whom an open question waits."""
    rows = tx.all(
        """
        SELECT COALESCE(x.percent, 100) AS percent, a.member_id AS answered
        FROM party_participants p
            LEFT JOIN party_answers a
                ON a.room_id = p.room_id AND a.question = :question AND a.member_id = p.id
            LEFT JOIN party_extra_times x ON x.room_id = p.room_id AND x.member_id = p.id
        WHERE p.room_id = :room_id AND p.left_at IS NULL AND p.role = 'player' AND p.presence = 'online'
        """,
        room_id=room["id"],
        question=question,
    )
    return [rules.Player(row["answered"] is not None, row["percent"]) for row in rows]


def close(
    tx: Connection, now: int, room: Room, quiz: Quiz, questions: list[rules.Question], actor: Member | None
) -> Quiz:
    """Close the current question: the quiz as it is then."""
    current = quiz.current_question
    answers = [
        row["answer"]
        for row in tx.all(
            "SELECT answer FROM party_answers WHERE room_id = :room_id AND question = :question",
            room_id=room["id"],
            question=current,
        )
    ]
    data = {
        "questionIndex": current,
        "correct": questions[current]["correct"],
        "answeredCount": len(answers),
        "distribution": rules.distribution(questions[current], answers),
    }
    has_grace = actor is not None and not quiz.auto_advance
    fields.store(tx, room, closed_at=now, late_until=now + rules.GRACE_MS if has_grace else None)
    # Whoever reads this is asked for (`fields.nothing_later`).
    silent_seq = room["seq"] + 1 if has_grace else room["silent_seq"]
    due_at = earliest(room["due_at"], now + quiz.pause_ms) if quiz.auto_advance else room["due_at"]
    _tell(tx, now, room, "question-closed", actor, data, due_at=due_at, silent_seq=silent_seq)
    return replace(quiz, closed_at=now)


def open_next(
    tx: Connection, now: int, room: Room, quiz: Quiz, questions: list[rules.Question], actor: Member | None
) -> Quiz:
    """Open the question after the one that is closed, which is not the last: the quiz as it is then."""
    following = quiz.current_question + 1
    tx.insert_many("party_questions", [{"room_id": room["id"], "question": following, "opened_at": now}])
    fields.store(tx, room, current_question=following, closed_at=None)
    data = {"currentQuestion": following, "correct": questions[quiz.current_question]["correct"]}
    due_at = room["due_at"]
    if quiz.auto_advance:
        due_at = earliest(due_at, now + rules.time_of(questions[following], quiz.seconds_per_question))
    _tell(tx, now, room, "question-advanced", actor, data, due_at=due_at)
    return replace(quiz, current_question=following, closed_at=None)


def finish(
    tx: Connection, now: int, room: Room, quiz: Quiz, questions: list[rules.Question], actor: Member | None
) -> None:
    """End the round after its last question, which is closed: with the room, or for another round."""
    found = results.of_round(tx, room, questions)
    tx.run(
        """
        UPDATE party_rounds SET finished_at = :now, results = :results
        WHERE room_id = :room_id AND round = :round
        """,
        now=now,
        results=to_json(found),
        room_id=room["id"],
        round=quiz.round,
    )
    outcome = {
        "correct": questions[-1]["correct"],
        "standings": [
            {name: standing[name] for name in ("participantId", "name", "score")}
            for standing in found["standings"]
        ],
    }
    if quiz.after_quiz == "end":
        actor_id = actor and actor["participant_id"]
        ending.end_locked(tx, now, room, actor_id, "finished", **outcome)
        return
    fields.store(tx, room, current_question=0, closed_at=None)
    data = {"round": quiz.round, **outcome}
    _tell(tx, now, room, "quiz-finished", actor, data, members=True, status="waiting")


def _tell(
    tx: Connection,
    now: int,
    room: Room,
    type: str,
    actor: Member | None,
    data: dict[str, Any],
    **changes: Any,
) -> None:
    """Tell all; what happens by itself does not keep a room alive."""
    if actor is None:
        changes["expires_at"] = room["expires_at"]
    publish(tx, room, now, type, actor and actor["participant_id"], data, **changes)
