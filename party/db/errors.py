"""What can go wrong with the database, in our words."""

import logging

from party.db.engines import Engine
from party.db.faults import Fault
from party.errors import TooLarge, Unavailable

log = logging.getLogger(__name__)

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


class Lost(Unavailable):
    """The connection died before anything was committed: the work can be repeated."""


class Conflict(Unavailable):
    """A deadlock or a lock timeout undid the transaction: the work can be repeated."""


class Locked(Unavailable):
    """Somebody else holds the lock just now, and this was not to wait for it."""


_OURS: dict[Fault, type[Exception]] = {
    Fault.CONFLICT: Conflict,
    Fault.LOST: Lost,
    # Where there are several servers, the engine takes these two for `LOST`.
    Fault.AWAY: Unreachable,
    Fault.READ_ONLY: Refused,
    Fault.UNREACHABLE: Unreachable,
    Fault.BUSY: Unavailable,
    Fault.REFUSED: Refused,
    Fault.TOO_LARGE: TooLarge,
    Fault.DUPLICATE: Duplicate,
    Fault.SCHEMA: SchemaBehind,
}


def translated(engine: Engine, error: Exception) -> Exception:
    """A driver's error as one of ours; what nobody expected stays as it is."""
    ours = _OURS.get(engine.fault(error))
    if ours is Refused:
        log.warning("the database refused: %s", error)
    return ours() if ours else error
