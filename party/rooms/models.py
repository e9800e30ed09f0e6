"""The bodies and answers of the room calls."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from party.features import Extended, Part
from party.web.models import Answer, Body, Name, ParticipantId, Password, RetryKey, Role, Status, Time


class CreateRoom(Extended, Body):
    part: ClassVar[Part] = "create"

    hostName: Name
    hostId: ParticipantId | None = None
    maxParticipants: Annotated[int, Field(ge=2, description="20 unless given")] | None = None
    password: Password | None = None
    retryKey: RetryKey | None = None
    ttlHours: Annotated[float, Field(ge=1, description="how long it outlives its last poll")] | None = None


class JoinRoom(Body):
    name: Name
    participantId: ParticipantId | None = None
    password: Password | None = None
    retryKey: RetryKey | None = None


class RemoveParticipant(Body):
    participantId: ParticipantId


class Participant(Extended, Answer):
    part: ClassVar[Part] = "participant"

    id: str
    name: str
    isHost: bool
    role: Role
    online: bool
    joinedAt: Time


class You(Answer):
    id: str
    role: Role
    token: str | None = Field(default=None, description="only where one was just issued")


class Room(Extended, Answer):
    part: ClassVar[Part] = "room"

    code: str
    status: Status
    hostId: str
    hostName: str
    maxParticipants: int
    createdAt: Time
    startedAt: Time | None
    endedAt: Time | None
    expiresAt: Time
    seq: int
    participants: list[Participant]


class RoomWithYou(Room):
    you: You


class RoomPreview(Answer):
    code: str
    status: Status
    hostName: str
    participantCount: int
    maxParticipants: int
    needsPassword: bool


class Left(Answer):
    left: Literal[True]


class Ended(Answer):
    ended: Literal[True]
