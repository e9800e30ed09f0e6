"""Sending and polling on these paths.

Signals among members without a token, and those to and from nobody that a room knows, are kept in a table
of their own (`mailbox.py`); what goes to or comes from a member with a token takes the ordered stream,
like all that is sent to it.
"""

import json
from typing import Any

from party.db import Connection, Database, Row, transaction
from party.errors import NotAMember, NotYourId, PeerNotFound, RoomEnded
from party.php_paths import mailbox
from party.php_paths.callers import WITH_A_TOKEN, seated
from party.php_paths.models import Signal, php_time
from party.php_paths.visible import lock_seen
from party.polling.heartbeats import Heartbeats
from party.rooms import due, presence, stream, views
from party.rows import Member, Room
from party.signaling.models import Message
from party.signaling.send import send as send_signals


def send(database: Database, now: int, signal: Signal, address_hash: str) -> int:
    """Store a signal from whoever says so to whoever asks for it: its positive number.

    Raises `NotYourId`, `NotAMember`, `PeerNotFound`, `MailboxFull`, `RoomEnded`.
    """
    seats = seated(database, signal.roomCode, signal.fromId, signal.toId)
    addressee = seats.get(signal.toId)
    if addressee is None or addressee["token_hash"] is None:
        return _store(database, now, signal, address_hash)
    sender = seats.get(signal.fromId)
    if sender is None:
        raise NotAMember("Only members may send to this participant.")
    if sender["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    message = Message(toId=signal.toId, type=signal.type, payload=signal.payload)
    numbers, _ = send_signals(database, now, sender, [message], None)
    return numbers[0]


@transaction
def _store(tx: Connection, now: int, signal: Signal, address_hash: str) -> int:
    room, members = lock_seen(tx, signal.roomCode)
    sender, addressee = members.get(signal.fromId), members.get(signal.toId)
    if sender and sender["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    if addressee and addressee["token_hash"] is not None:  # since a moment ago
        raise PeerNotFound
    if room and sender and room["status"] == "ended":
        raise RoomEnded
    return mailbox.put(tx, now, signal, address_hash)


def poll(
    database: Database, now: int, code: str, participant_id: str, heartbeats: Heartbeats
) -> list[dict[str, Any]]:
    """What waits for this id in this code, which need not exist; it is gone with the answer.

    Simultaneous polls get different signals. Raises `NotYourId` for a member with a token.
    """
    caller = seated(database, code, participant_id).get(participant_id)
    if caller:
        if caller["token_hash"] is not None:
            raise NotYourId(WITH_A_TOKEN)
        if stream.is_due(caller, now):
            due.catch_up(database, now, caller["room_id"], polling=caller["id"])
            caller["status"] = views.room_row(database, caller["room_id"])["status"]
        heartbeats.note(now, caller, caller)
        if caller["presence"] != "online":
            presence.seen_again(database, now, caller)
    # Most polls find nothing, and shall cost no more than these two questions.
    waiting = database.one(
        """
        SELECT 1 AS n FROM party_php_signals WHERE code = :code AND to_id = :to_id
        UNION ALL
        SELECT 1 AS n FROM party_signaling WHERE room_id = :room_id AND to_id = :id
        LIMIT 1
        """,
        code=code,
        to_id=participant_id,
        room_id=caller and caller["room_id"],
        id=caller and caller["id"],
    )
    return _take(database, now, code, participant_id) if waiting else []


@transaction
def _take(tx: Connection, now: int, code: str, participant_id: str) -> list[dict[str, Any]]:
    room, members = lock_seen(tx, code)
    member = members.get(participant_id)
    if member and member["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    taken = _take_from_stream(tx, room, member) if room and member else []
    taken += [
        row
        for row in mailbox.take(tx, code, participant_id)
        # What somebody sent under an id before a member with a token took it, that member has not said.
        if row["expires_at"] > now
        and (row["from_id"] not in members or members[row["from_id"]]["token_hash"] is None)
    ]
    return [
        {
            "id": row["id"],
            "fromId": row["from_id"],
            "toId": participant_id,
            "type": row["type"],
            "payload": json.loads(row["payload"]),
            "createdAt": php_time(row["created_at"]),
        }
        for row in sorted(taken, key=lambda row: row["created_at"])
    ]


def _take_from_stream(tx: Connection, room: Room, member: Member) -> list[Row]:
    """Remove what members with a token have sent, under the room's lock, so that nothing is on its way in."""
    where = {"room_id": room["id"], "id": member["id"]}
    rows = tx.all(
        """
        SELECT s.seq AS id, p.participant_id AS from_id, s.type, s.payload, s.created_at
        FROM party_signaling s JOIN party_participants p ON p.id = s.from_id
        WHERE s.room_id = :room_id AND s.to_id = :id
        ORDER BY s.seq
        """,
        **where,
    )
    if rows:
        tx.run("DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :id", **where)
    return rows
