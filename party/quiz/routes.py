"""The quiz calls over HTTP."""

from typing import Any

from flask import Blueprint

from party import clock
from party.db import database
from party.errors import RoomEnded, WrongStatus
from party.quiz import store
from party.quiz.errors import TooFewParticipants, WrongQuestion
from party.quiz.models import GiveAnswer, Marked, NextQuestion, SetQuiz
from party.rooms.models import Room
from party.rows import Caller
from party.web.calls import call
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
    answers={200: Room},
    errors=(RoomEnded, WrongStatus, TooFewParticipants),
)
def start(caller: Caller) -> dict[str, Any]:
    """From then on the room is playing; guests may still join."""
    return store.start(database(), clock.now_ms(), caller)


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
    return store.answer(database(), clock.now_ms(), caller, body.questionIndex, body.answerIndex, body.timeMs)
