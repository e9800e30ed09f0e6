"""Opening a room: its row, its code, its host."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from werkzeug.security import generate_password_hash

from party.config import settings
from party.db import Connection, Database, Duplicate, transaction
from party.features import features
from party.rooms import bans, places, room_settings
from party.rooms.models import CreateRoom
from party.rooms.returning import create_key_hash
from party.rooms.views import last_view
from party.rows import Member, Room
from party.web import tokens

T = TypeVar("T")

HOUR_MS = 3_600_000
# A quarter of the library's default memory and time: a shared host has little of either, and a room's
# password lives for hours, not years.
PASSWORD_METHOD = "scrypt:8192:8:1"

# What the columns of a room are by themselves.
_NEW = {
    "seq": 0,
    "members_seq": 0,
    "silent_seq": 0,
    "relayed_at": 0,
    "skipped_after": None,
    "skipped": 0,
    "bans": 0,
    "started_at": None,
    "ended_at": None,
}


def hash_password(password: str | None) -> str | None:
    """A salted, slow hash. Takes some 20 ms and 8 MiB: do it outside any transaction."""
    return generate_password_hash(password, PASSWORD_METHOD) if password else None


def create(database: Database, now: int, body: CreateRoom) -> dict[str, Any]:
    """A new room with its host in it: Room with `you`. Raises `Duplicate` for a known retry key."""
    password_hash = hash_password(body.password)
    return with_new_code(database, lambda code: _create(database, now, body, code, password_hash))


def with_new_code(database: Database, open_room: Callable[[str], T]) -> T:
    """What `open_room` makes with a code that is free; it raises `Duplicate` if the code is not.

    Raises `Duplicate` if something else is taken.
    """
    while True:
        code = tokens.new_code()
        try:
            return open_room(code)
        except Duplicate:
            if database.one("SELECT id FROM party_rooms WHERE code = :code", code=code) is None:
                raise


@transaction
def _create(
    tx: Connection, now: int, body: CreateRoom, code: str, password_hash: str | None
) -> dict[str, Any]:
    token = tokens.new_token()
    room, host = insert_room(tx, now, body, code, token, password_hash)
    return last_view(tx, now, room, host, token)


def insert_room(
    tx: Connection,
    now: int,
    body: CreateRoom,
    code: str,
    token: str | None,
    password_hash: str | None = None,
) -> tuple[Room, Member]:
    """A new room, locked, and its host, who has no token where None is given. Raises `Duplicate`."""
    host_id = body.hostId or tokens.new_participant_id()
    limit = room_settings.places(body)
    ttl_ms = round(body.ttlHours * HOUR_MS) if body.ttlHours else None
    expires_at = now + (ttl_ms or settings().room_ttl_ms)
    stored = {
        "code": code,
        "status": "waiting",
        "host_id": host_id,
        "password_hash": password_hash,
        "max_participants": limit,
        "negotiated_at": now,
        "created_at": now,
        "expires_at": expires_at,
        "ttl_ms": ttl_ms,
        "due_at": min(expires_at, now + settings().online_ms),
        "incarnation": tx.incarnation,
        **room_settings.of_new_room(body),
    }
    sql = f"INSERT INTO party_rooms ({', '.join(stored)}) VALUES ({', '.join(f':{name}' for name in stored)})"
    room = cast(Room, {**_NEW, **stored, "id": tx.insert(sql, **stored)})
    row = {
        "name": body.hostName,
        "role": "host",
        "retry_key_hash": create_key_hash(body.retryKey),
        "device_hash": bans.device_hash(body.deviceId),
    }
    host = places.take(tx, now, room, host_id, None, token, row)
    features().room_opened(tx, room, body)
    return room, host
