"""Coming back: a seat again for a refreshed page, or for one that did not get its answer."""

from collections.abc import Callable
from typing import Any, cast

from party import mailbox
from party.db import Connection, Database, transaction
from party.errors import RoomEnded
from party.rooms import dead_tokens, lobby, places
from party.rooms.due import catch_up
from party.rooms.events import add_event
from party.rooms.hosting import promote_if_gone
from party.rooms.stream import advance, is_due, lock_room_later, member_later
from party.rooms.views import host_of, last_view, participant_views, present_members
from party.rows import Caller, Due, Member, Room
from party.web import tokens
from party.web.models import room_code


def create_key_hash(retry_key: str | None) -> str | None:
    """The stored form of a retry key for `create`."""
    return tokens.hashed(f"create {retry_key}") if retry_key else None


def join_key_hash(retry_key: str | None, code: str) -> str | None:
    """The stored form of a retry key for joining one room: elsewhere the same key means another seat."""
    return tokens.hashed(f"join {room_code(code)} {retry_key}") if retry_key else None


class KeptSeat(Due):
    """The row of a member by its retry key."""

    id: int
    room_id: int
    retry_key_hash: str


def seat_by_retry_key(database: Database, retry_key_hash: str | None) -> KeptSeat | None:
    """The seat that an earlier create or join with this key took, if its member is still there."""
    if retry_key_hash is None:
        return None
    found = database.one(
        """
        SELECT p.id, p.room_id, p.retry_key_hash, r.due_at
        FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
        WHERE p.retry_key_hash = :hash
        """,
        hash=retry_key_hash,
    )
    return cast(KeptSeat | None, found)


def reclaim(database: Database, now: int, seat: KeptSeat) -> dict[str, Any]:
    """The seat of an earlier create or join again, for a client that did not get the answer."""
    if is_due(seat, now):
        catch_up(database, now, seat["room_id"])
    return _reseat(
        database,
        now,
        seat["room_id"],
        seat["id"],
        lambda member: member["retry_key_hash"] == seat["retry_key_hash"],
        None,
    )


def rejoin(database: Database, now: int, caller: Caller) -> dict[str, Any]:
    """The caller's seat for a new page: same participant, new token: Room, or RoomOfGuest, with `you`."""
    used = caller["used_token_hash"]

    def still_theirs(member: Member) -> bool:
        return used in (member["token_hash"], member["previous_token_hash"])

    return _reseat(database, now, caller["room_id"], caller["id"], still_theirs, used)


@transaction
def _reseat(
    tx: Connection,
    now: int,
    room_id: int,
    member_id: int,
    still_theirs: Callable[[Member], bool],
    token_hash: str | None,
) -> dict[str, Any]:
    """Give a seat to a new page: new token, nothing pending to or from the old one, the others told.

    `token_hash`, the token that asked for it, stays good for asking again until the new one is used.
    """
    lock, found = lock_room_later(tx, room_id), member_later(tx, member_id)
    room, member = lock(), found()
    if member is None or member["left_at"] is not None or not still_theirs(member):
        raise dead_tokens.invalid(tx, token_hash)
    if room["status"] == "ended":
        raise RoomEnded
    token, old_hash = tokens.new_token(), member["token_hash"]
    dead_tokens.kill(tx, member, "replaced")
    advance(tx, room, now, members=True, negotiated_at=now)
    places.change(
        tx,
        member,
        token_hash=tokens.hashed(token),
        previous_token_hash=token_hash,
        returned_at=member["returned_at"] if member["presence"] == "online" else now,
        presence="online",
        last_seen_at=now,
        acked_seq=room["seq"],
    )
    mailbox.clear_both_ways(tx, room["id"], member["id"])
    mailbox.forget_ids(tx, old_hash)
    _tell(tx, now, room, member)
    return last_view(tx, now, room, member, token)


def _tell(tx: Connection, now: int, room: Room, member: Member) -> None:
    """Tell the others, or of a guest the host, of a new page under the number that was taken last."""
    if member["role"] == "guest":
        host = host_of(tx, room, present_members(tx, room["id"]))
        lobby.tell_of_request(tx, now, room, host, member)
        return
    who = member["participant_id"]
    (participant,) = participant_views(tx, room, [member])
    add_event(tx, room, now, "participant-rejoined", who, {"participant": participant})
    promote_if_gone(tx, now, room)
