"""The bodies and answers of the room calls."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from party.features import Extended
from party.hooks import Part
from party.web.models import (
    Answer,
    Body,
    Name,
    ParticipantId,
    Password,
    Presence,
    RetryKey,
    Role,
    Status,
    Time,
)

HostGone = Literal["end", "promote"]
GameType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]
SeatNumber = Annotated[int, Field(ge=0, description="counted from 0")]
DeviceId = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{16,64}$"),
    Field(description="random, made once by the client for its device: whom a host bans is known by it"),
]


class RoomSettings(Body):
    """What a host can set, at create and later. Left out is as it was."""

    name: Annotated[Name | None, Field(description="the room's own; null: none")] = None
    gameType: Annotated[GameType | None, Field(description="what the list groups by; null: none")] = None
    maxParticipants: Annotated[int, Field(ge=2, description="20 unless given")] | None = None
    approval: Annotated[bool, Field(description="whoever joins waits for the host's approval")] | None = None
    locked: Annotated[bool, Field(description="nobody joins")] | None = None
    listed: Annotated[bool, Field(description="whether the list of rooms shows it")] | None = None
    seats: (
        Annotated[int, Field(ge=0, description="numbered seats, at most maxParticipants; 0 unless given")]
        | None
    ) = None
    sharedState: Annotated[bool, Field(description="whether players may write the room's state")] | None = (
        None
    )


class ChangeSettings(Extended, RoomSettings):
    parts: ClassVar[tuple[Part, ...]] = ("change settings",)

    hostGone: Annotated[None, Field(description="cannot be changed")] = None


class CreateRoom(Extended, RoomSettings):
    parts: ClassVar[tuple[Part, ...]] = ("create", "change settings")

    hostName: Name
    hostId: ParticipantId | None = None
    hostGone: (
        Annotated[
            HostGone, Field(description="what happens when the host leaves or is gone; `end` unless given")
        ]
        | None
    ) = None
    password: Password | None = None
    retryKey: RetryKey | None = None
    deviceId: DeviceId | None = None
    ttlHours: Annotated[float, Field(ge=1, description="how long it outlives its last poll")] | None = None


class JoinRoom(Body):
    name: Name
    participantId: ParticipantId | None = None
    password: Password | None = None
    retryKey: RetryKey | None = None
    spectate: Annotated[bool, Field(description="as a spectator")] | None = None
    seat: SeatNumber | None = None
    deviceId: DeviceId | None = None

    @model_validator(mode="after")
    def _spectators_have_none(self) -> "JoinRoom":
        if self.spectate and self.seat is not None:
            raise ValueError("a spectator has no seat")
        return self


class Approve(Body):
    participantId: ParticipantId
    approved: bool


class ChangeRole(Body):
    role: Role
    seat: Annotated[SeatNumber | None, Field(description="null: none")] = None
    participantId: Annotated[ParticipantId, Field(description="oneself unless given")] | None = None

    @model_validator(mode="after")
    def _spectators_have_none(self) -> "ChangeRole":
        if self.role == "spectator" and self.seat is not None:
            raise ValueError("a spectator has no seat")
        return self


class Rename(Body):
    name: Name
    participantId: Annotated[ParticipantId, Field(description="oneself unless given")] | None = None


class RemoveParticipant(Body):
    participantId: ParticipantId
    ban: Annotated[bool, Field(description="keep this id and device out of the room")] | None = None


class HandOver(Body):
    participantId: ParticipantId


class Participant(Extended, Answer):
    parts: ClassVar[tuple[Part, ...]] = ("participant",)

    id: str
    name: str
    isHost: bool
    role: Role
    seat: int | None = Field(description="counted from 0")
    presence: Presence
    online: bool = Field(description='whether `presence` is "online"')
    joinedAt: Time


class JoinRequest(Answer):
    """Who waits to be let in."""

    id: str
    name: str
    requestedAt: Time
    presence: Presence


class SettingsOfRoom(Extended, Answer):
    parts: ClassVar[tuple[Part, ...]] = ("settings",)

    name: str | None
    gameType: str | None
    approval: bool
    locked: bool
    listed: bool
    seats: int
    sharedState: bool
    hostGone: HostGone
    relay: Annotated[bool, Field(description="the server's: whether signals may be `data`")]


class You(Answer):
    id: str
    role: Role
    token: str | None = Field(default=None, description="only where one was just issued")


class WaitingYou(Answer):
    id: str
    role: Literal["guest"]
    token: str | None = Field(default=None, description="only where one was just issued")


class Room(Extended, Answer):
    parts: ClassVar[tuple[Part, ...]] = ("room",)

    code: str
    status: Status
    hostId: str
    hostName: str
    maxParticipants: int
    createdAt: Time
    startedAt: Time | None
    endedAt: Time | None
    expiresAt: Time
    serverTime: Time
    seq: int
    settings: SettingsOfRoom
    participants: list[Participant]
    requests: list[JoinRequest] | None = Field(
        default=None, description="the host's: who waits to be let in, in order of asking"
    )


class RoomWithYou(Room):
    you: You


class RoomPreview(Answer):
    code: str
    status: Status
    name: str | None
    gameType: str | None
    hostName: str
    participantCount: int
    maxParticipants: int
    needsPassword: bool
    approval: bool
    locked: bool


class RoomOfGuest(RoomPreview):
    """What somebody sees who waits to be let in."""

    seq: int = Field(description="the cursor of the next poll")
    you: WaitingYou


class RoomList(Answer):
    rooms: list[RoomPreview]
    next: str | None = Field(description="pass this as the next `after`; null at the end")


class Away(Answer):
    away: Literal[True]


class Left(Answer):
    left: Literal[True]


class Ended(Answer):
    ended: Literal[True]
