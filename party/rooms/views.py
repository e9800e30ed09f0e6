"""What of a room is shown to whom."""

from collections.abc import Sequence
from typing import Any, cast

from party.clock import FUTURE_MS, iso, iso_or_none
from party.config import settings
from party.db import Connection, Database, snapshot
from party.errors import RoomNotFound
from party.features import features
from party.rows import MEMBER_COLUMNS, ROOM_COLUMNS, Caller, Member, Room, Seat


def present_members(tx: Connection, room_id: int) -> list[Member]:
    """Who is in the room, in order of joining."""
    found = tx.all(
        f"""
        SELECT {MEMBER_COLUMNS} FROM party_participants
        WHERE room_id = :room_id AND left_at IS NULL
        ORDER BY joined_seq, id
        """,
        room_id=room_id,
    )
    return cast(list[Member], found)


@snapshot
def view(tx: Connection, now: int, caller: Caller) -> dict[str, Any]:
    """The caller's room: Room with `you`."""
    return room_view(tx, now, room_row(tx, caller["room_id"]), caller)


def room_row(tx: Connection | Database, room_id: int) -> Room:
    """A room's row without locking it. Raises `RoomNotFound` if it was purged meanwhile."""
    room = tx.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE id = :id", id=room_id)
    if room is None:
        raise RoomNotFound
    return cast(Room, room)


@snapshot
def preview(tx: Connection, room: Room) -> dict[str, Any]:
    """What strangers may see of a room: RoomPreview."""
    members = present_members(tx, room["id"])
    host = host_of(tx, room, members)
    return {
        "code": room["code"],
        "status": room["status"],
        "hostName": host["name"],
        "participantCount": len(members),
        "maxParticipants": room["max_participants"],
        "needsPassword": room["password_hash"] is not None,
    }


def room_view(
    tx: Connection, now: int, room: Room, you: Seat | None = None, token: str | None = None
) -> dict[str, Any]:
    """Room; with `you` for that member, and with the token where one was just issued.

    Without `you` it is the host's.
    """
    members = present_members(tx, room["id"])
    host = host_of(tx, room, members)
    found: dict[str, Any] = {
        "code": room["code"],
        "status": room["status"],
        "hostId": room["host_id"],
        "hostName": host["name"],
        "maxParticipants": room["max_participants"],
        **features().room_fields(tx, room, you),
        "createdAt": iso(room["created_at"]),
        "startedAt": iso_or_none(room["started_at"]),
        "endedAt": iso_or_none(room["ended_at"]),
        "expiresAt": iso(room["expires_at"]),
        "seq": room["seq"],
        "participants": participant_views(tx, now, room, members),
    }
    if you is not None:
        found["you"] = {"id": you["participant_id"], "role": you["role"]}
    if token is not None:
        found["you"]["token"] = token
    return found


def participant_views(
    tx: Connection, now: int, room: Room, members: Sequence[Member]
) -> list[dict[str, Any]]:
    """Participant, of each of these members of a room."""
    since, fields = now - settings().online_ms, features().participant_fields(tx, room, members)
    return [
        {
            "id": member["participant_id"],
            "name": member["name"],
            "isHost": member["role"] == "host",
            "role": member["role"],
            "online": since < member["last_seen_at"] <= now + FUTURE_MS,
            **fields[member["id"]],
            "joinedAt": iso(member["joined_at"]),
        }
        for member in members
    ]


def participant_in(room: dict[str, Any], member: Seat) -> dict[str, Any]:
    """A member's Participant in a Room that shows it."""
    shown: dict[str, Any] = next(
        each for each in room["participants"] if each["id"] == member["participant_id"]
    )
    return shown


def host_of(tx: Connection, room: Room, members: Sequence[Member]) -> Member:
    """The host's row: among the present members, or looked for where it has left."""
    for member in members:
        if member["participant_id"] == room["host_id"]:
            return member
    host = tx.one(
        f"""
        SELECT {MEMBER_COLUMNS} FROM party_participants
        WHERE room_id = :room_id AND participant_id = :host_id
        """,
        room_id=room["id"],
        host_id=room["host_id"],
    )
    if host is None:
        raise RoomNotFound
    return cast(Member, host)


@snapshot
def peer_ids(tx: Connection, caller: Caller) -> list[str]:
    """The ids of the other present members."""
    members = present_members(tx, caller["room_id"])
    return [member["participant_id"] for member in members if member["id"] != caller["id"]]
