"""The database layer: a bounded pool, work repeated as often as is safe, databases that go away."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pymysql
import pytest
from flask import Flask

import party.db
import party.db.engines
import party.db.mysql
from party import create_app
from party.config import load_settings
from party.db import Connection, Database, Duplicate
from party.db.migrate import migrate
from party.db.mysql import MySQL
from party.errors import Unavailable
from tests.conftest import GENEROUS, Clock, MakeApp
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.peers import Api, Seat

ON_MARIADB = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
APP_USER = "party_shared_app"
# "Quickly" on a machine that others use too.
QUICKLY_SECONDS = 6


@pytest.fixture
def days(database_url: str) -> Iterator[Database]:
    """A pool of one connection; the rows 'a' and 'b' of the simplest table stand at 0."""
    with closing(Database(database_url)) as database:
        database.write(lambda tx: tx.insert_many("party_days", [{"day": "a"}, {"day": "b"}]))
        yield database


def count(tx: Connection, day: str) -> None:
    """Add one to a row."""
    assert tx.run("UPDATE party_days SET rooms = rooms + 1 WHERE day = :day", day=day) == 1


def counted(database: Database) -> dict[str, int]:
    """The rows and their counts."""
    return {
        row["day"]: row["rooms"] for row in database.all("SELECT day, rooms FROM party_days ORDER BY day")
    }


def connections(server: MariaDB, user: str = APP_USER) -> list[int]:
    """The ids of a user's connections, as the server knows them."""
    found = server.query(f"SELECT id FROM information_schema.processlist WHERE user = '{user}'")
    return [row["id"] for row in found]


def kill(server: MariaDB, *ids: int) -> None:
    """End connections on the server's side and wait until they are gone."""
    server.execute(*(f"KILL {id}" for id in ids))
    wait_for(lambda: not set(ids) & set(connections(server)))


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


# Reading and writing


def test_what_a_transaction_wrote_is_there_and_what_a_failed_one_wrote_is_not(days: Database) -> None:
    days.write(lambda tx: count(tx, "a"))

    def fail(tx: Connection) -> None:
        count(tx, "b")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        days.write(fail)
    assert counted(days) == {"a": 1, "b": 0}


def test_a_taken_key_is_a_duplicate_and_undoes_its_transaction(days: Database) -> None:
    def take_again(tx: Connection) -> None:
        count(tx, "a")
        tx.insert("INSERT INTO party_days (day) VALUES (:day)", day="b")

    with pytest.raises(Duplicate):
        days.write(take_again)
    assert counted(days) == {"a": 0, "b": 0}


def test_an_update_counts_the_rows_it_found_even_where_nothing_changed(days: Database) -> None:
    assert days.write(lambda tx: tx.run("UPDATE party_days SET rooms = 0")) == 2
    assert days.write(lambda tx: tx.run("UPDATE party_days SET rooms = 0 WHERE day = :day", day="c")) == 0


def test_a_snapshot_sees_one_moment(days: Database, database_url: str) -> None:
    with closing(Database(database_url)) as other:

        def look_twice(tx: Connection) -> list[Any]:
            first = tx.one("SELECT rooms FROM party_days WHERE day = 'a'")
            other.write(lambda tx: count(tx, "a"))
            return [first, tx.one("SELECT rooms FROM party_days WHERE day = 'a'")]

        assert days.read(look_twice) == [{"rooms": 0}, {"rooms": 0}]
    assert counted(days)["a"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "50% of %s %(b)s %%",
        ":b ::b a:b",
        "'; DROP TABLE x; -- \"`",
        "\\' \\",
        "Zoë ß 漢字 🎉👩‍👩‍👧",
        "",
        " a ",
        "{b} ?1",
    ],
)
def test_any_text_comes_back_as_it_was(text: str, days: Database) -> None:
    assert days.one("SELECT '50%' AS a, :b AS b", b=text) == {"a": "50%", "b": text}


@pytest.mark.needs("quiz")
def test_any_text_comes_back_through_the_service_as_it_was(client: Api) -> None:
    name, text = "50% :id %s 'O\"Brien\\ 🎉", "line\n'%(x)s' :room_id \\n \" 🎉 \u0000 ; --"
    host = client.create_room(name, quizData={text: text})
    guest = client.join(host.code)
    host.send(guest, {"sdp": text})
    assert host.room["hostName"] == name
    assert host.room["quizData"] == {text: text}
    assert client.request("GET", f"/rooms/{host.code}").data["hostName"] == name
    assert [message["payload"] for message in guest.read()] == [{"sdp": text}]


@ON_MARIADB
def test_text_is_stored_as_utf8mb4(client: Api, mariadb: MariaDB) -> None:
    client.create_room("🎉 Zoë")
    stored = mariadb.query("SELECT HEX(name) AS hex FROM party_participants", database="party_shared")
    assert stored == [{"hex": "🎉 Zoë".encode().hex().upper()}]


# The pool


@ON_MARIADB
def test_the_pool_never_opens_more_connections_than_it_may(database_url: str, mariadb: MariaDB) -> None:
    size, threads = 3, 12
    seen: list[int] = []
    with closing(Database(database_url, size)) as database, ThreadPoolExecutor(threads) as pool:
        done = [
            pool.submit(database.read, lambda tx: tx.one("SELECT SLEEP(0.1) AS s")) for _ in range(threads)
        ]
        while not all(future.done() for future in done):
            seen.append(len(connections(mariadb)))
        assert [future.result() for future in done] == [{"s": 0}] * threads
        assert max(seen) == size
        assert len(connections(mariadb)) == size


def test_who_waits_too_long_for_a_connection_gets_503_and_then_it_works_again(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(DB_POOL_SIZE=2)
    api, database = Api.of_app(app), app.extensions["party.database"]
    monkeypatch.setattr(party.db, "POOL_WAIT_SECONDS", 0.05)
    with database.connection(), database.connection():
        for answer in (api.request("POST", "/rooms", {"hostName": "Hana"}), api.request("GET", "/health")):
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert int(answer.headers["Retry-After"]) >= 1
    assert api.create_room().poll().status == 200


def test_of_those_who_wait_for_a_connection_only_so_many_are_kept_waiting(
    days: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db, "POOL_WAIT_SECONDS", 60)
    most = party.db.MOST_WAITING
    with ThreadPoolExecutor(most + 20) as pool:
        with days.connection():
            waiting = [pool.submit(counted, days) for _ in range(most + 20)]
            refused = [future.exception() for future in islice(as_completed(waiting), 20)]
            assert {type(error) for error in refused} == {Unavailable}
        # The others get theirs, one after the other.
        assert [future.exception() for future in waiting].count(None) == most
    assert counted(days) == {"a": 0, "b": 0}


def test_a_request_waits_for_a_connection_that_is_soon_free(make_app: MakeApp) -> None:
    app = make_app(DB_POOL_SIZE=1)
    api = Api.of_app(app)
    with ThreadPoolExecutor(8) as pool:
        rooms = list(pool.map(lambda _: api.create_room(), range(8)))
    assert len({room.code for room in rooms}) == 8


# Connections that die


@ON_MARIADB
@pytest.mark.parametrize("trusted", [0, 1000], ids=["asked before use", "trusted"])
def test_a_connection_killed_while_idle_is_replaced_without_anyone_noticing(
    trusted: float, make_app: MakeApp, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db.mysql, "TRUSTED_IDLE_SECONDS", trusted)
    host = Api.of_app(make_app()).create_room()
    for action in ("poll", "preview", "join"):
        kill(mariadb, *connections(mariadb))
        if action == "poll":
            assert host.poll().status == 200
        elif action == "preview":
            assert host.api.request("GET", f"/rooms/{host.code}").data["participantCount"] == 1
        else:
            assert len(host.api.join(host.code).room["participants"]) == 2


@ON_MARIADB
def test_work_whose_connection_dies_is_repeated_and_done_once(days: Database, mariadb: MariaDB) -> None:
    attempts: list[int] = []

    def work(tx: Connection) -> None:
        count(tx, "a")
        attempts.append(tx.one("SELECT CONNECTION_ID() AS id")["id"])  # type: ignore[index]
        if len(attempts) == 1:
            kill(mariadb, attempts[0])
        count(tx, "b")

    days.write(work)
    assert len(set(attempts)) == 2
    assert counted(days) == {"a": 1, "b": 1}


@ON_MARIADB
def test_a_connection_that_dies_at_the_commit_is_not_repeated(days: Database, mariadb: MariaDB) -> None:
    attempts: list[int] = []

    def work(tx: Connection) -> None:
        count(tx, "a")
        attempts.append(tx.one("SELECT CONNECTION_ID() AS id")["id"])  # type: ignore[index]
        kill(mariadb, attempts[-1])

    with pytest.raises(Unavailable):
        days.write(work)
    assert len(attempts) == 1
    assert counted(days) == {"a": 0, "b": 0}


@ON_MARIADB
def test_who_is_torn_off_before_its_answer_leaves_it_to_nobody(
    days: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def work(tx: Connection) -> None:
        count(tx, "a")
        with monkeypatch.context() as torn:
            torn.setattr(pymysql.connections.Connection, "_read_query_result", interrupt)
            count(tx, "b")

    with pytest.raises(KeyboardInterrupt):
        days.write(work)
    assert days.one("SELECT 3 AS n") == {"n": 3}
    assert counted(days) == {"a": 0, "b": 0}


@ON_MARIADB
def test_a_pool_whose_connection_has_died_can_be_closed(
    days: Database, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db, "RETRY_SECONDS", 0)

    def work(tx: Connection) -> None:
        count(tx, "a")
        kill(mariadb, *connections(mariadb))
        count(tx, "b")

    with pytest.raises(Unavailable):
        days.write(work)
    days.close()


@ON_MARIADB
def test_a_join_whose_connection_is_killed_while_it_waits_takes_one_seat(
    make_app: MakeApp, mariadb: MariaDB
) -> None:
    host = Api.of_app(make_app()).create_room()
    with closing(root(mariadb, "party_shared")) as other, ThreadPoolExecutor(1) as pool:
        other.query("SELECT * FROM party_rooms FOR UPDATE")
        joining = pool.submit(host.api.join, host.code)
        [waiting] = wait_for(lambda: waiting_for_a_lock(mariadb))
        kill(mariadb, waiting)
        other.rollback()
        assert len(joining.result().room["participants"]) == 2
    assert len(host.call("GET").data["participants"]) == 2


def root(server: MariaDB, database: str) -> "pymysql.connections.Connection[Any]":
    """A connection of another program, in a transaction."""
    found: pymysql.connections.Connection[Any] = pymysql.connect(
        unix_socket=str(server.socket), user="root", database=database
    )
    return found


def waiting_for_a_lock(server: MariaDB) -> list[int]:
    """The ids of connections of the app whose transaction waits for a row lock."""
    time.sleep(0.15)  # the server fills this table anew only if nobody has asked for it within 0.1 s
    found = server.query(
        "SELECT trx_mysql_thread_id AS id FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    )
    return [row["id"] for row in found]


# Transactions that meet


def test_counting_in_many_threads_loses_nothing(days: Database, database_url: str) -> None:
    with closing(Database(database_url, 4)) as database, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: database.write(lambda tx: count(tx, "a")), range(60)))
    assert counted(days)["a"] == 60


@ON_MARIADB
def test_a_deadlock_is_repeated_and_both_succeed(days: Database, database_url: str) -> None:
    meeting = threading.Barrier(2, timeout=10)
    attempts: list[str] = []

    def work(tx: Connection, first: str, second: str) -> None:
        attempts.append(first)
        count(tx, first)
        if attempts.count(first) == 1:
            meeting.wait()
        count(tx, second)

    with closing(Database(database_url, 2)) as database, ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(database.write, lambda tx: work(tx, "a", "b")),
            pool.submit(database.write, lambda tx: work(tx, "b", "a")),
        ]
        assert [future.result() for future in done] == [None, None]
    assert len(attempts) == 3
    assert counted(days) == {"a": 2, "b": 2}


@ON_MARIADB
def test_a_transaction_that_waited_too_long_for_a_lock_is_repeated(
    database_url: str, days: Database, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db.engines, "LOCK_WAIT_SECONDS", 1)
    attempts: list[int] = []
    with closing(Database(database_url)) as database, closing(root(mariadb, "party_shared")) as other:
        other.query("UPDATE party_days SET rooms = 10 WHERE day = 'b'")

        def work(tx: Connection) -> None:
            attempts.append(len(attempts))
            if len(attempts) == 2:
                other.commit()
            count(tx, "a")
            count(tx, "b")

        database.write(work)
    assert len(attempts) == 2
    assert counted(days) == {"a": 1, "b": 11}


@ON_MARIADB
def test_a_lock_that_is_never_released_makes_the_service_unavailable(
    make_app: MakeApp, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db.engines, "LOCK_WAIT_SECONDS", 1)
    monkeypatch.setattr(party.db, "RETRY_SECONDS", 0.1)
    host = Api.of_app(make_app()).create_room()
    with closing(root(mariadb, "party_shared")) as other:
        other.query("SELECT * FROM party_rooms FOR UPDATE")
        refused = host.call("POST", "/leave")
        assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert host.call("POST", "/leave").data == {"left": True}


# SQLite's one writer


def other_writer(url: str) -> sqlite3.Connection:
    """A connection of another program that holds SQLite's only write lock."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    return connection


@ON_SQLITE
def test_a_writer_waits_for_another_programs_transaction_and_readers_do_not(
    client: Api, database_url: str
) -> None:
    host = client.create_room()
    with closing(other_writer(database_url)) as other, ThreadPoolExecutor(1) as pool:
        leaving: Future[Any] = pool.submit(host.call, "POST", "/leave")
        assert host.call("GET").data["status"] == "waiting"
        time.sleep(0.3)
        assert not leaving.done()
        other.execute("ROLLBACK")
        assert leaving.result().data == {"left": True}


@ON_SQLITE
def test_a_transaction_of_another_program_that_does_not_end_makes_the_service_unavailable(
    make_app: MakeApp, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db.engines, "LOCK_WAIT_SECONDS", 0.1)
    monkeypatch.setattr(party.db, "RETRY_SECONDS", 0.2)
    host = Api.of_app(make_app()).create_room()
    with closing(other_writer(database_url)):
        refused = host.call("POST", "/leave")
        assert (refused.status, refused.code) == (503, "UNAVAILABLE")
    assert host.call("POST", "/leave").data == {"left": True}


@ON_SQLITE
def test_signs_of_life_try_once_while_another_program_writes(
    make_app: MakeApp, database_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.db.engines, "LOCK_WAIT_SECONDS", 0.1)
    app = make_app()
    hosts = [Api.of_app(app).create_room() for _ in range(4)]
    clock.advance(80)
    execute = app.extensions["party.database"].engine.execute
    begun: list[str] = []

    def note(connection: Any, spoken: Any) -> Any:
        begun.extend(sql for sql, _ in spoken if sql.startswith("BEGIN IMMEDIATE"))
        return execute(connection, spoken)

    monkeypatch.setattr(app.extensions["party.database"].engine, "execute", note)
    with closing(other_writer(database_url)):
        for tried, host in enumerate(hosts, 1):
            assert host.poll().status == 200
            # The first is followed by the process's note of what it has counted, which is tried once as well.
            assert len(begun) == tried + 1
    app.extensions["party.memory"].heartbeats.flush()
    clock.advance(2 * 3600 - 80)
    assert [host.call("GET").data["status"] for host in hosts] == ["waiting"] * 4


# A server that goes away, or has enough of us


@pytest.fixture(scope="module")
def shared_host() -> Iterator[MariaDB]:
    """A server to be stopped, and killed."""
    server = MariaDB(durable=True)
    yield server
    server.remove()


@pytest.fixture(scope="module")
def account(shared_host: MariaDB) -> DatabaseUrls:
    """A migrated database there, whose app may have three connections."""
    urls = shared_host.create_database("party_away", max_user_connections=3)
    list(migrate(urls.admin))
    return urls


@pytest.fixture
def hosted(account: DatabaseUrls, tmp_path: Path) -> Iterator[Flask]:
    """An app on that database."""
    values = {"DATABASE_URL": account.app, "DB_POOL_SIZE": 3, **GENEROUS}
    app = create_app(load_settings(tmp_path, {f"PARTY_{name}": str(value) for name, value in values.items()}))
    yield app
    app.extensions["party.database"].close()


def assert_unavailable_quickly(host: Seat) -> None:
    """Every kind of call answers 503, and soon."""
    for method, path, body, token in [
        ("GET", "/health", None, None),
        ("POST", "/rooms", {"hostName": "Hana"}, None),
        ("GET", f"/rooms/{host.code}", None, None),
        ("GET", f"/rooms/{host.code}", None, host.token),
        ("GET", f"/signal/{host.code}/{host.id}?after={host.seq}", None, host.token),
        ("POST", f"/rooms/{host.code}/leave", None, host.token),
    ]:
        started = time.monotonic()
        answer = host.api.request(method, path, body, token=token)
        assert time.monotonic() - started < QUICKLY_SECONDS, path
        assert (answer.status, answer.code) == (503, "UNAVAILABLE"), path
        assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("end", [MariaDB.stop, MariaDB.kill], ids=["stopped", "killed"])
def test_while_the_database_is_away_calls_answer_503_and_then_it_all_works_again(
    end: Callable[[MariaDB], None], hosted: Flask, shared_host: MariaDB
) -> None:
    api = Api.of_app(hosted)
    host = api.create_room()
    end(shared_host)
    try:
        assert_unavailable_quickly(host)
        assert api.request("GET", "/health").error["message"] == "database"
    finally:
        shared_host.start()
    assert api.request("GET", "/health").data["database"] == "ok"
    assert len(api.join(host.code).room["participants"]) == 2
    assert [message["type"] for message in host.read()] == ["participant-joined"]


def test_an_app_that_starts_without_its_database_says_so_and_works_when_it_comes(
    account: DatabaseUrls, shared_host: MariaDB, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shared_host.stop()
    try:
        environ = {"PARTY_DATABASE_URL": account.app, "PARTY_SECRET_KEY": "a key for tests"}
        app = create_app(load_settings(tmp_path, environ))
        assert "the database cannot be reached" in caplog.text
        assert Api.of_app(app).request("GET", "/health").status == 503
    finally:
        shared_host.start()
    assert Api.of_app(app).create_room().poll().status == 200
    app.extensions["party.database"].close()


def test_when_all_connections_of_the_account_are_used_calls_answer_503_and_then_work_again(
    hosted: Flask, account: DatabaseUrls, shared_host: MariaDB
) -> None:
    # What is there already belongs to nobody any longer.
    wait_for(lambda: not connections(shared_host, "party_away_app"))
    others = [MySQL(account.app).connect() for _ in range(3)]
    api = Api.of_app(hosted)
    for answer in (api.request("POST", "/rooms", {"hostName": "Hana"}), api.request("GET", "/health")):
        assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    for other in others:
        other.close()
    wait_for(lambda: not connections(shared_host, "party_away_app"))
    assert api.create_room().poll().status == 200


def test_while_a_backup_locks_all_tables_changes_are_refused_in_time_and_reading_goes_on(
    hosted: Flask, shared_host: MariaDB
) -> None:
    api = Api.of_app(hosted)
    host = api.create_room()
    backup = pymysql.connect(unix_socket=str(shared_host.socket), user="root")
    with backup, backup.cursor() as cursor:
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        started = time.monotonic()
        assert api.request("POST", "/rooms", {"hostName": "Hana"}).code == "UNAVAILABLE"
        assert time.monotonic() - started < 2 * QUICKLY_SECONDS
        assert host.poll(host.seq).status == 200
    assert host.call("DELETE").status == 200


def test_a_read_only_database_refuses_changes_and_nothing_else(hosted: Flask, shared_host: MariaDB) -> None:
    api = Api.of_app(hosted)
    host = api.create_room()
    shared_host.execute("SET GLOBAL read_only = 1")
    try:
        refused = (api.request("POST", "/rooms", {"hostName": "Hana"}), host.call("DELETE"))
        assert [(answer.status, answer.code) for answer in refused] == [(503, "UNAVAILABLE")] * 2
        assert host.poll(host.seq).status == 200
    finally:
        shared_host.execute("SET GLOBAL read_only = 0")
    assert host.call("DELETE").status == 200


def test_a_server_can_be_reached_by_its_socket(shared_host: MariaDB, account: DatabaseUrls) -> None:
    url = f"mysql://root@localhost/party_away?unix_socket={shared_host.socket}"
    with closing(Database(url)) as database:
        assert database.one("SELECT @@port AS port") == {"port": shared_host.port}


def test_a_session_is_strict_and_speaks_utf8mb4_where_the_server_does_neither(
    account: DatabaseUrls, shared_host: MariaDB
) -> None:
    shared_host.execute("SET GLOBAL sql_mode = ''", "SET GLOBAL character_set_server = latin1")
    with closing(Database(account.app)) as database:
        session = database.one(
            "SELECT @@SESSION.sql_mode AS mode, @@SESSION.character_set_client AS client,"
            " @@SESSION.character_set_connection AS connection, @@SESSION.character_set_results AS results"
        )
        assert session is not None
        assert "STRICT_ALL_TABLES" in session.pop("mode").split(",")
        assert set(session.values()) == {"utf8mb4"}
        with pytest.raises(pymysql.err.DataError, match="too long"):
            database.write(lambda tx: tx.insert_many("party_days", [{"day": "eleven long"}]))
        assert database.all("SELECT day FROM party_days") == []
