"""What a poll finds in the database, and what it leaves there: its acknowledgement and a sign of life."""

import json
from typing import Any, cast

from party import mailbox
from party.clock import iso
from party.db import Connection, Database, snapshot, transaction
from party.errors import RoomEnded, TokenInvalid
from party.polling.heartbeats import Heartbeats
from party.polling.pace import empty_answer, poll_after_ms
from party.rooms.stream import check_cursor, events_for
from party.rooms.views import room_row, room_view
from party.rows import Caller, Cursor, Member, Message, RoomState, columns
from party.web.models import KIB

ANSWER_MESSAGES = 200
ANSWER_BYTES = 1024 * KIB
# What a message takes in an answer besides its payload, rounded up.
ENVELOPE_BYTES = 256


class _Reader(Member, RoomState):
    """A member that reads, and the state of its room."""


def poll(
    database: Database, now: int, caller: Caller, after: int | None, heartbeats: Heartbeats
) -> dict[str, Any]:
    """Acknowledge up to `after` and give what is pending: Poll. Raises `BadCursor`, `RoomEnded`."""
    if after is not None:
        check_cursor(caller, after)
    note_poll(database, now, caller, after, heartbeats)
    acked = max(after or 0, caller["acked_seq"])
    if caller["status"] == "ended" and acked >= caller["seq"]:
        raise RoomEnded
    if after is not None and after == caller["seq"]:
        return empty_answer(now, caller)
    return read(database, now, caller, after)


def poll_after_send(
    database: Database, now: int, caller: Caller, after: int, heartbeats: Heartbeats
) -> dict[str, Any]:
    """The poll that a send with `after` is, too; the send has acknowledged already."""
    heartbeats.note(now, caller, caller)
    return read(database, now, caller, after, sent=True)


def note_poll(
    database: Database, now: int, caller: Caller, after: int | None, heartbeats: Heartbeats
) -> None:
    """Make the acknowledgement durable; note that the member and the room are alive."""
    if after is not None and after > caller["acked_seq"]:
        acknowledge(database, caller, after)
    heartbeats.note(now, caller, caller)


@transaction
def acknowledge(tx: Connection, caller: Caller, after: int) -> None:
    """The caller has processed everything up to `after`.

    Raises `TokenInvalid`, `BadCursor`: the caller was read some time ago.
    """
    room = tx.one(
        """
        SELECT r.seq, r.skipped_after
        FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.id = :id AND p.token_hash = :token_hash
        """,
        id=caller["id"],
        token_hash=caller["token_hash"],
    )
    if room is None:
        raise TokenInvalid
    check_cursor(cast(Cursor, room), after)
    mailbox.acknowledge(tx, caller["room_id"], caller["id"], after)


_SELECT_READER = f"""
    SELECT {columns(Member, "p")}, {columns(RoomState, "r")}
    FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
    WHERE p.id = :id
"""


def _reader(tx: Connection, member_id: int) -> _Reader | None:
    row = tx.one(_SELECT_READER, id=member_id)
    return cast(_Reader | None, row)


@snapshot
def read(
    tx: Connection, now: int, caller: Caller, after: int | None, *, sent: bool = False
) -> dict[str, Any]:
    """Everything beyond the cursor, up to the size of one answer. Raises `TokenInvalid`, `BadCursor`."""
    member = _reader(tx, caller["id"])
    if member is None or member["token_hash"] != caller["token_hash"]:
        raise TokenInvalid
    if after is not None:
        check_cursor(member, after)
    acked = member["acked_seq"]
    # Events stay as long as the room, so an older cursor gives them again; never those from before
    # the member came, whose row may have been another's then.
    events_after = max(acked if after is None else after, member["joined_seq"])
    messages, more = _fill(member, _pending(tx, member, max(after or 0, acked), events_after))
    gap = member["expired_seq"] > max(after or 0, acked)
    answer = {
        "messages": messages,
        "count": len(messages),
        "seq": messages[-1]["seq"] if more else member["seq"],
        "more": more,
        "gap": gap,
        "pollAfterMs": poll_after_ms(now, member, more=more, news=bool(messages), sent=sent),
    }
    if gap or after is None:
        answer["room"] = room_view(tx, now, room_row(tx, member["room_id"]), member)
    return answer


def _pending(tx: Connection, member: Member, signals_after: int, events_after: int) -> list[Message]:
    """The signals to a member and the room's events after these numbers, one more than an answer takes."""
    room_id, most = member["room_id"], ANSWER_MESSAGES + 1
    signals = mailbox.pending(tx, room_id, member["id"], signals_after, most)
    events = events_for(tx, room_id, member["id"], events_after, most)
    return sorted(signals + events, key=lambda message: message["seq"])


def _fill(member: Member, pending: list[Message]) -> tuple[list[dict[str, Any]], bool]:
    """As many messages as fit into one answer, at least one, and whether any is left."""
    messages: list[dict[str, Any]] = []
    size = 0
    for row in pending:
        size += len(row["payload"].encode()) + ENVELOPE_BYTES
        if messages and (size > ANSWER_BYTES or len(messages) == ANSWER_MESSAGES):
            return messages, True
        messages.append(
            {
                "seq": row["seq"],
                "type": row["type"],
                "fromId": row["from_id"],
                "toId": None if row["to_id"] is None else member["participant_id"],
                "payload": json.loads(row["payload"]),
                "createdAt": iso(row["created_at"]),
            }
        )
    return messages, False
