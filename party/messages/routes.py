"""The message calls over HTTP."""

import re
from typing import Any

from flask import Blueprint, request

from party import clock
from party.db import database
from party.errors import HostOnly, ImageNotFound, RateLimited, RoomEnded, ValidationError
from party.messages import removal, store
from party.messages.errors import MessageNotFound
from party.messages.models import Deleted, History, Post, Posted, React, Reactions
from party.rows import Caller
from party.web.calls import Parameter, call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import rate_limits

blueprint = Blueprint("messages", __name__)

AT_ONCE, MOST_AT_ONCE = 50, 100
HISTORY_PARAMETERS = (
    Parameter("before", "query", {"type": "integer", "minimum": 0}, "only what came before this message"),
    Parameter(
        "limit",
        "query",
        {"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE, "default": AT_ONCE},
        "how many at most, the latest",
    ),
)


def _arguments() -> dict[str, Any]:
    """Which part of the history is wanted. Raises `ValidationError`."""
    limit = _number("limit")
    if limit is not None and not 1 <= limit <= MOST_AT_ONCE:
        raise ValidationError(f"limit: 1 to {MOST_AT_ONCE}", field="limit")
    return {"before": _number("before"), "limit": limit or AT_ONCE}


def _number(name: str) -> int | None:
    text = request.args.get(name)
    if text is not None and not re.fullmatch(r"[0-9]{1,18}", text):
        raise ValidationError(f"{name}: a whole number", field=name)
    return None if text is None else int(text)


@blueprint.post("/rooms/<code>/messages")
@call(
    "Say something to everybody in the room",
    access="member",
    body=Post,
    max_body=MAX_BODY_BYTES,
    own_limit=True,
    answers={201: Posted, 200: Posted},
    errors=(RateLimited, RoomEnded, ImageNotFound),
)
def post(caller: Caller, body: Post) -> tuple[dict[str, Any], int]:
    """A client message id that is known gives its message again, and counts against no limit."""
    db = database()
    try:
        rate_limits().calls.hit(caller["id"])
    except RateLimited:
        known = store.known(db, caller, body.clientMsgId)
        if known is None:
            raise
        return {"messageId": known}, 200
    message_id, is_new = store.post(db, clock.now_ms(), caller, body)
    return {"messageId": message_id}, 201 if is_new else 200


@blueprint.get("/rooms/<code>/messages")
@call(
    "Read what has been said",
    access="member",
    parse=_arguments,
    parameters=HISTORY_PARAMETERS,
    answers={200: History},
)
def history(caller: Caller, before: int | None, limit: int) -> dict[str, Any]:
    """The latest messages, or those before one; in their order."""
    return store.history(database(), clock.now_ms(), caller, before, limit)


@blueprint.post("/rooms/<code>/messages/<message_id>/delete")
@call(
    "Delete a message: one's own, or as the host any",
    access="member",
    answers={200: Deleted},
    errors=(RoomEnded, MessageNotFound, HostOnly),
)
def delete(caller: Caller, message_id: str) -> dict[str, Any]:
    """Nothing but its id is left of it."""
    removal.delete(database(), clock.now_ms(), caller, message_id)
    return {"deleted": True}


@blueprint.post("/rooms/<code>/messages/<message_id>/react")
@call(
    "React to a message, or take a reaction back",
    access="member",
    body=React,
    answers={200: Reactions},
    errors=(RoomEnded, MessageNotFound),
)
def react(caller: Caller, message_id: str, body: React) -> dict[str, Any]:
    """Saying the same again changes nothing."""
    found = store.react(database(), clock.now_ms(), caller, message_id, body.emoji, body.on)
    return {"reactions": found}
