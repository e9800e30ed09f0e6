"""Rooms by their codes."""

from typing import cast

from party.db import Connection, Database
from party.rooms.due import catch_up
from party.rooms.stream import is_due
from party.rooms.views import room_row
from party.rows import ROOM_COLUMNS, Room
from party.web.models import CODE_ALPHABET, CODE_LENGTH, room_code


def by_code(source: Connection | Database, code: str) -> Room | None:
    """The room with this code, as it stands in the database; None for a malformed code, too."""
    code = room_code(code)
    if len(code) != CODE_LENGTH or not set(code) <= set(CODE_ALPHABET):
        return None
    found = source.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE code = :code", code=code)
    return cast(Room | None, found)


def up_to_date(database: Database, now: int, room: Room) -> Room:
    """A room after what was overdue in it. Raises `RoomNotFound` if it was purged meanwhile."""
    if not is_due(room, now):
        return room
    catch_up(database, now, room["id"])
    return room_row(database, room["id"])
