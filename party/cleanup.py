"""Ending what is over and removing what nobody needs, in small pieces.

Cron runs all of it with `python -m party cleanup`. Where no cron runs, the app does a small piece
now and then behind an answer. Each piece is one transaction that looks again under a lock, so any
number of cleanups may run at once.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from flask import Flask, Response

from party import clock
from party.db import Connection, Database, Row, database, transaction
from party.errors import RoomNotFound, Unavailable
from party.rooms import store as rooms
from party.signaling import store as signals
from party.statistics import DAY_MS, add_to_day, day_of, room_counts
from party.stream import lock_room

log = logging.getLogger(__name__)

# A room is shown as ended for this long, then it is purged and its code becomes free.
KEEP_ENDED_MS = DAY_MS
# The app by itself does at most so many pieces of each job, at most once in so long.
PIECES = 20
EVERY_MS = 30_000
ALL = 1_000_000


@dataclass(frozen=True)
class Job:
    """Rows that are due at `:now`, and what is done with each: it returns how much was done."""

    name: str
    due: str
    work: Callable[[Database, int, Row], int]


def clean(db: Database, now: int, pieces: int = ALL) -> dict[str, int]:
    """Do what is due, at most `pieces` of each job: how much was done, by the job's name."""
    done = dict.fromkeys((job.name for job in JOBS), 0)
    for job in JOBS:
        for row in _due(db, job.due, now, pieces):
            with suppress(RoomNotFound):  # another cleanup was faster
                done[job.name] += job.work(db, now, row)
    return done


def add_job(job: Job) -> None:
    """Let a feature clean up what is its own."""
    if job not in JOBS:
        JOBS.append(job)


def _due(db: Database, sql: str, now: int, pieces: int) -> list[Row]:
    return db.all(f"{sql} LIMIT {pieces}", now=now, purge_before=now - KEEP_ENDED_MS)


def _end(db: Database, now: int, row: Row) -> int:
    rooms.end_expired(db, now, row["id"])
    return 1


def _drop_signals(db: Database, now: int, row: Row) -> int:
    return signals.drop_expired(db, now, row["id"])


@transaction
def _purge(tx: Connection, now: int, row: Row) -> int:
    """Delete a room with all that belongs to it, and count it into its day."""
    room = lock_room(tx, row["id"])
    add_to_day(tx, day_of(room["created_at"]), room_counts(tx, room["id"]))
    return tx.run("DELETE FROM party_rooms WHERE id = :id", id=room["id"])


@transaction
def _forget(tx: Connection, now: int, row: Row) -> int:
    """Delete a rate-limit row whose window is over, and count its refusals into the day that it ended."""
    found = tx.one(
        """
        SELECT refused, expires_at FROM party_rate_limits
        WHERE key_hash = :key AND expires_at <= :now
        FOR UPDATE
        """,
        key=row["key_hash"],
        now=now,
    )
    if found is None:
        return 0
    if found["refused"]:
        add_to_day(tx, day_of(found["expires_at"]), {"rate_limited": found["refused"]})
    return tx.run("DELETE FROM party_rate_limits WHERE key_hash = :key", key=row["key_hash"])


JOBS = [
    Job("rooms ended", "SELECT id FROM party_rooms WHERE status = 'waiting' AND expires_at <= :now", _end),
    Job("games ended", "SELECT id FROM party_rooms WHERE status = 'playing' AND expires_at <= :now", _end),
    Job("signals dropped", "SELECT id FROM party_rooms WHERE signals_expire_at <= :now", _drop_signals),
    Job("rooms purged", "SELECT id FROM party_rooms WHERE ended_at <= :purge_before", _purge),
    Job("rate limits forgotten", "SELECT key_hash FROM party_rate_limits WHERE expires_at <= :now", _forget),
]


class Housekeeping:
    """The cleanup of an installation without cron: a little at a time, when an answer is already out."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = Lock()
        self._last_ms = 0
        app.after_request(self._when_sent)

    def _when_sent(self, response: Response) -> Response:
        if self.is_due(clock.now_ms()):
            response.call_on_close(self._clean)
        return response

    def is_due(self, now: int) -> bool:
        """Whether the next answer should be followed by a piece of cleaning."""
        # The clock may have been set back: what counts is the distance.
        return abs(now - self._last_ms) >= EVERY_MS

    def _clean(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = clock.now_ms()
            self._last_ms = now
            with self._app.app_context(), suppress(Unavailable):
                clean(database(), now, PIECES)
        except Exception:
            log.exception("the cleanup failed")
        finally:
            self._lock.release()


def init_app(app: Flask) -> None:
    """Let the app clean up by itself."""
    app.extensions["party.housekeeping"] = Housekeeping(app)
