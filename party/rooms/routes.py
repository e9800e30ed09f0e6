"""The calls of those who come to a room and go, over HTTP."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from flask import Blueprint

from party import clock
from party.db import Duplicate, database
from party.errors import (
    Banned,
    LobbyFull,
    ParticipantIdTaken,
    RateLimited,
    RoomEnded,
    RoomFull,
    RoomLocked,
    RoomNotFound,
    SeatTaken,
    TokenInvalid,
    WrongPassword,
)
from party.rooms import admission, ending, entrance, listing, presence, returning, room_settings, views
from party.rooms import create as creation
from party.rooms.models import (
    Away,
    CreateRoom,
    JoinRoom,
    Left,
    RoomList,
    RoomOfGuest,
    RoomPreview,
    RoomWithYou,
)
from party.rows import Caller
from party.web.calls import call
from party.web.models import MAX_BODY_BYTES
from party.web.rate_limits import CREATE_ROOM, LOOK, rate_limits, rejoins
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
    room_settings.check(body)
    key = returning.create_key_hash(body.retryKey)
    window = rate_limits().of_address(CREATE_ROOM)

    def count() -> tuple[Window, ...]:
        rate_limits().hit(window)
        return (window,)

    return _enter(key, count, lambda: creation.create(database(), clock.now_ms(), body))


@blueprint.get("/rooms")
@call(
    "List the rooms whose hosts want them to be found, and that can be joined: newest first",
    own_limit=True,
    parse=listing.arguments,
    parameters=listing.PARAMETERS,
    answers={200: RoomList},
    errors=(RateLimited,),
)
def show_list(game_type: str | None, before: int | None, limit: int) -> dict[str, Any]:
    """Counts as a look."""
    rate_limits().hit(rate_limits().of_address(LOOK))
    return listing.rooms(database(), clock.now_ms(), game_type, before, limit)


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
    room = entrance.look_up(code)
    entrance.knock(db, clock.now_ms(), room)
    return views.preview(db, room)


@blueprint.post("/rooms/<code>/join")
@call(
    "Join a room, or where its host approves who comes, ask to (202)",
    body=JoinRoom,
    own_limit=True,
    answers={200: RoomWithYou, 202: RoomOfGuest},
    errors=(
        RateLimited,
        RoomNotFound,
        RoomEnded,
        WrongPassword,
        Banned,
        RoomLocked,
        ParticipantIdTaken,
        SeatTaken,
        RoomFull,
        LobbyFull,
    ),
)
def join(code: str, body: JoinRoom) -> tuple[dict[str, Any], int]:
    """A retry key that is known gives its seat back and counts against no limit."""
    key = returning.join_key_hash(body.retryKey, code)
    room_id = 0

    def count() -> tuple[Window, ...]:
        nonlocal room_id
        room, windows = entrance.pass_door(code, body.password)
        room_id = room["id"]
        return windows

    return _with_status(
        _enter(key, count, lambda: admission.join(database(), clock.now_ms(), room_id, body, key))
    )


def _with_status(room: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What somebody is shown of its room; 202 for who has to wait."""
    return room, 202 if room["you"]["role"] == "guest" else 200


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
    "Take one's own place again with a new page",
    access="even waiting",
    previous_token=True,
    own_limit=True,
    answers={200: RoomWithYou, 202: RoomOfGuest},
    errors=(RateLimited, RoomEnded),
)
def rejoin(caller: Caller) -> tuple[dict[str, Any], int]:
    """Until the new token is first used, the old one can ask again."""
    rate_limits().hit(rejoins(caller["id"]))
    return _with_status(returning.rejoin(database(), clock.now_ms(), caller))


@blueprint.post("/rooms/<code>/leave")
@call(
    "Leave; when the host leaves, the room ends, or another one is host",
    access="even waiting",
    answers={200: Left},
    errors=(RoomEnded,),
)
def leave(caller: Caller) -> dict[str, Any]:
    """The token is dead from then on."""
    ending.leave(database(), clock.now_ms(), caller)
    return {"left": True}


@blueprint.post("/rooms/<code>/away")
@call(
    "Tell that this page is about to sleep or close",
    access="even waiting",
    answers={200: Away},
    errors=(RoomEnded,),
)
def away(caller: Caller) -> dict[str, Any]:
    """Until its next poll."""
    presence.fall_asleep(database(), clock.now_ms(), caller)
    return {"away": True}
