"""The end of history that is too old, piece by piece."""

from collections.abc import Iterator

from party.db import Connection, Database, Row, transaction
from party.history import days

# Rows that go in one transaction: a few milliseconds.
ROWS = 500
# Each with its key, and the time that its rows are of.
TABLES = {"party_sessions": ("id", "started_at"), "party_games": ("room_id", "ended_at")}


def due(kept_ms: int) -> str:
    """What finds the tables with rows older than this; each row is one table, and until when its rows go."""
    return " UNION ALL ".join(
        f"""
        SELECT '{table}' AS owner, '{at}' AS at, :now - {kept_ms} AS old FROM {table}
        WHERE {key} = (SELECT {key} FROM {table} WHERE {at} < :now - {kept_ms} LIMIT 1)
        """
        for table, (key, at) in TABLES.items()
    )


def forget(database: Database, now: int, row: Row) -> Iterator[int]:
    """Delete a table's old rows. What they add to the sums of their days is summed before that."""
    for unsummed in database.all(days.DUE, now=now):
        list(days.sum_days(database, now, unsummed))
    while gone := _forget_some(database, row):
        yield gone


@transaction
def _forget_some(tx: Connection, row: Row) -> int:
    return tx.delete_some(row["owner"], f"{row['at']} < :old", ROWS, old=row["old"])
