"""The database: a bounded pool, transactions that repeat themselves, and one/all/run inside them.

    @transaction
    def rename(tx: Connection, now: int, room_id: int, name: str) -> None:
        tx.run("UPDATE ... WHERE id = :id", id=room_id)

    rename(database(), clock.now_ms(), 7, "Quiz night")

A function under `@transaction` or `@snapshot` may run more than once, so it must not touch anything
but its `tx` and its own variables.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from threading import BoundedSemaphore, Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask import Flask, current_app

from party.config import ConfigError, Settings
from party.config.database_url import check
from party.db.connection import Answer, Connection, Row, close
from party.db.engines import Engine
from party.db.errors import Conflict, Duplicate, Locked, Lost, Refused, SchemaBehind, Unreachable
from party.db.faults import Fault
from party.db.mysql import MySQL
from party.db.room_locks import Crowded, RoomLocks
from party.db.sqlite import SQLite
from party.db.writes import Writes, change_and_undo
from party.errors import Unavailable
from party.load import load

__all__ = [
    "Answer",
    "Connection",
    "Database",
    "Duplicate",
    "Locked",
    "Refused",
    "Row",
    "SchemaBehind",
    "Unreachable",
    "database",
    "snapshot",
    "transaction",
]  # fmt: skip

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# How long a request waits for a free connection, and how long it goes on repeating a transaction.
POOL_WAIT_SECONDS = 5.0
# Waiting longer than this is a sign that connections are too few.
SHORT_WAIT_SECONDS = 0.1
RETRY_SECONDS = 5.0
# So many requests may wait for each connection, at most. Greenlets come by the thousand, and those at the
# end of a longer queue would wait in vain, and with them everybody who comes later.
MOST_WAITING = 100


def engine_for(url: str) -> Engine:
    """The engine of a database URL. Raises `ConfigError` for one that cannot be used."""
    try:
        check(url)
    except ValueError as error:
        raise ConfigError(f"DATABASE_URL: {error}") from None
    return MySQL(url) if url.startswith(MySQL.name) else SQLite(url)


class Database:
    """What the stores talk to. `url` as in the setting DATABASE_URL."""

    def __init__(self, url: str, pool_size: int = 1) -> None:
        self.engine = engine_for(url)
        # DBUtils' PooledDB would do, but where it can open no connection it hands out one that died,
        # and while a server does not answer it lets its threads wait for that one after the other.
        self._slots = BoundedSemaphore(pool_size)
        self._most_waiting = pool_size * MOST_WAITING
        self._waiting = 0
        self._lock = Lock()
        self._idle: list[Any] = []
        # Half of the connections, at most, for those who want one and the same room.
        self._room_locks = RoomLocks(max(1, pool_size // 2))
        self._listeners: list[Callable[[set[int]], None]] = []
        self.writes = Writes()
        self._incarnation: int | None = None
        self._loss_listeners: list[Callable[[], None]] = []

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Borrow a connection in autocommit mode. Raises `Unavailable`."""
        if not (self._slots.acquire(blocking=False) or self._wait_for_slot()):
            raise Unavailable
        try:
            raw = self._idle_connection() or self._new_connection()
            torn_off = False
            try:
                yield Connection(self.engine, raw, self._room_locks)
            except BaseException as error:
                # By a signal, say, at any moment: the next borrower would get the answer that was not read.
                torn_off = not isinstance(error, Exception)
                raise
            finally:
                if torn_off:
                    close(raw)
                else:
                    self._idle.append(raw)
        finally:
            self._slots.release()

    def on_commit(self, listener: Callable[[set[int]], None]) -> None:
        """Tell `listener` the ids of the rooms that a transaction of this process has moved."""
        self._listeners.append(listener)

    def on_loss(self, listener: Callable[[], None]) -> None:
        """Tell `listener` that the database may have lost commits: what was read before does not count.

        It is called while a connection is opened, and must not ask the database itself.
        """
        self._loss_listeners.append(listener)

    def close(self) -> None:
        """Close the idle connections; the next use opens new ones."""
        while self._idle:
            close(self._idle.pop())

    def _wait_for_slot(self) -> bool:
        """Whether a connection became free in time, for one of those who may wait for it."""
        with self._lock:
            if self._waiting >= self._most_waiting:
                return False
            self._waiting += 1
        try:
            if self._slots.acquire(timeout=SHORT_WAIT_SECONDS):
                return True
            load.note_contention()
            return self._slots.acquire(timeout=POOL_WAIT_SECONDS - SHORT_WAIT_SECONDS)
        finally:
            with self._lock:
                self._waiting -= 1

    def _idle_connection(self) -> Any:
        """The connection that was used last, or one before it; None if none is alive."""
        while True:
            try:
                raw = self._idle.pop()
            except IndexError:
                return None
            with suppress(self.engine.errors, OSError):
                if self.engine.alive(raw):
                    return raw
            close(raw)

    def _new_connection(self) -> Any:
        try:
            raw = self.engine.connect()
        # PyMySQL raises RuntimeError for a way of authentication that it lacks a package for.
        except (self.engine.errors, OSError, RuntimeError) as error:
            log.warning("no database connection: %s", error)
            load.note_contention()
            busy = self.engine.fault(error) is Fault.BUSY
            raise (Unavailable if busy else Unreachable) from error
        self._notice(self.engine.incarnation(raw))
        return raw

    def _notice(self, incarnation: int) -> None:
        known, self._incarnation = self._incarnation, incarnation
        if known not in (None, incarnation):
            for listener in self._loss_listeners:
                listener()

    def one(self, sql: str, **parameters: Any) -> Row | None:
        """The first row of a single statement outside any transaction."""
        return self._repeat(lambda: self._alone(lambda connection: connection.one(sql, **parameters)))

    def all(self, sql: str, **parameters: Any) -> list[Row]:
        """All rows of a single statement outside any transaction."""
        return self._repeat(lambda: self._alone(lambda connection: connection.all(sql, **parameters)))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that sees one moment and changes nothing."""
        return self._repeat(lambda: self._transact(self.engine.begin_read, work))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and commit it before returning.

        Deadlocks, lock timeouts and connections that die before the commit are repeated. A
        connection that dies during the commit is not, for nobody knows whether it took place:
        the caller gets `Unavailable`, and every call of the contract has a safe way to try again.
        """
        try:
            return self._repeat(lambda: self._transact(self.engine.begin_write, work))
        except Refused:
            self.writes.refused = True
            raise

    def try_to_write(self) -> None:
        """Make a change and undo it, to see whether the database takes any. Raises `Unavailable`."""
        with self.writes.trial():
            self.write(change_and_undo)

    def _alone(self, statement: Callable[[Connection], T]) -> T:
        with self.connection() as connection:
            return statement(connection)

    def _transact(self, begin: tuple[str, ...], work: Callable[[Connection], T]) -> T:
        with self.connection() as tx:
            try:
                for statement in begin:
                    tx.later(statement)
                result = work(tx)
                tx.commit()
            except BaseException:
                tx.roll_back()
                raise
            finally:
                tx.leave_lines()
        if tx.moved:
            for listener in self._listeners:
                listener(tx.moved)
        for act in tx.afterwards:
            act()
        return result

    def _repeat(self, attempt: Callable[[], T]) -> T:
        deadline = time.monotonic() + RETRY_SECONDS
        pause = 0.005
        while True:
            try:
                return attempt()
            except Crowded as error:
                if not self._room_locks.wait(error.room_id, deadline):
                    raise
            except (Conflict, Lost) as error:
                # With jitter, or those who collided once would collide again.
                pause *= 1 + random.random()
                if time.monotonic() + pause > deadline:
                    log.warning("given up after many tries: %s", error.__cause__ or error)
                    raise Unavailable from error
                time.sleep(pause)


def transaction(
    function: Callable[Concatenate[Connection, P], T],
) -> Callable[Concatenate[Database, P], T]:
    """Make `function(tx, ...)` callable as `function(database, ...)`, in a writing transaction."""

    @wraps(function)
    def run(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return database.write(lambda tx: function(tx, *args, **kwargs))

    return run


def snapshot(
    function: Callable[Concatenate[Connection, P], T],
) -> Callable[Concatenate[Database, P], T]:
    """As `transaction`, for functions that only read: everything they see is of one moment."""

    @wraps(function)
    def run(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return database.read(lambda tx: function(tx, *args, **kwargs))

    return run


def init_app(app: Flask, settings: Settings) -> None:
    """Open nothing yet: connections come when needed, so a server may fork after loading the app."""
    app.extensions["party.database"] = Database(settings.DATABASE_URL, settings.DB_POOL_SIZE)


def database() -> Database:
    """The current app's database."""
    found: Database = current_app.extensions["party.database"]
    return found
