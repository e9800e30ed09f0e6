"""Which rooms are to be seen on these paths: those that were made here, and those whose host allows it."""

from collections.abc import Callable
from typing import Any

from party.db import Connection, Database, transaction
from party.errors import WrongStatus
from party.rooms import finding, views
from party.rooms.stream import lock_as_member, lock_room
from party.rows import Caller, Member, Room


def by_code(source: Connection | Database, code: str) -> Room | None:
    """The room with this code as it stands in the database, if it is to be seen here."""
    room = finding.by_code(source, code)
    if room is None:
        return None
    seen = source.one("SELECT room_id FROM party_php_rooms WHERE room_id = :id", id=room["id"])
    return room if seen else None


def by_code_later(tx: Connection, code: str) -> Callable[[], Room | None]:
    """As `by_code`, when the result is called."""
    return lambda: by_code(tx, code)


@transaction
def allow(tx: Connection, now: int, caller: Caller, allowed: bool) -> dict[str, Any]:
    """Whether the caller's room is to be seen on these paths: our Room.

    Raises `WrongStatus` for a room with a password, since all of it is shown there without one.
    """
    room, _ = lock_as_member(tx, caller)
    if allowed and room["password_hash"] is not None:
        raise WrongStatus("A room with a password cannot be shown on paths that ask for none.")
    tx.run("DELETE FROM party_php_rooms WHERE room_id = :id", id=room["id"])
    if allowed:
        let_see(tx, room)
    return views.room_view(tx, now, room)


def let_see(tx: Connection, room: Room) -> None:
    """Let a room be seen here."""
    tx.run("INSERT INTO party_php_rooms (room_id) VALUES (:id)", id=room["id"])


def is_seen(tx: Connection, room: Room) -> bool:
    """Whether it is."""
    return tx.one("SELECT room_id FROM party_php_rooms WHERE room_id = :id", id=room["id"]) is not None


def lock_seen(tx: Connection, code: str) -> tuple[Room | None, dict[str, Member]]:
    """Lock the room with this code if it is to be seen here: it, and its present members by their ids."""
    found = tx.one(
        """
        SELECT r.id FROM party_rooms r JOIN party_php_rooms s ON s.room_id = r.id
        WHERE r.code = :code
        """,
        code=code,
    )
    if found is None:
        return None, {}
    room = lock_room(tx, found["id"])
    if not is_seen(tx, room):
        return None, {}
    return room, {member["participant_id"]: member for member in views.present_members(tx, room["id"])}
