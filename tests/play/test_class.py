"""A class plays: scores right to the point, whoever reloads, sleeps, leaves, comes late or cheats."""

import csv
import io
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Semaphore
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from tests.play.test_play import Player
from tests.rooms.test_races import at_once
from tests.support.page import OpenPage
from tests.support.peers import Answer, Api, Seat
from tests.support.server import Server

pytestmark = pytest.mark.needs("quiz")

# The long form, as a class is: PARTY_CLASS=30 PARTY_QUESTIONS=10.
PLAYERS = int(os.environ.get("PARTY_CLASS", "6"))
QUESTIONS = int(os.environ.get("PARTY_QUESTIONS", "3"))
# Enough that no question closes by its time on a machine that does much else.
SECONDS = 100
ODD = ["<b>x</b>", "'; DROP TABLE party_rooms; --", "🎉", "שלום ‮", "=1+1", "x" * 300]
QUIZ = {
    "title": "Everything",
    "questions": [
        {"question": ODD[n % len(ODD)], "answers": ["a", *ODD[:3]], "correct": n % 4}
        for n in range(QUESTIONS)
    ],
}


def points(correct: bool, time_ms: int) -> int:
    """What an answer brings, by the rules as they are told to people."""
    share = min(max(time_ms / (SECONDS * 1000), 0.2), 1)
    return 10 + int(5 * (1 - share) / 0.8 + 0.5) if correct else 0


@dataclass
class Pupil:
    """One that plays by HTTP, in its own way; `points` are counted independently."""

    seat: Seat
    chance: random.Random
    cheats: bool = False
    points: int = 0
    late_ms: list[float] = field(default_factory=list)
    standings: Any = None
    question: int = -1
    is_open: bool = False
    leaves_at: int | None = None
    # One for each question that it may answer.
    may_answer: Semaphore = field(default_factory=lambda: Semaphore(1_000))

    def play(self) -> None:
        """Until the round is over, or it leaves."""
        while self.standings is None and self.seat.token:
            answer = self.seat.poll(self.seat.seq)
            assert answer.status == 200, answer.text
            for message in answer.data["messages"]:
                self._hear(message)
            self.seat.seq = answer.data["seq"]
            time.sleep(0 if answer.data["more"] else answer.data["pollAfterMs"] / 1000)

    def _hear(self, message: dict[str, Any]) -> None:
        match message["type"], message["payload"]:
            case "quiz-started", _:
                self._opened(0, message)
            case "question-advanced", payload:
                self._opened(payload["currentQuestion"], message)
            case "question-closed", payload:
                assert payload["questionIndex"] == self.question
                self.is_open = False
                self._try_late(payload["correct"])
            case "quiz-finished", payload:
                self.standings = payload["standings"]
            case _, payload:
                assert "correct" not in str(payload)

    def _opened(self, question: int, message: dict[str, Any]) -> None:
        assert "correct" not in message["payload"] or message["payload"]["correct"] == (question - 1) % 4
        self.question, self.is_open = question, True
        opened = time.mktime(time.strptime(message["createdAt"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
        self.late_ms.append((time.time() - opened) * 1000 - int(message["createdAt"][20:23]))
        if question == self.leaves_at:
            self.seat.call("POST", "/leave")
            self.seat.token = ""
            return
        self._answer()

    def _answer(self) -> None:
        assert self.may_answer.acquire(timeout=60)
        for act in self.chance.sample([self._reload, self._sleep, self._look], 1):
            act()
        if self.cheats:
            # By its own clock, faster than anybody, from two tabs, and again.
            body = {"questionIndex": self.question, "answerIndex": 0, "timeMs": 0, "round": None}
            other = {**body, "answerIndex": 1}
            calls = [lambda: self._give(body), lambda: self._give(other)]
            answers = at_once(calls)
            first = next(each for each in answers if "repeated" not in each.data)
            assert Counter("repeated" in each.data for each in answers) == {False: 1, True: 1}
            assert {each.data["points"] for each in answers} == {first.data["points"]}
            given, claimed = answers.index(first), 0
        else:
            given, claimed = self.chance.randrange(4), self.chance.randrange(2_000, SECONDS * 1000)
            body = {"questionIndex": self.question, "answerIndex": given, "timeMs": claimed}
            first = self._give(body)
        assert first.status == 200, first.text
        is_right = given == self.question % 4
        assert (first.data["isCorrect"], first.data["points"]) == (is_right, points(is_right, claimed))
        self.points += first.data["points"]
        if self.chance.random() < 0.3:
            self._reload()
        again = self._give({**body, "answerIndex": self.question % 4})
        if again.status == 200:
            assert (again.data["repeated"], again.data["points"]) == (True, first.data["points"])
        else:  # by then the round is over
            assert again.code == "WRONG_STATUS"

    def _give(self, body: dict[str, Any]) -> Answer:
        return self.seat.call("POST", "/answer", body)

    def _try_late(self, correct: int) -> None:
        """Whoever has answered gets that result again; what is right brings nothing any more."""
        answer = self._give({"questionIndex": self.question, "answerIndex": correct, "timeMs": 0})
        assert answer.status in (409, 200), answer.text
        assert answer.status == 409 or answer.data["repeated"] is True

    def _reload(self) -> None:
        room = self.seat.call("POST", "/rejoin").data
        self._check_hidden(room)
        token, seq = room["you"]["token"], self.seat.seq
        self.seat = Seat(self.seat.api, room)
        self.seat.token, self.seat.seq = token, seq

    def _sleep(self) -> None:
        time.sleep(self.chance.uniform(0, 0.3))

    def _look(self) -> None:
        self._check_hidden(self.seat.call("GET").data)

    def _check_hidden(self, room: dict[str, Any]) -> None:
        """Nobody is shown what is right in a question that is open or to come."""
        for index, each in enumerate(room["quizData"]["questions"]):
            is_over = index < room["currentQuestion"] or room["questionOpenedAt"] is None
            assert "correct" not in each or is_over, (index, room["currentQuestion"])


@pytest.fixture
def somebody() -> Iterator[list[Player]]:
    """Those with a page: nothing may go wrong in any of them."""
    everybody: list[Player] = []
    yield everybody
    assert [problem for each in everybody for problem in each.problems] == []


def test_a_class_plays_twice_and_every_point_is_right(
    service: Server, open_page: OpenPage, somebody: list[Player]
) -> None:
    api, chance = Api.of_url(service.url), random.Random(7)
    host = api.create_room(
        "Ms Lee", quizData=QUIZ, secondsPerQuestion=SECONDS, afterQuiz="stay", maxParticipants=PLAYERS + 3
    )
    pupils = [
        Pupil(api.join(host.code, f"Pupil {n}"), random.Random(n), cheats=n == 0) for n in range(PLAYERS)
    ]
    page = Player(open_page(locale="en"))
    somebody.append(page)
    page.join(f"{service.url}/play", host.code, "Page")

    def round(pupils: list[Pupil]) -> None:
        assert host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 1}).status == 200
        with ThreadPoolExecutor(len(pupils)) as pool:
            playing = [pool.submit(pupil.play) for pupil in pupils]
            for n in range(QUESTIONS):
                expect(page.page.locator("#question")).to_have_text(ODD[n % len(ODD)].strip())
                with page.page.expect_response("**/answer"):
                    page.answers.nth(n % 4).click()
                if chance.random() < 0.7:
                    page.page.reload()
                expect(page.answers.nth(n % 4)).to_have_attribute("aria-pressed", "true")
                # A page that is away is not waited for: one pupil gives it the time to come back.
                pupils[-1].may_answer.release()
            for each in playing:
                each.result()

    def check(pupils: list[Pupil]) -> list[dict[str, Any]]:
        """Standings equal on all, and right."""
        stayed = [pupil for pupil in pupils if pupil.seat.token]
        (standings,) = {str(pupil.standings) for pupil in stayed}
        scores = {each["participantId"]: each["score"] for each in stayed[0].standings}
        for pupil in stayed:
            assert scores.pop(pupil.seat.id) == pupil.points
        # Those who do not play by HTTP: the host has nothing, the page was always right.
        assert scores.pop(host.room["hostId"]) == 0
        (of_page,) = scores.values()
        assert 10 * QUESTIONS <= of_page <= 15 * QUESTIONS
        expect(page.page.locator(".own-place")).to_contain_text(str(of_page))
        found: list[dict[str, Any]] = host.call("GET", "/results").data["rounds"]
        last = found[-1]["standings"]
        assert str([{k: each[k] for k in ("participantId", "name", "score")} for each in last]) == standings
        assert [each["answeredCount"] for each in last if each["participantId"] != host.id] == [
            QUESTIONS for _ in last[1:]
        ]
        return found

    pupils[-1].may_answer = Semaphore(0)
    round(pupils)
    check(pupils)
    # Two go in the middle, and one is new.
    for pupil in pupils:
        pupil.points, pupil.standings, pupil.question = 0, None, -1
    pupils[1].leaves_at = pupils[2].leaves_at = QUESTIONS - 1
    pupils.append(Pupil(api.join(host.code, "=New()"), random.Random(99)))
    pupils[-1].may_answer, pupils[-2].may_answer = pupils[-2].may_answer, pupils[-1].may_answer
    round(pupils)
    rounds = check(pupils)
    assert len(rounds) == 2
    results = f"{service.url}/rooms/{host.code}/results?format=csv"
    table = requests.get(results, headers={"Authorization": f"Bearer {host.token}"}, timeout=30).content
    rows = list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))
    for row, each in zip(rows, [each for found in rounds for each in found["standings"]], strict=True):
        assert (int(row["score"]), row["name"].removeprefix("'")) == (each["score"], each["name"])
    assert "'=New()" in [row["name"] for row in rows]
    if PLAYERS >= 30:  # the long form, where nothing else runs
        late = sorted(ms for pupil in pupils for ms in pupil.late_ms)
        assert late[-1] < 1_500, f"questions were seen after {late[len(late) // 2]:.0f} ms, {late[-5:]}"
