"""The signaling calls over HTTP: send, and the list of peers."""

from typing import Any

from flask import Blueprint

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
from party.polling.pace import minimum_gap_ms
from party.rooms import views
from party.rows import Caller
from party.signaling.models import DATA, Peers, Send, SendNothing, SendOne, SendSeveral, SentOne, SentSeveral
from party.signaling.relay import relay
from party.signaling.send import send as send_signals
from party.web.calls import call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import rate_limits

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
    rate_limits().sends.hit(caller["id"], len(body.signals) or 1)
    if data := [signal.payload for signal in body.signals if signal.type == DATA]:
        relay().hit(caller["id"], data)
    db, now = database(), clock.now_ms()
    answer: dict[str, Any]
    if isinstance(body, SendNothing):
        answer = {"messageIds": [], "sent": True}
        if body.after is not None:
            answer |= reading.poll(db, now, caller, body.after, memory().heartbeats)
        features().take(db, now, caller, enclosed)
        return answer, 200
    numbers, stored = send_signals(db, now, caller, body.signals, body.after)
    features().take(db, now, caller, enclosed)
    answer = {"sent": True}
    if isinstance(body, SendOne):
        answer["messageId"] = numbers[0]
    else:
        answer["messageIds"] = numbers
    if body.after is not None:
        remembers = memory()
        answer |= reading.poll_after_send(db, now, caller, body.after, remembers.heartbeats)
        if remembers.longest_wait and not answer["more"]:
            answer["pollAfterMs"] = minimum_gap_ms()
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
