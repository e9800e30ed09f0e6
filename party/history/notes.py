"""What is noted, in the transaction of what happens: one row when somebody comes, one when a room ends.

None of it needs an answer, so all goes along with the commit.
"""

from collections.abc import Callable
from typing import Any

from party.config import settings
from party.db import Connection
from party.history.days import first_moment, returns
from party.rows import Room, Stream


def room_opened(tx: Connection, room: Room, body: object) -> None:
    """The host's session begins with the room."""
    _begin(tx, room, room["created_at"], room["host_id"])


def event_added(tx: Connection, room: Stream, now: int, type: str, data: dict[str, Any]) -> None:
    """Sessions and rooms come and go with events."""
    note = _NOTES.get(type)
    if note is not None:
        note(tx, room, now, data)


def _joined(tx: Connection, room: Stream, now: int, data: dict[str, Any]) -> None:
    _begin(tx, room, now, data["participant"]["id"])


def _begin(tx: Connection, room: Stream, now: int, participant_id: str) -> None:
    tx.later(
        f"""
        INSERT INTO party_sessions (room_id, participant_id, device_hash, started_at, is_return)
        SELECT p.room_id, p.participant_id, p.device_hash, :now, {returns("p.device_hash")}
        FROM party_participants p WHERE p.room_id = :room_id AND p.participant_id = :participant_id
        """,
        room_id=room["id"],
        participant_id=participant_id,
        now=now,
        start=first_moment(now),
    )


def _rejoined(tx: Connection, room: Stream, now: int, data: dict[str, Any]) -> None:
    tx.later(
        """
        UPDATE party_sessions SET rejoins = rejoins + 1
        WHERE room_id = :room_id AND participant_id = :participant_id AND ended_at IS NULL
        """,
        room_id=room["id"],
        participant_id=data["participant"]["id"],
    )


def _left(tx: Connection, room: Stream, now: int, data: dict[str, Any]) -> None:
    whose = "AND participant_id = :participant_id"
    _end_sessions(tx, room, now, whose, participant_id=data["participantId"])


def _end_sessions(tx: Connection, room: Stream, now: int, whose: str, **parameters: Any) -> None:
    """Whoever has not been seen for long did not leave just now, but when it was seen last."""
    seen = """(
        SELECT p.last_seen_at FROM party_participants p
        WHERE p.room_id = party_sessions.room_id AND p.participant_id = party_sessions.participant_id
    )"""
    tx.later(
        f"""
        UPDATE party_sessions
        SET ended_at = CASE WHEN {seen} > :since THEN :now ELSE COALESCE({seen}, :now) END,
            outcome = CASE WHEN {seen} > :since THEN 'left' ELSE 'timeout' END
        WHERE room_id = :room_id AND ended_at IS NULL {whose}
        """,
        room_id=room["id"],
        now=now,
        since=now - settings().online_ms,
        **parameters,
    )


def _ended(tx: Connection, room: Stream, now: int, data: dict[str, Any]) -> None:
    _end_sessions(tx, room, now, "")
    tx.later(
        """
        INSERT INTO party_games
            (room_id, code, game_type, opened_at, started_at, ended_at, completed, members)
        SELECT r.id, r.code, COALESCE(r.game_type, ''), r.created_at, r.started_at, :now,
               CASE WHEN r.started_at IS NOT NULL AND (
                   :reason IN ('ended', 'finished') OR EXISTS (
                       SELECT e.seq FROM party_events e WHERE e.room_id = r.id AND e.type = 'quiz-finished'
                   )
               ) THEN 1 ELSE 0 END,
               (SELECT COUNT(*) FROM party_participants p WHERE p.room_id = r.id AND p.role <> 'guest')
        FROM party_rooms r WHERE r.id = :room_id
        """,
        room_id=room["id"],
        now=now,
        reason=data["reason"],
    )


_NOTES: dict[str, Callable[[Connection, Stream, int, dict[str, Any]], None]] = {
    "participant-joined": _joined,
    "participant-rejoined": _rejoined,
    "participant-left": _left,
    "participant-removed": _left,
    "room-ended": _ended,
}
