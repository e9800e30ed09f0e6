"""Rooms in the PHP backend's shapes, with members who have no token."""

from typing import Any

from party.db import Connection, Database, snapshot, transaction
from party.errors import RoomNotFound, WrongStatus
from party.features import features
from party.php_paths import mailbox, visible
from party.php_paths.models import CreateRoom, JoinRoom, php_time
from party.rooms import admission, ending, views
from party.rooms import create as creation
from party.rooms import models as room_models
from party.rooms.stream import lock_room
from party.rows import Caller, Room


def create(database: Database, now: int, body: CreateRoom) -> dict[str, Any]:
    """A new room whose host has no token: PHP's Room."""
    return creation.with_new_code(database, lambda code: _create(database, now, body, code))


@transaction
def _create(tx: Connection, now: int, body: CreateRoom, code: str) -> dict[str, Any]:
    wanted = features().adapter(room_models.CreateRoom).validate_python(body.model_dump())
    room, _ = creation.insert_room(tx, now, wanted, code, token=None)
    visible.let_see(tx, room)
    return _view(tx, room)


@transaction
def join(tx: Connection, now: int, room: Room, body: JoinRoom) -> dict[str, Any]:
    """A new member without a token: PHP's Room.

    Raises `RoomNotFound`, `WrongStatus`, `RoomEnded`, `ParticipantIdTaken`, `RoomFull`.
    """
    room = lock_room(tx, room["id"])
    if not visible.is_seen(tx, room):
        raise RoomNotFound
    # Its pages could not follow a game that has begun: they expect to be there when it does.
    if room["status"] == "playing":
        raise WrongStatus("This room no longer waits for participants.")
    mailbox.drop_of_former_member(tx, room, body.participantId)
    guest = room_models.JoinRoom(name=body.name, participantId=body.participantId)
    admission.add_without_token(tx, now, room, guest)
    return _view(tx, room)


def leave(database: Database, now: int, caller: Caller) -> None:
    """The caller's seat becomes free, and what waits for it goes; a room without its host ends."""
    ending.leave(database, now, caller)
    mailbox.drop(database, caller["code"], caller["participant_id"])


@snapshot
def view(tx: Connection, room_id: int) -> dict[str, Any]:
    """PHP's Room."""
    return _view(tx, views.room_row(tx, room_id))


def _view(tx: Connection, room: Room) -> dict[str, Any]:
    members = views.present_members(tx, room["id"])
    game = features().game
    played = game.room_fields(tx, room, None)() if game else {}
    scores = game.participant_fields(tx, room)(members) if game else {}
    participants = [
        {
            "id": member["participant_id"],
            "name": member["name"],
            "isHost": member["role"] == "host",
            "score": scores.get(member["id"], {}).get("score", 0),
            "joinedAt": php_time(member["joined_at"]),
        }
        for member in members
    ]
    return {
        "id": room["id"],
        "code": room["code"],
        "host_id": room["host_id"],
        "host_name": views.host_of(tx, room, members)["name"],
        "quiz_data": played.get("quizData"),
        "status": room["status"],
        "max_participants": room["max_participants"],
        "seconds_per_question": played.get("secondsPerQuestion"),
        "created_at": php_time(room["created_at"]),
        "started_at": _time_or_none(room["started_at"]),
        "ended_at": _time_or_none(room["ended_at"]),
        "current_question": played.get("currentQuestion", 0),
        # They come in order of joining, which sorting keeps among equals.
        "participants": sorted(participants, key=lambda participant: -participant["score"]),
    }


def _time_or_none(ms: int | None) -> str | None:
    return None if ms is None else php_time(ms)


@snapshot
def peers(tx: Connection, room: Room, participant_id: str) -> list[str]:
    """The ids of the other present members, in order of joining."""
    ids = [member["participant_id"] for member in views.present_members(tx, room["id"])]
    return [id for id in ids if id != participant_id]
