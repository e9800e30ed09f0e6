"""The bodies and answers of the quiz calls."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from party.web.models import MAX_DATA_BYTES, Answer, Body, Time, at_most

QuizData = Annotated[dict[str, Any], AfterValidator(at_most(MAX_DATA_BYTES, "quizData"))]
Index = Annotated[int, Field(ge=0)]


class QuizOfNewRoom(Body):
    """What the body that opens a room may have."""

    quizData: QuizData | None = None
    secondsPerQuestion: Annotated[int, Field(ge=5, le=300, description="30 unless given")] | None = None


class QuizOfRoom(Answer):
    """What a Room has."""

    secondsPerQuestion: int
    currentQuestion: int
    quizData: dict[str, Any] | None
    questionOpenedAt: Time | None


class Score(Answer):
    """What a Participant has."""

    score: int


class SetQuiz(Body):
    quizData: QuizData


class NextQuestion(Body):
    fromQuestion: (
        Annotated[int, Field(ge=0, description="the question to be left: nothing moves if it is not current")]
        | None
    ) = None


class GiveAnswer(Body):
    questionIndex: Index
    answerIndex: Annotated[int, Field(ge=-1, description="-1: no answer")]
    timeMs: Annotated[int, Field(ge=0, description="how long it took, as the page has seen it")]


class Marked(Answer):
    questionIndex: int
    isCorrect: bool
    points: int
    score: int
    repeated: Literal[True] | None = Field(
        default=None, description="this is the result of the first answer; nothing has changed"
    )
