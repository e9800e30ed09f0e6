"""Who an id stands for: on these paths it is the credential of a member without a token."""

from typing import cast

from party.db import Database
from party.errors import HostOnly, NotYourId, PeerNotFound, RoomEnded
from party.rooms.members import SELECT_CALLER
from party.rows import Caller, Room

WITH_A_TOKEN = "This participant has a token, and nobody speaks for it here."


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
        caller = participant(database, room, host_id)
    except PeerNotFound:  # it has left, and so the room has ended
        raise RoomEnded from None
    caller["access"] = "host"
    return caller


def seated(database: Database, code: str, *participant_ids: str) -> dict[str, Caller]:
    """Of these ids, those that have a seat in the room with this code, if it is to be seen here."""
    names = {f"id_{number}": id for number, id in enumerate(participant_ids)}
    found = database.all(
        f"""
        {SELECT_CALLER} JOIN party_php_rooms s ON s.room_id = r.id
        WHERE r.code = :code AND p.participant_id IN ({", ".join(f":{name}" for name in names)})
          AND p.left_at IS NULL
        """,
        code=code,
        **names,
    )
    return {seat["participant_id"]: cast(Caller, seat) for seat in found}
