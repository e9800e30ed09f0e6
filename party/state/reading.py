"""What of shared state is shown to whom: in a Room, and in the answers of polls."""

import json
from collections.abc import Callable
from typing import Any

from party.db import Connection, Row
from party.hooks import Fields, Item, Items
from party.rows import Room, Seat
from party.state import entries
from party.state.entries import FORGOTTEN, ROOM

# What an entry takes in an answer besides its value, rounded up.
ENVELOPE_BYTES = 256

# Of an entry `s`, whose owner is `p`.
_COLUMNS = """
    s.member_id, s.name, s.seq, s.bytes, s.visible_to, s.lost, s.expires_at, s.value,
    s.value IS NULL AS is_gone, p.participant_id AS by_id
"""


def of_room(tx: Connection, room: Room, viewer: Seat | None) -> Callable[[], Fields]:
    """{state: {room: {key: {value, seq}}, members: {id: {key: {value, seq}}}}}, as the viewer sees it."""
    # Mostly there has never been any.
    if not room["silent_seq"]:
        return lambda: {"state": {"room": {}, "members": {}}}
    answer = tx.later(
        f"""
        SELECT {_COLUMNS} FROM party_state s LEFT JOIN party_participants p ON p.id = s.member_id
        WHERE s.room_id = :id AND s.value IS NOT NULL ORDER BY s.seq, s.name
        """,
        id=room["id"],
    )

    def fields() -> Fields:
        of_room: Fields = {}
        of_members: dict[str, Fields] = {}
        you = viewer or _host(tx, room)
        for row in answer.all():
            entry = entries.of_row(row)
            if entry.is_seen_by(you["id"], you["role"]):
                scope = of_room if entry.owner == ROOM else of_members.setdefault(row["by_id"], {})
                scope[entry.name] = {"value": json.loads(row["value"]), "seq": entry.seq}
        return {"state": {"room": of_room, "members": of_members}}

    return fields


def _host(tx: Connection, room: Room) -> dict[str, Any]:
    found = tx.one(
        "SELECT id FROM party_participants WHERE room_id = :id AND participant_id = :host_id",
        id=room["id"],
        host_id=room["host_id"],
    )
    return {"id": found["id"] if found else ROOM, "role": "host"}


def items_later(tx: Connection, caller: Seat, after: int) -> Items:
    """What has changed after a number for a reader, the latest of each key; and whether some is forgotten.

    Who was no member then had seen nothing: it is given all there is.
    """
    answer = tx.later(
        f"""
        SELECT {_COLUMNS}, you.id AS your_id, you.role AS your_role, you.joined_seq
        FROM party_participants you JOIN party_state s ON s.room_id = you.room_id
            LEFT JOIN party_participants p ON p.id = s.member_id
        WHERE you.id = :id AND you.role <> 'guest'
            AND s.seq > CASE WHEN :after < you.joined_seq THEN 0 ELSE :after END
        ORDER BY s.seq, s.name
        """,
        id=caller["id"],
        after=after,
    )

    def items() -> tuple[list[Item], bool]:
        rows = answer.all()
        found = [item for row in rows if row["name"] != FORGOTTEN and (item := _item(row, after))]
        return found, any(row["name"] == FORGOTTEN and row["seq"] > _since(row, after) for row in rows)

    return items


def _since(row: Row, after: int) -> int:
    """Before the reader came, its row was another's."""
    joined_seq: int = row["joined_seq"]
    return max(after, joined_seq)


def _item(row: Row, after: int) -> Item | None:
    entry = entries.of_row(row)
    scope = "room" if entry.owner == ROOM else "me"
    shown: Fields = {"scope": scope, "by": row["by_id"], "key": entry.name}
    if entry.is_seen_by(row["your_id"], row["your_role"]):
        # To whoever came later, all that there was is given under the number with which it came.
        at = max(entry.seq, row["joined_seq"])
        shown |= {"value": json.loads(row["value"]), "seq": entry.seq}
    elif (at := entry.lost.get(row["your_id"], 0)) > _since(row, after):
        shown |= {"removed": True, "seq": at}
    else:
        return None
    return Item(at, "state", shown, row["bytes"] + ENVELOPE_BYTES)
