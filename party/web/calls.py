"""How a call is declared: `@call(...)` checks what the contract checks first, in its order, and keeps
what the OpenAPI document needs to know.

The form of the request comes first (400, 413, 415), then the token (401), then the room (403), so
that nobody without a token of a room learns whether it exists. A view begins with a valid body and a
trusted caller, and returns the `data` of its answer as a plain dict.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, Protocol

from flask import Flask, Response, current_app, jsonify, request
from pydantic import TypeAdapter
from pydantic import ValidationError as PydanticError

from party.errors import ApiError, ValidationError
from party.features import Extended, features
from party.rows import Access, Caller
from party.web.addresses import client_key
from party.web.body import read_file, read_json
from party.web.models import KIB, SMALL_BODY_BYTES
from party.web.rate_limits import rate_limits

View = Callable[..., Any]

# So many bytes of a member's body or answer count as one more call.
BYTES_OF_A_CALL = 32 * KIB


class Members(Protocol):
    """Who knows the members of rooms (`party.rooms.members`)."""

    def authenticate(self, access: Access, code: str, previous_token: bool = False) -> Caller | None:
        """The caller of a call for the room `code`; None for a stranger where strangers may come.

        Raises `TokenRequired`, `TokenInvalid`, `NotAMember`, `NotApproved`, `HostOnly`, `PlayersOnly`.
        """

    def by_token(self, or_previous: bool = False) -> Caller:
        """The member, of any room, whose token the request carries.

        Raises `TokenRequired`, `TokenInvalid`.
        """


@dataclass(frozen=True)
class Parameter:
    """A query parameter or header, for the OpenAPI document."""

    name: str
    place: Literal["query", "header"]
    schema: dict[str, Any]
    description: str


@dataclass(frozen=True)
class Upload:
    """A form with a file in one field, of at most so many bytes."""

    field: str
    max_bytes: int


@dataclass(frozen=True)
class File:
    """An answer that is a file of one of these media types, or JSON of the type `beside`."""

    types: tuple[str, ...]
    beside: Any = None


@dataclass(frozen=True)
class Call:
    """What is known of a call besides its view."""

    summary: str
    access: Access
    body: Any
    answers: dict[int, Any]
    errors: tuple[type[ApiError], ...]
    parameters: tuple[Parameter, ...]
    upload: Upload | None
    encloses: bool


def call(
    summary: str,
    *,
    access: Access = "anyone",
    previous_token: bool = False,
    body: Any = None,
    max_body: int = SMALL_BODY_BYTES,
    upload: Upload | None = None,
    own_limit: bool = False,
    encloses: bool = False,
    parse: Callable[[], dict[str, Any]] | None = None,
    parameters: tuple[Parameter, ...] = (),
    answers: dict[int, Any],
    errors: tuple[type[ApiError], ...] = (),
) -> Callable[[View], View]:
    """Declare a view.

    `body` is the pydantic type of the JSON body, given to the view as `body=`, which takes up to
    `max_body` bytes; `upload` is a form with a file in its place, given as `file=`. With `encloses` the
    view gets `enclosed=`, what pages say along with the call to a feature, or None. With `own_limit` the
    view sees to it that nobody calls it too often. `parse` reads `parameters` into further arguments.
    Members' calls get `caller=` in place of the URL's code; under "anyone or member" the view gets both,
    and None for a stranger. `previous_token` also lets in the token before an unconfirmed rejoin. `answers`
    are types by status, the first being the status of a view that returns no other, or a file that it
    returns as a response; `errors` are those that the view itself may raise.
    """
    check = checked_by(body) if body is not None else None

    def decorate(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> Response:
            if request.method == "POST" or encloses:
                arguments |= _read(check, max_body, upload, encloses, access, previous_token)
            if parse is not None:
                arguments |= parse()
            if access != "anyone":
                code = arguments["code"] if "code" in arguments else arguments["body"].roomCode
                arguments["caller"] = _members().authenticate(access, code, previous_token)
                if access != "anyone or member":
                    arguments.pop("code", None)
            if not own_limit:
                _count(arguments.get("caller"))
            result = view(**arguments)
            if isinstance(result, Response):
                return result
            data, status = result if isinstance(result, tuple) else (result, next(iter(answers)))
            return _answer(data, status, None if own_limit else arguments.get("caller"))

        run.call = Call(summary, access, body, answers, errors, parameters, upload, encloses)  # type: ignore[attr-defined]
        return run

    return decorate


def _read(
    check: Callable[[dict[str, Any]], Any] | None,
    max_body: int,
    upload: Upload | None,
    encloses: bool,
    access: Access,
    previous_token: bool,
) -> dict[str, Any]:
    """What a request's body has for the view, and what comes along for a feature."""
    if request.method != "POST":
        return {"enclosed": _enclosed(None)}
    if upload is not None:
        return {"file": read_file(upload.field, upload.max_bytes)}
    value = read_json(max_body, lambda: _member(access, previous_token))
    found = {"body": check(value)} if check is not None else {}
    return {**found, "enclosed": _enclosed(value)} if encloses else found


def _answer(data: Any, status: int, charged: Caller | None) -> Response:
    """A success, whose size is counted for its caller where that has no limit of its own."""
    response = jsonify(success=True, data=data)
    response.status_code = status
    if charged is not None:
        larger = max(request.content_length or 0, response.content_length or 0)
        rate_limits().calls.charge(charged["id"], larger // BYTES_OF_A_CALL)
    return response


def init_app(app: Flask, members: Members) -> None:
    """Let calls ask `members` who their callers are."""
    app.extensions["party.members"] = members


def _members() -> Members:
    found: Members = current_app.extensions["party.members"]
    return found


def _member(access: Access, previous_token: bool) -> Caller | None:
    """The member whose token a member's call carries; None where others may come.

    Raises `TokenRequired`, `TokenInvalid`.
    """
    return None if access in ("anyone", "anyone or member") else _members().by_token(previous_token)


def _count(caller: Caller | None) -> None:
    """Count a call, a member's by its member and others by their address. Raises `RateLimited`."""
    if caller is None:
        rate_limits().others.hit(client_key())
    else:
        rate_limits().calls.hit(caller["id"])


def _enclosed(body: dict[str, Any] | None) -> Any:
    """What comes along for a feature, in this body or else in a header. Raises `ValidationError`."""
    enclosure = features().enclosure
    if enclosure is None:
        return None
    if body is not None:
        return validated(features().fields("send"), body)
    header = request.headers.get(enclosure.header)
    return None if header is None else enclosure.read(header)


def checked_by(body: Any) -> Callable[[dict[str, Any]], Any]:
    """What makes a body of this type of a JSON object, with the fields of the app's features."""
    if isinstance(body, type) and issubclass(body, Extended):
        return lambda value: validated(features().adapter(body), value)
    adapter = TypeAdapter(body)
    return lambda value: validated(adapter, value)


def validated(adapter: TypeAdapter[Any], value: dict[str, Any]) -> Any:
    """The value as the adapter's type. Raises `ValidationError` with the field's name, never its value."""
    try:
        return adapter.validate_python(value)
    except PydanticError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        names = [str(part) for part in first["loc"] if not str(part).startswith(TAG)]
        message = first["msg"].removeprefix("Value error, ")
        raise ValidationError(
            f"{'.'.join(names) or 'The body'}: {message}", field=".".join(names) or None
        ) from None


# The names of alternatives among bodies begin with it: pydantic puts them into a field's path.
TAG = "("
