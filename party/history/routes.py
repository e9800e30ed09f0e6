"""What happened in a room, for its host."""

import json
from typing import Any

from flask import Blueprint, request

from party.clock import iso
from party.db import database
from party.errors import BadCursor
from party.history.models import RoomEvents
from party.polling.fast_path import CURSOR
from party.rows import Caller
from party.web.calls import Parameter, call

blueprint = Blueprint("history", __name__)

EVENTS = 200
_NUMBER = {"type": "integer", "minimum": 0}
_AFTER = Parameter("after", "query", _NUMBER, "those with a greater number; 0 unless given")


def _after() -> dict[str, int]:
    text = request.args.get("after", "0")
    if not CURSOR.fullmatch(text):
        raise BadCursor
    return {"after": int(text)}


@blueprint.get("/rooms/<code>/events")
@call(
    "What happened in a room, again",
    access="host",
    parse=_after,
    parameters=(_AFTER,),
    answers={200: RoomEvents},
    errors=(BadCursor,),
)
def events(caller: Caller, after: int) -> dict[str, Any]:
    """As long as there is the room, ended or not. Acknowledges nothing."""
    found = database().all(
        """
        SELECT seq, type, actor_id AS from_id, to_id, data AS payload, created_at FROM party_events
        WHERE room_id = :room_id AND seq > :after AND (to_id IS NULL OR to_id = :id)
        ORDER BY seq LIMIT :most
        """,
        room_id=caller["room_id"],
        id=caller["id"],
        after=after,
        most=EVENTS + 1,
    )
    shown = [
        {
            "seq": event["seq"],
            "type": event["type"],
            "fromId": event["from_id"],
            "toId": caller["participant_id"] if event["to_id"] else None,
            "payload": json.loads(event["payload"]),
            "createdAt": iso(event["created_at"]),
        }
        for event in found[:EVENTS]
    ]
    return {"events": shown, "seq": shown[-1]["seq"] if shown else after, "more": len(found) > EVENTS}
