"""Who a caller is: the member of a room whose token a request carries."""

from contextlib import suppress
from typing import cast

from party import clock
from party.db import Connection, Database, database, transaction
from party.errors import NotAMember, TokenInvalid, TokenRequired, Unavailable
from party.rooms import dead_tokens, due, stream
from party.rooms.rules import check_access
from party.rows import Access, Caller, RoomState, Seat, columns
from party.web.models import room_code
from party.web.tokens import bearer, hashed, same

# To be followed by a condition on a member `p` and its room `r`.
SELECT_CALLER = f"""
    SELECT {columns(Seat, "p")}, {columns(RoomState, "r")}, NULL AS used_token_hash, 'member' AS access
    FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
"""


def authenticate(access: Access, code: str, previous_token: bool = False) -> Caller | None:
    """The caller of a call for the room `code`; None for a stranger where strangers may come.

    What is overdue in the room is made first.
    Raises `TokenRequired`, `TokenInvalid`, `NotAMember`, `NotApproved`, `HostOnly`, `PlayersOnly`.
    """
    if access == "anyone or member" and bearer() is None:
        return None
    db, now = database(), clock.now_ms()
    caller = by_token(previous_token)
    if code != caller["code"] != room_code(code):
        raise NotAMember
    if stream.is_due(caller, now):
        _catch_up(db, now, caller, polls=access == "even refused")
        caller = by_token(previous_token)
    if caller["left_at"] is not None and access != "even refused":
        raise dead_tokens.invalid(db, caller["token_hash"])
    check_access(access, caller["role"])
    caller["access"] = access
    return caller


def _catch_up(db: Database, now: int, caller: Caller, *, polls: bool) -> None:
    """Make what is overdue in the caller's room.

    A poll is what somebody is seen by. It waits for nobody who has the room locked, and can be answered
    where nothing can be written: the next one makes what this one could not.
    """
    if not polls:
        due.catch_up(db, now, caller["room_id"])
        return
    with suppress(Unavailable):
        due.catch_up(db, now, caller["room_id"], wait=False, polling=caller["id"])


def by_token(or_previous: bool = False) -> Caller:
    """The member, of any room, whose token this request carries. Raises `TokenRequired`, `TokenInvalid`.

    `or_previous` also takes the token before the last rejoin, as long as the new one is unused: the
    answer that carried the new one may have been lost. The first use of the new one ends that.
    """
    token = bearer()
    if token is None:
        raise TokenRequired
    db, token_hash = database(), hashed(token)
    caller = _find(db, "p.token_hash = :hash", token_hash)
    if caller is None and or_previous:
        caller = _find(db, "p.previous_token_hash = :hash", token_hash)
    elif caller and caller["previous_token_hash"] is not None:
        _confirm(db, caller["id"], token_hash)
    if caller is None:
        raise dead_tokens.invalid(db, token_hash)
    stored = (caller["token_hash"], caller["previous_token_hash"])
    if not any(known and same(token_hash, known) for known in stored):
        raise TokenInvalid
    caller["used_token_hash"] = token_hash
    caller["silent_seq"] = 0
    return caller


def _find(db: Database, condition: str, token_hash: str) -> Caller | None:
    return cast(Caller | None, db.one(f"{SELECT_CALLER} WHERE {condition}", hash=token_hash))


@transaction
def _confirm(tx: Connection, member_id: int, token_hash: str) -> None:
    """The new page has got its token, so the one before is good for nothing any more."""
    tx.later(
        """
        UPDATE party_participants SET previous_token_hash = NULL
        WHERE id = :id AND token_hash = :token_hash
        """,
        id=member_id,
        token_hash=token_hash,
    )
