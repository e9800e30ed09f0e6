"""Counts for the metrics and for `python -m party stats`."""

from typing import Any, TypedDict, cast

from party.db import Connection, Row, snapshot
from party.features import features
from party.rooms.counts import day_of, number

COUNTED = ("rooms", "members", "joins", "signals", "rate_limited")


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


def _by_day(tx: Connection) -> list[Day]:
    """One row a day, newest first.

    A room counts, with all that happened in it, on the day on which it was opened. Days gone by
    come from what the cleanup noted when it purged their rooms.
    """
    days: dict[str, dict[str, int]] = {}
    noted = tx.all(f"SELECT day, {', '.join(COUNTED)} FROM party_days")
    for row in [*noted, *_of_rooms(tx)]:
        day = days.setdefault(row["day"], dict.fromkeys(COUNTED, 0))
        for name in COUNTED:
            day[name] += int(row.get(name, 0))
    return [cast(Day, {"day": day, **counts}) for day, counts in sorted(days.items(), reverse=True)]


by_day = snapshot(_by_day)


@snapshot
def with_features(tx: Connection, now: int) -> list[Row]:
    """As `by_day`, with the columns that features add."""
    days: dict[str, Row] = {row["day"]: dict(row) for row in _by_day(tx)}
    for day, counts in features().statistics(tx, now).items():
        days.setdefault(day, {"day": day, **dict.fromkeys(COUNTED, 0)}).update(counts)
    return [row for _, row in sorted(days.items(), reverse=True)]


def _of_rooms(tx: Connection) -> list[dict[str, Any]]:
    """What the rooms that there are add to their days: `room_counts` of many at once."""
    day = "r.created_at - r.created_at % 86400000 AS day"
    counts = (
        f"SELECT {day}, COUNT(*) AS rooms, SUM(seq - skipped) AS signals FROM party_rooms r GROUP BY day",
        f"""
        SELECT {day}, COUNT(*) AS members
        FROM party_rooms r JOIN party_participants p ON p.room_id = r.id GROUP BY day
        """,
        f"""
        SELECT {day}, SUM(CASE WHEN e.type = 'participant-joined' THEN 1 ELSE 0 END) AS joins,
               -COUNT(*) AS signals
        FROM party_rooms r JOIN party_events e ON e.room_id = r.id GROUP BY day
        """,
    )
    return [{**row, "day": day_of(int(row["day"]))} for sql in counts for row in tx.all(sql)]


def columns(days: list[Row]) -> list[str]:
    """The columns of all days: the core's, then those that features add."""
    found = dict.fromkeys(("day", *COUNTED))
    return list(found | dict.fromkeys(name for day in days for name in day))
