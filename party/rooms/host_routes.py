"""The calls by which those in a room change it, over HTTP: most of them are the host's."""

from typing import Any

from flask import Blueprint

from party import clock
from party.db import database
from party.errors import HostOnly, NotApproved, PeerNotFound, RoomEnded, RoomFull, SeatTaken, WrongStatus
from party.rooms import ending, hosting, lobby, renaming, roles, room_settings
from party.rooms.models import (
    Approve,
    ChangeRole,
    ChangeSettings,
    Ended,
    HandOver,
    RemoveParticipant,
    Rename,
    Room,
    RoomOfGuest,
)
from party.rows import Caller
from party.web.calls import call

blueprint = Blueprint("hosting", __name__)


@blueprint.post("/rooms/<code>/approve")
@call(
    "Let somebody in who waits, or refuse it",
    access="host",
    body=Approve,
    answers={200: Room},
    errors=(RoomEnded, PeerNotFound, RoomFull),
)
def approve(caller: Caller, body: Approve) -> dict[str, Any]:
    """Who is in already stays so."""
    return lobby.decide(database(), clock.now_ms(), caller, body.participantId, body.approved)


@blueprint.post("/rooms/<code>/role")
@call(
    "Change a role or a seat: one's own, or as the host another's",
    access="member",
    body=ChangeRole,
    answers={200: Room},
    errors=(RoomEnded, HostOnly, PeerNotFound, SeatTaken),
)
def role(caller: Caller, body: ChangeRole) -> dict[str, Any]:
    """Without `seat` a player keeps its own, and a new one takes the lowest that is free."""
    return roles.change(database(), clock.now_ms(), caller, body)


@blueprint.post("/rooms/<code>/rename")
@call(
    "Change a name: one's own, or as the host another's",
    access="even waiting",
    body=Rename,
    answers={200: Room | RoomOfGuest},
    errors=(RoomEnded, HostOnly, NotApproved, PeerNotFound),
)
def rename(caller: Caller, body: Rename) -> dict[str, Any]:
    """Who waits can rename itself only."""
    return renaming.rename(database(), clock.now_ms(), caller, body)


@blueprint.post("/rooms/<code>/remove")
@call(
    "Remove a member, or refuse somebody who waits; with `ban` for good",
    access="host",
    body=RemoveParticipant,
    answers={200: Room},
    errors=(RoomEnded, PeerNotFound),
)
def remove(caller: Caller, body: RemoveParticipant) -> dict[str, Any]:
    """The member's token is dead from then on."""
    return ending.remove(database(), clock.now_ms(), caller, body.participantId, bool(body.ban))


@blueprint.post("/rooms/<code>/host")
@call(
    "Make a player the host in one's own place",
    access="host",
    body=HandOver,
    answers={200: Room},
    errors=(RoomEnded, PeerNotFound, WrongStatus),
)
def hand_over(caller: Caller, body: HandOver) -> dict[str, Any]:
    """The Room is what a player sees of it."""
    return hosting.hand_over(database(), clock.now_ms(), caller, body.participantId)


@blueprint.post("/rooms/<code>/settings")
@call(
    "Change the room's settings",
    access="host",
    body=ChangeSettings,
    answers={200: Room},
    errors=(RoomEnded, RoomFull, SeatTaken),
)
def settings(caller: Caller, body: ChangeSettings) -> dict[str, Any]:
    """What is left out stays as it is."""
    return room_settings.change(database(), clock.now_ms(), caller, body)


@blueprint.post("/rooms/<code>/end")
@blueprint.delete("/rooms/<code>", endpoint="delete")  # which many firewalls refuse
@call("End the room", access="host", answers={200: Ended}, errors=(RoomEnded,))
def end(caller: Caller) -> dict[str, Any]:
    """Members learn it by their next poll."""
    ending.end(database(), clock.now_ms(), caller)
    return {"ended": True}
