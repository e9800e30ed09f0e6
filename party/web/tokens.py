"""Secrets: tokens, codes and ids, and how they are stored and compared.

A token is 256 random bits that the client gets once. The server keeps its SHA-256, which needs no
salt: there is nothing to guess in 256 random bits.
"""

import hashlib
import hmac
import secrets

from flask import request

from party.config import settings
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


def keyed(text: str) -> str:
    """What is stored in place of a text that others could guess: nobody without our key can compare."""
    return hmac.new(settings().SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def bearer() -> str | None:
    """The request's bearer token, if it carries one."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how nearly they are."""
    return hmac.compare_digest(given.encode(), expected.encode())
