"""The rooms that there are, for the admin: how many are in them and in what state, names only on purpose."""

from collections import Counter
from typing import Any

from party.clock import iso, iso_or_none
from party.db import Connection, Database, snapshot, transaction
from party.errors import RoomNotFound
from party.rooms.ending import end_locked
from party.rooms.finding import by_code
from party.rooms.stream import lock_room
from party.rooms.views import everybody

MOST = 200


@snapshot
def rooms(tx: Connection, now: int, online_ms: int, most: int = MOST) -> list[dict[str, Any]]:
    """Rooms that have not ended, those first in which something happened last: no names."""
    rows = tx.all(
        """
        SELECT r.code, r.status, r.game_type, r.created_at, r.moved_at, r.expires_at,
               r.seq - r.skipped AS seq,
               (SELECT COUNT(*) FROM party_participants p
                WHERE p.room_id = r.id AND p.left_at IS NULL AND p.role <> 'guest') AS members,
               (SELECT COUNT(*) FROM party_participants p
                WHERE p.room_id = r.id AND p.left_at IS NULL AND p.last_seen_at > :since) AS online
        FROM party_rooms r WHERE r.ended_at IS NULL ORDER BY r.moved_at DESC LIMIT :most
        """,
        since=now - online_ms,
        most=most,
    )
    times = {"created_at": "createdAt", "moved_at": "movedAt", "expires_at": "expiresAt"}
    names = {"game_type": "gameType"}
    return [
        {
            names.get(name, times.get(name, name)): iso(value) if name in times else value
            for name, value in row.items()
        }
        for row in rows
    ]


@snapshot
def room(tx: Connection, code: str, *, names: bool = False) -> dict[str, Any]:
    """A room by its code: members by role and presence, with `names` who they are. Raises `RoomNotFound`."""
    found = by_code(tx, code)
    if found is None:
        raise RoomNotFound
    members, waiting = everybody(tx, found["id"])
    signals = tx.one("SELECT COUNT(*) AS n FROM party_signaling WHERE room_id = :id", id=found["id"])
    assert signals is not None
    shown: dict[str, Any] = {
        "code": found["code"],
        "status": found["status"],
        "gameType": found["game_type"],
        "maxParticipants": found["max_participants"],
        "hasPassword": found["password_hash"] is not None,
        "createdAt": iso(found["created_at"]),
        "startedAt": iso_or_none(found["started_at"]),
        "endedAt": iso_or_none(found["ended_at"]),
        "expiresAt": iso(found["expires_at"]),
        "seq": found["seq"] - found["skipped"],
        "signalsPending": signals["n"],
        "members": dict(Counter(f"{each['role']} {each['presence']}" for each in members + waiting)),
    }
    if names:
        shown["name"] = found["name"]
        shown["participants"] = [
            {"id": each["participant_id"], "name": each["name"], "role": each["role"]}
            for each in members + waiting
        ]
    return shown


def end(database: Database, now: int, code: str) -> None:
    """End a room, as its host would. Raises `RoomNotFound`."""
    found = by_code(database, code)
    if found is None:
        raise RoomNotFound
    end_by_id(database, now, found["id"])


@transaction
def end_by_id(tx: Connection, now: int, room_id: int) -> None:
    """The same by its row. Raises `RoomNotFound`."""
    room = lock_room(tx, room_id)
    if room["status"] != "ended":
        end_locked(tx, now, room, None, "ended")
