"""The bodies and answers of the quiz calls."""

from typing import Annotated, Literal

from pydantic import Field

from party.web.models import Answer, Body

Index = Annotated[int, Field(ge=0)]


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
