"""Players and spectators, and the numbered seats of players."""

from typing import Any

from party.db import Connection, transaction
from party.errors import HostOnly, PeerNotFound, ValidationError
from party.rooms import places, rules
from party.rooms.events import publish
from party.rooms.hosting import promote_if_gone
from party.rooms.models import ChangeRole
from party.rooms.stream import lock_as_member
from party.rooms.views import present_members, room_seen_by
from party.rows import Caller, Member, Room


@transaction
def change(tx: Connection, now: int, caller: Caller, body: ChangeRole) -> dict[str, Any]:
    """Give somebody another role or seat, or oneself: Room.

    Raises `HostOnly`, `PeerNotFound`, `ValidationError`, `SeatTaken`.
    """
    room, actor = lock_as_member(tx, caller)
    participant_id = body.participantId or actor["participant_id"]
    if participant_id != actor["participant_id"] and actor["role"] != "host":
        raise HostOnly
    members = present_members(tx, room["id"])
    member = next((each for each in members if each["participant_id"] == participant_id), None)
    if member is None:
        raise PeerNotFound
    if (body.role == "host") != (member["role"] == "host"):
        raise ValidationError("role: a host is made by handing over", field="role")
    seat = _seat(room, members, member, body)
    if (body.role, seat) != (member["role"], member["seat"]):
        places.change(tx, member, role=body.role, seat=seat)
        data = {"participantId": participant_id, "role": body.role, "seat": seat}
        publish(tx, room, now, "role-changed", actor["participant_id"], data, members=True)
        promote_if_gone(tx, now, room)
    return room_seen_by(tx, now, room, actor)


def _seat(room: Room, members: list[Member], member: Member, body: ChangeRole) -> int | None:
    """The seat that a member has then. Raises `ValidationError`, `SeatTaken`."""
    if body.role == "spectator":
        return None
    taken = rules.taken_seats([each for each in members if each["id"] != member["id"]])
    if body.seat is not None:
        rules.check_seat(room["seats"], taken, body.seat)
        return body.seat
    if "seat" in body.model_fields_set:
        return None
    if member["role"] == "spectator":
        return rules.seat_for(room["seats"], taken, None)
    return member["seat"]
