"""Counts for the metrics and for `python -m party stats`."""

from typing import Any, TypedDict, cast

from party.db import Connection, snapshot
from party.rooms.counts import day_of, number, room_counts


class Day(TypedDict):
    """What a day saw; `day` is YYYY-MM-DD in UTC."""

    day: str
    rooms: int
    members: int
    joins: int
    signals: int
    rate_limited: int


@snapshot
def current(tx: Connection, now: int, online_ms: int) -> dict[str, Any]:
    """How things stand: rooms by status, members_online, signals_pending, their oldest age, rate_limited."""
    rooms = {"waiting": 0, "playing": 0, "ended": 0}
    for row in tx.all("SELECT status, COUNT(*) AS n FROM party_rooms GROUP BY status"):
        rooms[row["status"]] = row["n"]
    online = number(
        tx,
        """
        SELECT COUNT(*) AS n FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.left_at IS NULL AND p.role <> 'guest' AND r.status <> 'ended'
            AND p.presence = 'online' AND p.last_seen_at > :since
        """,
        since=now - online_ms,
    )
    signals = tx.one("SELECT COUNT(*) AS n, MIN(created_at) AS oldest FROM party_signaling")
    assert signals is not None
    refused = number(tx, "SELECT COALESCE(SUM(refused), 0) AS n FROM party_rate_limits")
    refused_before = number(tx, "SELECT COALESCE(SUM(rate_limited), 0) AS n FROM party_days")
    return {
        "rooms": rooms,
        "members_online": online,
        "signals_pending": signals["n"],
        "oldest_signal_age_seconds": (now - signals["oldest"]) / 1000 if signals["n"] else 0,
        "rate_limited": refused + refused_before,
    }


@snapshot
def by_day(tx: Connection) -> list[Day]:
    """One row a day, newest first.

    A room counts, with all that happened in it, on the day on which it was opened. Days gone by
    come from what the cleanup noted when it purged their rooms.
    """
    counted = ("rooms", "members", "joins", "signals", "rate_limited")
    days = {row.pop("day"): row for row in tx.all(f"SELECT day, {', '.join(counted)} FROM party_days")}
    for room in tx.all("SELECT id, created_at FROM party_rooms"):
        day = days.setdefault(day_of(room["created_at"]), dict.fromkeys(counted, 0))
        for name, count in room_counts(tx, room["id"]).items():
            day[name] += count
    return [cast(Day, {"day": day, **counts}) for day, counts in sorted(days.items(), reverse=True)]
