"""What of a room is shown to whom."""

import json
from collections.abc import Callable
from typing import Any, cast

from flask import current_app
from flask.sansio.app import App

from party.clock import iso, iso_or_none
from party.config import settings
from party.db import Connection, Database, snapshot
from party.errors import RoomNotFound
from party.rows import Caller, Member, Room, Seat, columns

# (room, quiz) → the quiz as guests see it.
GuestsView = Callable[[Room, dict[str, Any]], dict[str, Any]]


def present_members(tx: Connection, room_id: int) -> list[Member]:
    """Who is in the room, in order of joining."""
    found = tx.all(
        f"""
        SELECT {columns(Member)} FROM party_participants
        WHERE room_id = :room_id AND left_at IS NULL
        ORDER BY joined_seq, id
        """,
        room_id=room_id,
    )
    return cast(list[Member], found)


@snapshot
def view(tx: Connection, now: int, caller: Caller) -> dict[str, Any]:
    """The caller's room: Room with `you`."""
    return room_view(tx, now, room_row(tx, caller["room_id"]), caller)


def room_row(tx: Connection | Database, room_id: int) -> Room:
    """A room's row without locking it. Raises `RoomNotFound` if it was purged meanwhile."""
    room = tx.one(f"SELECT {columns(Room)} FROM party_rooms WHERE id = :id", id=room_id)
    if room is None:
        raise RoomNotFound
    return cast(Room, room)


@snapshot
def preview(tx: Connection, room: Room) -> dict[str, Any]:
    """What strangers may see of a room: RoomPreview."""
    host = host_of(tx, room)
    return {
        "code": room["code"],
        "status": room["status"],
        "hostName": host["name"],
        "participantCount": len(present_members(tx, room["id"])),
        "maxParticipants": room["max_participants"],
        "needsPassword": room["password_hash"] is not None,
    }


def room_view(
    tx: Connection, now: int, room: Room, you: Seat | None = None, token: str | None = None
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
        "hostName": host_of(tx, room)["name"],
        "maxParticipants": room["max_participants"],
        "secondsPerQuestion": room["seconds_per_question"],
        "currentQuestion": room["current_question"],
        "quizData": quiz,
        "createdAt": iso(room["created_at"]),
        "startedAt": iso_or_none(room["started_at"]),
        "endedAt": iso_or_none(room["ended_at"]),
        "expiresAt": iso(room["expires_at"]),
        "seq": room["seq"],
        "participants": [participant_view(member, now) for member in present_members(tx, room["id"])],
    }
    if you is not None:
        found["you"] = {"id": you["participant_id"], "role": you["role"]}
    if token is not None:
        found["you"]["token"] = token
    return found


def quiz_of(tx: Connection, room: Room) -> dict[str, Any] | None:
    """A room's quizData, all of it."""
    stored = tx.one("SELECT quiz_data FROM party_rooms WHERE id = :id", id=room["id"])
    return json.loads(stored["quiz_data"]) if stored and stored["quiz_data"] is not None else None


def show_guests(app: App, view: GuestsView) -> None:
    """Let a feature decide what of a quiz the members are shown who do not host its room."""
    app.extensions["party.guests_view"] = view


def participant_view(member: Member, now: int) -> dict[str, Any]:
    """Participant."""
    return {
        "id": member["participant_id"],
        "name": member["name"],
        "isHost": member["role"] == "host",
        "role": member["role"],
        "online": member["last_seen_at"] > now - settings().online_ms,
        "score": member["score"],
        "joinedAt": iso(member["joined_at"]),
    }


def host_of(tx: Connection, room: Room) -> Member:
    host = tx.one(
        f"""
        SELECT {columns(Member)} FROM party_participants
        WHERE room_id = :room_id AND participant_id = :host_id
        """,
        room_id=room["id"],
        host_id=room["host_id"],
    )
    if host is None:
        raise RoomNotFound
    return cast(Member, host)


@snapshot
def peer_ids(tx: Connection, caller: Caller) -> list[str]:
    """The ids of the other present members."""
    members = present_members(tx, caller["room_id"])
    return [member["participant_id"] for member in members if member["id"] != caller["id"]]
