"""Who is there: seen again by a poll, asleep by its own word, absent because it has not been seen for long.

When a member was last seen stands in its row, a little late (`party.polling.heartbeats`). What follows from
that is stored when it is due, and told.
"""

from party import clock
from party.config import settings
from party.db import Connection, Database, transaction
from party.rooms import lobby, places, rules
from party.rooms.ending import depart
from party.rooms.events import publish
from party.rooms.hosting import promote_if_gone
from party.rooms.sightings import sightings
from party.rooms.stream import advance, lock_as_member
from party.rooms.views import everybody, host_of
from party.rows import Caller, Member, Room


def seen_again(database: Database, now: int, caller: Caller) -> None:
    """The caller, who was not online, polls: now it is. Raises `TokenInvalid`."""
    if caller["left_at"] is not None or caller["status"] == "ended":
        return
    room = _come_back(database, now, caller)
    caller["presence"], caller["last_seen_at"], caller["status"] = "online", now, room["status"]
    caller["seq"], caller["members_seq"], caller["due_at"] = (
        room["seq"],
        room["members_seq"],
        room["due_at"],
    )


@transaction
def _come_back(tx: Connection, now: int, caller: Caller) -> Room:
    room, member = lock_as_member(tx, caller, even_ended=True)
    if room["status"] != "ended" and member["presence"] != "online":
        places.change(tx, member, last_seen_at=now, returned_at=now)
        _show(tx, now, room, member, "online")
        promote_if_gone(tx, now, room)
    return room


@transaction
def fall_asleep(tx: Connection, now: int, caller: Caller) -> None:
    """The caller's page is about to sleep or close: it is away until its next poll."""
    room, member = lock_as_member(tx, caller)
    if member["presence"] == "online":
        _show(tx, now, room, member, "away")


def _show(tx: Connection, now: int, room: Room, member: Member, presence: str) -> None:
    """Change somebody's presence, and tell all; of a guest, the host."""
    places.change(tx, member, presence=presence)
    if member["role"] == "guest":
        members, _ = everybody(tx, room["id"])
        advance(tx, room, now, members=True, expires_at=room["expires_at"])
        lobby.tell_of_request(tx, now, room, host_of(tx, room, members), member)
    else:
        who = member["participant_id"]
        data = {"participantId": who, "presence": presence}
        publish(tx, room, now, "presence-changed", who, data, members=True, expires_at=room["expires_at"])


def note_absence(tx: Connection, now: int, room: Room, polling: int | None = None) -> int | None:
    """Make what follows from absence in a locked room that has not ended: when more of it is due, or None.

    `polling` is the row of one whose poll this is.
    """
    after, seq, seen_here = settings(), room["seq"], sightings()
    present = [member for some in everybody(tx, room["id"]) for member in some]
    for member in present:
        _set_right(tx, now, room, member, seen_here.get(member["id"], 0))
        if member["id"] == polling:
            _set_right(tx, now, room, member, now)
        presence = rules.presence_at(now, member, after)
        if (
            presence != member["presence"]
            and not rules.is_gone(now, member, after)
            and _is_unseen(tx, member)
        ):
            _show(tx, now, room, member, presence)
    # The host last: whoever follows it is still there then. Who waits first: nobody is let in who is gone.
    order = {"guest": 0, "host": 2}
    for member in sorted(present, key=lambda each: (order.get(each["role"], 1), each["last_seen_at"])):
        if rules.is_gone(now, member, after) and _is_unseen(tx, member):
            depart(tx, now, room, member, "absent")
    if room["status"] == "ended":
        return None
    promote_if_gone(tx, now, room)
    if room["seq"] != seq:
        present = [member for some in everybody(tx, room["id"]) for member in some]
    steps = (rules.next_step(now, room, member, after) for member in present)
    return min((at for at in steps if at is not None), default=None)


def _set_right(tx: Connection, now: int, room: Room, member: Member, seen_at: int) -> None:
    """What is known better than its row says, of one that was not gone by then.

    What lies in the future is of a clock that was wrong.
    """
    after = settings()
    if member["last_seen_at"] > now + clock.FUTURE_MS:
        places.change(tx, member, last_seen_at=now - after.online_ms)
    was_gone = rules.is_gone(seen_at, member, after) or (
        member["role"] == "host" and rules.is_host_gone(seen_at, room, member, after)
    )
    if member["last_seen_at"] < seen_at <= now and not was_gone:
        places.change(tx, member, last_seen_at=seen_at)


def _is_unseen(tx: Connection, member: Member) -> bool:
    """Whether a member's row, locked from now on, is as it was read: signs of life need no room's lock."""
    return bool(
        tx.run(
            "UPDATE party_participants SET last_seen_at = :at WHERE id = :id AND last_seen_at = :at",
            id=member["id"],
            at=member["last_seen_at"],
        )
    )
