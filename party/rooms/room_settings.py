"""What a host can set in its room, and how it is changed."""

from collections.abc import Mapping
from typing import Any

from party.config import settings
from party.db import Connection, transaction
from party.errors import RoomFull, SeatTaken, ValidationError
from party.features import features
from party.rooms import lobby, rules
from party.rooms.events import publish
from party.rooms.models import ChangeSettings, CreateRoom
from party.rooms.stream import lock_as_member
from party.rooms.views import present_members, room_view
from party.rows import Caller, Member, Room

DEFAULT_MAX_PARTICIPANTS = 20
# The settings that can be changed, by the columns of a room.
_COLUMNS = {
    "name": "name",
    "gameType": "game_type",
    "maxParticipants": "max_participants",
    "approval": "approval",
    "locked": "locked",
    "listed": "listed",
    "seats": "seats",
    "sharedState": "shared_state",
}
# null sets these to nothing; of all others it is as good as leaving them out.
_CAN_BE_NULL = ("name", "gameType")


def places(body: CreateRoom) -> int:
    """How many a new room takes."""
    return body.maxParticipants or min(DEFAULT_MAX_PARTICIPANTS, settings().MAX_PARTICIPANTS)


def check(body: CreateRoom) -> None:
    """Whether there can be such a room. Raises `ValidationError`."""
    _check(places(body), body.seats or 0, "seats")
    if body.ttlHours and body.ttlHours > settings().MAX_ROOM_TTL_HOURS:
        raise ValidationError(f"ttlHours: at most {settings().MAX_ROOM_TTL_HOURS:g} here", field="ttlHours")


def of_new_room(body: CreateRoom) -> dict[str, Any]:
    """The columns of a new room with its settings, but how many it takes."""
    return {
        "name": body.name,
        "game_type": body.gameType,
        "approval": bool(body.approval),
        "locked": bool(body.locked),
        "listed": bool(body.listed),
        "seats": body.seats or 0,
        "shared_state": bool(body.sharedState),
        "host_gone": body.hostGone or "end",
    }


@transaction
def change(tx: Connection, now: int, caller: Caller, body: ChangeSettings) -> dict[str, Any]:
    """Change what the body has: Room. Raises `ValidationError`, `RoomFull`, `SeatTaken`."""
    room, host = lock_as_member(tx, caller)
    row: Mapping[str, Any] = room
    given = {
        name: value
        for name in _COLUMNS
        if (value := getattr(body, name)) is not None
        or (name in _CAN_BE_NULL and name in body.model_fields_set)
    }
    changed = {name: value for name, value in given.items() if row[_COLUMNS[name]] != value}
    columns = {_COLUMNS[name]: value for name, value in changed.items()}
    if changed:
        _check_against(room, present_members(tx, room["id"]), changed)
    changed |= features().change_settings(tx, room, body)
    if changed:
        publish(tx, room, now, "settings-changed", host["participant_id"], {"changed": changed}, **columns)
        lobby.admit_waiting(tx, now, room)
    return room_view(tx, now, room)


def _check_against(room: Room, members: list[Member], changed: dict[str, Any]) -> None:
    """Whether a room can be changed so, with those who are in it."""
    limit = changed.get("maxParticipants", room["max_participants"])
    seats = changed.get("seats", room["seats"])
    _check(limit, seats, "seats" if "seats" in changed else "maxParticipants")
    if limit < len(members):
        raise RoomFull("More are in the room already.")
    if any(seat >= seats for seat in rules.taken_seats(members)):
        raise SeatTaken("Somebody has a seat beyond that.")


def _check(limit: int, seats: int, field: str) -> None:
    if limit > settings().MAX_PARTICIPANTS:
        raise ValidationError(
            f"maxParticipants: at most {settings().MAX_PARTICIPANTS} here", field="maxParticipants"
        )
    if seats > limit:
        raise ValidationError(f"{field}: there are {seats} seats in a room for {limit}", field=field)
