"""The quiz's part of a Room, of its participants and of the body that opens one.

A room without a quiz has no row here and costs nothing; one that has not been started has no scores.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from party.clock import iso
from party.db import Connection, database, transaction
from party.hooks import Item, Items
from party.quiz import rules
from party.quiz.models import QuizOfNewRoom, QuizSettings
from party.rows import Member, Room, Seat
from party.web.models import to_json

DEFAULT_SECONDS_PER_QUESTION = 30


@dataclass(frozen=True)
class Quiz:
    """What a room plays, and how far it has come."""

    data: dict[str, Any] | None = None
    seconds_per_question: int = DEFAULT_SECONDS_PER_QUESTION
    current_question: int = 0
    after_quiz: str = "end"
    # How often the room has been started.
    round: int = 0
    auto_advance: bool = False
    pause_ms: int = 0
    # When the current question was closed; None while it is open.
    closed_at: int | None = None
    # Until when the question before the current one can still be answered, as long as nobody but the host has
    # been shown what was right there.
    late_until: int | None = None

    @property
    def closed(self) -> int:
        """How many questions are not open any more, while it is played."""
        return self.current_question + (self.closed_at is not None)


def quiz_of(tx: Connection, room: Room) -> Quiz:
    """A room's quiz."""
    return quiz_later(tx, room)()


def quiz_later(tx: Connection, room: Room) -> Callable[[], Quiz]:
    """As `quiz_of`, but `later`."""
    answer = tx.later(
        """
        SELECT quiz_data, seconds_per_question, current_question, after_quiz, round, auto_advance, pause_ms,
               closed_at, late_until
        FROM party_quizzes WHERE room_id = :id
        """,
        id=room["id"],
    )

    def quiz() -> Quiz:
        stored = answer.one()
        if stored is None:
            return Quiz()
        data = None if stored["quiz_data"] is None else json.loads(stored["quiz_data"])
        auto_advance = bool(stored["auto_advance"])
        others = {name: value for name, value in stored.items() if name not in ("quiz_data", "auto_advance")}
        return Quiz(data, auto_advance=auto_advance, **others)

    return quiz


def store(tx: Connection, room: Room, **columns: Any) -> None:
    """Change a locked room's quiz."""
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    if not tx.run(f"UPDATE party_quizzes SET {assignments} WHERE room_id = :id", id=room["id"], **columns):
        _insert(tx, room, columns)


def _insert(tx: Connection, room: Room, columns: dict[str, Any]) -> None:
    defaults = {"quiz_data": None, "seconds_per_question": DEFAULT_SECONDS_PER_QUESTION}
    tx.insert_later("party_quizzes", [{"room_id": room["id"], **defaults, **columns}])


def of_room(tx: Connection, room: Room, viewer: Seat | None) -> Callable[[], dict[str, Any]]:
    """{secondsPerQuestion, currentQuestion, quizData, round, questionOpenedAt}: all of it for the host.

    Whoever has extra time sees it there, and the host everybody's.
    """
    quiz_of_room = quiz_later(tx, room)
    is_host = viewer is None or viewer["role"] == "host"
    extra_times = _extra_times_later(tx, room, viewer, is_host)

    def fields() -> dict[str, Any]:
        quiz = quiz_of_room()
        data = quiz.data
        if data is not None and not is_host:
            data = rules.shown_to_guests(room["status"], quiz.closed, data)
            if quiz.late_until is not None:
                tx.afterwards.append(lambda: end_grace(database(), room["id"]))
        opened_at = None
        if room["status"] == "playing" and quiz.closed_at is None and rules.questions_of(quiz.data):
            opened_at = iso(opened_at_of(tx, room, quiz.current_question))
        found = {
            "secondsPerQuestion": quiz.seconds_per_question,
            "currentQuestion": quiz.current_question,
            "quizData": data,
            "round": quiz.round,
            "questionOpenedAt": opened_at,
        }
        return found | extra_times()

    return fields


def nothing_later(tx: Connection, caller: Seat, after: int) -> Items:
    """There is nothing but events; but whoever is given these is shown what was right."""
    if caller["role"] == "host":
        return lambda: ([], False)
    room_id = caller["room_id"]
    answer = tx.later(
        "SELECT room_id FROM party_quizzes WHERE room_id = :id AND late_until IS NOT NULL", id=room_id
    )

    def items() -> tuple[list[Item], bool]:
        if answer.one() is not None:
            tx.afterwards.append(lambda: end_grace(database(), room_id))
        return [], False

    return items


@transaction
def end_grace(tx: Connection, room_id: int) -> None:
    """Somebody is about to be shown what was right: nobody is believed any more to have been late."""
    tx.run(
        "UPDATE party_quizzes SET late_until = NULL WHERE room_id = :id AND late_until IS NOT NULL",
        id=room_id,
    )


def _extra_times_later(
    tx: Connection, room: Room, viewer: Seat | None, is_host: bool
) -> Callable[[], dict[str, Any]]:
    answer = tx.later(
        """
        SELECT p.id, p.participant_id, x.percent
        FROM party_extra_times x JOIN party_participants p ON p.id = x.member_id
        WHERE x.room_id = :id
        """,
        id=room["id"],
    )

    def fields() -> dict[str, Any]:
        rows = answer.all()
        found: dict[str, Any] = {}
        if rows and is_host:
            found["extraTimes"] = {row["participant_id"]: row["percent"] / 100 for row in rows}
        for row in rows:
            if viewer is not None and row["id"] == viewer["id"]:
                found["extraTime"] = row["percent"] / 100
        return found

    return fields


def opened_at_of(tx: Connection, room: Room, question: int) -> int:
    """When a question of the round was opened: the first one with the game."""
    row = tx.one(
        "SELECT opened_at FROM party_questions WHERE room_id = :room_id AND question = :question",
        room_id=room["id"],
        question=question,
    )
    return cast(int, row["opened_at"] if row else room["started_at"])


def of_participants(tx: Connection, room: Room) -> Callable[[Sequence[Member]], dict[int, dict[str, Any]]]:
    """{score} of each member, by the member's row."""
    scores_of_room = scores_later(tx, room)

    def fields(members: Sequence[Member]) -> dict[int, dict[str, Any]]:
        scores = scores_of_room()
        return {member["id"]: {"score": scores.get(member["id"], 0)} for member in members}

    return fields


def scores_later(tx: Connection, room: Room) -> Callable[[], dict[int, int]]:
    """The scores that are not 0, by the members' rows."""
    if room["started_at"] is None:
        return dict
    answer = tx.later("SELECT member_id, score FROM party_scores WHERE room_id = :id", id=room["id"])
    return lambda: {row["member_id"]: row["score"] for row in answer.all()}


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


def percent_of(tx: Connection, member: Seat) -> int:
    """How much of the usual time a member has, in percent."""
    row = tx.one(
        "SELECT percent FROM party_extra_times WHERE room_id = :room_id AND member_id = :id",
        room_id=member["room_id"],
        id=member["id"],
    )
    return row["percent"] if row else 100


def store_percent(tx: Connection, member: Seat, percent: int) -> None:
    """Change how much of the usual time a member has."""
    key = {"room_id": member["room_id"], "member_id": member["id"]}
    tx.run("DELETE FROM party_extra_times WHERE room_id = :room_id AND member_id = :member_id", **key)
    if percent != 100:
        tx.insert_many("party_extra_times", [{**key, "percent": percent}])


def settings(tx: Connection, room: Room) -> Callable[[], dict[str, Any]]:
    """{afterQuiz}."""
    quiz = quiz_later(tx, room)
    return lambda: {"afterQuiz": quiz().after_quiz}


def change_settings(tx: Connection, room: Room, body: QuizSettings) -> dict[str, Any]:
    """What of a locked room's settings this body has changed."""
    if body.afterQuiz in (None, quiz_of(tx, room).after_quiz):
        return {}
    store(tx, room, after_quiz=body.afterQuiz)
    return {"afterQuiz": body.afterQuiz}


class _NewRoom(QuizOfNewRoom, QuizSettings):
    """A body that has both."""


def room_opened(tx: Connection, room: Room, body: _NewRoom) -> None:
    """Store what the body has of a quiz."""
    columns: dict[str, Any] = {}
    if body.quizData is not None:
        columns["quiz_data"] = to_json(body.quizData)
    if body.secondsPerQuestion is not None:
        columns["seconds_per_question"] = body.secondsPerQuestion
    if body.afterQuiz is not None:
        columns["after_quiz"] = body.afterQuiz
    if columns:
        _insert(tx, room, columns)


def member_gone(tx: Connection, member: Seat) -> None:
    """Whoever takes the seat next begins at 0, and with the usual time."""
    for table in ("party_scores", "party_extra_times"):
        tx.later(
            f"DELETE FROM {table} WHERE room_id = :room_id AND member_id = :id",
            room_id=member["room_id"],
            id=member["id"],
        )
