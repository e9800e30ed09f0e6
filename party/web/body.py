"""The body of a request: how much of it is read, and what is parsed.

Whatever can be refused by looking at the bytes is refused before they are parsed. Bodies that were
refused are counted, for their address or for the member who sent them.
"""

import base64
import re
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import IO, Any

from flask import Response, after_this_request, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import MultiPartParser

from party.config import settings
from party.errors import ApiError, BadJson, JsonRequired, RateLimited, TooLarge, ValidationError
from party.rows import Caller
from party.web.addresses import client_key
from party.web.models import KIB, MAX_BODY_BYTES, MAX_DATA_BYTES, from_json
from party.web.rate_limits import rate_limits

ENCODED_BODY_HEADER, ENCODED_BODY = "X-Party-Body", "b64"
# The firewalls' usual rules (OWASP's core rule set) refuse text/plain, and let a form pass.
ENCODED_BODY_TYPES = ("text/plain", "application/x-www-form-urlencoded")
BASE64URL = re.compile(rb"[A-Za-z0-9_-]*={0,2}")

# Brackets, commas and colons outside texts make the parser's work. All of them are in compact JSON too, so
# a body with more of them than the largest quiz has bytes, and some fields, is larger than any may be.
STRUCTURE = b"[]{},:"
TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
MAX_STRUCTURE = MAX_DATA_BYTES + 4 * KIB
# More than this is parsed for members only. A batch of signals may have more than the above.
MAX_STRUCTURE_OF_STRANGERS = 64 * KIB

# What a form takes besides its file.
FORM_BYTES = 16 * KIB
MAX_FORM_PARTS = 20

# A refused body counts as this many bytes at least.
LEAST_BYTES = KIB
REFUSALS = (400, 401, 413, 415)


def read_json(
    limit: int = MAX_BODY_BYTES,
    member: Callable[[], Caller | None] = lambda: None,
    *,
    of_any_type: bool = False,
) -> dict[str, Any]:
    """The request's JSON object of at most `limit` bytes; an absent body is an empty one.

    `member` finds out who makes a call for members, or raises what the contract says; it is asked first
    where the address has had too many bodies refused, or where the body makes much work. `of_any_type`
    takes JSON without its Content-Type. Raises what the contract says, and `RateLimited`.
    """
    _admit(member)
    raw = _read(limit)
    if not raw:
        return {}
    if _is_encoded():
        raw = _decoded(raw)
        if len(raw) > limit:
            raise TooLarge
    elif not (request.is_json or of_any_type):
        raise JsonRequired
    structure = _structure(raw)
    if structure > MAX_STRUCTURE_OF_STRANGERS and member() is None and structure > MAX_STRUCTURE:
        raise TooLarge
    return from_json(raw)


def read_file(field: str, limit: int) -> bytes:
    """The file of at most `limit` bytes in a field of a form. Raises `ValidationError`, `TooLarge`."""
    _admit(lambda: None)
    raw = _read(limit + FORM_BYTES)
    parser = MultiPartParser(stream_factory=_in_memory, max_form_parts=MAX_FORM_PARTS)
    boundary = request.mimetype_params.get("boundary", "").encode()
    file = None
    if request.mimetype == "multipart/form-data":
        with suppress(ValueError):
            file = parser.parse(BytesIO(raw), boundary, len(raw))[1].get(field)
    if file is None:
        raise ValidationError(f"{field}: a file is missing in this field of a multipart form", field=field)
    found: bytes = file.read()
    if len(found) > limit:
        raise TooLarge
    return found


def _in_memory(*_: Any, **__: Any) -> IO[bytes]:
    return BytesIO()


def _admit(member: Callable[[], Caller | None]) -> None:
    """Refuse whoever has had too much refused; a member is not held back for what others behind the
    same address do. Raises `RateLimited`, or what `member` does."""
    refused = rate_limits().refused_bytes
    g.sender = client_key()
    g.body_bytes = 0
    after_this_request(_spend)
    try:
        refused.check(g.sender)
    except RateLimited:
        found = member()
        if found is None:
            raise
        g.sender = found["id"]
        refused.check(g.sender)


def _read(limit: int) -> bytes:
    """The body as it came. Raises `TooLarge`, unread where its length is stated, and `BadJson`."""
    most = (limit + 2) // 3 * 4 if _is_encoded() else limit
    # One byte more than is allowed: of a body without a stated length Werkzeug reads so much and
    # silently leaves the rest.
    request.max_content_length = most + 1
    try:
        raw = request.get_data(cache=False)
    except (ApiError, HTTPException):
        raise
    except Exception:  # the server's own, of which each has others: chunks without form, or broken off
        raise BadJson("The body breaks off, or its chunks are malformed.") from None
    g.body_bytes = len(raw)
    if len(raw) > most:
        raise TooLarge
    if request.content_length is not None and len(raw) < request.content_length:
        raise BadJson("The body breaks off.")  # which Werkzeug leaves to the server, and gunicorn to us
    return raw


def _structure(raw: bytes) -> int:
    """How many brackets, commas and colons there are outside texts; counted roughly where there are few."""
    found = _count(raw)
    return found if found <= MAX_STRUCTURE_OF_STRANGERS else _count(TEXT.sub(b"", raw))


def _count(raw: bytes) -> int:
    return len(raw) - len(raw.translate(None, STRUCTURE))


def _is_encoded() -> bool:
    """Whether the body says that it is base64url, in which no firewall finds words it takes for an attack.

    The header is what makes a browser ask first before it sends such a body from another site.
    """
    return (
        settings().ENCODED_BODIES
        and request.headers.get(ENCODED_BODY_HEADER, "").strip().lower() == ENCODED_BODY
        and request.mimetype in ENCODED_BODY_TYPES
    )


def _decoded(raw: bytes) -> bytes:
    """What base64url stands for; padding may be left out. Raises `BadJson`."""
    if not BASE64URL.fullmatch(raw):  # Python's decoder takes more than that
        raise BadJson("The body is not base64url.")
    digits = raw.rstrip(b"=")
    try:
        return base64.urlsafe_b64decode(digits + b"=" * (-len(digits) % 4))
    except ValueError:
        raise BadJson("The body is not base64url.") from None


def _spend(response: Response) -> Response:
    """Count a refused body."""
    if response.status_code in REFUSALS:
        rate_limits().refused_bytes.spend(g.sender, max(LEAST_BYTES, g.body_bytes))
    return response
