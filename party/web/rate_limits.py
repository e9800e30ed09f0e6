"""Rate limits: per client address and per room in the database, per member in the process.

The first kind holds over all processes and restarts, and is exact (`party.web.windows`). It knows an address
only as an HMAC under the server's secret. The second kind only keeps one runaway page from hurting the
others.

What must not be guessed, a room's code and its password, counts when it was wrong. Under the lock of the
windows a code is looked up; a password, whose hash is slow, is counted first and uncounted if it fits.
"""

import ipaddress
import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g

from party import clock
from party.clock import iso
from party.config import Settings, settings
from party.db import Database
from party.errors import RateLimited
from party.processes import Processes
from party.web.addresses import client_address, client_key
from party.web.windows import Ledger, State, Window, WindowFull, Windows

T = TypeVar("T")

MINUTE = 60
HOUR = 60 * MINUTE

# The limits of an address: actions as `GET /limits` names them, with the setting and the seconds of each.
CREATE_ROOM = "create_room"
GUESS = "guess"
LOOK = "look"
# Those of a room or of a member.
JOIN = "join"
PASSWORD = "password"
REJOIN = "rejoin"
OF_ADDRESSES = {
    CREATE_ROOM: ("ROOMS_PER_HOUR", HOUR),
    GUESS: ("GUESSES_PER_MINUTE", MINUTE),
    LOOK: ("LOOKS_PER_MINUTE", MINUTE),
}

WRONG_PASSWORDS_PER_MINUTE = 30
REJOINS_PER_MINUTE = 30
OTHERS_PER_SECOND = 200
REFUSED_BYTES_PER_MINUTE = 4 * 1024 * 1024
# A process that remembers more keys forgets those that no longer count.
MANY_KEYS = 10_000

# What people are told, who may share an address with many others.
TOO_MANY = {
    CREATE_ROOM: "Too many rooms have been opened from your network.",
    GUESS: "Too many wrong codes or passwords have come from your network.",
    LOOK: "Too many people have looked at rooms or joined them from your network.",
    JOIN: "Too many people have joined this room within a minute.",
    PASSWORD: "Too many wrong passwords have been tried for this room.",
    REJOIN: "This page has come back too often within a minute.",
}


class MemberRates:
    """At most so many calls, or messages, within any second by one member.

    They are counted in this process, and where `processes` are given about so in all of them, but for the
    first within a second: who calls no more often than that never waits for it.
    """

    def __init__(self, per_second: int, name: str = "", processes: Processes | None = None) -> None:
        self._per_second = per_second
        self._name = name
        self._processes = processes
        self._calls: dict[Hashable, deque[float]] = {}
        self._swept_at = 0.0
        self._lock = Lock()
        # All that were let through here.
        self.counted = 0
        self._message = f"More than {per_second} requests or messages came within a second."

    def hit(self, member: Hashable, amount: int = 1) -> None:
        """Count a call of a member, who is known by the id of its row. Raises `RateLimited`.

        A call with more messages than a second takes is let through after a second without any, and
        takes up as many of the following ones as it has messages for.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._swept_at > 1:
                # Empty is what was forgotten while its call went on, and then had nothing more to count.
                lately = {key: calls for key, calls in self._calls.items() if calls and calls[-1] > now - 1}
                self._calls = lately
                self._swept_at = now
            calls = self._calls.setdefault(member, deque(maxlen=self._per_second))
            while calls and calls[0] <= now - 1:
                calls.popleft()
            too_many = len(calls) + amount - self._per_second
            if calls and too_many > 0:
                # So many have to be over a second old before this call fits.
                last = calls[min(too_many, len(calls)) - 1]
                raise RateLimited(self._message, retry_after=max(1, math.ceil(last + 1 - now)))
            self.counted += amount
            is_first = not calls
            for _ in range(amount):
                calls.append(calls[0] + 1 if len(calls) == self._per_second else now)
        if self._processes and not (is_first and amount == 1):
            counted = self._processes.count(f"{self._name}:{member}", amount)
            # A large one is let through after a second without any, as above.
            if counted > max(self._per_second, amount):
                raise RateLimited(self._message, retry_after=1)

    def charge(self, member: Hashable, calls: int) -> None:
        """Count a call that was made as so many more."""
        with self._lock:
            made = self._calls.setdefault(member, deque(maxlen=self._per_second))
            made.extend([time.monotonic()] * min(calls, self._per_second))


class Budget:
    """So much of something for each key, which comes back within a minute; in this process only."""

    def __init__(self, amount: int) -> None:
        self._amount = amount
        # Key → what of it is spent, and when that was true.
        self._spent: dict[Hashable, tuple[float, float]] = {}
        self._exceeded_until = 0.0
        self._lock = Lock()

    def is_kept(self) -> bool:
        """Whether something is left for everybody."""
        return time.monotonic() >= self._exceeded_until

    def check(self, key: Hashable) -> None:
        """Whether anything is left. Raises `RateLimited`."""
        with self._lock:
            over = self._now_spent(key, time.monotonic()) - self._amount
        if over >= 0:
            raise RateLimited(retry_after=max(1, math.ceil(over / self._amount * MINUTE)))

    def spend(self, key: Hashable, amount: int) -> None:
        """Spend so much, also of what is no longer there: twice the whole at most."""
        now = time.monotonic()
        with self._lock:
            if len(self._spent) >= MANY_KEYS:
                self._spent = {
                    key: spent for key, spent in self._spent.items() if spent[1] > now - 2 * MINUTE
                }
            spent = min(self._now_spent(key, now) + amount, 2 * self._amount)
            self._spent[key] = (spent, now)
            over = spent - self._amount
            if over >= 0:
                self._exceeded_until = max(self._exceeded_until, now + over / self._amount * MINUTE + 1)

    def _now_spent(self, key: Hashable, now: float) -> float:
        spent, at = self._spent.get(key, (0.0, now))
        return max(0.0, spent - (now - at) / MINUTE * self._amount)


class RateLimits:
    """The limits of one app."""

    def __init__(self, app: Flask, settings: Settings, database: Database) -> None:
        processes = app.extensions["party.processes"]
        self.polls = MemberRates(settings.POLLS_PER_SECOND, "polls", processes)
        self.sends = MemberRates(settings.SENDS_PER_SECOND, "sends", processes)
        # A member's other calls: as many as polls, which are the lightest.
        self.calls = MemberRates(settings.POLLS_PER_SECOND, "calls", processes)
        # Calls by an address that are nobody's and have no limit of their own.
        self.others = MemberRates(OTHERS_PER_SECOND)
        self.refused_bytes = Budget(REFUSED_BYTES_PER_MINUTE)
        self._windows = Windows(database, settings.SECRET_KEY)
        # The narrowest network first: it has the last word.
        self._trusted = sorted(
            ((ipaddress.ip_network(name), limits) for name, limits in settings.TRUSTED_NETWORKS.items()),
            key=lambda pair: -pair[0].prefixlen,
        )
        app.after_request(_add_headers)

    def of_address(self, action: str) -> Window:
        """The window of an action for the caller's address."""
        setting, seconds = OF_ADDRESSES[action]
        return Window(action, client_key(), self._limit(setting), seconds)

    def run(self, plan: Callable[[Ledger], T]) -> T:
        """What `plan` returns, after it has taken from windows what it had to. Raises `RateLimited`."""
        try:
            result, changed = self._windows.run(plan)
        except WindowFull as full:
            _note({full.window: full.state}, refused=True)
            seconds = full.state.seconds_left(clock.now_ms())
            raise RateLimited(TOO_MANY.get(full.window.action), retry_after=seconds) from None
        _note(changed)
        return result

    def hit(self, *windows: Window) -> None:
        """Count this request in each of the windows, or in none. Raises `RateLimited`."""
        self.run(lambda ledger: ledger.take(*windows))

    def give_back(self, *windows: Window) -> None:
        """Uncount this request: it was a retry of another that counted at the same moment."""
        self.run(lambda ledger: ledger.give_back(*windows))

    def state(self) -> list[dict[str, Any]]:
        """How things stand for the caller's address; asking costs nothing."""
        found = []
        for action in OF_ADDRESSES:
            window = self.of_address(action)
            state = self._windows.state(window)
            found.append(
                {
                    "action": action,
                    "limit": window.limit,
                    "remaining": state.remaining,
                    "resetAt": iso(state.reset_at),
                }
            )
        return found

    def _limit(self, setting: str) -> int:
        address = client_address()
        for network, limits in self._trusted if address else ():
            if address in network and setting in limits:
                return limits[setting]
        default: int = getattr(settings(), setting)
        return default


def joins(code: str, places: int) -> Window:
    """Joins into the room with this code: all may come, and come again, but not over and over."""
    return Window(JOIN, code, 2 * places + 20, MINUTE)


def wrong_passwords(room_id: int) -> Window:
    """Wrong passwords for one room, whoever tries them."""
    return Window(PASSWORD, str(room_id), WRONG_PASSWORDS_PER_MINUTE, MINUTE)


def rejoins(member_id: int) -> Window:
    """How often one seat may be taken again: each time everybody in the room negotiates anew."""
    return Window(REJOIN, str(member_id), REJOINS_PER_MINUTE, MINUTE)


def _note(states: dict[Window, State], *, refused: bool = False) -> None:
    """Keep for the headers how the windows of this request stand: all, or the one that refused it."""
    known: dict[Window, State] = {} if refused else g.get("rate_limits", {})
    g.rate_limits = {**known, **states}


def _add_headers(response: Response) -> Response:
    """Tell of the window that is nearest to its end."""
    noted: dict[Window, State] = g.get("rate_limits", {})
    if noted:
        window, state = min(noted.items(), key=lambda pair: pair[1].remaining)
        response.headers["X-RateLimit-Limit"] = str(window.limit)
        response.headers["X-RateLimit-Remaining"] = str(state.remaining)
        response.headers["X-RateLimit-Reset"] = str(math.ceil(state.reset_at / 1000))
    return response


def init_app(app: Flask, settings: Settings, database: Database) -> None:
    """Give the app its limits."""
    app.extensions["party.rate_limits"] = RateLimits(app, settings, database)


def rate_limits() -> RateLimits:
    """The current app's limits."""
    found: RateLimits = current_app.extensions["party.rate_limits"]
    return found
