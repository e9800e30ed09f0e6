"""Images in the database: whose they are, what they are, and how much room they take."""

from typing import Any

from flask import request

from party.config import settings
from party.db import Connection, Database, Row, transaction
from party.hooks import Fields
from party.images import folder
from party.images.errors import StorageFull
from party.rooms.stream import lock_as_member
from party.rows import Caller, Member
from party.web.models import KIB

MIB = KIB * KIB


def has_room(database: Database, size: int = 0) -> bool:
    """Whether all images together, and one of so many bytes, take no more room than they may."""
    used = database.one("SELECT COALESCE(SUM(bytes), 0) AS bytes FROM party_images")
    return bool(used and int(used["bytes"]) + size <= settings().IMAGES_MB * MIB)


def keep(database: Database, now: int, caller: Caller, name: str, columns: dict[str, Any]) -> None:
    """Enter an image whose file is there; `columns` are its type, sides and bytes.

    First it is entered, and then it is looked how much there is: so of several at once there are never too
    many. Raises `StorageFull`, `RoomEnded`.
    """
    _enter(database, now, caller, name, columns)
    if not has_room(database):
        _remove(database, name)
        raise StorageFull


@transaction
def _enter(tx: Connection, now: int, caller: Caller, name: str, columns: dict[str, Any]) -> None:
    room, member = lock_as_member(tx, caller)
    whose = {"room_id": room["id"], "member_id": member["id"], "joined_seq": member["joined_seq"]}
    tx.insert_later("party_images", [{"name": name, **whose, **columns, "created_at": now}])


@transaction
def _remove(tx: Connection, name: str) -> None:
    tx.run("DELETE FROM party_images WHERE name = :name", name=name)


def find(database: Database, code: str, name: str) -> Row | None:
    """The media type of a room's image."""
    return database.one(
        """
        SELECT i.type FROM party_images i JOIN party_rooms r ON r.id = i.room_id
        WHERE i.name = :name AND r.code = :code
        """,
        name=name,
        code=code,
    )


def url_of(code: str, name: str) -> str:
    """Where an image is to be had, from the root of this site."""
    return f"{request.root_path}/rooms/{code}/images/{name}"


def attach(tx: Connection, member: Member, image_id: str) -> Fields | None:
    """{url, width, height} of a member's image, shown in one place more; None if it has no such."""
    found = tx.one(
        """
        SELECT i.name, i.width, i.height, r.code
        FROM party_images i JOIN party_rooms r ON r.id = i.room_id
        WHERE i.name = :name AND i.room_id = :room_id AND i.member_id = :id AND i.joined_seq = :joined_seq
        """,
        name=image_id,
        room_id=member["room_id"],
        id=member["id"],
        joined_seq=member["joined_seq"],
    )
    if found is None:
        return None
    tx.later("UPDATE party_images SET uses = uses + 1 WHERE name = :name", name=found["name"])
    return {
        "url": url_of(found["code"], found["name"]),
        "width": found["width"],
        "height": found["height"],
    }


def detach(tx: Connection, shown: Fields) -> None:
    """An image is shown in one place less; with the last one it goes."""
    name = str(shown["url"]).rpartition("/")[2]
    tx.run("UPDATE party_images SET uses = uses - 1 WHERE name = :name", name=name)
    if tx.run("DELETE FROM party_images WHERE name = :name AND uses <= 0", name=name):
        tx.afterwards.append(lambda: folder.drop(name))
