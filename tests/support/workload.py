"""Rooms that send and poll at several app servers at once, and a checker of all that comes of it."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import requests

from tests.support.peers import Answer, Api, Seat

PAUSE_SECONDS = 0.05
# An acknowledged signal that nobody gets for so long is lost.
SETTLE_SECONDS = 60


@dataclass
class Found:
    """What the checker counts. A call without an answer, its connection cut, is `cut`."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    cut: int = 0
    # Of answers that should not have been: status and code → how many; 503 is counted by itself.
    wrong: Counter[str] = field(default_factory=Counter)
    unavailable: int = 0
    # The longest that one call had to be repeated, in seconds.
    standstill: float = 0.0

    def add(self, other: "Found") -> None:
        """Sum up."""
        for name in ("sent", "received", "lost", "doubled", "out_of_order", "cut", "unavailable"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.wrong += other.wrong
        self.standstill = max(self.standstill, other.standstill)

    @property
    def is_right(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.out_of_order or self.wrong)


class Pair:
    """A host and a guest in a room: the guest sends numbers, the host polls, each time at the next server."""

    def __init__(self, apis: Sequence[Api]) -> None:
        self.found = Found()
        self._apis = apis
        self._turn = count()
        self._got: list[int] = []
        self._last_seq = 0
        self._next = 0
        self.host = Seat(self._api(), self._ask("POST", "/rooms", {"hostName": "Hana"}).data)
        join = f"/rooms/{self.host.code}/join"
        self.guest = Seat(self._api(), self._ask("POST", join, {"name": "Gus", "retryKey": "k" * 32}).data)

    def round(self, signals: int = 3) -> None:
        """Send some, and get them."""
        batch = [
            {"toId": self.host.id, "type": "ice", "payload": {"n": n}, "clientMsgId": f"n{n}"}
            for n in range(self._next, self._next + signals)
        ]
        body = {"roomCode": self.host.code, "messages": batch}
        self._ask("POST", "/signal", body, self.guest.token)
        self._next += signals
        self.found.sent += signals
        self._poll()

    def finish(self) -> Found:
        """Get what is still missing, and say what was found."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while len(set(self._got)) < self._next and time.monotonic() < deadline:
            self._poll()
        self.found.received = len(self._got)
        self.found.lost = self._next - len(set(self._got))
        self.found.doubled = len(self._got) - len(set(self._got))
        self.found.out_of_order += sum(a > b for a, b in zip(self._got, self._got[1:], strict=False))
        return self.found

    def _poll(self) -> None:
        path = f"/signal/{self.host.code}/{self.host.id}?after={self.host.seq}"
        data = self._ask("GET", path, None, self.host.token).data
        for message in data["messages"]:
            self.found.out_of_order += message["seq"] <= self._last_seq
            self._last_seq = message["seq"]
            if message["type"] == "ice":
                self._got.append(message["payload"]["n"])
        self.host.seq = data["seq"]

    def _api(self) -> Api:
        return self._apis[next(self._turn) % len(self._apis)]

    def _ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Ask as a page does: again, at the next server, after a 503 or without any answer."""
        began = time.monotonic()
        while True:
            try:
                answer = self._api().request(method, path, body, token=token)
            except requests.RequestException:
                self.found.cut += 1
            else:
                if answer.status < 300:
                    self.found.standstill = max(self.found.standstill, time.monotonic() - began)
                    return answer
                if answer.status != 503:
                    self.found.wrong[f"{method} {answer.status} {answer.code}"] += 1
                    raise AssertionError(f"{method} {path}: {answer.status} {answer.text}")
                self.found.unavailable += 1
            if time.monotonic() - began > SETTLE_SECONDS:
                raise AssertionError(f"{method} {path} was never answered")
            time.sleep(PAUSE_SECONDS)


class Workload:
    """Pairs in threads, as long as the `with` lasts; `found` is complete after that."""

    def __init__(self, apis: Sequence[Api], pairs: int = 4, *, batch: int = 3) -> None:
        self._pairs = [Pair([*apis[i % len(apis) :], *apis[: i % len(apis)]]) for i in range(pairs)]
        self._batch = batch
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(pair,)) for pair in self._pairs]
        self.found = Found()
        self.failures: list[str] = []

    @property
    def sent(self) -> int:
        """How many signals have been acknowledged so far."""
        return sum(pair.found.sent for pair in self._pairs)

    def wait_for(self, more: int) -> None:
        """Until so many more were acknowledged."""
        goal, deadline = self.sent + more, time.monotonic() + SETTLE_SECONDS
        while self.sent < goal:
            assert time.monotonic() < deadline, "the work stands still"
            time.sleep(0.01)

    def __enter__(self) -> "Workload":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        for pair in self._pairs:
            self.found.add(pair.found)

    def _work(self, pair: Pair) -> None:
        try:
            while not self._is_over.wait(PAUSE_SECONDS / 2):
                pair.round(self._batch)
            pair.finish()
        except Exception as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            pair.finish()
