"""Ending what is over and removing what nobody needs, in small pieces.

Cron runs all of it with `python -m party cleanup`. Where no cron runs, the app does a small piece
now and then behind an answer. Each piece is one short transaction that looks again under a lock, so
any number of cleanups may run at once, and nobody waits long for one.
"""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from threading import Lock

from flask import Flask, Response

from party import clock
from party.config import settings
from party.db import Connection, Database, Locked, Row, SchemaBehind, Unreachable, database, transaction
from party.errors import RoomNotFound, Unavailable
from party.features import features
from party.hooks import Job
from party.ops import activity
from party.rooms.counts import add_difference, add_to_day, day_of, room_counts
from party.rooms.due import catch_up
from party.rooms.stream import lock_room

log = logging.getLogger(__name__)

# The app by itself does at most so many rows of each job, at most once in so long. It begins no piece
# after so many seconds; if it has not come to the end then, it goes on sooner.
PIECES = 20
EVERY_MS = 30_000
AGAIN_MS = 1_000
SECONDS = 0.05
ALL = 1_000_000
# Rows of a room that go in one transaction: a few milliseconds, some ten on a slow disk.
ROWS = 500
# Signals that are dropped in one transaction, of which each is a row to delete and an event to write.
SIGNALS = 100
# Between two pieces of one room cron leaves the database to others.
GIVE_WAY_SECONDS = 0.01
# What hangs on a room and can be much. Signals before members, or nobody would drop them; members before
# the rest, so that nobody sees a room of which parts are missing.
CHILDREN = ["party_signaling", "party_participants", "party_sent", "party_events", "party_dead_tokens"]


class Incomplete(Unavailable):
    """Some of it could not be done; all else was."""


def clean(db: Database, now: int, rows: int = ALL, seconds: float | None = None) -> dict[str, int]:
    """Do what is due, at most `rows` of each job: how much was done, by the job's name.

    With `seconds` no piece but the first is begun later than that. What fails keeps nothing else from
    being done: `Incomplete` is raised at the end. Raises `Unreachable`, `SchemaBehind` at once.
    """
    until = time.monotonic() + seconds if seconds is not None else None
    all_jobs = jobs()
    done = dict.fromkeys((job.name for job in all_jobs), 0)
    failures: list[str] = []
    # In no order: what takes all the time, or fails, is not always the same.
    for job in random.sample(all_jobs, len(all_jobs)):
        try:
            due = _due(db, job.due, now, rows)
            for row in random.sample(due, len(due)):
                _work(db, now, job, row, done, failures, until)
                if until is not None and time.monotonic() >= until:
                    return _complete(done, failures)
        except (Unreachable, SchemaBehind):
            raise
        except Unavailable as error:
            failures.append(_failed(job, error))
    return _complete(done, failures)


def _complete(done: dict[str, int], failures: list[str]) -> dict[str, int]:
    if failures:
        raise Incomplete(f"{len(failures)} of the cleanup could not be done: {failures[0]}")
    return done


def _work(
    db: Database, now: int, job: Job, row: Row, done: dict[str, int], failures: list[str], until: float | None
) -> None:
    """Do one row of a job, piece by piece as long as there is time."""
    try:
        counts = job.work(db, now, row)
        for count in [counts] if isinstance(counts, int) else counts:
            done[job.name] += count
            if until is None:
                time.sleep(0 if count else GIVE_WAY_SECONDS)
            elif time.monotonic() >= until:
                return
    except RoomNotFound:  # another cleanup was faster
        return
    except (Unreachable, SchemaBehind):
        raise
    except Exception as error:
        failures.append(_failed(job, error))


def _failed(job: Job, error: Exception) -> str:
    failure = f"{job.name}: {error.__cause__ or error}"
    log.warning("cleanup: %s", failure, exc_info=not isinstance(error, Unavailable))
    return failure


def jobs() -> list[Job]:
    """All jobs, those of the app's features included."""
    return [*JOBS, *(job for feature in features().installed for job in feature.jobs)]


def children() -> list[str]:
    """The tables with a `room_id` that can grow large, in the order in which a room is purged from them."""
    return [*CHILDREN, *(table for feature in features().installed for table in feature.children)]


def _due(db: Database, sql: str, now: int, pieces: int) -> list[Row]:
    return db.all(f"{sql} LIMIT {pieces}", now=now, purge_before=now - settings().room_kept_ms)


def _catch_up(db: Database, now: int, row: Row) -> Iterator[int]:
    # Whoever has the room locked is not waited for: the next cleanup looks at it again.
    with suppress(Locked):
        while catch_up(db, now, row["id"], SIGNALS, wait=False):
            yield 0
        yield 1


def purge(db: Database, now: int, row: Row) -> Iterator[int]:
    """Delete a room with all that belongs to it."""
    while not _purge_piece(db, row["id"]):
        yield 0
    yield 1


@transaction
def _purge_piece(tx: Connection, room_id: int) -> bool:
    """Delete a piece of a room, and count it into the room's day; whether the room is gone."""
    room = lock_room(tx, room_id)
    features().room_going(tx, room)
    before = room_counts(tx, room_id)
    left = ROWS
    for table in children():
        left -= tx.delete_some(table, "room_id = :id", left, id=room_id)
        if left <= 0:
            break
    else:
        tx.run("DELETE FROM party_rooms WHERE id = :id", id=room_id)
    add_difference(tx, room, before)
    return left > 0


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
    Job("rooms caught up", "SELECT id FROM party_rooms WHERE due_at <= :now", _catch_up),
    Job("rooms purged", "SELECT id FROM party_rooms WHERE ended_at <= :purge_before", purge),
    Job("processes forgotten", activity.OVER, activity.forget),
    Job("rate limits forgotten", "SELECT key_hash FROM party_rate_limits WHERE expires_at <= :now", _forget),
]


class Housekeeping:
    """The cleanup of an installation without cron: a little at a time, when an answer is already out."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = Lock()
        self._activity = activity.Noting(app.extensions["party.rate_limits"])
        # When the next answer should be followed by a piece of cleaning.
        self.due_at = 0
        app.after_request(self._when_sent)

    def _when_sent(self, response: Response) -> Response:
        now = clock.now_ms()
        # The clock may have been set back: then it would never be due.
        if now >= self.due_at or now < self.due_at - EVERY_MS:
            response.call_on_close(self._clean)
        return response

    def _clean(self) -> None:
        if not self._lock.acquire(blocking=False):
            return
        try:
            now = clock.now_ms()
            self.due_at = now + EVERY_MS
            with self._app.app_context(), suppress(Unavailable):
                began = time.monotonic()
                clean(database(), now, PIECES, SECONDS)
                self._activity.note(database(), now)
                if time.monotonic() - began >= SECONDS:
                    self.due_at = now + AGAIN_MS
        except Exception:
            log.exception("the cleanup failed")
        finally:
            self._lock.release()


def init_app(app: Flask) -> None:
    """Let the app clean up by itself."""
    app.extensions["party.housekeeping"] = Housekeeping(app)
