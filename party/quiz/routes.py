"""The quiz calls over HTTP."""

from typing import Any

from flask import Blueprint, Response, request

from party import clock
from party.db import database
from party.errors import PeerNotFound, RoomEnded, ValidationError, WrongStatus
from party.quiz import results, store
from party.quiz.errors import TooFewParticipants, WrongQuestion
from party.quiz.models import ExtraTime, GiveAnswer, Marked, NextQuestion, Results, SetQuiz, StartGame
from party.rooms.models import Room
from party.rows import Caller
from party.web.calls import File, Parameter, call
from party.web.models import MAX_BODY_BYTES

blueprint = Blueprint("quiz", __name__)


@blueprint.post("/rooms/<code>/quiz")
@call(
    "Replace the quiz while waiting",
    access="host",
    body=SetQuiz,
    max_body=MAX_BODY_BYTES,
    answers={200: Room},
    errors=(RoomEnded, WrongStatus),
)
def quiz(caller: Caller, body: SetQuiz) -> dict[str, Any]:
    """Members are told to fetch the room."""
    return store.set_quiz(database(), clock.now_ms(), caller, body.quizData)


@blueprint.post("/rooms/<code>/start")
@call(
    "Start the game",
    access="host",
    body=StartGame,
    answers={200: Room},
    errors=(RoomEnded, WrongStatus, TooFewParticipants),
)
def start(caller: Caller, body: StartGame) -> dict[str, Any]:
    """From then on the room is playing, and others may still join. With `autoAdvance` nobody needs `next`."""
    return store.start(database(), clock.now_ms(), caller, body)


@blueprint.post("/rooms/<code>/next")
@call(
    "Move to the next question; after the last one the room ends",
    access="host",
    body=NextQuestion,
    answers={200: Room},
    errors=(RoomEnded, WrongStatus, WrongQuestion),
)
def next_question(caller: Caller, body: NextQuestion) -> dict[str, Any]:
    """With `fromQuestion`, repeating the call or making it in two tabs moves once."""
    return store.next_question(database(), clock.now_ms(), caller, body.fromQuestion)


@blueprint.post("/rooms/<code>/answer")
@call(
    "Answer a question",
    access="player",
    body=GiveAnswer,
    answers={200: Marked},
    errors=(RoomEnded, WrongStatus, WrongQuestion),
)
def answer(caller: Caller, body: GiveAnswer) -> dict[str, Any]:
    """One answer counts: whoever has given one gets its result again."""
    return store.answer(
        database(), clock.now_ms(), caller, body.questionIndex, body.answerIndex, body.timeMs, body.round
    )


@blueprint.post("/rooms/<code>/extra-time")
@call(
    "Give a participant more time than others",
    access="host",
    body=ExtraTime,
    answers={200: Room},
    errors=(RoomEnded, PeerNotFound),
)
def extra_time(caller: Caller, body: ExtraTime) -> dict[str, Any]:
    """Points, and when a question closes by itself, go by it. Only the participant is told."""
    return store.give_extra_time(database(), clock.now_ms(), caller, body.participantId, body.factor)


def _format() -> dict[str, Any]:
    wanted = request.args.get("format", "json")
    if wanted not in ("json", "csv"):
        raise ValidationError("format: json or csv", field="format")
    return {"format": wanted}


@blueprint.get("/rooms/<code>/results")
@call(
    "How the rounds went",
    access="host",
    parse=_format,
    parameters=(Parameter("format", "query", {"enum": ["json", "csv"]}, "csv: a table"),),
    answers={200: File(("text/csv",), beside=Results)},
)
def see_results(caller: Caller, format: str) -> dict[str, Any] | Response:
    """For the host, also of a room that has ended. As a table: a line for each participant and round."""
    found = results.of_room(database(), caller)
    if format == "json":
        return found
    name = f"attachment; filename=quiz-{caller['code']}.csv"
    return Response(results.as_csv(found), mimetype="text/csv", headers={"Content-Disposition": name})
