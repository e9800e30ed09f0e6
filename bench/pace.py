"""What polling policies cost and how long a signal waits under them: simulated, not measured.

One peer for an hour: it opens a lobby, after five minutes a guest joins and they exchange the signals of
a connection, after ten minutes the game begins and lasts; now and then something happens in the room.
"""

import math
import random
import statistics
from collections.abc import Callable
from typing import Any

from party.load import load
from party.polling.pace import poll_after_ms

HOUR_MS = 3_600_000
GUESTS_AT_MS = (300_000, 420_000)
GAME_AT_MS = 600_000
HANDSHAKE_SIGNALS = 8
ROUND_TRIP_MS = 20
HOLD_MS = 25_000
# A room event in a lobby or a game, on average.
EVENT_EVERY_MS = 120_000

# When the last negotiation was, whether the game runs, whether there was news → the next poll.
Policy = Callable[[int, dict[str, Any], bool], float]


def fixed(now: int, room: dict[str, Any], news: bool) -> float:
    """The PHP backend's client."""
    return 500


def ours(now: int, room: dict[str, Any], news: bool) -> float:
    """The server's wish."""
    return poll_after_ms(now, room, news=news)


def fixed_every(milliseconds: float) -> Policy:
    """At a fixed pace."""
    return lambda now, room, news: milliseconds


def _happenings(chance: random.Random) -> list[tuple[float, bool]]:
    """When something for the peer arrives at the server, and whether it belongs to a negotiation."""
    found = []
    for arrival in GUESTS_AT_MS:
        moment: float = arrival
        for _ in range(HANDSHAKE_SIGNALS):
            found.append((moment, True))
            moment += chance.uniform(20, 150)
    at = 0.0
    while (at := at + chance.expovariate(1 / EVENT_EVERY_MS)) < HOUR_MS:
        found.append((at, False))
    return sorted(found)


def simulate(policy: Policy | None, seed: int) -> tuple[int, list[float], list[float]]:
    """Requests in the hour, and how long signals and other news waited; None: polls are held."""
    chance = random.Random(seed)
    coming = _happenings(chance)
    signals: list[float] = []
    others: list[float] = []
    requests, now, given, negotiated_at = 0, 0.0, 0, 0.0
    while now < HOUR_MS:
        requests += 1
        if policy is None and given < len(coming) and now < coming[given][0] < now + HOLD_MS:
            now = coming[given][0]  # held until it came
        elif policy is None and not (given < len(coming) and coming[given][0] <= now):
            now += HOLD_MS
        news = False
        while given < len(coming) and coming[given][0] <= now:
            at, negotiates = coming[given]
            (signals if negotiates else others).append(now - at)
            negotiated_at = max(negotiated_at, at if negotiates else 0)
            given, news = given + 1, True
        room = {
            "status": "playing" if now >= GAME_AT_MS else "waiting",
            "negotiated_at": negotiated_at,
            "relayed_at": 0,
            "due_at": None,
        }
        now += ROUND_TRIP_MS + (0 if policy is None else policy(round(now), room, news))
    return requests, signals, others


def measure() -> list[dict[str, Any]]:
    """The policies side by side, each over the same hours, with capacity to spare."""
    load.factor, load.holds_until = 1.0, math.inf  # this process computes all the time
    rows = []
    policies: dict[str, Policy | None] = {
        "every 500 ms (PHP's client)": fixed,
        "every 120 ms": fixed_every(120),
        "every 2 s": fixed_every(2000),
        "pollAfterMs": ours,
        "held for 25 s": None,
    }
    for name, policy in policies.items():
        hours = [simulate(policy, seed) for seed in range(20)]
        signals = sorted(wait for _, found, _ in hours for wait in found)
        others = sorted(wait for _, _, found in hours for wait in found)
        rows.append(
            {
                "policy": name,
                "requests per peer-hour": round(statistics.mean(hour[0] for hour in hours)),
                "signal waits p50 ms": round(statistics.median(signals)),
                "p95 ms": round(signals[int(len(signals) * 0.95)]),
                "other news p50 ms": round(statistics.median(others)),
                "p95 ms ": round(others[int(len(others) * 0.95)]),
            }
        )
    return rows
