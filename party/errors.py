"""The domain's errors and the one handler that turns anything raised into the envelope.

Each error is a class with the contract's code and status, so that a store can raise it without
knowing HTTP and the OpenAPI document can list it without raising it.
"""

from typing import Literal

from flask import Flask, Response, g, jsonify
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response as WerkzeugResponse

# Why a token is good for nothing any more.
Reason = Literal["left", "removed", "banned", "rejected", "absent", "replaced"]


class ApiError(Exception):
    """A failure the client is told about.

    `message` is for people and never carries internals; `field` names the offending field of a
    validation error; `retry_after` (whole seconds) goes into the body and the `Retry-After` header;
    `reason` tells why a token is good for nothing any more.
    """

    status = 500
    code = "INTERNAL"
    message = "Something went wrong on our side."

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        retry_after: int | None = None,
        reason: Reason | None = None,
    ) -> None:
        super().__init__(message or self.message)
        self.field = field
        self.retry_after = retry_after
        self.reason = reason


def _duration(seconds: int) -> str:
    """For people."""
    count, unit = (seconds, "second") if seconds < 120 else (-(-seconds // 60), "minute")
    return f"{count} {unit}{'' if count == 1 else 's'}"


class ValidationError(ApiError):
    status, code, message = 400, "VALIDATION_ERROR", "A field is missing or has the wrong form."


class BadJson(ApiError):
    status, code, message = 400, "BAD_JSON", "The body is not valid JSON in UTF-8."


class BadCursor(ApiError):
    status, code = 400, "BAD_CURSOR"
    message = "`after` is not a number that this room has reached. Poll without it to start over."


class TokenRequired(ApiError):
    status, code, message = 401, "TOKEN_REQUIRED", "This call needs `Authorization: Bearer TOKEN`."


class TokenInvalid(ApiError):
    status, code, message = 401, "TOKEN_INVALID", "This token is not valid, or not any longer."


class NotYourId(ApiError):
    status, code, message = 403, "NOT_YOUR_ID", "This token belongs to another participant."


class HostOnly(ApiError):
    status, code, message = 403, "HOST_ONLY", "Only the host may do this."


class PlayersOnly(ApiError):
    status, code, message = 403, "PLAYERS_ONLY", "Only the players may do this."


class NotApproved(ApiError):
    status, code, message = 403, "NOT_APPROVED", "The host has not let you in yet."


class RoomLocked(ApiError):
    status, code, message = 403, "ROOM_LOCKED", "This room is locked: nobody can join."


class Banned(ApiError):
    status, code, message = 403, "BANNED", "The host does not let you into this room."


class WrongPassword(ApiError):
    status, code, message = 403, "WRONG_PASSWORD", "The room's password is missing or wrong."


class NotAMember(ApiError):
    status, code, message = 403, "NOT_A_MEMBER", "This token belongs to another room."


class RoomNotFound(ApiError):
    status, code, message = 404, "ROOM_NOT_FOUND", "There is no room with this code."


class PeerNotFound(ApiError):
    status, code, message = 404, "PEER_NOT_FOUND", "No other member of this room has that id."


class NotFound(ApiError):
    status, code, message = 404, "NOT_FOUND", "There is nothing at this address."


class ImageNotFound(ApiError):
    status, code, message = 404, "IMAGE_NOT_FOUND", "There is no such image, or not any longer."


class WrongMethod(ApiError):
    status, code, message = 405, "METHOD_NOT_ALLOWED", "This address does not take that method."


class ParticipantIdTaken(ApiError):
    status, code, message = 409, "PARTICIPANT_ID_TAKEN", "A member of this room has that id."


class RoomFull(ApiError):
    status, code, message = 409, "ROOM_FULL", "The room is full."


class LobbyFull(ApiError):
    status, code, message = 409, "LOBBY_FULL", "Too many are waiting to be let in."


class SeatTaken(ApiError):
    status, code, message = 409, "SEAT_TAKEN", "Somebody has this seat."


class WrongStatus(ApiError):
    status, code, message = 409, "WRONG_STATUS", "The room is not in the right state for this."


class RoomEnded(ApiError):
    status, code, message = 410, "ROOM_ENDED", "This room has ended."


class TooLarge(ApiError):
    status, code, message = 413, "TOO_LARGE", "That is larger than this service accepts."


class JsonRequired(ApiError):
    status, code, message = 415, "JSON_REQUIRED", "Send the body as `Content-Type: application/json`."


class RateLimited(ApiError):
    """`message` tells people of what there were too many; when they may try again is added to it."""

    status, code, message = 429, "RATE_LIMITED", "Too many requests."

    def __init__(self, message: str | None = None, *, retry_after: int = 1) -> None:
        text = f"{message or self.message} Try again in {_duration(retry_after)}."
        super().__init__(text, retry_after=retry_after)


class RelayOff(ApiError):
    status, code = 403, "RELAY_OFF"
    message = "This service passes on no data, only what it takes to connect."


class RelayLimit(ApiError):
    status, code, message = 429, "RELAY_LIMIT", "Too much data was sent through the service within a minute."


class MailboxFull(ApiError):
    status, code = 429, "MAILBOX_FULL"
    message = "The addressee has too many signals waiting. Try again when it has polled."


class Internal(ApiError):
    """A bug: the log line has the trace, the client gets only the request's id to quote."""


class Unavailable(ApiError):
    """The database cannot be reached, or no connection became free in time."""

    status, code, message = 503, "UNAVAILABLE", "The service is busy or its database is away."

    def __init__(self, message: str | None = None, *, retry_after: int = 2) -> None:
        super().__init__(message, retry_after=retry_after)


# What Flask and Werkzeug raise by themselves, by status.
_HTTP_ERRORS: dict[int, type[ApiError]] = {
    404: NotFound,
    405: WrongMethod,
    413: TooLarge,
    415: JsonRequired,
}


def _respond(error: ApiError) -> Response:
    body: dict[str, object] = {"code": error.code, "message": str(error)}
    if error.field is not None:
        body["field"] = error.field
    if error.retry_after is not None:
        body["retryAfter"] = error.retry_after
    if error.reason is not None:
        body["reason"] = error.reason
    if error.status == 500:
        body["requestId"] = g.request_id
    response = jsonify(success=False, error=body)
    response.status_code = error.status
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _from_http(error: HTTPException) -> WerkzeugResponse:
    """What the framework raises: an unknown path, a wrong method, a body over the limit, a bug."""
    status = error.code or 500
    if status < 400:
        return error.get_response()
    kind = _HTTP_ERRORS.get(status, Internal if status >= 500 else ValidationError)
    response = _respond(kind())
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def init_app(app: Flask) -> None:
    """Register the handlers: after this, no failure leaves the app in any other form.

    Flask itself logs the trace of an exception nobody expected, wraps it into a 500 and hands that
    to the handler of HTTP errors.
    """
    app.register_error_handler(ApiError, _respond)
    app.register_error_handler(HTTPException, _from_http)
