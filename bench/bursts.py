"""What comes all at once: a class that joins within a second, and twenty classes that answer a question."""

import random
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.databases import ENGINES, databases
from bench.growth import Caller
from bench.servers import gunicorn
from tests.support.peers import Api, Seat

JOINS, JOIN_SECONDS = 30, 1.0
ROOMS, PLAYERS, ANSWER_SECONDS = 20, 30, 2.0
QUESTION = {"question": "2 + 2?", "answers": ["3", "4", "5", "22"], "correct": 1}
SENDERS = 48
# After a 503.
RETRY_SECONDS = 1.0

# Method, path, token, body.
Request = tuple[str, str, str, Any]


def _is_taken(call: Caller, request: Request) -> bool:
    """Ask; False if it is to be asked again later, as pages do."""
    try:
        call(*request)
    except RuntimeError as error:
        if b'"UNAVAILABLE"' not in error.args[0]:
            raise
        return False
    return True


def _burst(url: str, requests: list[Request], seconds: float, refused: list[float]) -> list[float]:
    """Ask at moments spread by chance over so many seconds: the ms from each moment until it was done."""
    local = threading.local()
    starts = sorted(random.uniform(0, seconds) for _ in requests)
    began = time.monotonic() + 0.5

    def ask(start: float, request: Request) -> float:
        if not hasattr(local, "call"):
            local.call = Caller(url)
        time.sleep(max(0.0, began + start - time.monotonic()))
        while not _is_taken(local.call, request):
            refused.append(start)
            time.sleep(RETRY_SECONDS)
        return (time.monotonic() - began - start) * 1000

    with ThreadPoolExecutor(SENDERS) as pool:
        return list(pool.map(ask, starts, requests))


def _joins(api: Api) -> list[Request]:
    code = api.create_room(maxParticipants=50).code
    return [("POST", f"/rooms/{code}/join", "", {"name": f"Guest {n}"}) for n in range(JOINS)]


def _classes(api: Api) -> list[list[Seat]]:
    """Rooms with a host and players, their game begun."""
    quiz = {"quizData": {"questions": [QUESTION]}, "maxParticipants": 50, "secondsPerQuestion": 120}
    classes = []
    for _ in range(ROOMS):
        host = api.create_room(**quiz)
        players = [api.join(host.code, f"Player {n}") for n in range(PLAYERS)]
        classes.append([host, *players])
    for host, *_ in classes:
        answer = host.call("POST", "/start")
        if answer.status >= 300:
            raise RuntimeError(answer.text)
    return classes


def _answers(api: Api) -> list[Request]:
    body = {"questionIndex": 0, "answerIndex": 1, "timeMs": 1000}
    found: list[Request] = [
        ("POST", f"/rooms/{seat.code}/answer", seat.token, body)
        for _, *players in _classes(api)
        for seat in players
    ]
    random.shuffle(found)
    return found


BURSTS = {
    f"{JOINS} joins into one room in {JOIN_SECONDS:g} s": (_joins, JOIN_SECONDS),
    f"{ROOMS} rooms of {PLAYERS} answer in {ANSWER_SECONDS:g} s": (_answers, ANSWER_SECONDS),
}


def measure(rounds: int) -> list[dict[str, Any]]:
    """On both engines, each burst several times: the slowest request of each run."""
    rows = []
    for engine in ENGINES:
        with (
            databases(engine) as (urls, _),
            gunicorn("app:application", "gthread", DATABASE_URL=urls[0]) as (url, _),
        ):
            for name, (prepare, seconds) in BURSTS.items():
                refused: list[float] = []
                runs = [_burst(url, prepare(Api.of_url(url)), seconds, refused) for _ in range(rounds)]
                slowest = [max(run) for run in runs]
                rows.append(
                    {
                        "engine": engine,
                        "burst": name,
                        "requests": len(runs[0]),
                        "503s": len(refused),
                        "median ms": round(statistics.median(ms for run in runs for ms in run)),
                        "slowest ms, least": round(min(slowest)),
                        "median": round(statistics.median(slowest)),
                        "most": round(max(slowest)),
                    }
                )
    return rows
