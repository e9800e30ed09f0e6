"""Leaving, being removed, and the end of a room."""

from typing import Any

from party import mailbox
from party.clock import iso
from party.db import Connection, transaction
from party.errors import PeerNotFound
from party.features import features
from party.rooms.stream import lock_as_member, publish
from party.rooms.views import present_members, room_view
from party.rows import Caller, Room, Seat


@transaction
def leave(tx: Connection, now: int, caller: Caller) -> None:
    """The caller's seat becomes free; a room without its host ends."""
    room, member = lock_as_member(tx, caller)
    free_seat(tx, now, member)
    if member["role"] == "host":
        end_locked(tx, now, room, member["participant_id"], "host-left")
    else:
        gone = member["participant_id"]
        publish(tx, room, now, "participant-left", gone, {"participantId": gone}, members=True)


@transaction
def remove(tx: Connection, now: int, caller: Caller, participant_id: str) -> dict[str, Any]:
    """Throw another member out: Room. Raises `PeerNotFound`."""
    room, host = lock_as_member(tx, caller)
    member = next(
        (member for member in present_members(tx, room["id"]) if member["participant_id"] == participant_id),
        None,
    )
    if member is None or member["id"] == host["id"]:
        raise PeerNotFound
    free_seat(tx, now, member)
    data = {"participantId": participant_id}
    publish(tx, room, now, "participant-removed", host["participant_id"], data, members=True)
    return room_view(tx, now, room)


@transaction
def end(tx: Connection, now: int, caller: Caller) -> None:
    """End the caller's room."""
    room, host = lock_as_member(tx, caller)
    end_locked(tx, now, room, host["participant_id"], "ended")


def free_seat(tx: Connection, now: int, member: Seat) -> None:
    """A member goes: its token is dead, nothing waits for it any more, its place is free."""
    tx.later(
        """
        UPDATE party_participants
        SET left_at = :now, token_hash = NULL, previous_token_hash = NULL, retry_key_hash = NULL
        WHERE id = :id
        """,
        now=now,
        id=member["id"],
    )
    # Members before signals, as in an acknowledgement: in the other order the two would deadlock.
    mailbox.clear(tx, member["room_id"], member["id"])
    mailbox.forget_ids(tx, member["token_hash"])
    features().member_gone(tx, member)


def end_locked(
    tx: Connection, now: int, room: Room, actor_id: str | None, reason: str, **outcome: Any
) -> None:
    """End a locked room; the event tells the reason, and the `outcome` of what was played in it."""
    data = {"status": "ended", "endedAt": iso(now), "reason": reason, **outcome}
    changes: dict[str, Any] = {"status": "ended", "ended_at": now, "expires_at": room["expires_at"]}
    changes["due_at"] = mailbox.next_expiry(tx, room["id"])
    publish(tx, room, now, "room-ended", actor_id, data, members=True, **changes)
