"""The call of shared state over HTTP."""

from typing import Any

from flask import Blueprint, Flask, current_app

from party import clock
from party.db import database
from party.errors import HostOnly, PlayersOnly, RateLimited, RoomEnded
from party.rows import Caller
from party.state import changes
from party.state.errors import StateMoved
from party.state.models import SetState, StateSet
from party.web.calls import call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import MemberRates

blueprint = Blueprint("state", __name__)

WRITES_PER_SECOND = 10
EXTENSION = "party.state.writes"


def init_app(app: Flask) -> None:
    """Give the app the call, and count who makes it."""
    app.extensions[EXTENSION] = MemberRates(WRITES_PER_SECOND)
    app.register_blueprint(blueprint)


@blueprint.post("/rooms/<code>/state")
@call(
    "Set and remove values that the room shares",
    access="member",
    body=SetState,
    max_body=MAX_BODY_BYTES,
    own_limit=True,
    answers={200: StateSet},
    errors=(RateLimited, RoomEnded, HostOnly, PlayersOnly, StateMoved),
)
def write(caller: Caller, body: SetState) -> dict[str, Any]:
    """All or nothing; polls have what has become of it."""
    current_app.extensions[EXTENSION].hit(caller["id"])
    return {"seq": changes.write(database(), clock.now_ms(), caller, body)}
