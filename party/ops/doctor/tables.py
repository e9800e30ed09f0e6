"""What tables a database has, beside those that the migrations make.

The migrations are run in a SQLite database in memory, and its names are what any other must have.
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from party.db import Database, Row
from party.db.migrate import LEDGER, dialect, load
from party.db.sqlite import SQLite

Ask = Callable[[str], list[Row]]

_SQLITE = {
    "columns": """
        SELECT t.name AS owner, c.name AS name, c.pk AS pk
        FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY c.pk
    """,
    "indexes": """
        SELECT t.name AS owner, i.name AS name, i."unique" AS is_unique, c.name AS part
        FROM sqlite_master t JOIN pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
        WHERE t.type = 'table' AND i.origin <> 'pk' ORDER BY i.name, c.seqno
    """,
    "keys": """
        SELECT t.name AS owner, f."from" AS name, f."table" AS target
        FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f WHERE t.type = 'table'
    """,
}
_MYSQL = {
    "columns": """
        SELECT c.TABLE_NAME AS owner, c.COLUMN_NAME AS name, COALESCE(s.SEQ_IN_INDEX, 0) AS pk
        FROM information_schema.COLUMNS c LEFT JOIN information_schema.STATISTICS s
            ON s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME
            AND s.COLUMN_NAME = c.COLUMN_NAME AND s.INDEX_NAME = 'PRIMARY'
        WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME LIKE 'party%' ORDER BY pk
    """,
    "indexes": """
        SELECT TABLE_NAME AS owner, INDEX_NAME AS name, 1 - NON_UNIQUE AS is_unique, COLUMN_NAME AS part
        FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = DATABASE() AND INDEX_NAME <> 'PRIMARY' AND TABLE_NAME LIKE 'party%'
        ORDER BY INDEX_NAME, SEQ_IN_INDEX
    """,
    "keys": """
        SELECT TABLE_NAME AS owner, COLUMN_NAME AS name, REFERENCED_TABLE_NAME AS target
        FROM information_schema.KEY_COLUMN_USAGE
        WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_NAME IS NOT NULL AND TABLE_NAME LIKE 'party%'
    """,
}


@dataclass
class Tables:
    """Columns, primary keys, indexes and foreign keys by their tables."""

    columns: dict[str, set[str]] = field(default_factory=dict)
    primary_keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # (table, columns, unique): the index's name.
    indexes: dict[tuple[str, tuple[str, ...], bool], str] = field(default_factory=dict)
    foreign_keys: set[tuple[str, str, str]] = field(default_factory=set)


def _read(ask: Ask, queries: dict[str, str]) -> Tables:
    found = Tables()
    for row in ask(queries["columns"]):
        found.columns.setdefault(row["owner"], set()).add(row["name"])
        if row["pk"]:
            keys = found.primary_keys
            keys[row["owner"]] = (*keys.get(row["owner"], ()), row["name"])
    parts: dict[tuple[str, str, bool], tuple[str, ...]] = {}
    for row in ask(queries["indexes"]):
        index = (row["owner"], row["name"], bool(row["is_unique"]))
        parts[index] = (*parts.get(index, ()), row["part"])
    found.indexes = {(owner, columns, unique): name for (owner, name, unique), columns in parts.items()}
    found.foreign_keys = {(row["owner"], row["name"], row["target"]) for row in ask(queries["keys"])}
    return found


def existing(database: Database) -> Tables:
    """What the database has."""
    return _read(database.all, _SQLITE if isinstance(database.engine, SQLite) else _MYSQL)


def expected() -> Tables:
    """What the migrations make, and the ledger."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = lambda cursor, row: {
        column[0]: value for column, value in zip(cursor.description, row, strict=True)
    }
    try:
        connection.execute(LEDGER)
        for migration in load():
            for statement in migration.statements:
                connection.execute(dialect(statement, SQLite.auto_increment))
        made = _read(lambda sql: connection.execute(sql).fetchall(), _SQLITE)
    finally:
        connection.close()
    made.columns.pop("sqlite_sequence", None)
    return made


def missing(database: Database) -> tuple[list[str], list[str]]:
    """What the migrations make and this database lacks, and the SQL for what can be made again unharmed."""
    wanted, there = expected(), existing(database)
    tables = [table for table in wanted.columns if table not in there.columns]
    lacks = [f"table {table}" for table in tables]
    lacks += [
        f"column {table}.{column}"
        for table, columns in wanted.columns.items()
        for column in sorted(columns - there.columns.get(table, columns))
    ]
    lacks += [
        f"primary key of {table}"
        for table, key in wanted.primary_keys.items()
        if table not in tables and there.primary_keys.get(table) != key
    ]
    lacks += [
        f"foreign key {table}.{column}"
        for table, column, target in sorted(wanted.foreign_keys - there.foreign_keys)
        if table not in tables
    ]
    indexes = [
        name for key, name in wanted.indexes.items() if key not in there.indexes and key[0] not in tables
    ]
    statements = [statement.sql for migration in load() for statement in migration.statements]
    mending = [
        f"{sql};"
        for name in indexes
        for sql in statements
        if re.match(rf"CREATE (UNIQUE )?INDEX {name}\b", sql)
    ]
    return [*lacks, *(f"index {name}" for name in indexes)], [] if lacks else mending
