"""Signals in the database: sent under the room's lock, kept until acknowledged or expired.

A signal is deleted by its acknowledgement, never by being read: an answer that got lost is simply
given again. What outlives it is the sender's message id, so that a late retry is still recognised.
"""

import json
from typing import Any

from party.clock import iso
from party.config import settings
from party.db import Connection, Database, Row, snapshot, transaction
from party.errors import MailboxFull, PeerNotFound, RoomEnded, TokenInvalid
from party.models import KIB, to_json
from party.rooms import store as rooms
from party.signaling.heartbeats import Heartbeats
from party.signaling.models import Message
from party.signaling.pace import poll_after_ms
from party.stream import add_event, advance, check_cursor, lock_as_member, lock_room

MAILBOX_SIGNALS = 1000
MAILBOX_BYTES = 4096 * KIB
ANSWER_MESSAGES = 200
ANSWER_BYTES = 1024 * KIB
# What a message takes in an answer besides its payload, rounded up.
ENVELOPE_BYTES = 256
MAILBOX_RETRY_SECONDS = 2
# A token's latest client message ids that are remembered.
REMEMBERED_IDS = 2000
# Expired signals dropped in one transaction; the next poll goes on.
DROPPED_AT_ONCE = 500


# Sending


@transaction
def send(
    tx: Connection, now: int, caller: Row, messages: list[Message], after: int | None
) -> tuple[list[int], bool]:
    """Store signals, all or none: their numbers, and whether any was new.

    A known `clientMsgId` gives its first number and stores nothing. Raises `BadCursor`,
    `PeerNotFound`, `MailboxFull`, `RoomEnded`.
    """
    room, sender = lock_as_member(tx, caller, even_ended=True)
    if after is not None:
        check_cursor(room, after)
    known = _known_ids(tx, sender, messages)
    # A second message with the same id in one batch is a retry of the first.
    fresh: dict[str | int, Message] = {}
    for i, message in enumerate(messages):
        if message.clientMsgId not in known:
            fresh.setdefault(message.clientMsgId or i, message)
    if fresh and room["status"] == "ended":
        raise RoomEnded
    first = _store(tx, now, room, sender, list(fresh.values())) if fresh else 0
    if after is not None:
        _acknowledge(tx, sender, after)
    numbers = {key: first + i for i, key in enumerate(fresh)}
    numbers.update(known)
    return [numbers[message.clientMsgId or i] for i, message in enumerate(messages)], bool(fresh)


def _known_ids(tx: Connection, sender: Row, messages: list[Message]) -> dict[str, int]:
    """The numbers of those client message ids that this token has used before."""
    ids = {f"id_{i}": message.clientMsgId for i, message in enumerate(messages) if message.clientMsgId}
    if not ids:
        return {}
    places = ", ".join(f":{name}" for name in ids)
    rows = tx.all(
        f"""
        SELECT client_msg_id, seq FROM party_sent
        WHERE token_hash = :token_hash AND client_msg_id IN ({places})
        """,
        token_hash=sender["token_hash"],
        **ids,
    )
    return {row["client_msg_id"]: row["seq"] for row in rows}


def _store(tx: Connection, now: int, room: Row, sender: Row, messages: list[Message]) -> int:
    """Insert new signals under consecutive numbers; the first of them."""
    peers = {
        member["participant_id"]: member["id"]
        for member in rooms.present_members(tx, room)
        if member["id"] != sender["id"]
    }
    payloads = [to_json(message.payload) for message in messages]
    sizes = [len(payload.encode()) for payload in payloads]
    room_left: dict[str, tuple[int, int]] = {}
    for message, size in zip(messages, sizes, strict=True):
        if message.toId not in peers:
            raise PeerNotFound
        if message.toId not in room_left:
            room_left[message.toId] = _mailbox_room(tx, room["id"], peers[message.toId])
        signals_left, bytes_left = room_left[message.toId]
        if signals_left < 1 or bytes_left < size:
            raise MailboxFull(retry_after=MAILBOX_RETRY_SECONDS)
        room_left[message.toId] = signals_left - 1, bytes_left - size

    expires_at = now + settings().signal_ttl_ms
    first = advance(
        tx,
        room,
        now,
        len(messages),
        negotiated_at=now,
        signals_expire_at=min(room["signals_expire_at"] or expires_at, expires_at),
    )
    tx.insert_many(
        "party_signaling",
        [
            {
                "room_id": room["id"],
                "to_id": peers[message.toId],
                "seq": first + i,
                "from_id": sender["id"],
                "type": message.type,
                "payload": payloads[i],
                "payload_bytes": sizes[i],
                "client_msg_id": message.clientMsgId,
                "created_at": now,
                "expires_at": expires_at,
            }
            for i, message in enumerate(messages)
        ],
    )
    tx.insert_many(
        "party_sent",
        [
            {
                "token_hash": sender["token_hash"],
                "client_msg_id": message.clientMsgId,
                "room_id": room["id"],
                "seq": first + i,
            }
            for i, message in enumerate(messages)
            if message.clientMsgId
        ],
    )
    # No token can have used more ids than its room has given out numbers.
    if room["seq"] > REMEMBERED_IDS:
        _forget_old_ids(tx, sender["token_hash"])
    return first


def _forget_old_ids(tx: Connection, token_hash: str) -> None:
    """Forget all but a token's latest client message ids."""
    tx.run(
        f"""
        DELETE FROM party_sent
        WHERE token_hash = :token_hash AND seq <= (
            SELECT seq FROM (
                SELECT seq FROM party_sent WHERE token_hash = :token_hash
                ORDER BY seq DESC LIMIT 1 OFFSET {REMEMBERED_IDS}
            ) AS older
        )
        """,
        token_hash=token_hash,
    )


def _mailbox_room(tx: Connection, room_id: int, to_id: int) -> tuple[int, int]:
    """How many more signals and bytes a mailbox takes."""
    found = tx.one(
        """
        SELECT COUNT(*) AS signals, COALESCE(SUM(payload_bytes), 0) AS bytes
        FROM party_signaling WHERE room_id = :room_id AND to_id = :to_id
        """,
        room_id=room_id,
        to_id=to_id,
    )
    assert found is not None
    return MAILBOX_SIGNALS - found["signals"], MAILBOX_BYTES - int(found["bytes"])


# Polling


def poll(
    database: Database, now: int, caller: Row, after: int | None, heartbeats: Heartbeats
) -> dict[str, Any]:
    """Acknowledge up to `after` and give what is pending: Poll. Raises `BadCursor`, `RoomEnded`."""
    if after is not None:
        check_cursor(caller, after)
    note_poll(database, now, caller, after, heartbeats)
    acked = max(after or 0, caller["acked_seq"])
    if caller["status"] == "ended" and acked >= caller["seq"]:
        raise RoomEnded
    if after is not None and after == caller["seq"]:
        return idle_answer(now, caller)
    return read(database, now, caller, after)


def poll_after_send(
    database: Database, now: int, caller: Row, after: int, heartbeats: Heartbeats
) -> dict[str, Any]:
    """The poll that a send with `after` is, too; `send` has acknowledged already."""
    heartbeats.note(now, caller, caller)
    return read(database, now, caller, after, sent=True)


def note_poll(database: Database, now: int, caller: Row, after: int | None, heartbeats: Heartbeats) -> None:
    """Make the acknowledgement durable; note that the member and the room are alive."""
    if after is not None and after > caller["acked_seq"]:
        acknowledge(database, caller, after)
    heartbeats.note(now, caller, caller)


@transaction
def acknowledge(tx: Connection, member: Row, after: int) -> None:
    """As `_acknowledge`, by itself. Raises `TokenInvalid`, `BadCursor`: the member was read some time ago."""
    room = tx.one(
        """
        SELECT r.seq, r.skipped_after
        FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.id = :id AND p.token_hash = :token_hash
        """,
        id=member["id"],
        token_hash=member["token_hash"],
    )
    if room is None:
        raise TokenInvalid
    check_cursor(room, after)
    _acknowledge(tx, member, after)


def _acknowledge(tx: Connection, member: Row, after: int) -> None:
    """The member has processed everything up to `after`: those signals go."""
    tx.run(
        "DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :id AND seq <= :after",
        room_id=member["room_id"],
        id=member["id"],
        after=after,
    )
    tx.run(
        "UPDATE party_participants SET acked_seq = :after WHERE id = :id AND acked_seq < :after",
        id=member["id"],
        after=after,
    )


def idle_answer(now: int, caller: Row) -> dict[str, Any]:
    """The room has not moved since the caller's cursor: there is nothing to look for."""
    return {
        "messages": [],
        "count": 0,
        "seq": caller["seq"],
        "more": False,
        "gap": False,
        "pollAfterMs": poll_after_ms(now, caller, more=False, news=False),
    }


@snapshot
def read(tx: Connection, now: int, caller: Row, after: int | None, *, sent: bool = False) -> dict[str, Any]:
    """Everything beyond the cursor, up to the size of one answer. Raises `TokenInvalid`, `BadCursor`."""
    member = tx.one("SELECT * FROM party_participants WHERE id = :id", id=caller["id"])
    if member is None or member["token_hash"] != caller["token_hash"]:
        raise TokenInvalid
    room = rooms.room_row(tx, member["room_id"])
    if after is not None:
        check_cursor(room, after)
    acked = member["acked_seq"]
    # Events stay as long as the room, so an older cursor gives them again; never those from before
    # the member came, whose row may have been another's then.
    events_after = max(acked if after is None else after, member["joined_seq"])
    messages, more = _fill(_pending(tx, member, max(after or 0, acked), events_after))
    gap = member["expired_seq"] > max(after or 0, acked)
    answer = {
        "messages": messages,
        "count": len(messages),
        "seq": messages[-1]["seq"] if more else room["seq"],
        "more": more,
        "gap": gap,
        "pollAfterMs": poll_after_ms(now, room, more=more, news=bool(messages), sent=sent),
    }
    if gap or after is None:
        answer["room"] = rooms.room_view(tx, now, room, member)
    return answer


def _pending(tx: Connection, member: Row, signals_after: int, events_after: int) -> list[Row]:
    """The signals to a member and the room's events after these numbers, one more than an answer takes."""
    where = {"room_id": member["room_id"], "id": member["id"], "most": ANSWER_MESSAGES + 1}
    signals = tx.all(
        """
        SELECT s.seq, s.type, p.participant_id AS from_id, s.to_id, s.payload, s.payload_bytes, s.created_at
        FROM party_signaling s JOIN party_participants p ON p.id = s.from_id
        WHERE s.room_id = :room_id AND s.to_id = :id AND s.seq > :signals_after
        ORDER BY s.seq LIMIT :most
        """,
        signals_after=signals_after,
        **where,
    )
    events = tx.all(
        """
        SELECT seq, type, actor_id AS from_id, to_id, data AS payload, created_at
        FROM party_events
        WHERE room_id = :room_id AND seq > :events_after AND (to_id IS NULL OR to_id = :id)
        ORDER BY seq LIMIT :most
        """,
        events_after=events_after,
        **where,
    )
    for message in signals + events:
        message["to_id"] = message["to_id"] and member["participant_id"]
    return sorted(signals + events, key=lambda message: message["seq"])


def _fill(pending: list[Row]) -> tuple[list[dict[str, Any]], bool]:
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
                "toId": row["to_id"],
                "payload": json.loads(row["payload"]),
                "createdAt": iso(row["created_at"]),
            }
        )
    return messages, False


@snapshot
def peers(tx: Connection, caller: Row) -> list[str]:
    """The ids of the other present members."""
    members = rooms.present_members(tx, {"id": caller["room_id"]})
    return [member["participant_id"] for member in members if member["id"] != caller["id"]]


# Expiry


@transaction
def drop_expired(
    tx: Connection, now: int, room_id: int, most: int = DROPPED_AT_ONCE, *, wait: bool = True
) -> int:
    """Drop a room's signals that nobody acknowledged in time and tell their senders: how many.

    Without `wait` it raises `Locked` if somebody else has the room's lock.
    """
    room = lock_room(tx, room_id, wait=wait)
    dropped = [
        signal
        for signal in tx.all(
            """
            SELECT s.seq, s.to_id, s.from_id, s.client_msg_id, t.participant_id AS to_name,
                   f.left_at AS sender_left_at, f.joined_seq AS sender_joined_seq
            FROM party_signaling s
            JOIN party_participants t ON t.id = s.to_id
            JOIN party_participants f ON f.id = s.from_id
            WHERE s.room_id = :room_id AND s.expires_at <= :now
            ORDER BY s.seq LIMIT :most
            """,
            room_id=room_id,
            now=now,
            most=most,
        )
        # An acknowledgement needs no room's lock and may have been faster.
        if tx.run(
            "DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :to_id AND seq = :seq",
            room_id=room_id,
            to_id=signal["to_id"],
            seq=signal["seq"],
        )
    ]
    for signal in dropped:
        tx.run(
            "UPDATE party_participants SET expired_seq = :seq WHERE id = :id AND expired_seq < :seq",
            id=signal["to_id"],
            seq=signal["seq"],
        )
    _tell_senders(tx, room, now, dropped)
    earliest = tx.one("SELECT MIN(expires_at) AS at FROM party_signaling WHERE room_id = :id", id=room_id)
    tx.run(
        "UPDATE party_rooms SET signals_expire_at = :at WHERE id = :id",
        id=room_id,
        at=earliest["at"] if earliest else None,
    )
    tx.moved.add(room_id)  # not its number, perhaps, but when the next signal expires
    return len(dropped)


def _tell_senders(tx: Connection, room: Row, now: int, dropped: list[Row]) -> None:
    """An event to each sender that is still there. In an ended room nothing comes after its end."""
    told = [
        signal
        for signal in dropped
        if signal["sender_left_at"] is None and signal["sender_joined_seq"] < signal["seq"]
    ]
    if not told or room["status"] == "ended":
        return
    # A room that only loses signals is not kept alive by that.
    first = advance(tx, room, now, len(told), expires_at=room["expires_at"])
    for seq, signal in enumerate(told, first):
        data = {
            "toId": signal["to_name"],
            "messageId": signal["seq"],
            "clientMsgId": signal["client_msg_id"],
        }
        add_event(tx, room, now, "signal-expired", None, data, seq=seq, to_id=signal["from_id"])
