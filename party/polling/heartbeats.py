"""Signs of life, gathered from polls and written together.

A member's row says when it last polled, its room's row when the room expires. Both may lag behind
by some seconds, so polls only leave a note here, and every few seconds one of them writes all notes.
A note that a dying process takes along is made again by the next poll, wherever that goes; if the
rows are already far behind, the poll writes at once.
"""

import time
from contextlib import suppress
from threading import Lock
from typing import NamedTuple

from party import clock
from party.config import Settings
from party.db import Connection, Database, Locked, transaction
from party.errors import Unavailable
from party.rooms.sightings import Sightings, sweep
from party.rows import Lifetime, Seen

FLUSH_SECONDS = 3.0
# A note is due when the row lags behind by this part of the time it matters for: that of being online, that
# of a room's life. The row is far behind at so many times that.
PART_SEEN, PART_ALIVE = 10, 100
FAR = 3
# Rows in one transaction: in a cluster, one of many would again and again be undone by changes of a few.
AT_ONCE = 50


class Heartbeats:
    """The notes of one process."""

    def __init__(self, database: Database, settings: Settings, sightings: Sightings) -> None:
        self._database = database
        self._settings = settings
        self._sightings = sightings
        self._ttl_ms = settings.room_ttl_ms
        self._seen_ms = settings.online_ms // PART_SEEN
        # Who is there now may be absent, or its room over, so much later.
        self._soon_ms = min(settings.online_ms, settings.room_ttl_ms)
        # Row id → when a member was seen, and when somebody was seen in a room; milliseconds since the epoch.
        self._members: dict[int, int] = {}
        self._rooms: dict[int, int] = {}
        self._lock = Lock()
        # Somebody wants to have notes written that came while others were.
        self._is_wanted = False
        self._flushed_at = time.monotonic()
        database.on_loss(self._forget)

    def _forget(self) -> None:
        """The notes may be of rows that others have now. Whoever is still there makes new ones."""
        self._members.clear()
        self._rooms.clear()

    def see(self, now: int, member: Seen) -> None:
        """`member` is there, whether that is to be noted or not."""
        self._sightings[member["id"]] = now

    def note(self, now: int, member: Seen, room: Lifetime) -> int:
        """`member` polled; `room` is its room's row, or the caller's, which has the same columns.

        What is noted is entered into these rows as well. Returns when the next note will be due.
        """
        self.see(now, member)
        unseen_ms = _behind_ms(member["last_seen_at"], now)
        ttl_ms = room["ttl_ms"] or self._ttl_ms
        alive_ms = min(ttl_ms, self._ttl_ms) // PART_ALIVE
        gain_ms = _behind_ms(room["expires_at"], now + ttl_ms) if room["status"] != "ended" else 0
        if unseen_ms >= self._seen_ms:
            self._members[member["id"]] = member["last_seen_at"] = now
        if gain_ms >= alive_ms:
            self._rooms[member["room_id"]] = now
            room["expires_at"] = now + ttl_ms
        late = unseen_ms >= FAR * self._seen_ms or gain_ms >= FAR * alive_ms
        if late or time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            with suppress(Unavailable):  # the notes are kept, and the poll itself needs none of it
                self.flush()
        seen_at: int = member["last_seen_at"]
        expires_at: int = room["expires_at"]
        return min(seen_at + self._seen_ms, expires_at - ttl_ms + alive_ms)

    def flush(self) -> None:
        """Write all notes. Raises `Unavailable`; then they are kept."""
        self._is_wanted = True
        # Whoever comes while another writes need not wait for that: the other writes once more.
        while self._is_wanted and self._lock.acquire(blocking=False):
            try:
                self._is_wanted = False
                self._flushed_at = time.monotonic()
                sweep(self._sightings, clock.now_ms(), self._settings)
                # Rooms before members, as everywhere.
                own_ttl = f"COALESCE(ttl_ms, {self._ttl_ms})"
                # A clock may have been set back, or this time made shorter: then it is due sooner.
                soon = f"({{0}} + {self._soon_ms})"
                also = f"due_at = CASE WHEN due_at > {soon} THEN {soon} ELSE due_at END, "
                self._write(_ROOMS, self._rooms, self._ttl_ms // PART_ALIVE, f"({{0}} + {own_ttl})", also)
                self._write(_MEMBERS, self._members, self._seen_ms, "{0}")
            finally:
                self._lock.release()

    def _write(
        self, column: "_Column", notes: dict[int, int], every_ms: int, sql: str, also: str = ""
    ) -> None:
        """Write these notes; `sql` is what becomes of the time of one, {0} standing for it.

        `also` is assigned before it.
        """
        written = dict(notes)
        if not written:
            return
        # While the database was away, whoever was still there has made a newer note; others mean nothing now.
        newest = max(written.values())
        ids = sorted(key for key, value in written.items() if value >= newest - every_ms)
        # One time for all, the earliest: they are at most some seconds apart.
        earliest = min(written[key] for key in ids)
        locked = set()
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            locked |= self._set(column, sql.format(earliest), also.format(earliest), some)
        for key, seen_at in written.items():
            if key not in locked and notes.get(key) == seen_at:
                notes.pop(key, None)

    def _set(self, column: "_Column", value: str, also: str, ids: list[int]) -> set[int]:
        """Set a column of these rows, but of those that somebody has locked: these, for another time."""
        try:
            _set_unless_locked(self._database, column, value, also, ids)
        except Locked:
            if len(ids) == 1:
                return set(ids)
            half = len(ids) // 2
            parts = (ids[:half], ids[half:])
            return set().union(*(self._set(column, value, also, part) for part in parts))
        return set()


def _behind_ms(stored: int, true: int) -> int:
    """How far a stored time lags behind; one from a clock that was ahead does by as much as it was."""
    return true - stored if stored <= true + clock.FUTURE_MS else stored - true


class _Column(NamedTuple):
    """A column that notes are written to."""

    table: str
    name: str
    condition: str = ""


_ROOMS = _Column("party_rooms", "expires_at", "AND status <> 'ended'")
_MEMBERS = _Column("party_participants", "last_seen_at")


@transaction
def _set_unless_locked(tx: Connection, column: _Column, value: str, also: str, ids: list[int]) -> None:
    """All or none; raises `Locked`: those who only note that they are there wait for nobody."""
    is_wrong = f"({column.name} < {value} OR {column.name} > {value} + {clock.FUTURE_MS})"
    where = f"WHERE id IN ({', '.join(map(str, ids))}) AND {is_wrong} {column.condition}"
    tx.lock_at_once(f"SELECT id FROM {column.table} {where} FOR UPDATE NOWAIT")
    tx.later(f"UPDATE {column.table} SET {also}{column.name} = {value} {where}")
