"""Migrations: numbered SQL files, a ledger with checksums, and one admin at a time.

The files hold plain MySQL, which SQLite understands too (see 001_rooms.sql). MySQL commits every DDL
statement at once and cannot roll it back, so the ledger counts statements: after an interruption the
next run goes on behind the last one that is known to be done. SQLite does all or nothing.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypedDict, cast

from flask import Flask

from party import clock
from party.config import CODE
from party.db import Connection, Database, Refused, SchemaBehind
from party.db.mysql import ISOLATION, MIGRATION_WAIT_SECONDS, MySQL, session_settings
from party.errors import Unavailable
from party.rows import columns

UP_TO_DATE = "The schema is up to date."
FOLDER = CODE / "migrations"

LEDGER = """
CREATE TABLE IF NOT EXISTS party_schema_migrations (
    version         INTEGER PRIMARY KEY,
    name            VARCHAR(100) NOT NULL,
    checksum        CHAR(64) NOT NULL,
    statements_done INTEGER NOT NULL,
    applied_at      BIGINT NULL
) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin */
""".strip()

# What can stand between two semicolons without one of its own semicolons ending the statement.
_TOKEN = re.compile(
    r"""
      (?P<quoted>  '(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" | `(?:[^`]|``)*` )
    | (?P<comment> --(?=\s|\Z)[^\n]* | \#[^\n]* | /\*(?![!+]).*?\*/ )
    | (?P<hint>    /\*[!+].*?\*/ )
    | (?P<end>     ; )
    | (?P<open>    ['"`] | /\* )
    | (?P<other>   [^'"`\-\#/;]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class MigrationError(Exception):
    """Why the database could not be migrated, and how to go on."""


@dataclass(frozen=True)
class Statement:
    """One SQL statement and the line of the file on which it begins."""

    line: int
    sql: str

    def __str__(self) -> str:
        return f"line {self.line}: {' '.join(self.sql.split())[:60]}"


@dataclass(frozen=True)
class Migration:
    """One file of the folder `migrations`."""

    version: int
    name: str
    checksum: str
    statements: tuple[Statement, ...]


class Entry(TypedDict):
    """What the ledger says of a migration; `applied_at` is None while it is not complete."""

    version: int
    name: str
    checksum: str
    statements_done: int
    applied_at: int | None


@dataclass(frozen=True)
class Pending:
    """A migration that is still to be applied, `done` of its statements being in place already."""

    migration: Migration
    done: int | None  # None: not begun, so it has no row in the ledger

    @property
    def statements(self) -> list[tuple[int, Statement]]:
        """What is left to do, with the number that each statement has in its file."""
        return list(enumerate(self.migration.statements, 1))[self.done or 0 :]


def split(sql: str) -> list[Statement]:
    """The statements of a script, without their comments. Raises `MigrationError`."""
    statements: list[Statement] = []
    text, start = "", 0
    for token in _TOKEN.finditer(sql + "\n;"):
        kind, part = token.lastgroup, token.group()
        if kind == "open":
            line = sql.count("\n", 0, token.start()) + 1
            raise MigrationError(f"line {line}: a quote or comment is not closed")
        if kind == "end":
            if text.strip():
                statements.append(Statement(sql.count("\n", 0, start) + 1, text.strip()))
            text = ""
            continue
        if kind == "comment":
            part = " "
        if not text.strip() and part.strip():
            start = token.start() + len(part) - len(part.lstrip())
        text += part
    return statements


@lru_cache(maxsize=4)
def load(folder: Path = FOLDER) -> tuple[Migration, ...]:
    """All migrations in order. Raises `MigrationError` for a file that cannot be one."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        number = re.match(r"(\d+)_", path.name)
        if number is None:
            raise MigrationError(f"{path.name}: the name must begin with a number, as in 002_quiz.sql")
        version = int(number[1])
        if version in found:
            raise MigrationError(f"{path.name}: {found[version].name} has the same number")
        # Read as text, so that other line ends, which uploading may leave, are no edit.
        text = path.read_text(encoding="utf-8")
        try:
            statements = tuple(split(text))
        except MigrationError as error:
            raise MigrationError(f"{path.name}, {error}") from None
        found[version] = Migration(version, path.name, hashlib.sha256(text.encode()).hexdigest(), statements)
    return tuple(migration for _, migration in sorted(found.items()))


def pending(connection: Connection, migrations: tuple[Migration, ...]) -> list[Pending]:
    """What is still to be applied. Raises `MigrationError` if an applied file was edited or is missing."""
    ledger = {entry["version"]: entry for entry in _ledger(connection)}
    for version in ledger.keys() - {migration.version for migration in migrations}:
        raise MigrationError(f"{ledger[version]['name']} was applied, but the file is missing: put it back")
    found: list[Pending] = []
    for migration in migrations:
        row = ledger.get(migration.version)
        if row and row["checksum"] != migration.checksum:
            raise MigrationError(
                f"{migration.name} was edited after it was applied: restore it, put changes into a new file"
            )
        if row is None:
            found.append(Pending(migration, None))
        elif row["applied_at"] is None:
            found.append(Pending(migration, row["statements_done"]))
    return found


def is_behind(database: Database, folder: Path = FOLDER) -> bool:
    """Whether a migration has not been applied. Needs no more than SELECT. Raises `Unavailable`."""
    applied = {row["version"] for row in database.read(_ledger) if row["applied_at"] is not None}
    return any(migration.version not in applied for migration in load(folder))


def ahead(database: Database, folder: Path = FOLDER) -> list[str]:
    """Applied migrations of a newer release, by name: what a rollback leaves. Raises `Unavailable`."""
    newest = max((migration.version for migration in load(folder)), default=0)
    return [row["name"] for row in database.read(_ledger) if row["version"] > newest]


def warn_if_behind(app: Flask, url: str) -> None:
    """One line in the log at the start, if the database is not ready.

    On a connection of its own, closed again: a server may fork after loading the app.
    """
    database = Database(url)
    try:
        if is_behind(database):
            app.logger.warning("the database schema is behind: run `python -m party migrate`")
    except Unavailable:
        app.logger.warning("the database cannot be reached: requests answer 503 until it can")
    finally:
        database.close()


def plan(url: str, folder: Path = FOLDER) -> list[Pending]:
    """What `migrate` would do."""
    with Database(url).connection() as connection:
        return pending(connection, load(folder))


def migrate(url: str, folder: Path = FOLDER) -> Iterator[str]:
    """Apply what is pending and tell, line by line, what is being done. Raises `MigrationError`."""
    database = Database(url)
    database.engine.answer_timeout_seconds = None
    try:
        with database.connection() as connection:
            # Whoever may read can find out that there is nothing to do.
            if not pending(connection, load(folder)):
                yield UP_TO_DATE
                return
            with connection.alone():
                connection.run(LEDGER)
                todo = pending(connection, load(folder))
                for step in todo:
                    yield from _apply(connection, step, database.engine.auto_increment)
        yield UP_TO_DATE if not todo else f"{len(todo)} applied."
    except TimeoutError:
        raise MigrationError("another migration is running: wait for it and try again") from None
    except (Refused, database.engine.errors) as error:
        # Most likely these are the app's credentials, which may not change tables.
        raise MigrationError(
            f"{error.__cause__ or error} (the admin's credentials go into --database-url)"
        ) from error
    finally:
        database.close()


def _apply(connection: Connection, step: Pending, auto_increment: str) -> Iterator[str]:
    migration, total = step.migration, len(step.migration.statements)
    if step.done is None:
        yield migration.name
        connection.run(
            """
            INSERT INTO party_schema_migrations (version, name, checksum, statements_done, applied_at)
            VALUES (:version, :name, :checksum, 0, NULL)
            """,
            version=migration.version,
            name=migration.name,
            checksum=migration.checksum,
        )
    else:
        yield f"{migration.name}: was interrupted after statement {step.done} of {total}, going on behind it"
    for number, statement in step.statements:
        try:
            connection.run(dialect(statement, auto_increment))
        except Exception as error:
            raise MigrationError(
                _how_to_go_on(migration, number, statement, error.__cause__ or error)
            ) from error
        connection.run(_DONE, version=migration.version, done=number)
    connection.run(_APPLIED, version=migration.version, now=clock.now_ms())


_DONE = "UPDATE party_schema_migrations SET statements_done = :done WHERE version = :version"
_APPLIED = "UPDATE party_schema_migrations SET applied_at = :now WHERE version = :version"


def _how_to_go_on(migration: Migration, number: int, statement: Statement, error: BaseException) -> str:
    mark = _literal(_DONE, done=number, version=migration.version)
    return (
        f"{migration.name} stopped at statement {number} of {len(migration.statements)} ({statement}):\n"
        f"    {error}\n"
        "On MySQL the statements before it are in place. Remove the cause and migrate again: it goes on\n"
        "with this statement. If its effect is there already, because an earlier run was killed just\n"
        "then, mark it as done first:\n"
        f"    {mark}"
    )


def script(steps: list[Pending], now: int) -> str:
    """The pending migrations as one MySQL script for phpMyAdmin or the client, the ledger included.

    It keeps the ledger after every statement, so that `migrate` can go on where a script broke off.
    """
    lines = [LEDGER + ";"]
    for step in steps:
        migration = step.migration
        lines.append(f"\n-- {migration.name}")
        if step.done is None:
            lines.append(
                "INSERT INTO party_schema_migrations (version, name, checksum, statements_done, applied_at) "
                f"VALUES ({migration.version}, '{migration.name}', '{migration.checksum}', 0, NULL);"
            )
        for number, statement in step.statements:
            lines.append(dialect(statement, MySQL.auto_increment) + ";")
            lines.append(_literal(_DONE, done=number, version=migration.version))
        lines.append(_literal(_APPLIED, now=now, version=migration.version))
    return _as_script(lines)


def skipping_script(migrations: Sequence[Migration], now: int) -> str:
    """As `script`, for a database that nobody here can look into: what its ledger has is skipped.

    It can be run at any time and any number of times, and goes on where an earlier run broke off.
    """
    lines = [LEDGER + ";"]
    for migration in migrations:
        lines.append(f"\n-- {migration.name}")
        lines.append(
            "INSERT IGNORE INTO party_schema_migrations (version, name, checksum, statements_done) "
            f"VALUES ({migration.version}, '{migration.name}', '{migration.checksum}', 0);"
        )
        done = f"SELECT statements_done FROM party_schema_migrations WHERE version = {migration.version}"
        for number, statement in enumerate(migration.statements, 1):
            text = dialect(statement, MySQL.auto_increment).replace("\\", "\\\\").replace("'", "''")
            lines.append(f"SET @party = IF(({done}) < {number}, '{text}', 'DO 0');")
            lines.append("PREPARE party FROM @party; EXECUTE party; DEALLOCATE PREPARE party;")
            mark = _literal(_DONE, done=number, version=migration.version)
            lines.append(f"{mark[:-1]} AND statements_done < {number};")
        lines.append(f"{_literal(_APPLIED, now=now, version=migration.version)[:-1]} AND applied_at IS NULL;")
    return _as_script(lines)


def _as_script(lines: list[str]) -> str:
    """Statements behind those that set what they rely on."""
    session = ["SET NAMES utf8mb4;", f"{session_settings(MIGRATION_WAIT_SECONDS)};", f"{ISOLATION};"]
    return "\n".join([*session, *lines, ""])


def _literal(sql: str, **numbers: int) -> str:
    return re.sub(r":(\w+)", lambda name: str(numbers[name[1]]), sql) + ";"


def dialect(statement: Statement, auto_increment: str) -> str:
    """The statement as an engine with this word understands it."""
    return re.sub(r"\bAUTO_INCREMENT\b", auto_increment, statement.sql)


def _ledger(connection: Connection) -> list[Entry]:
    try:
        rows = connection.all(f"SELECT {columns(Entry)} FROM party_schema_migrations ORDER BY version")
    except SchemaBehind:
        return []
    return cast(list[Entry], rows)
