"""What an idle poll costs: requests a second beside the barest routes on the same server, and SELECTs."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from bench.databases import ENGINES, databases
from bench.servers import gunicorn, has_passenger, lua_request, passenger, wrk
from tests.support.mariadb import MariaDB
from tests.support.peers import Api, Seat

CLIENTS = 16
SECONDS = 3
ROOMS = 4


def quiet_seats(url: str, rooms: int = ROOMS, members: int = 4) -> list[Seat]:
    """Members of rooms in which nothing happens, who have read everything."""
    api = Api.of_url(url)
    seats = []
    for _ in range(rooms):
        host = api.create_room()
        seats += [host, *(api.join(host.code) for _ in range(members - 1))]
    for seat in seats:
        seat.read()
        seat.poll(seat.seq)
    return seats


def poll_requests(seats: list[Seat], mount: str = "") -> list[str]:
    """The idle poll of each."""
    return [lua_request("GET", f"{mount}/signal/{s.code}/{s.id}?after={s.seq}", s.token) for s in seats]


# Application, settings → its address.
Start = Callable[..., AbstractContextManager[str]]


@contextmanager
def on_gunicorn(worker_class: str, application: str, **settings: object) -> Iterator[str]:
    """The address of an application on gunicorn."""
    with gunicorn(application, worker_class, **settings) as (url, _):
        yield url


SERVERS: dict[str, Start] = {
    "gunicorn, gthread": partial(on_gunicorn, "gthread"),
    "gunicorn, gevent": partial(on_gunicorn, "gevent"),
    "Apache, Passenger": passenger,
}


def measure(rounds: int) -> list[dict[str, Any]]:
    """On both engines, behind each kind of server, the three in turns: medians."""
    rows = []
    for engine in ENGINES:
        with databases(engine) as (urls, mariadb):
            for server, start in SERVERS.items():
                if start is passenger and not has_passenger():
                    continue
                # Passenger's account has an embedded database of its own.
                own = start is passenger and engine == "sqlite"
                settings = {} if own else {"DATABASE_URL": urls[0]}
                rows.append({"engine": engine, "server": server} | _compare(start, settings, rounds, mariadb))
    return rows


def _compare(serve: Start, settings: dict[str, str], rounds: int, mariadb: MariaDB | None) -> dict[str, Any]:
    with ExitStack() as stack:
        start = stack.enter_context
        urls = {
            "poll": start(serve("app:application", **settings)),
            "flask": start(serve("bench.bare:flask")),
            "wsgi": start(serve("bench.bare:wsgi")),
        }
        requests = poll_requests(quiet_seats(urls["poll"]), urlsplit(urls["poll"]).path)
        rates: dict[str, list[float]] = {name: [] for name in urls}
        selects = polls = 0
        for url in urls.values():
            wrk(url, requests, CLIENTS, 1)
        for _ in range(rounds):
            for name, url in urls.items():
                before = _selects(mariadb)
                rate, count = wrk(url, requests, CLIENTS, SECONDS)
                rates[name].append(rate)
                if name == "poll":
                    selects += _selects(mariadb) - before
                    polls += count
    poll, bare, barest = (statistics.median(found) for found in rates.values())
    return {
        "idle polls/s": round(poll),
        "least": round(min(rates["poll"])),
        "most": round(max(rates["poll"])),
        "bare Flask/s": round(bare),
        "bare WSGI/s": round(barest),
        "of Flask": f"{poll / bare:.0%}",
        "SELECTs per 1,000": round(1000 * selects / polls, 1) if mariadb else "",
    }


def _selects(mariadb: MariaDB | None) -> int:
    if mariadb is None:
        return 0
    return int(mariadb.query("SHOW GLOBAL STATUS LIKE 'Com_select'")[0]["Value"])
