"""Coming in: a new member and its seat."""

from typing import Any, cast

from party.db import Connection, Duplicate, transaction
from party.errors import ParticipantIdTaken, RoomEnded, RoomFull
from party.rooms.models import JoinRoom
from party.rooms.stream import add_event, advance, lock_room
from party.rooms.views import participant_in, participant_views, present_members, room_view
from party.rows import MEMBER_COLUMNS, Member, Room
from party.web import tokens


@transaction
def join(
    tx: Connection, now: int, room_id: int, body: JoinRoom, retry_key_hash: str | None
) -> dict[str, Any]:
    """A new member: Room with `you`. Raises `RoomEnded`, `ParticipantIdTaken`, `RoomFull`, `Duplicate`."""
    room = lock_room(tx, room_id)
    token = tokens.new_token()
    member = _admit(tx, now, room, body, token, retry_key_hash)
    found = room_view(tx, now, room, member, token)
    _tell(tx, now, room, participant_in(found, member))
    return found


def add_without_token(tx: Connection, now: int, room: Room, body: JoinRoom) -> None:
    """A new member of a locked room for whom no token is made. Raises as `join`."""
    member = _admit(tx, now, room, body, None, None)
    _tell(tx, now, room, *participant_views(tx, now, room, [member]))


def _admit(
    tx: Connection,
    now: int,
    room: Room,
    body: JoinRoom,
    token: str | None,
    retry_key_hash: str | None,
) -> Member:
    if room["status"] == "ended":
        raise RoomEnded
    members = present_members(tx, room["id"])
    if retry_key_hash and any(member["retry_key_hash"] == retry_key_hash for member in members):
        raise Duplicate
    participant_id = body.participantId or tokens.new_participant_id()
    if any(member["participant_id"] == participant_id for member in members):
        raise ParticipantIdTaken
    if len(members) >= room["max_participants"]:
        raise RoomFull
    advance(tx, room, now, members=True, negotiated_at=now)
    return take_seat(tx, now, room, participant_id, body.name, "guest", token, retry_key_hash)


def _tell(tx: Connection, now: int, room: Room, participant: dict[str, Any]) -> None:
    add_event(tx, room, now, "participant-joined", participant["id"], {"participant": participant})


def take_seat(
    tx: Connection,
    now: int,
    room: Room,
    participant_id: str,
    name: str,
    role: str,
    token: str | None,
    retry_key_hash: str | None,
) -> Member:
    """Seat a new member, in the row of a former one with the same id if there is one."""
    seat = {
        "name": name,
        "role": role,
        "token_hash": tokens.hashed(token) if token else None,
        "previous_token_hash": None,
        "retry_key_hash": retry_key_hash,
        "joined_at": now,
        "joined_seq": room["seq"],
        "last_seen_at": now,
        "left_at": None,
        "acked_seq": room["seq"],
        "expired_seq": 0,
    }
    key = {"room_id": room["id"], "participant_id": participant_id}
    where = "WHERE room_id = :room_id AND participant_id = :participant_id"
    assignments = ", ".join(f"{column} = :{column}" for column in seat)
    if not tx.run(f"UPDATE party_participants SET {assignments} {where}", **seat, **key):
        tx.insert_many("party_participants", [{**key, **seat}])
    member = tx.one(f"SELECT {MEMBER_COLUMNS} FROM party_participants {where}", **key)
    return cast(Member, member)
