"""Rate limits: per client address in the database, per member in the process.

The first kind holds over all processes and restarts, and is exact: Flask-Limiter counts a moving
window through a `limits` storage over the table party_rate_limits. It knows an address only as an
HMAC under the server's secret. The second kind only keeps one runaway page from hurting the others.
"""

import hashlib
import hmac
import ipaddress
import json
import math
import re
import time
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock
from typing import Any

from flask import Flask, Response, current_app, request
from flask_limiter import Limiter
from flask_limiter.errors import RateLimitExceeded
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage, MovingWindowSupport, Storage
from limits.strategies import RateLimiter

from party import clock
from party.clock import iso
from party.config import Settings, settings
from party.db import Connection, Database, Duplicate, Unreachable, transaction
from party.errors import RateLimited, Unavailable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CREATE_ROOM = "create_room"
# A stranger's look-up of a code counts as a join: both would serve to try codes out.
JOIN_ROOM = "join_room"


class DatabaseStorage(Storage, MovingWindowSupport):
    """Moving windows in party_rate_limits: one row for each hashed key, changed under its lock.

    Times come from `party.clock`, not from the database. Where the database cannot be reached the
    hits are counted in this process's memory. Where it is merely busy, `Unavailable` is raised: a
    count that starts over would admit too many.
    """

    # Flask-Limiter's own fallback is not used: it also sets in when the database is busy, and takes
    # a database that can be read but not written for one that has recovered, again and again.

    STORAGE_SCHEME = ["party"]  # noqa: RUF012 - the library's own form

    def __init__(self, uri: str, database: Database, secret: str, **_: Any) -> None:
        super().__init__(uri)
        self._database = database
        self._secret = secret.encode()
        self._memory = MemoryStorage()

    @property
    def base_exceptions(self) -> type[Exception]:
        return Unavailable

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Take `amount` of `limit` entries in the last `expiry` seconds, or none if they do not fit."""
        hashed = self._hashed(key)
        while True:
            try:
                return _acquire(self._database, clock.now_ms(), hashed, limit, expiry * 1000, amount)
            except Duplicate:  # somebody else's first hit was faster
                continue
            except Unreachable:
                return self._memory.acquire_entry(hashed, limit, expiry, amount)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """When the oldest entry was made, in seconds, and how many there are."""
        now, hashed = clock.now_ms(), self._hashed(key)
        try:
            row = self._database.one("SELECT hits FROM party_rate_limits WHERE key_hash = :key", key=hashed)
        except Unreachable:
            return self._memory.get_moving_window(hashed, limit, expiry)
        hits = _within(row["hits"], now, expiry * 1000) if row else []
        # With nothing used, the window ends now.
        return (hits[0] / 1000 if hits else now / 1000 - expiry), len(hits)

    def give_back(self, key: str) -> None:
        """Take back the last entry: what it was made for has turned out not to count."""
        _give_back(self._database, self._hashed(key))

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._database.write(
            lambda tx: tx.run("DELETE FROM party_rate_limits WHERE key_hash = :key", key=self._hashed(key))
        )

    def reset(self) -> int | None:
        """Forget everything."""
        return self._database.write(lambda tx: tx.run("DELETE FROM party_rate_limits"))

    # What else the library's base class demands, for strategies and fallbacks that are not used.

    def check(self) -> bool:
        raise NotImplementedError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError

    def get(self, key: str) -> int:
        raise NotImplementedError

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError

    def _hashed(self, key: str) -> str:
        return hmac.new(self._secret, key.encode(), hashlib.sha256).hexdigest()


@transaction
def _acquire(tx: Connection, now: int, key: str, limit: int, window_ms: int, amount: int) -> bool:
    row = tx.one("SELECT hits FROM party_rate_limits WHERE key_hash = :key FOR UPDATE", key=key)
    hits = _within(row["hits"], now, window_ms) if row else []
    if len(hits) + amount > limit:
        tx.run("UPDATE party_rate_limits SET refused = refused + 1 WHERE key_hash = :key", key=key)
        return False
    state = {"key": key, "hits": json.dumps(hits + [now] * amount), "expires_at": now + window_ms}
    if row is None:
        tx.run(
            "INSERT INTO party_rate_limits (key_hash, hits, expires_at) VALUES (:key, :hits, :expires_at)",
            **state,
        )
    else:
        tx.run(
            "UPDATE party_rate_limits SET hits = :hits, expires_at = :expires_at WHERE key_hash = :key",
            **state,
        )
    return True


@transaction
def _give_back(tx: Connection, key: str) -> None:
    row = tx.one("SELECT hits FROM party_rate_limits WHERE key_hash = :key FOR UPDATE", key=key)
    if row is not None:
        hits = json.dumps(json.loads(row["hits"])[:-1])
        tx.run("UPDATE party_rate_limits SET hits = :hits WHERE key_hash = :key", key=key, hits=hits)


def _within(hits: str, now: int, window_ms: int) -> list[int]:
    return [hit for hit in json.loads(hits) if hit > now - window_ms]


class MemberRates:
    """At most so many calls within any second by one member, counted in this process only."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._calls: dict[Hashable, deque[float]] = {}
        self._swept_at = 0.0
        self._lock = Lock()

    def hit(self, member: Hashable) -> None:
        """Count a call of a member, who is known by the id of its row. Raises `RateLimited`."""
        now = time.monotonic()
        with self._lock:
            if now - self._swept_at > 1:
                self._calls = {key: calls for key, calls in self._calls.items() if calls[-1] > now - 1}
                self._swept_at = now
            calls = self._calls.setdefault(member, deque(maxlen=self._per_second))
            if len(calls) == self._per_second and calls[0] > now - 1:
                raise RateLimited(retry_after=1)
            calls.append(now)


class RateLimits:
    """The limits of one app. Each limit is a method that a view calls once the form of a request is clear."""

    def __init__(self, app: Flask, settings: Settings, database: Database) -> None:
        self.polls = MemberRates(settings.POLLS_PER_SECOND)
        self.sends = MemberRates(settings.SENDS_PER_SECOND)
        self._items: dict[str, RateLimitItem] = {
            CREATE_ROOM: RateLimitItemPerHour(settings.ROOMS_PER_HOUR),
            JOIN_ROOM: RateLimitItemPerMinute(settings.JOINS_PER_MINUTE),
        }
        self._limiter = Limiter(
            client_key,
            app=app,
            storage_uri="party://",
            storage_options={"database": database, "secret": settings.SECRET_KEY},  # type: ignore[dict-item]
            strategy="moving-window",
        )
        self._counters = {action: self._counter(action) for action in self._items}
        app.after_request(self._add_headers)

    @property
    def windows(self) -> RateLimiter:
        """The moving windows in the database, for limits that a feature has of its own."""
        return self._limiter.limiter

    def hit(self, action: str) -> None:
        """Count this request against the caller's address. Raises `RateLimited`."""
        try:
            self._counters[action]()
        except RateLimitExceeded:
            raise RateLimited(retry_after=self._seconds_left()) from None

    def give_back(self, action: str) -> None:
        """Uncount this request: it was a retry of another that counted at the same moment."""
        storage = self._limiter.limiter.storage
        assert isinstance(storage, DatabaseStorage)
        storage.give_back(self._items[action].key_for(client_key(), action))

    def state(self) -> list[dict[str, Any]]:
        """How things stand for the caller's address; asking costs nothing."""
        found = []
        for action, item in self._items.items():
            reset_at, remaining = self._limiter.limiter.get_window_stats(item, client_key(), action)
            found.append(
                {
                    "action": action,
                    "limit": item.amount,
                    "remaining": max(0, remaining),
                    "resetAt": iso(round(reset_at * 1000)),
                }
            )
        return found

    def _counter(self, action: str) -> Callable[[], None]:
        def count() -> None:
            """Flask-Limiter counts when it is called."""

        count.__qualname__ = f"count_{action}"
        return self._limiter.shared_limit(str(self._items[action]), scope=action)(count)

    def _seconds_left(self) -> int:
        current = self._limiter.current_limit
        reset_at = current.window.reset_time if current else 0
        return max(1, math.ceil(reset_at - clock.now_ms() / 1000))

    def _add_headers(self, response: Response) -> Response:
        current = self._limiter.current_limit
        if current is not None:
            with suppress(Unavailable):  # the answer stands, whether or not the window can be read
                reset_at, remaining = current.window
                response.headers["X-RateLimit-Limit"] = str(current.limit.amount)
                response.headers["X-RateLimit-Remaining"] = str(max(0, remaining))
                response.headers["X-RateLimit-Reset"] = str(math.ceil(reset_at))
        return response


def client_key() -> str:
    """The caller's network: an IPv4 address, or the /64 that an IPv6 customer gets as a whole."""
    address = _forwarded_address() or _parsed(request.remote_addr or "")
    return network_of(address) if address else str(request.remote_addr)


def network_of(address: Address) -> str:
    """What is counted for an address."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _forwarded_address() -> Address | None:
    """Whom the outermost of our proxies saw. What stands further left, the client may have made up.

    Split at every comma: a parser that knows quotes could be led astray by one that is never closed.
    """
    proxies = settings().TRUSTED_PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    return _parsed(forwarded[-proxies]) if 0 < proxies <= len(forwarded) else None


def _parsed(text: str) -> Address | None:
    """An IP address, with or without the port that some proxies add."""
    match = re.fullmatch(r"\[([^\]]*)\](?::\d+)?|([\d.]+):\d+|([^%]*)(?:%.*)?", text.strip())
    try:
        return ipaddress.ip_address(match[match.lastindex]) if match and match.lastindex else None
    except ValueError:
        return None


def init_app(app: Flask, settings: Settings, database: Database) -> None:
    """Give the app its limits."""
    app.extensions["party.rate_limits"] = RateLimits(app, settings, database)


def rate_limits() -> RateLimits:
    """The current app's limits."""
    found: RateLimits = current_app.extensions["party.rate_limits"]
    return found
