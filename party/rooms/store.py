"""Rooms and seats in the database. Every change publishes its event in the same transaction."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from flask import current_app
from flask.sansio.app import App
from werkzeug.security import check_password_hash, generate_password_hash

from party import auth, clock
from party.clock import iso, iso_or_none
from party.config import settings
from party.db import Connection, Database, Duplicate, Row, snapshot, transaction
from party.errors import (
    ParticipantIdTaken,
    PeerNotFound,
    RoomEnded,
    RoomFull,
    RoomNotFound,
    TokenInvalid,
    TooFewParticipants,
    WrongStatus,
)
from party.models import CODE_ALPHABET, CODE_LENGTH, room_code, to_json
from party.rooms.models import CreateRoom, JoinRoom
from party.stream import ROOM_COLUMNS, add_event, advance, lock_as_member, lock_room, publish

T = TypeVar("T")

# (room, quiz) → the quiz as guests see it.
GuestsView = Callable[[Row, dict[str, Any]], dict[str, Any]]

DEFAULT_MAX_PARTICIPANTS = 20
DEFAULT_SECONDS_PER_QUESTION = 30
# A quarter of the library's default memory and time: a shared host has little of either, and a room's
# password lives for hours, not years.
PASSWORD_METHOD = "scrypt:8192:8:1"


def hash_password(password: str | None) -> str | None:
    """A salted, slow hash. Takes some 20 ms and 8 MiB: do it outside any transaction."""
    return generate_password_hash(password, PASSWORD_METHOD) if password else None


def password_fits(room: Row, password: str | None) -> bool:
    """Whether this password opens the room; any does where none is needed."""
    stored = room["password_hash"]
    return stored is None or (password is not None and check_password_hash(stored, password))


def find(database: Database, now: int, code: str) -> Row:
    """The room with this code; ended first if its time is over.

    Raises `RoomNotFound`, for a malformed code too.
    """
    room = by_code(database, code)
    if room is None:
        raise RoomNotFound
    return up_to_date(database, now, room)


def by_code(source: Connection | Database, code: str) -> Row | None:
    """The room with this code, as it stands in the database; None for a malformed code, too."""
    code = room_code(code)
    if len(code) != CODE_LENGTH or not set(code) <= set(CODE_ALPHABET):
        return None
    return source.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE code = :code", code=code)


def up_to_date(database: Database, now: int, room: Row) -> Row:
    """A room, ended first if its time is over. Raises `RoomNotFound` if it was purged meanwhile."""
    if not is_over(room, now):
        return room
    end_expired(database, now, room["id"])
    return room_row(database, room["id"])


def is_over(room: Row, now: int) -> bool:
    """Whether an open room's time is over; `room` is any row with `status` and `expires_at`."""
    return bool(room["status"] != "ended" and room["expires_at"] <= now)


# Creating and joining


def create(database: Database, now: int, body: CreateRoom) -> dict[str, Any]:
    """A new room with its host in it: Room with `you`. Raises `Duplicate` for a known retry key."""
    password_hash = hash_password(body.password)
    return with_new_code(database, lambda code: _create(database, now, body, code, password_hash))


def with_new_code(database: Database, open_room: Callable[[str], T]) -> T:
    """What `open_room` makes with a code that is free; it raises `Duplicate` if the code is not.

    Raises `Duplicate` if something else is taken.
    """
    while True:
        code = auth.new_code()
        try:
            return open_room(code)
        except Duplicate:
            if database.one("SELECT id FROM party_rooms WHERE code = :code", code=code) is None:
                raise


@transaction
def _create(
    tx: Connection, now: int, body: CreateRoom, code: str, password_hash: str | None
) -> dict[str, Any]:
    token = auth.new_token()
    room, host = insert_room(tx, now, body, code, token, password_hash)
    return room_view(tx, now, room, host, token)


def insert_room(
    tx: Connection,
    now: int,
    body: CreateRoom,
    code: str,
    token: str | None,
    password_hash: str | None = None,
) -> tuple[Row, Row]:
    """A new room, locked, and its host, who has no token where None is given. Raises `Duplicate`."""
    host_id = body.hostId or auth.new_participant_id()
    limit = body.maxParticipants or min(DEFAULT_MAX_PARTICIPANTS, settings().MAX_PARTICIPANTS)
    room_id = tx.insert(
        """
        INSERT INTO party_rooms (code, status, host_id, quiz_data, password_hash, max_participants,
                                 seconds_per_question, negotiated_at, created_at, expires_at,
                                 incarnation)
        VALUES (:code, 'waiting', :host_id, :quiz_data, :password_hash, :max_participants,
                :seconds_per_question, :now, :now, :expires_at, :incarnation)
        """,
        code=code,
        host_id=host_id,
        quiz_data=None if body.quizData is None else to_json(body.quizData),
        password_hash=password_hash,
        max_participants=limit,
        seconds_per_question=body.secondsPerQuestion or DEFAULT_SECONDS_PER_QUESTION,
        now=now,
        expires_at=now + settings().room_ttl_ms,
        incarnation=tx.incarnation,
    )
    room = lock_room(tx, room_id)
    retry_key_hash = create_key_hash(body.retryKey)
    return room, _take_seat(tx, now, room, host_id, body.hostName, "host", token, retry_key_hash)


@transaction
def join(
    tx: Connection, now: int, room_id: int, body: JoinRoom, retry_key_hash: str | None
) -> dict[str, Any]:
    """A new member: Room with `you`. Raises `RoomEnded`, `ParticipantIdTaken`, `RoomFull`, `Duplicate`."""
    room = lock_room(tx, room_id)
    token = auth.new_token()
    member = add_guest(tx, now, room, body, token, retry_key_hash)
    return room_view(tx, now, room, member, token)


def add_guest(
    tx: Connection,
    now: int,
    room: Row,
    body: JoinRoom,
    token: str | None,
    retry_key_hash: str | None = None,
) -> Row:
    """A new member of a locked room, without a token where None is given. Raises as `join`."""
    if room["status"] == "ended":
        raise RoomEnded
    members = present_members(tx, room)
    if retry_key_hash and any(member["retry_key_hash"] == retry_key_hash for member in members):
        raise Duplicate
    participant_id = body.participantId or auth.new_participant_id()
    if any(member["participant_id"] == participant_id for member in members):
        raise ParticipantIdTaken
    if len(members) >= room["max_participants"]:
        raise RoomFull
    advance(tx, room, now, members=True, negotiated_at=now)
    member = _take_seat(tx, now, room, participant_id, body.name, "guest", token, retry_key_hash)
    data = {"participant": participant_view(member, now)}
    add_event(tx, room, now, "participant-joined", participant_id, data)
    return member


def _take_seat(
    tx: Connection,
    now: int,
    room: Row,
    participant_id: str,
    name: str,
    role: str,
    token: str | None,
    retry_key_hash: str | None,
) -> Row:
    """Seat a new member, in the row of a former one with the same id if there is one."""
    seat = {
        "name": name,
        "role": role,
        "token_hash": auth.hashed(token) if token else None,
        "previous_token_hash": None,
        "retry_key_hash": retry_key_hash,
        "score": 0,
        "joined_at": now,
        "joined_seq": room["seq"],
        "last_seen_at": now,
        "left_at": None,
        "acked_seq": room["seq"],
        "expired_seq": 0,
    }
    key = {"room_id": room["id"], "participant_id": participant_id}
    where = "WHERE room_id = :room_id AND participant_id = :participant_id"
    assignments = ", ".join(f"{column} = :{column}" for column in seat)
    if not tx.run(f"UPDATE party_participants SET {assignments} {where}", **seat, **key):
        tx.insert_many("party_participants", [{**key, **seat}])
    member = tx.one(f"SELECT * FROM party_participants {where}", **key)
    assert member is not None
    return member


# Coming back


def create_key_hash(retry_key: str | None) -> str | None:
    """The stored form of a retry key for `create`."""
    return auth.hashed(f"create {retry_key}") if retry_key else None


def join_key_hash(retry_key: str | None, code: str) -> str | None:
    """The stored form of a retry key for joining one room: elsewhere the same key means another seat."""
    return auth.hashed(f"join {room_code(code)} {retry_key}") if retry_key else None


def seat_by_retry_key(database: Database, retry_key_hash: str | None) -> Row | None:
    """The seat that an earlier create or join with this key took, if its member is still there."""
    if retry_key_hash is None:
        return None
    return database.one(
        """
        SELECT p.*, r.status, r.expires_at
        FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.retry_key_hash = :hash
        """,
        hash=retry_key_hash,
    )


def reclaim(database: Database, now: int, seat: Row) -> dict[str, Any]:
    """The seat of an earlier create or join again, for a client that did not get the answer."""
    if is_over(seat, now):
        end_expired(database, now, seat["room_id"])
    return _reseat(
        database, now, seat, lambda member: member["retry_key_hash"] == seat["retry_key_hash"], None
    )


def rejoin(database: Database, now: int, caller: Row) -> dict[str, Any]:
    """The caller's seat for a new page: same participant, new token: Room with `you`."""
    used = caller["used_token_hash"]

    def still_theirs(member: Row) -> bool:
        return used in (member["token_hash"], member["previous_token_hash"])

    return _reseat(database, now, caller, still_theirs, used)


@transaction
def _reseat(
    tx: Connection, now: int, seat: Row, still_theirs: Callable[[Row], bool], token_hash: str | None
) -> dict[str, Any]:
    """Give a seat to a new page: new token, nothing pending to or from the old one, the others told.

    `token_hash`, the token that asked for it, stays good for asking again until the new one is used.
    """
    room = lock_room(tx, seat["room_id"])
    member = tx.one("SELECT * FROM party_participants WHERE id = :id", id=seat["id"])
    if member is None or not still_theirs(member):
        raise TokenInvalid
    if room["status"] == "ended":
        raise RoomEnded
    token = auth.new_token()
    tx.run(
        "DELETE FROM party_signaling WHERE room_id = :room_id AND (to_id = :id OR from_id = :id)",
        room_id=room["id"],
        id=member["id"],
    )
    _forget_ids(tx, member)
    advance(tx, room, now, members=True, negotiated_at=now)
    page = {
        "token_hash": auth.hashed(token),
        "previous_token_hash": token_hash,
        "last_seen_at": now,
        "acked_seq": room["seq"],
    }
    tx.run(
        """
        UPDATE party_participants
        SET token_hash = :token_hash, previous_token_hash = :previous_token_hash,
            last_seen_at = :last_seen_at, acked_seq = :acked_seq
        WHERE id = :id
        """,
        id=member["id"],
        **page,
    )
    member |= page
    data = {"participant": participant_view(member, now)}
    add_event(tx, room, now, "participant-rejoined", member["participant_id"], data)
    return room_view(tx, now, room, member, token)


# Leaving and ending


@transaction
def leave(tx: Connection, now: int, caller: Row) -> None:
    """The caller's seat becomes free; a room without its host ends."""
    room, member = lock_as_member(tx, caller)
    _free_seat(tx, now, member)
    if member["role"] == "host":
        end_locked(tx, now, room, member["participant_id"], "host-left")
    else:
        gone = member["participant_id"]
        publish(tx, room, now, "participant-left", gone, {"participantId": gone}, members=True)


@transaction
def remove(tx: Connection, now: int, caller: Row, participant_id: str) -> dict[str, Any]:
    """Throw another member out: Room. Raises `PeerNotFound`."""
    room, host = lock_as_member(tx, caller)
    member = next(
        (member for member in present_members(tx, room) if member["participant_id"] == participant_id), None
    )
    if member is None or member["id"] == host["id"]:
        raise PeerNotFound
    _free_seat(tx, now, member)
    data = {"participantId": participant_id}
    publish(tx, room, now, "participant-removed", host["participant_id"], data, members=True)
    return room_view(tx, now, room)


@transaction
def end(tx: Connection, now: int, caller: Row) -> None:
    """End the caller's room."""
    room, host = lock_as_member(tx, caller)
    end_locked(tx, now, room, host["participant_id"], "ended")


@transaction
def end_expired(tx: Connection, now: int, room_id: int) -> None:
    """End a room whose time is over, unless somebody was faster or it has come to life again."""
    room = lock_room(tx, room_id)
    if is_over(room, now):
        end_locked(tx, now, room, None, "expired")


def _free_seat(tx: Connection, now: int, member: Row) -> None:
    # Signals before members, as in an acknowledgement: in the other order the two would deadlock.
    tx.run(
        "DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :id",
        room_id=member["room_id"],
        id=member["id"],
    )
    _forget_ids(tx, member)
    tx.run(
        """
        UPDATE party_participants
        SET left_at = :now, token_hash = NULL, previous_token_hash = NULL, retry_key_hash = NULL
        WHERE id = :id
        """,
        now=now,
        id=member["id"],
    )


def _forget_ids(tx: Connection, member: Row) -> None:
    """Forget what a token has sent that nobody can send with any longer."""
    tx.run("DELETE FROM party_sent WHERE token_hash = :token_hash", token_hash=member["token_hash"])


def end_locked(
    tx: Connection, now: int, room: Row, actor_id: str | None, reason: str, **outcome: Any
) -> None:
    """End a locked room; the event tells the reason, and the `outcome` of what was played in it."""
    data = {"status": "ended", "endedAt": iso(now), "reason": reason, **outcome}
    changes = {"status": "ended", "ended_at": now, "expires_at": room["expires_at"]}
    publish(tx, room, now, "room-ended", actor_id, data, members=True, **changes)


# Quiz and start


@transaction
def set_quiz(tx: Connection, now: int, caller: Row, quiz_data: dict[str, Any]) -> dict[str, Any]:
    """Replace the quiz of a waiting room: Room. Raises `WrongStatus`."""
    room, host = lock_as_member(tx, caller)
    if room["status"] != "waiting":
        raise WrongStatus
    publish(tx, room, now, "quiz-updated", host["participant_id"], {}, quiz_data=to_json(quiz_data))
    return room_view(tx, now, room)


@transaction
def start(tx: Connection, now: int, caller: Row) -> dict[str, Any]:
    """Start the game: Room. Raises `WrongStatus`, `TooFewParticipants`."""
    room, host = lock_as_member(tx, caller)
    if room["status"] != "waiting":
        raise WrongStatus
    if len(present_members(tx, room)) < 2:
        raise TooFewParticipants
    data = {"status": "playing", "startedAt": iso(now)}
    changes = {"status": "playing", "started_at": now}
    publish(tx, room, now, "quiz-started", host["participant_id"], data, members=True, **changes)
    return room_view(tx, now, room)


# Views


def present_members(tx: Connection, room: Row) -> list[Row]:
    """Who is in the room, in order of joining."""
    return tx.all(
        """
        SELECT * FROM party_participants
        WHERE room_id = :room_id AND left_at IS NULL
        ORDER BY joined_seq, id
        """,
        room_id=room["id"],
    )


@snapshot
def view(tx: Connection, now: int, caller: Row) -> dict[str, Any]:
    """The caller's room: Room with `you`."""
    return room_view(tx, now, room_row(tx, caller["room_id"]), caller)


def room_row(tx: Connection | Database, room_id: int) -> Row:
    """A room's row without locking it. Raises `RoomNotFound` if it was purged meanwhile."""
    room = tx.one(f"SELECT {ROOM_COLUMNS} FROM party_rooms WHERE id = :id", id=room_id)
    if room is None:
        raise RoomNotFound
    return room


@snapshot
def preview(tx: Connection, room: Row) -> dict[str, Any]:
    """What strangers may see of a room: RoomPreview."""
    host = _host(tx, room)
    return {
        "code": room["code"],
        "status": room["status"],
        "hostName": host["name"],
        "participantCount": len(present_members(tx, room)),
        "maxParticipants": room["max_participants"],
        "needsPassword": room["password_hash"] is not None,
    }


def room_view(
    tx: Connection, now: int, room: Row, you: Row | None = None, token: str | None = None
) -> dict[str, Any]:
    """Room; with `you` for that member, and with the token where one was just issued.

    Without `you` it is the host's, who is shown all of the quiz.
    """
    quiz = quiz_of(tx, room)
    if quiz is not None and you is not None and you["role"] != "host":
        guests_view: GuestsView | None = current_app.extensions.get("party.guests_view")
        quiz = guests_view(room, quiz) if guests_view else quiz
    found: dict[str, Any] = {
        "code": room["code"],
        "status": room["status"],
        "hostId": room["host_id"],
        "hostName": _host(tx, room)["name"],
        "maxParticipants": room["max_participants"],
        "secondsPerQuestion": room["seconds_per_question"],
        "currentQuestion": room["current_question"],
        "quizData": quiz,
        "createdAt": iso(room["created_at"]),
        "startedAt": iso_or_none(room["started_at"]),
        "endedAt": iso_or_none(room["ended_at"]),
        "expiresAt": iso(room["expires_at"]),
        "seq": room["seq"],
        "participants": [participant_view(member, now) for member in present_members(tx, room)],
    }
    if you is not None:
        found["you"] = {"id": you["participant_id"], "role": you["role"]}
    if token is not None:
        found["you"]["token"] = token
    return found


def quiz_of(tx: Connection, room: Row) -> dict[str, Any] | None:
    """A room's quizData, all of it."""
    stored = tx.one("SELECT quiz_data FROM party_rooms WHERE id = :id", id=room["id"])
    return json.loads(stored["quiz_data"]) if stored and stored["quiz_data"] is not None else None


def show_guests(app: App, view: GuestsView) -> None:
    """Let a feature decide what of a quiz the members are shown who do not host its room."""
    app.extensions["party.guests_view"] = view


def participant_view(member: Row, now: int) -> dict[str, Any]:
    """Participant."""
    return {
        "id": member["participant_id"],
        "name": member["name"],
        "isHost": member["role"] == "host",
        "role": member["role"],
        "online": now - settings().online_ms < member["last_seen_at"] <= now + clock.FUTURE_MS,
        "score": member["score"],
        "joinedAt": iso(member["joined_at"]),
    }


def _host(tx: Connection, room: Row) -> Row:
    host = tx.one(
        "SELECT * FROM party_participants WHERE room_id = :room_id AND participant_id = :host_id",
        room_id=room["id"],
        host_id=room["host_id"],
    )
    if host is None:
        raise RoomNotFound
    return host
