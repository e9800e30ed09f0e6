"""A borrowed connection: statements that are sent at once, or later together with others.

A round trip to the database costs more than most statements. So what is needed together is asked for
together, and what nobody needs an answer to goes along with the commit:

    room = tx.later("SELECT ... WHERE id = :id", id=7)
    members = tx.later("SELECT ... WHERE room_id = :id", id=7)
    if room.one() is None:  # here both are sent
        ...
    tx.later("UPDATE ...")  # sent with the commit
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Any

from party.db.engines import Engine, Result, Statement
from party.db.errors import Conflict, Locked, Lost, translated
from party.db.room_locks import STUCK_SECONDS, Crowded, RoomLocks
from party.errors import Unavailable

log = logging.getLogger(__name__)

Row = dict[str, Any]

# An INSERT of many rows is made in statements of about this size at most, even if each character has to be
# escaped: hosts set max_allowed_packet as low as 1 MiB.
STATEMENT_BYTES = 256 * 1024
COMMIT = "COMMIT"


class Answer:
    """What a statement gives that was left for later; whoever asks for it has all of them sent."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self.result: Result | None = None

    def all(self) -> list[Row]:
        """All rows."""
        return self._received().rows

    def one(self) -> Row | None:
        """The first row, or None."""
        rows = self._received().rows
        return rows[0] if rows else None

    def matched(self) -> int:
        """How many rows a change has matched."""
        return self._received().matched

    def key(self) -> int:
        """The id that an INSERT of one row has generated."""
        return self._received().key

    def _received(self) -> Result:
        if self.result is None:
            self._connection.send()
        assert self.result is not None
        return self.result


class Connection:
    """Parameters are named: `tx.one("... WHERE id = :id", id=7)`. Without any the text stays as it is."""

    def __init__(self, engine: Engine, raw: Any, room_locks: RoomLocks) -> None:
        self._engine = engine
        self._raw = raw
        self._waiting: list[tuple[Statement, Answer]] = []
        self._is_open = False  # there is something to be undone
        self._is_over = False
        self._bears_repeating = False
        self._room_locks = room_locks
        # The rooms in whose lines this transaction is; the one whose lock is sent next, and whether to wait.
        self._lines: set[int] = set()
        self._locking: tuple[int, bool] | None = None
        # Rooms whose numbers this connection's transaction has moved.
        self.moved: set[int] = set()
        # What is to be done outside the database as soon as the transaction is committed.
        self.afterwards: list[Callable[[], None]] = []
        # See `Engine`.
        self.incarnation = engine.incarnation(raw)

    def one(self, sql: str, **parameters: Any) -> Row | None:
        """The first row, or None."""
        return self.later(sql, **parameters).one()

    def all(self, sql: str, **parameters: Any) -> list[Row]:
        """All rows."""
        return self.later(sql, **parameters).all()

    def run(self, sql: str, **parameters: Any) -> int:
        """Change something; the number of rows that matched. Raises `Duplicate`."""
        return self.later(sql, **parameters).matched()

    def insert(self, sql: str, **parameters: Any) -> int:
        """Insert one row; its generated id. Raises `Duplicate`."""
        return self.later(sql, **parameters).key()

    def later(self, sql: str, **parameters: Any) -> Answer:
        """Say something when an answer is asked for, or with the commit: in order with all that is left so.

        What goes wrong is raised there.
        """
        answer = Answer(self)
        self._waiting.append(((sql, parameters or None), answer))
        return answer

    def insert_many(self, table: str, rows: list[Row]) -> None:
        """Insert rows of the same columns. Raises `Duplicate`, `TooLarge`."""
        self.insert_later(table, rows)
        self.send()

    def insert_later(self, table: str, rows: list[Row]) -> None:
        """As `insert_many`, but `later`; in statements of bounded size."""
        for some in _pieces(rows):
            sql, parameters = _insertion(table, some)
            self.later(sql, **parameters)

    def delete_some(self, table: str, where: str, most: int, **parameters: Any) -> int:
        """Delete at most `most` of the rows that `where` finds: how many."""
        return self.run(
            self._engine.delete_some.format(table=table, where=where, most=most),
            **parameters,
        )

    def lock_room(self, room_id: int, sql: str, *, wait: bool = True, **parameters: Any) -> Answer:
        """As `later`, for a statement that takes the lock of the room `:id`, without `wait` with NOWAIT.

        When it is sent, it raises `Locked` if it may not wait, and `Unavailable` if it has waited in vain.
        """
        if room_id not in self._lines:
            try:
                self._room_locks.enter(room_id)
            except Crowded as error:
                if wait:
                    raise
                raise Locked from error
            self._lines.add(room_id)
        self._locking = room_id, wait
        return self.later(sql, id=room_id, **parameters)

    def lock_at_once(self, sql: str) -> None:
        """Run a statement without parameters that locks rows with NOWAIT. Raises `Locked`.

        Raises `Unavailable` where it is no row but the whole database that somebody has locked.
        """
        try:
            self.run(sql)
        except Conflict as error:
            raise (Locked if self._engine.locks_rows else Unavailable) from error

    def leave_lines(self) -> None:
        """The transaction is over, and all locks are free."""
        while self._lines:
            self._room_locks.leave(self._lines.pop())

    def alone(self) -> AbstractContextManager[None]:
        """Hold the lock that only one migration at a time can hold. Raises `TimeoutError`."""
        return self._engine.alone(self._raw)

    def finish(self) -> None:
        """Nothing comes after what was left for later: the commit goes along with it.

        What is raised after that undoes nothing.
        """
        self.later(COMMIT)
        self._is_over = True

    def look_later(self) -> None:
        """Commit, but `later`; and what comes after that sees one moment and changes nothing.

        All of it is repeated where it failed, committed or not: what was changed must bear that.
        """
        self._bears_repeating = True
        for statement in (COMMIT, *self._engine.begin_read):
            self.later(statement)

    def commit(self) -> None:
        """Commit, with what was left for later. Raises `Unavailable` where nobody knows whether it did."""
        if not self._is_over:
            self.finish()
        self.send()

    def roll_back(self) -> None:
        """Undo the transaction; a connection that cannot even do that is not used again."""
        self._waiting.clear()
        self._locking = None
        if not self._is_open:  # not even its beginning was sent, or all of it has been committed
            return
        try:
            self.run("ROLLBACK")
        except Exception:
            close(self._raw)

    def send(self) -> None:
        """Send all that was left for later, in one round trip where that can be."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        locking, self._locking = self._locking, None
        said = [sql for (sql, _), _ in waiting]
        began = time.monotonic() if locking else 0.0
        self._is_open = True
        try:
            results = self._engine.execute(self._raw, [statement for statement, _ in waiting])
        except self._engine.errors as error:
            ours = translated(self._engine, error)
            if isinstance(ours, Lost | Conflict) and self._may_be_committed(said, error):
                # Nobody knows whether it was committed: it must not be repeated.
                log.warning("a commit without an answer: %s", error)
                raise Unavailable from error
            if locking and isinstance(ours, Conflict):
                self._give_up(*locking, began, ours)
            raise ours from error
        self._is_open = said[-1] != COMMIT
        for (_, answer), result in zip(waiting, results, strict=True):
            answer.result = result
        if locking:
            self._room_locks.moved(locking[0])

    def _may_be_committed(self, said: list[str], error: Exception) -> bool:
        if self._bears_repeating or COMMIT not in said:
            return False
        return self._engine.may_have_run(self._raw, said.index(COMMIT), error)

    def _give_up(self, room_id: int, wait: bool, began: float, error: Conflict) -> None:
        """Raise what it means that a room's lock was not to be had; nothing where it can be tried again."""
        if not wait:
            raise Locked from error
        if time.monotonic() - began > STUCK_SECONDS:
            # Repeated, it would only wait again.
            self._room_locks.doubt(room_id)
            raise Unavailable from error


def close(raw: Any) -> None:
    """Close an engine's connection, which may be closed already."""
    with suppress(Exception):
        raw.close()


def _insertion(table: str, rows: list[Row]) -> tuple[str, Row]:
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
