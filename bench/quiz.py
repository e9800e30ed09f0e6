"""How late questions close by themselves, where many rooms play at once: seen by those who wait for it.

Each room's question has a time; some answer, so that all are told of that, and the others let it pass. A
closing is late by what lies between the end of the time, as the server's events have it, and the end of the
answer that tells a member.
"""

import asyncio
import json
import random
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from bench.databases import databases
from bench.delivery import ARRIVALS_PER_SECOND, HOLD_SECONDS, Outcome, Poller
from bench.population import Member, populate
from bench.servers import gunicorn
from party.db import Connection, Database

ROOMS, MEMBERS, QUESTION_SECONDS = 200, 30, 20
QUESTIONS = 4
# Of the members of a room, those who answer a question.
ANSWERS = 3


class Player(Poller):
    """A member who waits for questions; the first one of a room begins, and some answer."""

    def __init__(self, address: tuple[str, int], member: Member, seconds: int, outcome: Outcome) -> None:
        super().__init__(member, seconds, outcome, None)
        self._address = address
        self._ends_at = 0.0
        self._calls: set[asyncio.Task[None]] = set()

    def _take(self, answer: dict[str, Any], now_ns: int) -> float:
        for message in answer["messages"]:
            if message["type"] in ("quiz-started", "question-advanced"):
                opened_at = datetime.fromisoformat(message["createdAt"]).timestamp()
                self._ends_at = opened_at + QUESTION_SECONDS
                if random.random() < ANSWERS / MEMBERS:
                    index = message["payload"].get("currentQuestion", 0)
                    body = {"questionIndex": index, "answerIndex": 0, "timeMs": 1_000}
                    asyncio.get_running_loop().call_later(random.uniform(1, 15), self.call, "answer", body)
            elif message["type"] == "question-closed":
                self._outcome.delivery_ms.append(now_ns / 1e6 - self._ends_at * 1000)
        return super()._take(answer, now_ns)

    def call(self, action: str, body: dict[str, Any]) -> None:
        """Make a call on another connection."""
        task = asyncio.get_running_loop().create_task(self._call(action, body))
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _call(self, action: str, body: dict[str, Any]) -> None:
        text = json.dumps(body)
        reader, writer = await asyncio.open_connection(*self._address)
        writer.write(
            f"POST /rooms/{self._member.code}/{action} HTTP/1.1\r\nHost: party\r\nConnection: close\r\n"
            f"Authorization: Bearer {self._member.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        status = int((await reader.readline()).split()[1])
        self._outcome.sent += 1
        self._outcome.refused += status >= 500
        writer.close()


async def _play(address: tuple[str, int], rooms: list[list[Member]], polls: str) -> Outcome:
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    players: list[Player] = []
    began = time.monotonic()
    for n, member in enumerate(member for seats in rooms for member in seats):
        player = Player(address, member, 0 if polls == "short" else HOLD_SECONDS, outcome)
        await loop.create_connection(lambda player=player: player, *address)  # type: ignore[misc]
        players.append(player)
        await asyncio.sleep(max(0, began + n / ARRIVALS_PER_SECOND - time.monotonic()))
    for host in players[::MEMBERS]:
        host.call("start", {"autoAdvance": True, "pauseSeconds": 0})
        await asyncio.sleep(QUESTION_SECONDS / len(rooms))
    await asyncio.sleep(QUESTION_SECONDS * QUESTIONS)
    for player in players:
        player.stop()
    return outcome


def _give_quizzes(tx: Connection) -> None:
    questions = [{"question": "?", "answers": ["a", "b"], "correct": 1}] * (QUESTIONS * 2)
    tx.run(
        "INSERT INTO party_quizzes (room_id, quiz_data, seconds_per_question) SELECT id, :quiz, :seconds"
        " FROM party_rooms",
        quiz=json.dumps({"questions": questions}),
        seconds=QUESTION_SECONDS,
    )


def measure(polls: str, engine: str = "mariadb") -> dict[str, Any]:
    """`polls` are "short" (on gthread) or "held" (on gevent), on two workers."""
    hold = polls == "held"
    with databases(engine) as (urls, _):
        database = Database(urls[0])
        rooms = populate(database, ROOMS, MEMBERS)
        database.write(_give_quizzes)
        database.close()
        settings = {"DATABASE_URL": urls[0], "LONG_POLL_SECONDS": HOLD_SECONDS if hold else 0}
        with gunicorn("app:application", "gevent" if hold else "gthread", **settings) as (url, _):
            parts = urlsplit(url)
            outcome = asyncio.run(_play((parts.hostname or "", parts.port or 0), rooms, polls))
    late = sorted(outcome.delivery_ms)
    return {
        "engine": engine,
        "polls": polls,
        "closings told": len(late),
        "answers and starts": outcome.sent,
        "refused": outcome.refused + outcome.broken,
        **{f"p{n} ms": round(late[len(late) * n // 100]) if late else None for n in (50, 95, 99)},
    }
