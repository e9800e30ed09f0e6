"""Rooms by their codes."""

from collections.abc import Callable
from typing import cast

from party.db import Connection, Database
from party.rooms.due import catch_up
from party.rooms.stream import is_due
from party.rooms.views import room_row
from party.rows import ROOM_COLUMNS, Room
from party.web.models import CODE_ALPHABET, CODE_LENGTH, room_code

_SELECT = f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE code = :code"


def by_code_later(tx: Connection, code: str) -> Callable[[], Room | None]:
    """As `by_code`, but `later`."""
    if not _is_code(code):
        return lambda: None
    answer = tx.later(_SELECT, code=room_code(code))
    return lambda: cast(Room | None, answer.one())


def by_code(source: Connection | Database, code: str) -> Room | None:
    """The room with this code, as it stands in the database; None for a malformed code, too."""
    return cast(Room | None, source.one(_SELECT, code=room_code(code))) if _is_code(code) else None


def _is_code(code: str) -> bool:
    return len(room_code(code)) == CODE_LENGTH and set(room_code(code)) <= set(CODE_ALPHABET)


def up_to_date(database: Database, now: int, room: Room) -> Room:
    """A room after what was overdue in it. Raises `RoomNotFound` if it was purged meanwhile."""
    if not is_due(room, now):
        return room
    catch_up(database, now, room["id"])
    return room_row(database, room["id"])
