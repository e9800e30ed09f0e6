"""The PHP backend's calls of the quiz. Where the app has no such feature there is nothing at these paths."""

from typing import Any

from flask import Blueprint

from party import clock
from party.db import database
from party.errors import NotFound
from party.features import features
from party.hooks import Game
from party.php_paths import models
from party.php_paths.routes import ROOM, as_host, as_participant, php, shown_to

blueprint = Blueprint("php_game", __name__)


def _game() -> Game:
    """Raises `NotFound`."""
    game = features().game
    if game is None:
        raise NotFound
    return game


@blueprint.post(f"{ROOM}/quiz", strict_slashes=False)
@php(models.SetQuiz)
def set_quiz(code: str, body: models.SetQuiz) -> dict[str, Any]:
    """Replace the quiz while waiting."""
    caller = as_host(code, body)
    _game().set_quiz(database(), clock.now_ms(), caller, body.quizData)
    return shown_to(caller)


@blueprint.post(f"{ROOM}/start", strict_slashes=False)
@php(models.AsHost)
def start(code: str, body: models.AsHost) -> dict[str, Any]:
    """Start the game."""
    caller = as_host(code, body)
    _game().start(database(), clock.now_ms(), caller)
    return shown_to(caller)


@blueprint.post(f"{ROOM}/next", strict_slashes=False)
@php(models.AsHost)
def next_question(code: str, body: models.AsHost) -> dict[str, Any]:
    """Move to the next question; after the last one the room ends."""
    caller = as_host(code, body)
    _game().next_question(database(), clock.now_ms(), caller, None)
    return shown_to(caller)


@blueprint.post(f"{ROOM}/answer", strict_slashes=False)
@php(models.GiveAnswer)
def answer(code: str, body: models.GiveAnswer) -> dict[str, Any]:
    """Answer a question."""
    caller = as_participant(code, body)
    caller["access"] = "player"
    index = -1 if body.answerIndex is None else body.answerIndex
    time_ms = round(body.timeMs or 0)
    return _game().answer(database(), clock.now_ms(), caller, body.questionIndex, index, time_ms)
