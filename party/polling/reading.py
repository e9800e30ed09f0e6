"""What a poll finds in the database, and what it leaves there: its acknowledgement and a sign of life."""

import json
from itertools import groupby
from operator import itemgetter
from typing import Any, cast

from party import mailbox
from party.clock import iso
from party.db import Answer, Connection, Database, transaction
from party.errors import RoomEnded
from party.features import features
from party.hooks import Item
from party.polling.heartbeats import Heartbeats
from party.polling.pace import empty_answer, poll_after_ms
from party.rooms import dead_tokens, lobby, presence
from party.rooms.stream import check_cursor, member_row
from party.rooms.views import room_row, view_for
from party.rows import Activity, Caller, Cursor, Due, Message
from party.web.models import KIB

ANSWER_MESSAGES = 200
ANSWER_BYTES = 1024 * KIB
# What a message takes in an answer besides its payload, rounded up.
ENVELOPE_BYTES = 256
# Something to be given: its number, its size, and what it is.
_Pending = tuple[int, int, Message | Item]


class _Reader(Due, Cursor, Activity):
    """A member that reads, and where its room is."""

    token_hash: str | None
    acked_seq: int
    expired_seq: int
    silent_seq: int


_SELECT_READER = """
    SELECT p.token_hash, p.acked_seq, p.expired_seq, r.seq, r.skipped_after, r.status,
           r.negotiated_at, r.relayed_at, r.due_at, r.silent_seq
    FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
    WHERE p.id = :id
"""


def poll(
    database: Database, now: int, caller: Caller, after: int | None, heartbeats: Heartbeats
) -> dict[str, Any]:
    """Acknowledge up to `after` and give what is pending: Poll. Raises `BadCursor`, `RoomEnded`."""
    if after is not None:
        check_cursor(caller, after)
    is_new = after is not None and after > caller["acked_seq"]
    is_over = caller["status"] == "ended" and max(after or 0, caller["acked_seq"]) >= caller["seq"]
    heartbeats.note(now, caller, caller)
    if caller["presence"] != "online":
        presence.seen_again(database, now, caller)
    if not is_over and caller["left_at"] is not None:
        return _read_refusal(database, now, caller, after, is_new)
    if not is_over and after != caller["seq"]:
        return read(database, now, caller, after, acknowledges=is_new)
    if after is not None and is_new:
        acknowledge(database, caller, after)
    if is_over:
        raise RoomEnded
    return empty_answer(now, caller)


def _read_refusal(
    database: Database, now: int, caller: Caller, after: int | None, acknowledges: bool
) -> dict[str, Any]:
    """What a guest reads that was refused. Raises `TokenInvalid` as soon as it has acknowledged that."""
    answer = read(database, now, caller, after, acknowledges=acknowledges)
    if after is not None and not answer["messages"]:
        lobby.part_with(database, caller)
    return answer


def poll_after_send(
    database: Database, now: int, caller: Caller, after: int, heartbeats: Heartbeats
) -> dict[str, Any]:
    """The poll that a send with `after` is, too; the send has acknowledged already."""
    heartbeats.note(now, caller, caller)
    if caller["presence"] != "online":
        presence.seen_again(database, now, caller)
    return read(database, now, caller, after, sent=True)


def acknowledge(database: Database, caller: Caller, after: int) -> None:
    """The caller has processed everything up to `after`.

    Raises `TokenInvalid`, `BadCursor`: the caller was read some time ago.
    """
    if _acknowledge(database, caller, after):
        return
    # Either that was known already, or it is not for the caller to say.
    reader = cast(_Reader | None, database.one(_SELECT_READER, id=caller["id"]))
    if reader is None or reader["token_hash"] != caller["token_hash"]:
        raise dead_tokens.invalid(database, caller["token_hash"])
    check_cursor(reader, after)


@transaction
def _acknowledge(tx: Connection, caller: Caller, after: int) -> int:
    answer = mailbox.acknowledge(tx, caller, after)
    tx.finish()
    return answer.matched()


def read(
    database: Database,
    now: int,
    caller: Caller,
    after: int | None,
    *,
    acknowledges: bool = False,
    sent: bool = False,
) -> dict[str, Any]:
    """Everything beyond the cursor, up to the size of one answer: Poll, the cursor acknowledged before if it
    shall be. Raises `TokenInvalid`, `BadCursor`."""

    def attempt(with_room: bool) -> dict[str, Any]:
        run = database.write if acknowledges else database.read
        return run(lambda tx: _read(tx, now, caller, after, acknowledges, sent, with_room))

    knows = bool(caller["silent_seq"])
    answer = attempt(with_room=after is None)
    if caller["silent_seq"] and not knows:
        # It was not known that there is any, so nobody has asked for it.
        answer = attempt(with_room=after is None)
    return attempt(with_room=True) if answer["gap"] and after is not None else answer


def _read(
    tx: Connection,
    now: int,
    caller: Caller,
    after: int | None,
    acknowledges: bool,
    sent: bool,
    with_room: bool,
) -> dict[str, Any]:
    if acknowledges and after is not None:
        mailbox.acknowledge(tx, caller, after)
        tx.look_later()
    found = tx.later(_SELECT_READER, id=caller["id"])
    # Of what the member has acknowledged no signal is left.
    signals = mailbox.pending_later(tx, caller["room_id"], caller["id"], after or 0, ANSWER_MESSAGES + 1)
    events = _events_later(tx, caller["room_id"], caller["id"], after, ANSWER_MESSAGES + 1)
    # Where there is nothing, as far as is known, nobody has to ask.
    kept = features().items_later(tx, caller, after) if after is not None and caller["silent_seq"] else []
    if not with_room:
        tx.finish()
    reader = cast(_Reader | None, found.one())
    if reader is None or reader["token_hash"] != caller["token_hash"]:
        raise dead_tokens.invalid(tx, caller["token_hash"])
    if after is not None:
        check_cursor(reader, after)
    caller["silent_seq"] = reader["silent_seq"]
    messages = cast(list[Message], signals.all() + events.all())
    pending: list[_Pending] = [
        (row["seq"], len(row["payload"].encode()) + ENVELOPE_BYTES, row) for row in messages
    ]
    gap = reader["expired_seq"] > max(after or 0, reader["acked_seq"])
    for items in kept:
        found_items, has_forgotten = items()
        pending += [(item.seq, item.bytes, item) for item in found_items]
        gap = gap or has_forgotten
    answer = _answer(now, caller, reader, pending, gap, sent)
    if with_room:
        room, viewer = room_row(tx, caller["room_id"]), member_row(tx, caller["id"])
        answer["room"] = view_for(tx, now, room, viewer or caller)
    return answer


def _events_later(tx: Connection, room_id: int, member_id: int, after: int | None, most: int) -> Answer:
    """A room's events after a number, to all or to this member: each a `Message`.

    None stands for what the member has acknowledged. Never those from before it came, whose row may have
    been another's then; and to one that waits for approval, only its own.
    """
    return tx.later(
        f"""
        SELECT seq, type, actor_id AS from_id, to_id, data AS payload, created_at
        FROM party_events
        WHERE room_id = :room_id
        AND (to_id = :id OR to_id IS NULL
             AND (SELECT role FROM party_participants WHERE id = :id) <> 'guest')
        AND seq > {"(SELECT acked_seq FROM party_participants WHERE id = :id)" if after is None else ":after"}
        AND seq > (SELECT joined_seq FROM party_participants WHERE id = :id)
        ORDER BY seq LIMIT :most
        """,
        room_id=room_id,
        id=member_id,
        most=most,
        **({} if after is None else {"after": after}),
    )


def _answer(
    now: int, caller: Caller, reader: _Reader, pending: list[_Pending], gap: bool, sent: bool
) -> dict[str, Any]:
    """As much of what is pending as fits into one answer: Poll without the room."""
    taken, more = _fill(pending)
    messages = [_shown(caller, what) for _, what in taken if not isinstance(what, Item)]
    answer: dict[str, Any] = {
        "messages": messages,
        "count": len(messages),
        "seq": taken[-1][0] if more else reader["seq"],
        "more": more,
        "gap": gap,
        "pollAfterMs": poll_after_ms(now, reader, more=more, news=bool(taken), sent=sent),
    }
    for _, what in taken:
        if isinstance(what, Item):
            answer.setdefault(what.field, []).append(what.shown)
    return answer


def _fill(pending: list[_Pending]) -> tuple[list[tuple[int, Message | Item]], bool]:
    """As much as fits, in order, and whether any is left.

    What has the same number stays together; what comes first is given in any case.
    """
    taken: list[tuple[int, Message | Item]] = []
    size = 0
    for seq, same in groupby(sorted(pending, key=itemgetter(0)), key=itemgetter(0)):
        together = list(same)
        size += sum(bytes for _, bytes, _ in together)
        if taken and (size > ANSWER_BYTES or len(taken) + len(together) > ANSWER_MESSAGES):
            return taken, True
        taken += [(seq, what) for _, _, what in together]
    return taken, False


def _shown(caller: Caller, row: Message) -> dict[str, Any]:
    return {
        "seq": row["seq"],
        "type": row["type"],
        "fromId": row["from_id"],
        "toId": None if row["to_id"] is None else caller["participant_id"],
        "payload": json.loads(row["payload"]),
        "createdAt": iso(row["created_at"]),
    }
