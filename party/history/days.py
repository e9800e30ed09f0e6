"""The sums of days, kept when they are over: they are read quickly, and outlive what they are made of."""

from collections.abc import Iterator
from typing import Any

from party.db import Connection, Database, Duplicate, Row, snapshot, transaction
from party.rooms.counts import day_of, number

DAY_MS = 86_400_000
# Later than anything.
NEVER_MS = 1 << 62

# One row where days are over and yesterday has not been summed.
DUE = f"""
    SELECT :now - :now % {DAY_MS} AS today FROM party_sessions
    WHERE id = (SELECT id FROM party_sessions WHERE started_at < :now - :now % {DAY_MS} LIMIT 1)
      AND NOT EXISTS (SELECT day FROM party_history_days WHERE day >= :now - :now % {DAY_MS} - {DAY_MS})
"""


def sum_days(database: Database, now: int, row: Row) -> Iterator[int]:
    """Sum the days that are over and on which something was, each in a transaction; and yesterday, by which
    it is known how far this has come."""
    unsummed = database.read(lambda tx: _days_with_something(tx, first_unsummed(tx), row["today"]))
    for day in sorted({*unsummed, row["today"] - DAY_MS}):
        yield _keep(database, day)


def first_moment(now: int) -> int:
    """Of the day of `now`."""
    return now - now % DAY_MS


def first_unsummed(tx: Connection) -> int:
    """The day behind the last one that has been summed."""
    last = tx.one("SELECT MAX(day) AS day FROM party_history_days")
    return last["day"] + DAY_MS if last and last["day"] is not None else 0


def _days_with_something(tx: Connection, first: int, end: int) -> list[int]:
    """The days on which sessions began or rooms ended, from `first` to before `end`."""
    rows = tx.all(
        f"""
        SELECT started_at - started_at % {DAY_MS} AS day FROM party_sessions
        WHERE started_at >= :first AND started_at < :end
        UNION
        SELECT ended_at - ended_at % {DAY_MS} AS day FROM party_games
        WHERE ended_at >= :first AND ended_at < :end
        """,
        first=first,
        end=end,
    )
    return [row["day"] for row in rows]


def _keep(database: Database, day: int) -> int:
    # Read before the writing transaction, which keeps others waiting: a day that is over does not change.
    sessions, games = database.read(lambda tx: (sessions_of(tx, day), games_of(tx, day)))
    try:
        _keep_sums(database, day, sessions, games)
    except Duplicate:  # another cleanup was faster
        return 0
    return 1


@transaction
def _keep_sums(tx: Connection, day: int, sessions: dict[str, int], games: list[dict[str, Any]]) -> None:
    tx.insert_many("party_history_days", [{"day": day, **sessions}])
    if games:
        tx.insert_many("party_game_days", [{"day": day, **game} for game in games])


def returns(device: str) -> str:
    """SQL: 1 for a device that was there before the day that begins at :start, 0 for others and for none."""
    before = f"SELECT b.id FROM party_sessions b WHERE b.device_hash = {device} AND b.started_at < :start"
    return f"CASE WHEN EXISTS ({before}) THEN 1 ELSE 0 END"


def sessions_of(tx: Connection, day: int) -> dict[str, int]:
    """Sessions that began on a day, the devices that they were on, and how many of these came again."""
    returned = f"COALESCE(s.is_return, {returns('s.device_hash')}) = 1"
    counted = tx.one(
        f"""
        SELECT COUNT(*) AS sessions, COUNT(DISTINCT s.device_hash) AS devices,
               COUNT(DISTINCT CASE WHEN {returned} THEN s.device_hash END) AS returning_devices
        FROM party_sessions s WHERE s.started_at >= :start AND s.started_at < :end
        """,
        start=day,
        end=day + DAY_MS,
    )
    assert counted is not None
    return counted


def games_of(tx: Connection, day: int) -> list[dict[str, Any]]:
    """By the type of game: the rooms that ended on a day, and what became of them."""
    return games_since(tx, day, day + DAY_MS)


def games_since(tx: Connection, start: int, end: int = NEVER_MS) -> list[dict[str, Any]]:
    """The same from a moment on, up to before another."""
    found = tx.all(
        """
        SELECT game_type, COUNT(*) AS opened, COUNT(started_at) AS started, SUM(completed) AS completed,
               SUM(members) AS members, SUM(ended_at - COALESCE(started_at, ended_at)) AS played_ms
        FROM party_games WHERE ended_at >= :start AND ended_at < :end
        GROUP BY game_type ORDER BY game_type
        """,
        start=start,
        end=end,
    )
    return [{name: _whole(value) for name, value in row.items()} for row in found]


def _whole(value: Any) -> Any:
    """MySQL gives sums as decimals."""
    return value if isinstance(value, str) else int(value)


def by_day(tx: Connection, now: int) -> dict[str, dict[str, float]]:
    """What statistics show: by the day, YYYY-MM-DD, and the column. `game.TYPE.…` is of one type of game."""
    found: dict[str, dict[str, float]] = {}
    sums = tx.all("SELECT day, sessions, devices, returning_devices FROM party_history_days")
    games = tx.all(
        "SELECT day, game_type, opened, started, completed, members, played_ms FROM party_game_days"
    )
    # Today, and what no cleanup has summed.
    for day in _days_with_something(tx, first_unsummed(tx), now + 1):
        sums.append({"day": day, **sessions_of(tx, day)})
        games += [{"day": day, **game} for game in games_of(tx, day)]
    for row in sums:
        date = day_of(row.pop("day"))
        if row["sessions"]:
            found[date] = dict(row)
    for row in sorted(games, key=lambda game: (game["day"], game["game_type"])):
        found.setdefault(day_of(row["day"]), {}).update(_columns(row))
    return found


def _columns(game: dict[str, Any]) -> dict[str, float]:
    name = f"game.{game['game_type'] or 'untyped'}"
    started = game["started"]
    return {
        f"{name}.opened": game["opened"],
        f"{name}.started": started,
        f"{name}.completed": game["completed"],
        f"{name}.completion_rate": round(game["completed"] / started, 3) if started else 0,
        f"{name}.members": game["members"],
        f"{name}.minutes": round(game["played_ms"] / 60_000),
    }


@snapshot
def device(tx: Connection, device_hash: str) -> dict[str, int | None]:
    """A device as far as it is remembered: when it was there first and last, how often, how often again.

    `reconnections` are pages that took a seat up again; `days` are those on which it came.
    """
    found = tx.one(
        f"""
        SELECT COUNT(*) AS sessions, COALESCE(SUM(rejoins), 0) AS reconnections,
               COUNT(DISTINCT started_at - started_at % {DAY_MS}) AS days, MIN(started_at) AS first_seen_at,
               MAX(COALESCE(ended_at, started_at)) AS last_seen_at
        FROM party_sessions WHERE device_hash = :hash
        """,
        hash=device_hash,
    )
    assert found is not None
    return {name: None if value is None else int(value) for name, value in found.items()}


@snapshot
def active_sessions(tx: Connection) -> int:
    """How many sessions are going on."""
    return number(
        tx,
        """
        SELECT COUNT(*) AS n FROM party_sessions s JOIN party_rooms r ON r.id = s.room_id
        WHERE s.ended_at IS NULL AND r.ended_at IS NULL
        """,
    )


@snapshot
def sessions_in(tx: Connection, room_id: int) -> list[Row]:
    """Who has been in a room, in order: also in one that is gone, as long as history is kept."""
    return tx.all(
        """
        SELECT participant_id, started_at, rejoins, ended_at, outcome FROM party_sessions
        WHERE room_id = :room_id ORDER BY started_at, id
        """,
        room_id=room_id,
    )
