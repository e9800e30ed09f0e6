"""`make soak`: rooms that work for as long as you like on three nodes, while one thing after the other fails.

    python -m tests.soak --minutes 60 --signals 1000000 --report soak.json
    python -m tests.soak --alone        on one MariaDB, where connections are cut on both sides of the app

All of it is on the loopback interface. It ends when the time is over or so many signals have been sent, with
status 1 if a promise was broken.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pymysql

from party.db.migrate import migrate
from tests.conftest import GENEROUS
from tests.support.galera import Galera
from tests.support.mariadb import MariaDB
from tests.support.peers import Api
from tests.support.proxy import UNHARMED, Fate, Proxy
from tests.support.redis import Redis
from tests.support.server import Server
from tests.support.workload import Workload

# Between two faults, and how long one lasts that ends by itself.
CALM_SECONDS = 8.0
FAULT_SECONDS = 10.0
CUT_EVERY_SECONDS = 0.2
LOST_PART = 0.3
APP_CONNECTIONS = "SELECT id AS ID FROM information_schema.processlist WHERE user = 'party_soak_app'"

# What works, and the ways to it.
Place = Callable[[], AbstractContextManager[tuple["Soak", list[Api]]]]


class Soak:
    """App servers, and what can happen to them."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self.done: Counter[str] = Counter()
        self.faults: dict[str, Callable[[float], None]] = {
            "worker killed": self._kill_worker,
            "app server restarted": self._restart_server,
        }

    def happen(self, name: str, seconds: float = FAULT_SECONDS) -> None:
        """Let it happen, and put all right again."""
        self.done[name] += 1
        self.faults[name](seconds)

    def _kill_worker(self, _: float) -> None:
        random.choice(self._servers).kill_worker()

    def _restart_server(self, _: float) -> None:
        server = random.choice(self._servers)
        server.stop()
        server.start()


class Alone(Soak):
    """One database server, and proxies before the app servers."""

    def __init__(self, mariadb: MariaDB, proxies: list[Proxy], servers: list[Server]) -> None:
        super().__init__(servers)
        self._mariadb, self._proxies = mariadb, proxies
        self.faults |= {
            "database killed": self._kill_database,
            "database restarted": self._restart_database,
            "database frozen": self._freeze_database,
            "connections to the database cut": self._cut_database,
            "connections to the app cut": self._cut_app,
            "answers of the app lost": self._lose_answers,
        }

    def _kill_database(self, seconds: float) -> None:
        self._mariadb.kill()
        time.sleep(seconds)
        self._mariadb.start()

    def _restart_database(self, _: float) -> None:
        self._mariadb.stop()
        self._mariadb.start()

    def _freeze_database(self, seconds: float) -> None:
        os.kill(self._mariadb.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self._mariadb.pid, signal.SIGCONT)

    def _cut_database(self, seconds: float) -> None:
        """Again and again, so that it comes in the midst of transactions."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for row in self._mariadb.query(APP_CONNECTIONS):
                with suppress(pymysql.err.OperationalError):  # it has ended by itself
                    self._mariadb.execute(f"KILL {row['ID']}")
            time.sleep(CUT_EVERY_SECONDS)

    def _cut_app(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with random.choice(self._proxies).outage("refused"):
                time.sleep(CUT_EVERY_SECONDS)
            time.sleep(CUT_EVERY_SECONDS)

    def _lose_answers(self, seconds: float) -> None:
        for proxy in self._proxies:
            proxy.rule = lambda method, path: Fate(is_lost=random.random() < LOST_PART)
        time.sleep(seconds)
        for proxy in self._proxies:
            proxy.rule = lambda method, path: UNHARMED


class Nodes(Soak):
    """Nodes and Redis."""

    def __init__(self, galera: Galera, url: str, redis: Redis, servers: list[Server]) -> None:
        super().__init__(servers)
        self._galera, self._redis = galera, redis
        self.url = url
        self.faults |= {
            "node killed": self._kill_node,
            "node frozen": self._freeze_node,
            "node parted": self._part_node,
            "nodes restarted in turn": self._restart_nodes,
            "Redis stopped": self._stop_redis,
            "Redis frozen": self._freeze_redis,
            "Redis emptied": self._empty_redis,
        }

    def happen(self, name: str, seconds: float = FAULT_SECONDS) -> None:
        """Let it happen, and put all right again."""
        super().happen(name, seconds)
        self._galera.heal()

    def _kill_node(self, seconds: float) -> None:
        random.choice(self._galera.nodes).kill()
        time.sleep(seconds)

    def _freeze_node(self, seconds: float) -> None:
        pid = random.choice(self._galera.nodes).pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)

    def _part_node(self, seconds: float) -> None:
        node = random.choice(self._galera.nodes)
        node.isolate()
        time.sleep(seconds)
        node.isolate(False)

    def _restart_nodes(self, _: float) -> None:
        for node in self._galera.nodes:
            node.stop()
            node.start()

    def _stop_redis(self, seconds: float) -> None:
        self._redis.stop()
        time.sleep(seconds)
        self._redis.start()

    def _freeze_redis(self, seconds: float) -> None:
        self._redis.freeze()
        time.sleep(seconds)
        self._redis.freeze(False)

    def _empty_redis(self, _: float) -> None:
        self._redis.client().flushall()


@contextmanager
def on_three_nodes() -> Iterator[tuple[Soak, list[Api]]]:
    """Three app servers over a cluster."""
    with ExitStack() as stack:
        galera = Galera()
        stack.callback(galera.remove)
        urls = galera.create_database("party_soak")
        list(migrate(urls.admin))
        redis = Redis()
        stack.callback(redis.stop)
        settings = {**GENEROUS, "DATABASE_URL": urls.app, "REDIS_URL": redis.url, "LONG_POLL_SECONDS": 0}
        servers = [stack.enter_context(Server(workers=1, threads=4, **settings)) for _ in range(3)]  # type: ignore[arg-type]
        yield Nodes(galera, urls.app, redis, servers), [Api.of_url(server.url) for server in servers]


@contextmanager
def on_one_database() -> Iterator[tuple[Soak, list[Api]]]:
    """Two app servers of two processes each over one MariaDB that keeps what it has said that it keeps."""
    with ExitStack() as stack:
        mariadb = MariaDB(durable=True)
        stack.callback(mariadb.remove)
        urls = mariadb.create_database("party_soak")
        list(migrate(urls.admin))
        settings = {**GENEROUS, "DATABASE_URL": urls.app, "LONG_POLL_SECONDS": 0}
        servers = [stack.enter_context(Server(workers=2, threads=4, **settings)) for _ in range(2)]  # type: ignore[arg-type]
        proxies = [stack.enter_context(Proxy(server.port)) for server in servers]
        yield Alone(mariadb, proxies, servers), [Api.of_url(proxy.url) for proxy in proxies]


def run(place: Place, seconds: float, signals: int, pairs: int, batch: int) -> dict[str, Any]:
    """One soak: its report."""
    with place() as (soak, apis):
        began = time.monotonic()
        with Workload(apis, pairs, batch=batch) as work:
            while time.monotonic() - began < seconds and work.sent < signals and not work.failures:
                for name in random.sample(list(soak.faults), len(soak.faults)):
                    soak.happen(name)
                    time.sleep(CALM_SECONDS)
                    print(f"{time.monotonic() - began:6.0f} s  {work.sent:8} signals  {name}", flush=True)  # noqa: T201
                    if time.monotonic() - began >= seconds or work.sent >= signals or work.failures:
                        break
        return {
            "seconds": round(time.monotonic() - began),
            "faults": dict(soak.done),
            "found": asdict(work.found),
            "failures": work.failures,
            "is_right": work.found.is_right and not work.failures,
        }


def main() -> int:
    """The command."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--signals", type=int, default=1_000_000)
    options.add_argument("--pairs", type=int, default=6)
    options.add_argument("--batch", type=int, default=20, help="signals in one request")
    options.add_argument("--report", type=Path, default=Path("soak.json"))
    options.add_argument("--alone", action="store_true", help="on one MariaDB in place of three nodes")
    chosen = options.parse_args()
    place = on_one_database if chosen.alone else on_three_nodes
    report = run(place, chosen.minutes * 60, chosen.signals, chosen.pairs, chosen.batch)
    text = json.dumps(report, indent=2)
    chosen.report.write_text(text + "\n")
    print(text)  # noqa: T201
    return 0 if report["is_right"] else 1


if __name__ == "__main__":
    sys.exit(main())
