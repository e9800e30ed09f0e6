"""The poll over HTTP, on its full path."""

from typing import Any

from flask import Blueprint, Flask, request

from party import clock
from party.config import Settings
from party.db import Database, database
from party.errors import BadCursor, NotYourId, RateLimited, RoomEnded
from party.features import features
from party.polling import reading
from party.polling.fast_path import FastPath, arguments
from party.polling.memory import Memory, has_news, memory
from party.polling.models import Poll
from party.rows import Caller
from party.web.calls import Parameter, call
from party.web.rate_limits import rate_limits

blueprint = Blueprint("polling", __name__)

_CURSOR = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
POLL_PARAMETERS = (
    Parameter("after", "query", _CURSOR, "everything up to this number has been processed"),
    Parameter("wait", "query", _SECONDS, "seconds to hold the answer until something comes"),
    Parameter("X-Party-After", "header", _CURSOR, "`after`, where the URL should stay the same"),
    Parameter("X-Party-Wait", "header", _SECONDS, "`wait`, where the URL should stay the same"),
)


def _arguments() -> dict[str, Any]:
    after, wait = arguments(request.environ)
    return {"after": after, "wait": wait}


@blueprint.get("/signal/<code>/<participant_id>")
@call(
    "Poll: acknowledge what was processed, get what is pending",
    access="even refused",
    own_limit=True,
    encloses=True,
    parse=_arguments,
    parameters=POLL_PARAMETERS,
    answers={200: Poll},
    errors=(BadCursor, NotYourId, RateLimited, RoomEnded),
)
def poll(
    participant_id: str, caller: Caller, after: int | None, wait: float, enclosed: Any
) -> dict[str, Any]:
    """What is not acknowledged is given again, however often the caller asks."""
    if participant_id != caller["participant_id"]:
        raise NotYourId
    rate_limits().polls.hit(caller["id"])
    remembers = memory()
    now = clock.now_ms()
    answer = reading.poll(database(), now, caller, after, remembers.heartbeats)
    features().take(database(), now, caller, enclosed)
    if not has_news(answer):
        # Nothing lies between the stored acknowledgement and this number.
        remembers.remember(caller, answer["seq"])
    seconds = min(wait, remembers.longest_wait) if caller["status"] != "ended" else 0
    return remembers.hold(request.environ, caller, answer, seconds)


def init_app(app: Flask, settings: Settings, database: Database) -> None:
    """Give the app its polls, both paths of them, and what they remember."""
    remembers = Memory(app, settings, database)
    app.extensions["party.memory"] = remembers
    app.register_blueprint(blueprint)
    app.wsgi_app = app.extensions["party.fast_path"] = FastPath(app, remembers)  # type: ignore[method-assign]
