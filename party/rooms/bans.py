"""Those whom a room's host keeps out: by their ids and, where they gave one, by their devices."""

from party.db import Connection
from party.errors import Banned
from party.rows import Member, Room
from party.web import tokens


def device_hash(device_id: str | None) -> str | None:
    """The stored form of a device's id: it is nobody's business which rooms are of one device."""
    return tokens.keyed(f"device {device_id}") if device_id else None


def ban(tx: Connection, room: Room, member: Member) -> None:
    """Keep somebody out of a locked room from now on. Does not throw it out."""
    key = {"room_id": room["id"], "participant_id": member["participant_id"]}
    tx.insert_later("party_bans", [{**key, "device_hash": member["device_hash"]}])
    room["bans"] += 1
    tx.later("UPDATE party_rooms SET bans = :bans WHERE id = :id", id=room["id"], bans=room["bans"])


def check(tx: Connection, room: Room, participant_id: str | None, device_hash: str | None) -> None:
    """Raise `Banned` if this id or device is kept out."""
    if room["bans"] and tx.one(
        """
        SELECT participant_id FROM party_bans
        WHERE room_id = :id AND (participant_id = :participant_id OR device_hash = :device_hash)
        LIMIT 1
        """,
        id=room["id"],
        participant_id=participant_id,
        device_hash=device_hash,
    ):
        raise Banned
