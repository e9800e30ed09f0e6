"""Rooms as the PHP backend's pages see them, and signals that go when they are read.

A member of these paths is one whose seat has no token. Signals among such members, and those to and from
nobody that a room knows, are kept in a table of their own; what goes to or comes from a member with a
token takes the ordered stream, like all that is sent to it.
"""

import json
from datetime import datetime, timezone
from typing import Any, cast

from party import mailbox
from party.config import settings
from party.db import Connection, Database, Row, snapshot, transaction
from party.errors import (
    HostOnly,
    MailboxFull,
    NotAMember,
    NotYourId,
    PeerNotFound,
    RoomEnded,
    RoomNotFound,
    WrongStatus,
)
from party.features import Job, features
from party.php_paths.models import CreateRoom, JoinRoom, Signal
from party.polling.heartbeats import Heartbeats
from party.rooms import admission, due, ending, finding, stream, views
from party.rooms import create as creation
from party.rooms import models as room_models
from party.rooms.members import SELECT_CALLER
from party.rooms.stream import lock_as_member, lock_room
from party.rows import Caller, Member, Room
from party.signaling.models import Message
from party.signaling.send import send as send_signals
from party.web.models import KIB, to_json

# What one address may have waiting here, in all mailboxes: anybody can make up codes and ids. Senders
# that send at the very same moment may exceed this, and a mailbox that no room has, by one signal each.
ADDRESS_SIGNALS = 4 * mailbox.MAILBOX_SIGNALS
ADDRESS_BYTES = 16 * 1024 * KIB
RETRY_SECONDS = 2

WITH_A_TOKEN = "This participant has a token, and nobody speaks for it here."


def by_code(source: Connection | Database, code: str) -> Room | None:
    """The room with this code as it stands in the database, if it is to be seen here."""
    room = finding.by_code(source, code)
    if room is None:
        return None
    seen = source.one("SELECT room_id FROM party_php_rooms WHERE room_id = :id", id=room["id"])
    return room if seen else None


def participant(database: Database, room: Room, participant_id: str) -> Caller:
    """The caller that this id stands for. Raises `PeerNotFound`; `NotYourId` for a member with a token."""
    caller = database.one(
        f"{SELECT_CALLER} WHERE p.room_id = :room_id AND p.participant_id = :id AND p.left_at IS NULL",
        room_id=room["id"],
        id=participant_id,
    )
    if caller is None:
        raise PeerNotFound("No member of this room has that id.")
    if caller["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    return cast(Caller, caller)


def host(database: Database, room: Room, host_id: str) -> Caller:
    """The caller that the host's id stands for. Raises `HostOnly`, `NotYourId`."""
    if room["host_id"] != host_id:
        raise HostOnly
    try:
        return participant(database, room, host_id)
    except PeerNotFound:  # it has left, and so the room has ended
        raise RoomEnded from None


# Rooms


def create(database: Database, now: int, body: CreateRoom) -> dict[str, Any]:
    """A new room whose host has no token: PHP's Room."""
    return creation.with_new_code(database, lambda code: _create(database, now, body, code))


@transaction
def _create(tx: Connection, now: int, body: CreateRoom, code: str) -> dict[str, Any]:
    wanted = features().adapter(room_models.CreateRoom).validate_python(body.model_dump())
    room, _ = creation.insert_room(tx, now, wanted, code, token=None)
    _let_see(tx, room)
    return _view(tx, room)


@transaction
def join(tx: Connection, now: int, room: Room, body: JoinRoom) -> dict[str, Any]:
    """A new member without a token: PHP's Room.

    Raises `RoomNotFound`, `WrongStatus`, `RoomEnded`, `ParticipantIdTaken`, `RoomFull`.
    """
    room = lock_room(tx, room["id"])
    if not _is_seen(tx, room):
        raise RoomNotFound
    # Its pages could not follow a game that has begun: they expect to be there when it does.
    if room["status"] == "playing":
        raise WrongStatus("This room no longer waits for participants.")
    _drop_of_former_member(tx, room, body.participantId)
    guest = room_models.JoinRoom(name=body.name, participantId=body.participantId)
    admission.add_without_token(tx, now, room, guest)
    return _view(tx, room)


def leave(database: Database, now: int, caller: Caller) -> None:
    """The caller's seat becomes free, and what waits for it goes; a room without its host ends."""
    ending.leave(database, now, caller)
    _drop_mailbox(database, caller["code"], caller["participant_id"])


@transaction
def allow(tx: Connection, now: int, caller: Caller, allowed: bool) -> dict[str, Any]:
    """Whether the caller's room is to be seen on these paths: our Room.

    Raises `WrongStatus` for a room with a password, since all of it is shown there without one.
    """
    room, _ = lock_as_member(tx, caller)
    if allowed and room["password_hash"] is not None:
        raise WrongStatus("A room with a password cannot be shown on paths that ask for none.")
    tx.run("DELETE FROM party_php_rooms WHERE room_id = :id", id=room["id"])
    if allowed:
        _let_see(tx, room)
    return views.room_view(tx, now, room)


@snapshot
def view(tx: Connection, room_id: int) -> dict[str, Any]:
    """PHP's Room."""
    return _view(tx, views.room_row(tx, room_id))


def _let_see(tx: Connection, room: Room) -> None:
    tx.run("INSERT INTO party_php_rooms (room_id) VALUES (:id)", id=room["id"])


def _is_seen(tx: Connection, room: Room) -> bool:
    return tx.one("SELECT room_id FROM party_php_rooms WHERE room_id = :id", id=room["id"]) is not None


def _view(tx: Connection, room: Room) -> dict[str, Any]:
    members = views.present_members(tx, room["id"])
    game = features().game
    played = game.room_fields(tx, room, None) if game else {}
    scores = game.participant_fields(tx, room, members) if game else {}
    participants = [
        {
            "id": member["participant_id"],
            "name": member["name"],
            "isHost": member["role"] == "host",
            "score": scores.get(member["id"], {}).get("score", 0),
            "joinedAt": _time(member["joined_at"]),
        }
        for member in members
    ]
    return {
        "id": room["id"],
        "code": room["code"],
        "host_id": room["host_id"],
        "host_name": views.host_of(tx, room, members)["name"],
        "quiz_data": played.get("quizData"),
        "status": room["status"],
        "max_participants": room["max_participants"],
        "seconds_per_question": played.get("secondsPerQuestion"),
        "created_at": _time(room["created_at"]),
        "started_at": _time_or_none(room["started_at"]),
        "ended_at": _time_or_none(room["ended_at"]),
        "current_question": played.get("currentQuestion", 0),
        # They come in order of joining, which sorting keeps among equals.
        "participants": sorted(participants, key=lambda participant: -participant["score"]),
    }


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def _time_or_none(ms: int | None) -> str | None:
    return None if ms is None else _time(ms)


# Sending


def send(database: Database, now: int, signal: Signal, address_hash: str) -> int:
    """Store a signal from whoever says so to whoever asks for it: its positive number.

    Raises `NotYourId`, `NotAMember`, `PeerNotFound`, `MailboxFull`, `RoomEnded`.
    """
    seats = {
        seat["participant_id"]: cast(Caller, seat)
        for seat in database.all(
            f"""
            {SELECT_CALLER} JOIN party_php_rooms s ON s.room_id = r.id
            WHERE r.code = :code AND p.participant_id IN (:from_id, :to_id) AND p.left_at IS NULL
            """,
            code=signal.roomCode,
            from_id=signal.fromId,
            to_id=signal.toId,
        )
    }
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
    room, members = _lock_seen(tx, signal.roomCode)
    sender, addressee = members.get(signal.fromId), members.get(signal.toId)
    if sender and sender["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    if addressee and addressee["token_hash"] is not None:  # since a moment ago
        raise PeerNotFound
    if room and sender and room["status"] == "ended":
        raise RoomEnded
    payload = to_json(signal.payload)
    size = len(payload.encode())
    _check_space(tx, now, signal, size, address_hash)
    return tx.insert(
        """
        INSERT INTO party_php_signals (code, to_id, from_id, type, payload, payload_bytes, address_hash,
                                       created_at, expires_at)
        VALUES (:code, :to_id, :from_id, :type, :payload, :size, :address_hash, :now, :expires_at)
        """,
        code=signal.roomCode,
        to_id=signal.toId,
        from_id=signal.fromId,
        type=signal.type,
        payload=payload,
        size=size,
        address_hash=address_hash,
        now=now,
        expires_at=now + settings().signal_ttl_ms,
    )


def _check_space(tx: Connection, now: int, signal: Signal, size: int, address_hash: str) -> None:
    """Raises `MailboxFull` if the mailbox takes no more, or nothing more from this address."""
    tx.run(
        "DELETE FROM party_php_signals WHERE address_hash = :address_hash AND expires_at <= :now",
        address_hash=address_hash,
        now=now,
    )
    stored = "SELECT COUNT(*) AS n, COALESCE(SUM(payload_bytes), 0) AS bytes FROM party_php_signals"
    waiting = tx.one(
        f"{stored} WHERE code = :code AND to_id = :to_id AND expires_at > :now",
        code=signal.roomCode,
        to_id=signal.toId,
        now=now,
    )
    address = tx.one(f"{stored} WHERE address_hash = :address_hash", address_hash=address_hash)
    for found, most, most_bytes in (
        (waiting, mailbox.MAILBOX_SIGNALS, mailbox.MAILBOX_BYTES),
        (address, ADDRESS_SIGNALS, ADDRESS_BYTES),
    ):
        if found and (found["n"] >= most or int(found["bytes"]) + size > most_bytes):
            raise MailboxFull(retry_after=RETRY_SECONDS)


# Polling


def poll(
    database: Database, now: int, code: str, participant_id: str, heartbeats: Heartbeats
) -> list[dict[str, Any]]:
    """What waits for this id in this code, which need not exist; it is gone with the answer.

    Simultaneous polls get different signals. Raises `NotYourId` for a member with a token.
    """
    found = database.one(
        f"""
        {SELECT_CALLER} JOIN party_php_rooms s ON s.room_id = r.id
        WHERE r.code = :code AND p.participant_id = :id AND p.left_at IS NULL
        """,
        code=code,
        id=participant_id,
    )
    caller = cast(Caller | None, found)
    if caller:
        if caller["token_hash"] is not None:
            raise NotYourId(WITH_A_TOKEN)
        if stream.is_due(caller, now):
            due.catch_up(database, now, caller["room_id"])
            caller["status"] = views.room_row(database, caller["room_id"])["status"]
        heartbeats.note(now, caller, caller)
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
    room, members = _lock_seen(tx, code)
    member = members.get(participant_id)
    if member and member["token_hash"] is not None:
        raise NotYourId(WITH_A_TOKEN)
    taken = _take_from_stream(tx, room, member) if room and member else []
    taken += [
        row
        for row in _take_from_mailbox(tx, code, participant_id)
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
            "createdAt": _time(row["created_at"]),
        }
        for row in sorted(taken, key=lambda row: row["created_at"])
    ]


def _take_from_mailbox(tx: Connection, code: str, participant_id: str) -> list[Row]:
    """Remove what waits here: as many signals and bytes as a mailbox takes at most."""
    rows = tx.all(
        """
        SELECT id, from_id, type, payload, created_at, expires_at FROM party_php_signals
        WHERE code = :code AND to_id = :to_id ORDER BY id FOR UPDATE
        """,
        code=code,
        to_id=participant_id,
    )
    # These and no others: another one may be on its way in.
    if rows:
        ids = ", ".join(str(row["id"]) for row in rows)
        tx.run(f"DELETE FROM party_php_signals WHERE id IN ({ids})")
    return rows


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


@snapshot
def peers(tx: Connection, room: Room, participant_id: str) -> list[str]:
    """The ids of the other present members, in order of joining."""
    ids = [member["participant_id"] for member in views.present_members(tx, room["id"])]
    return [id for id in ids if id != participant_id]


def _drop_of_former_member(tx: Connection, room: Room, participant_id: str) -> None:
    """Remove what waited when this id's seat became free: it was for whoever had the seat.

    What was sent since then waits for the next one; the same holds for an id that had no seat yet.
    """
    seat = tx.one(
        """
        SELECT left_at FROM party_participants
        WHERE room_id = :room_id AND participant_id = :id AND left_at IS NOT NULL
        """,
        room_id=room["id"],
        id=participant_id,
    )
    if seat:
        tx.run(
            """
            DELETE FROM party_php_signals
            WHERE code = :code AND to_id = :to_id AND created_at <= :left_at
            """,
            code=room["code"],
            to_id=participant_id,
            left_at=seat["left_at"],
        )


def _lock_seen(tx: Connection, code: str) -> tuple[Room | None, dict[str, Member]]:
    """Lock the room with this code if it is to be seen here: it, and its present members by their ids."""
    found = tx.one(
        """
        SELECT r.id FROM party_rooms r JOIN party_php_rooms s ON s.room_id = r.id
        WHERE r.code = :code
        """,
        code=code,
    )
    if found is None:
        return None, {}
    room = lock_room(tx, found["id"])
    if not _is_seen(tx, room):
        return None, {}
    return room, {member["participant_id"]: member for member in views.present_members(tx, room["id"])}


# Expiry


@transaction
def _drop_mailbox(tx: Connection, code: str, participant_id: str) -> None:
    _take_from_mailbox(tx, code, participant_id)


@transaction
def _drop_expired(tx: Connection, now: int, row: Row) -> int:
    return tx.run(
        "DELETE FROM party_php_signals WHERE code = :code AND to_id = :to_id AND expires_at <= :now",
        code=row["code"],
        to_id=row["to_id"],
        now=now,
    )


EXPIRED_SIGNALS = Job(
    "php signals dropped",
    "SELECT code, to_id FROM party_php_signals WHERE expires_at <= :now",
    _drop_expired,
)
