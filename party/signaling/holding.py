"""Held polls: those who wait for something to come, and the one thread that tells them.

A waiting poll holds no connection and no lock. While there are any, one thread reads the watched rooms
once in a tick, or at once when this process itself has changed one; asks once for all rooms that moved
to whom that matters; and wakes these. Everybody else goes on waiting.

Of two held polls of a member the newer releases the older, also in another process: once in a tick the
thread notes of those who have come who waits here, and counts that in their rooms, where the processes in
which their older polls wait see it.
"""

import logging
import secrets
import socket
import sys
import threading
import time
from contextlib import suppress
from functools import cached_property
from typing import Any

from flask import Flask

from party import clock
from party.db import Connection, Database, Row, snapshot, transaction
from party.errors import RoomNotFound, Unavailable
from party.signaling import store
from party.signaling.heartbeats import Heartbeats
from party.signaling.pace import NEGOTIATION_LASTS_MS, breath_ms
from party.signaling.watch import TICK_SECONDS, Version, Watch, version

log = logging.getLogger(__name__)

# Threads are few, and other requests need some: so many of them may wait. A server that knows how many
# it has says better (see deploy/gunicorn.conf.py); greenlets are plenty.
THREADS_THAT_MAY_WAIT = 3
GREENLETS_THAT_MAY_WAIT = 1_000_000
# How often a waiting poll looks whether its client is still there.
LOOK_SECONDS = 10.0
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


# A room's number, version, and handovers.
Told = tuple[int, Version, int]


class Waiter:
    """One held poll. `news` is set when it should look; `released`, when it should go home.

    `is_noted` tells whether the database knows that the member's poll waits here.
    """

    __slots__ = ("caller", "is_noted", "news", "released", "seen")

    def __init__(self, caller: Row, seen: int) -> None:
        self.caller = caller
        # Up to here there was nothing for it.
        self.seen = seen
        self.is_noted = False
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
        # Up to which number, in which version, and of how many handovers each room's waiters have been told.
        self._told: dict[int, Told] = {}
        # Those who have come since the database was told of such.
        self._unnoted: set[Waiter] = set()
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

    @cached_property
    def _name(self) -> str:
        """Tells processes apart; made when first needed, for a server may fork after loading the app."""
        return secrets.token_hex(8)

    def hold(self, environ: dict[str, Any], caller: Row, answer: Row, seconds: float) -> Row:
        """Wait until something for the caller comes: the answer of a poll that had none.

        It comes back empty after `seconds`, if a newer poll of the same member waits, if the client is
        gone, if the process stops, and at once if all places are taken. Raises `TokenInvalid`.
        """
        waiter = self._enter(caller, answer["seq"])
        if waiter is None:
            return answer
        deadline = time.monotonic() + seconds
        try:
            self._begin_to_tell()
            while (left := deadline - time.monotonic()) > 0:
                if waiter.news.wait(min(left, LOOK_SECONDS)):
                    waiter.news.clear()
                    found = None if waiter.released else self._look(waiter)
                    if found is None:
                        break
                    if found["messages"] or found["gap"]:
                        return {**found, "pollAfterMs": breath_ms()}
                    waiter.seen = found["seq"]
                elif client_is_gone(environ):
                    break
        finally:
            self._leave(waiter)
        # Nothing lies between the stored acknowledgement and this number: the next poll finds it so, too.
        self._watch.remember(caller, waiter.seen)
        # Whoever was sent away comes again at the usual pace, and not with all others at once.
        soon = waiter.released or left > 0
        return {**answer, "seq": waiter.seen, "pollAfterMs": answer["pollAfterMs"] if soon else 0}

    def _look(self, waiter: Waiter) -> Row | None:
        """What has come for a waiter; None if its member's poll waits elsewhere by now."""
        with self._app.app_context():
            return store.read_for_holder(
                self._database,
                clock.now_ms(),
                waiter.caller,
                waiter.seen,
                self._name if waiter.is_noted else None,
            )

    def release_all(self) -> None:
        """The process stops: everybody goes home, and nobody waits any more.

        A signal's handler may call this: it takes no lock that somebody might hold for long.
        """
        self._closing = True
        for waiters in list(self._rooms.values()):
            for waiter in list(waiters.values()):
                waiter.release()

    def _enter(self, caller: Row, seen: int) -> Waiter | None:
        room_id = caller["room_id"]
        waiter = Waiter(caller, seen)
        with self._lock:
            older = self._rooms.get(room_id, {}).get(caller["id"])
            if self._closing or (older is None and self._count >= self.most):
                return None
            if older is not None:
                # A dead token's poll has to find that out.
                if older.caller["token_hash"] == caller["token_hash"]:
                    older.release()
                else:
                    older.news.set()
            else:
                self._count += 1
            self._rooms.setdefault(room_id, {})[caller["id"]] = waiter
            told = self._told.setdefault(room_id, (seen, version(caller), caller["handovers"]))
            self._entered.add(room_id)
            # What the room's waiters have been told already, this one may have to look for itself.
            if told[:2] != (seen, version(caller)):
                waiter.news.set()
            self._watch.keep((room_id,))
            room = self._watch.last(room_id)
            if room and (caller["holder"], caller["handovers"]) == (self._name, room["handovers"]):
                waiter.is_noted = True
            else:
                self._unnoted.add(waiter)
        if self._closing:  # only now, so that `release_all` may have missed this one
            waiter.release()
        return waiter

    def _begin_to_tell(self) -> None:
        with self._lock:
            if self._thread is None and self._rooms:
                thread = threading.Thread(target=self._run, name="party-holding", daemon=True)
                thread.start()
                self._thread = thread

    def _leave(self, waiter: Waiter) -> None:
        room_id, member_id = waiter.caller["room_id"], waiter.caller["id"]
        with self._lock:
            self._unnoted.discard(waiter)
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
        next_tick = next_alive = time.monotonic()
        while True:
            with self._lock:
                if not self._rooms:
                    self._thread = None
                    return
            began = time.monotonic()
            try:
                with self._app.app_context():
                    if began < next_tick:
                        self._tell([*self._quick, *self._take_moved_here()])
                    else:
                        self._tell(None)
                        self._note_who_waits()
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
        # Last, for it may have to wait for a room's lock.
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
            if room and now - room["negotiated_at"] < NEGOTIATION_LASTS_MS
        }
        self._too_many_for_quick = len(quick) > QUICK_ROOMS
        self._quick = [] if self._too_many_for_quick else list(quick)

    def _wake(self, told: dict[int, Told], rooms: dict[int, Row | None]) -> None:
        """Wake those for whom something has come: waiters were `told` so much, and `rooms` are so now."""
        # Rooms in which everybody must look, in which members may wait elsewhere by now, and in which
        # those must look to whom what came after this number is addressed.
        everybody: set[int] = set()
        handed_over: set[int] = set()
        since: dict[int, int] = {}
        for room_id, (seq, version_told, handovers) in told.items():
            room = rooms[room_id]
            if room is None or version_told != version(room):
                everybody.add(room_id)
                continue
            if handovers != room["handovers"]:
                handed_over.add(room_id)
            if seq < room["seq"]:
                since[room_id] = seq
        wanted = addressees(self._database, since) if since else {}
        elsewhere = _held_elsewhere(self._database, handed_over, self._name) if handed_over else set()
        with self._lock:
            for room_id in everybody | handed_over | since.keys():
                room, to = rooms[room_id], wanted.get(room_id, set())
                waiters = self._rooms.get(room_id, {})
                if self._told.get(room_id) != told[room_id]:
                    self._entered.add(room_id)  # others wait there by now: compare with what they know
                    continue
                if room is not None and waiters:
                    self._told[room_id] = room["seq"], version(room), room["handovers"]
                for member_id, waiter in waiters.items():
                    gone = waiter.is_noted and member_id in elsewhere
                    if room_id in everybody or None in to or member_id in to or gone:
                        waiter.news.set()
                    elif room and not waiter.news.is_set() and waiter.seen >= told[room_id][0]:
                        waiter.seen = max(waiter.seen, room["seq"])

    def _drop_signals(self, now: int, room_id: int) -> None:
        with suppress(RoomNotFound):  # purged meanwhile
            store.drop_expired(self._database, now, room_id)

    def _note_who_waits(self) -> None:
        """Let the database know who has come, and so the processes in which older polls of theirs wait."""
        with self._lock:
            unnoted = {waiter.caller["id"]: waiter for waiter in self._unnoted if not waiter.released}
        ids = list(unnoted)
        for start in range(0, len(ids), ROOMS_AT_ONCE):
            seats = _seats(self._database, ids[start : start + ROOMS_AT_ONCE])
            # A page whose seat another one has taken over is about to find that out.
            valid = [seat for seat in seats if seat["token_hash"] == unnoted[seat["id"]].caller["token_hash"]]
            elsewhere = [seat for seat in valid if seat["holder"] != self._name]
            handovers = _take(self._database, elsewhere, self._name) if elsewhere else {}
            with self._lock:
                for seat in valid:
                    waiter = unnoted[seat["id"]]
                    waiter.is_noted = True
                    self._unnoted.discard(waiter)
                    # This is what the process remembers of the member.
                    waiter.caller["holder"] = self._name
                    waiter.caller["handovers"] = handovers.get(seat["room_id"], seat["handovers"])

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


@snapshot
def _held_elsewhere(tx: Connection, room_ids: set[int], name: str) -> set[int]:
    """The row ids of the members of these rooms whose last held poll was not in the process `name`."""
    ids = ", ".join(map(str, room_ids))
    rows = tx.all_as_they_stand(f"SELECT id, holder FROM party_participants WHERE room_id IN ({ids})")
    return {row["id"] for row in rows if row["holder"] != name}


def _seats(database: Database, member_ids: list[int]) -> list[Row]:
    """Where the last held polls of these members are, with their rooms' handovers."""
    ids = ", ".join(map(str, member_ids))
    return database.all_as_they_stand(
        "SELECT p.id, p.room_id, p.token_hash, p.holder, r.handovers"
        f" FROM party_participants p JOIN party_rooms r ON r.id = p.room_id WHERE p.id IN ({ids})"
    )


@transaction
def _take(tx: Connection, seats: list[Row], name: str) -> dict[int, int]:
    """Note that the polls of these seats' members wait in the process `name`: room → its handovers."""
    rooms = ", ".join(map(str, sorted({seat["room_id"] for seat in seats})))
    ids = ", ".join(str(seat["id"]) for seat in seats)
    tokens = ", ".join(f"'{seat['token_hash']}'" for seat in seats)
    tx.as_it_stands(
        f"UPDATE party_rooms SET handovers = handovers + 1, moved_at = {clock.now_ms()} WHERE id IN ({rooms})"
    )
    # Not for a page whose seat another one has taken over since.
    tx.as_it_stands(
        f"UPDATE party_participants SET holder = '{name}' WHERE id IN ({ids}) AND token_hash IN ({tokens})"
    )
    rows = tx.all_as_they_stand(f"SELECT id, handovers FROM party_rooms WHERE id IN ({rooms})")
    return {row["id"]: row["handovers"] for row in rows}


def client_is_gone(environ: dict[str, Any]) -> bool:
    """Whether the client of a waiting request has closed its connection, as far as the server shows it."""
    connection = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if connection is None:
        return False
    try:
        # gevent's sockets would wait; those that they wrap need not.
        raw = getattr(connection, "_sock", connection)
        return bool(raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b"")
    except BlockingIOError:
        return False
    except ValueError:
        return False  # TLS, which cannot be looked into
    except OSError:
        return True


def _threads_are_greenlets() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")
