"""The room calls over HTTP."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint

from party import clock
from party.config import settings
from party.db import Duplicate, database
from party.errors import (
    ParticipantIdTaken,
    PeerNotFound,
    RateLimited,
    RoomEnded,
    RoomFull,
    RoomNotFound,
    TokenInvalid,
    ValidationError,
    WrongPassword,
)
from party.rooms import admission, ending, entrance, returning, views
from party.rooms import create as creation
from party.rooms.models import (
    CreateRoom,
    Ended,
    JoinRoom,
    Left,
    RemoveParticipant,
    Room,
    RoomPreview,
    RoomWithYou,
)
from party.rows import Caller
from party.web.calls import call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import CREATE_ROOM, rate_limits, rejoins
from party.web.windows import Window

blueprint = Blueprint("rooms", __name__)


@blueprint.post("/rooms")
@call(
    "Open a room",
    body=CreateRoom,
    max_body=MAX_BODY_BYTES,
    own_limit=True,
    answers={201: RoomWithYou},
    errors=(RateLimited, RoomEnded),
)
def create(body: CreateRoom) -> dict[str, Any]:
    """A retry key that is known gives its seat back and counts against no limit."""
    if body.maxParticipants and body.maxParticipants > settings().MAX_PARTICIPANTS:
        raise ValidationError(
            f"maxParticipants: at most {settings().MAX_PARTICIPANTS} here", field="maxParticipants"
        )
    if body.ttlHours and body.ttlHours > settings().MAX_ROOM_TTL_HOURS:
        raise ValidationError(f"ttlHours: at most {settings().MAX_ROOM_TTL_HOURS:g} here", field="ttlHours")
    key = returning.create_key_hash(body.retryKey)
    window = rate_limits().of_address(CREATE_ROOM)

    def count() -> tuple[Window, ...]:
        rate_limits().hit(window)
        return (window,)

    return _enter(key, count, lambda: creation.create(database(), clock.now_ms(), body))


@blueprint.get("/rooms/<code>")
@call(
    "Look at a room: all of it with a member's token, otherwise a preview",
    access="anyone or member",
    answers={200: RoomWithYou | RoomPreview},
    errors=(RateLimited, RoomNotFound),
)
def show(code: str, caller: Caller | None) -> dict[str, Any]:
    """What a stranger looks up is counted, so that codes cannot be guessed."""
    db = database()
    if caller is not None:
        return views.view(db, clock.now_ms(), caller)
    return views.preview(db, entrance.look_up(code))


@blueprint.post("/rooms/<code>/join")
@call(
    "Take a seat in a room",
    body=JoinRoom,
    own_limit=True,
    answers={200: RoomWithYou},
    errors=(RateLimited, RoomNotFound, RoomEnded, WrongPassword, ParticipantIdTaken, RoomFull),
)
def join(code: str, body: JoinRoom) -> dict[str, Any]:
    """A retry key that is known gives its seat back and counts against no limit."""
    key = returning.join_key_hash(body.retryKey, code)
    room_id = 0

    def count() -> tuple[Window, ...]:
        nonlocal room_id
        room, windows = entrance.pass_door(code, body.password)
        room_id = room["id"]
        return windows

    return _enter(key, count, lambda: admission.join(database(), clock.now_ms(), room_id, body, key))


def _enter(
    key: str | None, count: Callable[[], tuple[Window, ...]], take_seat: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """The seat that a known retry key has, or a new one, after it was counted.

    `count` returns the windows in which it was; raises `RateLimited`.
    """
    db, limits = database(), rate_limits()
    counted: tuple[Window, ...] = ()
    while True:
        if seat := returning.seat_by_retry_key(db, key):
            with suppress(TokenInvalid):  # its member has just left: then it is a new one
                room = returning.reclaim(db, clock.now_ms(), seat)
                if counted:
                    limits.give_back(*counted)
                return room
            continue
        if not counted:
            try:
                counted = count()
            except RateLimited:
                if returning.seat_by_retry_key(db, key):  # another request with it was just faster
                    continue
                raise
        with suppress(Duplicate):  # the same key in two requests at once
            return take_seat()


@blueprint.post("/rooms/<code>/rejoin")
@call(
    "Take one's own seat again with a new page",
    access="member",
    previous_token=True,
    own_limit=True,
    answers={200: RoomWithYou},
    errors=(RateLimited, RoomEnded),
)
def rejoin(caller: Caller) -> dict[str, Any]:
    """Until the new token is first used, the old one can ask again."""
    rate_limits().hit(rejoins(caller["id"]))
    return returning.rejoin(database(), clock.now_ms(), caller)


@blueprint.post("/rooms/<code>/leave")
@call("Leave; when the host leaves, the room ends", access="member", answers={200: Left}, errors=(RoomEnded,))
def leave(caller: Caller) -> dict[str, Any]:
    """The token is dead from then on."""
    ending.leave(database(), clock.now_ms(), caller)
    return {"left": True}


@blueprint.post("/rooms/<code>/remove")
@call(
    "Remove a member",
    access="host",
    body=RemoveParticipant,
    answers={200: Room},
    errors=(RoomEnded, PeerNotFound),
)
def remove(caller: Caller, body: RemoveParticipant) -> dict[str, Any]:
    """The member's token is dead from then on."""
    return ending.remove(database(), clock.now_ms(), caller, body.participantId)


@blueprint.post("/rooms/<code>/end")
@blueprint.delete("/rooms/<code>", endpoint="delete")  # which many firewalls refuse
@call("End the room", access="host", answers={200: Ended}, errors=(RoomEnded,))
def end(caller: Caller) -> dict[str, Any]:
    """Members learn it by their next poll."""
    ending.end(database(), clock.now_ms(), caller)
    return {"ended": True}
