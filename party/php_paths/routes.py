"""The PHP backend's calls over HTTP, in its own shapes."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import TypeAdapter

from party import clock
from party.db import database
from party.errors import (
    ParticipantIdTaken,
    PeerNotFound,
    RoomEnded,
    RoomNotFound,
    TokenInvalid,
    ValidationError,
    WrongMethod,
    WrongStatus,
)
from party.php_paths import callers, models, rooms, signals, visible
from party.php_paths.lookups import lookups
from party.polling.memory import memory
from party.rooms import ending, entrance
from party.rooms import models as room_models
from party.rows import Caller, Room
from party.web import tokens
from party.web.addresses import client_key
from party.web.body import read_json
from party.web.calls import call, checked_by
from party.web.models import Body, ParticipantId
from party.web.rate_limits import CREATE_ROOM, MemberRates, joins, rate_limits

blueprint = Blueprint("php_paths", __name__)

PATHS = "/endpoints/"
ROOMS = f"{PATHS}rooms.php"
ROOM = f"{ROOMS}/<code>"
SIGNAL = f"{PATHS}signal.php"

_CODE = re.compile("[A-Z0-9]{6}")
_ID: TypeAdapter[str] = TypeAdapter(ParticipantId)

View = Callable[..., Any]


def php(body: type[Body] | None = None, status: int = 200) -> Callable[[View], View]:
    """Declare a view: it gets a valid `body=` where there is one, and returns the `data` of its answer."""
    check = checked_by(body) if body is not None else None

    def decorate(view: View) -> View:
        @wraps(view)
        def run(**arguments: Any) -> Response:
            if check is not None:
                # PHP did not ask for a Content-Type.
                arguments["body"] = check(read_json(of_any_type=True))
            try:
                data = view(**arguments)
            except TokenInvalid:  # the seat became free, or somebody else's, at this moment
                raise PeerNotFound from None
            response = jsonify(success=True, data=data)
            response.status_code = status
            return response

        return run

    return decorate


@blueprint.after_app_request
def fail_as_php_did(response: Response) -> Response:
    """A failure there has a message and a code; what we call a conflict was a bad request."""
    if request.path.startswith(PATHS) and response.status_code >= 400:
        error = response.get_json()["error"]
        error.pop("field", None)
        response.set_data(jsonify(success=False, error=error).get_data())
        if response.status_code == ParticipantIdTaken.status:
            response.status_code = 400
    return response


# Rooms


@blueprint.post(ROOMS, strict_slashes=False)
@php(models.CreateRoom, 201)
def create(body: models.CreateRoom) -> dict[str, Any]:
    """Open a room. Its host has no token: whoever knows the host's id hosts it."""
    rate_limits().hit(rate_limits().of_address(CREATE_ROOM))
    room = rooms.create(database(), clock.now_ms(), body)
    lookups().remember(room["code"])
    return room


@blueprint.get(ROOM, strict_slashes=False)
@php()
def show(code: str) -> dict[str, Any]:
    """All of a room, its quiz with the answers included."""
    return rooms.view(database(), _room(code)["id"])


@blueprint.post(f"{ROOM}/join", strict_slashes=False)
@php(models.JoinRoom)
def join(code: str, body: models.JoinRoom) -> dict[str, Any]:
    """Take a seat. Counts as any other join."""
    found = entrance.look_up(
        code, visible.by_code_later, found=lambda room: (joins(room["code"], room["max_participants"]),)
    )
    room = rooms.join(database(), clock.now_ms(), found, body)
    lookups().remember(code)
    return room


@blueprint.post(f"{ROOM}/leave", strict_slashes=False)
@php(models.AsParticipant)
def leave(code: str, body: models.AsParticipant) -> dict[str, Any]:
    """Leave; when the host leaves, the room ends. Whoever has left, or whose room has ended, is gone."""
    with suppress(PeerNotFound, TokenInvalid, RoomEnded):
        rooms.leave(database(), clock.now_ms(), as_participant(code, body))
    return {"left": True}


@blueprint.delete(ROOM, strict_slashes=False)
@php(models.AsHost)
def end(code: str, body: models.AsHost) -> dict[str, Any]:
    """End the room; after the last question, or when its host has left, it has ended already."""
    with suppress(TokenInvalid, RoomEnded):
        ending.end(database(), clock.now_ms(), as_host(code, body))
    return {"ended": True}


# Signals


@blueprint.post(SIGNAL, strict_slashes=False)
@php(models.Signal, 201)
def send(body: models.Signal) -> dict[str, Any]:
    """Leave a signal for an id in a code, whether or not there are such."""
    sends: MemberRates = current_app.extensions["party.php_sends"]
    sends.hit((body.roomCode, body.fromId))
    number = signals.send(database(), clock.now_ms(), body, _address_hash())
    return {"messageId": number, "sent": True}


@blueprint.get(f"{SIGNAL}/<code>/<participant_id>", strict_slashes=False)
@php()
def poll(code: str, participant_id: str) -> dict[str, Any]:
    """Take what waits for an id in a code. An answer that gets lost takes it along."""
    if request.method == "HEAD":  # its answer would always get lost
        raise WrongMethod
    code, participant_id = code.upper(), _id(participant_id)
    rate_limits().polls.hit((code, participant_id))
    found: list[dict[str, Any]] = []
    if _CODE.fullmatch(code):  # no room has any other, and nothing waits for one
        found = signals.poll(database(), clock.now_ms(), code, participant_id, memory().heartbeats)
    return {"messages": found, "count": len(found)}


@blueprint.get(f"{SIGNAL}/<code>/<participant_id>/peers", strict_slashes=False)
@php()
def peers(code: str, participant_id: str) -> dict[str, Any]:
    """The other members' ids; nobody in a room that there is not."""
    participant_id = _id(participant_id)
    try:
        found = rooms.peers(database(), _room(code), participant_id)
    except RoomNotFound:
        found = []
    return {"peers": found, "count": len(found)}


# On the safe API


@blueprint.post("/rooms/<code>/php-paths")
@call(
    "Let pages of the PHP backend see and join this room, or hide it from them again",
    access="host",
    body=models.Allow,
    answers={200: room_models.Room},
    errors=(RoomEnded, WrongStatus),
)
def allow(caller: Caller, body: models.Allow) -> dict[str, Any]:
    """Who knows the code then sees all of the room, the answers of its quiz included, without a token."""
    return visible.allow(database(), clock.now_ms(), caller, body.allowed)


def _room(code: str) -> Room:
    return lookups().room(database(), clock.now_ms(), code)


def as_participant(code: str, body: models.AsParticipant) -> Caller:
    return callers.participant(database(), _room(code), body.participantId)


def as_host(code: str, body: models.AsHost) -> Caller:
    return callers.host(database(), _room(code), body.hostId)


def shown_to(caller: Caller) -> dict[str, Any]:
    return rooms.view(database(), caller["room_id"])


def _id(text: str) -> str:
    """Raises `ValidationError`."""
    try:
        return _ID.validate_python(text)
    except ValueError:
        raise ValidationError("participantId: 1 to 36 of A-Z a-z 0-9 _ -") from None


def _address_hash() -> str:
    """The sender's address as it is kept beside its signals."""
    return tokens.keyed(f"php {client_key()}")
