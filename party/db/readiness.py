"""Whether the database can do what the service needs of it."""

from typing import Literal

from party.db import Database
from party.db.migrate import is_behind
from party.errors import Unavailable

# Whether changes can be made is tried at most once in so long while they can.
TRIED_SECONDS = 5


def problem(database: Database) -> Literal["database", "schema"] | None:
    """What is wrong with it, in the one word that `/health` says; None where it can be read and changed."""
    try:
        behind = is_behind(database)
        if not behind and database.writes.need_a_trial(TRIED_SECONDS):
            database.try_to_write()
    except Unavailable:
        return "database"
    return "schema" if behind else None
