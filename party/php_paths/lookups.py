"""Looking rooms up by their codes alone, and how that is kept from trying codes out.

A page of the PHP backend asks for its room every second, without a token. So what counts is not every
look-up but those that find nothing: they are guesses of the address. Without guesses left an address is
refused before anything is looked up, but for rooms that it has found, made or joined before, so that
hardly a game stops because a neighbour behind the same address guesses, or forgot a tab. Each process
remembers what it has seen itself: where several run, another one may refuse for a minute.
"""

from collections import OrderedDict
from threading import Lock

from flask import current_app

from party.db import Database
from party.php_paths import visible
from party.rooms import entrance, finding
from party.rows import Room
from party.web.addresses import client_key
from party.web.models import room_code

# Pairs of an address and a code that one process remembers.
REMEMBERED = 10_000


class Lookups:
    """Those of one process."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = Lock()

    def room(self, database: Database, now: int, code: str) -> Room:
        """The room with this code, if it is to be seen here. Raises `RoomNotFound`, `RateLimited`."""
        pair = (client_key(), room_code(code))
        if pair in self._found:
            room = visible.by_code(database, code)
            if room is not None:
                self.remember(code)
                return finding.up_to_date(database, now, room)
            with self._lock:
                self._found.pop(pair, None)
        room = entrance.look_up(code, visible.by_code_later, look=False)
        self.remember(code)
        return room

    def remember(self, code: str) -> None:
        """That the caller's address knows the room with this code, and need not guess it."""
        pair = (client_key(), room_code(code))
        with self._lock:
            self._found[pair] = None
            self._found.move_to_end(pair)
            if len(self._found) > REMEMBERED:
                self._found.popitem(last=False)


def lookups() -> Lookups:
    """The current app's."""
    found: Lookups = current_app.extensions["party.php_lookups"]
    return found
