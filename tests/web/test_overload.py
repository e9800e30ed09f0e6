"""More than the service can carry: it refuses in time what is too much, loses nothing, and recovers."""

import asyncio
import json
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeServer
from tests.support.peers import Api, Seat
from tests.support.server import ROOT, Server

# Far more at once than there are threads, connections to the database, and places to wait for one.
CLIENTS = 600
ROOMS = 20
SECONDS = 5
# So long no request may take: what is refused is refused before that.
HANGS_AFTER_SECONDS = 30
GROWTH_MB = 100


@dataclass
class Crowd:
    """What the clients of a crowd were answered."""

    statuses: Counter[int] = field(default_factory=Counter)
    # Room → numbers of the signals that the service has said it has stored.
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    refused_without_pause: list[str] = field(default_factory=list)


async def send_and_send(port: int, sender: Seat, to: Seat, crowd: Crowd, until: float) -> None:
    """One client, which sends one signal after the other as fast as it is answered."""
    body = json.dumps({"roomCode": sender.code, "toId": to.id, "type": "ice", "payload": {"candidate": "x"}})
    request = (
        f"POST /signal HTTP/1.1\r\nHost: party\r\nAuthorization: Bearer {sender.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )
    while time.monotonic() < until:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request.encode())
        head, _, text = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
        status, answer = int(head.split()[1]), json.loads(text)
        crowd.statuses[status] += 1
        if status == 201:
            crowd.acknowledged.setdefault(sender.code, []).append(answer["data"]["messageId"])
        elif "retry-after: " not in head.lower() or answer["error"]["retryAfter"] < 1:
            crowd.refused_without_pause.append(head + text)


async def rush(port: int, pairs: list[tuple[Seat, Seat]]) -> Crowd:
    """All clients at once, for a while. A request that hangs raises `TimeoutError`."""
    crowd = Crowd()
    until = time.monotonic() + SECONDS
    clients = (send_and_send(port, *pairs[n % len(pairs)], crowd, until) for n in range(CLIENTS))
    await asyncio.wait_for(asyncio.gather(*clients), SECONDS + HANGS_AFTER_SECONDS)
    return crowd


def memory_mb(server: Server) -> float:
    """The memory of the server's workers together."""
    status = [Path(f"/proc/{pid}/status").read_text() for pid in server.worker_pids]
    return sum(int(re.findall(r"VmRSS:\s+(\d+) kB", text)[0]) for text in status) / 1000


def received(seat: Seat) -> list[int]:
    """The numbers of everything that waits in a mailbox."""
    found: list[int] = []
    while True:
        data: dict[str, Any] = seat.poll(seat.seq).data
        found += [message["seq"] for message in data["messages"]]
        seat.seq = data["seq"]
        if not data["more"]:
            return found


@pytest.mark.parametrize("worker_class", ["gthread", "gevent"])
def test_too_many_sends_are_refused_in_time_lose_nothing_and_leave_nothing_behind(
    server: MakeServer, worker_class: str
) -> None:
    config = ROOT / "deploy/gunicorn.conf.py"
    running = server(worker_class=worker_class, config=config, DB_POOL_SIZE=1, SENDS_PER_SECOND=3)
    api = Api.of_url(running.url)
    hosts = [api.create_room() for _ in range(ROOMS)]
    pairs = [(api.join(host.code), host) for host in hosts]
    for host in hosts:
        host.read()
    before_mb = memory_mb(running)
    # In a thread of its own: a browser of the tests may have a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        crowd = thread.submit(asyncio.run, rush(running.port, pairs)).result()

    # Much was stored and much was too much; there was no other answer, and none without a pause.
    assert crowd.statuses[201] > 0
    assert crowd.statuses[429] + crowd.statuses[503] > 0
    assert set(crowd.statuses) <= {201, 429, 503}
    assert crowd.refused_without_pause == []
    # At once it is as before.
    newcomer = api.join(hosts[0].code)
    assert newcomer.send(hosts[0]).status == 201
    assert memory_mb(running) < before_mb + GROWTH_MB
    # Everything that was acknowledged is there, once, and nothing else.
    for host in hosts[1:]:
        assert received(host) == sorted(crowd.acknowledged.get(host.code, []))
