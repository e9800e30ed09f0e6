"""What a process remembers for polls; nothing of it is the truth, which is in the database.

All that others ask of it: a poll's answer, where it is certain who asks; to hold a poll until there is news;
and to wake whoever waits in rooms that have changed. Processes learn of each other's changes by reading, and
sooner where they tell each other (`party.processes`).
"""

import time
from typing import Any

from flask import Flask, current_app

from party import clock
from party.config import Settings
from party.db import Database
from party.polling import clients, room_cache
from party.polling.heartbeats import Heartbeats
from party.polling.notifier import Notifier
from party.polling.pace import empty_answer, minimum_gap_ms
from party.polling.reading import acknowledge, read
from party.polling.room_cache import RoomCache
from party.polling.waiters import Waiter, Waiters
from party.processes import Processes
from party.rooms.sightings import Sightings
from party.rows import Caller
from party.web.tokens import hashed

Answer = dict[str, Any]
# What an answer has in which there is nothing new.
_QUIET = frozenset(("messages", "count", "seq", "more", "gap", "pollAfterMs"))


class Memory:
    """One for each app."""

    def __init__(self, app: Flask, settings: Settings, database: Database) -> None:
        self._app = app
        # The longest that a poll is held, in seconds.
        self.longest_wait = settings.LONG_POLL_SECONDS
        self._database = database
        self._polls = app.extensions["party.rate_limits"].polls
        self.rooms = RoomCache(database)
        self._sightings: Sightings = app.extensions["party.sightings"]
        self.heartbeats = Heartbeats(database, settings, self._sightings)
        self.waiters = Waiters()
        self._notifier = Notifier(app, database, self.rooms, self.heartbeats, self.waiters)
        database.on_commit(self.wake)
        self._processes: Processes | None = app.extensions["party.processes"]
        if self._processes:
            database.on_commit(self._processes.tell)

    def answer(
        self, now: int, token: str, code: str, participant_id: str, after: int, *, waits: bool
    ) -> tuple[Caller, Answer] | None:
        """The caller and the answer of a poll, if it is certain that the full path would give it, too.

        `waits` tells whether it would be held. Raises `RateLimited`, `Unavailable`, and what
        `reading.read` raises.
        """
        seat = self.rooms.seat(hashed(token))
        if seat is None:
            return None
        caller = seat.caller
        # Whoever waits is woken for what was not read yet.
        room = self.rooms.room(caller["room_id"], maximum_age=room_cache.TICK_SECONDS if waits else 0.0)
        if (
            room is None
            or room["members_seq"] != seat.members_seq
            or not (room["code"] == caller["code"] == code and caller["participant_id"] == participant_id)
            or room["status"] == "ended"
            or caller["presence"] != "online"
            or room["due_at"] is None
            or room["due_at"] <= now
        ):
            return None
        self._polls.hit(caller["id"])
        is_new = after > seat.covered
        if after != room["seq"]:
            answer = self._read(caller, after, acknowledges=is_new)
        else:
            if is_new:
                acknowledge(self._database, caller, after)
            answer = empty_answer(now, room)
        # Where there is no news, nothing lies between the stored acknowledgement and that number.
        seat.covered = max(seat.covered, after if has_news(answer) else answer["seq"])
        self._sightings[caller["id"]] = now
        if now >= seat.note_at:
            seat.note_at = self.heartbeats.note(now, caller, room)
        return caller, answer

    def remember(self, caller: Caller, covered: int) -> None:
        """A poll has found that up to `covered` there is nothing that its caller has not acknowledged."""
        self.rooms.remember(caller, covered)

    def hold(self, environ: dict[str, Any], caller: Caller, answer: Answer, seconds: float) -> Answer:
        """The answer of a poll that may be held, which came first: where it has no news, wait for some.

        It comes back empty after `seconds`, if a newer poll of the same member waits, if the client is
        gone, if the process stops, and at once if all places are taken. Raises `TokenInvalid`, `BadCursor`.
        """
        if not seconds or answer["more"]:
            return answer
        if has_news(answer):
            return {**answer, "pollAfterMs": minimum_gap_ms()}
        waiter = Waiter(caller, answer["seq"], clients.connection_of(environ))
        self.rooms.keep((caller["room_id"],))
        if not self.waiters.enter(waiter):
            return answer
        deadline = time.monotonic() + seconds
        try:
            self._notifier.start()
            if self._processes:
                self._processes.listen(self.wake)
            while waiter.news.wait(max(0.0, deadline - time.monotonic())) and not waiter.released:
                waiter.news.clear()
                found = self._read(caller, waiter.seen)
                if has_news(found):
                    return {**found, "pollAfterMs": minimum_gap_ms()}
                waiter.seen = found["seq"]
        finally:
            self.waiters.leave(waiter)
        # Nothing lies between the stored acknowledgement and this number: the next poll finds it so, too.
        self.remember(caller, waiter.seen)
        # Whoever was sent away comes again at the usual pace, and not with all others at once.
        pause = answer["pollAfterMs"] if waiter.released else 0
        return {**answer, "seq": waiter.seen, "pollAfterMs": pause}

    def wake(self, room_ids: set[int]) -> None:
        """These rooms have changed: whoever polls or waits there must not rely on what was read before."""
        self.rooms.expire(room_ids)
        if self._notifier.is_running:
            self._notifier.wake(room_ids)

    def _read(self, caller: Caller, after: int, *, acknowledges: bool = False) -> Answer:
        with self._app.app_context():
            return read(self._database, clock.now_ms(), caller, after, acknowledges=acknowledges)


def has_news(answer: Answer) -> bool:
    """Whether an answer says more than that nothing has come."""
    return bool(answer["messages"]) or not answer.keys() <= _QUIET


def memory() -> Memory:
    """The current app's."""
    found: Memory = current_app.extensions["party.memory"]
    return found
