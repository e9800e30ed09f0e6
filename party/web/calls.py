"""How a call is declared: `@call(...)` checks what the contract checks first, in its order, and keeps
what the OpenAPI document needs to know.

The form of the request comes first (400, 413, 415), then the token (401), then the room (403), so
that nobody without a token of a room learns whether it exists. A view begins with a valid body and a
trusted caller, and returns the `data` of its answer as a plain dict.
"""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from flask import Response, jsonify, request
from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from party import clock
from party.config import settings
from party.db import Row, database
from party.errors import ApiError, BadJson, HostOnly, JsonRequired, NotAMember, TooLarge, ValidationError
from party.rooms import due
from party.web.models import MAX_BODY_BYTES, MAX_ENCODED_BYTES, room_code
from party.web.tokens import bearer, caller_by_token

View = Callable[..., Any]

ENCODED_BODY_HEADER, ENCODED_BODY = "X-Party-Body", "b64"
# The firewalls' usual rules (OWASP's core rule set) refuse text/plain, and let a form pass.
ENCODED_BODY_TYPES = ("text/plain", "application/x-www-form-urlencoded")
BASE64URL = re.compile(rb"[A-Za-z0-9_-]*={0,2}")

# Who may make a call: anyone; anyone, or a member with a token; a member; the host.
Access = Literal["anyone", "anyone or member", "member", "host"]


@dataclass(frozen=True)
class Parameter:
    """A query parameter or header, for the OpenAPI document."""

    name: str
    place: Literal["query", "header"]
    schema: dict[str, Any]
    description: str


@dataclass(frozen=True)
class Call:
    """What is known of a call besides its view."""

    summary: str
    access: Access
    body: Any
    answers: dict[int, Any]
    errors: tuple[type[ApiError], ...]
    parameters: tuple[Parameter, ...]


def call(
    summary: str,
    *,
    access: Access = "anyone",
    previous_token: bool = False,
    body: Any = None,
    parse: Callable[[], dict[str, Any]] | None = None,
    parameters: tuple[Parameter, ...] = (),
    answers: dict[int, Any],
    errors: tuple[type[ApiError], ...] = (),
) -> Callable[[View], View]:
    """Declare a view.

    `body` is the pydantic type of the JSON body, given to the view as `body=`. `parse` reads
    `parameters` into further arguments. Members' calls get `caller=` in place of the URL's code;
    under "anyone or member" the view gets both, and None for a stranger. `previous_token` also lets
    in the token before an unconfirmed rejoin. `answers` are types by status, the first being the
    status of a view that returns no other; `errors` are those that the view itself may raise.
    """
    adapter = TypeAdapter(body) if body is not None else None

    def decorate(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> Response:
            if request.method == "POST":
                value = read_json()
                if adapter is not None:
                    arguments["body"] = validated(adapter, value)
            if parse is not None:
                arguments |= parse()
            if access != "anyone":
                code = arguments["code"] if "code" in arguments else arguments["body"].roomCode
                arguments["caller"] = authenticate(access, code, previous_token)
                if access != "anyone or member":
                    arguments.pop("code", None)
            result = view(**arguments)
            data, status = result if isinstance(result, tuple) else (result, next(iter(answers)))
            response = jsonify(success=True, data=data)
            response.status_code = status
            return response

        run.call = Call(summary, access, body, answers, errors, parameters)  # type: ignore[attr-defined]
        return run

    return decorate


def read_json(*, of_any_type: bool = False) -> dict[str, Any]:
    """The request's JSON object; an absent body is an empty one. Raises what the contract says.

    `of_any_type` takes JSON without its Content-Type.
    """
    raw = request.get_data(cache=False)
    is_encoded = _is_encoded()
    if len(raw) > (MAX_ENCODED_BYTES if is_encoded else MAX_BODY_BYTES):
        raise TooLarge
    if not raw:
        return {}
    if is_encoded:
        raw = _decoded(raw)
        if len(raw) > MAX_BODY_BYTES:
            raise TooLarge
    elif not (request.is_json or of_any_type):
        raise JsonRequired
    try:
        # Strictly UTF-8, and no NaN: what cannot be passed on as JSON is no JSON.
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise BadJson from None
    if not isinstance(value, dict):
        raise ValidationError("The body must be a JSON object.")
    return value


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


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def validated(adapter: TypeAdapter[Any], value: dict[str, Any]) -> Any:
    """The value as the adapter's type. Raises `ValidationError` with the field's name, never its value."""
    try:
        return adapter.validate_python(value)
    except PydanticError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        names = [str(part) for part in first["loc"] if part not in TAGS]
        message = first["msg"].removeprefix("Value error, ")
        raise ValidationError(
            f"{'.'.join(names) or 'The body'}: {message}", field=".".join(names) or None
        ) from None


# The names of alternatives among bodies, which pydantic puts into a field's path.
TAGS = frozenset({"one", "several"})


def authenticate(access: Access, code: str, previous_token: bool = False) -> Row | None:
    """The caller of a call for the room `code`; None for a stranger where strangers may come.

    What is overdue in the room is made first.
    Raises `TokenRequired`, `TokenInvalid`, `NotAMember`, `HostOnly`.
    """
    if access == "anyone or member" and bearer() is None:
        return None
    db, now = database(), clock.now_ms()
    caller = caller_by_token(db, or_previous=previous_token)
    if caller["code"] != room_code(code):
        raise NotAMember
    if due.is_due(caller, now):
        due.catch_up(db, now, caller["room_id"])
        caller = caller_by_token(db, or_previous=previous_token)
    if access == "host" and caller["role"] != "host":
        raise HostOnly
    return caller
