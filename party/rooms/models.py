"""The bodies and answers of the room calls."""

from typing import Annotated, Any, Literal

from pydantic import Field

from party.web.models import (
    Answer,
    Body,
    Name,
    ParticipantId,
    Password,
    QuizData,
    RetryKey,
    Role,
    Status,
    Time,
)


class CreateRoom(Body):
    hostName: Name
    hostId: ParticipantId | None = None
    maxParticipants: Annotated[int, Field(ge=2, description="20 unless given")] | None = None
    password: Password | None = None
    quizData: QuizData | None = None
    secondsPerQuestion: Annotated[int, Field(ge=5, le=300, description="30 unless given")] | None = None
    retryKey: RetryKey | None = None


class JoinRoom(Body):
    name: Name
    participantId: ParticipantId | None = None
    password: Password | None = None
    retryKey: RetryKey | None = None


class RemoveParticipant(Body):
    participantId: ParticipantId


class SetQuiz(Body):
    quizData: QuizData


class Participant(Answer):
    id: str
    name: str
    isHost: bool
    role: Role
    online: bool
    score: int
    joinedAt: Time


class You(Answer):
    id: str
    role: Role
    token: str | None = Field(default=None, description="only where one was just issued")


class Room(Answer):
    code: str
    status: Status
    hostId: str
    hostName: str
    maxParticipants: int
    secondsPerQuestion: int
    currentQuestion: int
    quizData: dict[str, Any] | None
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
