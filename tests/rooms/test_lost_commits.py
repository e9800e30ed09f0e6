"""A database that has lost its last commits: by a crash, a failover, or because a backup was put back.

What processes remember, and what pages hold as their cursor, is then of a future that never was.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from party.db.migrate import migrate
from party.errors import BadCursor, TokenInvalid
from party.polling import reading, room_cache
from party.rooms.counts import room_counts
from party.web.tokens import hashed
from tests.conftest import Clock, MakeApp
from tests.support.mariadb import MariaDB
from tests.support.peers import Answer, Api, Seat

SOON_SECONDS = 8.0
# Parents first.
TABLES = ("party_rooms", "party_participants", "party_signaling", "party_sent", "party_events")


class Backup:
    """The database as it is now, to be put back under running processes: `backup.restore()`."""

    def __init__(self, url: str, mariadb: Callable[[], MariaDB], folder: Path) -> None:
        self._live = Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else None
        self._copy = folder / "copy.sqlite3"
        if self._live:
            self._copy_file(self._live, self._copy)
        else:
            self._server = mariadb()
            self._give_lost_ids_again()
            self._rows = {
                table: self._server.query(f"SELECT * FROM {table}", "party_shared") for table in TABLES
            }

    def restore(self) -> None:
        """Put it back; ids that were given since are given again."""
        if self._live:
            self._copy_file(self._copy, self._live)
            return
        self._server.execute(
            "START TRANSACTION",
            "DELETE FROM party_rooms",
            *(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(map(_literal, row.values()))})"
                for table in TABLES
                for row in self._rows[table]
            ),
            "COMMIT",
            database="party_shared",
        )
        self._give_lost_ids_again()

    def _give_lost_ids_again(self) -> None:
        """As a server does that has crashed."""
        self._server.execute(
            "ALTER TABLE party_rooms AUTO_INCREMENT = 1",
            "ALTER TABLE party_participants AUTO_INCREMENT = 1",
            database="party_shared",
        )

    @staticmethod
    def _copy_file(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as reader, closing(sqlite3.connect(target)) as writer:
            reader.backup(writer)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return (
        str(value) if isinstance(value, int) else "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
    )


BackUp = Callable[[], Backup]


@pytest.fixture
def back_up(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> BackUp:
    """Makes a backup of the test's database: `back_up()`."""
    return lambda: Backup(database_url, lambda: request.getfixturevalue("mariadb"), tmp_path)


@pytest.fixture
def hour_between_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process read once counts for an hour; `read_again` lets the time for the next reading come."""
    monkeypatch.setattr(room_cache, "SHARED_FROM", 0)
    monkeypatch.setattr(room_cache, "TICK_SECONDS", 3600.0)


def read_again(app: Flask) -> None:
    """The next reading of this process."""
    app.extensions["party.memory"].rooms.read()


def settle(*seats: Seat) -> None:
    """Poll until there is nothing new, and once more: now the process knows these pages."""
    for seat in seats:
        seat.read()
    for seat in seats:
        for _ in range(3):
            seat.poll(seat.seq)


def number_of(seat: Seat) -> int:
    """How far the seat's room is now."""
    return int(seat.call("GET").data["seq"])


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + SOON_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


# Polls


@pytest.mark.usefixtures("hour_between_readings")
def test_a_cursor_of_what_was_lost_is_refused_and_the_page_recovers_without_one(
    app: Flask, host: Seat, guest: Seat, back_up: BackUp
) -> None:
    backup = back_up()
    for n in range(3):
        guest.send(host, {"lost": n})
    settle(host, guest)
    backup.restore()
    read_again(app)
    for _ in range(2):
        assert (host.poll(host.seq).status, host.poll(host.seq).code) == (400, "BAD_CURSOR")
    host.seq = host.poll().data["seq"]
    assert number_of(host) == host.seq
    guest.send(host, {"n": 1})
    assert [message["payload"] for message in host.read()] == [{"n": 1}]


@pytest.mark.usefixtures("hour_between_readings")
def test_a_token_that_is_revoked_after_the_loss_dies_though_the_numbers_are_those_of_before(
    app: Flask, client: Api, host: Seat, guest: Seat, back_up: BackUp, make_app: MakeApp
) -> None:
    backup = back_up()
    client.join(host.code)
    settle(host, guest)
    known = guest.seq
    backup.restore()
    read_again(app)
    elsewhere = Seat(Api.of_app(make_app()), host.room)
    elsewhere.call("POST", "/remove", {"participantId": guest.id})
    assert number_of(elsewhere) == known
    read_again(app)
    assert (guest.poll(known).status, guest.poll(known).code) == (401, "TOKEN_INVALID")


@pytest.mark.usefixtures("hour_between_readings")
def test_a_token_of_a_lost_room_is_dead_though_another_room_has_its_row(
    app: Flask, client: Api, back_up: BackUp, make_app: MakeApp, clock: Clock
) -> None:
    backup = back_up()
    lost = client.create_room()
    settle(lost)
    database = app.extensions["party.database"]
    (row,) = database.all("SELECT id FROM party_rooms")
    backup.restore()
    strangers = Api.of_app(make_app()).create_room()
    assert database.all("SELECT id FROM party_rooms") == [row]
    assert number_of(strangers) == lost.seq
    read_again(app)
    for code in (lost.code, strangers.code):
        path = f"/signal/{code}/{lost.id}?after={lost.seq}"
        answer = client.request("GET", path, token=lost.token)
        assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


def test_an_acknowledgement_that_was_under_way_takes_nothing_from_whoever_has_the_row_now(
    app: Flask, client: Api, host: Seat, guest: Seat, back_up: BackUp
) -> None:
    backup = back_up()
    late = client.join(host.code)
    for n in range(3):
        guest.send(host, {"lost": n})
    database = app.extensions["party.database"]
    callers = {
        seat.id: database.one(
            "SELECT * FROM party_participants WHERE token_hash = :hash", hash=hashed(seat.token)
        )
        for seat in (host, late)
    }
    backup.restore()
    another = client.join(host.code, "Ann")
    host.send(another)
    stored = database.all("SELECT * FROM party_participants") + database.all("SELECT * FROM party_signaling")
    with pytest.raises(TokenInvalid):
        reading.acknowledge(database, callers[late.id], number_of(host))
    with pytest.raises(BadCursor):
        reading.acknowledge(database, callers[host.id], number_of(host) + 1)
    now = database.all("SELECT * FROM party_participants") + database.all("SELECT * FROM party_signaling")
    assert now == stored


# Held polls


@pytest.fixture
def holding_app(make_app: MakeApp, clock: Clock) -> Iterator[Flask]:
    """A process that holds polls."""
    made = make_app(LONG_POLL_SECONDS=30)
    yield made
    made.extensions["party.memory"].waiters.release_all()


def hold(app: Flask, pool: ThreadPoolExecutor, seat: Seat) -> Callable[[], Answer]:
    """Begin a held poll; call the result for its answer, which must come soon."""
    waiters = app.extensions["party.memory"].waiters._rooms
    known = sum(map(len, list(waiters.values())))
    path = f"/signal/{seat.code}/{seat.id}?after={seat.seq}&wait=30"
    future = pool.submit(seat.api.request, "GET", path, token=seat.token)
    wait_for(lambda: sum(map(len, list(waiters.values()))) > known)
    return lambda: future.result(SOON_SECONDS)


def test_whoever_waits_for_what_comes_after_the_lost_is_told_so(holding_app: Flask, back_up: BackUp) -> None:
    host = Api.of_app(holding_app).create_room()
    backup = back_up()
    guest = host.api.join(host.code)
    settle(host)
    with ThreadPoolExecutor(2) as pool:
        answers = [hold(holding_app, pool, seat) for seat in (host, guest)]
        backup.restore()
        assert [(answer().status, answer().code) for answer in answers] == [
            (400, "BAD_CURSOR"),
            (401, "TOKEN_INVALID"),
        ]


def test_whoever_waits_in_a_lost_room_does_not_wait_on_in_the_one_that_has_its_row(
    holding_app: Flask, back_up: BackUp, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up()
    lost = Api.of_app(holding_app).create_room()
    settle(lost)
    may_read = threading.Event()
    may_read.set()
    read = room_cache.RoomCache.read
    monkeypatch.setattr(room_cache.RoomCache, "read", lambda *arguments: may_read.wait() and read(*arguments))
    with ThreadPoolExecutor(1) as pool:
        answer = hold(holding_app, pool, lost)
        may_read.clear()
        time.sleep(0.1)  # a reading that has begun ends
        backup.restore()
        strangers = Api.of_app(make_app()).create_room()
        strangers.api.join(strangers.code)
        may_read.set()
        assert (answer().status, answer().code) == (401, "TOKEN_INVALID")


# A crash


@pytest.fixture
def careless_mariadb() -> Iterator[MariaDB]:
    """A server that flushes its log once in a second, and of which a test may kill more than that."""
    started = MariaDB()
    yield started
    started.remove()


def keep_all_so_far(server: MariaDB) -> None:
    """Flush the log of that server."""
    server.execute(
        "SET GLOBAL innodb_flush_log_at_trx_commit = 1",
        "UPDATE party.party_rooms SET max_participants = max_participants + 1",
        "SET GLOBAL innodb_flush_log_at_trx_commit = 0",
    )


@pytest.fixture
def crashing_app(make_app: MakeApp, careless_mariadb: MariaDB) -> Flask:
    """A process over the server that loses what it has committed last."""
    urls = careless_mariadb.create_database("party")
    list(migrate(urls.admin))
    # Starts are told apart by their seconds.
    wait_for(lambda: int(careless_mariadb.query("SHOW GLOBAL STATUS LIKE 'Uptime'")[0]["Value"]) > 0)
    return make_app(DATABASE_URL=urls.app, LONG_POLL_SECONDS=30)


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@pytest.mark.parametrize("held", [False, True], ids=["short polls", "held polls"])
def test_signals_that_take_the_numbers_of_lost_ones_again_reach_their_addressee(
    crashing_app: Flask, careless_mariadb: MariaDB, held: bool
) -> None:
    host = Api.of_app(crashing_app).create_room()
    guest = host.api.join(host.code)
    settle(host, guest)
    with ThreadPoolExecutor(1) as pool:
        for _ in range(10):  # now and then the server has flushed just before it died
            keep_all_so_far(careless_mariadb)
            for n in range(3):
                guest.send(host, {"lost": n})
            settle(host)
            answer = hold(crashing_app, pool, host) if held else lambda: host.poll(host.seq)
            careless_mariadb.kill()
            careless_mariadb.start()
            if careless_mariadb.query("SELECT seq FROM party.party_rooms")[0]["seq"] < host.seq:
                break
            guest.send(host)
            assert answer().status == 200
            settle(host)
        for n in range(3):
            assert guest.send(host, {"n": n}).status == 201
        assert (answer().status, answer().code) == (400, "BAD_CURSOR")
    data = host.poll().data
    # Not all of the earlier ones need have been lost.
    payloads = [message["payload"] for message in data["messages"] if message["type"] == "offer"]
    assert [payload for payload in payloads if "n" in payload] == [{"n": n} for n in range(3)]
    assert data["seq"] > host.seq  # so that no lost number means anything else
    assert host.poll(data["seq"]).data["messages"] == []


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_a_restart_that_loses_nothing_leaves_every_cursor_good(
    crashing_app: Flask, careless_mariadb: MariaDB
) -> None:
    host = Api.of_app(crashing_app).create_room()
    guest = host.api.join(host.code)
    settle(host, guest)
    guest.send(host, {"n": 0})
    careless_mariadb.stop()
    careless_mariadb.start()
    numbers = [guest.send(host, {"n": n}).data["messageId"] for n in (1, 2)]
    found = host.poll(host.seq).data["messages"]
    assert [message["payload"] for message in found] == [{"n": n} for n in range(3)]
    assert [message["seq"] for message in found][1:] == numbers
    assert numbers[1] == numbers[0] + 1
    with crashing_app.app_context():
        counts = crashing_app.extensions["party.database"].read(lambda tx: room_counts(tx, 1))
    assert (counts["signals"], counts["joins"]) == (3, 1)
