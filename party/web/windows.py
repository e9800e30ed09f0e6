"""Moving windows in the database: exact over all processes and restarts, several at once.

    def plan(ledger: Ledger) -> None:
        ledger.ask(looks, guesses)
        found = ledger.later(lambda tx: tx.later(...).one)
        ledger.take(looks)
        if found() is None:
            ledger.take(guesses)

    windows.run(plan)

A plan runs in one transaction, under the locks of the windows that it has asked about. So what it looks
up between asking and taking is looked up by no more callers than there is room for, however many come at
once, and a window that was only asked about costs nothing.
"""

import hashlib
import hmac
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

from party import clock
from party.db import Answer, Connection, Database, Duplicate, Unreachable, transaction
from party.errors import Unavailable

T = TypeVar("T")

# Longer windows' entries are put together where they lie so close that a window has no more of them.
MOST_ENTRIES = 600
# So few are kept one by one, to the millisecond.
FEW = 100
# Keys counted in memory while the database is away, before some are forgotten.
MANY_KEYS = 10_000

# When, in milliseconds, and how many: in the order of time.
Entry = tuple[int, int]
# By their keys the entries that are counted in memory, and until when they count.
Rows = dict[str, tuple[list[Entry], int]]


@dataclass(frozen=True)
class Window:
    """At most `limit` of an action within any `seconds`, by or for `key`."""

    action: str
    key: str
    limit: int
    seconds: int

    @property
    def name(self) -> tuple[str, str]:
        """What tells it from others: the limit may not be known when it is asked about."""
        return self.action, self.key


@dataclass(frozen=True)
class State:
    """How a window stands: what is left of it, and when (in milliseconds) its oldest entry goes."""

    remaining: int
    reset_at: int

    def seconds_left(self, now: int) -> int:
        """Whole seconds until there is room again in a window that is full."""
        return max(1, math.ceil((self.reset_at - now) / 1000))


class WindowFull(Exception):
    """There is no room in `window`."""

    def __init__(self, window: Window, state: State) -> None:
        super().__init__(window.action)
        self.window = window
        self.state = state


class Ledger(ABC):
    """The windows that one plan asks about: those of an address before those of a room, or all at once."""

    def __init__(self, now: int, hashed: Callable[[Window], str]) -> None:
        self._now = now
        self._hashed = hashed
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        # Those that have changed, how they stand now.
        self.changed: dict[Window, State] = {}

    @abstractmethod
    def ask(self, *windows: Window) -> None:
        """Say which windows will be asked about, so that they are read along with what is asked `later`."""

    @abstractmethod
    def later(self, ask: Callable[[Connection], Callable[[], T]]) -> Callable[[], T]:
        """What `ask` asks the transaction for under the locks; it raises `Unavailable` in memory."""

    def require(self, *windows: Window) -> None:
        """Ask whether there is room. Raises `WindowFull`."""
        self._load(windows)
        for window in windows:
            if self._state(window).remaining < 1:
                raise WindowFull(window, self._state(window))

    def take(self, *windows: Window) -> None:
        """Take one entry of each, or none. Raises `WindowFull`."""
        self.require(*windows)
        for window in windows:
            entries, now = self._entries[window.name], self._now
            grain = window.seconds * 1000 // MOST_ENTRIES if window.limit > FEW else 1
            count = 1
            if entries and entries[-1][0] // grain == now // grain:
                count += entries.pop()[1]
            entries.append((now, count))
            self.changed[window] = self._state(window)

    def give_back(self, *windows: Window) -> None:
        """Take back the last entry: what it was made for has turned out not to count."""
        self._load(windows)
        for window in windows:
            if entries := self._entries[window.name]:
                at, count = entries.pop()
                if count > 1:
                    entries.append((at, count - 1))
                self.changed[window] = self._state(window)

    def write(self) -> None:
        """Store what has changed. Raises `Duplicate` if somebody else's first entry was faster."""
        for window in self.changed:
            self._store(window, self._entries[window.name])

    @abstractmethod
    def _load(self, windows: tuple[Window, ...]) -> None:
        """Fill in the entries of those windows that were not asked about before."""

    @abstractmethod
    def _store(self, window: Window, entries: list[Entry]) -> None:
        """Keep the entries of a window."""

    def _state(self, window: Window) -> State:
        return _state(self._entries[window.name], self._now, window)


class _InDatabase(Ledger):
    def __init__(self, tx: Connection, now: int, hashed: Callable[[Window], str]) -> None:
        super().__init__(now, hashed)
        self._tx = tx
        # By the keys of their rows, the windows that were asked about, and those that have a row.
        self._asked: dict[str, Window] = {}
        self._answers: list[Answer] = []
        self._stored: set[str] = set()

    def later(self, ask: Callable[[Connection], Callable[[], T]]) -> Callable[[], T]:
        return ask(self._tx)

    def ask(self, *windows: Window) -> None:
        keys = {self._hashed(window): window for window in windows if window.name not in self._entries}
        if not keys:
            return
        self._asked |= keys
        self._entries |= {window.name: [] for window in windows if window.name not in self._entries}
        names = {f"key_{number}": key for number, key in enumerate(keys)}
        # In one order, so that those who ask about the same windows never wait for each other in a ring.
        answer = self._tx.later(
            f"""
            SELECT key_hash, hits FROM party_rate_limits
            WHERE key_hash IN ({", ".join(f":{name}" for name in names)}) ORDER BY key_hash FOR UPDATE
            """,
            **names,
        )
        self._answers.append(answer)

    def count_refusal(self, window: Window) -> None:
        """For the statistics."""
        self._tx.later(
            "UPDATE party_rate_limits SET refused = refused + 1 WHERE key_hash = :key",
            key=self._hashed(window),
        )

    def _load(self, windows: tuple[Window, ...]) -> None:
        self.ask(*windows)
        while self._answers:
            for row in self._answers.pop().all():
                window = self._asked[row["key_hash"]]
                self._entries[window.name] = _read(row["hits"], self._now, window)
                self._stored.add(row["key_hash"])

    def _store(self, window: Window, entries: list[Entry]) -> None:
        row = {
            "key": self._hashed(window),
            "hits": json.dumps(entries, separators=(",", ":")),
            "expires_at": self._now + window.seconds * 1000,
        }
        if row["key"] in self._stored:
            self._tx.later(
                "UPDATE party_rate_limits SET hits = :hits, expires_at = :expires_at WHERE key_hash = :key",
                **row,
            )
        else:
            self._tx.later(
                "INSERT INTO party_rate_limits (key_hash, hits, expires_at)"
                " VALUES (:key, :hits, :expires_at)",
                **row,
            )


class _InMemory(Ledger):
    """While the database is away. What is looked up there cannot be."""

    def __init__(self, rows: Rows, now: int, hashed: Callable[[Window], str]) -> None:
        super().__init__(now, hashed)
        self._rows = rows

    def later(self, ask: Callable[[Connection], Callable[[], T]]) -> Callable[[], T]:
        def fail() -> T:
            raise Unavailable

        return fail

    def ask(self, *windows: Window) -> None:
        for window in windows:
            entries, _ = self._rows.get(self._hashed(window), ([], 0))
            self._entries.setdefault(window.name, _current(entries, self._now, window))

    def _load(self, windows: tuple[Window, ...]) -> None:
        self.ask(*windows)

    def _store(self, window: Window, entries: list[Entry]) -> None:
        self._rows[self._hashed(window)] = entries, self._now + window.seconds * 1000


class Windows:
    """Those of one app, kept under an HMAC of whom they are for.

    Times come from `party.clock`, not from the database. Where the database cannot be reached, entries
    are counted in this process's memory. Where it is merely busy, `Unavailable` is raised: a count that
    starts over would admit too many.
    """

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._secret = secret.encode()
        self._rows: Rows = {}
        self._lock = Lock()

    def run(self, plan: Callable[[Ledger], T]) -> tuple[T, dict[Window, State]]:
        """What `plan` returns, and how the windows stand that it changed; it may run more than once.

        Raises `WindowFull`, after which nothing has changed, and `Unavailable`.
        """
        while True:
            try:
                result, changed, full = _run(self._database, clock.now_ms(), self._hashed, plan)
            except Duplicate:  # somebody else's first entry was faster
                continue
            except Unreachable:
                return self._run_in_memory(plan)
            if full is not None:
                raise full
            return result, changed  # type: ignore[return-value]

    def state(self, window: Window) -> State:
        """How a window stands; asking costs nothing."""
        now, key = clock.now_ms(), self._hashed(window)
        try:
            row = self._database.one("SELECT hits FROM party_rate_limits WHERE key_hash = :key", key=key)
        except Unreachable:
            return _state(_current(self._rows.get(key, ([], 0))[0], now, window), now, window)
        return _state(_read(row["hits"] if row else None, now, window), now, window)

    def _run_in_memory(self, plan: Callable[[Ledger], T]) -> tuple[T, dict[Window, State]]:
        now = clock.now_ms()
        with self._lock:
            if len(self._rows) > MANY_KEYS:
                self._rows = _most_used(self._rows, now)
            ledger = _InMemory(self._rows, now, self._hashed)
            try:
                result = plan(ledger)
            except Unavailable:
                ledger.write()  # what was taken before something was to be looked up
                raise
            ledger.write()
            return result, ledger.changed

    def _hashed(self, window: Window) -> str:
        text = f"{window.action} {window.key}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


def _most_used(rows: Rows, now: int) -> Rows:
    """What still counts, or a half of it.

    Somebody with many addresses pushes out such that have little in their windows, and nobody who is refused.
    """
    used = {key: sum(count for _, count in entries) for key, (entries, until) in rows.items() if until > now}
    kept = sorted(used, key=used.__getitem__)[-MANY_KEYS // 2 :]
    return {key: rows[key] for key in kept}


@transaction
def _run(
    tx: Connection, now: int, hashed: Callable[[Window], str], plan: Callable[[Ledger], T]
) -> tuple[T | None, dict[Window, State], WindowFull | None]:
    ledger = _InDatabase(tx, now, hashed)
    try:
        result = plan(ledger)
    except WindowFull as full:
        ledger.count_refusal(full.window)
        return None, {}, full
    ledger.write()
    return result, ledger.changed, None


def _read(stored: str | None, now: int, window: Window) -> list[Entry]:
    return _current([(at, count) for at, count in json.loads(stored)] if stored else [], now, window)


def _current(entries: list[Entry], now: int, window: Window) -> list[Entry]:
    """The entries that still count.

    One from a clock that is a little ahead is taken for one of this moment; one from a clock that was far
    ahead, and has been set right, would else count until then.
    """
    first, last = now - window.seconds * 1000, now + clock.FUTURE_MS
    return [(min(at, now), count) for at, count in entries if first < at <= last]


def _state(entries: list[Entry], now: int, window: Window) -> State:
    used = sum(count for _, count in entries)
    # With nothing used, the window ends now.
    reset_at = entries[0][0] + window.seconds * 1000 if entries else now
    return State(max(0, window.limit - used), reset_at)
