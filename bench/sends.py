"""How many signals a second the service stores: one in each request, and ten.

Beside it, on MariaDB, the yardstick: a bare Flask route that stores one row in each request.
"""

import json
import statistics
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from bench.databases import ENGINES, databases
from bench.population import Member, populate
from bench.servers import gunicorn, has_passenger, lua_request, passenger, wrk
from party.db import Database

CLIENTS = 16
SECONDS = 3
WARMING_SECONDS = 2
ROOMS = 250
SEVERAL = 10
# What the bare route fills.
ROWS = (
    "bench_signals (id BIGINT PRIMARY KEY AUTO_INCREMENT, room CHAR(6), to_id VARCHAR(64), type VARCHAR(32), "
    "payload TEXT)"
)
PAYLOAD = {"candidate": "candidate:0 1 UDP 2122252543 192.0.2.1 50000 typ host " + "x" * 60}


def _post(sender: Member, to: Member, count: int, mount: str) -> str:
    signal = {"toId": to.id, "type": "ice", "payload": PAYLOAD}
    body: dict[str, Any] = {"roomCode": sender.code}
    body |= signal if count == 1 else {"messages": [signal] * count}
    text = json.dumps(body)
    return lua_request("POST", f"{mount}/signal", sender.token, text)


@contextmanager
def _on_gunicorn(application: str, **settings: object) -> Iterator[str]:
    with gunicorn(application, "gthread", **settings) as (url, _):
        yield url


def measure(rounds: int) -> list[dict[str, Any]]:
    """On each engine and server, in turns: one signal in a request, ten, and the bare route's row."""
    rows = []
    for engine, server in product(ENGINES, ("gunicorn, gthread", "Apache, Passenger")):
        serve = _on_gunicorn if server.startswith("gunicorn") else passenger
        # Passenger's account would have an embedded database of its own.
        if serve is passenger and (engine == "sqlite" or not has_passenger()):
            continue
        with databases(engine) as (urls, mariadb), ExitStack() as stack:
            settings = {"DATABASE_URL": urls[0]}
            ours = stack.enter_context(serve("app:application", **settings))
            bare = None
            if mariadb:
                mariadb.query(f"CREATE TABLE {urlsplit(urls[0]).path.strip('/')}.{ROWS}")
                bare = stack.enter_context(serve("bench.bare:flask", **settings))
            rows.append({"engine": engine, "server": server} | _compare(urls[0], ours, bare, rounds))
    return rows


def _compare(database_url: str, ours: str, bare: str | None, rounds: int) -> dict[str, Any]:
    database = Database(database_url)
    rates: dict[str, list[float]] = {"one": [], "several": [], "insert": []}
    for number in range(rounds + 1):
        for kind, url in (("one", ours), ("several", ours), ("insert", bare)):
            if url:
                # Fresh mailboxes: none may become full.
                mount, count = urlsplit(url).path, SEVERAL if kind == "several" else 1
                posts = [_post(sender, to, count, mount) for sender, to in populate(database, ROOMS, 2)]
                # As processes do whose members poll, they know these rooms already.
                wrk(url, posts, CLIENTS, WARMING_SECONDS)
                rate = wrk(url, posts, CLIENTS, SECONDS)[0]
                if number:  # the first warms up
                    rates[kind].append(rate)
    database.close()
    one, several = statistics.median(rates["one"]), statistics.median(rates["several"])
    row: dict[str, Any] = {
        "sends/s": round(one),
        "least": round(min(rates["one"])),
        "most": round(max(rates["one"])),
        f"of {SEVERAL}/s": round(several),
        "signals/s then": round(several * SEVERAL),
    }
    if bare:
        insert = statistics.median(rates["insert"])
        in_turns = zip(rates["one"], rates["several"], rates["insert"], strict=True)
        ratios = [(a / c, b * SEVERAL / c) for a, b, c in in_turns]
        row |= {
            "INSERTs/s": round(insert),
            "sends of INSERTs": round(statistics.median(ratio for ratio, _ in ratios), 2),
            "signals of INSERTs": round(statistics.median(ratio for _, ratio in ratios), 2),
        }
    return row
