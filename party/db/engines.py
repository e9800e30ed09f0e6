"""What a database has to offer to the rest of the project, and what comes back from it.

Everybody writes one SQL with `:named` parameters. An engine opens a connection, turns that SQL into its
driver's dialect, begins transactions, and says what a driver's error means. `mysql.py` and `sqlite.py` are
the two that there are, and the only files that know the one from the other.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple

from party.db.faults import Fault

# Whoever waits longer than this for a lock gets 503 instead.
LOCK_WAIT_SECONDS = 3
# A server that has stopped answering is given up after this long: a little more than a lock may take.
ANSWER_TIMEOUT_SECONDS = 4

# One statement with `:named` parameters, or as it stands with None.
Statement = tuple[str, dict[str, Any] | None]


class Result(NamedTuple):
    """What a statement gave: its rows, how many it matched, the id that it generated."""

    rows: list[dict[str, Any]]
    matched: int
    key: int


class Engine(ABC):
    """What differs between the databases."""

    name: ClassVar[str]
    auto_increment: ClassVar[str]
    transactional_ddl: ClassVar[bool]
    locks_rows: ClassVar[bool]
    begin_read: ClassVar[tuple[str, ...]]
    begin_write: tuple[str, ...]
    errors: ClassVar[type[Exception]]
    # Deletes at most so many rows: {table}, {where}, {most}.
    delete_some: ClassVar[str]
    # How long to wait for an answer of the server; None for migrations, which take what they take.
    answer_timeout_seconds: float | None = ANSWER_TIMEOUT_SECONDS

    # Whether there are several servers, each with a clock of its own.
    has_several_hosts = False

    @abstractmethod
    def connect(self) -> Any:
        """A fresh DB-API connection in autocommit mode, whose rows are dicts."""

    @abstractmethod
    def execute(self, connection: Any, statements: Sequence[Statement]) -> list[Result]:
        """Run statements in one round trip where that can be; the first that fails ends it."""

    def may_have_run(self, connection: Any, place: int, error: Exception) -> bool:
        """Whether the statement at this place, of those that ended with this error, may have taken effect."""
        return self.fault(error) is Fault.LOST

    @abstractmethod
    def alive(self, connection: Any) -> bool:
        """Whether an idle connection can still be used."""

    @abstractmethod
    def incarnation(self, connection: Any) -> int:
        """A number that is another one after the database may have lost what it had committed."""

    @abstractmethod
    def alone(self, connection: Any) -> AbstractContextManager[None]:
        """Hold the lock that only one migration at a time can hold. Raises `TimeoutError`."""

    @abstractmethod
    def fault(self, error: Exception) -> Fault:
        """What this error means."""
