"""Who waits in this process, and up to where each room's waiters have been notified.

Of two held polls of a member in one process the newer releases the older. An older one in another process
does no harm, for reading consumes nothing; as soon as its client has gone it is let go.
"""

import sys
import threading
from typing import Any

from party.polling.room_cache import Position, position
from party.rows import Caller, RoomState

# Threads are few, and other requests need some: so many of them may wait. A server that knows how many
# it has says better (see deploy/gunicorn.conf.py); of greenlets all may.
THREADS_THAT_MAY_WAIT = 3


class Waiter:
    """One held poll. `news` is set when it should look; `released`, when it should go home."""

    __slots__ = ("caller", "connection", "news", "note_at", "released", "seen")

    def __init__(self, caller: Caller, seen: int, connection: Any) -> None:
        self.caller = caller
        # Up to here there was nothing for it.
        self.seen = seen
        self.connection = connection
        self.news = threading.Event()
        self.released = False
        # When it should be noted again that it is alive.
        self.note_at = 0

    def release(self) -> None:
        """Let it answer at once, with nothing."""
        self.released = True
        self.news.set()


class Waiters:
    """The held polls of one process."""

    def __init__(self) -> None:
        # How many may wait; a server may set it, before the first request.
        self.most = sys.maxsize if _threads_are_greenlets() else THREADS_THAT_MAY_WAIT
        # Room → member → who waits there.
        self._rooms: dict[int, dict[int, Waiter]] = {}
        self._last_notified: dict[int, Position] = {}
        # Rooms in which somebody may know less than was notified last: somebody new, for one.
        self._entered: set[int] = set()
        self._count = 0
        self._closing = False
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._count

    def enter(self, waiter: Waiter) -> bool:
        """Take a place; whether there was one."""
        caller = waiter.caller
        room_id = caller["room_id"]
        with self._lock:
            older = self._rooms.get(room_id, {}).get(caller["id"])
            if self._closing or (older is None and self._count >= self.most):
                return False
            if older is None:
                self._count += 1
            # A dead token's poll has to find that out.
            elif older.caller["token_hash"] == caller["token_hash"]:
                older.release()
            else:
                older.news.set()
            self._rooms.setdefault(room_id, {})[caller["id"]] = waiter
            # What the room's waiters have been notified of already, this one has to look for itself.
            knows = caller["code"], waiter.seen
            if self._last_notified.setdefault(room_id, knows) != knows:
                waiter.news.set()
            self._entered.add(room_id)
        if self._closing:  # only now, so that `release_all` may have missed this one
            waiter.release()
        return True

    def leave(self, waiter: Waiter) -> None:
        """Give the place back, unless a newer poll has it."""
        room_id, member_id = waiter.caller["room_id"], waiter.caller["id"]
        with self._lock:
            waiters = self._rooms.get(room_id, {})
            if waiters.get(member_id) is waiter:
                del waiters[member_id]
                self._count -= 1
                if not waiters:
                    self._rooms.pop(room_id, None)
                    self._last_notified.pop(room_id, None)

    def release_all(self) -> None:
        """The process stops: everybody goes home, and nobody waits any more.

        A signal's handler may call this: it takes no lock that somebody might hold for long.
        """
        self._closing = True
        for waiter in self.all():
            waiter.release()

    def all(self) -> list[Waiter]:
        """Everybody who waits."""
        return [waiter for waiters in list(self._rooms.values()) for waiter in list(waiters.values())]

    def among(self, room_ids: set[int]) -> list[int]:
        """Those of these rooms in which somebody waits."""
        return [room_id for room_id in room_ids if room_id in self._rooms]

    def last_notified(self) -> tuple[dict[int, Position], set[int]]:
        """Up to where each room's waiters have been notified, and where somebody new waits since this was
        asked last."""
        with self._lock:
            entered, self._entered = self._entered, set()
            return dict(self._last_notified), entered

    def notify(self, room_id: int, since: Position, room: RoomState | None, to: set[int | None]) -> None:
        """Wake those in a room to whom something after `since` is addressed, None being all of them.

        `room` is as it is now; None if it has been purged.
        """
        with self._lock:
            if self._last_notified.get(room_id) != since:
                self._entered.add(room_id)  # others wait there by now: compare with what they know
                return
            if room is not None:
                self._last_notified[room_id] = position(room)
            for member_id, waiter in self._rooms.get(room_id, {}).items():
                if None in to or member_id in to:
                    waiter.news.set()
                elif room is not None and not waiter.news.is_set() and waiter.seen >= since[1]:
                    waiter.seen = max(waiter.seen, room["seq"])


def _threads_are_greenlets() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and monkey.is_module_patched("threading")
