"""Messages in the database: posting, reacting and reading.

A message is an event of the room's stream, whose number is its id, and a row that outlives the event.
"""

import json
from typing import Any, TypedDict, cast

from party.clock import FUTURE_MS, iso
from party.config import settings
from party.db import Connection, Database, snapshot, transaction
from party.errors import ImageNotFound, RateLimited, RoomEnded
from party.features import features
from party.messages.errors import MessageNotFound
from party.messages.models import Drawing, ImageId, Post
from party.rooms.events import add_event, publish
from party.rooms.stream import advance, lock_as_member
from party.rows import Caller, Member, Room, columns
from party.web.models import to_json

# One message in so long by one member.
EVERY_MS = 1000


class Row(TypedDict):
    """A message; `content` is JSON, and None where it was deleted."""

    seq: int
    member_id: int
    from_id: str
    name: str
    type: str
    content: str | None
    created_at: int


@transaction
def post(tx: Connection, now: int, caller: Caller, body: Post) -> tuple[int, bool]:
    """Say something to all: the message's id, and whether it is new rather than a retry.

    Raises `RoomEnded`, `RateLimited`, `ImageNotFound`.
    """
    room, author = lock_as_member(tx, caller, even_ended=True)
    known, latest_at = _earlier(tx, author, body.clientMsgId)
    if known is not None:
        return known, False
    if room["status"] == "ended":
        raise RoomEnded
    # One from a clock that was ahead does not count for ever.
    if latest_at is not None and now - EVERY_MS < latest_at <= now + FUTURE_MS:
        raise RateLimited("One message a second is enough for everybody.", retry_after=1)
    seq = advance(tx, room, now, relayed_at=now)
    message: Row = {
        "seq": seq,
        "member_id": author["id"],
        "from_id": author["participant_id"],
        "name": author["name"],
        "type": body.type,
        "content": to_json(_content(tx, author, body.content)),
        "created_at": now,
    }
    shown = {"message": _shown(message, [])}
    add_event(tx, room, now, "message-posted", author["participant_id"], shown)
    expires_at = now + settings().message_ttl_ms
    kept = {**message, "room_id": room["id"], "client_msg_id": body.clientMsgId, "expires_at": expires_at}
    tx.insert_later("party_messages", [kept])
    return seq, True


def _content(tx: Connection, author: Member, content: str | Drawing | ImageId) -> Any:
    """What is shown of the content. Raises `ImageNotFound`."""
    if isinstance(content, ImageId):
        images = features().images
        image = images.attach(tx, author, content.imageId) if images else None
        if image is None:
            raise ImageNotFound("You have uploaded no such image into this room.")
        return image
    return content.model_dump() if isinstance(content, Drawing) else content


def known(database: Database, caller: Caller, client_msg_id: str | None) -> int | None:
    """The id of the message that the caller has posted under this client message id."""
    found = database.one(
        """
        SELECT seq FROM party_messages
        WHERE member_id = :id AND client_msg_id = :client_msg_id AND seq > (
            SELECT joined_seq FROM party_participants WHERE id = :id
        )
        """,
        id=caller["id"],
        client_msg_id=client_msg_id,
    )
    return found["seq"] if found else None


def _earlier(tx: Connection, author: Member, client_msg_id: str | None) -> tuple[int | None, int | None]:
    """The message that the author has posted under this client message id, and when it posted its latest.

    Before it joined, its row was another's.
    """
    rows = tx.all(
        """
        SELECT 1 AS is_known, seq, created_at FROM party_messages
        WHERE member_id = :id AND client_msg_id = :client_msg_id AND seq > :joined_seq
        UNION ALL
        SELECT 0, seq, created_at FROM (
            SELECT seq, created_at FROM party_messages WHERE member_id = :id AND seq > :joined_seq
            ORDER BY seq DESC LIMIT 1
        ) AS latest
        """,
        id=author["id"],
        client_msg_id=client_msg_id,
        joined_seq=author["joined_seq"],
    )
    known_seq = next((row["seq"] for row in rows if row["is_known"]), None)
    return known_seq, next((row["created_at"] for row in rows if not row["is_known"]), None)


@snapshot
def history(tx: Connection, now: int, caller: Caller, before: int | None, limit: int) -> dict[str, Any]:
    """The latest messages, or those before one, in order: {messages, more}."""
    found = tx.all(
        f"""
        SELECT {columns(Row)} FROM party_messages
        WHERE room_id = :room_id AND content IS NOT NULL AND expires_at > :now
            {"" if before is None else "AND seq < :before"}
        ORDER BY seq DESC LIMIT :most
        """,
        room_id=caller["room_id"],
        now=now,
        before=before,
        most=limit + 1,
    )
    rows = cast(list[Row], found[:limit][::-1])
    reactions = _reactions(tx, caller["room_id"], [row["seq"] for row in rows])
    return {
        "messages": [_shown(row, reactions[row["seq"]]) for row in rows],
        "more": len(found) > limit,
    }


def find(tx: Connection, now: int, room: Room, message_id: str) -> Row:
    """A message, or what is left of it. Raises `MessageNotFound`."""
    found = tx.one(
        f"""
        SELECT {columns(Row)} FROM party_messages
        WHERE room_id = :room_id AND seq = :seq AND expires_at > :now
        """,
        room_id=room["id"],
        seq=int(message_id) if message_id.isascii() and message_id.isdigit() and len(message_id) < 19 else 0,
        now=now,
    )
    if found is None:
        raise MessageNotFound
    return cast(Row, found)


@transaction
def react(
    tx: Connection, now: int, caller: Caller, message_id: str, emoji: str, on: bool
) -> list[dict[str, Any]]:
    """Add the caller's reaction to a message, or take it back: all of that message's.

    Raises `MessageNotFound`, `RoomEnded`.
    """
    room, member = lock_as_member(tx, caller)
    message = find(tx, now, room, message_id)
    if message["content"] is None:
        raise MessageNotFound
    seq = message["seq"]
    key = {"room_id": room["id"], "seq": seq, "member_id": member["id"], "emoji": emoji}
    where = "WHERE room_id = :room_id AND seq = :seq AND member_id = :member_id AND emoji = :emoji"
    if on == (tx.one(f"SELECT seq FROM party_reactions {where}", **key) is not None):
        return _reactions(tx, room["id"], [seq])[seq]
    if on:
        tx.insert_later("party_reactions", [{**key, "since_seq": room["seq"] + 1}])
    else:
        tx.run(f"DELETE FROM party_reactions {where}", **key)
    reactions = _reactions(tx, room["id"], [seq])[seq]
    data = {"messageId": seq, "reactions": reactions}
    publish(tx, room, now, "message-reacted", member["participant_id"], data, relayed_at=now)
    return reactions


def _reactions(tx: Connection, room_id: int, seqs: list[int]) -> dict[int, list[dict[str, Any]]]:
    """The reactions to messages, which are given in order: those that came first, first."""
    found: dict[int, dict[str, list[str]]] = {seq: {} for seq in seqs}
    rows = tx.all(
        """
        SELECT r.seq, r.emoji, p.participant_id
        FROM party_reactions r JOIN party_participants p ON p.id = r.member_id
        WHERE r.room_id = :room_id AND r.seq BETWEEN :first AND :last
        ORDER BY r.since_seq
        """,
        room_id=room_id,
        first=seqs[0] if seqs else 0,
        last=seqs[-1] if seqs else 0,
    )
    for row in rows:
        if row["seq"] in found:
            found[row["seq"]].setdefault(row["emoji"], []).append(row["participant_id"])
    return {
        seq: [{"emoji": emoji, "participantIds": ids} for emoji, ids in reactions.items()]
        for seq, reactions in found.items()
    }


def _shown(message: Row, reactions: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": message["seq"],
        "fromId": message["from_id"],
        "name": message["name"],
        "type": message["type"],
        "content": json.loads(message["content"] or "null"),
        "createdAt": iso(message["created_at"]),
        "reactions": reactions,
    }
