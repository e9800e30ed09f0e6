"""Whether the database's tables are those that the migrations make."""

from party.db.migrate import MigrationError, ahead, load, pending
from party.db.sqlite import SQLite
from party.ops.doctor.finding import Result, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.tables import expected, missing

LEDGER = "party_schema_migrations"
_RESTORE = (
    "Somebody changed the tables, or a copy of them was incomplete. Restore a backup; or, since rooms live "
    "for hours only, drop all tables whose names begin with party_ and migrate again."
)


def schema(installation: Installation) -> Result:
    """Whether the migrations of this code are in place."""
    admin = (
        ""
        if isinstance(installation.database.engine, SQLite)
        else " --database-url mysql://ADMIN:PASSWORD@..."
    )
    migrate = f"{installation.command('migrate')}{admin}"
    if admin:
        migrate += f"; or paste into phpMyAdmin what this prints: {installation.command('migrate --sql')}"
    if newer := ahead(installation.database):
        return warning(
            f"the database is ahead of this release: {', '.join(newer)}",
            "After a rollback this is as it should be. Otherwise deploy the release that brought them.",
        )
    try:
        with installation.database.connection() as connection:
            steps = pending(connection, load())
    except MigrationError as error:
        return failed(str(error), "Upload the folder migrations of this release again, unchanged.")
    if steps:
        return failed(f"pending: {', '.join(step.migration.name for step in steps)}", migrate)
    # The ledger tells what was done once; somebody may have undone it since.
    lacks, mending = missing(installation.database)
    if lacks:
        return failed(
            f"the migrations have been applied, but there is no {some(lacks)}",
            f"With the admin's user: {' '.join(mending)}" if mending else _RESTORE,
        )
    return ok(f"current: {len(load())} migrations, and every table, column and index is there")


def expected_tables() -> list[str]:
    """The tables that the migrations make, and the ledger."""
    return list(expected().columns)
