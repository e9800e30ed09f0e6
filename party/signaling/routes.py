"""The signaling calls over HTTP: send, poll, and the list of peers."""

import re
from typing import Any

from flask import Blueprint, request

from party import clock
from party.api import Parameter, call
from party.db import Row, database
from party.errors import (
    BadCursor,
    MailboxFull,
    NotYourId,
    PeerNotFound,
    RateLimited,
    RoomEnded,
    ValidationError,
)
from party.rate_limits import rate_limits
from party.signaling import store
from party.signaling.models import Peers, Poll, Send, SendOne, SendSeveral, SentOne, SentSeveral

blueprint = Blueprint("signaling", __name__)

_CURSOR = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
POLL_PARAMETERS = (
    Parameter("after", "query", _CURSOR, "everything up to this number has been processed"),
    Parameter("wait", "query", _SECONDS, "seconds to hold the answer until something comes"),
    Parameter("X-Party-After", "header", _CURSOR, "`after`, where the URL should stay the same"),
    Parameter("X-Party-Wait", "header", _SECONDS, "`wait`, where the URL should stay the same"),
)


def poll_arguments() -> dict[str, int | None]:
    """The poll's cursor from the query or the headers. Raises `BadCursor`, `ValidationError`."""
    after = request.args.get("after", request.headers.get("X-Party-After"))
    wait = request.args.get("wait", request.headers.get("X-Party-Wait"))
    # Every answer comes at once so far, which is what a `wait` of 0 means; the form counts already.
    if wait is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", wait):
        raise ValidationError("wait: a number of seconds, 0 or more", field="wait")
    if after is None:
        return {"after": None}
    if not re.fullmatch(r"[0-9]{1,18}", after):
        raise BadCursor
    return {"after": int(after)}


@blueprint.get("/signal/<code>/<participant_id>")
@call(
    "Poll: acknowledge what was processed, get what is pending",
    access="member",
    parse=poll_arguments,
    parameters=POLL_PARAMETERS,
    answers={200: Poll},
    errors=(BadCursor, NotYourId, RateLimited, RoomEnded),
)
def poll(participant_id: str, caller: Row, after: int | None) -> dict[str, Any]:
    """What is not acknowledged is given again, however often the caller asks."""
    _check_id(caller, participant_id)
    rate_limits().polls.hit(caller["id"])
    return store.poll(database(), clock.now_ms(), caller, after)


@blueprint.post("/signal")
@call(
    "Send one signal or several; with `after`, poll in the same request",
    access="member",
    body=Send,
    answers={201: SentOne | SentSeveral, 200: SentOne | SentSeveral},
    errors=(BadCursor, NotYourId, PeerNotFound, RateLimited, MailboxFull, RoomEnded),
)
def send(body: SendOne | SendSeveral, caller: Row) -> tuple[dict[str, Any], int]:
    """201 if anything was stored; 200 if all of it was known already."""
    if body.fromId is not None:
        _check_id(caller, body.fromId)
    rate_limits().sends.hit(caller["id"])
    db, now = database(), clock.now_ms()
    numbers, stored = store.send(db, now, caller, body.signals, body.after)
    answer: dict[str, Any] = {"sent": True}
    if isinstance(body, SendOne):
        answer["messageId"] = numbers[0]
    else:
        answer["messageIds"] = numbers
    if body.after is not None:
        answer |= store.poll_after_send(db, now, caller, body.after)
    return answer, 201 if stored else 200


@blueprint.get("/signal/<code>/<participant_id>/peers")
@call("List the other members", access="member", answers={200: Peers}, errors=(NotYourId,))
def peers(participant_id: str, caller: Row) -> dict[str, Any]:
    """The other present members' ids, in order of joining."""
    _check_id(caller, participant_id)
    found = store.peers(database(), caller)
    return {"peers": found, "count": len(found)}


def _check_id(caller: Row, participant_id: str) -> None:
    if participant_id != caller["participant_id"]:
        raise NotYourId
