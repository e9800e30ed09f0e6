"""The one thread that notifies those who wait.

While there are any, it reads their rooms once in a tick, or at once when this process itself has changed
one; asks once for all rooms that moved to whom that matters; and wakes these. Everybody else goes on
waiting.
"""

import logging
import threading
import time
from contextlib import suppress

from flask import Flask

from party import clock
from party.db import Database, Locked
from party.errors import RoomNotFound, Unavailable
from party.polling import clients
from party.polling.heartbeats import Heartbeats
from party.polling.room_cache import READ_WHOLE, TICK_SECONDS, Position, RoomCache
from party.polling.waiters import Waiters
from party.rooms.due import catch_up
from party.rooms.stream import is_due, is_good
from party.rows import RoomState

log = logging.getLogger(__name__)

# The tick for a while after something has moved, unless the rooms are many: what follows comes soon, as where
# a connection is made.
QUICK_TICK_SECONDS = 0.02
# How often it is looked whether the clients of those who wait are still there, and noted that they are
# alive; how often all rooms are looked at, whether they have moved or not; and how long a failure lasts.
CHECK_SECONDS = 0.8
# SQLite takes an expression of at most 1,000 parts.
ROOMS_AT_ONCE = 500


class Notifier:
    """The thread of one process; it lives as long as somebody waits."""

    def __init__(
        self, app: Flask, database: Database, rooms: RoomCache, heartbeats: Heartbeats, waiters: Waiters
    ) -> None:
        self._app = app
        self._database = database
        self._rooms = rooms
        self._heartbeats = heartbeats
        self._waiters = waiters
        self.is_running = False
        self._starting = threading.Lock()
        # Rooms that are known to have changed: these need not wait for the tick.
        self._changed: set[int] = set()
        self._woken = threading.Event()
        self._quick_until = 0.0
        # When the next thing is due in a room where somebody waits, as far as is known.
        self._due_at = 0

    def start(self) -> None:
        """Somebody waits."""
        with self._starting:
            if not self.is_running:
                threading.Thread(target=self._run, name="party-notifier", daemon=True).start()
                self.is_running = True

    def wake(self, room_ids: set[int]) -> None:
        """These rooms have changed."""
        if self._waiters.among(room_ids):
            self._changed.update(room_ids)
            self._woken.set()

    def _run(self) -> None:
        next_tick = next_check = 0.0
        while not self._ends():
            began = time.monotonic()
            checks = began >= next_check
            if checks:
                next_check = began + CHECK_SECONDS
                self._release_the_gone()
            try:
                with self._app.app_context():
                    if checks:
                        self._note_alive()
                    if checks or began >= next_tick:
                        self._notify_all(unmoved_too=checks)
                        tick = QUICK_TICK_SECONDS if began < self._quick_until else TICK_SECONDS
                        longer = min(CHECK_SECONDS, 2 * (time.monotonic() - began))
                        next_tick = began + max(tick, longer)
                    else:
                        self._notify(self._take_changed())
            except Exception as error:
                if not isinstance(error, Unavailable):
                    log.exception("notifying those who wait failed")
                time.sleep(CHECK_SECONDS)
                next_check = 0.0
            # Never busy for more than half of the time.
            time.sleep(min(time.monotonic() - began, QUICK_TICK_SECONDS))
            self._woken.wait(max(0.0, next_tick - time.monotonic()))
            self._woken.clear()

    def _ends(self) -> bool:
        with self._starting:
            self.is_running = len(self._waiters) > 0
            return not self.is_running

    def _take_changed(self) -> set[int]:
        """The rooms with waiters that have changed since this was asked last."""
        found = set()
        while self._changed:
            found.add(self._changed.pop())
        return set(self._waiters.among(found))

    def _notify_all(self, *, unmoved_too: bool) -> None:
        """Read all rooms, and notify those who wait in rooms that moved, or in any."""
        since, entered = self._waiters.last_notified()
        self._rooms.read()
        moved = self._rooms.take_moved()
        if moved and len(since) <= READ_WHOLE:
            self._quick_until = time.monotonic() + CHECK_SECONDS
        if unmoved_too or self._due_at <= clock.now_ms():
            self._due_at = clock.now_ms() + round(CHECK_SECONDS * 1000)
            self._notify_since(since)
        else:
            self._notify_since(_only(since, entered | moved))

    def _notify(self, room_ids: set[int]) -> None:
        """Read these rooms, and notify those who wait there."""
        since, entered = self._waiters.last_notified()
        self._rooms.read(room_ids | entered)
        if len(since) <= READ_WHOLE:
            self._quick_until = time.monotonic() + CHECK_SECONDS
        self._notify_since(_only(since, entered | room_ids))

    def _notify_since(self, since: dict[int, Position]) -> None:
        """Wake those to whom something is addressed that came after what was notified of in their rooms."""
        now = clock.now_ms()
        # Of this moment: whoever polls may have rooms read again at any time, and further on than we look.
        rooms = {room_id: self._rooms.last(room_id) for room_id in since}
        # Where anything that was seen may be lost, everybody looks. Whose token died, was sent an event.
        to: dict[int, set[int | None]] = {
            id: {None} for id, room in rooms.items() if room is None or _may_have_lost(room, since[id])
        }
        moved = {
            id: since[id][1]
            for id, room in rooms.items()
            if room is not None and id not in to and since[id][1] < room["seq"]
        }
        if moved:
            found = addressees(self._database, moved)
            to.update({room_id: found.get(room_id, set()) for room_id in moved})
        for room_id, members in to.items():
            self._waiters.notify(room_id, since[room_id], rooms[room_id], members)
        for room_id, room in rooms.items():
            if room and room["due_at"] is not None:
                self._due_at = min(self._due_at, room["due_at"])
            if room and is_due(room, now):
                # Purged meanwhile; or locked: then the next look does it, and nobody else has to wait.
                with suppress(RoomNotFound, Locked):
                    catch_up(self._database, now, room_id, wait=False)

    def _release_the_gone(self) -> None:
        """Let those go home whose clients have gone: others need their places."""
        waiting = [waiter for waiter in self._waiters.all() if waiter.connection is not None]
        gone = clients.gone(waiter.connection for waiter in waiting)
        for waiter in waiting if gone else ():
            if waiter.connection.fileno() in gone:
                waiter.release()

    def _note_alive(self) -> None:
        now = clock.now_ms()
        waiting = self._waiters.all()
        self._rooms.keep({waiter.caller["room_id"] for waiter in waiting})
        for waiter in waiting:
            room = self._rooms.last(waiter.caller["room_id"])
            self._heartbeats.see(now, waiter.caller)
            if room is not None and now >= waiter.note_at:
                waiter.note_at = self._heartbeats.note(now, waiter.caller, room)


def addressees(database: Database, since: dict[int, int]) -> dict[int, set[int | None]]:
    """For whom the messages after these numbers are: room → members' row ids, or None for all."""
    places = [f"(room_id = {room_id:d} AND seq > {seq:d})" for room_id, seq in since.items()]
    rooms = [f"(id = {room_id:d} AND silent_seq > {seq:d})" for room_id, seq in since.items()]
    found: dict[int, set[int | None]] = {}
    for start in range(0, len(places), ROOMS_AT_ONCE):
        somewhere = " OR ".join(places[start : start + ROOMS_AT_ONCE])
        silent = " OR ".join(rooms[start : start + ROOMS_AT_ONCE])
        for row in database.all(
            f"SELECT room_id, to_id FROM party_signaling WHERE {somewhere}"
            f" UNION SELECT room_id, to_id FROM party_events WHERE {somewhere}"
            # For whom those of features are, only they know.
            f" UNION SELECT id, NULL FROM party_rooms WHERE {silent}"
        ):
            found.setdefault(row["room_id"], set()).add(row["to_id"])
    return found


def _only(since: dict[int, Position], room_ids: set[int]) -> dict[int, Position]:
    return {room_id: since[room_id] for room_id in room_ids if room_id in since}


def _may_have_lost(room: RoomState, since: Position) -> bool:
    """Whether those who were notified of this position may have seen what is not there any more."""
    code, seq = since
    return room["code"] != code or not is_good(room, seq)
