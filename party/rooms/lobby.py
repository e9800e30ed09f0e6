"""Those who wait to be let into a room: guests. The host lets them in or refuses them.

A guest is told what happens to it, and nothing else; the host is told of each. Whoever is refused keeps its
token until it has acknowledged that.
"""

from typing import Any, Literal

from party.db import Connection, Database, transaction
from party.errors import PeerNotFound, RoomFull
from party.rooms import dead_tokens, places, rules
from party.rooms.events import add_event, publish
from party.rooms.hosting import promote_if_gone
from party.rooms.stream import advance, lock_as_member
from party.rooms.views import everybody, host_of, participant_views, request_view, room_view
from party.rows import Caller, Member, Room


@transaction
def decide(tx: Connection, now: int, caller: Caller, participant_id: str, approved: bool) -> dict[str, Any]:
    """Let a guest in, or refuse it: Room. Raises `PeerNotFound`, `RoomFull`."""
    room, host = lock_as_member(tx, caller)
    members, waiting = everybody(tx, room["id"])
    guest = next((each for each in waiting if each["participant_id"] == participant_id), None)
    if guest and approved:
        if len(members) >= room["max_participants"]:
            raise RoomFull
        _admit(tx, now, room, members, guest)
    elif guest:
        refuse(tx, now, room, host, guest, "rejected")
    elif not approved or all(each["participant_id"] != participant_id for each in members):
        raise PeerNotFound("Nobody with that id is waiting.")
    return room_view(tx, now, room)


def admit_waiting(tx: Connection, now: int, room: Room) -> None:
    """Where no approval is needed any more, let in who still waits, as far as there is room."""
    if room["approval"]:
        return
    members, waiting = everybody(tx, room["id"])
    for guest in waiting[: max(0, room["max_participants"] - len(members))]:
        _admit(tx, now, room, members, guest)
        members.append(guest)


def _admit(tx: Connection, now: int, room: Room, members: list[Member], guest: Member) -> None:
    advance(tx, room, now, members=True, negotiated_at=now)
    role, seat = guest["asked_role"], None
    if role == "player":
        seat = rules.seat_for(room["seats"], rules.taken_seats(members), guest["seat"])
    # It is a member from this number on: of what came before it is shown nothing.
    joined = {"joined_at": now, "joined_seq": room["seq"]}
    places.change(tx, guest, role=role, seat=seat, asked_role=None, **joined)
    tell_of_member(tx, now, room, guest)
    data = {"role": role, "seat": seat}
    publish(tx, room, now, "participant-approved", None, data, to_id=guest["id"])
    promote_if_gone(tx, now, room)


def refuse(
    tx: Connection,
    now: int,
    room: Room,
    host: Member,
    guest: Member,
    reason: Literal["rejected", "banned"],
) -> None:
    """Send a guest of a locked room away, and tell it."""
    dead_tokens.kill(tx, guest, reason)
    places.change(tx, guest, left_at=now, previous_token_hash=None, retry_key_hash=None)
    _tell_withdrawn(tx, now, room, host, guest, reason)
    publish(tx, room, now, "participant-rejected", None, {}, to_id=guest["id"])


def withdraw(tx: Connection, now: int, room: Room, guest: Member, reason: Literal["left", "absent"]) -> None:
    """A guest of a locked room has gone by itself."""
    places.free(tx, now, guest, reason)
    members, _ = everybody(tx, room["id"])
    _tell_withdrawn(tx, now, room, host_of(tx, room, members), guest, reason)


def _tell_withdrawn(tx: Connection, now: int, room: Room, host: Member, guest: Member, reason: str) -> None:
    data = {"participantId": guest["participant_id"], "reason": reason}
    publish(tx, room, now, "join-withdrawn", guest["participant_id"], data, to_id=host["id"], members=True)


def tell_of_request(tx: Connection, now: int, room: Room, host: Member, guest: Member) -> None:
    """Tell the host of a guest's entry, new or changed, under the number that was taken last."""
    data = {"participant": request_view(guest)}
    add_event(tx, room, now, "join-requested", guest["participant_id"], data, to_id=host["id"])


def tell_of_member(tx: Connection, now: int, room: Room, member: Member) -> None:
    """Tell all of a new member, under the number that was taken last."""
    (participant,) = participant_views(tx, room, [member])
    add_event(tx, room, now, "participant-joined", member["participant_id"], {"participant": participant})


@transaction
def _forget(tx: Connection, caller: Caller) -> None:
    tx.run(
        "UPDATE party_participants SET token_hash = NULL WHERE id = :id AND token_hash = :token_hash",
        id=caller["id"],
        token_hash=caller["token_hash"],
    )


def part_with(database: Database, caller: Caller) -> None:
    """A guest that was refused has acknowledged it: its token is dead. Raises `TokenInvalid`."""
    _forget(database, caller)
    raise dead_tokens.invalid(database, caller["token_hash"])
