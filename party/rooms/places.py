"""A place in a locked room: taken, changed, free again. Events are the callers' business."""

from typing import Any, cast

from party import mailbox
from party.db import Connection
from party.errors import Reason
from party.features import features
from party.rooms import dead_tokens
from party.rows import Member, Room
from party.web import tokens


def take(
    tx: Connection, now: int, room: Room, participant_id: str, token: str | None, columns: dict[str, Any]
) -> Member:
    """A place for somebody new under the last number, in the row of a former one with this id if any.

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
    where = "WHERE room_id = :room_id AND participant_id = :participant_id"
    assignments = ", ".join(f"{column} = :{column}" for column in place)
    former = tx.later(f"SELECT id FROM party_participants {where}", **key)
    if tx.run(f"UPDATE party_participants SET {assignments} {where}", **place, **key):
        row = former.one()
        assert row is not None
        return cast(Member, {**row, **key, **place})
    names = [*key, *place]
    id = tx.insert(
        f"""
        INSERT INTO party_participants ({", ".join(names)})
        VALUES ({", ".join(f":{name}" for name in names)})
        """,
        **key,
        **place,
    )
    return cast(Member, {"id": id, **key, **place})


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
