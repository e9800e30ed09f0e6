"""Sending signals: numbers under the room's lock, then the mailbox."""

from typing import Any

from party import mailbox
from party.config import settings
from party.db import Connection, Row, transaction
from party.errors import MailboxFull, PeerNotFound, RoomEnded
from party.rooms.stream import advance, check_cursor, earliest, lock_stream_later
from party.rows import Caller, Stream
from party.signaling.models import DATA, Message
from party.web.models import to_json

MAILBOX_RETRY_SECONDS = 2


@transaction
def send(
    tx: Connection, now: int, caller: Caller, messages: list[Message], after: int | None
) -> tuple[list[int], bool]:
    """Store signals, all or none: their numbers, and whether any was new.

    A known `clientMsgId` gives its first number and stores nothing. Raises `BadCursor`,
    `PeerNotFound`, `MailboxFull`, `RoomEnded`.
    """
    ids = [message.clientMsgId for message in messages if message.clientMsgId]
    lock = lock_stream_later(tx, caller)
    known_ids = mailbox.known_ids_later(tx, caller["token_hash"], ids)
    boxes = mailbox.boxes_later(tx, caller["room_id"], {message.toId for message in messages})
    room = lock()
    if after is not None:
        check_cursor(room, after)
    known = {row["client_msg_id"]: row["seq"] for row in known_ids.all()} if known_ids else {}
    # A second message with the same id in one batch is a retry of the first.
    fresh: dict[str | int, Message] = {}
    for i, message in enumerate(messages):
        if message.clientMsgId not in known:
            fresh.setdefault(message.clientMsgId or i, message)
    if fresh and room["status"] == "ended":
        raise RoomEnded
    first = _store(tx, now, room, caller, list(fresh.values()), boxes.all()) if fresh else 0
    if after is not None:
        mailbox.acknowledge(tx, caller, after)
    numbers = {key: first + i for i, key in enumerate(fresh)}
    numbers.update(known)
    return [numbers[message.clientMsgId or i] for i, message in enumerate(messages)], bool(fresh)


def _store(
    tx: Connection, now: int, room: Stream, sender: Caller, messages: list[Message], boxes: list[Row]
) -> int:
    """Store new signals under consecutive numbers; the first of them."""
    peers = {box["participant_id"]: box for box in boxes if box["id"] != sender["id"]}
    signals = [_signal(peers, message) for message in messages]
    for box in peers.values():
        theirs = [signal.bytes for signal in signals if signal.to == box["id"]]
        if (
            box["signals"] + len(theirs) > mailbox.MAILBOX_SIGNALS
            or int(box["bytes"]) + sum(theirs) > mailbox.MAILBOX_BYTES
        ):
            raise MailboxFull(retry_after=MAILBOX_RETRY_SECONDS)
    expires_at = now + settings().signal_ttl_ms
    due_at = earliest(room["due_at"], expires_at)
    is_negotiation = any(signal.type != DATA for signal in signals)
    moment: dict[str, Any] = {"negotiated_at": now} if is_negotiation else {"relayed_at": now}
    first = advance(tx, room, now, len(signals), due_at=due_at, **moment)
    mailbox.insert(tx, room["id"], sender["id"], sender["token_hash"], first, signals, now, expires_at)
    return first


def _signal(peers: dict[str, Row], message: Message) -> mailbox.Signal:
    if message.toId not in peers:
        raise PeerNotFound
    # The pages of the PHP backend know no such signals.
    if message.type == DATA and peers[message.toId]["token_hash"] is None:
        raise PeerNotFound("That participant takes no data through the service.")
    payload = to_json(message.payload)
    return mailbox.Signal(
        peers[message.toId]["id"], message.type, payload, len(payload.encode()), message.clientMsgId
    )
