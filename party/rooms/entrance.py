"""Before the door of a room: whoever knows its code and its password passes, whoever tries them is stopped.

A look-up or join counts as a look. A code or password that was wrong counts as a guess, a right one does
not. An address without guesses left is refused before anything is looked up for it.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from werkzeug.security import check_password_hash

from party import clock
from party.db import POOL_WAIT_SECONDS, Connection, Database, database, transaction
from party.errors import RoomEnded, RoomNotFound, Unavailable, WrongPassword
from party.rooms import finding
from party.rows import Room
from party.web.models import room_code
from party.web.rate_limits import GUESS, LOOK, joins, rate_limits, wrong_passwords
from party.web.windows import Ledger, Window

Find = Callable[[Connection, str], Callable[[], Room | None]]

# A look at a room is noted at most once in so long.
KNOCK_EVERY_MS = 5000

# One password at a time in each process: those being checked count as wrong until they turn out right.
_checking = Lock()


def look_up(
    code: str,
    find: Find = finding.by_code_later,
    *,
    look: bool = True,
    found: Callable[[Room], tuple[Window, ...]] = lambda room: (),
    ahead: tuple[Window, ...] = (),
) -> Room:
    """The room that `find` finds; `found` tells what it counts against besides, `look` whether as a look.

    `ahead` are windows that `found` may tell, whatever their limits, to be read along.

    Raises `RoomNotFound`, `RateLimited`.
    """
    limits = rate_limits()
    guess = limits.of_address(GUESS)
    looks = (limits.of_address(LOOK),) if look else ()

    def plan(ledger: Ledger) -> Room | None:
        ledger.ask(guess, *looks, *ahead)
        found_room = ledger.later(lambda tx: find(tx, code))
        ledger.require(guess, *looks)
        ledger.take(*looks)
        room = found_room()
        ledger.take(*(found(room) if room else (guess,)))
        return room

    room = limits.run(plan)
    if room is None:
        raise RoomNotFound
    return finding.up_to_date(database(), clock.now_ms(), room)


def knock(database: Database, now: int, room: Room) -> None:
    """Somebody who knows the code looks at a room, and will join: until then its members poll quickly.

    Whoever has locked the room is not waited for: something is going on there anyway.
    """
    # Of what lies in the future only the distance tells something: a clock has been set right.
    if room["status"] != "ended" and abs(now - room["negotiated_at"]) >= KNOCK_EVERY_MS:
        with suppress(Unavailable):
            _make_lively(database, now, room["id"])


@transaction
def _make_lively(tx: Connection, now: int, room_id: int) -> None:
    tx.lock_at_once(f"SELECT id FROM party_rooms WHERE id = {room_id:d} FOR UPDATE NOWAIT")
    tx.run("UPDATE party_rooms SET negotiated_at = :now, moved_at = :now WHERE id = :id", now=now, id=room_id)


def pass_door(code: str, password: str | None) -> tuple[Room, tuple[Window, ...]]:
    """The open room for which this code and password are right, and the windows that it was counted in.

    Raises `RoomNotFound`, `RoomEnded`, `WrongPassword`, `RateLimited`.
    """

    def of_join(room: Room) -> Window:
        return joins(room["code"], room["max_participants"])

    room = look_up(
        code,
        found=lambda room: () if room["password_hash"] or room["status"] == "ended" else (of_join(room),),
        ahead=(joins(room_code(code), 0),),
    )
    if room["status"] == "ended":
        raise RoomEnded
    if room["password_hash"]:
        _check_password(room, password, of_join(room))
    return room, (rate_limits().of_address(LOOK), of_join(room))


def _check_password(room: Room, password: str | None, then: Window) -> None:
    """Count a wrong password before its slow hash is made; a right one counts in `then` in its place."""
    limits = rate_limits()
    guess, wrong = limits.of_address(GUESS), wrong_passwords(room["id"])

    def wrong_until_checked(ledger: Ledger) -> None:
        ledger.take(guess)
        ledger.take(wrong)

    def right(ledger: Ledger) -> None:
        ledger.give_back(guess)
        ledger.give_back(wrong)

    if password is None:  # it makes no work, and whoever asks for one after that is not held back by others
        limits.hit(guess)
        raise WrongPassword
    if not _checking.acquire(timeout=POOL_WAIT_SECONDS):
        raise Unavailable
    try:
        limits.run(wrong_until_checked)
        if not password_fits(room, password):
            raise WrongPassword
        limits.run(right)  # by itself: it was right even if `then` is full
        limits.hit(then)
    finally:
        _checking.release()


def password_fits(room: Room, password: str | None) -> bool:
    """Whether this password opens the room; any does where none is needed."""
    stored = room["password_hash"]
    return stored is None or (password is not None and check_password_hash(stored, password))
