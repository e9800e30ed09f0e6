"""How the rounds went, for the host: which questions were easy, and who has what; also as a table.

Nobody's single answer is shown. What is kept of a finished round is what was found when it was finished.
"""

import csv
import io
import json
from statistics import median
from typing import Any

from party.clock import iso, iso_or_none
from party.db import Connection, Row, transaction
from party.quiz import fields, rules
from party.rooms import views
from party.rooms.stream import lock_as_member
from party.rows import Caller, Room

# What a spreadsheet takes for a formula begins with one of these.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_OF_ROUND = ("round", "startedAt", "finishedAt")
_OF_STANDING = ("participantId", "name", "score", "rightCount", "answeredCount")


@transaction
def of_room(tx: Connection, caller: Caller) -> dict[str, Any]:
    """{rounds} of the caller's room, which may have ended. Raises `TokenInvalid`."""
    room, _ = lock_as_member(tx, caller, even_ended=True)
    rows = tx.all(
        """
        SELECT round, started_at, finished_at, results FROM party_rounds
        WHERE room_id = :id ORDER BY round
        """,
        id=room["id"],
    )
    return {"rounds": [_round(tx, room, row) for row in rows]}


def _round(tx: Connection, room: Room, row: Row) -> dict[str, Any]:
    if row["results"] is None:
        found = of_round(tx, room, rules.questions_of(fields.quiz_of(tx, room).data) or [])
    else:
        found = json.loads(row["results"])
    return {
        "round": row["round"],
        "startedAt": iso(row["started_at"]),
        "finishedAt": iso_or_none(row["finished_at"]),
        **found,
    }


def of_round(tx: Connection, room: Room, questions: list[rules.Question]) -> dict[str, Any]:
    """{questions, standings} of a locked room's last round, as things stand now."""
    answers = tx.all(
        "SELECT question, member_id, answer, time_ms, points FROM party_answers WHERE room_id = :id",
        id=room["id"],
    )
    of_question: dict[int, list[Row]] = {index: [] for index in range(len(questions))}
    of_member: dict[int, list[Row]] = {}
    for answer in answers:
        of_question[answer["question"]].append(answer)
        of_member.setdefault(answer["member_id"], []).append(answer)
    return {
        "questions": [
            _question(index, question, of_question[index]) for index, question in enumerate(questions)
        ],
        "standings": _standings(tx, room, of_member),
    }


def _question(index: int, question: rules.Question, answers: list[Row]) -> dict[str, Any]:
    times = [answer["time_ms"] for answer in answers if answer["answer"] >= 0]
    return {
        "index": index,
        "question": question.get("question"),
        "answeredCount": len(answers),
        "rightCount": _right(answers),
        "medianMs": round(median(times)) if times else None,
        "distribution": rules.distribution(question, (answer["answer"] for answer in answers)),
    }


def _standings(tx: Connection, room: Room, answers: dict[int, list[Row]]) -> list[dict[str, Any]]:
    """Who is in the room, by score and then by joining; who only looks on, where it has a score."""
    scores = fields.scores_later(tx, room)()
    standings = [
        {
            "participantId": who["participant_id"],
            "name": who["name"],
            "score": scores.get(who["id"], 0),
            "rightCount": _right(answers.get(who["id"], [])),
            "answeredCount": len(answers.get(who["id"], [])),
        }
        for who in views.present_members(tx, room["id"])
        if who["role"] != "spectator" or who["id"] in scores
    ]
    return sorted(standings, key=lambda standing: -standing["score"])


def _right(answers: list[Row]) -> int:
    """How many brought points: each that is correct does."""
    return sum(answer["points"] > 0 for answer in answers)


def as_csv(found: dict[str, Any]) -> str:
    """A table with one line for each participant and round, as spreadsheets read it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*_OF_ROUND, *_OF_STANDING))
    for each in found["rounds"]:
        of_round = [each[name] for name in _OF_ROUND]
        for standing in each["standings"]:
            writer.writerow(map(_harmless, (*of_round, *(standing[name] for name in _OF_STANDING))))
    return "\ufeff" + text.getvalue()


def _harmless(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
