"""Who waits for which room's lock, so that a room that stays locked takes few connections and threads.

Whoever holds such a lock may be a backup, a hung transaction or another process; all that the others of this
process need is that most connections are left to them.
"""

import time
from threading import Condition

from party.errors import Unavailable

# A room of which nobody gets the lock for so long is stuck: beyond the share nobody waits for it.
STUCK_SECONDS = 1.0
# After a time-out only one at a time tries, for so long or until it gets the lock.
DOUBT_SECONDS = 10
RETRY_SECONDS = 2


class Crowded(Unavailable):
    """As many wait for a room's lock as may."""

    def __init__(self, room_id: int) -> None:
        super().__init__(retry_after=RETRY_SECONDS)
        self.room_id = room_id


class _Line:
    """Those in one room's line: how many, the one who has the lock included, and when it last moved."""

    __slots__ = ("count", "moved_at")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.moved_at = now


class RoomLocks:
    """One for each database. `share` is how many may be in one room's line with a connection in hand."""

    def __init__(self, share: int) -> None:
        self._share = share
        self._lines: dict[int, _Line] = {}
        self._in_doubt_until: dict[int, float] = {}
        self._changed = Condition()

    def enter(self, room_id: int) -> None:
        """Go into a room's line. Raises `Crowded`."""
        now = time.monotonic()
        with self._changed:
            line = self._lines.get(room_id) or _Line(now)
            if line.count >= self._places(room_id, now):
                raise Crowded(room_id)
            self._lines[room_id] = line
            line.count += 1

    def moved(self, room_id: int) -> None:
        """Somebody in this line has got the lock."""
        with self._changed:
            self._lines[room_id].moved_at = time.monotonic()
            self._in_doubt_until.pop(room_id, None)

    def leave(self, room_id: int) -> None:
        """The transaction is over."""
        with self._changed:
            line = self._lines[room_id]
            line.count -= 1
            if not line.count:
                del self._lines[room_id]
            self._changed.notify_all()

    def doubt(self, room_id: int) -> None:
        """The lock was not to be had in the time that a request may wait."""
        now = time.monotonic()
        with self._changed:
            self._in_doubt_until = {id: until for id, until in self._in_doubt_until.items() if until > now}
            self._in_doubt_until[room_id] = now + DOUBT_SECONDS

    def wait(self, room_id: int, deadline: float) -> bool:
        """Wait, without a connection, for a place in the line; False if that is in vain."""
        with self._changed:
            while True:
                now = time.monotonic()
                line = self._lines.get(room_id)
                if line is None or line.count < self._places(room_id, now):
                    return True
                stuck_at = line.moved_at + STUCK_SECONDS
                if now > min(stuck_at, deadline) or self._is_in_doubt(room_id, now):
                    return False
                self._changed.wait(min(stuck_at, deadline) - now + 0.001)

    def _places(self, room_id: int, now: float) -> int:
        return 1 if self._is_in_doubt(room_id, now) else self._share

    def _is_in_doubt(self, room_id: int, now: float) -> bool:
        return self._in_doubt_until.get(room_id, 0) > now
