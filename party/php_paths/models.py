"""The bodies of the PHP backend's calls, and of the one call by which a host lets its pages in."""

from datetime import datetime, timezone
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from party.features import Extended
from party.hooks import Part
from party.signaling.models import SignalType
from party.web.models import MAX_DATA_BYTES, Body, Name, ParticipantId, Payload, at_most

# Any text of this form, whether or not a room could have it: signals may come before their room.
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{6}$"), AfterValidator(str.upper)]
# Pages that measure with performance.now() send fractions.
Milliseconds = Annotated[float, Field(ge=0, le=86_400_000, allow_inf_nan=False)]


class CreateRoom(Extended, Body):
    parts: ClassVar[tuple[Part, ...]] = ("create",)

    hostId: ParticipantId
    hostName: Name

    @model_validator(mode="before")
    @classmethod
    def _without_an_empty_quiz(cls, value: dict[str, Any]) -> dict[str, Any]:
        """PHP's empty array: to it, an empty object is the same."""
        return {**value, "quizData": None} if value.get("quizData") == [] else value


class JoinRoom(Body):
    participantId: ParticipantId
    name: Name


class AsParticipant(Body):
    participantId: ParticipantId


class AsHost(Body):
    hostId: ParticipantId


class SetQuiz(AsHost):
    quizData: Annotated[dict[str, Any], AfterValidator(at_most(MAX_DATA_BYTES, "quizData"))]


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


def php_time(ms: int) -> str:
    """A time as MySQL wrote it there."""
    return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
