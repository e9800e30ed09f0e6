"""What the processes of all machines tell each other, through a Redis where REDIS_URL names one.

Which rooms have changed, so that who waits there need not wait for the tick; and how often a member has
called, so that its limit holds over all of them. The truth is in the database: without Redis, or with one
that is slow, forgets or lies, a tick passes before others see a change, and each process counts for itself.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from party.config import ConfigError, Settings

log = logging.getLogger(__name__)

# A request waits for no Redis longer than this, and after a failure not at all for a while.
ANSWER_SECONDS = 0.1
REST_SECONDS = 2.0
# A silent connection is looked at so often.
HEALTH_SECONDS = 10
# Of a message of others no more is read than so many characters.
MOST_CHARACTERS = 100_000


class Processes:
    """One for each app. Threads start when they are needed: a server may fork after loading the app."""

    def __init__(self, url: str, secret: str) -> None:
        try:
            import redis
        except ImportError:
            raise ConfigError("REDIS_URL: needs a package: pip install -r requirements-redis.txt") from None
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        self._errors = (redis.RedisError, OSError)
        self._redis = redis.Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._patient = redis.Redis.from_url(
            url, decode_responses=True, socket_keepalive=True, health_check_interval=HEALTH_SECONDS
        )
        # Several installations may share a Redis; those of one have the same secret.
        self._name = f"party:{hashlib.sha256(secret.encode()).hexdigest()[:16]}"
        self._me = secrets.token_hex(8)
        self._rests_until = 0.0
        self._changed: set[int] = set()
        self._has_changed = threading.Event()
        self._starting = threading.Lock()
        self._threads: set[str] = set()

    def tell(self, room_ids: set[int]) -> None:
        """Let all others know that these rooms have changed. It takes no time, and may come to nothing."""
        self._changed |= room_ids
        self._has_changed.set()
        self._start("party-teller", self._tell)

    def listen(self, wake: Callable[[set[int]], None]) -> None:
        """Call `wake` with the ids of rooms that others have changed, from now on."""
        self._start("party-listener", lambda: self._listen(wake))

    def count(self, key: str, amount: int) -> float:
        """Count `amount` calls by `key`: how many all processes have counted within about a second; or 0."""
        now = time.time()
        if now < self._rests_until:
            return 0
        name = f"{self._name}:{key}"
        try:
            with self._redis.pipeline(transaction=False) as pipe:
                pipe.incrby(f"{name}:{int(now)}", amount)
                pipe.expire(f"{name}:{int(now)}", 3)
                pipe.get(f"{name}:{int(now) - 1}")
                counted, _, before = pipe.execute()
            return int(counted) + int(before or 0) * (1 - now % 1)
        except (*self._errors, ValueError, TypeError) as error:
            self._rests_until = now + REST_SECONDS
            log.warning("Redis does not count: %s", type(error).__name__)
            return 0

    def _start(self, name: str, work: Callable[[], None]) -> None:
        if name in self._threads:
            return
        with self._starting:
            if name not in self._threads:
                self._threads.add(name)
                threading.Thread(target=work, name=name, daemon=True).start()

    def _tell(self) -> None:
        while self._has_changed.wait():
            self._has_changed.clear()
            changed, self._changed = self._changed, set()
            with suppress(*self._errors):
                self._redis.publish(self._name, f"{self._me}:{','.join(map(str, changed))}")

    def _listen(self, wake: Callable[[set[int]], None]) -> None:
        while True:
            try:
                with self._patient.pubsub(ignore_subscribe_messages=True) as messages:  # type: ignore[no-untyped-call]
                    messages.subscribe(self._name)
                    while True:
                        self._take(messages.get_message(timeout=HEALTH_SECONDS), wake)
            except Exception as error:
                if not isinstance(error, self._errors):
                    log.exception("listening to Redis failed")
            time.sleep(REST_SECONDS)

    def _take(self, message: Any, wake: Callable[[set[int]], None]) -> None:
        sender, _, ids = str((message or {}).get("data", ""))[:MOST_CHARACTERS].partition(":")
        with suppress(ValueError):  # nothing of ours
            if ids and sender != self._me:
                wake({int(id) for id in ids.split(",")})


def of(settings: Settings) -> Processes | None:
    """What these settings ask for. Raises `ConfigError` where the package is missing."""
    return Processes(settings.REDIS_URL, settings.SECRET_KEY) if settings.REDIS_URL else None
