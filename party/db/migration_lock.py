"""The lock that only one migration at a time can hold, on servers where a table is changed at once.

It is a row, in a table that is there only as long: a server's GET_LOCK is its own, and a cluster has several.
Whoever holds it counts up in it; where nobody has counted for a while, the owner has died. So no two clocks
are compared.
"""

import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from party.db.engines import Engine, Result
from party.db.errors import Conflict, Duplicate, SchemaBehind, translated
from party.errors import Unavailable

# How long a second admin waits for the first one's migration, and how often it looks.
WAIT_SECONDS = 60
LOOK_SECONDS = 0.2
COUNT_SECONDS = 0.5
# Without a count for so long the owner has died; but a look that took long says nothing: the whole cluster
# stands still while a table is changed.
DEAD_SECONDS = 4.0

_TABLE = """
CREATE TABLE IF NOT EXISTS party_migration_lock (
    id      INTEGER PRIMARY KEY,
    owner   CHAR(32) NOT NULL,
    counted INTEGER NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=ascii COLLATE=ascii_bin
"""
_LOOK = "SELECT owner, counted FROM party_migration_lock WHERE id = 1"
_TAKE = "INSERT INTO party_migration_lock (id, owner, counted) VALUES (1, :owner, 0)"
_COUNT = "UPDATE party_migration_lock SET counted = counted + 1 WHERE id = 1 AND owner = :owner"
_TAKE_AWAY = "DELETE FROM party_migration_lock WHERE id = 1 AND owner = :owner"
_FREE = "DROP TABLE IF EXISTS party_migration_lock"


@contextmanager
def held(engine: Engine, connection: Any) -> Iterator[None]:
    """Hold the lock. Raises `TimeoutError`, and what the database says."""
    me = secrets.token_hex(16)
    _take(engine, connection, me)
    is_over = threading.Event()
    counting = threading.Thread(target=_count, args=(engine, me, is_over), daemon=True)
    counting.start()
    try:
        yield
    finally:
        is_over.set()
        counting.join()
        with suppress(*_FAILURES, engine.errors):
            # With the row in it: whoever waits makes a new table.
            if _run(engine, connection, _COUNT, owner=me).matched:
                _run(engine, connection, _FREE)


# What nobody has to know of: the lock comes to its end by itself.
_FAILURES = (Unavailable, OSError)


def _take(engine: Engine, connection: Any, me: str) -> None:
    give_up_at = time.monotonic() + WAIT_SECONDS
    known, since = None, time.monotonic()
    while time.monotonic() < give_up_at:
        began = time.monotonic()
        try:
            _run(engine, connection, _TAKE, owner=me)
            return
        except SchemaBehind:
            _run(engine, connection, _TABLE)
            continue
        except Duplicate:
            found = _look(engine, connection)
        if found != known or time.monotonic() - began > COUNT_SECONDS:
            known, since = found, time.monotonic()
        elif found and time.monotonic() - since > DEAD_SECONDS:
            _run(engine, connection, _TAKE_AWAY, owner=found[0]["owner"])
        time.sleep(LOOK_SECONDS)
    raise TimeoutError


def _look(engine: Engine, connection: Any) -> list[dict[str, Any]]:
    try:
        return _run(engine, connection, _LOOK).rows
    except SchemaBehind:  # freed just now
        return []


def _count(engine: Engine, me: str, is_over: threading.Event) -> None:
    """Count up on a connection of its own: the other one may be busy for long."""
    connection = None
    while not is_over.wait(COUNT_SECONDS):
        with suppress(*_FAILURES, engine.errors):
            connection = connection or engine.connect()
            _run(engine, connection, _COUNT, owner=me)
    if connection:
        connection.close()


def _run(engine: Engine, connection: Any, sql: str, **parameters: str) -> Result:
    """Run one statement, again where others of the cluster were in the way."""
    while True:
        try:
            return engine.execute(connection, [(sql, parameters or None)])[0]
        except engine.errors as error:
            ours = translated(engine, error)
            if not isinstance(ours, Conflict):
                raise ours from error
            time.sleep(LOOK_SECONDS)
