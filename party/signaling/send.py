"""Sending signals: numbers under the room's lock, then the mailbox.

A member that this process knows sends on the fast path, before Flask is asked (`party.polling.fast_path`). It
is trusted as long as its room's `members_seq`, read under the lock, is the one that it was loaded with; what
is not certain, and whatever is refused, takes the full path.
"""

import re
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from pydantic import TypeAdapter

from party import clock, mailbox
from party.config import settings
from party.db import Connection, Database, Row, transaction
from party.errors import ApiError, MailboxFull, PeerNotFound, RoomEnded, Unavailable
from party.polling import reading
from party.polling.fast_path import Found
from party.polling.memory import Memory, has_news
from party.polling.pace import minimum_gap_ms
from party.rooms.stream import advance, check_cursor, earliest, is_due, lock_stream_later
from party.rows import Caller, Stream
from party.signaling.models import DATA, FIELDS, Message, Send, SendOne, SendSeveral
from party.signaling.relay import Relay
from party.web.models import MAX_BODY_BYTES, from_json, to_json
from party.web.rate_limits import RateLimits
from party.web.tokens import hashed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MAILBOX_RETRY_SECONDS = 2
# Under this name a request of the full path carries that the fast path has counted it.
COUNTED = "party.counted"
_SEND: TypeAdapter[Any] = TypeAdapter(Send)


class Stale(Exception):
    """What is remembered of a caller is not certain any more."""


class Sends:
    """What sends of one app share."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._database: Database = app.extensions["party.database"]
        self._limits: RateLimits = app.extensions["party.rate_limits"]
        self._relay: Relay = app.extensions["party.relay"]
        self._memory: Memory = app.extensions["party.memory"]

    def fast_answer(self, environ: "WSGIEnvironment") -> Found | None:
        """The status and data of a send whose sender this process knows; None for the full path."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        seat = self._memory.rooms.seat(hashed(token)) if scheme == "Bearer" else None
        if seat is None or seat.caller["presence"] != "online" or not self._limits.refused_bytes.is_kept():
            return None
        caller, body = seat.caller, _body(environ)
        if body is None or body.roomCode != caller["code"]:
            return None
        if body.fromId not in (None, caller["participant_id"]):
            return None
        now = clock.now_ms()
        with self._app.app_context():
            self.count(caller, body)
            environ[COUNTED] = True
            try:
                numbers, is_new = send(self._database, now, caller, body.signals, body.after, remembered=True)
            except Unavailable:
                raise
            except (Stale, ApiError):
                return None
            # Stored it is, and must not be sent again.
            return "201 CREATED" if is_new else "200 OK", self.answer(now, caller, body, numbers)

    def count(self, caller: Caller, body: Any) -> None:
        """Count what somebody sends. Raises `RateLimited`, `RelayOff`, `RelayLimit`."""
        self._limits.sends.hit(caller["id"], len(body.signals) or 1)
        if data := [signal.payload for signal in body.signals if signal.type == DATA]:
            self._relay.hit(caller["id"], data)

    def answer(
        self, now: int, caller: Caller, body: SendOne | SendSeveral, numbers: list[int]
    ) -> dict[str, Any]:
        """What the sender of signals that have these numbers is told; with `after` it has polled, too."""
        answer: dict[str, Any] = {"sent": True}
        if isinstance(body, SendOne):
            answer["messageId"] = numbers[0]
        else:
            answer["messageIds"] = numbers
        covered = caller["acked_seq"]
        if body.after is not None:
            heartbeats = self._memory.heartbeats
            answer |= reading.poll_after_send(self._database, now, caller, body.after, heartbeats)
            covered = body.after if has_news(answer) else answer["seq"]
            if self._memory.longest_wait and not answer["more"]:
                answer["pollAfterMs"] = minimum_gap_ms()
        self._memory.remember(caller, covered)
        return answer


def init_app(app: Flask) -> None:
    """Let members that a process knows send on the fast path."""
    sends = app.extensions["party.sends"] = Sends(app)
    app.extensions["party.fast_path"].answers["POST", "/signal"] = sends.fast_answer


def sends() -> Sends:
    """The current app's."""
    found: Sends = current_app.extensions["party.sends"]
    return found


def _body(environ: "WSGIEnvironment") -> SendOne | SendSeveral | None:
    """The body, if it is good and has nothing for features; the full path can read it again."""
    length = environ.get("CONTENT_LENGTH", "")
    if environ.get("CONTENT_TYPE") != "application/json" or not re.fullmatch("[0-9]{1,7}", length):
        return None
    if int(length) > MAX_BODY_BYTES:
        return None
    try:
        raw = environ["wsgi.input"].read(int(length))
        environ["wsgi.input"] = BytesIO(raw)
        value = from_json(raw) if len(raw) == int(length) else {}
        return _SEND.validate_python(value) if value.keys() <= FIELDS else None
    except Exception:  # of which the full path tells
        return None


@transaction
def send(
    tx: Connection,
    now: int,
    caller: Caller,
    messages: list[Message],
    after: int | None,
    *,
    remembered: bool = False,
) -> tuple[list[int], bool]:
    """Store signals, all or none: their numbers, and whether any was new.

    A known `clientMsgId` gives its first number and stores nothing. Raises `BadCursor`,
    `PeerNotFound`, `MailboxFull`, `RoomEnded`; `Stale` where the caller is `remembered` and not certain.
    """
    ids = [message.clientMsgId for message in messages if message.clientMsgId]
    lock = lock_stream_later(tx, caller)
    known_ids = mailbox.known_ids_later(tx, caller["token_hash"], ids)
    boxes = mailbox.boxes_later(tx, caller["room_id"], {message.toId for message in messages})
    room = lock()
    if remembered and (room["members_seq"] != caller["members_seq"] or is_due(room, now)):
        raise Stale
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
