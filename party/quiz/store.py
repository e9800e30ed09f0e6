"""The calls of the game in the database, each under the room's lock.

An answer is marked at once and kept, so that it counts once, however often it comes.
"""

from typing import Any

from party.clock import iso
from party.db import Connection, transaction
from party.errors import PeerNotFound, ValidationError, WrongStatus
from party.quiz import course, fields, rules
from party.quiz.errors import TooFewParticipants, WrongQuestion
from party.quiz.models import DEFAULT_PAUSE_SECONDS, StartGame
from party.rooms import views
from party.rooms.events import add_event, publish
from party.rooms.stream import advance, earliest, lock_as_member
from party.rows import Caller, Member, Room
from party.web.models import to_json

# No longer time of an answer is kept: a day.
MOST_MS = 86_400_000


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
def start(
    tx: Connection,
    now: int,
    caller: Caller,
    options: StartGame = StartGame(),  # noqa: B008
) -> dict[str, Any]:
    """Start a round: Room. Raises `WrongStatus`, `TooFewParticipants`."""
    room, host = lock_as_member(tx, caller)
    if room["status"] != "waiting":
        raise WrongStatus
    if len(views.present_members(tx, room["id"])) < 2:
        raise TooFewParticipants
    quiz = fields.quiz_of(tx, room)
    key = {"room_id": room["id"], "round": quiz.round + 1}
    if quiz.round:
        _forget_round(tx, room, bool(options.keepScores))
    pause = DEFAULT_PAUSE_SECONDS if options.pauseSeconds is None else options.pauseSeconds
    fields.store(tx, room, round=key["round"], auto_advance=bool(options.autoAdvance), pause_ms=pause * 1000)
    tx.insert_many("party_rounds", [{**key, "started_at": now}])
    data = {
        "status": "playing",
        "startedAt": iso(now),
        "round": key["round"],
        "keepScores": bool(options.keepScores),
    }
    changes: dict[str, Any] = {"status": "playing", "started_at": now}
    questions = rules.questions_of(quiz.data)
    if options.autoAdvance and questions:
        changes["due_at"] = earliest(
            room["due_at"], now + rules.time_of(questions[0], quiz.seconds_per_question)
        )
    publish(tx, room, now, "quiz-started", host["participant_id"], data, members=True, **changes)
    return views.room_view(tx, now, room)


def _forget_round(tx: Connection, room: Room, keep_scores: bool) -> None:
    """Nothing of the round before counts any more, but its results, and its scores if that is wished."""
    tables = ["party_questions", "party_answers"]
    for table in tables if keep_scores else [*tables, "party_scores"]:
        tx.run(f"DELETE FROM {table} WHERE room_id = :id", id=room["id"])


@transaction
def next_question(tx: Connection, now: int, caller: Caller, from_question: int | None) -> dict[str, Any]:
    """Move to the next question, or after the last one end the round: Room. `caller` is the host.

    Raises `WrongQuestion` if `from_question` is given and is not the current one, `WrongStatus` where no
    quiz is being played, `RoomEnded`.
    """
    room, host = lock_as_member(tx, caller)
    quiz, questions = course.being_played(tx, room)
    if from_question is not None and from_question != quiz.current_question:
        raise WrongQuestion
    if quiz.closed_at is None:
        quiz = course.close(tx, now, room, quiz, questions, host)
    if quiz.closed == len(questions):
        course.finish(tx, now, room, quiz, questions, host)
    else:
        course.open_next(tx, now, room, quiz, questions, host)
    return views.room_view(tx, now, room)


@transaction
def answer(
    tx: Connection,
    now: int,
    caller: Caller,
    question: int,
    answer: int,
    time_ms: int,
    round: int | None = None,
) -> dict[str, Any]:
    """Mark a member's answer, -1 being none: {questionIndex, isCorrect, points, score, repeated?}.

    `time_ms` is how long it took as its page says, `round` the one in which it was given. Whoever has
    answered the question before gets that result again. Raises `ValidationError` for an index that does not
    exist, `WrongQuestion` for a question that is not open, `WrongStatus` where no quiz is being played,
    `RoomEnded`.
    """
    room, member = lock_as_member(tx, caller)
    quiz, questions = course.being_played(tx, room)
    if round is not None and round != quiz.round:
        raise WrongQuestion
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

    _check_open(now, quiz, question)
    taken_ms = rules.time_counted_ms(time_ms, now - fields.opened_at_of(tx, room, question))
    points = 0
    if answer == questions[question]["correct"]:
        percent = fields.percent_of(tx, member)
        points = rules.points_for(
            taken_ms, rules.time_of(questions[question], quiz.seconds_per_question, percent)
        )
    score = fields.score_of(tx, member) + points
    stored = {"answer": answer, "time_ms": min(max(taken_ms, 0), MOST_MS), "points": points, "score": score}
    tx.insert_many("party_answers", [{**key, **stored}])
    if points:
        fields.store_score(tx, member, score)
    _tell(tx, now, room, member, question, score if points else None)
    due_at = course.catch_up(tx, now, room)
    if earliest(room["due_at"], due_at) != room["due_at"]:
        # Those who have more time than others have answered.
        advance(tx, room, now, 0, due_at=due_at)
    return _marked(question, points, score)


def _tell(tx: Connection, now: int, room: Room, member: Member, question: int, score: int | None) -> None:
    """Tell all that somebody has answered, and of its new score where it has one."""
    who = member["participant_id"]
    count = tx.one(
        "SELECT COUNT(*) AS n FROM party_answers WHERE room_id = :id AND question = :question",
        id=room["id"],
        question=question,
    )
    answered = {"participantId": who, "questionIndex": question, "answeredCount": count and count["n"]}
    publish(tx, room, now, "answered", who, answered)
    if score is not None:
        publish(tx, room, now, "score-changed", who, {"participantId": who, "score": score})


@transaction
def give_extra_time(
    tx: Connection, now: int, caller: Caller, participant_id: str, factor: float
) -> dict[str, Any]:
    """Multiply a member's time by a factor from now on: Room. Raises `PeerNotFound`, `RoomEnded`."""
    room, host = lock_as_member(tx, caller)
    members = views.present_members(tx, room["id"])
    member = next((each for each in members if each["participant_id"] == participant_id), None)
    if member is None:
        raise PeerNotFound
    percent = round(factor * 100)
    if percent != fields.percent_of(tx, member):
        fields.store_percent(tx, member, percent)
        # What is open may close later, or sooner.
        due_at = now if room["status"] == "playing" else room["due_at"]
        who, data = host["participant_id"], {"factor": factor}
        advance(tx, room, now, due_at=due_at)
        add_event(tx, room, now, "extra-time", who, data, to_id=member["id"])
    return views.room_view(tx, now, room)


def _marked(question: int, points: int, score: int) -> dict[str, Any]:
    return {"questionIndex": question, "isCorrect": points > 0, "points": points, "score": score}


def _check_open(now: int, quiz: fields.Quiz, question: int) -> None:
    """Raises `WrongQuestion` unless this question is open, or was closed just now by the host.

    Polls lag; but nobody is believed to have been late after anybody has been told what was right. Of a
    question that closes by itself everybody knows when.
    """
    current = quiz.current_question
    if question == current and quiz.closed_at is None:
        return
    if question != current - 1 or quiz.late_until is None or now >= quiz.late_until:
        raise WrongQuestion
