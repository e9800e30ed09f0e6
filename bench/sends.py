"""How many signals a second the service stores: one in each request, and ten."""

import json
import statistics
from typing import Any

from bench.databases import ENGINES, databases
from bench.population import Member, populate
from bench.servers import gunicorn, lua_request, wrk
from party.db import Database

CLIENTS = 16
SECONDS = 3
ROOMS = 250
SEVERAL = 10
PAYLOAD = {"candidate": "candidate:0 1 UDP 2122252543 192.0.2.1 50000 typ host " + "x" * 60}


def _post(sender: Member, to: Member, count: int) -> str:
    signal = {"toId": to.id, "type": "ice", "payload": PAYLOAD}
    body: dict[str, Any] = {"roomCode": sender.code}
    body |= signal if count == 1 else {"messages": [signal] * count}
    text = json.dumps(body)
    return lua_request("POST", "/signal", sender.token, text)


def measure(rounds: int) -> list[dict[str, Any]]:
    """On both engines, one and several in turns: medians."""
    rows = []
    for engine in ENGINES:
        with databases(engine) as (urls, _):
            database = Database(urls[0])
            with gunicorn("app:application", "gthread", DATABASE_URL=urls[0]) as (url, _):
                rates: dict[int, list[float]] = {1: [], SEVERAL: []}
                for _ in range(rounds):
                    for count, found in rates.items():
                        # Fresh mailboxes: none may become full.
                        rooms = populate(database, ROOMS, 2)
                        posts = [_post(sender, to, count) for sender, to in rooms]
                        found.append(wrk(url, posts, CLIENTS, SECONDS)[0])
            database.close()
        one, several = (statistics.median(found) for found in rates.values())
        rows.append(
            {
                "engine": engine,
                "sends/s of one signal": round(one),
                f"sends/s of {SEVERAL}": round(several),
                "signals/s then": round(several * SEVERAL),
            }
        )
    return rows
