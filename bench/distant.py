"""Calls where the database is a millisecond away, and what it costs that nobody is there at all.

A proxy lets a millisecond pass before it hands on what the app sends: so much more takes each round trip. The
app runs in this process; nothing else is between it and the clock.
"""

import logging
import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from bench.databases import databases
from bench.servers import UNLIMITED
from party import create_app
from party.config import Settings
from party.db import Database
from tests.support.peers import Answer, Api
from tests.support.processes import die_with_parent, free_port

FAR_SECONDS = 0.001
CALLS = 100
CONNECTS = 100


def _hand_on(source: socket.socket, target: socket.socket, seconds: float) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 20):
            if seconds:
                time.sleep(seconds)
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def _serve(listener: socket.socket, port: int, seconds: float) -> None:
    die_with_parent()
    while True:
        app, _ = listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        for side in (app, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for arguments in ((app, server, seconds), (server, app, 0.0)):
            threading.Thread(target=_hand_on, args=arguments, daemon=True).start()


@contextmanager
def far_away(url: str, seconds: float = FAR_SECONDS) -> Iterator[str]:
    """The address of the same database, so many seconds away."""
    parts = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("fork").Process(
            target=_serve, args=(listener, parts.port, seconds), daemon=True
        )
        process.start()
        login = parts.netloc.rpartition("@")[0]
        yield urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{listener.getsockname()[1]}"))
        process.kill()


def _calls(api: Api) -> dict[str, Callable[[], Answer]]:
    """Each kind of call, from rooms of its own; what has to come before it is done by another."""
    host = api.create_room(maxParticipants=50)
    guest = api.join(host.code)
    rooms = (api.create_room(maxParticipants=50).code for _ in range(CALLS))

    def send() -> Answer:
        return host.send(guest, {"candidate": "x" * 100}, type="ice")

    def poll() -> Answer:
        return guest.poll(guest.seq)

    def news() -> Answer:
        guest.read()
        send()
        return poll()

    def acknowledging() -> Answer:
        news()
        guest.seq += 1
        return poll()

    def join() -> Answer:
        return api.request("POST", f"/rooms/{next(rooms)}/join", {"name": "Gus"})

    return {
        "send": send,
        "join": join,
        "create": lambda: api.request("POST", "/rooms", {"hostName": "Hana"}),
        "poll with news": news,
        "poll that acknowledges": acknowledging,
        "idle poll": poll,
    }


def _timed(api: Api) -> Callable[[], float]:
    """Notes how long the last call took, in milliseconds."""
    took = [0.0]
    request = api.request

    def timed(*arguments: Any, **options: Any) -> Answer:
        began = time.perf_counter()
        answer = request(*arguments, **options)
        took[0] = (time.perf_counter() - began) * 1000
        return answer

    api.request = timed  # type: ignore[method-assign]
    return lambda: took[0]


def measure() -> list[dict[str, Any]]:
    """Milliseconds of each kind of call, the database beside the app and a millisecond away."""
    times: dict[str, dict[str, list[float]]] = {}
    with databases("mariadb") as (urls, _), far_away(urls[0]) as far:
        sides = {}
        for side, url in (("beside", urls[0]), ("1 ms away", far)):
            settings = Settings(DATABASE_URL=url, DEMO=False, PLAY=False, **UNLIMITED)  # type: ignore[arg-type]
            api = Api.of_app(create_app(settings))
            sides[side] = _timed(api), _calls(api)
        for kind in sides["beside"][1]:
            for _ in range(CALLS):
                for side, (last_ms, calls) in sides.items():
                    answer = calls[kind]()
                    if answer.status >= 300:
                        raise RuntimeError(answer.text)
                    times.setdefault(kind, {}).setdefault(side, []).append(last_ms())
    return [
        {"call": kind}
        | {
            f"{side}, {name} ms": round(number(found), 2)
            for side, found in of_kind.items()
            for name, number in (("least", min), ("median", statistics.median))
        }
        for kind, of_kind in times.items()
    ]


def refused() -> list[dict[str, Any]]:
    """Processor time of connects to a port where nobody is."""
    logging.getLogger("party").setLevel(logging.ERROR)  # each is told
    database = Database(f"mysql://party:secret@127.0.0.1:{free_port()}/party")
    cpu, began = time.process_time(), time.monotonic()
    for _ in range(CONNECTS):
        with suppress(Exception):
            database.one("SELECT 1")
    used = time.process_time() - cpu
    return [{"refused": CONNECTS, "CPU s": round(used, 3), "s": round(time.monotonic() - began, 3)}]
