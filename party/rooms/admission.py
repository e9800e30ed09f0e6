"""Coming in: a new member, or a guest who waits for that."""

from collections.abc import Callable
from typing import Any

from party.db import Connection, Duplicate, transaction
from party.errors import LobbyFull, NotApproved, ParticipantIdTaken, RoomEnded, RoomFull, RoomLocked
from party.rooms import bans, lobby, places, rules
from party.rooms.hosting import promote_if_gone
from party.rooms.models import JoinRoom
from party.rooms.stream import advance, lock_room_later
from party.rooms.views import everybody_later, host_of, last_view
from party.rows import Member, Room
from party.web import tokens


@transaction
def join(
    tx: Connection, now: int, room_id: int, body: JoinRoom, retry_key_hash: str | None
) -> dict[str, Any]:
    """A new member: Room with `you`; or a guest, where the host approves who comes: RoomOfGuest.

    Raises `RoomEnded`, `Duplicate`, `Banned`, `RoomLocked`, `ParticipantIdTaken`, `ValidationError`,
    `SeatTaken`, `RoomFull`, `LobbyFull`.
    """
    token = tokens.new_token()
    room, member = _admit(tx, now, lock_room_later(tx, room_id), room_id, body, token, retry_key_hash)
    return last_view(tx, now, room, member, token)


def add_without_token(tx: Connection, now: int, room: Room, body: JoinRoom) -> None:
    """A new member of a locked room for whom no token is made. Raises as `join`, and `NotApproved`."""
    _admit(tx, now, lambda: room, room["id"], body, None, None)


def _admit(
    tx: Connection,
    now: int,
    lock: Callable[[], Room],
    room_id: int,
    body: JoinRoom,
    token: str | None,
    retry_key_hash: str | None,
) -> tuple[Room, Member]:
    everybody = everybody_later(tx, room_id)
    former = places.former_later(tx, room_id, body.participantId)
    room = lock()
    if room["status"] == "ended":
        raise RoomEnded
    members, waiting = everybody()
    if retry_key_hash and any(each["retry_key_hash"] == retry_key_hash for each in members + waiting):
        raise Duplicate
    device_hash = bans.device_hash(body.deviceId)
    bans.check(tx, room, body.participantId, device_hash)
    if room["locked"]:
        raise RoomLocked
    participant_id = body.participantId or tokens.new_participant_id()
    if any(each["participant_id"] == participant_id for each in members + waiting):
        raise ParticipantIdTaken
    if body.seat is not None:
        rules.check_seat(room["seats"], rules.taken_seats(members), body.seat)
    row = {"name": body.name, "retry_key_hash": retry_key_hash, "device_hash": device_hash}

    def take(**columns: Any) -> Member:
        return places.take(tx, now, room, participant_id, former(), token, {**row, **columns})

    if not room["approval"]:
        return room, _seat(tx, now, room, body, members, take)
    if token is None:
        raise NotApproved("Whoever joins this room waits for approval, which these pages cannot.")
    if len(waiting) >= rules.LOBBY:
        raise LobbyFull
    advance(tx, room, now, members=True)
    guest = take(role="guest", asked_role=_role(body), seat=body.seat)
    lobby.tell_of_request(tx, now, room, host_of(tx, room, members), guest)
    return room, guest


def _seat(
    tx: Connection,
    now: int,
    room: Room,
    body: JoinRoom,
    members: list[Member],
    take: Callable[..., Member],
) -> Member:
    if len(members) >= room["max_participants"]:
        raise RoomFull
    advance(tx, room, now, members=True, negotiated_at=now)
    role = _role(body)
    seat = rules.seat_for(room["seats"], rules.taken_seats(members), body.seat) if role == "player" else None
    member = take(role=role, seat=seat)
    lobby.tell_of_member(tx, now, room, member)
    promote_if_gone(tx, now, room)
    return member


def _role(body: JoinRoom) -> str:
    return "spectator" if body.spectate else "player"
