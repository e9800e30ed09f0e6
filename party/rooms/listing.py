"""The rooms whose hosts want them to be found."""

import base64
import re
from contextlib import suppress
from typing import Any, cast

from flask import request
from pydantic import TypeAdapter

from party.db import Database
from party.errors import RoomNotFound, ValidationError
from party.rooms.due import catch_up
from party.rooms.models import GameType
from party.rooms.stream import is_due
from party.rooms.views import room_preview
from party.rows import Room, columns
from party.web.calls import Parameter

MOST = 50
USUAL = 20
_GAME_TYPE: TypeAdapter[str] = TypeAdapter(GameType)
PARAMETERS = (
    Parameter("gameType", "query", _GAME_TYPE.json_schema(), "only rooms of this game"),
    Parameter("after", "query", {"type": "string"}, "`next` of the answer before"),
    Parameter(
        "limit",
        "query",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
        "how many at most",
    ),
)


def arguments() -> dict[str, Any]:
    """The query's parameters: {game_type, before, limit}; an empty one is none. Raises `ValidationError`."""
    game_type, after, limit = (request.args.get(each.name) or None for each in PARAMETERS)
    if game_type is not None:
        try:
            _GAME_TYPE.validate_python(game_type)
        except ValueError:
            raise ValidationError("gameType: 1 to 40 of a-z 0-9 -", field="gameType") from None
    if limit is not None and not (re.fullmatch("[0-9]{1,2}", limit) and 1 <= int(limit) <= MOST):
        raise ValidationError(f"limit: a number from 1 to {MOST}", field="limit")
    return {"game_type": game_type, "before": _read(after), "limit": int(limit or USUAL)}


def rooms(
    database: Database, now: int, game_type: str | None, before: int | None, limit: int
) -> dict[str, Any]:
    """Those that can be joined, newest first: RoomList."""
    found = _find(database, now, game_type, before, limit + 1)
    if overdue := [room for room in found if is_due(room, now)]:
        for room in overdue:
            with suppress(RoomNotFound):
                catch_up(database, now, room["id"])
        found = _find(database, now, game_type, before, limit + 1)
    shown = found[:limit]
    return {
        "rooms": [room_preview(room, room["host_name"], room["members"]) for room in shown],
        "next": _cursor(shown[-1]["id"]) if len(found) > limit else None,
    }


class _Listed(Room):
    host_name: str
    members: int


_MEMBERS = """
    (SELECT COUNT(*) FROM party_participants p
     WHERE p.room_id = r.id AND p.left_at IS NULL AND p.role <> 'guest')
"""


def _find(
    database: Database, now: int, game_type: str | None, before: int | None, most: int
) -> list[_Listed]:
    rows = database.all(
        f"""
        SELECT {columns(Room, "r")}, h.name AS host_name, {_MEMBERS} AS members
        FROM party_rooms r
        JOIN party_participants h ON h.room_id = r.id AND h.participant_id = r.host_id
        WHERE r.listed = 1 AND r.ended_at IS NULL AND r.expires_at > :now AND r.locked = 0
            {"" if game_type is None else "AND r.game_type = :game_type"}
            {"" if before is None else "AND r.id < :before"}
            AND {_MEMBERS} < r.max_participants
        ORDER BY r.id DESC LIMIT :most
        """,
        now=now,
        game_type=game_type,
        before=before,
        most=most,
    )
    return cast(list[_Listed], rows)


def _cursor(room_id: int) -> str:
    return base64.urlsafe_b64encode(f"before {room_id}".encode()).decode().rstrip("=")


def _read(cursor: str | None) -> int | None:
    """The row before which the next page begins. Raises `ValidationError`."""
    if cursor is None:
        return None
    with suppress(ValueError):
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        if (match := re.fullmatch("before ([0-9]{1,18})", text)) and _cursor(int(match[1])) == cursor:
            return int(match[1])
    raise ValidationError("after: the `next` of an earlier answer", field="after")
