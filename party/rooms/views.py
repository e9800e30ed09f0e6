"""What of a room is shown to whom."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from party.clock import iso, iso_or_none
from party.config import settings
from party.db import Connection, Database, snapshot
from party.errors import RoomNotFound
from party.features import features
from party.rows import MEMBER_COLUMNS, ROOM_COLUMNS, Caller, Member, Room, Seat


def everybody_later(tx: Connection, room_id: int) -> Callable[[], tuple[list[Member], list[Member]]]:
    """Who is in the room, and who waits to be let in: each in order of coming."""
    answer = tx.later(
        f"""
        SELECT {MEMBER_COLUMNS} FROM party_participants
        WHERE room_id = :room_id AND left_at IS NULL
        ORDER BY joined_seq, id
        """,
        room_id=room_id,
    )

    def found() -> tuple[list[Member], list[Member]]:
        present = cast(list[Member], answer.all())
        return (
            [member for member in present if member["role"] != "guest"],
            [member for member in present if member["role"] == "guest"],
        )

    return found


def everybody(tx: Connection, room_id: int) -> tuple[list[Member], list[Member]]:
    """As `everybody_later`, at once."""
    return everybody_later(tx, room_id)()


def present_members(tx: Connection, room_id: int) -> list[Member]:
    """Who is in the room, in order of joining."""
    return everybody(tx, room_id)[0]


@snapshot
def view(tx: Connection, now: int, caller: Caller) -> dict[str, Any]:
    """The caller's room: Room with `you`."""
    return last_view(tx, now, room_row(tx, caller["room_id"]), caller)


def room_row(tx: Connection | Database, room_id: int) -> Room:
    """A room's row without locking it. Raises `RoomNotFound` if it was purged meanwhile."""
    room = tx.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE id = :id", id=room_id)
    if room is None:
        raise RoomNotFound
    return cast(Room, room)


@snapshot
def preview(tx: Connection, room: Room) -> dict[str, Any]:
    """What strangers may see of a room: RoomPreview."""
    everybody = everybody_later(tx, room["id"])
    tx.finish()
    members, _ = everybody()
    return room_preview(room, host_of(tx, room, members)["name"], len(members))


def room_preview(room: Room, host_name: str, members: int) -> dict[str, Any]:
    """RoomPreview of a room with so many members."""
    return {
        "code": room["code"],
        "status": room["status"],
        "name": room["name"],
        "gameType": room["game_type"],
        "hostName": host_name,
        "participantCount": members,
        "maxParticipants": room["max_participants"],
        "needsPassword": room["password_hash"] is not None,
        "approval": bool(room["approval"]),
        "locked": bool(room["locked"]),
    }


def last_view(tx: Connection, now: int, room: Room, viewer: Seat, token: str | None = None) -> dict[str, Any]:
    """As `view_for`, read along with the commit: nothing else comes after it."""
    view = view_later(tx, now, room, viewer, token)
    tx.finish()
    return view()


def view_for(tx: Connection, now: int, room: Room, viewer: Seat, token: str | None = None) -> dict[str, Any]:
    """What somebody in a room, or waiting for that, sees of it, with `you`: Room, or RoomOfGuest.

    `token` is one that was just issued.
    """
    return view_later(tx, now, room, viewer, token)()


def view_later(
    tx: Connection, now: int, room: Room, viewer: Seat, token: str | None = None
) -> Callable[[], dict[str, Any]]:
    """As `view_for`, but `later`."""
    if viewer["role"] != "guest":
        return room_view_later(tx, now, room, viewer, token)
    everybody = everybody_later(tx, room["id"])

    def view() -> dict[str, Any]:
        members, _ = everybody()
        shown = room_preview(room, host_of(tx, room, members)["name"], len(members))
        return {**shown, "seq": room["seq"], "you": _you(viewer, token)}

    return view


def room_view(
    tx: Connection, now: int, room: Room, you: Seat | None = None, token: str | None = None
) -> dict[str, Any]:
    """Room; with `you` for that member, and with the token where one was just issued.

    Without `you` it is the host's.
    """
    return room_view_later(tx, now, room, you, token)()


def room_view_later(
    tx: Connection, now: int, room: Room, you: Seat | None = None, token: str | None = None
) -> Callable[[], dict[str, Any]]:
    """As `room_view`, but `later`."""
    everybody = everybody_later(tx, room["id"])
    fields = features().room_fields_later(tx, room, you)
    fields_of = features().participant_fields_later(tx, room)
    settings_of_features = features().settings_later(tx, room)

    def view() -> dict[str, Any]:
        members, waiting = everybody()
        host = host_of(tx, room, members)
        found: dict[str, Any] = {
            "code": room["code"],
            "status": room["status"],
            "hostId": room["host_id"],
            "hostName": host["name"],
            "maxParticipants": room["max_participants"],
            **fields(),
            "createdAt": iso(room["created_at"]),
            "startedAt": iso_or_none(room["started_at"]),
            "endedAt": iso_or_none(room["ended_at"]),
            "expiresAt": iso(room["expires_at"]),
            "serverTime": iso(now),
            "seq": room["seq"],
            "settings": {**_settings(room), **settings_of_features()},
            "participants": _participants(members, fields_of(members)),
        }
        if you is None or you["role"] == "host":
            found["requests"] = [request_view(guest) for guest in waiting]
        if you is not None:
            found["you"] = _you(you, token)
        return found

    return view


def room_seen_by(tx: Connection, now: int, room: Room, viewer: Seat) -> dict[str, Any]:
    """Room as a member sees it, without `you`."""
    found = room_view(tx, now, room, viewer)
    del found["you"]
    return found


def _you(who: Seat, token: str | None) -> dict[str, Any]:
    you = {"id": who["participant_id"], "role": who["role"]}
    return you if token is None else {**you, "token": token}


def _settings(room: Room) -> dict[str, Any]:
    return {
        "name": room["name"],
        "gameType": room["game_type"],
        "approval": bool(room["approval"]),
        "locked": bool(room["locked"]),
        "listed": bool(room["listed"]),
        "seats": room["seats"],
        "sharedState": bool(room["shared_state"]),
        "hostGone": room["host_gone"],
        "relay": settings().RELAY_KIB_PER_MINUTE > 0,
    }


def participant_views(tx: Connection, room: Room, members: Sequence[Member]) -> list[dict[str, Any]]:
    """Participant, of each of these members of a room."""
    return _participants(members, features().participant_fields_later(tx, room)(members))


def _participants(members: Sequence[Member], fields: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": member["participant_id"],
            "name": member["name"],
            "isHost": member["role"] == "host",
            "role": member["role"],
            "seat": member["seat"],
            "presence": member["presence"],
            "online": member["presence"] == "online",
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


def request_view(guest: Member) -> dict[str, Any]:
    """JoinRequest: who waits to be let in, as the host sees it."""
    return {
        "id": guest["participant_id"],
        "name": guest["name"],
        "requestedAt": iso(guest["joined_at"]),
        "presence": guest["presence"],
    }


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
