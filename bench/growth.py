"""Whether a poll or a send grows dearer with the number of rooms and old rows: two databases, in turns.

In the large one something is due all the time, in rooms in which nobody polls.
"""

import http.client
import json
import statistics
import time
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from bench.databases import ENGINES, databases
from bench.population import Member, populate
from bench.servers import gunicorn
from party.db import Database

FEW, MANY, OLD_SIGNALS, DUE_A_MINUTE = 10, 100_000, 1_000_000, 10_000
MEMBERS = 2
CALLS = 300


class Caller:
    """One client on one connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port)

    def __call__(self, method: str, path: str, token: str, body: Any = None) -> tuple[float, Any]:
        """A call: how many milliseconds it took, and its data."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        text = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self._connection.request(method, path, text, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status >= 300:
            raise RuntimeError(content)
        return took, json.loads(content)["data"]


def _times(call: Caller, seats: list[list[Member]], seqs: dict[str, int]) -> dict[str, list[float]]:
    """Sends, polls with news and idle polls, over some rooms."""
    times: dict[str, list[float]] = {"send": [], "poll with news": [], "idle poll": []}
    for n in range(CALLS):
        sender, to = seats[n % len(seats)]
        body = {"roomCode": to.code, "toId": to.id, "type": "ice", "payload": {"candidate": "x" * 100}}
        times["send"].append(call("POST", "/signal", sender.token, body)[0])
        path = f"/signal/{to.code}/{to.id}?after="
        took, data = call("GET", f"{path}{seqs.get(to.id + to.code, to.seq)}", to.token)
        times["poll with news"].append(took)
        seqs[to.id + to.code] = data["seq"]
        call("GET", f"{path}{data['seq']}", to.token)
        times["idle poll"].append(call("GET", f"{path}{data['seq']}", to.token)[0])
    return times


def measure(rounds: int) -> list[dict[str, Any]]:
    """On both engines, for each kind of call, the medians beside few and beside very many rooms."""
    rows = []
    for engine in ENGINES:
        with databases(engine, 2) as (urls, _), ExitStack() as stack:
            sides: dict[str, tuple[Caller, list[list[Member]], dict[str, int]]] = {}
            for side, url, *population in (
                ("few", urls[0], FEW, MEMBERS),
                ("many", urls[1], MANY, MEMBERS, OLD_SIGNALS, DUE_A_MINUTE),
            ):
                database = Database(url)
                seats = populate(database, *population)[:FEW]
                database.close()
                address, _ = stack.enter_context(gunicorn("app:application", "gthread", DATABASE_URL=url))
                sides[side] = Caller(address), seats, {}
            found: dict[str, dict[str, list[float]]] = {"few": {}, "many": {}}
            for number in range(rounds + 1):
                for side, (call, seats, seqs) in sides.items():
                    for kind, times in _times(call, seats, seqs).items():
                        if number:  # the first warms up
                            found[side].setdefault(kind, []).append(statistics.median(times))
        for kind in found["few"]:
            few, many = (statistics.median(found[side][kind]) for side in ("few", "many"))
            rows.append(
                {
                    "engine": engine,
                    "call": kind,
                    f"ms beside {FEW} rooms": round(few, 3),
                    f"ms beside {MANY:,}": round(many, 3),
                    "ratio": round(many / few, 2),
                }
            )
    return rows
