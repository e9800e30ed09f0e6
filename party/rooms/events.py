"""Events: what members are told of changes in their room, each under a number of its stream."""

from typing import Any

from party.db import Connection
from party.features import features
from party.rooms.stream import advance
from party.rows import Stream
from party.web.models import to_json


def add_event(
    tx: Connection,
    room: Stream,
    now: int,
    type: str,
    actor_id: str | None,
    data: dict[str, Any],
    *,
    seq: int | None = None,
    to_id: int | None = None,
) -> None:
    """Store an event under a number that `advance` has taken: `seq`, or the last one.

    It is for all members, or for the one whose row is `to_id`.
    """
    tx.later(
        """
        INSERT INTO party_events (room_id, seq, type, actor_id, to_id, data, created_at)
        VALUES (:room_id, :seq, :type, :actor_id, :to_id, :data, :now)
        """,
        room_id=room["id"],
        seq=room["seq"] if seq is None else seq,
        type=type,
        actor_id=actor_id,
        to_id=to_id,
        data=to_json(data),
        now=now,
    )
    features().event_added(tx, room, now, type, data)


def publish(
    tx: Connection,
    room: Stream,
    now: int,
    type: str,
    actor_id: str | None,
    data: dict[str, Any],
    *,
    to_id: int | None = None,
    **changes: Any,
) -> None:
    """Tell all members, or `to_id` only, of one change, which `changes` of the room may be part of.

    See `advance`.
    """
    advance(tx, room, now, **changes)
    add_event(tx, room, now, type, actor_id, data, to_id=to_id)
