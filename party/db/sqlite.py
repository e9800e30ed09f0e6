"""The embedded database, through sqlite3: one file, and whether it is still the one that was opened."""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from party.config import ConfigError
from party.config.database_url import read_sqlite_url
from party.db import engines, faults
from party.db.engines import Engine, Result, Statement
from party.db.faults import Fault

# Device and inode; None where there is no file.
Identity = tuple[int, int] | None


def identity_of(path: Path) -> Identity:
    """Tells a file from another that stands under the same name later."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class SQLite(Engine):
    """The embedded database: one file in WAL mode, one writer at a time, readers never wait."""

    name = "sqlite"
    auto_increment = "AUTOINCREMENT"
    transactional_ddl = True
    locks_rows = False
    begin_read = ("BEGIN",)
    begin_write = ("BEGIN IMMEDIATE",)
    errors = sqlite3.Error
    # Not every SQLite is built with DELETE ... LIMIT.
    delete_some = "DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} WHERE {where} LIMIT {most})"

    def __init__(self, url: str) -> None:
        try:
            self.path = read_sqlite_url(url)
        except ValueError as error:
            raise ConfigError(f"DATABASE_URL: {error}") from None
        self._file = DatabaseFile(self.path)

    def connect(self) -> sqlite3.Connection:
        identity = self._file.prepare()
        connection = sqlite3.connect(
            self.path,
            timeout=engines.LOCK_WAIT_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            factory=_FileConnection,
        )
        connection.identity = identity
        connection.row_factory = _dict_row
        _use_wal(connection)
        # What was acknowledged must survive a power cut, too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        if not self._file.note_opened(identity):
            connection.close()
            raise FileNotFoundError("the database file was replaced while it was opened")
        return connection

    def execute(self, connection: Any, statements: Sequence[Statement]) -> list[Result]:
        results = []
        for sql, parameters in statements:
            cursor = connection.execute(_without_row_locks(sql), parameters or {})
            results.append(Result(cursor.fetchall(), cursor.rowcount, cursor.lastrowid or 0))
        return results

    def alive(self, connection: Any) -> bool:
        return not connection.in_transaction and identity_of(self.path) == connection.identity

    def incarnation(self, connection: Any) -> int:
        return int(connection.identity[1])

    @contextmanager
    def alone(self, connection: Any) -> Iterator[None]:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise TimeoutError from error
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def fault(self, error: Exception) -> Fault:
        return faults.of_sqlite(error)


class _FileConnection(sqlite3.Connection):
    """Knows which file it has open."""

    identity: Identity


@lru_cache(maxsize=512)
def _without_row_locks(sql: str) -> str:
    """SQLite knows no FOR UPDATE: its writing transactions hold the only lock from their beginning."""
    return re.sub(r"\s+FOR UPDATE( NOWAIT)?\b", "", sql)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch a new file to WAL. SQLite does not wait for a process that is just doing the same."""
    deadline = time.monotonic() + engines.LOCK_WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                connection.close()
                raise
            time.sleep(0.01)


def _dict_row(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> dict[str, Any]:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}


class DatabaseFile:
    """One for each process and database. Somebody may delete the file, or put a backup in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Identity = None
        # SQLite's two files beside it, as they were then.
        self._beside: dict[Path, Identity] = {}

    def prepare(self) -> Identity:
        """Make the file ready to be opened; a new one is made only if this process never had one.

        Raises `OSError`.
        """
        found = identity_of(self.path)
        if found is None and self._opened is None:
            # Nobody else on a shared machine reads it; its -wal and -shm files follow its mode.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            found = identity_of(self.path)
        if found is None:
            raise FileNotFoundError(f"the database file has gone: {self.path}")
        if self._opened not in (None, found):
            self._remove_leftovers()
        return found

    def note_opened(self, identity: Identity) -> bool:
        """Remember what was opened; whether it was this file, which may have been replaced meanwhile."""
        self._opened = identity
        for suffix in ("-wal", "-shm"):
            path = Path(f"{self.path}{suffix}")
            self._beside[path] = identity_of(path)
        return identity_of(self.path) == identity

    def _remove_leftovers(self) -> None:
        """Of the file that was here before: SQLite would read its last changes into the new one."""
        for path, identity in self._beside.items():
            if identity is not None and identity_of(path) == identity:
                with suppress(FileNotFoundError):
                    path.unlink()
