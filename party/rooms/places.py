"""A place in a locked room: taken, changed, free again. Events are the callers' business."""

from collections.abc import Callable
from typing import Any, cast

from party import mailbox
from party.db import Connection, Row
from party.errors import Reason
from party.features import features
from party.rooms import dead_tokens
from party.rows import Member, Room
from party.web import tokens


def take(
    tx: Connection,
    now: int,
    room: Room,
    participant_id: str,
    former: Row | None,
    token: str | None,
    columns: dict[str, Any],
) -> Member:
    """A place for somebody new under the last number, in the row of a `former` one with this id if any.

    `columns` are the name, the role and whatever else is not as it is for everybody.
    """
    place = {
        "token_hash": tokens.hashed(token) if token else None,
        "previous_token_hash": None,
        "retry_key_hash": None,
        "device_hash": None,
        "seat": None,
        "asked_role": None,
        "presence": "online",
        "returned_at": 0,
        "joined_at": now,
        "joined_seq": room["seq"],
        "last_seen_at": now,
        "left_at": None,
        "acked_seq": room["seq"],
        "expired_seq": 0,
        **columns,
    }
    key = {"room_id": room["id"], "participant_id": participant_id}
    if former is None:
        names = ", ".join([*key, *place])
        values = ", ".join(f":{name}" for name in [*key, *place])
        sql = f"INSERT INTO party_participants ({names}) VALUES ({values})"
        former = {"id": tx.insert(sql, **key, **place)}
    else:
        assignments = ", ".join(f"{column} = :{column}" for column in place)
        tx.later(f"UPDATE party_participants SET {assignments} WHERE id = :id", id=former["id"], **place)
    return cast(Member, {**former, **key, **place})


def former_later(tx: Connection, room_id: int, participant_id: str | None) -> Callable[[], Row | None]:
    """{id} of the row of whoever had this id in the room, or has it."""
    if participant_id is None:
        return lambda: None
    return tx.later(
        "SELECT id FROM party_participants WHERE room_id = :room_id AND participant_id = :participant_id",
        room_id=room_id,
        participant_id=participant_id,
    ).one


def change(tx: Connection, member: Member, **columns: Any) -> None:
    """Change a member's row, and what was read of it."""
    if columns.get("role", member["role"]) != member["role"]:
        features().role_changes(tx, member, columns["role"])
    assignments = ", ".join(f"{column} = :{column}" for column in columns)
    tx.later(f"UPDATE party_participants SET {assignments} WHERE id = :id", id=member["id"], **columns)
    member.update(cast(Member, columns))


def free(tx: Connection, now: int, member: Member, reason: Reason) -> None:
    """A member goes: its token is dead, nothing waits for it any more, its place is free."""
    old_hash = member["token_hash"]
    dead_tokens.kill(tx, member, reason)
    # Members before signals, as in an acknowledgement: in the other order the two would deadlock.
    change(tx, member, left_at=now, token_hash=None, previous_token_hash=None, retry_key_hash=None)
    mailbox.clear(tx, member["room_id"], member["id"])
    mailbox.forget_ids(tx, old_hash)
    features().member_gone(tx, member)
