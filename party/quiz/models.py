"""The bodies and answers of the quiz calls."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from party.quiz import rules
from party.web.models import MAX_DATA_BYTES, Answer, Body, ParticipantId, Time, at_most

DEFAULT_PAUSE_SECONDS = 5


def _with_good_times(quiz: dict[str, Any]) -> dict[str, Any]:
    misplaced = rules.misplaced_seconds(quiz)
    if misplaced is not None:
        raise ValueError(
            f"questionSeconds of question {misplaced}: a whole number from {rules.LEAST_SECONDS} to"
            f" {rules.MOST_SECONDS}"
        )
    return quiz


def _factor(value: float) -> float:
    if value not in rules.FACTORS:
        raise ValueError(f"one of {', '.join(map(str, rules.FACTORS))}")
    return value


QuizData = Annotated[
    dict[str, Any],
    AfterValidator(at_most(MAX_DATA_BYTES, "quizData")),
    AfterValidator(_with_good_times),
]
Index = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=rules.LEAST_SECONDS, le=rules.MOST_SECONDS, description="30 unless given")]
AfterQuiz = Literal["end", "stay"]


class QuizOfNewRoom(Body):
    """What the body that opens a room may have."""

    quizData: QuizData | None = None
    secondsPerQuestion: Seconds | None = None


class QuizSettings(Body):
    """What the host can set, at create and later."""

    afterQuiz: (
        Annotated[
            AfterQuiz,
            Field(description="what becomes of the room after the last question; `end` unless given"),
        ]
        | None
    ) = None


class QuizSettingsOfRoom(Answer):
    """What a Room's settings have."""

    afterQuiz: AfterQuiz


class QuizOfRoom(Answer):
    """What a Room has."""

    secondsPerQuestion: int
    currentQuestion: int
    quizData: dict[str, Any] | None
    round: int = Field(description="how often the game has been started")
    questionOpenedAt: Time | None = Field(description="of the question that is open; null where none is")
    extraTime: float | None = Field(default=None, description="what the viewer's time is multiplied by")
    extraTimes: dict[str, float] | None = Field(
        default=None, description="the host's: who has extra time, by their ids"
    )


class Score(Answer):
    """What a Participant has."""

    score: int


class SetQuiz(Body):
    quizData: QuizData


class StartGame(Body):
    keepScores: (
        Annotated[bool, Field(description="of the round before; they begin at 0 unless true")] | None
    ) = None
    autoAdvance: Annotated[bool, Field(description="questions close and open by themselves")] | None = None
    pauseSeconds: (
        Annotated[int, Field(ge=0, le=60, description="between two of them; 5 unless given")] | None
    ) = None


class NextQuestion(Body):
    fromQuestion: (
        Annotated[int, Field(ge=0, description="the question to be left: nothing moves if it is not current")]
        | None
    ) = None


class GiveAnswer(Body):
    questionIndex: Index
    answerIndex: Annotated[int, Field(ge=-1, description="-1: no answer")]
    timeMs: Annotated[int, Field(ge=0, description="how long it took, as the page has seen it")]
    round: (
        Annotated[int, Field(ge=0, description="in which it was given: in another one it does not count")]
        | None
    ) = None


class Marked(Answer):
    questionIndex: int
    isCorrect: bool
    points: int
    score: int
    repeated: Literal[True] | None = Field(
        default=None, description="this is the result of the first answer; nothing has changed"
    )


class ExtraTime(Body):
    participantId: ParticipantId
    factor: Annotated[
        float,
        AfterValidator(_factor),
        Field(description="what the time is multiplied by", json_schema_extra={"enum": list(rules.FACTORS)}),
    ]


class QuestionResult(Answer):
    index: int
    question: Any
    answeredCount: int
    rightCount: int
    medianMs: int | None
    distribution: list[int]


class Standing(Answer):
    participantId: str
    name: str
    score: int
    rightCount: int
    answeredCount: int


class RoundResult(Answer):
    round: int
    startedAt: Time
    finishedAt: Time | None
    questions: list[QuestionResult]
    standings: list[Standing]


class Results(Answer):
    rounds: list[RoundResult]
