"""Rooms that have grown large: purged in pieces, and kept from growing without bound."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pymysql
import pytest
from flask import Flask

import party.db
import party.db.engines
import party.ops.cleanup
from party.db import Database
from party.ops.cleanup import EVERY_MS, Incomplete, clean
from party.ops.statistics import by_day
from party.rooms import stream
from tests.conftest import Clock, MakeApp
from tests.support.mariadb import MariaDB
from tests.support.peers import Api, Seat

DAY = 24 * 3600
TABLES = ("rooms", "participants", "signaling", "sent", "events")


@pytest.fixture
def database(app: Flask) -> Iterator[Database]:
    """The app's database, inside the app's context."""
    with app.app_context():
        yield app.extensions["party.database"]


def room_id(database: Database, seat: Seat) -> int:
    """The row of a seat's room."""
    row = database.one("SELECT id FROM party_rooms WHERE code = :code", code=seat.code)
    assert row is not None
    found: int = row["id"]
    return found


def remember_ids(database: Database, seat: Seat, count: int) -> None:
    """As if a token of the room had used so many message ids."""
    id = room_id(database, seat)
    rows = [{"token_hash": "f" * 64, "client_msg_id": f"m{n}", "room_id": id, "seq": n} for n in range(count)]
    database.write(lambda tx: tx.insert_many("party_sent", rows))


def number(database: Database, table: str) -> int:
    """How many rows a table has."""
    row = database.one(f"SELECT COUNT(*) AS n FROM party_{table}")
    assert row is not None
    found: int = row["n"]
    return found


# Purging


def test_a_large_room_goes_in_pieces(
    host: Seat, guest: Seat, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.ops.cleanup, "ROWS", 100)
    remember_ids(database, host, 1000)
    host.call("POST", "/end")
    clock.advance(2 * DAY)
    left = [number(database, "sent")]
    while left[-1]:
        clean(database, clock.now, seconds=0)
        left.append(number(database, "sent"))
    assert len(left) > 10
    assert max(before - after for before, after in pairwise(left)) <= 100
    clean(database, clock.now)
    assert [number(database, table) for table in TABLES] == [0] * len(TABLES)


def test_while_a_room_goes_nobody_sees_a_part_of_it(
    client: Api, host: Seat, guest: Seat, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.ops.cleanup, "ROWS", 3)
    host.call("POST", "/end")
    clock.advance(2 * DAY)
    monkeypatch.setattr(party.ops.cleanup, "EVERY_MS", 10**15)
    calls = 0
    while number(database, "rooms") and calls < 500:
        clean(database, clock.now, seconds=0)
        calls += 1
        if number(database, "participants") < 2:
            assert client.request("GET", f"/rooms/{host.code}").code == "ROOM_NOT_FOUND"
            assert guest.poll(guest.seq).code == "TOKEN_INVALID"
    assert number(database, "rooms") == 0


def test_the_counts_of_a_day_are_the_same_before_during_and_after_a_purge(
    host: Seat, guest: Seat, database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(party.ops.cleanup, "ROWS", 2)
    for _ in range(5):
        host.send(guest)
    host.api.join(host.code).call("POST", "/leave")
    host.call("POST", "/end")
    clock.advance(2 * DAY)
    expected = by_day(database)
    for _ in range(200):
        clean(database, clock.now, seconds=0)
        assert by_day(database) == expected
    assert number(database, "rooms") == 0


def test_a_request_is_followed_by_no_more_than_its_time_and_the_rest_comes_soon(
    make_app: MakeApp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    client, database = Api.of_app(app), app.extensions["party.database"]
    monkeypatch.setattr(party.ops.cleanup, "SECONDS", 0)
    for _ in range(3):
        client.create_room()
    clock.advance(DAY)

    def open_rooms() -> int:
        return len(database.all("SELECT id FROM party_rooms WHERE status <> 'ended'"))

    client.request("GET", "/health")
    left = open_rooms()
    assert left >= 2  # without any time no more than one piece, of whatever job
    monkeypatch.setattr(party.ops.cleanup, "SECONDS", 60)
    client.request("GET", "/health")
    assert open_rooms() == left  # not at once
    clock.advance(1)
    client.request("GET", "/health")
    assert open_rooms() == 0
    client.create_room()
    clock.advance(EVERY_MS / 1000 - 2)
    assert app.extensions["party.housekeeping"].due_at > clock.now


def test_a_room_that_cannot_be_purged_keeps_no_other_from_it(
    client: Api,
    database: Database,
    clock: Clock,
    database_url: str,
    request: pytest.FixtureRequest,
    engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(party.db, "RETRY_SECONDS", 0.1)
    rooms = [client.create_room() for _ in range(5)]
    for host in rooms:
        host.call("POST", "/end")
    stuck = room_id(database, rooms[2])
    clock.advance(2 * DAY)
    refusing = refusing_sqlite(database_url, stuck)
    if engine == "mariadb":
        monkeypatch.setattr(party.db.engines, "LOCK_WAIT_SECONDS", 1)
        database.close()
        refusing = locked_mariadb(request.getfixturevalue("mariadb"), stuck)
    with refusing:
        with pytest.raises(Incomplete, match=r"rooms (purged|caught up)"):
            clean(database, clock.now)
        assert [row["id"] for row in database.all("SELECT id FROM party_rooms")] == [stuck]
    clean(database, clock.now)
    assert number(database, "rooms") == 0


@contextmanager
def locked_mariadb(server: MariaDB, id: int) -> Iterator[None]:
    """Another program holds the lock of a room."""
    other = pymysql.connect(unix_socket=str(server.socket), user="root", database="party_shared")
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT id FROM party_rooms WHERE id = %s FOR UPDATE", (id,))
        yield


@contextmanager
def refusing_sqlite(url: str, id: int) -> Iterator[None]:
    """The file refuses to lose one room."""
    with closing(sqlite3.connect(Path(url.removeprefix("sqlite:///")))) as connection:
        connection.execute(
            f"CREATE TRIGGER no BEFORE DELETE ON party_rooms WHEN OLD.id = {id}"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        connection.commit()
        yield
        connection.execute("DROP TRIGGER no")
        connection.commit()


# What one room can make


def test_the_latest_2000_message_ids_of_a_token_are_remembered(host: Seat, guest: Seat) -> None:
    def batch(start: int, count: int = 100) -> list[dict[str, object]]:
        return [
            {"toId": guest.id, "type": "ice", "payload": {}, "clientMsgId": f"m{n}"}
            for n in range(start, start + count)
        ]

    first = host.send_batch(batch(0)).data["messageIds"]
    for start in range(100, 2000, 100):
        assert host.send_batch(batch(start)).status == 201
        guest.read()
        guest.poll(guest.seq)
    again = host.send_batch(batch(0))
    assert (again.status, again.data["messageIds"]) == (200, first)
    assert host.send_batch(batch(2000, 1)).status == 201
    assert host.send_batch(batch(1, 1)).data["messageIds"] == [first[1]]
    assert host.send_batch(batch(0, 1)).status == 201  # forgotten, and so it is a new one


def test_what_a_token_has_sent_is_forgotten_with_the_token(
    host: Seat, guest: Seat, database: Database
) -> None:
    guest.send(host, clientMsgId="m")
    host.send(guest, clientMsgId="m")
    assert number(database, "sent") == 2
    guest.call("POST", "/rejoin")
    assert number(database, "sent") == 1
    host.call("POST", "/leave")
    assert number(database, "sent") == 0


@pytest.mark.needs("quiz")
def test_a_rooms_events_are_bounded_and_who_missed_some_is_told_of_a_gap(
    client: Api, host: Seat, guest: Seat, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEPT_EVENTS", 20)
    monkeypatch.setattr(stream, "TRIM_EVERY", 10)
    counted = by_day(database)[0]
    seen_by_guest = guest.seq
    for n in range(100):
        host.call("POST", "/quiz", {"quizData": {"n": n}})
        host.read()
        host.poll(host.seq)
        assert number(database, "events") <= 30
    assert {**by_day(database)[0]} == counted  # events are no signals, and none was a join
    # The host has acknowledged all of them, the guest none.
    assert host.poll(host.seq).data["gap"] is False
    answer = guest.poll(seen_by_guest).data
    assert answer["gap"] is True
    assert answer["room"]["seq"] == host.seq
    guest.poll(answer["room"]["seq"])
    assert guest.poll(answer["room"]["seq"]).data["gap"] is False


@pytest.mark.needs("quiz")
def test_who_has_acknowledged_every_event_that_went_sees_no_gap(
    host: Seat, guest: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "KEPT_EVENTS", 20)
    monkeypatch.setattr(stream, "TRIM_EVERY", 10)
    for n in range(60):
        host.call("POST", "/quiz", {"quizData": {"n": n}})
        if n % 15 == 0:
            answer = guest.poll(guest.seq).data
            assert answer["gap"] is False
            guest.seq = answer["seq"]
