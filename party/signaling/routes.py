"""The signaling calls over HTTP: send, poll, and the list of peers."""

import re
from typing import Any

from flask import Blueprint, request

from party import clock
from party.config import settings
from party.db import database
from party.errors import (
    BadCursor,
    MailboxFull,
    NotYourId,
    PeerNotFound,
    RateLimited,
    RoomEnded,
    ValidationError,
)
from party.polling import reading
from party.polling.memory import memory
from party.polling.pace import breath_ms
from party.rooms import views
from party.rows import Caller
from party.signaling.models import Peers, Poll, Send, SendOne, SendSeveral, SentOne, SentSeveral
from party.signaling.send import send as send_signals
from party.web.calls import Parameter, call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import rate_limits

blueprint = Blueprint("signaling", __name__)

CURSOR = re.compile(r"[0-9]{1,18}")
WAIT = re.compile(r"[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")

_CURSOR = {"type": "integer", "minimum": 0}
_SECONDS = {"type": "number", "minimum": 0}
POLL_PARAMETERS = (
    Parameter("after", "query", _CURSOR, "everything up to this number has been processed"),
    Parameter("wait", "query", _SECONDS, "seconds to hold the answer until something comes"),
    Parameter("X-Party-After", "header", _CURSOR, "`after`, where the URL should stay the same"),
    Parameter("X-Party-Wait", "header", _SECONDS, "`wait`, where the URL should stay the same"),
)


def poll_arguments() -> dict[str, Any]:
    """The poll's cursor and seconds to wait, from the query or the headers.

    Raises `BadCursor`, `ValidationError`.
    """
    after = request.args.get("after", request.headers.get("X-Party-After"))
    wait = request.args.get("wait", request.headers.get("X-Party-Wait"))
    if wait is not None and not WAIT.fullmatch(wait):
        raise ValidationError("wait: a number of seconds, 0 or more", field="wait")
    if after is not None and not CURSOR.fullmatch(after):
        raise BadCursor
    return {"after": None if after is None else int(after), "wait": float(wait or 0)}


@blueprint.get("/signal/<code>/<participant_id>")
@call(
    "Poll: acknowledge what was processed, get what is pending",
    access="member",
    own_limit=True,
    parse=poll_arguments,
    parameters=POLL_PARAMETERS,
    answers={200: Poll},
    errors=(BadCursor, NotYourId, RateLimited, RoomEnded),
)
def poll(participant_id: str, caller: Caller, after: int | None, wait: float) -> dict[str, Any]:
    """What is not acknowledged is given again, however often the caller asks."""
    _check_id(caller, participant_id)
    rate_limits().polls.hit(caller["id"])
    answer = reading.poll(database(), clock.now_ms(), caller, after, memory().heartbeats)
    seconds = min(wait, settings().LONG_POLL_SECONDS)
    idle = after is not None and not (answer["messages"] or answer["gap"])
    if idle:
        # Nothing lies between the stored acknowledgement and this number.
        memory().watch.remember(caller, answer["seq"])
    if not seconds or caller["status"] == "ended":
        return answer
    if idle:
        return memory().holding.hold(request.environ, caller, answer, seconds)
    return answer if answer["more"] else {**answer, "pollAfterMs": breath_ms()}


@blueprint.post("/signal")
@call(
    "Send one signal or several; with `after`, poll in the same request",
    access="member",
    body=Send,
    max_body=MAX_BODY_BYTES,
    own_limit=True,
    answers={201: SentOne | SentSeveral, 200: SentOne | SentSeveral},
    errors=(BadCursor, NotYourId, PeerNotFound, RateLimited, MailboxFull, RoomEnded),
)
def send(body: SendOne | SendSeveral, caller: Caller) -> tuple[dict[str, Any], int]:
    """201 if anything was stored; 200 if all of it was known already."""
    if body.fromId is not None:
        _check_id(caller, body.fromId)
    rate_limits().sends.hit(caller["id"], len(body.signals))
    db, now = database(), clock.now_ms()
    numbers, stored = send_signals(db, now, caller, body.signals, body.after)
    answer: dict[str, Any] = {"sent": True}
    if isinstance(body, SendOne):
        answer["messageId"] = numbers[0]
    else:
        answer["messageIds"] = numbers
    if body.after is not None:
        answer |= reading.poll_after_send(db, now, caller, body.after, memory().heartbeats)
        if settings().LONG_POLL_SECONDS and not answer["more"]:
            answer["pollAfterMs"] = breath_ms()
    return answer, 201 if stored else 200


@blueprint.get("/signal/<code>/<participant_id>/peers")
@call("List the other members", access="member", answers={200: Peers}, errors=(NotYourId,))
def peers(participant_id: str, caller: Caller) -> dict[str, Any]:
    """The other present members' ids, in order of joining."""
    _check_id(caller, participant_id)
    found = views.peer_ids(database(), caller)
    return {"peers": found, "count": len(found)}


def _check_id(caller: Caller, participant_id: str) -> None:
    if participant_id != caller["participant_id"]:
        raise NotYourId
