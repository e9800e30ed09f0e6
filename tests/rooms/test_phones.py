"""Phones that sleep: who has gone is not shown online for long, and a place is kept for ten minutes.

Sixty schedules over four members each, the clock bound; with TIMES=20 in the environment, 1,200.
Pages that really stand still: tests/client/test_sleeping_pages.py.
"""

import os
import random
from typing import Any

import pytest

from tests.conftest import Clock, MakeApp
from tests.support.fold import fold
from tests.support.peers import Api, Seat

# In each of three tests.
SCHEDULES = 20 * int(os.environ.get("TIMES", "1"))
ONLINE_MS, FREED_MS, RETURN_MS = 90_000, 600_000, 10_000
SHORTEST, LONGEST = 3, 1200
QUIZ = {"questions": [{"question": "?", "answers": ["a", "b"], "correct": 0}]}
ANSWER = {"questionIndex": 0, "answerIndex": 0}

pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
    pytest.mark.needs("quiz"),
]


class Phone:
    """A member's page: now and then it sleeps, perhaps saying so; when it wakes, it polls on."""

    def __init__(self, clock: Clock, dice: random.Random, seat: Seat) -> None:
        self._clock, self._dice = clock, dice
        self.seat = seat
        self.seen = clock.now
        self.is_gone = self.said_so = False
        self.wakes_at = 0
        self.sleeps_at = clock.now + dice.randint(0, 300_000)

    def live(self) -> None:
        """Poll, unless it sleeps; and perhaps fall asleep."""
        now = self._clock.now
        if self.is_gone or now < self.wakes_at:
            return
        answer = self.seat.poll(self.seat.seq)
        if answer.status == 401:
            assert answer.error["reason"] == "absent"
            assert now - self.seen >= FREED_MS
            self.is_gone = True
            return
        assert now - self.seen < FREED_MS
        self.seat.seq, self.seen, self.said_so = answer.data["seq"], now, False
        if now >= self.sleeps_at:
            # As many short sleeps as long ones.
            seconds = SHORTEST * (LONGEST / SHORTEST) ** self._dice.random()
            self.wakes_at = now + round(1000 * seconds)
            self.sleeps_at = self.wakes_at + self._dice.randint(0, 300_000)
            self.said_so = self._dice.random() < 0.5
            if self.said_so:
                self.seat.call("POST", "/away")


class Watcher:
    """A spectator that is always there."""

    def __init__(self, clock: Clock, seat: Seat, phones: dict[str, Phone]) -> None:
        self._clock = clock
        self._seat = seat
        self._phones = phones
        self.room: dict[str, Any] = seat.call("GET").data
        self._seat.seq = self.room["seq"]
        self._scores = {each["id"]: each["score"] for each in self.room["participants"]}
        self._presence = {each["id"]: (each["presence"], 0) for each in self.room["participants"]}

    def look(self) -> None:
        """Read what came: nothing flaps, and everybody who is shown has its place and its score."""
        for message in self._seat.read(presence=True):
            self._check_presence(message)
            self.room = fold(self.room, message) or self.room
        members = {each["id"]: each for each in self.room["participants"]}
        assert [each["id"] for each in members.values() if each["isHost"]] == [self.room["hostId"]]
        for id, phone in self._phones.items():
            unseen = self._clock.now - phone.seen
            assert (id in members) == (unseen < FREED_MS and not phone.is_gone), (id, unseen)
            if id in members:
                assert members[id]["score"] == self._scores[id]
                assert members[id]["online"] == (unseen < ONLINE_MS and not phone.said_so), (id, unseen)

    def _check_presence(self, message: dict[str, Any]) -> None:
        if message["type"] != "presence-changed":
            return
        id, now = message["payload"]["participantId"], message["payload"]["presence"]
        before, since = self._presence[id]
        assert now != before
        if before == "online":
            assert self._clock.now - since >= RETURN_MS or self._phones[id].said_so
        self._presence[id] = now, self._clock.now


@pytest.mark.parametrize("seed", range(3))
def test_a_phone_that_sleeps_keeps_its_place_for_ten_minutes(
    make_app: MakeApp, clock: Clock, seed: int
) -> None:
    client = Api.of_app(make_app(DISCONNECTED_AFTER_SECONDS=300, SEAT_FREED_AFTER_SECONDS=600))
    dice = random.Random(seed)
    places_freed = 0
    for _ in range(SCHEDULES):
        host = client.create_room(
            hostId="host", hostGone="promote", seats=4, maxParticipants=5, quizData=QUIZ, afterQuiz="stay"
        )
        watcher = client.join(host.code, participantId="watcher", spectate=True)
        seats = [host, *(client.join(host.code, participantId=f"m{n}") for n in range(3))]
        host.call("POST", "/start")
        for seat in seats[1:]:
            seat.call("POST", "/answer", {**ANSWER, "timeMs": dice.randint(0, 9000)})
        phones = {seat.id: Phone(clock, dice, seat) for seat in seats}
        watches = Watcher(clock, watcher, phones)
        end = clock.now + 1_500_000
        while clock.now < end and not all(phone.is_gone for phone in phones.values()):
            clock.advance(dice.choice([10, 60, 85]))
            for phone in phones.values():
                phone.live()
            watches.look()
            if gone := [id for id, phone in phones.items() if clock.now - phone.seen >= FREED_MS]:
                # Its place is free for somebody else, who has to leave it again for the next one.
                if watches.room["status"] == "ended":
                    break
                newcomer = client.join(host.code)
                assert set(gone).isdisjoint(each["id"] for each in newcomer.room["participants"])
                newcomer.call("POST", "/leave")
                places_freed += 1
                break
    assert places_freed > 0
