"""The rules of the game, without any database: what can be played, what it brings, what is shown."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

CORRECT_POINTS = 10
SPEED_POINTS = 5
# All of the points for speed within this part of a question's time: the first fifth.
FAST_PART = 5
# The time that the network may have taken, of what passed between opening and answering.
NETWORK_MS = 2_000
# So long after it was closed a question can still be answered: polls lag.
GRACE_MS = 2_000
# What `questionSeconds` may be, as `secondsPerQuestion`.
LEAST_SECONDS, MOST_SECONDS = 5, 300
# What a participant's time may be multiplied by.
FACTORS = (1, 1.25, 1.5, 2)

Question = dict[str, Any]


def questions_of(quiz: dict[str, Any] | None) -> list[Question] | None:
    """The questions of a quiz that can be played; None for anything else, which is the app's own affair.

    It can be played if `questions` is a list with something in it, and each has a list of choices and, as
    `correct`, the index of one of them.
    """
    questions = (quiz or {}).get("questions")
    if isinstance(questions, list) and questions and all(map(_can_be_asked, questions)):
        return questions
    return None


def choices(question: Question) -> list[Any]:
    """What can be answered: the list under `answers`, else that under `options`; nothing without either."""
    found = (question.get(name) for name in ("answers", "options"))
    return next((each for each in found if isinstance(each, list)), [])


def misplaced_seconds(quiz: dict[str, Any] | None) -> int | None:
    """The first question of a quiz whose `questionSeconds` is no time that a question may have."""
    for index, question in enumerate(questions_of(quiz) or ()):
        seconds = question.get("questionSeconds")
        if seconds is not None and not _is_time(seconds):
            return index
    return None


def _is_time(seconds: Any) -> bool:
    return type(seconds) is int and LEAST_SECONDS <= seconds <= MOST_SECONDS


def time_of(question: Question, seconds_per_question: int, percent: int = 100) -> int:
    """How long a question may take, in milliseconds, for whoever has so many percent of the usual time."""
    own: int | None = question.get("questionSeconds")
    seconds = own if own is not None and _is_time(own) else seconds_per_question
    return seconds * 10 * percent


def _can_be_asked(question: Any) -> bool:
    if not isinstance(question, dict):
        return False
    correct = question.get("correct")
    # True is an int to Python, but no index.
    return type(correct) is int and 0 <= correct < len(choices(question))


def time_counted_ms(claimed_ms: int, passed_ms: int) -> int:
    """How long an answer took: as its page says, but hardly less than the server itself saw pass."""
    return max(claimed_ms, passed_ms - NETWORK_MS)


def points_for(time_ms: int, question_ms: int) -> int:
    """What a correct answer brings after `time_ms` of the `question_ms` that there are.

    The points for speed fall evenly from the end of the first fifth to the end of the time, rounded half
    up; in whole numbers, so that no boundary depends on how a fraction is stored.
    """
    fast_ms = question_ms // FAST_PART
    falling_ms = question_ms - fast_ms
    left_ms = question_ms - min(max(time_ms, fast_ms), question_ms)
    return CORRECT_POINTS + (2 * SPEED_POINTS * left_ms + falling_ms) // (2 * falling_ms)


@dataclass(frozen=True)
class Player:
    """One for whom an open question waits: a player who is online."""

    has_answered: bool
    # Of the usual time.
    percent: int


def closes_at(opened_at: int, question_ms: int, players: Sequence[Player]) -> int:
    """When a question closes by itself, as things stand now.

    That is when its time is over for everybody who has not answered, or at once when all have.
    """
    open_for = [player.percent for player in players if not player.has_answered]
    if players and not open_for:
        return opened_at
    return opened_at + question_ms * max(open_for, default=100) // 100


def distribution(question: Question, answers: Iterable[int]) -> list[int]:
    """How often each choice was taken."""
    taken = Counter(answers)
    return [taken[index] for index in range(len(choices(question)))]


def shown_to_guests(status: str, closed: int, quiz: dict[str, Any]) -> dict[str, Any]:
    """A quiz without the `correct` of what is open or still to come; in an ended room, all of it.

    While it is played, the first `closed` questions are not open any more.
    """
    questions = questions_of(quiz)
    if questions is None or status == "ended":
        return quiz
    if status != "playing":
        closed = 0
    return {
        **quiz,
        "questions": [
            question if index < closed else {key: question[key] for key in question if key != "correct"}
            for index, question in enumerate(questions)
        ],
    }
