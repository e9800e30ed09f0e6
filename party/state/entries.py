"""The rows of shared state: who sees which, who has lost sight of it, and how they are stored."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from party.db import Connection, Row
from party.rows import Seat
from party.web.models import to_json

# In place of a member's row: the key is the room's.
ROOM = 0
# A scope's keys that went, and a room's when somebody leaves, of which so many are remembered.
KEPT_GONE = 64
KEPT_GONE_OF_ROOM = 512
# Of the row that says up to where they have been forgotten.
FORGOTTEN = ""

# An audience by name, or the rows of members.
Audience = str | frozenset[int]


@dataclass(frozen=True)
class Entry:
    """A key without its value; `is_gone` where it has none any more."""

    owner: int
    name: str
    seq: int
    bytes: int
    audience: Audience
    is_gone: bool = False
    expires_at: int | None = None
    # Who saw it and does not any more: the number with which that ended, by the member's row.
    lost: dict[int, int] = field(default_factory=dict)

    def is_seen_by(self, member_id: int, role: str) -> bool:
        """Whether a member with this role sees the value."""
        if self.is_gone or role == "guest":
            return False
        if self.owner == member_id or (self.owner == ROOM and role == "host"):
            return True
        if isinstance(self.audience, frozenset):
            return member_id in self.audience
        return self.audience == "all" or role == "host" or (self.audience == "players" and role == "player")

    def viewers(self, members: Iterable[Seat]) -> set[int]:
        """Who of these members sees it."""
        return {member["id"] for member in members if self.is_seen_by(member["id"], member["role"])}

    def become(self, later: "Entry", members: Sequence[Seat]) -> "Entry":
        """`later`, which takes its place, with those who saw this one and do not see that."""
        now = later.viewers(members)
        lost = {id: seq for id, seq in self.lost.items() if id not in now}
        lost |= dict.fromkeys(self.viewers(members) - now, later.seq)
        return replace(later, lost=lost)

    def gone(self, seq: int) -> "Entry":
        """What is left of it when it goes."""
        return replace(self, seq=seq, bytes=0, is_gone=True, expires_at=None)


_COLUMNS = "member_id, name, seq, bytes, visible_to, lost, expires_at, value IS NULL AS is_gone"


def read(tx: Connection, room_id: int, condition: str, **parameters: Any) -> list[Entry]:
    """A room's entries that a condition finds, without their values."""
    rows = tx.all(
        f"SELECT {_COLUMNS} FROM party_state WHERE room_id = :room_id AND name <> '' AND {condition}",
        room_id=room_id,
        **parameters,
    )
    return [of_row(row) for row in rows]


def of_row(row: Row) -> Entry:
    """An entry of a row with the columns that `read` reads."""
    visible_to = row["visible_to"]
    return Entry(
        row["member_id"],
        row["name"],
        row["seq"],
        row["bytes"],
        frozenset(json.loads(visible_to)) if visible_to.startswith("[") else visible_to,
        bool(row["is_gone"]),
        row["expires_at"],
        {int(id): seq for id, seq in json.loads(row["lost"] or "{}").items()},
    )


def insert(tx: Connection, room_id: int, new: Sequence[tuple[Entry, str]]) -> None:
    """Store entries of keys that have no row yet, with their values as JSON."""
    key = {"room_id": room_id}
    rows = [
        {**key, "member_id": entry.owner, "name": entry.name, "value": value, **_columns_of(entry)}
        for entry, value in new
    ]
    tx.insert_later("party_state", rows)


def update(tx: Connection, room_id: int, entry: Entry, value: str | None = None) -> None:
    """Change the row of a key; without a new value it keeps the one it has, if it still has any.

    What went, and nobody has seen, leaves no row.
    """
    where = "WHERE room_id = :room_id AND member_id = :owner AND name = :name"
    key = {"room_id": room_id, "owner": entry.owner, "name": entry.name}
    if entry.is_gone and not entry.lost:
        tx.later(f"DELETE FROM party_state {where}", **key)
        return
    columns = _columns_of(entry)
    if value is not None or entry.is_gone:
        columns["value"] = value
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    tx.later(f"UPDATE party_state SET {assignments} {where}", **columns, **key)


def forget(tx: Connection, room_id: int, gone: Sequence[Entry], kept: int) -> None:
    """Forget all but the latest `kept` of these keys that went: who has not heard of them will see a gap."""
    old = sorted((entry for entry in gone if entry.lost), key=lambda entry: entry.seq)[:-kept]
    if not old:
        return
    for entry in old:
        update(tx, room_id, replace(entry, lost={}))
    last = {"room_id": room_id, "seq": old[-1].seq}
    known = tx.one("SELECT seq FROM party_state WHERE room_id = :id AND name = ''", id=room_id)
    if known is None:
        row = {"member_id": ROOM, "name": FORGOTTEN, "value": None, "bytes": 0, "visible_to": "host"}
        tx.insert_later("party_state", [{**last, **row}])
    elif known["seq"] < last["seq"]:
        tx.later("UPDATE party_state SET seq = :seq WHERE room_id = :room_id AND name = ''", **last)


def _columns_of(entry: Entry) -> dict[str, Any]:
    audience = entry.audience
    return {
        "seq": entry.seq,
        "bytes": entry.bytes,
        "visible_to": audience if isinstance(audience, str) else to_json(sorted(audience)),
        "lost": to_json(entry.lost) if entry.lost else None,
        "expires_at": entry.expires_at,
    }
