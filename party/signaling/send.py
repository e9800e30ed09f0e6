"""Sending signals: numbers under the room's lock, then the mailbox."""

from party import mailbox
from party.config import settings
from party.db import Connection, transaction
from party.errors import MailboxFull, PeerNotFound, RoomEnded
from party.rooms.stream import advance, check_cursor, earliest, lock_as_member
from party.rooms.views import present_members
from party.rows import Caller, Member, Room
from party.signaling.models import Message
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
    room, sender = lock_as_member(tx, caller, even_ended=True)
    if after is not None:
        check_cursor(room, after)
    ids = [message.clientMsgId for message in messages if message.clientMsgId]
    known = mailbox.known_ids(tx, sender["token_hash"], ids)
    # A second message with the same id in one batch is a retry of the first.
    fresh: dict[str | int, Message] = {}
    for i, message in enumerate(messages):
        if message.clientMsgId not in known:
            fresh.setdefault(message.clientMsgId or i, message)
    if fresh and room["status"] == "ended":
        raise RoomEnded
    first = _store(tx, now, room, sender, list(fresh.values())) if fresh else 0
    if after is not None:
        mailbox.acknowledge(tx, room["id"], sender["id"], after)
    numbers = {key: first + i for i, key in enumerate(fresh)}
    numbers.update(known)
    return [numbers[message.clientMsgId or i] for i, message in enumerate(messages)], bool(fresh)


def _store(tx: Connection, now: int, room: Room, sender: Member, messages: list[Message]) -> int:
    """Store new signals under consecutive numbers; the first of them."""
    peers = {
        member["participant_id"]: member["id"]
        for member in present_members(tx, room["id"])
        if member["id"] != sender["id"]
    }
    signals = [_signal(peers, message) for message in messages]
    for to in dict.fromkeys(signal.to for signal in signals):
        theirs = [signal.bytes for signal in signals if signal.to == to]
        signals_left, bytes_left = mailbox.space(tx, room["id"], to)
        if signals_left < len(theirs) or bytes_left < sum(theirs):
            raise MailboxFull(retry_after=MAILBOX_RETRY_SECONDS)
    expires_at = now + settings().signal_ttl_ms
    due_at = earliest(room["due_at"], expires_at)
    first = advance(tx, room, now, len(signals), negotiated_at=now, due_at=due_at)
    mailbox.insert(tx, room["id"], sender["id"], sender["token_hash"], first, signals, now, expires_at)
    return first


def _signal(peers: dict[str, int], message: Message) -> mailbox.Signal:
    if message.toId not in peers:
        raise PeerNotFound
    payload = to_json(message.payload)
    return mailbox.Signal(
        peers[message.toId], message.type, payload, len(payload.encode()), message.clientMsgId
    )
