"""Databases as hosts set them up: odd defaults for sessions, changes refused, statements of bounded size."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pymysql
import pytest
from flask import Flask

from party import create_app
from party.config import load_settings
from party.db import Database, Refused
from party.db.faults import Fault, of_mysql
from party.db.migrate import UP_TO_DATE, migrate, plan, script
from party.ops import doctor
from party.ops.cleanup import clean
from party.ops.doctor.finding import Finding
from tests.conftest import GENEROUS
from tests.support import mysql
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.mysql import MySQL
from tests.support.peers import Api

# What a session must not inherit: each of these breaks something.
INIT_CONNECT = (
    "SET autocommit=0, completion_type=CHAIN, sql_safe_updates=1, foreign_key_checks=0, sql_auto_is_null=1,"
    " sql_select_limit=1, max_join_size=1, sql_big_selects=0, tx_read_only=1,"
    " tx_isolation='READ-UNCOMMITTED', time_zone='+05:30', character_set_results=latin1"
)


@pytest.fixture(
    scope="module", params=[MariaDB, *([MySQL] if mysql.IS_THERE else [])], ids=lambda kind: kind.name
)
def hostile(request: pytest.FixtureRequest) -> Iterator[MariaDB]:
    """A server whose every default is the wrong one, and which logs statements."""
    init_connect = INIT_CONNECT
    if request.param is MySQL:
        init_connect = init_connect.replace("tx_", "transaction_")
    server: MariaDB = request.param(
        "--log-bin",
        "--binlog-format=STATEMENT",
        "--server-id=1",
        "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE",
        "--character-set-server=latin1",
        "--max-allowed-packet=1M",
        f"--init-connect={init_connect}",
    )
    yield server
    server.remove()


@pytest.fixture(scope="module")
def account(hostile: MariaDB) -> DatabaseUrls:
    """A migrated database there."""
    urls = hostile.create_database("party_odd")
    list(migrate(urls.admin))
    return urls


@pytest.fixture
def app(account: DatabaseUrls, tmp_path: Path) -> Iterator[Flask]:
    """An app on that database."""
    values = {"DATABASE_URL": account.app, **GENEROUS}
    app = create_app(load_settings(tmp_path, {f"PARTY_{name}": str(value) for name, value in values.items()}))
    yield app
    app.extensions["party.database"].close()


@pytest.fixture
def api(app: Flask) -> Api:
    """Calls to it."""
    return Api.of_app(app)


# Sessions


def test_the_migrations_are_kept(account: DatabaseUrls, hostile: MariaDB) -> None:
    ledger = hostile.query("SELECT applied_at FROM party_schema_migrations", "party_odd")
    assert ledger
    assert all(row["applied_at"] for row in ledger)
    assert list(migrate(account.admin)) == [UP_TO_DATE]


def test_the_script_for_phpmyadmin_is_kept_whatever_the_session_was(hostile: MariaDB) -> None:
    urls = hostile.create_database("party_script")
    connection = pymysql.connect(
        host="127.0.0.1", port=hostile.port, user="party_script_admin", password="a", database="party_script"
    )
    with closing(connection), connection.cursor() as cursor:
        for statement in script(plan(urls.admin), 1).split(";\n"):
            if statement.strip():
                cursor.execute(statement)
    assert list(migrate(urls.admin)) == [UP_TO_DATE]


@pytest.mark.needs("quiz")
def test_a_game_can_be_played(api: Api) -> None:
    quiz = {"it's": 'a "quiz" \\ with \N{PARTY POPPER} %s :name', "n": [1, None]}
    host = api.create_room('Ha"na', quizData=quiz, password="it's")
    guest = api.join(host.code, "Gu\\s", password="it's")
    assert host.call("GET").data["quizData"] == quiz
    assert host.call("POST", "/start").data["status"] == "playing"
    for n in range(3):
        assert guest.send(host, {"text": f"'\\{n}\\\""}, clientMsgId=f"m{n}").status == 201
    assert [message["payload"] for message in host.read() if message["type"] == "offer"] == [
        {"text": f"'\\{n}\\\""} for n in range(3)
    ]
    assert host.poll(host.seq).data["messages"] == []
    assert guest.call("POST", "/rejoin").status == 200
    assert len(host.call("GET").data["participants"]) == 2
    assert host.call("POST", "/leave").status == 200
    assert api.request("GET", f"/rooms/{host.code}").data["status"] == "ended"


def test_what_is_acknowledged_is_in_the_database(api: Api, hostile: MariaDB) -> None:
    host = api.create_room()
    [stored] = hostile.query(f"SELECT seq FROM party_rooms WHERE code = '{host.code}'", "party_odd")
    api.join(host.code)
    [later] = hostile.query(f"SELECT seq FROM party_rooms WHERE code = '{host.code}'", "party_odd")
    assert later["seq"] == stored["seq"] + 1


def test_a_purged_room_takes_all_that_belongs_to_it_along(app: Flask, api: Api, hostile: MariaDB) -> None:
    host = api.create_room()
    api.join(host.code)
    host.call("POST", "/end")
    hostile.execute("UPDATE party_rooms SET ended_at = 1 WHERE status = 'ended'", database="party_odd")
    with app.app_context():
        clean(app.extensions["party.database"], 10**12)
    for table in ("party_participants", "party_events"):
        orphans = f"SELECT room_id FROM {table} WHERE room_id NOT IN (SELECT id FROM party_rooms)"
        assert hostile.query(orphans, "party_odd") == []


def test_where_statements_are_logged_places_and_numbers_hold_in_a_race(api: Api) -> None:
    host = api.create_room(maxParticipants=5)
    with ThreadPoolExecutor(8) as pool:
        joins = list(
            pool.map(
                lambda n: api.request("POST", f"/rooms/{host.code}/join", {"name": f"G{n}"}).status, range(12)
            )
        )
    assert sorted(joins) == [200] * 4 + [409] * 8
    guest = host.call("GET").data["participants"][1]["id"]
    with ThreadPoolExecutor(8) as pool:
        sent = list(pool.map(lambda n: host.send(guest, {"n": n}).data["messageId"], range(40)))
    assert sorted(sent) == list(range(min(sent), min(sent) + 40))


def test_where_statements_are_logged_limits_are_exact(account: DatabaseUrls, tmp_path: Path) -> None:
    values = {"DATABASE_URL": account.app, **GENEROUS, "ROOMS_PER_HOUR": 7, "SECRET_KEY": "another key"}
    app = create_app(load_settings(tmp_path, {f"PARTY_{name}": str(value) for name, value in values.items()}))
    limited = Api.of_app(app)
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda _: limited.request("POST", "/rooms", {"hostName": "H"}).status, range(20))
    assert sorted(answers) == [201] * 7 + [429] * 13
    app.extensions["party.database"].close()


# Refusals


def test_without_the_right_to_insert_changes_are_503_and_health_says_database(
    app: Flask, api: Api, hostile: MariaDB
) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    assert api.request("GET", "/health").status == 200
    hostile.execute("REVOKE INSERT ON party_odd.* FROM party_odd_app@'127.0.0.1'")
    app.extensions["party.database"].close()  # rights count from a session's beginning
    try:
        for answer in (
            guest.send(host),
            api.request("POST", f"/rooms/{host.code}/join", {"name": "X"}),
            api.request("POST", "/rooms", {"hostName": "Hana"}),
        ):
            assert (answer.status, answer.code) == (503, "UNAVAILABLE")
            assert int(answer.headers["Retry-After"]) >= 1
        assert host.poll(host.seq).status == 200
        assert_health_says_database(api)
    finally:
        hostile.execute("GRANT INSERT ON party_odd.* TO party_odd_app@'127.0.0.1'")
        app.extensions["party.database"].close()
    assert guest.send(host).status == 201
    assert api.request("GET", "/health").status == 200


def test_health_says_database_where_a_change_was_refused_and_where_none_was_made(
    app: Flask, api: Api, hostile: MariaDB, account: DatabaseUrls, tmp_path: Path
) -> None:
    assert api.request("GET", "/health").status == 200
    hostile.execute("SET GLOBAL read_only = 1")
    try:
        # What one process has found out a moment ago does not hold when a change was refused since.
        assert api.request("POST", "/rooms", {"hostName": "Hana"}).code == "UNAVAILABLE"
        assert_health_says_database(api)
        environ = {"PARTY_DATABASE_URL": account.app, "PARTY_SECRET_KEY": "a key for tests"}
        fresh = create_app(load_settings(tmp_path, environ))
        assert_health_says_database(Api.of_app(fresh))
        fresh.extensions["party.database"].close()
    finally:
        hostile.execute("SET GLOBAL read_only = 0")
    assert api.request("GET", "/health").status == 200


def assert_health_says_database(api: Api) -> None:
    health = api.request("GET", "/health")
    assert (health.status, health.code, health.error["message"]) == (503, "UNAVAILABLE", "database")


def test_asking_for_health_again_and_again_changes_nothing(app: Flask, api: Api, hostile: MariaDB) -> None:
    assert api.request("GET", "/health").status == 200
    [before] = hostile.query("SHOW GLOBAL STATUS LIKE 'Com_insert'")
    for _ in range(20):
        assert api.request("GET", "/health").status == 200
    [after] = hostile.query("SHOW GLOBAL STATUS LIKE 'Com_insert'")
    assert int(after["Value"]) - int(before["Value"]) <= 1
    assert hostile.query("SELECT * FROM party_rate_limits WHERE expires_at = 0", "party_odd") == []


def test_an_sqlite_that_is_full_is_noticed_by_trying(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'full.sqlite3'}"
    list(migrate(url))
    with closing(Database(url)) as database:
        with database.connection() as connection:
            pages = connection.one("PRAGMA page_count")
            assert pages is not None
            connection.one(f"PRAGMA max_page_count = {pages['page_count']}")
        with pytest.raises(Refused):
            database.try_to_write()
        assert database.writes.need_a_trial(60)
        with database.connection() as connection:
            connection.one("PRAGMA max_page_count = 1000000")
        database.try_to_write()
        assert not database.writes.need_a_trial(60)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (pymysql.err.OperationalError(1142, "INSERT command denied"), Fault.REFUSED),
        (pymysql.err.InternalError(3, "Error writing file (errno: 28)"), Fault.REFUSED),
        (pymysql.err.OperationalError(1114, "The table is full"), Fault.REFUSED),
        (pymysql.err.OperationalError(3100, "Error on observer: group replication"), Fault.AWAY),
        (pymysql.err.OperationalError(20999, "a cloud's own number"), Fault.REFUSED),
        (pymysql.err.OperationalError(9001, "Max connect timeout reached"), Fault.BUSY),
        (pymysql.err.OperationalError(1226, "max_questions"), Fault.BUSY),
        (pymysql.err.OperationalError(1969, "max_statement_time exceeded"), Fault.BUSY),
        (pymysql.err.OperationalError(4031, "disconnected by the server for inactivity"), Fault.LOST),
        (pymysql.err.InternalError("Packet sequence number wrong"), Fault.LOST),
        (pymysql.err.OperationalError(1047, "WSREP has not yet prepared node"), Fault.AWAY),
        (pymysql.err.OperationalError(1180, "Got error 6 during COMMIT"), Fault.AWAY),
        (pymysql.err.OperationalError(1290, "running with --read-only"), Fault.READ_ONLY),
        (pymysql.err.OperationalError(1836, "Running in read-only mode"), Fault.READ_ONLY),
        (pymysql.err.OperationalError(1105, "tikv: Write Conflict, try again later"), Fault.CONFLICT),
        (pymysql.err.OperationalError(1105, "unknown error"), Fault.REFUSED),
        (pymysql.err.OperationalError(9007, "Write conflict"), Fault.CONFLICT),
        (pymysql.err.OperationalError(1153, "Got a packet bigger"), Fault.TOO_LARGE),
        (pymysql.err.OperationalError(1020, "Record has changed"), Fault.CONFLICT),
        (pymysql.err.OperationalError(3101, "rolled back by the plugin"), Fault.CONFLICT),
        (pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax"), Fault.OTHER),
        (pymysql.err.DataError(1406, "Data too long"), Fault.OTHER),
        (pymysql.err.IntegrityError(1452, "a foreign key constraint fails"), Fault.OTHER),
        (pymysql.err.OperationalError(1055, "not in GROUP BY"), Fault.OTHER),
    ],
    ids=str,
)
def test_errors_of_the_server_are_sorted(error: Exception, fault: Fault) -> None:
    assert of_mysql(error) is fault


# Statements of bounded size


def test_a_batch_of_payloads_that_double_when_escaped_passes_where_packets_are_small(
    api: Api, hostile: MariaDB
) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    for text in ('"' * 32_700, "\\" * 32_700, "'" * 65_000):
        messages = [{"toId": guest.id, "type": "ice", "payload": {"t": text}} for _ in range(15)]
        answer = host.send_batch(messages)
        assert answer.status == 201, answer.text
        received = [message["payload"]["t"] for message in guest.read() if message["type"] == "ice"]
        assert received == [text] * 15
        guest.poll(guest.seq)


@pytest.mark.needs("quiz")
def test_what_is_larger_than_the_server_takes_is_413_and_changes_nothing(
    app: Flask, hostile: MariaDB
) -> None:
    hostile.execute("SET GLOBAL max_allowed_packet = 65536")
    app.extensions["party.database"].close()
    api = Api.of_app(app)
    try:
        host = api.create_room()
        guest = api.join(host.code)
        guest.read()
        quiz = {"q": '"' * 100_000}
        small = {"toId": guest.id, "type": "ice", "payload": {"t": "x"}}
        large = {"toId": guest.id, "type": "ice", "payload": {"t": "'" * 60_000}}
        for answer in (
            api.request("POST", "/rooms", {"hostName": "Hana", "quizData": quiz}),
            host.call("POST", "/quiz", {"quizData": quiz}),
            host.send_batch([small, large]),
        ):
            assert (answer.status, answer.code) == (413, "TOO_LARGE")
        assert guest.read() == []
        assert host.send_batch([small]).status == 201
    finally:
        hostile.execute("SET GLOBAL max_allowed_packet = 1048576")


# The doctor


def test_the_doctor_finds_out_by_writing(account: DatabaseUrls, hostile: MariaDB, tmp_path: Path) -> None:
    settings = {"DATABASE_URL": account.app, "SECRET_KEY": "a key for tests", "STUN_URLS": []}
    (tmp_path / "config.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    assert doctors_finding(tmp_path).status == "ok"
    hostile.execute("SET GLOBAL read_only = 1")
    try:
        finding = doctors_finding(tmp_path)
    finally:
        hostile.execute("SET GLOBAL read_only = 0")
    assert finding.status == "failed"
    assert "read-only" in finding.found
    assert finding.advice


def doctors_finding(root: Path) -> Finding:
    [finding] = [found for found in doctor.examine(root=root) if found.check == "writing"]
    return finding
