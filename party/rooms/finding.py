"""Rooms by their codes."""

from party.db import Connection, Database, Row
from party.rooms.due import catch_up, is_due
from party.rooms.stream import ROOM_COLUMNS
from party.rooms.views import room_row
from party.web.models import CODE_ALPHABET, CODE_LENGTH, room_code


def by_code(source: Connection | Database, code: str) -> Row | None:
    """The room with this code, as it stands in the database; None for a malformed code, too."""
    code = room_code(code)
    if len(code) != CODE_LENGTH or not set(code) <= set(CODE_ALPHABET):
        return None
    return source.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE code = :code", code=code)


def up_to_date(database: Database, now: int, room: Row) -> Row:
    """A room after what was overdue in it. Raises `RoomNotFound` if it was purged meanwhile."""
    if not is_due(room, now):
        return room
    catch_up(database, now, room["id"])
    return room_row(database, room["id"])
