"""kill -9 in the middle of sends: what was answered is there afterwards, whole batches or nothing."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
import requests

from party.db.migrate import migrate
from tests.conftest import MakeServer
from tests.support.mariadb import MariaDB
from tests.support.peers import Api, Seat
from tests.support.server import Server

BATCH = 7
SENDERS = 4
KILLS = 4


@dataclass
class Sender:
    """A guest that sends batches to the host until it is told to stop, each only once."""

    seat: Seat
    last: int = 0
    acknowledged: dict[int, list[int]] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)

    def batch(self, n: int, to: str) -> list[dict[str, Any]]:
        """The signals of batch n."""
        return [
            {"toId": to, "type": "ice", "payload": {"n": n, "i": i}, "clientMsgId": f"{n}.{i}"}
            for i in range(BATCH)
        ]

    def send_until(self, stop: Event, to: str, sent: "list[int]") -> None:
        """Send batch after batch, and note which were answered."""
        while not stop.is_set():
            self.last = n = self.last + 1
            try:
                answer = self.seat.send_batch(self.batch(n, to))
            except requests.RequestException:
                self.unknown.append(n)
                continue
            if answer.status == 201:
                self.acknowledged[n] = answer.data["messageIds"]
                sent.append(n)
            else:
                # Not acknowledged, so it may be there or not. The mailbox may be full meanwhile.
                assert answer.code in ("UNAVAILABLE", "MAILBOX_FULL")
                self.unknown.append(n)


def wait_for_news(seat: Seat) -> None:
    """Hold a poll until something has come, or the server has gone."""
    path = f"/signal/{seat.code}/{seat.id}?after={seat.seq}&wait=30"
    with suppress(requests.RequestException):
        seat.api.request("GET", path, token=seat.token)


def crash(running: Server, kill: Callable[[], None]) -> None:
    """Send from many, kill a few times while they do, and check what is there in the end."""
    api = Api.of_url(running.url)
    host = api.create_room()
    senders = [Sender(api.join(host.code)) for _ in range(SENDERS)]
    received: list[dict[str, Any]] = []
    host.read()
    for _ in range(KILLS):
        stop, sent = Event(), [0]
        with ThreadPoolExecutor(SENDERS + 1) as pool:
            pool.submit(wait_for_news, host)
            running_senders = [pool.submit(sender.send_until, stop, host.id, sent) for sender in senders]
            while len(sent) < 12 and not any(future.done() for future in running_senders):
                time.sleep(0.001)
            kill()
            stop.set()
        for future in running_senders:
            future.result()
        received += host.read()
        host.poll(host.seq)
    check(senders, [message for message in received if message["type"] == "ice"])
    # Sending again what was not answered stores what is missing and nothing else.
    for sender in senders:
        for n in sender.unknown:
            answer = sender.seat.send_batch(sender.batch(n, host.id))
            assert answer.status in (200, 201)
            sender.acknowledged[n] = answer.data["messageIds"]
            received += host.read()
            host.poll(host.seq)
        sender.unknown = []
    check(senders, [message for message in received if message["type"] == "ice"])


def check(senders: list[Sender], received: list[dict[str, Any]]) -> None:
    """Each receipt once and in order; every answered batch whole, every other whole or not at all."""
    seqs = [message["seq"] for message in received]
    assert seqs == sorted(set(seqs))
    for sender in senders:
        batches: dict[int, list[int]] = {}
        for message in received:
            if message["fromId"] == sender.seat.id:
                batches.setdefault(message["payload"]["n"], []).append(message["seq"])
        assert sender.acknowledged
        assert {n: batches.get(n) for n in sender.acknowledged} == sender.acknowledged
        assert set(batches) - set(sender.acknowledged) <= set(sender.unknown)
        assert {len(batch) for batch in batches.values()} == {BATCH}


def test_a_worker_that_is_killed_loses_nothing(server: MakeServer) -> None:
    running = server(workers=2, threads=8, LONG_POLL_SECONDS=30)
    crash(running, running.kill_worker)


@pytest.fixture
def durable() -> Iterator[MariaDB]:
    """A server of its own that keeps what it has committed through a crash."""
    started = MariaDB(durable=True)
    yield started
    started.remove()


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_a_database_that_is_killed_loses_nothing(server: MakeServer, durable: MariaDB) -> None:
    urls = durable.create_database("party")
    list(migrate(urls.admin))

    def kill() -> None:
        durable.kill()
        durable.start()

    crash(server(workers=2, threads=8, LONG_POLL_SECONDS=30, DATABASE_URL=urls.app), kill)
