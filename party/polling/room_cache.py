"""What this process remembers of rooms and members, so that a poll of a quiet room needs no query.

The rooms that are being polled here are read together, with one statement for all pollers, at most
once in a tick as soon as many polls come. What is remembered may then be a tick old, which loses
nothing: the next poll sees it. What this process itself has changed it reads again at once.

A seat, loaded with its token, is good while the room's `members_seq` is the one that it was loaded with:
every change of membership or status, and every page that takes a seat over, gives the room a new one.

A database may have lost commits: then a reading shows a room further back than before, or another room under
the same id, and what was remembered of it is forgotten.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import cast

from party import clock
from party.db import Database
from party.errors import Unavailable
from party.rows import Caller, PolledRoom, RoomState, columns

TICK_SECONDS = 0.05
# While fewer polls than this come within a tick, each reads its room afresh: a light query costs less
# than a stale answer then.
SHARED_FROM = 10
# A room that nobody asked for in this time is forgotten, with its seats.
FORGET_SECONDS = 30.0
# Up to so many rooms are read whole in each tick. Of more, only those that moved since the last tick, and in
# turn so many of all: a commit may come late, and the clocks of several hosts differ. A little where all
# go by one database server's (`party.clock`); more where there are several of those.
READ_WHOLE = 100
OVERLAP_MS = 700
CLOCKS_APART_MS = 5_000

_COLUMNS = columns(PolledRoom)

Position = tuple[str, int]


def position(room: RoomState) -> Position:
    """Where a room's stream is; the code tells it from another room that got the same id."""
    return room["code"], room["seq"]


@dataclass(slots=True)
class Seat:
    """A member as it was loaded together with the room's `members_seq`."""

    caller: Caller
    members_seq: int
    # The stored acknowledgement covers every message to this member up to here.
    covered: int
    # When it should be noted again that the member is alive.
    note_at: int = 0


class _Room:
    """A room as it was read last. Times are on the monotonic clock."""

    __slots__ = ("changed_at", "read_at", "row", "wanted_at")

    def __init__(self, now: float) -> None:
        self.row: PolledRoom | None = None
        # When it was last read by itself, or in few; and when this process last changed it.
        self.read_at = self.changed_at = float("-inf")
        self.wanted_at = now


class RoomCache:
    """The memory of one process. All of it can be thrown away at any moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rooms: dict[int, _Room] = {}
        self._seats: dict[str | None, Seat] = {}
        # Rooms that were found changed since somebody took these.
        self._moved: set[int] = set()
        self._reading = Lock()
        self._read_at = self._swept_at = time.monotonic()
        self._failed_at = 0.0
        self._read_at_ms = self._turn = 0
        # Polls in this tick and in the one before.
        self._tick, self._polls, self._polls_before = 0, 0, 0
        database.on_loss(self._forget_all)

    def seat(self, token_hash: str) -> Seat | None:
        """The seat of a token that was used here before; good while the room's `members_seq` is the same."""
        return self._seats.get(token_hash)

    def remember(self, caller: Caller, covered: int) -> None:
        """Keep what a request has found out about its caller, and its room."""
        known = self._seats.get(caller["token_hash"])
        if known and known.members_seq == caller["members_seq"]:
            known.covered = max(known.covered, covered)
        else:
            self._seats[caller["token_hash"]] = Seat(caller, caller["members_seq"], covered)
        self.keep((caller["room_id"],))

    def keep(self, room_ids: Iterable[int]) -> None:
        """These rooms are being polled."""
        now = time.monotonic()
        for room_id in room_ids:
            room = self._rooms.get(room_id) or self._rooms.setdefault(room_id, _Room(now))
            room.wanted_at = now

    def room(self, room_id: int, *, maximum_age: float = 0.0) -> PolledRoom | None:
        """A room that is being polled, read within so many seconds; None if it is not polled or is gone.

        While many polls come, it may be a tick old in any case. Raises `Unavailable`.
        """
        room = self._rooms.get(room_id)
        if room is None:
            return None
        now = room.wanted_at = time.monotonic()
        shared = self._many_polls(now)
        oldest = max(now - max(maximum_age, TICK_SECONDS if shared else 0.0), room.changed_at)
        if self._read_at_of(room) < oldest:
            with self._reading:
                # Those who waited for a reading that failed do not try one after the other.
                if self._failed_at > now:
                    raise Unavailable
                if self._read_at_of(room) < oldest:
                    try:
                        self._read(None if shared else [room_id])
                    except Unavailable:
                        self._failed_at = time.monotonic()
                        raise
        return room.row

    def last(self, room_id: int) -> PolledRoom | None:
        """A room as it was read last; None if it was not, or is gone."""
        room = self._rooms.get(room_id)
        return room.row if room else None

    def read(self, room_ids: Iterable[int] | None = None) -> None:
        """Read these of the rooms that are being polled, or all, now. Raises `Unavailable`."""
        with self._reading:
            self._read(room_ids)

    def take_moved(self) -> set[int]:
        """The rooms that were read and found changed, or gone, since this was asked last."""
        with self._reading:
            moved, self._moved = self._moved, set()
        return moved

    def expire(self, room_ids: Iterable[int]) -> None:
        """These rooms have changed: what was read before does not count."""
        now = time.monotonic()
        for room_id in room_ids:
            if room := self._rooms.get(room_id):
                room.changed_at = now

    def _forget_all(self) -> None:
        self._seats.clear()
        self.expire(list(self._rooms))

    def _read_at_of(self, room: _Room) -> float:
        """When the last reading began that this room was part of, if only as one that had not moved."""
        return max(room.read_at, self._read_at) if room.row else room.read_at

    def _many_polls(self, now: float) -> bool:
        tick = int(now / TICK_SECONDS)
        if tick != self._tick:
            self._polls_before = self._polls if tick == self._tick + 1 else 0
            self._tick, self._polls = tick, 0
        self._polls += 1
        return max(self._polls, self._polls_before) >= SHARED_FROM

    def _read(self, room_ids: Iterable[int] | None) -> None:
        began = time.monotonic()
        if began - self._swept_at > FORGET_SECONDS:
            self._sweep(began)
        if room_ids is None:
            self._read_all()
            return
        rooms = {room_id: room for room_id in room_ids if (room := self._rooms.get(room_id))}
        self._enter(rooms, self._read_whole(list(rooms)), whole=rooms)
        for room in rooms.values():
            room.read_at = began

    def _read_all(self) -> None:
        began, now = time.monotonic(), clock.now_ms()
        rooms = dict(self._rooms)
        whole, moved = list(rooms), []
        if len(rooms) > READ_WHOLE and began - self._read_at < FORGET_SECONDS and self._read_at_ms:
            # What this process has changed itself counts at once, however late its commit was.
            new = [
                room_id
                for room_id, room in rooms.items()
                if room.row is None or room.changed_at >= self._read_at
            ]
            self._turn = self._turn + READ_WHOLE if self._turn + READ_WHOLE < len(rooms) else 0
            whole = new + whole[self._turn : self._turn + READ_WHOLE]
            overlap_ms = OVERLAP_MS + (CLOCKS_APART_MS if self._database.engine.has_several_hosts else 0)
            moved = self._database.all(
                f"SELECT {_COLUMNS} FROM party_rooms WHERE moved_at >= :since",
                since=self._read_at_ms - overlap_ms,
            )
        self._enter(rooms, cast(list[PolledRoom], moved) + self._read_whole(whole), whole)
        self._read_at, self._read_at_ms = began, now

    def _read_whole(self, room_ids: list[int]) -> list[PolledRoom]:
        if not room_ids:
            return []
        ids = ", ".join(map(str, room_ids))
        rows = self._database.all(f"SELECT {_COLUMNS} FROM party_rooms WHERE id IN ({ids})")
        return cast(list[PolledRoom], rows)

    def _enter(self, rooms: dict[int, _Room], rows: list[PolledRoom], whole: Iterable[int]) -> None:
        """Take over what a reading of `rooms` found; of `whole`, what it did not find has been purged."""
        gone, lost = set(whole), set()
        # Rows of a second statement come later, and so never show less than those of the first.
        for row in rows:
            gone.discard(row["id"])
            room = rooms.get(row["id"])
            if room is None:
                continue
            known, room.row = room.row, row
            if known is None or position(row) != position(known):
                self._moved.add(row["id"])
            if known and (row["code"] != known["code"] or row["seq"] < known["seq"]):
                lost.add(row["id"])
        for room_id in gone:
            rooms[room_id].row = None
            self._rooms.pop(room_id, None)
            self._moved.add(room_id)
        if gone or lost:
            self._forget_seats(gone | lost)

    def _forget_seats(self, room_ids: set[int]) -> None:
        for token_hash, seat in list(self._seats.items()):
            if seat.caller["room_id"] in room_ids:
                self._seats.pop(token_hash, None)

    def _sweep(self, now: float) -> None:
        self._swept_at = now
        for room_id, room in list(self._rooms.items()):
            if now - room.wanted_at > FORGET_SECONDS:
                self._rooms.pop(room_id, None)
        self._moved &= self._rooms.keys()
        for token_hash, seat in list(self._seats.items()):
            row = self.last(seat.caller["room_id"])
            # It will not be good again.
            if row is None or row["members_seq"] != seat.members_seq:
                self._seats.pop(token_hash, None)
