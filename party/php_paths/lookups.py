"""Looking rooms up by their codes alone, and how that is kept from trying codes out.

A page of the PHP backend asks for its room every second, without a token. So what counts is not every
look-up but those that find nothing: JOINS_PER_MINUTE of them for each address, in the database. Beyond
that an address is refused before anything is looked up, but for rooms that it has found, made or joined
before, so that hardly a game stops because a neighbour behind the same address guesses, or forgot a tab.
Each process remembers what it has seen itself: where several run, another one may refuse for a minute.
"""

import math
from collections import OrderedDict
from threading import Lock

from flask import current_app
from limits import RateLimitItemPerMinute

from party import clock
from party.config import Settings
from party.db import Database, Row
from party.errors import RateLimited, RoomNotFound
from party.php_paths import store
from party.rate_limits import client_key, rate_limits

MISSES = "php_misses"
# Pairs of an address and a code that one process remembers.
REMEMBERED = 10_000


class Lookups:
    """Those of one process."""

    def __init__(self, settings: Settings) -> None:
        self._limit = RateLimitItemPerMinute(settings.JOINS_PER_MINUTE)
        self._found: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()

    def room(self, database: Database, now: int, code: str) -> Row:
        """The room with this code, if it is to be seen here. Raises `RoomNotFound`, `RateLimited`."""
        address = client_key()
        windows = rate_limits().windows
        pair = (address, code.upper())
        if pair not in self._found and not windows.test(self._limit, address, MISSES):
            raise self._refusal(address)
        try:
            room = store.find(database, now, code)
        except RoomNotFound:
            with self._lock:
                self._found.pop(pair, None)
            if not windows.hit(self._limit, address, MISSES):
                raise self._refusal(address) from None
            raise
        self.remember(code)
        return room

    def remember(self, code: str) -> None:
        """That the caller's address knows the room with this code, and need not guess it."""
        pair = (client_key(), code.upper())
        with self._lock:
            self._found[pair] = None
            self._found.move_to_end(pair)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)

    def _refusal(self, address: str) -> RateLimited:
        reset_at = rate_limits().windows.get_window_stats(self._limit, address, MISSES).reset_time
        return RateLimited(retry_after=max(1, math.ceil(reset_at - clock.now_ms() / 1000)))


def lookups() -> Lookups:
    """The current app's."""
    found: Lookups = current_app.extensions["party.php_lookups"]
    return found
