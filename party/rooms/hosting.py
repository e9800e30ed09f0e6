"""Who hosts a room, and how another one comes to."""

from typing import Any, Literal

from party.config import settings
from party.db import Connection, transaction
from party.errors import PeerNotFound, WrongStatus
from party.rooms import places, rules
from party.rooms.events import publish
from party.rooms.stream import lock_as_member
from party.rooms.views import host_of, present_members, room_seen_by
from party.rows import Caller, Member, Room


@transaction
def hand_over(tx: Connection, now: int, caller: Caller, participant_id: str) -> dict[str, Any]:
    """Make a player the host: Room, as the old one sees it now. Raises `PeerNotFound`, `WrongStatus`."""
    room, host = lock_as_member(tx, caller)
    members = present_members(tx, room["id"])
    heir = next((each for each in members if each["participant_id"] == participant_id), None)
    if heir is None:
        raise PeerNotFound
    if heir["role"] != "player":
        raise WrongStatus("Only a player can become the host.")
    change_host(tx, now, room, host, heir, "handed-over")
    return room_seen_by(tx, now, room, host)


def change_host(
    tx: Connection,
    now: int,
    room: Room,
    host: Member,
    heir: Member,
    reason: Literal["left", "absent", "handed-over"],
) -> None:
    """Make another member the host of a locked room; the old one becomes a player."""
    places.change(tx, host, role="player")
    places.change(tx, heir, role="host")
    data = {"hostId": heir["participant_id"], "previousHostId": host["participant_id"], "reason": reason}
    publish(tx, room, now, "host-changed", host["participant_id"], data, members=True, host_id=data["hostId"])


def promote_if_gone(tx: Connection, now: int, room: Room) -> None:
    """Where a room wants it so, replace a host that has been gone for long by a player who is online."""
    if room["host_gone"] != "promote":  # mostly, and then nothing needs to be read
        return
    members = present_members(tx, room["id"])
    host = host_of(tx, room, members)
    heir = rules.next_host(members)
    if heir and heir["presence"] == "online" and rules.is_host_gone(now, room, host, settings()):
        change_host(tx, now, room, host, heir, "absent")
