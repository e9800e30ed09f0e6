"""Whether the database's tables are those that the migrations make."""

import re

from party.db.engines import SQLite
from party.db.migrate import MigrationError, ahead, load, pending
from party.doctor.finding import Result, failed, ok, warning
from party.doctor.installation import Installation

LEDGER = "party_schema_migrations"


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
    return ok(f"current: {len(load())} migrations")


def expected_tables() -> list[str]:
    """The tables that the migrations make, and the ledger."""
    statements = [statement.sql for migration in load() for statement in migration.statements]
    made = [match[1] for sql in statements if (match := re.match(r"CREATE TABLE (\w+)", sql))]
    return [LEDGER, *made]
