"""A room's stream: the lock and the counter.

Every signal and event takes the next `seq` of its room in the transaction that stores it, under the
lock of the room's row. So numbers become visible in their order, and whoever has seen n has been
able to see everything up to n. (An AUTO_INCREMENT cannot promise that: 11 may be committed before 10.)

A database that loses its last commits would give lost numbers again, and whoever has seen the lost n would
wait in vain for the new one. So the first number in another incarnation of the database skips more than can
have been lost, and a cursor among those skipped is known to be of what was lost.
"""

from collections.abc import Callable
from typing import Any, cast

from party import clock
from party.config import settings
from party.db import Answer, Connection, Row
from party.errors import BadCursor, RoomEnded, RoomNotFound
from party.rooms import dead_tokens
from party.rooms.counts import add_difference, room_counts
from party.rooms.rules import check_access
from party.rows import MEMBER_COLUMNS, ROOM_COLUMNS, Caller, Cursor, Due, Member, Room, Seat, Stream, columns

# A room's latest events that are kept, and after how many numbers of the room it is looked whether there
# are more. Who has not acknowledged those that go is told of a gap, and gets the Room instead.
KEPT_EVENTS = 2000
TRIM_EVERY = 500

# So many numbers are skipped at once.
SKIPPED = 1_000_000

_STREAM_COLUMNS = columns(Stream)
_SELECT_MEMBER = f"SELECT {MEMBER_COLUMNS} FROM party_participants WHERE id = :id"


def is_due(room: Due, now: int) -> bool:
    """Whether something in a room may be overdue (`party.rooms.due`); `room` is any row with that."""
    return room["due_at"] is not None and room["due_at"] <= now


def earliest(*times: int | None) -> int | None:
    """The first of these times; None stands for never."""
    return min((at for at in times if at is not None), default=None)


def is_good(room: Cursor, after: int) -> bool:
    """Whether a cursor is of what the room has given, and not lost again.

    `room` is any row with `seq` and `skipped_after`.
    """
    skipped_after = room["skipped_after"]
    is_skipped = skipped_after is not None and skipped_after < after <= skipped_after + SKIPPED
    return after <= room["seq"] and not is_skipped


def check_cursor(room: Cursor, after: int) -> None:
    """Raise `BadCursor` unless the cursor is good."""
    if not is_good(room, after):
        raise BadCursor


def lock_room(tx: Connection, room_id: int, *, wait: bool = True) -> Room:
    """Lock a room for the rest of the transaction. Always the first thing that a transaction does.

    Raises `RoomNotFound` if it was purged meanwhile; without `wait`, `Locked` if somebody else has the lock.
    """
    return lock_room_later(tx, room_id, wait=wait)()


def lock_room_later(tx: Connection, room_id: int, *, wait: bool = True) -> Callable[[], Room]:
    """As `lock_room`, but `later`."""
    answer = _lock_later(tx, room_id, ROOM_COLUMNS, wait=wait)
    return lambda: cast(Room, _locked(answer))


def lock_as_member(tx: Connection, caller: Caller, *, even_ended: bool = False) -> tuple[Room, Member]:
    """Lock the caller's room and read the caller's seat again: (room, member).

    Between the check of the token and the lock another request may have removed the member,
    replaced the token, given it another role or ended the room. Raises `TokenInvalid`, `RoomEnded`, and what
    says that the role does not let it make this call.
    """
    answer = _lock_later(tx, caller["room_id"], ROOM_COLUMNS)
    seat = tx.later(_SELECT_MEMBER, id=caller["id"])
    room = cast(Room, _locked(answer))
    member = cast(Member, _claimed(tx, seat, caller))
    check_access(caller["access"], member["role"])
    if room["status"] == "ended" and not even_ended:
        raise RoomEnded
    return room, member


def lock_stream_later(tx: Connection, caller: Caller) -> Callable[[], Stream]:
    """As `lock_as_member` even in an ended room, but `later`, and reading no more than `advance` needs."""
    # By its code, too: a database that has lost a room may give its id to another.
    lock = f"SELECT {_STREAM_COLUMNS} FROM party_rooms WHERE id = :id AND code = :code FOR UPDATE"
    answer = tx.lock_room(caller["room_id"], lock, code=caller["code"])

    def room() -> Stream:
        found = cast(Stream, _locked(answer))
        # While this is what the caller was read with, the seat is still the caller's.
        if found["members_seq"] != caller["members_seq"]:
            sql = "SELECT token_hash, left_at FROM party_participants WHERE id = :id"
            _claimed(tx, tx.later(sql, id=caller["id"]), caller)
        return found

    return room


def _lock_later(tx: Connection, room_id: int, columns: str, *, wait: bool = True) -> Answer:
    lock = "FOR UPDATE" if wait else "FOR UPDATE NOWAIT"
    return tx.lock_room(room_id, f"SELECT {columns} FROM party_rooms WHERE id = :id {lock}", wait=wait)


def _locked(answer: Answer) -> Row:
    room = answer.one()
    if room is None:
        raise RoomNotFound
    return room


def _claimed(tx: Connection, answer: Answer, caller: Seat) -> Row:
    """The row of the caller's seat. Raises `TokenInvalid` if it is not the caller's any more."""
    member = answer.one()
    # A free seat has no token either, so that alone says nothing of one that was never given any.
    if member is None or member["left_at"] is not None or member["token_hash"] != caller["token_hash"]:
        raise dead_tokens.invalid(tx, caller["token_hash"])
    return member


def member_row(tx: Connection, member_id: int) -> Member | None:
    """Who has, or had, a seat."""
    return member_later(tx, member_id)()


def member_later(tx: Connection, member_id: int) -> Callable[[], Member | None]:
    """As `member_row`, but `later`."""
    answer = tx.later(_SELECT_MEMBER, id=member_id)
    return lambda: cast(Member | None, answer.one())


def advance(
    tx: Connection,
    room: Stream,
    now: int,
    count: int = 1,
    *,
    members: bool = False,
    silent: bool = False,
    **changes: Any,
) -> int:
    """Take `count` numbers of a locked room and return the first; a change keeps the room alive.

    `members` marks a change of membership or status, `silent` one under whose numbers there will be neither
    signals nor events, but what a feature gives to polls (`Feature.items_later`). `changes` of the room are
    made along the way, in the table and in `room` itself.
    """
    first: int = room["seq"] + 1
    skipped = room["skipped"] + (count if silent else 0)
    changes = {"expires_at": now + (room["ttl_ms"] or settings().room_ttl_ms), **changes}
    if room["incarnation"] != tx.incarnation:
        changes |= {
            "incarnation": tx.incarnation,
            "skipped_after": room["seq"],
        }
        skipped += SKIPPED
        first += SKIPPED
    if changes.get("status") != "ended":
        # Mostly the end is put off; but a clock, or the setting, may have been set back.
        # Whoever has just come, or come back, may be absent some time from now; and what is being played may
        # have waited for one who has just gone.
        of_members = (now if room["status"] == "playing" else now + settings().online_ms) if members else None
        due_at = changes.get("due_at", room["due_at"])
        changes["due_at"] = earliest(due_at, changes["expires_at"], of_members)
    changes["seq"] = first + count - 1
    # The time of this very moment: `now` may be older, if the lock was long in coming.
    changes["moved_at"] = clock.now_ms()
    if members:
        changes["members_seq"] = changes["seq"]
    if silent:
        changes["silent_seq"] = changes["seq"]
    if skipped != room["skipped"]:
        changes["skipped"] = skipped
    assignments = ", ".join(f"{column} = :{column}" for column in changes)
    tx.later(f"UPDATE party_rooms SET {assignments} WHERE id = :id", id=room["id"], **changes)
    room.update(cast(Stream, changes))
    tx.moved.add(room["id"])
    if (first - 1) // TRIM_EVERY != room["seq"] // TRIM_EVERY:
        _trim_events(tx, room)
    return first


def _trim_events(tx: Connection, room: Stream) -> None:
    """Delete a room's old events; members that have not acknowledged them will see a gap."""
    oldest = tx.one(
        f"""
        SELECT seq FROM party_events WHERE room_id = :id
        ORDER BY seq DESC LIMIT 1 OFFSET {KEPT_EVENTS}
        """,
        id=room["id"],
    )
    if oldest is None:
        return
    cut = {"id": room["id"], "seq": oldest["seq"]}
    before = room_counts(tx, room["id"])
    tx.later("DELETE FROM party_events WHERE room_id = :id AND seq <= :seq", **cut)
    add_difference(tx, room, before)
    tx.later(
        """
        UPDATE party_participants SET expired_seq = :seq
        WHERE room_id = :id AND left_at IS NULL AND acked_seq < :seq AND expired_seq < :seq
        """,
        **cut,
    )
