"""Tokens that are good for nothing any more, and why: kept as long as their room, for who still has one."""

from party.db import Connection, Database
from party.errors import Reason, TokenInvalid
from party.rows import Seat


def kill(tx: Connection, member: Seat, reason: Reason) -> None:
    """Keep why a member's token dies; whoever calls this sees to it that it does."""
    if member["token_hash"] is not None:
        tx.later(
            """
            INSERT INTO party_dead_tokens (token_hash, room_id, reason)
            VALUES (:token_hash, :room_id, :reason)
            """,
            token_hash=member["token_hash"],
            room_id=member["room_id"],
            reason=reason,
        )


def invalid(source: Connection | Database, token_hash: str | None) -> TokenInvalid:
    """What to raise for a token that is not, or no longer, a member's, with the reason where it is known."""
    row = source.one("SELECT reason FROM party_dead_tokens WHERE token_hash = :hash", hash=token_hash)
    return TokenInvalid(reason=row["reason"] if row else None)
