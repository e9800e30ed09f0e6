"""Leaving, being removed, and the end of a room."""

from typing import Any, Literal

from party.clock import iso
from party.db import Connection, transaction
from party.errors import PeerNotFound
from party.rooms import bans, hosting, lobby, places, rules
from party.rooms.events import publish
from party.rooms.stream import lock_as_member
from party.rooms.views import everybody, present_members, room_view
from party.rows import Caller, Member, Room


@transaction
def leave(tx: Connection, now: int, caller: Caller) -> None:
    """The caller's place becomes free; without its host a room ends, or another one is host."""
    room, member = lock_as_member(tx, caller)
    depart(tx, now, room, member, "left")


def depart(tx: Connection, now: int, room: Room, member: Member, reason: Literal["left", "absent"]) -> None:
    """Somebody goes from a locked room, whatever it is there."""
    if member["role"] == "guest":
        lobby.withdraw(tx, now, room, member, reason)
        return
    gone = member["participant_id"]
    if member["role"] == "host":
        heir = rules.next_host(present_members(tx, room["id"])) if room["host_gone"] == "promote" else None
        if heir is None:
            places.free(tx, now, member, reason)
            end_locked(tx, now, room, gone, f"host-{reason}")
            return
        hosting.change_host(tx, now, room, member, heir, reason)
    places.free(tx, now, member, reason)
    data = {"participantId": gone, "reason": reason}
    publish(tx, room, now, "participant-left", gone, data, members=True)
    lobby.admit_waiting(tx, now, room)


@transaction
def remove(
    tx: Connection, now: int, caller: Caller, participant_id: str, ban: bool = False
) -> dict[str, Any]:
    """Throw another member out, or refuse a guest, and with `ban` for good: Room. Raises `PeerNotFound`."""
    room, host = lock_as_member(tx, caller)
    members, waiting = everybody(tx, room["id"])
    member = next((each for each in members + waiting if each["participant_id"] == participant_id), None)
    if member is None or member["id"] == host["id"]:
        raise PeerNotFound
    if ban:
        bans.ban(tx, room, member)
    if member["role"] == "guest":
        lobby.refuse(tx, now, room, host, member, "banned" if ban else "rejected")
        return room_view(tx, now, room)
    places.free(tx, now, member, "banned" if ban else "removed")
    data = {"participantId": participant_id, "reason": "banned" if ban else "removed"}
    publish(tx, room, now, "participant-removed", host["participant_id"], data, members=True)
    lobby.admit_waiting(tx, now, room)
    return room_view(tx, now, room)


@transaction
def end(tx: Connection, now: int, caller: Caller) -> None:
    """End the caller's room."""
    room, host = lock_as_member(tx, caller)
    end_locked(tx, now, room, host["participant_id"], "ended")


def end_locked(
    tx: Connection, now: int, room: Room, actor_id: str | None, reason: str, **outcome: Any
) -> None:
    """End a locked room; the event tells the reason, and the `outcome` of what was played in it."""
    data = {"status": "ended", "endedAt": iso(now), "reason": reason, **outcome}
    changes: dict[str, Any] = {"status": "ended", "ended_at": now, "expires_at": room["expires_at"]}
    publish(tx, room, now, "room-ended", actor_id, data, members=True, **changes)
