"""Tokens, and who the caller is.

A token is 256 random bits that the client gets once. The server keeps its SHA-256, which needs no
salt: there is nothing to guess in 256 random bits.
"""

import hashlib
import hmac
import secrets

from flask import request

from party.db import Connection, Database, Row, transaction
from party.errors import TokenInvalid, TokenRequired
from party.web.models import CODE_ALPHABET, CODE_LENGTH


def new_token() -> str:
    """256 bits from the system's CSPRNG, in 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """A room code without characters that sound or look alike."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def new_participant_id() -> str:
    """An id for a client that did not choose one."""
    return secrets.token_urlsafe(9)


def hashed(secret: str) -> str:
    """What is stored in place of a token or a retry key."""
    return hashlib.sha256(secret.encode()).hexdigest()


def bearer() -> str | None:
    """The request's bearer token, if it carries one."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how nearly they are."""
    return hmac.compare_digest(given.encode(), expected.encode())


# A caller is a member's row with what calls need to know of the room, under names of its own.
CALLER = """
    SELECT p.*, r.code, r.status, r.seq, r.members_seq, r.skipped_after, r.expires_at,
        r.due_at, r.negotiated_at, r.started_at
    FROM party_participants p JOIN party_rooms r ON r.id = p.room_id
"""


def caller_by_token(database: Database, *, or_previous: bool = False) -> Row:
    """The member whose token this request carries. Raises `TokenRequired`, `TokenInvalid`.

    `or_previous` also takes the token before the last rejoin, as long as the new one is unused: the
    answer that carried the new one may have been lost. The first use of the new one ends that.
    """
    token = bearer()
    if token is None:
        raise TokenRequired
    token_hash = hashed(token)
    caller = database.one(f"{CALLER} WHERE p.token_hash = :hash", hash=token_hash)
    if caller is None and or_previous:
        caller = database.one(f"{CALLER} WHERE p.previous_token_hash = :hash", hash=token_hash)
    elif caller and caller["previous_token_hash"] is not None:
        _confirm(database, caller)
    if caller is None:
        raise TokenInvalid
    stored = (caller["token_hash"], caller["previous_token_hash"])
    if not any(known and same(token_hash, known) for known in stored):
        raise TokenInvalid
    return {**caller, "used_token_hash": token_hash}


@transaction
def _confirm(tx: Connection, caller: Row) -> None:
    """The new page has got its token, so the one before is good for nothing any more."""
    tx.run(
        """
        UPDATE party_participants SET previous_token_hash = NULL
        WHERE id = :id AND token_hash = :token_hash
        """,
        id=caller["id"],
        token_hash=caller["token_hash"],
    )
