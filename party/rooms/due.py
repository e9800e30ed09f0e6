"""What happens in a room by itself, when its time has come.

`party_rooms.due_at` is never later than the earliest such moment: the end of the room, the expiry of a
signal, what follows from somebody's absence. Whoever finds it in the past lets `catch_up` make what is
overdue, under the room's lock. It may be earlier than that moment, as when polls have put it off: then there
is nothing to make, and it is set anew.
"""

from party import mailbox
from party.db import Connection, transaction
from party.features import features
from party.rooms.ending import end_locked
from party.rooms.events import add_event
from party.rooms.presence import note_absence
from party.rooms.stream import advance, earliest, is_due, lock_room
from party.rows import Room

# Expired signals dropped in one transaction; whoever comes next goes on.
DROPPED_AT_ONCE = 500


@transaction
def catch_up(
    tx: Connection,
    now: int,
    room_id: int,
    most: int = DROPPED_AT_ONCE,
    *,
    wait: bool = True,
    polling: int | None = None,
) -> bool:
    """Make what is overdue in a room, at most `most` expired signals of it: whether more is left.

    `polling` is the row of one whose poll this is part of. Raises `RoomNotFound` if the room was purged
    meanwhile; without `wait`, `Locked` if somebody else has its lock.
    """
    room = lock_room(tx, room_id, wait=wait)
    expiry = mailbox.next_expiry_later(tx, room_id)
    absence = None
    if room["status"] != "ended" and room["expires_at"] <= now:
        end_locked(tx, now, room, None, "expired")
    elif room["status"] != "ended":
        absence = note_absence(tx, now, room, polling)
    next_expiry = expiry()
    if next_expiry is not None and next_expiry <= now:
        _tell_senders(tx, room, now, mailbox.take_expired(tx, room_id, now, most))
        next_expiry = mailbox.next_expiry(tx, room_id)
    of_features = features().catch_up(tx, now, room)
    of_room = (None, None) if room["status"] == "ended" else (room["expires_at"], absence)
    room["due_at"] = earliest(next_expiry, *of_features, *of_room)
    tx.later("UPDATE party_rooms SET due_at = :at WHERE id = :id", id=room_id, at=room["due_at"])
    tx.moved.add(room_id)  # not its number, perhaps, but when it is due
    return is_due(room, now)


def _tell_senders(tx: Connection, room: Room, now: int, dropped: list[mailbox.Expired]) -> None:
    """An event to each sender that is still there. In an ended room nothing comes after its end."""
    alive = [
        signal
        for signal in dropped
        if signal["sender_left_at"] is None and signal["sender_joined_seq"] < signal["seq"]
    ]
    if not alive or room["status"] == "ended":
        return
    # A room that only loses signals is not kept alive by that.
    first = advance(tx, room, now, len(alive), expires_at=room["expires_at"])
    for seq, signal in enumerate(alive, first):
        data = {
            "toId": signal["to_name"],
            "messageId": signal["seq"],
            "clientMsgId": signal["client_msg_id"],
        }
        add_event(tx, room, now, "signal-expired", None, data, seq=seq, to_id=signal["from_id"])
