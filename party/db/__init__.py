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
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import wraps
from threading import BoundedSemaphore, Lock
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask import Flask, current_app

from party.config import Settings
from party.db.engines import Engine, Result, Statement, engine_for
from party.db.faults import Fault
from party.db.room_locks import STUCK_SECONDS, Crowded, RoomLocks
from party.db.writes import Writes, change_and_undo
from party.errors import TooLarge, Unavailable
from party.load import load

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Row = dict[str, Any]

# How long a request waits for a free connection, and how long it goes on repeating a transaction.
POOL_WAIT_SECONDS = 5.0
# Waiting longer than this is a sign that connections are too few.
SHORT_WAIT_SECONDS = 0.1
RETRY_SECONDS = 5.0
# So many requests may wait for each connection, at most. Greenlets come by the thousand, and those at the
# end of a longer queue would wait in vain, and with them everybody who comes later.
MOST_WAITING = 100
# An INSERT of many rows is made in statements of about this size at most, even if each character has to be
# escaped: hosts set max_allowed_packet as low as 1 MiB.
STATEMENT_BYTES = 256 * 1024
REFUSED_RETRY_SECONDS = 10


class Duplicate(Exception):
    """A unique key is already taken."""


class Unreachable(Unavailable):
    """There is no connection to be had at all; elsewhere the database may merely be busy."""


class SchemaBehind(Unavailable):
    """A table or a column is missing: the migrations have not been run."""

    message = "The database schema is behind. Its admin has to run the migrations."


class Refused(Unavailable):
    """The database does not let us: read-only, disk full, over quota, a right revoked."""

    def __init__(self) -> None:
        super().__init__(retry_after=REFUSED_RETRY_SECONDS)


class _Lost(Unavailable):
    """The connection died before anything was committed: the work can be repeated."""


class _Conflict(Unavailable):
    """A deadlock or a lock timeout undid the transaction: the work can be repeated."""


class Locked(Unavailable):
    """Somebody else holds the lock just now, and this was not to wait for it."""


class Connection:
    """A borrowed connection. Parameters are named: `tx.one("... WHERE id = :id", id=7)`."""

    def __init__(self, engine: Engine, raw: Any, room_locks: RoomLocks) -> None:
        self._engine = engine
        self._raw = raw
        # Statements whose answers nobody needs before the next one's: sent along with that.
        self._later: list[Statement] = []
        self._has_sent = False
        self._room_locks = room_locks
        # The rooms in whose lines this transaction is.
        self._lines: set[int] = set()
        # Rooms whose numbers this connection's transaction has moved.
        self.moved: set[int] = set()
        # See `Engine`.
        self.incarnation = engine.incarnation(raw)

    def one(self, sql: str, **parameters: Any) -> Row | None:
        """The first row, or None."""
        rows = self._execute(sql, parameters).rows
        return rows[0] if rows else None

    def all(self, sql: str, **parameters: Any) -> list[Row]:
        """All rows."""
        return self._execute(sql, parameters).rows

    def all_raw(self, sql: str) -> list[Row]:
        """All rows of a statement without parameters, such as one with a long list of numbers in it."""
        return self._execute(sql, None).rows

    def run(self, sql: str, **parameters: Any) -> int:
        """Change something; the number of rows that matched. Raises `Duplicate`."""
        return self._execute(sql, parameters).matched

    def insert(self, sql: str, **parameters: Any) -> int:
        """Insert one row; its generated id. Raises `Duplicate`."""
        return self._execute(sql, parameters).key

    def later(self, sql: str, **parameters: Any) -> None:
        """Change something when the next statement, or the commit, goes to the database anyway.

        What goes wrong is raised there.
        """
        self._later.append((sql, parameters))

    def insert_many(self, table: str, rows: list[Row]) -> None:
        """Insert rows of the same columns, in statements of bounded size. Raises `Duplicate`, `TooLarge`."""
        for some in _pieces(rows):
            self._send([_insertion(table, some)])

    def delete_some(self, table: str, where: str, most: int, **parameters: Any) -> int:
        """Delete at most `most` of the rows that `where` finds: how many."""
        return self.run(
            self._engine.delete_some.format(table=table, where=where, most=most),
            **parameters,
        )

    def raw(self, sql: str) -> None:
        """Run one statement without looking for parameters in it."""
        self._execute(sql, None)

    @contextmanager
    def in_line(self, room_id: int, *, wait: bool = True) -> Iterator[None]:
        """Inside, the room's lock is taken; without `wait` by a statement that does not wait for it.

        Raises `Locked` if it may not wait, and `Unavailable` if it has waited in vain.
        """
        began = time.monotonic()
        try:
            if room_id not in self._lines:
                self._room_locks.enter(room_id)
                self._lines.add(room_id)
            yield
        except (_Conflict, Crowded) as error:
            if not wait:
                raise Locked from error
            if isinstance(error, _Conflict) and time.monotonic() - began > STUCK_SECONDS:
                # Repeated, it would only wait again.
                self._room_locks.doubt(room_id)
                raise Unavailable from error
            raise
        self._room_locks.moved(room_id)

    def lock_at_once(self, sql: str) -> None:
        """Run a statement without parameters that locks rows with NOWAIT. Raises `Locked`.

        Raises `Unavailable` where it is no row but the whole database that somebody has locked.
        """
        try:
            self._execute(sql, None)
        except _Conflict as error:
            raise (Locked if self._engine.locks_rows else Unavailable) from error

    def leave_lines(self) -> None:
        """The transaction is over, and all locks are free."""
        while self._lines:
            self._room_locks.leave(self._lines.pop())

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock that only one migration at a time can hold. Raises `TimeoutError`."""
        return self._engine.alone(self._raw)

    def commit(self) -> None:
        """Commit, with what was left for later. Raises `Unavailable` where nobody knows whether it did."""
        try:
            self.run("COMMIT")
        except _Lost as error:
            raise Unavailable from error

    def roll_back(self) -> None:
        """Undo the transaction; a connection that cannot even do that is not used again."""
        self._later.clear()
        if not self._has_sent:  # not even its beginning
            return
        try:
            self.run("ROLLBACK")
        except Exception:
            _close(self._raw)

    def _execute(self, sql: str, parameters: dict[str, Any] | None) -> Result:
        return self._send([(sql, parameters)])[0]

    def _send(self, statements: list[Statement]) -> list[Result]:
        """The results of these statements, which come after those that were left for later."""
        before, self._later = self._later, []
        self._has_sent = True
        try:
            return self._engine.execute(self._raw, [*before, *statements])[len(before) :]
        except self._engine.errors as error:
            raise _translated(self._engine, error) from error


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
                    _close(raw)
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
            _close(self._idle.pop())

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
            _close(raw)

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

    def all_raw(self, sql: str) -> list[Row]:
        """As `Connection.all_raw`, outside any transaction."""
        return self._repeat(lambda: self._alone(lambda connection: connection.all_raw(sql)))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction that sees one moment and changes nothing."""
        return self._repeat(lambda: self._transact(self.engine.begin_read, work))

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and commit it before returning.

        Deadlocks, lock timeouts and connections that die before the commit are repeated. A
        connection that dies during the commit is not, for nobody knows whether it took place:
        the caller gets `Unavailable`, and every call of the contract has a safe way to try again.
        """
        with self.writes.noted(Refused):
            return self._repeat(lambda: self._transact(self.engine.begin_write, work))

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
            except (_Conflict, _Lost) as error:
                # With jitter, or those who collided once would collide again.
                pause *= 1 + random.random()
                if time.monotonic() + pause > deadline:
                    raise Unavailable from error
                time.sleep(pause)


def _close(raw: Any) -> None:
    """Close a connection, which may be closed already."""
    with suppress(Exception):
        raw.close()


def _insertion(table: str, rows: list[Row]) -> Statement:
    """One statement that inserts rows of the same columns."""
    columns = list(rows[0])
    values = ", ".join(
        "(" + ", ".join(f":{column}_{i}" for column in columns) + ")" for i in range(len(rows))
    )
    parameters = {f"{column}_{i}": row[column] for i, row in enumerate(rows) for column in columns}
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {values}", parameters


def _pieces(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows in groups of which each makes a statement of bounded size; a large row is alone."""
    some: list[Row] = []
    size = 0
    for row in rows:
        row_size = sum(2 * len(value.encode()) if isinstance(value, str) else 20 for value in row.values())
        if some and size + row_size > STATEMENT_BYTES:
            yield some
            some, size = [], 0
        some.append(row)
        size += row_size
    if some:
        yield some


_OURS: dict[Fault, type[Exception]] = {
    Fault.CONFLICT: _Conflict,
    Fault.LOST: _Lost,
    Fault.UNREACHABLE: Unreachable,
    Fault.BUSY: Unavailable,
    Fault.REFUSED: Refused,
    Fault.TOO_LARGE: TooLarge,
    Fault.DUPLICATE: Duplicate,
    Fault.SCHEMA: SchemaBehind,
}


def _translated(engine: Engine, error: Exception) -> Exception:
    """A driver's error as one of ours; what nobody expected stays as it is."""
    ours = _OURS.get(engine.fault(error))
    if ours is Refused:
        log.warning("the database refused: %s", error)
    return ours() if ours else error


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
