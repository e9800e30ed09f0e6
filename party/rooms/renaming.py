"""Other names for those in a room."""

from typing import Any

from party.db import Connection, transaction
from party.errors import HostOnly, NotApproved, PeerNotFound
from party.rooms import lobby, places
from party.rooms.events import publish
from party.rooms.models import Rename
from party.rooms.stream import advance, lock_as_member
from party.rooms.views import everybody, host_of, room_seen_by, view_for
from party.rows import Caller


@transaction
def rename(tx: Connection, now: int, caller: Caller, body: Rename) -> dict[str, Any]:
    """Give somebody another name, or oneself: Room, or for a guest RoomOfGuest with `you`.

    Raises `HostOnly`, `NotApproved`, `PeerNotFound`.
    """
    room, actor = lock_as_member(tx, caller)
    participant_id = body.participantId or actor["participant_id"]
    if participant_id != actor["participant_id"] and actor["role"] != "host":
        raise NotApproved if actor["role"] == "guest" else HostOnly
    members, waiting = everybody(tx, room["id"])
    member = next((each for each in members + waiting if each["participant_id"] == participant_id), None)
    if member is None:
        raise PeerNotFound
    if member["name"] != body.name:
        places.change(tx, member, name=body.name)
        if member["role"] == "guest":
            advance(tx, room, now)
            lobby.tell_of_request(tx, now, room, host_of(tx, room, members), member)
        else:
            data = {"participantId": participant_id, "name": body.name}
            publish(tx, room, now, "participant-renamed", actor["participant_id"], data)
    if actor["role"] == "guest":
        return view_for(tx, now, room, actor)
    return room_seen_by(tx, now, room, actor)
