"""A room whose row somebody keeps locked: its own members are refused in time, and nobody else notices."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pymysql
import pytest
from flask import Flask

from party.db.engines import Statement
from party.polling import notifier
from tests.conftest import Clock, MakeApp
from tests.support.mariadb import MariaDB
from tests.support.peers import Answer, Api, Seat, lasting

pytestmark = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
POOL = 4
SOON_SECONDS = 8.0


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """A process with few connections."""
    return make_app(DB_POOL_SIZE=POOL)


@contextmanager
def locked(server: MariaDB, seat: Seat) -> Iterator[None]:
    """Inside, the seat's room is locked by somebody who forgets about it."""
    with (
        closing(
            pymysql.connect(unix_socket=str(server.socket), user="root", database="party_shared")
        ) as connection,
        connection.cursor() as cursor,
    ):
        assert cursor.execute("SELECT id FROM party_rooms WHERE code = %s FOR UPDATE", (seat.code,)) == 1
        yield
        connection.rollback()


def waiting(server: MariaDB) -> int:
    """How many of the app's connections wait for a lock."""
    (row,) = server.query(
        "SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    )
    return int(row["n"])


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + SOON_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return found


def test_at_most_half_of_the_connections_wait_for_one_room_and_the_others_are_refused(
    client: Api, host: Seat, mariadb: MariaDB
) -> None:
    stranger = client.create_room()
    stop = threading.Event()

    def change() -> list[Answer]:
        answers = []
        while not stop.is_set():
            answers.append(host.call("POST", "/quiz", {"quizData": {}}))
        return answers

    with ThreadPoolExecutor(12) as pool:
        most = 0
        with locked(mariadb, host):
            members = [pool.submit(change) for _ in range(12)]
            try:
                wait_for(lambda: waiting(mariadb) == POOL // 2)
                ended = time.monotonic() + 6
                while time.monotonic() < ended:
                    assert stranger.call("POST", "/quiz", {"quizData": {}}).status == 200
                    most = max(most, waiting(mariadb))
            finally:
                stop.set()
            answers = [answer for member in members for answer in member.result(SOON_SECONDS)]
    assert most == POOL // 2
    assert {(answer.status, answer.code) for answer in answers} == {(503, "UNAVAILABLE")}
    assert {answer.error["retryAfter"] for answer in answers} == {2}
    wait_for(lambda: host.call("POST", "/quiz", {"quizData": {}}).status == 200)


def test_a_request_waits_for_one_time_out_and_does_not_try_again(
    app: Flask, host: Seat, mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = app.extensions["party.database"].engine
    execute = engine.execute
    tried: list[str] = []

    def count(connection: Any, spoken: Sequence[Statement]) -> Any:
        tried.extend(sql for sql, _ in spoken if "FOR UPDATE" in sql)
        return execute(connection, spoken)

    monkeypatch.setattr(engine, "execute", count)
    with locked(mariadb, host):
        for n in (1, 2):
            assert host.call("POST", "/quiz", {"quizData": {}}).status == 503
            assert len(tried) == n
    assert host.call("POST", "/quiz", {"quizData": {}}).status == 200


def test_those_who_come_to_one_room_all_at_once_all_get_in(client: Api, host: Seat, mariadb: MariaDB) -> None:
    room = client.create_room(maxParticipants=50)
    with ThreadPoolExecutor(40) as pool:
        joined = list(pool.map(lambda _: client.join(room.code), range(40)))
    assert len({seat.id for seat in joined}) == 40


def test_signs_of_life_wait_for_nobody(
    app: Flask, client: Api, host: Seat, mariadb: MariaDB, clock: Clock
) -> None:
    stranger = client.create_room()
    clock.advance(45 * 60)
    with locked(mariadb, host), ThreadPoolExecutor(1) as pool:
        polled: Future[Answer] = pool.submit(host.poll)
        assert polled.result(1.5).status == 200
        assert stranger.poll().status == 200
        app.extensions["party.memory"].heartbeats.flush()
        assert waiting(mariadb) == 0
        clock.advance(90 * 60)
        assert stranger.call("GET").data["status"] == "waiting"
    # Noted in the end, too.
    clock.advance(-60 * 60)
    app.extensions["party.memory"].heartbeats.flush()
    clock.advance(60 * 60)
    assert host.call("GET").data["status"] == "waiting"


def test_whoever_waits_elsewhere_is_told_though_signals_expire_in_the_locked_room(
    make_app: MakeApp, mariadb: MariaDB, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "CHECK_SECONDS", 0)
    app = make_app(LONG_POLL_SECONDS=30, ONLINE_SECONDS=200, HOST_GONE_AFTER_SECONDS=200)
    api = Api.of_app(app)
    host, stranger = api.create_room(), api.create_room()
    guest, neighbour = api.join(host.code), api.join(stranger.code)
    host.send(guest)
    seats = [host, stranger]
    for seat in seats:
        seat.read()
    with ThreadPoolExecutor(2) as pool:
        held = [
            pool.submit(
                api.request,
                "GET",
                f"/signal/{seat.code}/{seat.id}?after={seat.seq}&wait=30",
                token=seat.token,
            )
            for seat in seats
        ]
        waiters = app.extensions["party.memory"].waiters._rooms
        wait_for(lambda: len(waiters) == 2)
        with locked(mariadb, host):
            clock.advance(121)
            time.sleep(0.5)  # some ticks
            neighbour.send(stranger)
            assert len(lasting(held[1].result(1.5).data["messages"])) == 1
            assert waiting(mariadb) == 0
        messages = lasting(held[0].result(SOON_SECONDS).data["messages"])
        assert [message["type"] for message in messages] == ["signal-expired"]
