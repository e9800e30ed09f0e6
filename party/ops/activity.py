"""What the processes do: how many polls and sends come, how short of capacity they are, when one cleaned up.

Polls leave no trace in the database. Each process notes now and then what it has counted, so that whichever
is asked can tell of all.
"""

import secrets
from contextlib import suppress
from typing import Any, TypedDict

from party import clock
from party.db import Connection, Database, Duplicate, Locked, snapshot, transaction
from party.load import load
from party.rooms.counts import number
from party.version import VERSION
from party.web.rate_limits import RateLimits

# A process that has noted nothing for so long does nothing, or is gone; its row goes after a day.
FRESH_MS = 90_000
GONE_MS = 86_400_000
# Notes are no closer together than this.
LEAST_MS = 10_000
CRON = "cron"

OVER = f"SELECT process FROM party_activity WHERE noted_at <= :now - {GONE_MS}"


class Activity(TypedDict):
    """All processes together."""

    processes: int
    # A process that is not of the release of the one that is asked is here, too.
    versions: list[str]
    polls_per_second: float
    sends_per_second: float
    # The greatest of any: 1 where pauses are as usual.
    back_off_factor: float
    # Seconds since any of them, or cron, cleaned up; None where that is more than a day.
    last_cleanup_age_seconds: float | None


class Noting:
    """What one process has noted."""

    def __init__(self, limits: RateLimits) -> None:
        self._limits = limits
        self._process = secrets.token_hex(8)
        self._noted_at, self._polls, self._sends = clock.now_ms(), 0, 0

    def note(self, database: Database, now: int) -> None:
        """Note what has been counted since the last time: the process has just cleaned up."""
        elapsed_ms = abs(now - self._noted_at)
        if elapsed_ms < LEAST_MS:
            return
        polls, sends = self._limits.polls.counted, self._limits.sends.counted
        counts = {"elapsed_ms": elapsed_ms, "polls": polls - self._polls, "sends": sends - self._sends}
        # It goes before somebody's next answer: whoever writes now is not waited for, it is noted later.
        with suppress(Locked):
            _store(database, now, self._process, counts)
            self._noted_at, self._polls, self._sends = now, polls, sends


def note_cron(database: Database, now: int) -> None:
    """Note that cron has cleaned up."""
    _store(database, now, CRON, {"elapsed_ms": 1, "polls": 0, "sends": 0})


@transaction
def _store(tx: Connection, now: int, process: str, counts: dict[str, int]) -> None:
    row = {"version": VERSION, "noted_at": now, "back_off": round(load.factor * 100), **counts}
    assignments = ", ".join(f"{name} = :{name}" for name in row)
    if process != CRON:
        tx.lock_at_once(f"SELECT process FROM party_activity WHERE process = '{process}' FOR UPDATE NOWAIT")
    update = f"UPDATE party_activity SET {assignments} WHERE process = :process"
    if not tx.run(update, process=process, **row):
        try:
            tx.insert_many("party_activity", [{"process": process, **row}])
        except Duplicate:  # two of cron's have just come at once
            tx.run(update, process=process, **row)


@transaction
def forget(tx: Connection, now: int, row: dict[str, Any]) -> int:
    """Delete the row of a process that is gone."""
    return tx.run(
        f"DELETE FROM party_activity WHERE process = :process AND noted_at <= :now - {GONE_MS}",
        process=row["process"],
        now=now,
    )


@snapshot
def current(tx: Connection, now: int) -> Activity:
    """What all processes have done lately."""
    rows = tx.all(
        f"""
        SELECT version, elapsed_ms, polls, sends, back_off FROM party_activity
        WHERE noted_at > :now - {FRESH_MS} AND process <> '{CRON}'
        """,
        now=now,
    )
    cleaned_at = number(tx, "SELECT COALESCE(MAX(noted_at), 0) AS n FROM party_activity")
    return {
        "processes": len(rows),
        "versions": sorted({row["version"] for row in rows}),
        "polls_per_second": round(sum(row["polls"] / row["elapsed_ms"] for row in rows) * 1000, 1),
        "sends_per_second": round(sum(row["sends"] / row["elapsed_ms"] for row in rows) * 1000, 1),
        "back_off_factor": max((row["back_off"] for row in rows), default=100) / 100,
        "last_cleanup_age_seconds": max(0, now - cleaned_at) / 1000 if cleaned_at else None,
    }
