"""Held polls: those who wait for something to come, and the one thread that tells them.

A waiting poll holds no connection and no lock. While there are any, one thread reads the watched rooms
once in a tick, or at once when this process itself has changed one; asks once for all rooms that moved
to whom that matters; and wakes these. Everybody else goes on waiting.

Of two held polls of a member in one process the newer releases the older. An older one in another process
does no harm, for reading consumes nothing; as soon as its client has gone it is let go.
"""

import logging
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from flask import Flask

from party import clock
from party.db import Database, Locked, Row
from party.errors import RoomNotFound, Unavailable
from party.signaling import clients, store
from party.signaling.heartbeats import Heartbeats
from party.signaling.pace import NEGOTIATION_LASTS_MS, breath_ms
from party.signaling.watch import TICK_SECONDS, Position, Watch, position
from party.stream import is_good

log = logging.getLogger(__name__)

# Threads are few, and other requests need some: so many of them may wait. A server that knows how many
# it has says better (see deploy/gunicorn.conf.py); greenlets are plenty.
THREADS_THAT_MAY_WAIT = 3
GREENLETS_THAT_MAY_WAIT = 1_000_000
# How often the thread looks whether the clients of those who wait are still there.
CLIENTS_SECONDS = 0.5
# How often the thread notes that those who wait are alive.
ALIVE_SECONDS = 5.0
# Rooms in which connections are being made are read more often than once in a tick, unless they are many.
QUICK_TICK_SECONDS = 0.02
QUICK_ROOMS = 50
# Rooms that have not moved are looked at only so often: for signals that expire, and to be sure.
LOOK_EVERYWHERE_SECONDS = 1.0
# Between two readings that this process' own changes ask for.
BREATH_SECONDS = 0.005
PAUSE_AFTER_FAILURE_SECONDS = 1.0
# SQLite takes an expression of at most 1,000 parts.
ROOMS_AT_ONCE = 500


class Waiter:
    """One held poll. `news` is set when it should look; `released`, when it should go home."""

    __slots__ = ("caller", "connection", "news", "released", "seen")

    def __init__(self, caller: Row, seen: int, connection: Any) -> None:
        self.caller = caller
        # Up to here there was nothing for it.
        self.seen = seen
        self.connection = connection
        self.news = threading.Event()
        self.released = False

    def release(self) -> None:
        """Let it answer at once, with nothing."""
        self.released = True
        self.news.set()


class Holding:
    """The held polls of one process."""

    def __init__(self, app: Flask, database: Database, watch: Watch, heartbeats: Heartbeats) -> None:
        # How many may wait; a server may set it, before the first request.
        self.most = GREENLETS_THAT_MAY_WAIT if _threads_are_greenlets() else THREADS_THAT_MAY_WAIT
        self._app = app
        self._database = database
        self._watch = watch
        self._heartbeats = heartbeats
        # Room → member → who waits there.
        self._rooms: dict[int, dict[int, Waiter]] = {}
        self._count = 0
        # Up to which position each room's waiters have been told.
        self._told: dict[int, Position] = {}
        # Rooms in which somebody has begun to wait since the last look.
        self._entered: set[int] = set()
        self._look_everywhere_at = 0.0
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        # Rooms that this process has changed itself: these need not wait for the tick.
        self._moved_here: set[int] = set()
        # Those with waiters in which connections are being made, unless they are many.
        self._quick: list[int] = []
        self._too_many_for_quick = False
        self._changed = threading.Event()
        self._closing = False
        database.on_commit(self._on_commit)

    def hold(self, environ: dict[str, Any], caller: Row, answer: Row, seconds: float) -> Row:
        """Wait until something for the caller comes: the answer of a poll that had none.

        It comes back empty after `seconds`, if a newer poll of the same member waits, if the client is
        gone, if the process stops, and at once if all places are taken. Raises `TokenInvalid`, `BadCursor`.
        """
        waiter = Waiter(caller, answer["seq"], clients.connection_of(environ))
        if not self._enter(waiter):
            return answer
        deadline = time.monotonic() + seconds
        try:
            self._begin_to_tell()
            while waiter.news.wait(max(0.0, deadline - time.monotonic())) and not waiter.released:
                waiter.news.clear()
                found = self._look(waiter)
                if found["messages"] or found["gap"]:
                    return {**found, "pollAfterMs": breath_ms()}
                waiter.seen = found["seq"]
        finally:
            self._leave(waiter)
        # Nothing lies between the stored acknowledgement and this number: the next poll finds it so, too.
        self._watch.remember(caller, waiter.seen)
        # Whoever was sent away comes again at the usual pace, and not with all others at once.
        pause = answer["pollAfterMs"] if waiter.released else 0
        return {**answer, "seq": waiter.seen, "pollAfterMs": pause}

    def _look(self, waiter: Waiter) -> dict[str, Any]:
        """What has come for a waiter."""
        with self._app.app_context():
            return store.read(self._database, clock.now_ms(), waiter.caller, waiter.seen)

    def release_all(self) -> None:
        """The process stops: everybody goes home, and nobody waits any more.

        A signal's handler may call this: it takes no lock that somebody might hold for long.
        """
        self._closing = True
        for waiters in list(self._rooms.values()):
            for waiter in list(waiters.values()):
                waiter.release()

    def _enter(self, waiter: Waiter) -> bool:
        """Take a place; whether there was one."""
        caller = waiter.caller
        room_id = caller["room_id"]
        with self._lock:
            older = self._rooms.get(room_id, {}).get(caller["id"])
            if self._closing or (older is None and self._count >= self.most):
                return False
            if older is not None:
                # A dead token's poll has to find that out.
                if older.caller["token_hash"] == caller["token_hash"]:
                    older.release()
                else:
                    older.news.set()
            else:
                self._count += 1
            self._rooms.setdefault(room_id, {})[caller["id"]] = waiter
            # What the room's waiters have been told already, this one has to look for itself.
            position = caller["code"], waiter.seen
            if self._told.setdefault(room_id, position) != position:
                waiter.news.set()
            self._entered.add(room_id)
            self._watch.keep((room_id,))
        if self._closing:  # only now, so that `release_all` may have missed this one
            waiter.release()
        return True

    def _begin_to_tell(self) -> None:
        with self._lock:
            if self._thread is None and self._rooms:
                thread = threading.Thread(target=self._run, name="party-holding", daemon=True)
                thread.start()
                self._thread = thread

    def _leave(self, waiter: Waiter) -> None:
        room_id, member_id = waiter.caller["room_id"], waiter.caller["id"]
        with self._lock:
            waiters = self._rooms.get(room_id, {})
            if waiters.get(member_id) is waiter:
                del waiters[member_id]
                self._count -= 1
                if not waiters:
                    self._rooms.pop(room_id, None)
                    self._told.pop(room_id, None)

    def _on_commit(self, room_ids: set[int]) -> None:
        if not self._rooms.keys().isdisjoint(room_ids):
            self._moved_here.update(room_ids)
            self._changed.set()

    def _run(self) -> None:
        """Until nobody waits any more."""
        next_tick = next_alive = next_clients = time.monotonic()
        while True:
            with self._lock:
                if not self._rooms:
                    self._thread = None
                    return
            began = time.monotonic()
            if began >= next_clients:
                next_clients = began + CLIENTS_SECONDS
                self._release_the_gone()
            try:
                with self._app.app_context():
                    if began < next_tick:
                        self._tell([*self._quick, *self._take_moved_here()])
                    else:
                        self._tell(None)
                        next_tick = began + TICK_SECONDS
                    # Never busy for more than half of the time.
                    next_tick = max(next_tick, began + 2 * (time.monotonic() - began))
                    if began >= next_alive:
                        next_alive = began + ALIVE_SECONDS
                        self._note_alive()
            except Unavailable:
                self._pause_after_failure()
            except Exception:
                log.exception("telling those who wait failed")
                self._pause_after_failure()
            time.sleep(BREATH_SECONDS)
            next_look = min(next_tick, began + QUICK_TICK_SECONDS) if self._quick else next_tick
            self._changed.wait(max(0.0, next_look - time.monotonic()))
            self._changed.clear()

    def _pause_after_failure(self) -> None:
        time.sleep(PAUSE_AFTER_FAILURE_SECONDS)
        self._look_everywhere_at = 0.0

    def _take_moved_here(self) -> list[int]:
        """The rooms with waiters that this process has changed since it was asked last."""
        found = []
        while self._moved_here:
            found.append(self._moved_here.pop())
        return [room_id for room_id in found if room_id in self._rooms]

    def _tell(self, room_ids: list[int] | None) -> None:
        """Read these rooms, or all that are waited in, and wake those for whom something has come."""
        with self._lock:
            told = dict(self._told)
            entered, self._entered = self._entered, set()
        began = time.monotonic()
        self._watch.read(room_ids)
        everywhere = room_ids is None and began >= self._look_everywhere_at
        if everywhere:
            self._look_everywhere_at = began + LOOK_EVERYWHERE_SECONDS
        else:
            moved = self._watch.take_moved() if room_ids is None else room_ids
            told = {room_id: told[room_id] for room_id in entered.union(moved) if room_id in told}
        now = clock.now_ms()
        # Of this moment: whoever polls may have rooms read again at any time, and further on than we look.
        rooms = {room_id: self._watch.last(room_id) for room_id in told}
        self._choose_quick_rooms(now, rooms, everywhere)
        self._wake(told, rooms)
        for room_id, room in rooms.items():
            if room and room["signals_expire_at"] is not None and room["signals_expire_at"] <= now:
                self._drop_signals(now, room_id)

    def _choose_quick_rooms(self, now: int, rooms: dict[int, Row | None], everywhere: bool) -> None:
        """Those of `rooms` in which connections are being made are read more often from now on.

        They come on top of those known before, unless `rooms` are all there are.
        """
        if self._too_many_for_quick and not everywhere:
            return
        quick = set() if everywhere else set(self._quick)
        quick |= {
            room_id
            for room_id, room in rooms.items()
            if room and abs(now - room["negotiated_at"]) < NEGOTIATION_LASTS_MS
        }
        self._too_many_for_quick = len(quick) > QUICK_ROOMS
        self._quick = [] if self._too_many_for_quick else list(quick)

    def _wake(self, told: dict[int, Position], rooms: dict[int, Row | None]) -> None:
        """Wake those for whom something has come: waiters were `told` so much, and `rooms` are so now."""
        # Rooms in which everybody must look, for they may have lost what these have seen; and those in which
        # they must to whom what came after this number is addressed. Whose token died, was sent an event.
        everybody = {id for id, room in rooms.items() if room is None or _may_have_lost(room, told[id])}
        since = {
            id: told[id][1]
            for id, room in rooms.items()
            if room and id not in everybody and told[id][1] < room["seq"]
        }
        wanted = addressees(self._database, since) if since else {}
        with self._lock:
            for room_id in everybody | since.keys():
                room, to = rooms[room_id], wanted.get(room_id, set())
                waiters = self._rooms.get(room_id, {})
                if self._told.get(room_id) != told[room_id]:
                    self._entered.add(room_id)  # others wait there by now: compare with what they know
                    continue
                if room is not None and waiters:
                    self._told[room_id] = position(room)
                for member_id, waiter in waiters.items():
                    if room is None or room_id in everybody or None in to or member_id in to:
                        waiter.news.set()
                    elif not waiter.news.is_set() and waiter.seen >= told[room_id][1]:
                        waiter.seen = max(waiter.seen, room["seq"])

    def _drop_signals(self, now: int, room_id: int) -> None:
        # Purged meanwhile; or locked: then the next look does it, and nobody else has to wait.
        with suppress(RoomNotFound, Locked):
            store.drop_expired(self._database, now, room_id, wait=False)

    def _release_the_gone(self) -> None:
        """Let those go home whose clients have gone: others need their places."""
        waiting = [
            waiter
            for waiters in list(self._rooms.values())
            for waiter in list(waiters.values())
            if waiter.connection is not None
        ]
        gone = clients.gone(waiter.connection for waiter in waiting)
        for waiter in waiting if gone else ():
            if waiter.connection.fileno() in gone:
                waiter.release()

    def _note_alive(self) -> None:
        now = clock.now_ms()
        self._watch.keep(list(self._rooms))
        for waiters in list(self._rooms.values()):
            for waiter in list(waiters.values()):
                room = self._watch.last(waiter.caller["room_id"])
                if room is not None:
                    self._heartbeats.note(now, waiter.caller, room)


def addressees(database: Database, since: dict[int, int]) -> dict[int, set[int | None]]:
    """For whom the messages after these numbers are: room → members' row ids, or None for all."""
    places = [f"(room_id = {room_id:d} AND seq > {seq:d})" for room_id, seq in since.items()]
    found: dict[int, set[int | None]] = {}
    for start in range(0, len(places), ROOMS_AT_ONCE):
        somewhere = " OR ".join(places[start : start + ROOMS_AT_ONCE])
        for row in database.all_as_they_stand(
            f"SELECT room_id, to_id FROM party_signaling WHERE {somewhere}"
            f" UNION SELECT room_id, to_id FROM party_events WHERE {somewhere}"
        ):
            found.setdefault(row["room_id"], set()).add(row["to_id"])
    return found


def _may_have_lost(room: Row, told: Position) -> bool:
    """Whether those who were told of this position may have seen what is not there any more."""
    code, seq = told
    return room["code"] != code or not is_good(room, seq)


def _threads_are_greenlets() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")
