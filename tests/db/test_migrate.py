"""`python -m party migrate`: the ledger, two admins at once, interruptions, the script for phpMyAdmin."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeAlias

import pytest

import party
from party.config import load_settings
from party.db import Database
from party.db.migrate import FOLDER, LEDGER, MigrationError, load, migrate, split
from tests.conftest import GENEROUS, MakeApp
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.peers import Api
from tests.support.processes import die_with_parent, free_port, needs
from tests.support.server import ROOT

LEDGER_TABLE = "party_schema_migrations"
BEHIND = "the database schema is behind"


@pytest.fixture
def empty_mariadb(mariadb: MariaDB) -> Iterator[DatabaseUrls]:
    """An empty database of its own, for what only MariaDB can do or suffer."""
    yield mariadb.create_database("party_bare")
    mariadb.execute(
        "DROP DATABASE party_bare",
        "DROP USER party_bare_admin@'127.0.0.1'",
        "DROP USER party_bare_app@'127.0.0.1'",
    )


def shipped_tables() -> set[str]:
    """What the project's own migrations create, read without its parser; and the ledger."""
    text = "\n".join(path.read_text() for path in FOLDER.glob("*.sql"))
    return {LEDGER_TABLE, *re.findall(r"^CREATE TABLE (\w+)", text, re.MULTILINE)}


def rows(url: str, sql: str) -> list[dict[str, Any]]:
    """What a query finds, on a connection that is closed again."""
    with closing(Database(url)) as database:
        return database.all(sql)


def tables(url: str) -> set[str]:
    """The names of all tables."""
    catalog, condition = (
        ("information_schema.tables", "table_schema = DATABASE()")
        if url.startswith("mysql")
        else (
            "(SELECT name AS table_name FROM sqlite_master WHERE type = 'table')",
            "table_name NOT LIKE 'sqlite%'",
        )
    )
    found = rows(url, f"SELECT table_name AS name FROM {catalog} WHERE {condition}")
    return {row["name"] for row in found}


def ledger(url: str) -> list[dict[str, Any]]:
    """All rows of the ledger."""
    return rows(url, f"SELECT * FROM {LEDGER_TABLE} ORDER BY version")


MakeFolder = Callable[..., Path]
Process: TypeAlias = "subprocess.Popen[str]"


@pytest.fixture
def folder(tmp_path: Path) -> MakeFolder:
    """Makes a folder of migrations: `folder({"001_a.sql": "..."})`. Each is new, for `load` remembers."""
    made: list[Path] = []

    def make(files: dict[str, str]) -> Path:
        made.append(tmp_path / f"migrations-{len(made)}")
        made[-1].mkdir()
        for name, text in files.items():
            (made[-1] / name).write_bytes(text.encode())
        return made[-1]

    return make


class Installation:
    """A copy of the program whose migrations a test may change, run as the admin does."""

    def __init__(self, root: Path) -> None:
        self.migrations = root / "migrations"
        self._root = root
        shutil.copytree(ROOT / "party", root / "party")
        shutil.copytree(ROOT / "migrations", self.migrations)

    def start(self, url: str, *arguments: str, how: tuple[str, ...] = ("-m", "party")) -> Process:
        """`python -m party ARGUMENTS`, running."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PARTY_")}
        return subprocess.Popen(
            [sys.executable, *how, *arguments],
            cwd=self._root,
            env={**environment, "PARTY_DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )

    def race(self, url: str, runners: int) -> list[Process]:
        """So many times `python -m party migrate`, all at the same moment."""
        ready = "import sys; from party.commands import main; print(flush=True); sys.stdin.readline(); main()"
        running = [self.start(url, "migrate", how=("-c", ready)) for _ in range(runners)]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return running

    def run(self, url: str, *arguments: str) -> tuple[int, str, str]:
        """The same to its end: exit status, output, errors."""
        process = self.start(url, *arguments)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """A copy of the program."""
    return Installation(tmp_path / "installation")


# From nothing to the newest schema


def test_migrating_an_empty_database_creates_every_table_and_the_ledger(empty_database: DatabaseUrls) -> None:
    list(migrate(empty_database.admin))
    assert tables(empty_database.admin) == shipped_tables()
    files = sorted(path.name for path in FOLDER.glob("*.sql"))
    assert [row["name"] for row in ledger(empty_database.admin)] == files
    assert all(row["applied_at"] and len(row["checksum"]) == 64 for row in ledger(empty_database.admin))


def test_migrating_again_does_nothing_and_says_so(empty_database: DatabaseUrls) -> None:
    list(migrate(empty_database.admin))
    before = ledger(empty_database.admin)
    assert list(migrate(empty_database.admin)) == ["The schema is up to date."]
    assert ledger(empty_database.admin) == before


def test_a_new_file_is_applied_without_repeating_the_old_ones(
    empty_database: DatabaseUrls, folder: MakeFolder
) -> None:
    first = {"001_a.sql": "CREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);"}
    list(migrate(empty_database.admin, folder(first)))
    list(migrate(empty_database.admin, folder(first | {"002_b.sql": "INSERT INTO a VALUES (2);"})))
    assert [row["n"] for row in rows(empty_database.admin, "SELECT n FROM a ORDER BY n")] == [1, 2]


def test_files_are_applied_in_the_order_of_their_numbers(
    empty_database: DatabaseUrls, folder: MakeFolder
) -> None:
    files = {
        "10_c.sql": "DROP TABLE b;",
        "2_b.sql": "CREATE TABLE b (n INTEGER);",
        "9_a.sql": "DELETE FROM b;",
    }
    list(migrate(empty_database.admin, folder(files)))
    assert [row["version"] for row in ledger(empty_database.admin)] == [2, 9, 10]


# The ledger's checksums


def test_an_edited_file_is_refused_by_name(empty_database: DatabaseUrls, folder: MakeFolder) -> None:
    list(migrate(empty_database.admin, folder({"001_a.sql": "CREATE TABLE a (n INTEGER);"})))
    edited = folder({"001_a.sql": "CREATE TABLE a (n BIGINT);", "002_b.sql": "CREATE TABLE b (n INTEGER);"})
    with pytest.raises(MigrationError, match=r"001_a\.sql was edited"):
        list(migrate(empty_database.admin, edited))
    assert tables(empty_database.admin) == {"a", LEDGER_TABLE}


def test_a_missing_file_is_refused_by_name(empty_database: DatabaseUrls, folder: MakeFolder) -> None:
    both = {"001_a.sql": "CREATE TABLE a (n INTEGER);", "002_b.sql": "CREATE TABLE b (n INTEGER);"}
    list(migrate(empty_database.admin, folder(both)))
    remaining = folder({"002_b.sql": both["002_b.sql"], "003_c.sql": "CREATE TABLE c (n INTEGER);"})
    with pytest.raises(MigrationError, match=r"001_a\.sql .*missing"):
        list(migrate(empty_database.admin, remaining))
    assert tables(empty_database.admin) == {"a", "b", LEDGER_TABLE}


def test_line_ends_changed_by_an_upload_are_no_edit(empty_database: DatabaseUrls, folder: MakeFolder) -> None:
    text = "-- First.\nCREATE TABLE a (n INTEGER);\n"
    list(migrate(empty_database.admin, folder({"001_a.sql": text})))
    uploaded = folder({"001_a.sql": text.replace("\n", "\r\n")})
    assert list(migrate(empty_database.admin, uploaded)) == ["The schema is up to date."]


def test_two_files_with_one_number_are_refused(folder: MakeFolder) -> None:
    with pytest.raises(MigrationError, match=r"001_a\.sql has the same number"):
        load(folder({"001_a.sql": "SELECT 1", "001_b.sql": "SELECT 1"}))


def test_a_file_without_a_number_is_refused(folder: MakeFolder) -> None:
    with pytest.raises(MigrationError, match=r"rooms\.sql: the name must begin with a number"):
        load(folder({"rooms.sql": "SELECT 1"}))


# Two admins at once


ADMINS = 4


def test_admins_who_migrate_at_once_do_not_collide_and_each_statement_runs_once(
    empty_database: DatabaseUrls, installation: Installation
) -> None:
    rows_added = "".join(f"INSERT INTO marks VALUES ({n});\n" for n in range(5))
    (installation.migrations / "900_marks.sql").write_text(f"CREATE TABLE marks (n INTEGER);\n{rows_added}")
    racing = installation.race(empty_database.admin, ADMINS)
    ends = [(process.communicate(timeout=60), process.returncode) for process in racing]
    assert [(errors, status) for (_, errors), status in ends] == [("", 0)] * ADMINS
    assert sorted(output.splitlines()[-1] for (output, _), _ in ends) == sorted(
        [f"{len(ledger(empty_database.admin))} applied.", *["The schema is up to date."] * (ADMINS - 1)]
    )
    assert [row["n"] for row in rows(empty_database.admin, "SELECT n FROM marks ORDER BY n")] == [*range(5)]
    assert tables(empty_database.admin) == {*shipped_tables(), "marks"}


# Interruptions

BROKEN = """-- A file that meets an obstacle.
CREATE TABLE a (n INTEGER);

/* The next one
   finds its table taken. */
INSERT INTO a VALUES (1);
CREATE TABLE obstacle (n INTEGER);
INSERT INTO a VALUES (2);
"""


def test_a_failing_statement_says_where_the_file_stopped_and_going_on_works(
    empty_database: DatabaseUrls, installation: Installation
) -> None:
    url = empty_database.admin
    with closing(Database(url)) as database, database.connection() as connection:
        connection.run("CREATE TABLE obstacle (other INTEGER)")
    for path in installation.migrations.glob("*.sql"):
        path.unlink()
    (installation.migrations / "007_broken.sql").write_text(BROKEN)

    status, _, errors = installation.run(url, "migrate")
    assert status == 1
    assert "Traceback" not in errors
    assert "007_broken.sql stopped at statement 3 of 4 (line 7: CREATE TABLE obstacle" in errors
    assert "already exists" in errors
    assert "migrate again" in errors

    with closing(Database(url)) as database, database.connection() as connection:
        connection.run("DROP TABLE obstacle")
    status, output, errors = installation.run(url, "migrate")
    assert (status, errors) == (0, "")
    assert output.splitlines()[-1] == "1 applied."
    assert [row["n"] for row in rows(url, "SELECT n FROM a ORDER BY n")] == [1, 2]
    assert tables(url) == {"a", "obstacle", LEDGER_TABLE}


def test_sqlite_undoes_a_file_that_fails(tmp_path: Path, folder: MakeFolder) -> None:
    url = f"sqlite:///{tmp_path}/all-or-nothing.sqlite3"
    files = folder({"001_a.sql": "CREATE TABLE a (n INTEGER); INSERT INTO nothing VALUES (1);"})
    with pytest.raises(MigrationError, match="statement 2 of 2"):
        list(migrate(url, files))
    assert tables(url) == set()


def kill_asleep(mariadb: MariaDB, process: Process) -> None:
    """kill -9 a migration once it has come to a SLEEP, and undo the statement that sleeps."""
    running = "SELECT id FROM information_schema.processlist WHERE db = 'party_bare' AND state = 'User sleep'"
    deadline = time.monotonic() + 30
    while not (found := mariadb.query(running)):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    mariadb.execute(f"KILL {found[0]['id']}")


def test_a_run_killed_between_statements_goes_on_behind_the_last_one(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    (installation.migrations / "900_long.sql").write_text(
        "CREATE TABLE marks (n INTEGER);\nINSERT INTO marks VALUES (1);\n"
        "INSERT INTO marks SELECT 2 FROM (SELECT SLEEP((SELECT seconds FROM pause))) AS waited;\n"
    )
    mariadb.execute(
        "CREATE TABLE pause (seconds INTEGER)", "INSERT INTO pause VALUES (100)", database="party_bare"
    )
    process = installation.start(empty_mariadb.admin, "migrate")
    kill_asleep(mariadb, process)

    mariadb.execute("UPDATE pause SET seconds = 0", database="party_bare")
    status, output, errors = installation.run(empty_mariadb.admin, "migrate")
    assert (status, errors) == (0, "")
    assert output.splitlines() == [
        "900_long.sql: was interrupted after statement 2 of 3, going on behind it",
        "1 applied.",
    ]
    assert [row["n"] for row in rows(empty_mariadb.admin, "SELECT n FROM marks ORDER BY n")] == [1, 2]


def test_a_run_killed_before_it_noted_a_statement_says_how_to_note_it(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    for path in installation.migrations.glob("*.sql"):
        path.unlink()
    (installation.migrations / "001_a.sql").write_text(
        "CREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n"
    )
    mariadb.execute(
        LEDGER,
        f"CREATE TRIGGER slow BEFORE UPDATE ON {LEDGER_TABLE} FOR EACH ROW DO SLEEP(100)",
        database="party_bare",
    )
    process = installation.start(empty_mariadb.admin, "migrate")
    kill_asleep(mariadb, process)
    mariadb.execute("DROP TRIGGER slow", database="party_bare")

    status, _, errors = installation.run(empty_mariadb.admin, "migrate")
    assert status == 1
    assert "001_a.sql stopped at statement 1 of 2 (line 1: CREATE TABLE a" in errors
    [advice] = [line.strip() for line in errors.splitlines() if line.strip().startswith("UPDATE")]
    mariadb.execute(advice.removesuffix(";"), database="party_bare")
    status, _, errors = installation.run(empty_mariadb.admin, "migrate")
    assert (status, errors) == (0, "")
    assert len(rows(empty_mariadb.admin, "SELECT n FROM a")) == 1


# Splitting a file into statements


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1; SELECT 2", ["SELECT 1", "SELECT 2"]),
        ("", []),
        (" ;\n; -- nothing; here\n;", []),
        ("-- a comment\nSELECT 1;", ["SELECT 1"]),
        ("# a comment; with an end\nSELECT 1;", ["SELECT 1"]),
        ("/* a comment; with an end\n*/ SELECT 1;", ["SELECT 1"]),
        ("SELECT 1 -- it's; no end\n+ 1;", ["SELECT 1  \n+ 1"]),
        ("SELECT 1;-- at the very end", ["SELECT 1"]),
        ("SELECT 1;--", ["SELECT 1"]),
        ("SELECT 5--1;", ["SELECT 5--1"]),
        ("SELECT 'a;b'; SELECT 2", ["SELECT 'a;b'", "SELECT 2"]),
        ("SELECT 'it''s;'; SELECT 2", ["SELECT 'it''s;'", "SELECT 2"]),
        ("SELECT 'it\\'s;'; SELECT 2", ["SELECT 'it\\'s;'", "SELECT 2"]),
        ("SELECT '\\\\'; SELECT 2", ["SELECT '\\\\'", "SELECT 2"]),
        ('SELECT "a;\'b"; SELECT 2', ['SELECT "a;\'b"', "SELECT 2"]),
        ("SELECT 1 AS `a;b`; SELECT 2", ["SELECT 1 AS `a;b`", "SELECT 2"]),
        ("SELECT '-- no comment'; SELECT '/*', '#'", ["SELECT '-- no comment'", "SELECT '/*', '#'"]),
        ("SELECT 1 /*! + 1; */; SELECT 2", ["SELECT 1 /*! + 1; */", "SELECT 2"]),
        ("/*!40101 SET NAMES utf8mb4 */;", ["/*!40101 SET NAMES utf8mb4 */"]),
        ("SELECT 6 / 3 - 1;", ["SELECT 6 / 3 - 1"]),
    ],
)
def test_a_file_is_split_where_a_statement_ends(script: str, expected: list[str]) -> None:
    assert [statement.sql for statement in split(script)] == expected


def test_a_statement_knows_the_line_on_which_it_begins() -> None:
    script = "-- one\n\nSELECT 1;\n/* four\nfive */ SELECT\n2; SELECT 3;\n\n  # eight\nSELECT 4"
    assert [statement.line for statement in split(script)] == [3, 5, 6, 9]


@pytest.mark.parametrize("opened", ["'", '"', "`", "/* ", "/*! "])
def test_an_unclosed_quote_or_comment_is_refused_with_its_file_and_line(
    opened: str, folder: MakeFolder
) -> None:
    files = folder({"003_c.sql": f"SELECT 1;\nSELECT 2, {opened}never closed;\n"})
    with pytest.raises(MigrationError, match=r"003_c\.sql, line 2: .*not closed"):
        load(files)


def test_what_a_file_says_reaches_the_database_unchanged(
    empty_database: DatabaseUrls, folder: MakeFolder
) -> None:
    text = """
        -- begins with a comment; which is no reason to drop it
        CREATE TABLE texts (t VARCHAR(200)) /*! ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 */;
        INSERT INTO texts VALUES ('50% of :name; -- "all" /* of */ # it''s 🎉');
    """
    list(migrate(empty_database.admin, folder({"001_a.sql": text})))
    expected = '50% of :name; -- "all" /* of */ # it\'s 🎉'
    assert rows(empty_database.admin, "SELECT t FROM texts") == [{"t": expected}]


# The script for phpMyAdmin or the client


def pipe_into_client(mariadb: MariaDB, script: str) -> None:
    """Feed a script to MariaDB's own client, which stops at the first error."""
    client = needs("mariadb", "mariadb-client")
    command = [client, "--no-defaults", f"--socket={mariadb.socket}", "--user=root", "party_bare"]
    done = subprocess.run(command, input=script.encode(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def columns(url: str) -> list[dict[str, Any]]:
    """Everything that the server knows about the tables' columns."""
    return rows(
        url,
        "SELECT table_name, column_name, column_type, collation_name, is_nullable, column_default, column_key"
        " FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY 1, 2",
    )


def test_the_script_makes_of_an_empty_database_just_what_migrate_makes(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, migrated_mariadb: DatabaseUrls, installation: Installation
) -> None:
    status, script, errors = installation.run(empty_mariadb.admin, "migrate", "--sql")
    assert (status, errors) == (0, "")
    assert tables(empty_mariadb.admin) == set()
    pipe_into_client(mariadb, script)
    assert columns(empty_mariadb.admin) == columns(migrated_mariadb.admin)
    assert all(row["applied_at"] for row in ledger(empty_mariadb.admin))
    assert list(migrate(empty_mariadb.admin)) == ["The schema is up to date."]


def test_the_script_goes_on_where_a_half_migrated_database_stopped(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    mariadb.execute("CREATE TABLE party_sent (obstacle INTEGER)", database="party_bare")
    status, _, _ = installation.run(empty_mariadb.admin, "migrate")
    assert status == 1
    mariadb.execute("DROP TABLE party_sent", database="party_bare")
    status, script, errors = installation.run(empty_mariadb.app, "migrate", "--sql")
    assert (status, errors) == (0, "")
    assert "CREATE TABLE party_rooms" not in script
    pipe_into_client(mariadb, script)
    assert tables(empty_mariadb.admin) == shipped_tables()
    assert list(migrate(empty_mariadb.admin)) == ["The schema is up to date."]


def test_migrate_goes_on_where_the_script_broke_off(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    _, script, _ = installation.run(empty_mariadb.admin, "migrate", "--sql")
    head, found, _ = script.partition("CREATE TABLE party_events")
    assert found
    pipe_into_client(mariadb, head)
    assert "was interrupted after statement" in next(migrate(empty_mariadb.admin))
    list(migrate(empty_mariadb.admin))
    assert tables(empty_mariadb.admin) == shipped_tables()


def test_without_a_reachable_database_the_script_is_for_an_empty_one(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    nowhere = f"mysql://root@127.0.0.1:{free_port()}/party"
    status, script, errors = installation.run(nowhere, "migrate", "--sql")
    assert status == 0
    assert errors == "party: the database cannot be reached; the script is for an empty one\n"
    pipe_into_client(mariadb, script)
    assert list(migrate(empty_mariadb.admin)) == ["The schema is up to date."]


# Who may migrate


def test_the_app_user_may_do_exactly_four_things(mariadb: MariaDB, migrated_mariadb: DatabaseUrls) -> None:
    grants = [grant for row in rows(migrated_mariadb.app, "SHOW GRANTS") for grant in row.values()]
    heard = [re.sub(r" (TO|ON) ", r"|\1 ", grant).split("|")[:2] for grant in grants]
    assert heard == [
        ["GRANT USAGE", "ON *.*"],
        ["GRANT SELECT, INSERT, UPDATE, DELETE", "ON `party_shared`.*"],
    ]


def test_the_app_user_cannot_migrate_and_is_told_in_one_line(
    empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    status, output, errors = installation.run(empty_mariadb.app, "migrate")
    assert (status, output) == (1, "")
    assert len(errors.splitlines()) == 1, errors
    assert errors.startswith("party: ")
    assert "--database-url" in errors
    assert tables(empty_mariadb.admin) == set()


def test_the_admins_credentials_are_given_beside_the_apps(
    empty_mariadb: DatabaseUrls, installation: Installation
) -> None:
    status, _, errors = installation.run(empty_mariadb.app, "migrate", "--database-url", empty_mariadb.admin)
    assert (status, errors) == (0, "")
    assert tables(empty_mariadb.app) == shipped_tables()


def test_a_database_that_is_away_is_told_in_one_line(installation: Installation) -> None:
    status, output, errors = installation.run(f"mysql://root@127.0.0.1:{free_port()}/party", "migrate")
    assert (status, output) == (1, "")
    assert errors.startswith("party: the database cannot be reached")
    assert len(errors.splitlines()) == 1, errors


def test_a_dry_run_changes_nothing_and_says_what_would_be_done(
    empty_database: DatabaseUrls, installation: Installation
) -> None:
    (installation.migrations / "900_two.sql").write_text("-- Two.\nCREATE TABLE a (n INTEGER); DROP TABLE a;")
    status, output, errors = installation.run(empty_database.app, "migrate", "--dry-run")
    assert (status, errors) == (0, "")
    files = sorted(path.name for path in installation.migrations.glob("*.sql"))
    assert [line.partition(":")[0] for line in output.splitlines()] == files
    assert output.splitlines()[-1] == "900_two.sql: 2 statements"
    assert tables(empty_database.admin) == set()


# The app


def test_the_app_never_migrates_and_works_as_soon_as_the_admin_has(
    empty_database: DatabaseUrls, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = {"DATABASE_URL": empty_database.app, **GENEROUS}
    app = party.create_app(
        load_settings(tmp_path, {f"PARTY_{name}": str(value) for name, value in values.items()})
    )
    api = Api.of_app(app)
    try:
        assert [record.message for record in caplog.records if BEHIND in record.message] == [
            f"{BEHIND}: run `python -m party migrate`"
        ]
        health = api.request("GET", "/health")
        assert (health.status, health.code, health.error["message"]) == (503, "UNAVAILABLE", "schema")
        for method, path, body in [
            ("POST", "/rooms", {"hostName": "Hana"}),
            ("GET", "/rooms/ABCDEF", None),
            ("POST", "/rooms/ABCDEF/join", {"name": "Gus"}),
        ]:
            refused = api.request(method, path, body)
            assert (refused.status, refused.code) == (503, "UNAVAILABLE")
        refused = api.request("GET", "/signal/ABCDEF/someone", token="x" * 43)
        assert (refused.status, refused.code) == (503, "UNAVAILABLE")
        assert tables(empty_database.admin) == set()

        list(migrate(empty_database.admin))
        assert api.request("GET", "/health").data["schema"] == "current"
        host = api.create_room()
        assert host.poll().status == 200
        assert api.request("GET", f"/rooms/{host.code}").data["participantCount"] == 1
    finally:
        app.extensions["party.database"].close()


def test_a_half_migrated_database_is_behind(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, tmp_path: Path
) -> None:
    list(migrate(empty_mariadb.admin))
    mariadb.execute(
        f"UPDATE {LEDGER_TABLE} SET applied_at = NULL, statements_done = 0 ORDER BY version DESC LIMIT 1",
        database="party_bare",
    )
    environ = {"PARTY_DATABASE_URL": empty_mariadb.app, "PARTY_SECRET_KEY": "a key for tests"}
    app = party.create_app(load_settings(tmp_path, environ))
    health = Api.of_app(app).request("GET", "/health")
    app.extensions["party.database"].close()
    assert (health.status, health.error["message"]) == (503, "schema")


def test_an_app_on_a_current_schema_starts_without_a_warning(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    make_app()
    assert [record.message for record in caplog.records if record.name.startswith("party")] == []


def test_the_script_from_a_migration_on_skips_what_the_database_has(
    mariadb: MariaDB, empty_mariadb: DatabaseUrls, migrated_mariadb: DatabaseUrls, installation: Installation
) -> None:
    nowhere = f"mysql://root@127.0.0.1:{free_port()}/party"
    status, script, errors = installation.run(nowhere, "migrate", "--sql", "--from", "1")
    assert (status, errors) == (0, "")
    mariadb.execute("CREATE TABLE party_sent (obstacle INTEGER)", database="party_bare")
    status, _, _ = installation.run(empty_mariadb.admin, "migrate")
    assert status == 1
    mariadb.execute("DROP TABLE party_sent", database="party_bare")
    for _ in range(2):
        pipe_into_client(mariadb, script)
        assert columns(empty_mariadb.admin) == columns(migrated_mariadb.admin)
        assert list(migrate(empty_mariadb.admin)) == ["The schema is up to date."]
    _, later, _ = installation.run(nowhere, "migrate", "--sql", "--from", "9")
    assert "party_messages" in later
    assert "001_rooms" not in later
