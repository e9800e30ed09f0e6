"""How much data a member may send through the service: so much a minute, counted in this process only."""

import math
import time
from collections import deque
from collections.abc import Iterable
from threading import Lock
from typing import Any

from flask import Flask, current_app

from party.config import Settings
from party.errors import RelayLimit, RelayOff
from party.web.models import KIB, to_json

SECONDS = 60


class Relay:
    """What members have sent in the last minute."""

    def __init__(self, kib_per_minute: int) -> None:
        self._most = kib_per_minute * KIB
        # The row of a member → when it sent how many bytes, in the order of time.
        self._sent: dict[int, deque[tuple[float, int]]] = {}
        self._swept_at = 0.0
        self._lock = Lock()

    def hit(self, member_id: int, payloads: Iterable[dict[str, Any]]) -> None:
        """Count what a member sends, or none of it. Raises `RelayOff`, `RelayLimit`."""
        if not self._most:
            raise RelayOff
        size, now = sum(len(to_json(payload).encode()) for payload in payloads), time.monotonic()
        with self._lock:
            self._sweep(now)
            sent = self._sent.setdefault(member_id, deque())
            while sent and sent[0][0] <= now - SECONDS:
                sent.popleft()
            left = self._most - sum(count for _, count in sent)
            if size > left:
                raise RelayLimit(retry_after=self._seconds_until(size - left, sent, now))
            sent.append((now, size))

    def _seconds_until(self, bytes: int, sent: deque[tuple[float, int]], now: float) -> int:
        """Whole seconds until so much of what was sent is over a minute old; a minute where that never is."""
        for at, count in sent:
            bytes -= count
            if bytes <= 0:
                return max(1, math.ceil(at + SECONDS - now))
        return SECONDS

    def _sweep(self, now: float) -> None:
        """Forget, once a minute, those who have stopped."""
        if now - self._swept_at > SECONDS:
            self._sent = {id: sent for id, sent in self._sent.items() if sent and sent[-1][0] > now - SECONDS}
            self._swept_at = now


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its relay."""
    app.extensions["party.relay"] = Relay(settings.RELAY_KIB_PER_MINUTE)


def relay() -> Relay:
    """The current app's."""
    found: Relay = current_app.extensions["party.relay"]
    return found
