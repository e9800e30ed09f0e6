"""The doctor looks at the tables themselves, whatever the ledger says of them."""

import re
import sqlite3
from collections.abc import Callable

import pytest

from party.db.migrate import migrate
from party.ops.doctor.tables import expected
from tests.ops.test_doctor import Deployment
from tests.ops.test_doctor import deployment as deployment
from tests.support.mariadb import DatabaseUrls, MariaDB

Execute = Callable[..., None]


@pytest.fixture
def execute(engine: str, empty_database: DatabaseUrls, request: pytest.FixtureRequest) -> Execute:
    """Runs statements in a database that has just been migrated, past the migrations."""
    list(migrate(empty_database.admin))

    def run(*statements: str) -> None:
        if engine == "mariadb":
            server: MariaDB = request.getfixturevalue("mariadb")
            server.execute("SET foreign_key_checks = 0", *statements, database="party_empty")
            return
        with sqlite3.connect(empty_database.admin.removeprefix("sqlite:///")) as connection:
            for statement in statements:
                connection.execute(re.sub(r"(DROP INDEX \w+) ON \w+", r"\1", statement))

    return run


@pytest.mark.parametrize(
    ("statement", "lacks", "advice"),
    [
        ("DROP TABLE party_sent", "table party_sent", "Restore"),
        ("DROP TABLE party_rate_limits", "table party_rate_limits", "Restore"),
        ("ALTER TABLE party_rooms DROP COLUMN started_at", "column party_rooms.started_at", "Restore"),
        ("ALTER TABLE party_days RENAME COLUMN joins TO entries", "column party_days.joins", "Restore"),
        (
            "DROP INDEX party_rooms_end ON party_rooms",
            "index party_rooms_end",
            "CREATE INDEX party_rooms_end ON party_rooms (ended_at);",
        ),
        (
            "DROP INDEX party_participants_token ON party_participants",
            "index party_participants_token",
            "CREATE UNIQUE INDEX party_participants_token ON party_participants (token_hash);",
        ),
    ],
)
def test_what_somebody_dropped_is_seen(
    deployment: Deployment,
    empty_database: DatabaseUrls,
    execute: Execute,
    statement: str,
    lacks: str,
    advice: str,
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    assert deployment.examine()["schema"].status == "ok"
    execute(statement)
    found = deployment.examine()["schema"]
    assert (found.status, found.found) == (
        "failed",
        f"the migrations have been applied, but there is no {lacks}",
    )
    assert advice in found.advice


def test_an_index_that_is_no_longer_unique_is_seen(
    deployment: Deployment, empty_database: DatabaseUrls, execute: Execute
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    execute(
        "DROP INDEX party_rooms_code ON party_rooms", "CREATE INDEX party_rooms_code ON party_rooms (code)"
    )
    assert deployment.examine()["schema"].found.endswith("there is no index party_rooms_code")


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_keys_that_an_import_lost_are_seen(
    deployment: Deployment, empty_database: DatabaseUrls, execute: Execute
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    execute("ALTER TABLE party_sent DROP PRIMARY KEY, DROP FOREIGN KEY party_sent_ibfk_1")
    assert deployment.examine()["schema"].found.endswith(
        "there is no primary key of party_sent, foreign key party_sent.room_id"
    )


def test_more_than_the_migrations_make_does_not_matter(
    deployment: Deployment, empty_database: DatabaseUrls, execute: Execute
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    execute(
        "CREATE TABLE party_notes (id INTEGER PRIMARY KEY)",
        "ALTER TABLE party_days ADD COLUMN note INTEGER NULL",
        "CREATE INDEX more ON party_days (note)",
    )
    assert deployment.examine()["schema"].status == "ok"


def test_what_is_expected_is_what_the_files_make() -> None:
    made = expected()
    assert made.primary_keys["party_signaling"] == ("room_id", "to_id", "seq")
    assert made.indexes["party_rooms", ("due_at",), False] == "party_rooms_due"
    assert ("party_sent", "room_id", "party_rooms") in made.foreign_keys
    assert "moved_at" in made.columns["party_rooms"]
