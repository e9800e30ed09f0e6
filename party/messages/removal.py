"""The end of messages: whether deleted or too old, nothing of them is left but their ids."""

import json
from collections.abc import Iterator
from typing import cast

from party.db import Connection, Database, Row, transaction
from party.errors import HostOnly
from party.features import features
from party.messages import store
from party.rooms.events import publish
from party.rooms.stream import lock_as_member, lock_room
from party.rows import Caller, columns
from party.web.models import to_json

EXPIRED = "SELECT room_id FROM party_messages WHERE expires_at <= :now"
# Messages that go in one transaction.
AT_ONCE = 100


@transaction
def delete(tx: Connection, now: int, caller: Caller, message_id: str) -> None:
    """Delete a message, once. Raises `MessageNotFound`, `HostOnly`, `RoomEnded`."""
    room, member = lock_as_member(tx, caller)
    message = store.find(tx, now, room, message_id)
    # Before the member joined, its row was another's.
    is_author = message["member_id"] == member["id"] and message["seq"] > member["joined_seq"]
    if not is_author and member["role"] != "host":
        raise HostOnly("Only its author or the host may delete a message.")
    if message["content"] is None:
        return
    _forget(tx, room["id"], message)
    publish(tx, room, now, "message-deleted", member["participant_id"], {"messageId": message["seq"]})


def _forget(tx: Connection, room_id: int, message: store.Row) -> None:
    """Leave nothing of a message but its id, in its row and in the events of it. The room is locked."""
    seq, images = message["seq"], features().images
    if message["type"] == "image" and images:
        images.detach(tx, json.loads(message["content"] or "{}"))
    key = {"room_id": room_id, "seq": seq}
    tx.run(
        """
        UPDATE party_messages SET from_id = NULL, name = NULL, type = NULL, content = NULL
        WHERE room_id = :room_id AND seq = :seq
        """,
        **key,
    )
    tx.run("DELETE FROM party_reactions WHERE room_id = :room_id AND seq = :seq", **key)
    tx.run(
        "UPDATE party_events SET actor_id = NULL, data = :data WHERE room_id = :room_id AND seq = :seq",
        data=to_json({"message": {"id": seq}}),
        **key,
    )
    tx.run(
        """
        UPDATE party_events SET actor_id = NULL, data = :data
        WHERE room_id = :room_id AND seq > :seq AND type = 'message-reacted' AND data LIKE :begins
        """,
        data=to_json({"messageId": seq, "reactions": []}),
        begins=f'{{"messageId":{seq},%',
        **key,
    )


def expire(db: Database, now: int, row: Row) -> Iterator[int]:
    """Take the old messages out of a room."""
    while count := _expire_some(db, now, row["room_id"]):
        yield count


@transaction
def _expire_some(tx: Connection, now: int, room_id: int) -> int:
    """How many have been taken out now; 0 when that was all."""
    lock_room(tx, room_id)
    rows = tx.all(
        f"""
        SELECT {columns(store.Row)} FROM party_messages WHERE room_id = :room_id AND expires_at <= :now
        ORDER BY seq LIMIT {AT_ONCE}
        """,
        room_id=room_id,
        now=now,
    )
    for row in rows:
        _forget(tx, room_id, cast(store.Row, row))
        tx.run(
            "DELETE FROM party_messages WHERE room_id = :room_id AND seq = :seq",
            room_id=room_id,
            seq=row["seq"],
        )
    return len(rows)
