"""The bodies of the PHP backend's calls, and of the one call by which a host lets its pages in."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from party.signaling.models import SignalType
from party.web.models import Body, Name, ParticipantId, Payload, QuizData

# Any text of this form, whether or not a room could have it: signals may come before their room.
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{6}$"), AfterValidator(str.upper)]
# Pages that measure with performance.now() send fractions.
Milliseconds = Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)]


class CreateRoom(Body):
    hostId: ParticipantId
    hostName: Name
    # PHP's empty array: to it, an empty object is the same.
    quizData: Annotated[QuizData | None, BeforeValidator(lambda value: None if value == [] else value)] = None
    secondsPerQuestion: Annotated[int, Field(ge=5, le=300)] | None = None


class JoinRoom(Body):
    participantId: ParticipantId
    name: Name


class AsParticipant(Body):
    participantId: ParticipantId


class AsHost(Body):
    hostId: ParticipantId


class SetQuiz(AsHost):
    quizData: QuizData


class GiveAnswer(AsParticipant):
    questionIndex: Annotated[int, Field(ge=0)]
    # Left out or null where nothing was chosen, or where nothing was measured.
    answerIndex: Annotated[int, Field(ge=-1)] | None = None
    timeMs: Milliseconds | None = None


class Signal(Body):
    roomCode: Code
    fromId: ParticipantId
    toId: ParticipantId
    type: SignalType
    payload: Payload


class Allow(Body):
    allowed: bool
