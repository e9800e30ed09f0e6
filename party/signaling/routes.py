"""The signaling calls over HTTP: send, and the list of peers."""

from typing import Any

from flask import Blueprint, request

from party import clock
from party.db import database
from party.errors import (
    BadCursor,
    MailboxFull,
    NotYourId,
    PeerNotFound,
    RateLimited,
    RelayLimit,
    RelayOff,
    RoomEnded,
)
from party.features import features
from party.polling import reading
from party.polling.memory import memory
from party.rooms import views
from party.rows import Caller
from party.signaling.models import Peers, Send, SendNothing, SendOne, SendSeveral, SentOne, SentSeveral
from party.signaling.send import COUNTED, sends
from party.signaling.send import send as send_signals
from party.web.calls import call
from party.web.models import MAX_BODY_BYTES

blueprint = Blueprint("signaling", __name__)


@blueprint.post("/signal")
@call(
    "Send one signal or several; with `after`, poll in the same request",
    access="member",
    body=Send,
    max_body=MAX_BODY_BYTES,
    own_limit=True,
    encloses=True,
    answers={201: SentOne | SentSeveral, 200: SentOne | SentSeveral},
    errors=(
        BadCursor,
        NotYourId,
        RelayOff,
        PeerNotFound,
        RateLimited,
        RelayLimit,
        MailboxFull,
        RoomEnded,
    ),
)
def send(
    body: SendOne | SendSeveral | SendNothing, caller: Caller, enclosed: Any
) -> tuple[dict[str, Any], int]:
    """201 if anything was stored; 200 if all of it was known already."""
    if body.fromId is not None:
        _check_id(caller, body.fromId)
    if COUNTED not in request.environ:
        sends().count(caller, body)
    db, now = database(), clock.now_ms()
    if isinstance(body, SendNothing):
        answer: dict[str, Any] = {"messageIds": [], "sent": True}
        if body.after is not None:
            answer |= reading.poll(db, now, caller, body.after, memory().heartbeats)
        features().take(db, now, caller, enclosed)
        return answer, 200
    numbers, is_new = send_signals(db, now, caller, body.signals, body.after)
    features().take(db, now, caller, enclosed)
    return sends().answer(now, caller, body, numbers), 201 if is_new else 200


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
