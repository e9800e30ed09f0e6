"""What rooms add to the statistics of a day: counted while they are there, kept when they go."""

from datetime import datetime, timezone
from typing import Any

from party.db import Connection, Duplicate
from party.rows import Stream


def day_of(ms: int) -> str:
    """The UTC day of a time, as YYYY-MM-DD."""
    return datetime.fromtimestamp(ms / 1000, timezone.utc).date().isoformat()


def room_counts(tx: Connection, room_id: int) -> dict[str, int]:
    """What one room, or what is left of it, adds to its day.

    Every number it gave out was a signal or an event.
    """
    events = number(tx, "SELECT COUNT(*) AS n FROM party_events WHERE room_id = :id", id=room_id)
    joins = number(
        tx,
        "SELECT COUNT(*) AS n FROM party_events WHERE room_id = :id AND type = 'participant-joined'",
        id=room_id,
    )
    return {
        "rooms": number(tx, "SELECT COUNT(*) AS n FROM party_rooms WHERE id = :id", id=room_id),
        "members": number(
            tx,
            "SELECT COUNT(*) AS n FROM party_participants WHERE room_id = :id AND role <> 'guest'",
            id=room_id,
        ),
        "joins": joins,
        "signals": number(tx, "SELECT seq - skipped AS n FROM party_rooms WHERE id = :id", id=room_id)
        - events,
    }


def add_difference(tx: Connection, room: Stream, before: dict[str, int]) -> None:
    """Add to a room's day what its `room_counts` have lost since `before`: the sum stays the same."""
    now = room_counts(tx, room["id"])
    lost = {name: count - now[name] for name, count in before.items() if count != now[name]}
    if lost:
        add_to_day(tx, day_of(room["created_at"]), lost)


def add_to_day(tx: Connection, day: str, counts: dict[str, int]) -> None:
    """Add counts to a day's row."""

    def add() -> int:
        assignments = ", ".join(f"{name} = {name} + :{name}" for name in counts)
        return tx.run(f"UPDATE party_days SET {assignments} WHERE day = :day", day=day, **counts)

    if not add():
        try:
            tx.insert_many("party_days", [{"day": day, **counts}])
        except Duplicate:  # another process has just made it
            add()


def number(tx: Connection, sql: str, **parameters: Any) -> int:
    """The `n` of a row; 0 where there is none."""
    row = tx.one(sql, **parameters)
    return int(row["n"]) if row else 0
