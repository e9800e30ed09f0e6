"""How long a signal takes from its send to its receipt, with short polls and with held ones, for how many.

Every member has one connection, on which it polls as the server asks it to; or it takes any that is idle,
as a web server in front would, so that its polls come to all processes. Meanwhile so many signals a second
are sent, each to a random member; a delivery lasts from the beginning of the send to the end of the answer
that brings it. The load generator runs on the same machine.
"""

import asyncio
import json
import math
import random
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any
from urllib.parse import urlsplit

from bench.databases import databases
from bench.population import Member, populate, random_member
from bench.servers import gunicorn, memory_mb, workers_of
from party.db import Database

HOLD_SECONDS = 25
SIGNALS_PER_SECOND = 100
SENDING_SECONDS = 20
# Between the last connection and the first signal, and after the last signal.
SETTLING_SECONDS = 6
SENDERS = 16
MEMBERS = 4
# No faster than a crowd comes.
ARRIVALS_PER_SECOND = 400
# One process of the load generator has so many members at most, and an address of its own: an address has
# some 28,000 ports.
MEMBERS_PER_PROCESS = 10_000


@dataclass
class Outcome:
    """What happened."""

    delivery_ms: list[float] = field(default_factory=list)
    sent: int = 0
    refused: int = 0
    broken: int = 0

    def add(self, other: "Outcome") -> None:
        """Count another's in."""
        self.delivery_ms += other.delivery_ms
        self.sent += other.sent
        self.refused += other.refused
        self.broken += other.broken


class Poller(asyncio.Protocol):
    """One member: polls, waits, and polls again with the number it was given.

    Between two polls its connection lies among the `idle` ones, if there are such.
    """

    def __init__(
        self, member: Member, seconds: int, outcome: Outcome, idle: list[asyncio.Transport] | None
    ) -> None:
        self._member, self._seconds, self._outcome = member, seconds, outcome
        self._idle = idle
        self._seq = member.seq
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._stopping = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._poll()

    def connection_lost(self, error: Exception | None) -> None:
        if not self._stopping:
            self._outcome.broken += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end or len(body) < _content_length(head):
            return
        self._buffer = b""
        pause = 1.0
        if head.startswith(b"HTTP/1.1 200"):
            pause = self._take(json.loads(body)["data"], time.time_ns())
        else:
            self._outcome.refused += 1
        if self._idle is not None and self._transport is not None:
            self._idle.append(self._transport)
            self._transport = None
        asyncio.get_running_loop().call_later(pause, self._poll)

    def _take(self, answer: dict[str, Any], now_ns: int) -> float:
        """Note what has come; seconds until the next poll."""
        self._seq = answer["seq"]
        for message in answer["messages"]:
            if message["type"] == "ice":
                self._outcome.delivery_ms.append((now_ns - message["payload"]["at"]) / 1e6)
        seconds: float = answer["pollAfterMs"] / 1000
        return seconds

    def _poll(self) -> None:
        if self._idle is not None and self._transport is None:
            self._transport = self._idle.pop(random.randrange(len(self._idle)))
            self._transport.set_protocol(self)
        assert self._transport is not None
        if not self._stopping:
            member = self._member
            self._transport.write(
                f"GET /signal/{member.code}/{member.id}?after={self._seq}&wait={self._seconds} HTTP/1.1\r\n"
                f"Host: party\r\nAuthorization: Bearer {member.token}\r\n\r\n".encode()
            )

    def stop(self) -> None:
        """Hang up."""
        self._stopping = True
        if self._transport is not None:
            self._transport.close()


def _content_length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


async def _send(
    address: tuple[str, int], rooms: list[list[Member]], outcome: Outcome, pause: float, until: float
) -> None:
    """One of the senders, each at its share of the pace."""
    reader, writer = await asyncio.open_connection(*address)
    next_at = time.monotonic() + pause * (id(writer) % 100) / 100
    while next_at < until:
        await asyncio.sleep(next_at - time.monotonic())
        next_at += pause
        sender, to = random_member(rooms)
        body = json.dumps(
            {"roomCode": sender.code, "toId": to.id, "type": "ice", "payload": {"at": time.time_ns()}}
        )
        writer.write(
            f"POST /signal HTTP/1.1\r\nHost: party\r\nAuthorization: Bearer {sender.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_content_length(head))
        if head.startswith(b"HTTP/1.1 201"):
            outcome.sent += 1
        else:
            outcome.refused += 1
    writer.close()


async def _crowd(
    address: tuple[str, int], rooms: list[list[Member]], number: int, share: int, polls: str
) -> Outcome:
    outcome = Outcome()
    loop = asyncio.get_running_loop()
    idle: list[asyncio.Transport] | None = [] if polls == "roaming" else None
    pollers: list[Poller] = []
    members = [member for seats in rooms for member in seats]
    began = time.monotonic()
    for n, member in enumerate(members):
        poller = Poller(member, 0 if polls == "short" else HOLD_SECONDS, outcome, idle)
        await loop.create_connection(
            lambda poller=poller: poller,  # type: ignore[misc]
            *address,
            local_addr=(f"127.0.0.{number + 2}", 0),
        )
        pollers.append(poller)
        await asyncio.sleep(max(0, began + n * share / ARRIVALS_PER_SECOND - time.monotonic()))
    await asyncio.sleep(SETTLING_SECONDS)
    until = time.monotonic() + SENDING_SECONDS
    pause = SENDERS * share / SIGNALS_PER_SECOND
    await asyncio.gather(*(_send(address, rooms, outcome, pause, until) for _ in range(SENDERS)))
    await asyncio.sleep(SETTLING_SECONDS)
    for one in pollers:
        one.stop()
    return outcome


def _crowd_process(
    address: tuple[str, int], rooms: list[list[Member]], number: int, share: int, polls: str
) -> Outcome:
    return asyncio.run(_crowd(address, rooms, number, share, polls))


def _run(url: str, rooms: list[list[Member]], pids: list[int], polls: str) -> dict[str, Any]:
    parts = urlsplit(url)
    address = parts.hostname or "", parts.port or 0
    peers = len(rooms) * MEMBERS
    share = math.ceil(peers / MEMBERS_PER_PROCESS)
    before_mb = memory_mb(pids)
    outcome = Outcome()
    with ProcessPoolExecutor(share, mp_context=get_context("spawn")) as processes:
        crowds = [
            processes.submit(_crowd_process, address, rooms[number::share], number, share, polls)
            for number in range(share)
        ]
        time.sleep(peers / ARRIVALS_PER_SECOND + SETTLING_SECONDS + SENDING_SECONDS / 2)
        after_mb = memory_mb(pids)
        for crowd in crowds:
            outcome.add(crowd.result())
    times = sorted(outcome.delivery_ms)
    return {
        "peers": peers,
        "sent": outcome.sent,
        "received": len(times),
        "refused": outcome.refused,
        "broken": outcome.broken,
        **{f"p{n} ms": round(times[len(times) * n // 100], 1) if times else None for n in (50, 95, 99)},
        "server MB": round(after_mb),
        "kB per peer": round((after_mb - before_mb) * 1000 / peers, 1),
    }


def measure(peers: int, polls: str, engine: str = "mariadb") -> dict[str, Any]:
    """So many members, four in a room, on two workers.

    `polls` are "short" (on gthread), "held" or "roaming" (held, on any idle connection; both on gevent).
    """
    hold = polls != "short"
    with databases(engine) as (urls, _):
        database = Database(urls[0])
        rooms = populate(database, math.ceil(peers / MEMBERS), MEMBERS)
        database.close()
        settings = {"DATABASE_URL": urls[0], "LONG_POLL_SECONDS": HOLD_SECONDS if hold else 0}
        with gunicorn("app:application", "gevent" if hold else "gthread", **settings) as (url, pid):
            return {"engine": engine, "polls": polls} | _run(url, rooms, workers_of(pid), polls)
