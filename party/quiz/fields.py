"""The quiz's part of a Room, of its participants and of the body that opens one.

A room without a quiz has no row here and costs nothing; one that has not been started has no scores.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from party.clock import iso_or_none
from party.db import Connection
from party.quiz import rules
from party.quiz.models import QuizOfNewRoom
from party.rows import Member, Room, Seat
from party.web.models import to_json

DEFAULT_SECONDS_PER_QUESTION = 30


@dataclass(frozen=True)
class Quiz:
    """What a room plays."""

    data: dict[str, Any] | None = None
    seconds_per_question: int = DEFAULT_SECONDS_PER_QUESTION
    current_question: int = 0


def quiz_of(tx: Connection, room: Room) -> Quiz:
    """A room's quiz."""
    stored = tx.one(
        "SELECT quiz_data, seconds_per_question, current_question FROM party_quizzes WHERE room_id = :id",
        id=room["id"],
    )
    if stored is None:
        return Quiz()
    data = None if stored["quiz_data"] is None else json.loads(stored["quiz_data"])
    return Quiz(data, stored["seconds_per_question"], stored["current_question"])


def store(tx: Connection, room: Room, **columns: Any) -> None:
    """Change a locked room's quiz."""
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    if not tx.run(f"UPDATE party_quizzes SET {assignments} WHERE room_id = :id", id=room["id"], **columns):
        _insert(tx, room, columns)


def _insert(tx: Connection, room: Room, columns: dict[str, Any]) -> None:
    defaults = {"quiz_data": None, "seconds_per_question": DEFAULT_SECONDS_PER_QUESTION}
    tx.insert_many("party_quizzes", [{"room_id": room["id"], **defaults, **columns}])


def of_room(tx: Connection, room: Room, viewer: Seat | None) -> dict[str, Any]:
    """{secondsPerQuestion, currentQuestion, quizData, questionOpenedAt}: all of it for the host."""
    quiz = quiz_of(tx, room)
    is_open = room["status"] == "playing" and rules.questions_of(quiz.data) is not None
    opened_at = question_opened_at(tx, room, quiz.current_question) if is_open else None
    data = quiz.data
    if data is not None and viewer is not None and viewer["role"] != "host":
        data = rules.shown_to_guests(room["status"], quiz.current_question, data)
    return {
        "secondsPerQuestion": quiz.seconds_per_question,
        "currentQuestion": quiz.current_question,
        "quizData": data,
        "questionOpenedAt": iso_or_none(opened_at),
    }


def question_opened_at(tx: Connection, room: Room, question: int) -> int:
    """When a question of a game was opened."""
    row = tx.one(
        "SELECT opened_at FROM party_questions WHERE room_id = :room_id AND question = :question",
        room_id=room["id"],
        question=question,
    )
    return cast(int, row["opened_at"] if row else room["started_at"])


def of_participants(tx: Connection, room: Room, members: Sequence[Member]) -> dict[int, dict[str, Any]]:
    """{score} of each member, by the member's row."""
    scores = scores_of(tx, room)
    return {member["id"]: {"score": scores.get(member["id"], 0)} for member in members}


def scores_of(tx: Connection, room: Room) -> dict[int, int]:
    """The scores that are not 0, by the members' rows."""
    if room["started_at"] is None:
        return {}
    rows = tx.all("SELECT member_id, score FROM party_scores WHERE room_id = :id", id=room["id"])
    return {row["member_id"]: row["score"] for row in rows}


def score_of(tx: Connection, member: Seat) -> int:
    """A member's score."""
    row = tx.one(
        "SELECT score FROM party_scores WHERE room_id = :room_id AND member_id = :id",
        room_id=member["room_id"],
        id=member["id"],
    )
    return row["score"] if row else 0


def store_score(tx: Connection, member: Seat, score: int) -> None:
    """Change a member's score, which is not 0."""
    key = {"room_id": member["room_id"], "member_id": member["id"]}
    where = "WHERE room_id = :room_id AND member_id = :member_id"
    if not tx.run(f"UPDATE party_scores SET score = :score {where}", score=score, **key):
        tx.insert_many("party_scores", [{**key, "score": score}])


def room_opened(tx: Connection, room: Room, body: QuizOfNewRoom) -> None:
    """Store what the body has of a quiz."""
    columns: dict[str, Any] = {}
    if body.quizData is not None:
        columns["quiz_data"] = to_json(body.quizData)
    if body.secondsPerQuestion is not None:
        columns["seconds_per_question"] = body.secondsPerQuestion
    if columns:
        _insert(tx, room, columns)


def member_gone(tx: Connection, member: Seat) -> None:
    """Whoever takes the seat next begins at 0."""
    tx.run(
        "DELETE FROM party_scores WHERE room_id = :room_id AND member_id = :id",
        room_id=member["room_id"],
        id=member["id"],
    )
