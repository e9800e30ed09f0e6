"""Counts for the metrics and for `python -m party stats`."""

from datetime import datetime, timezone
from typing import Any

from party.db import Connection, Duplicate, Row, snapshot

DAY_MS = 24 * 3_600_000


def day_of(ms: int) -> str:
    """The UTC day of a time, as YYYY-MM-DD."""
    return datetime.fromtimestamp(ms / 1000, timezone.utc).date().isoformat()


@snapshot
def current(tx: Connection, now: int, online_ms: int) -> dict[str, Any]:
    """How things stand: rooms by status, members_online, signals_pending, their oldest age, rate_limited."""
    rooms = {"waiting": 0, "playing": 0, "ended": 0}
    for row in tx.all("SELECT status, COUNT(*) AS n FROM party_rooms GROUP BY status"):
        rooms[row["status"]] = row["n"]
    online = _number(
        tx,
        """
        SELECT COUNT(*) AS n FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.left_at IS NULL AND r.status <> 'ended' AND p.last_seen_at > :since
        """,
        since=now - online_ms,
    )
    signals = tx.one("SELECT COUNT(*) AS n, MIN(created_at) AS oldest FROM party_signaling")
    assert signals is not None
    refused = _number(tx, "SELECT COALESCE(SUM(refused), 0) AS n FROM party_rate_limits")
    refused_before = _number(tx, "SELECT COALESCE(SUM(rate_limited), 0) AS n FROM party_days")
    return {
        "rooms": rooms,
        "members_online": online,
        "signals_pending": signals["n"],
        "oldest_signal_age_seconds": (now - signals["oldest"]) / 1000 if signals["n"] else 0,
        "rate_limited": refused + refused_before,
    }


@snapshot
def by_day(tx: Connection) -> list[Row]:
    """One row a day, newest first: {day, rooms, members, joins, signals, rate_limited}.

    A room counts, with all that happened in it, on the day on which it was opened. Days gone by
    come from what the cleanup noted when it purged their rooms.
    """
    days = {row["day"]: dict(row) for row in tx.all("SELECT * FROM party_days")}
    for room in tx.all("SELECT id, created_at FROM party_rooms"):
        counts = room_counts(tx, room["id"])
        day = days.setdefault(
            day_of(room["created_at"]),
            {"rooms": 0, "members": 0, "joins": 0, "signals": 0, "rate_limited": 0},
        )
        for name, count in counts.items():
            day[name] += count
    return [{**counts, "day": day} for day, counts in sorted(days.items(), reverse=True)]


def room_counts(tx: Connection, room_id: int) -> dict[str, int]:
    """What one room, or what is left of it, adds to its day.

    Every number it gave out was a signal or an event.
    """
    events = _number(tx, "SELECT COUNT(*) AS n FROM party_events WHERE room_id = :id", id=room_id)
    joins = _number(
        tx,
        "SELECT COUNT(*) AS n FROM party_events WHERE room_id = :id AND type = 'participant-joined'",
        id=room_id,
    )
    return {
        "rooms": _number(tx, "SELECT COUNT(*) AS n FROM party_rooms WHERE id = :id", id=room_id),
        "members": _number(
            tx, "SELECT COUNT(*) AS n FROM party_participants WHERE room_id = :id", id=room_id
        ),
        "joins": joins,
        "signals": _number(tx, "SELECT seq - skipped AS n FROM party_rooms WHERE id = :id", id=room_id)
        - events,
    }


def add_difference(tx: Connection, room: Row, before: dict[str, int]) -> None:
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


def _number(tx: Connection, sql: str, **parameters: Any) -> int:
    row = tx.one(sql, **parameters)
    return int(row["n"]) if row else 0
