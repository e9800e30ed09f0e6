"""Polls of rooms that have not moved: what a process remembers makes them cheap, and never wrong.

Two apps over one database are two processes. "An hour between readings" makes a process believe for
long what it has read once, as very many polls in a moment would; `read_again` lets the time for the
next reading come.
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from flask import Flask
from werkzeug.test import Client

import party.db
from party.db import Database
from party.db.engines import Result, Statement
from party.db.migrate import migrate
from party.errors import Unavailable
from party.load import load
from party.ops import cleanup
from party.polling import fast_path, heartbeats, room_cache
from party.web.tokens import hashed
from tests.conftest import Clock, MakeApp, MakeServer
from tests.support.mariadb import MariaDB
from tests.support.peers import Answer, Api, Seat
from tests.support.server import Server

ORIGIN = "https://quiz.example"
# "Within a tick" on a machine that others use too.
SOON_SECONDS = 5.0
HOUR = 3600.0


@pytest.fixture
def hour_between_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every poll counts as one of many, and what was read once counts for an hour.

    Nor does any poll after the first take the full path for the cleaning that it would set off.
    """
    monkeypatch.setattr(cleanup, "EVERY_MS", 10**12)
    monkeypatch.setattr(room_cache, "SHARED_FROM", 0)
    monkeypatch.setattr(room_cache, "TICK_SECONDS", HOUR)


def cache_of(app: Flask) -> room_cache.RoomCache:
    """What this app remembers."""
    found: room_cache.RoomCache = app.extensions["party.memory"].rooms
    return found


def read_again(*apps: Flask) -> None:
    """The next tick of these processes."""
    for app in apps:
        cache_of(app).read()


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What the app says to its database meanwhile."""
    engine = app.extensions["party.database"].engine
    said: list[str] = []
    execute = engine.execute

    def note(connection: Any, spoken: Sequence[Statement]) -> list[Result]:
        said.extend(" ".join(sql.split()) for sql, _ in spoken)
        results: list[Result] = execute(connection, spoken)
        return results

    engine.execute = note
    try:
        yield said
    finally:
        del engine.execute


def through(app: Flask, seat: Seat) -> Seat:
    """The same page, calling another process."""
    other = Seat(Api.of_app(app), seat.room)
    other.token, other.seq = seat.token, seat.seq
    return other


def settle(*seats: Seat) -> None:
    """Poll until there is nothing new, and once more: now the process knows these pages."""
    for seat in seats:
        seat.read()
    for seat in seats:
        for _ in range(3):
            seat.poll(seat.seq)


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + SOON_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
    return found


# No query


@pytest.mark.usefixtures("hour_between_readings")
def test_an_idle_poll_of_a_quiet_room_asks_the_database_nothing(app: Flask, host: Seat, guest: Seat) -> None:
    settle(host, guest)
    with statements(app) as said:
        for _ in range(100):
            assert host.poll(host.seq).status == guest.poll(guest.seq).status == 200
    assert said == []


def test_where_few_poll_each_poll_sees_the_room_as_it_is(
    make_app: MakeApp, host: Seat, guest: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache, "SHARED_FROM", 1_000_000)
    settle(guest)
    elsewhere = through(make_app(), host)
    for n in range(20):
        elsewhere.send(guest, {"n": n})
        assert [message["payload"] for message in guest.read()] == [{"n": n}]


@pytest.mark.usefixtures("hour_between_readings")
def test_what_a_process_changed_itself_it_sees_at_once(host: Seat, guest: Seat) -> None:
    settle(host, guest)
    for n in range(5):
        host.send(guest, {"n": n})
        assert [message["payload"] for message in guest.read()] == [{"n": n}]


def poll_often(running: Server, seat: Seat, times: int) -> None:
    """Idle polls one after the other on one connection, with nothing that costs the client much."""
    request = (
        f"GET /signal/{seat.code}/{seat.id}?after={seat.seq} HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: Bearer {seat.token}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        for _ in range(times):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}\n"):
                part = connection.recv(65_536)
                assert part, answer
                answer += part
            assert b'"messages":[]' in answer


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_of_many_polls_at_most_one_in_twenty_asks_the_database(server: MakeServer, mariadb: MariaDB) -> None:
    running = server(workers=1, threads=16)
    api = Api.of_url(running.url)
    host = api.create_room()
    seats = [host, *(api.join(host.code) for _ in range(7))]
    settle(*seats)
    clients, polls = 16, 100

    def selects() -> int:
        (row,) = mariadb.query("SHOW GLOBAL STATUS LIKE 'Com_select'")
        return int(row["Value"])

    def share() -> float:
        before = selects()
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(lambda n: poll_often(running, seats[n % len(seats)], polls), range(clients)))
        return (selects() - before) / (clients * polls)

    # How many polls share a reading depends on how fast they come, and others use this machine, too.
    assert any(share() <= 50 / 1000 for _ in range(10))


# The same answer


def ask(app: Flask, seat: Seat, **changes: Any) -> tuple[str, dict[str, str], Any]:
    """One poll with everything that a client gets to see of the answer, but for what is its own."""
    request = {
        "method": "GET",
        "path": f"/signal/{seat.code}/{seat.id}",
        "query_string": f"after={seat.seq}",
        **changes,
        "headers": {"Authorization": f"Bearer {seat.token}", **changes.get("headers", {})},
    }
    response = Client(app).open(**request)
    headers = dict(response.headers)
    assert len(headers.pop("X-Request-Id", "")) == 16
    body = response.get_data(as_text=True)
    length = int(headers.pop("Content-Length", 0))
    assert length == len(body.encode()) or request["method"] == "HEAD"
    body = re.sub(r'"pollAfterMs":[0-9]+', '"pollAfterMs":0', body)
    return response.status, headers, body


@pytest.mark.usefixtures("hour_between_readings")
@pytest.mark.parametrize("origin", [None, ORIGIN, "https://other.example"])
@pytest.mark.parametrize("place", ["query", "header", "header, with a wait that nobody grants"])
def test_the_fast_path_gives_the_answer_of_the_full_path(
    make_app: MakeApp, clock: Clock, origin: str | None, place: str
) -> None:
    app = make_app(ALLOWED_ORIGINS=ORIGIN)
    host = Api.of_app(app).create_room()
    changes: dict[str, Any] = {"headers": {"Origin": origin} if origin else {}}
    if place != "query":
        changes["query_string"] = ""
        changes["headers"]["X-Party-After"] = str(host.seq)
    if "wait" in place:
        changes["headers"]["X-Party-Wait"] = "20"
    settle(host)
    ask(app, host, **changes)
    with statements(app) as said:
        short = ask(app, host, **changes)
    assert said == []
    long = ask(make_app(ALLOWED_ORIGINS=ORIGIN), host, **changes)
    assert short == long
    assert short[0] == "200 OK"
    assert ("Access-Control-Allow-Origin" in short[1]) == (origin == ORIGIN)


ODD_POLLS: dict[str, Callable[[Seat], dict[str, Any]]] = {
    "another method": lambda seat: {"method": "POST"},
    "OPTIONS": lambda seat: {"method": "OPTIONS", "headers": {"Origin": ORIGIN}},
    "HEAD": lambda seat: {"method": "HEAD"},
    "a slash too many": lambda seat: {"path": f"/signal/{seat.code}/{seat.id}/"},
    "a slash in between": lambda seat: {"path": f"/signal//{seat.code}/{seat.id}"},
    "peers": lambda seat: {"path": f"/signal/{seat.code}/{seat.id}/peers"},
    "an encoded id": lambda seat: {"path": f"/signal/{seat.code}/%67uest"},
    "an id encoded twice": lambda seat: {"path": f"/signal/{seat.code}/%2567uest"},
    "an id with a line's end": lambda seat: {"path": f"/signal/{seat.code}/{seat.id}%0A"},
    "another's id": lambda seat: {"path": f"/signal/{seat.code}/host"},
    "an id in other letters": lambda seat: {"path": f"/signal/{seat.code}/GUEST"},
    "a code in small letters": lambda seat: {"path": f"/signal/{seat.code.lower()}/{seat.id}"},
    "a code in other alphabets": lambda seat: {"path": f"/signal/\u017f{seat.code[1:]}/{seat.id}"},
    "another room": lambda seat: {"path": f"/signal/AAAAAA/{seat.id}"},
    "no cursor": lambda seat: {"query_string": ""},
    "a number without a name": lambda seat: {"query_string": str(seat.seq)},
    "a cursor by another name": lambda seat: {"query_string": f"before={seat.seq}"},
    "an empty cursor": lambda seat: {"query_string": "after="},
    "a cursor beyond the room": lambda seat: {"query_string": f"after={seat.seq + 1}"},
    "a cursor of the past": lambda seat: {"query_string": "after=0"},
    "a cursor in other digits": lambda seat: {"query_string": "after=%D9%A1"},
    "a cursor in other digits, bare": lambda seat: {"query_string": "after=²"},
    "a cursor with a sign": lambda seat: {"query_string": f"after=%2B{seat.seq}"},
    "a cursor with zeros before it": lambda seat: {"query_string": f"after=00{seat.seq}"},
    "a cursor of too many digits": lambda seat: {"query_string": f"after={seat.seq:019d}"},
    "an encoded cursor": lambda seat: {"query_string": f"after=%3{seat.seq}"},
    "an encoded name": lambda seat: {"query_string": f"%61fter={seat.seq}"},
    "two cursors": lambda seat: {"query_string": f"after={seat.seq}&after=0"},
    "a cursor and a header": lambda seat: {"headers": {"X-Party-After": "0"}},
    "something else and a header": lambda seat: {
        "query_string": "x=1",
        "headers": {"X-Party-After": str(seat.seq)},
    },
    "a wrong wait": lambda seat: {"headers": {"X-Party-Wait": "soon"}},
    "an empty wait": lambda seat: {"headers": {"X-Party-Wait": ""}},
    "a wait in other digits": lambda seat: {"headers": {"X-Party-Wait": "²"}},
    "a part of a second": lambda seat: {"headers": {"X-Party-Wait": "0.5"}},
    "a wrong wait in the query": lambda seat: {"query_string": f"after={seat.seq}&wait=-1"},
    "no token": lambda seat: {"headers": {"Authorization": ""}},
    "a token that never was": lambda seat: {"headers": {"Authorization": "Bearer x"}},
    "a token in other letters": lambda seat: {"headers": {"Authorization": "Bearer ÿ"}},
    "another scheme": lambda seat: {"headers": {"Authorization": f"Basic {seat.token}"}},
    "a scheme in small letters": lambda seat: {"headers": {"Authorization": f"bearer {seat.token}"}},
    "blanks around the token": lambda seat: {"headers": {"Authorization": f"Bearer   {seat.token} "}},
}


@pytest.mark.usefixtures("hour_between_readings")
@pytest.mark.parametrize("kind", ODD_POLLS)
def test_an_odd_poll_gets_the_answer_that_a_process_without_memory_gives(
    make_app: MakeApp, app: Flask, host: Seat, guest: Seat, kind: str
) -> None:
    settle(host, guest)
    changes = ODD_POLLS[kind](guest)
    assert ask(app, guest, **changes) == ask(make_app(), guest, **changes)


@pytest.mark.usefixtures("hour_between_readings")
def test_anothers_token_opens_nothing(app: Flask, client: Api, host: Seat, guest: Seat) -> None:
    stranger = client.create_room()
    settle(host, guest, stranger)
    path = f"/signal/{host.code}/{guest.id}?after={guest.seq}"
    for token, code in ((host.token, "NOT_YOUR_ID"), (stranger.token, "NOT_A_MEMBER")):
        answer = client.request("GET", path, token=token)
        assert (answer.status, answer.code) == (403, code)


@pytest.mark.usefixtures("hour_between_readings", "one_second")
def test_more_polls_than_a_member_may_make_are_refused(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(POLLS_PER_SECOND=5)
    host = Api.of_app(app).create_room()
    host.poll(host.seq)  # the full path
    answers = [host.poll(host.seq) for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 4 + [429] * 3
    assert answers[-1].code == "RATE_LIMITED"


@pytest.mark.usefixtures("hour_between_readings")
def test_made_up_origins_are_not_all_remembered(
    app: Flask, host: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_path, "MOST_ORIGINS", 3)
    settle(host)
    for n in range(10):
        status, headers, _ = ask(app, host, headers={"Origin": f"https://{n}.example"})
        assert status == "200 OK"
        assert "Access-Control-Allow-Origin" not in headers
        assert 0 < len(app.wsgi_app._headers) <= 3  # type: ignore[attr-defined]


# What moves by the clock alone


@pytest.mark.usefixtures("hour_between_readings")
def test_a_room_whose_time_is_over_ends_although_nothing_moved(host: Seat, guest: Seat, clock: Clock) -> None:
    settle(host, guest)
    clock.advance(2 * HOUR)
    assert [message["payload"]["reason"] for message in guest.read()] == ["expired"]
    assert guest.poll(guest.seq).code == "ROOM_ENDED"


@pytest.mark.usefixtures("hour_between_readings")
def test_whoever_only_polls_in_vain_learns_that_a_signal_expired(
    client: Api, host: Seat, guest: Seat, clock: Clock
) -> None:
    silent = client.join(host.code)
    settle(host, guest)
    sent = host.send(silent).data["messageId"]
    settle(host, guest)
    clock.advance(121)
    assert [message["payload"]["messageId"] for message in host.read()] == [sent]


@pytest.mark.usefixtures("hour_between_readings")
def test_the_end_of_a_room_is_told_and_acknowledged_as_ever(
    make_app: MakeApp, app: Flask, host: Seat, guest: Seat
) -> None:
    settle(host, guest)
    through(make_app(), host).call("DELETE")
    read_again(app)
    for _ in range(3):
        answer = guest.poll(guest.seq).data
        assert [message["type"] for message in answer["messages"]] == ["room-ended"]
    assert guest.poll(answer["seq"]).code == "ROOM_ENDED"


# Several processes


def revoke_by_leaving(host: Seat, guest: Seat) -> None:
    guest.call("POST", "/leave")


def revoke_by_removing(host: Seat, guest: Seat) -> None:
    host.call("POST", "/remove", {"participantId": guest.id})


def revoke_by_rejoining(host: Seat, guest: Seat) -> None:
    assert guest.call("POST", "/rejoin").status == 200


REVOCATIONS = pytest.mark.parametrize("revoke", [revoke_by_leaving, revoke_by_removing, revoke_by_rejoining])


@REVOCATIONS
@pytest.mark.usefixtures("hour_between_readings")
def test_a_token_that_died_elsewhere_is_dead_with_the_next_reading(
    make_app: MakeApp, app: Flask, host: Seat, guest: Seat, revoke: Callable[[Seat, Seat], None]
) -> None:
    settle(host, guest)
    other = make_app()
    revoke(through(other, host), through(other, guest))
    read_again(app)
    answer = guest.poll(guest.seq)
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
    assert host.poll(host.seq).status == 200


@pytest.mark.usefixtures("hour_between_readings")
def test_the_old_page_of_a_host_who_is_alone_is_dead_with_the_next_reading(
    make_app: MakeApp, app: Flask, host: Seat
) -> None:
    settle(host)
    page = Seat(host.api, through(make_app(), host).call("POST", "/rejoin").data)
    assert page.seq == host.seq + 1
    read_again(app)
    assert host.poll(host.seq).code == "TOKEN_INVALID"
    assert page.poll(page.seq).status == 200


@pytest.fixture
def two_servers(server: MakeServer) -> tuple[Server, Server]:
    """Two servers of one process each, so that a test chooses who answers."""
    return server(workers=1, threads=12), server(workers=1, threads=12)


@contextmanager
def polled_hard(running: Server, seats: list[Seat], clients: int = 4) -> Iterator[list[Answer]]:
    """Clients that poll as fast as they can; the last answers, one for each."""
    stop = threading.Event()
    last: list[Answer | None] = [None] * clients

    def poll(n: int) -> None:
        seat = seats[n % len(seats)]
        with requests.Session() as session:
            while not stop.is_set():
                response = session.get(
                    f"{running.url}/signal/{seat.code}/{seat.id}?after={seat.seq}",
                    headers={"Authorization": f"Bearer {seat.token}"},
                    timeout=30,
                )
                last[n] = Answer(response.status_code, dict(response.headers), response.text)

    with ThreadPoolExecutor(clients) as pool:
        pollers = [pool.submit(poll, n) for n in range(clients)]
        try:
            wait_for(lambda: all(last))
            yield last  # type: ignore[misc]
        finally:
            stop.set()
        for poller in pollers:
            poller.result()


@REVOCATIONS
def test_a_token_dies_within_a_tick_however_hard_everybody_polls(
    two_servers: tuple[Server, Server], revoke: Callable[[Seat, Seat], None]
) -> None:
    here, there = (Api.of_url(running.url) for running in two_servers)
    host = here.create_room()
    guest = here.join(host.code)
    settle(host, guest)
    with polled_hard(two_servers[0], [guest, host]) as last:
        revoke(
            Seat(there, {**host.room, "seq": host.seq}),
            Seat(there, {**guest.room, "seq": guest.seq}),
        )
        wait_for(lambda: last[0].status == last[2].status == 401)
        assert last[1].status == 200


def test_a_signal_sent_through_another_process_comes_within_a_tick(
    two_servers: tuple[Server, Server],
) -> None:
    here, there = (Api.of_url(running.url) for running in two_servers)
    host = here.create_room()
    guest = here.join(host.code)
    settle(host, guest)
    elsewhere = Seat(there, host.room)
    with polled_hard(two_servers[0], [guest]) as last:
        for n in range(5):
            elsewhere.send(guest, {"n": n})
            wait_for(lambda: all(len(answer.data["messages"]) > n for answer in last))  # noqa: B023


@pytest.mark.usefixtures("hour_between_readings")
def test_what_one_process_delivered_the_other_makes_durable(
    make_app: MakeApp, app: Flask, host: Seat, guest: Seat
) -> None:
    database = app.extensions["party.database"]
    other = make_app()
    elsewhere = through(other, guest)
    settle(host, guest, elsewhere)
    for n in range(3):
        host.send(guest, {"n": n})
        read_again(other)
        assert [message["payload"] for message in guest.read()] == [{"n": n}]
        # The other process has known this page for long, but not this cursor.
        assert elsewhere.poll(guest.seq).data["messages"] == []
        assert database.all("SELECT * FROM party_signaling") == []
        acked = database.one("SELECT acked_seq FROM party_participants WHERE participant_id = 'guest'")
        assert acked == {"acked_seq": guest.seq}


@pytest.mark.usefixtures("hour_between_readings")
def test_a_cursor_that_this_process_has_not_seen_yet_is_no_wrong_one(
    make_app: MakeApp, app: Flask, host: Seat, guest: Seat
) -> None:
    other = make_app()
    settle(host, guest)
    elsewhere = through(other, guest)
    through(other, host).send(guest)
    assert len(elsewhere.read()) == 1
    assert guest.poll(elsewhere.seq).status == 200
    assert guest.poll(elsewhere.seq + 1).code == "BAD_CURSOR"


# Signs of life


def test_who_polls_once_a_second_is_online_for_long_and_little_is_written(
    app: Flask, client: Api, host: Seat, guest: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache, "SHARED_FROM", 0)
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", 0)
    settle(host, guest)
    before = host.call("GET").data["expiresAt"]
    with statements(app) as said:
        for _ in range(600):
            clock.advance(1)
            assert guest.poll(guest.seq).status == 200
    (room,) = [client.request("GET", f"/rooms/{host.code}", token=guest.token).data]
    assert {member["id"]: member["online"] for member in room["participants"]} == {
        "host": False,
        "guest": True,
    }
    assert room["expiresAt"] > before
    written = [sql for sql in said if sql.startswith("UPDATE")]
    # Far from one for each poll.
    assert 0 < len(written) <= 600 / 5


@pytest.mark.usefixtures("hour_between_readings")
def test_many_members_share_one_statement(
    app: Flask, client: Api, host: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", HOUR)
    seats = [host, *(client.join(host.code) for _ in range(9))]
    settle(*seats)
    clock.advance(20)
    with statements(app) as said:
        for seat in seats[1:]:
            seat.poll(seat.seq)
        assert not any(sql.startswith("UPDATE") for sql in said)
        monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", 0)
        host.poll(host.seq)
    assert len([sql for sql in said if sql.startswith("UPDATE party_participants")]) == 1
    clock.advance(80)
    assert all(member["online"] for member in host.call("GET").data["participants"])


@pytest.mark.usefixtures("hour_between_readings")
def test_a_hidden_tab_that_polls_once_a_minute_is_online(host: Seat, guest: Seat, clock: Clock) -> None:
    settle(host, guest)
    for _ in range(10):
        clock.advance(60)
        guest.poll(guest.seq)
        clock.advance(25)
        assert host.call("GET").data["participants"][1]["online"] is True


@pytest.mark.usefixtures("hour_between_readings")
def test_what_a_dying_process_did_not_write_the_next_poll_elsewhere_does(
    make_app: MakeApp, host: Seat, guest: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", HOUR)
    settle(host, guest)
    for _ in range(2):  # noted, and taken along
        clock.advance(12)
        guest.poll(guest.seq)
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", 0)
    other = make_app()
    elsewhere = through(other, guest)
    for _ in range(20):
        clock.advance(10)
        assert elsewhere.poll(guest.seq).status == 200
    room = through(other, host).call("GET").data
    assert room["participants"][1]["online"] is True


# Memory


@pytest.mark.usefixtures("hour_between_readings")
def test_rooms_and_seats_that_nobody_asks_for_are_forgotten(
    app: Flask, client: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [client.create_room() for _ in range(5)]
    settle(*rooms)
    monkeypatch.setattr(room_cache, "FORGET_SECONDS", 0.05)
    time.sleep(0.1)
    rooms[0].poll(rooms[0].seq)
    read_again(app)
    assert [cache_of(app).seat(hash_of(seat)) is not None for seat in rooms] == [True] + [False] * 4
    # Forgotten is not gone.
    assert [seat.poll(seat.seq).status for seat in rooms] == [200] * 5


def test_where_few_poll_they_are_forgotten_too(
    app: Flask, client: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = [client.create_room() for _ in range(5)]
    settle(*rooms)
    monkeypatch.setattr(room_cache, "FORGET_SECONDS", 0.05)
    time.sleep(0.1)
    for _ in range(2):
        rooms[0].poll(rooms[0].seq)
    assert [cache_of(app).seat(hash_of(seat)) is not None for seat in rooms] == [True] + [False] * 4


@pytest.mark.usefixtures("hour_between_readings")
def test_the_pages_of_a_seat_that_was_taken_over_are_forgotten(
    app: Flask, host: Seat, guest: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = [guest]
    for _ in range(5):
        settle(pages[-1])
        pages.append(Seat(guest.api, pages[-1].call("POST", "/rejoin").data))
    settle(pages[-1])
    # The room itself is asked for all the time.
    monkeypatch.setattr(room_cache, "FORGET_SECONDS", 0.05)
    time.sleep(0.1)
    pages[-1].poll(pages[-1].seq)
    read_again(app)
    assert [cache_of(app).seat(hash_of(page)) is not None for page in pages] == [False] * 5 + [True]


def hash_of(seat: Seat) -> str:
    """Under which name a seat is remembered."""
    return hashed(seat.token)


# More rooms than are read whole


@pytest.fixture
def many_rooms(monkeypatch: pytest.MonkeyPatch, client: Api, clock: Clock) -> list[Seat]:
    """Rooms that one process polls, of which it reads only some in each tick."""
    rooms = [client.create_room() for _ in range(23)]
    settle(*rooms)
    monkeypatch.setattr(room_cache, "READ_WHOLE", 4)
    # However slow this machine is, the last reading was a moment ago.
    monkeypatch.setattr(room_cache, "OVERLAP_MS", 60_000)
    return rooms


def seqs(app: Flask, rooms: list[Seat]) -> list[int]:
    """The numbers of these rooms as this process knows them."""
    ids = [cache_of(app).seat(hash_of(seat)) for seat in rooms]
    known = [cache_of(app).last(seat.caller["room_id"]) for seat in ids if seat]
    return [row["seq"] for row in known if row]


@pytest.mark.needs("quiz")
@pytest.mark.usefixtures("hour_between_readings")
def test_of_very_many_rooms_those_that_moved_are_seen_with_the_next_reading(
    app: Flask, make_app: MakeApp, many_rooms: list[Seat]
) -> None:
    read_again(app)
    other = make_app()
    with statements(app) as said:
        for room in many_rooms[::3]:
            through(other, room).call("POST", "/quiz", {"quizData": {}})
        read_again(app)
    assert seqs(app, many_rooms) == [int(n % 3 == 0) for n in range(23)]
    assert len(said) == 2


@pytest.mark.needs("quiz")
@pytest.mark.usefixtures("hour_between_readings")
@pytest.mark.parametrize("off_seconds", [-60, 60])
def test_changes_by_a_host_whose_clock_is_off_are_seen_after_one_turn(
    app: Flask,
    make_app: MakeApp,
    many_rooms: list[Seat],
    clock: Clock,
    off_seconds: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room_cache, "OVERLAP_MS", 59_000)
    read_again(app)
    other = make_app()
    clock.advance(off_seconds)
    for room in many_rooms:
        through(other, room).call("POST", "/quiz", {"quizData": {}})
    clock.advance(-off_seconds)
    turns = -(-len(many_rooms) // room_cache.READ_WHOLE)
    for _ in range(turns):
        read_again(app)
    assert seqs(app, many_rooms) == [1] * 23


@pytest.mark.needs("quiz")
@pytest.mark.usefixtures("hour_between_readings")
@pytest.mark.parametrize("off_seconds", [-5, 5])
def test_changes_by_a_host_that_goes_by_another_database_servers_clock_are_seen_at_once(
    app: Flask,
    make_app: MakeApp,
    many_rooms: list[Seat],
    clock: Clock,
    off_seconds: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room_cache, "OVERLAP_MS", 500)
    monkeypatch.setattr(app.extensions["party.database"].engine, "has_several_hosts", True)
    read_again(app)
    other = make_app()
    clock.advance(off_seconds)
    for room in many_rooms:
        through(other, room).call("POST", "/quiz", {"quizData": {}})
    clock.advance(-off_seconds)
    read_again(app)
    assert seqs(app, many_rooms) == [1] * 23


@pytest.mark.usefixtures("hour_between_readings")
def test_a_commit_that_came_late_is_seen(app: Flask, many_rooms: list[Seat], clock: Clock) -> None:
    """It took its number, then came readings, and only then the commit."""
    database = app.extensions["party.database"]
    read_again(app)
    moved_at = clock.now
    clock.advance(50)
    read_again(app)
    clock.advance(1)
    database.write(lambda tx: tx.run("UPDATE party_rooms SET seq = seq + 1, moved_at = :at", at=moved_at))
    read_again(app)
    assert seqs(app, many_rooms) == [1] * 23


@pytest.mark.needs("quiz")
@pytest.mark.usefixtures("hour_between_readings")
def test_of_many_rooms_too_a_process_sees_its_own_changes_at_once(
    app: Flask, many_rooms: list[Seat], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where a reading finds no room that moved, as when a commit came very late."""
    monkeypatch.setattr(room_cache, "OVERLAP_MS", -(10**12))
    read_again(app)
    for n, host in enumerate(many_rooms):
        host.call("POST", "/quiz", {"quizData": {"n": n}})
        read_again(app)
        assert [message["type"] for message in host.read()] == ["quiz-updated"]


# The database away


class Away:
    """Stands in for a database: every reading fails, after a while."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.tries = 0

        def fail(*_: Any) -> Any:
            self.tries += 1
            time.sleep(seconds)
            raise Unavailable

        monkeypatch.setattr(app.extensions["party.database"].engine, "execute", fail)


def test_those_who_wait_for_a_reading_that_fails_do_not_try_one_after_the_other(
    app: Flask, host: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(host)
    seat = cache_of(app).seat(hash_of(host))
    assert seat is not None
    monkeypatch.setattr(room_cache, "SHARED_FROM", 1_000_000)  # or what was read just now would do
    away = Away(app, monkeypatch, 0.3)

    def look(_: int) -> bool:
        try:
            cache_of(app).room(seat.caller["room_id"])
        except Unavailable:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(look, range(8)))
    assert away.tries < 4


def test_a_poll_waits_for_a_connection_once(
    make_app: MakeApp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(DB_POOL_SIZE=1)
    database: Database = app.extensions["party.database"]
    host = Api.of_app(app).create_room()
    settle(host)
    monkeypatch.setattr(party.db, "POOL_WAIT_SECONDS", 0.2)
    waits: list[float] = []
    monkeypatch.setattr(load, "note_contention", lambda: waits.append(time.monotonic()))
    with database.connection():
        answer = host.poll(host.seq)
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(waits) == 1
    assert host.poll(host.seq).status == 200


def test_what_nobody_expected_is_answered_in_the_usual_form(
    app: Flask, host: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(host)

    def fail(*_: object) -> Any:
        raise ValueError("a secret")

    monkeypatch.setattr(cache_of(app), "room", fail)
    app.testing = False
    answer = host.poll(host.seq)
    assert (answer.status, answer.code) == (500, "INTERNAL")
    assert "secret" not in answer.text


def test_after_an_outage_nobody_is_taken_to_have_been_away_who_was_there(
    app: Flask, client: Api, host: Seat, guest: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", HOUR)
    gone = client.join(host.code)
    settle(host, guest, gone)
    notes = app.extensions["party.memory"].heartbeats
    clock.advance(20)
    gone.poll(gone.seq)
    with monkeypatch.context() as outage:
        outage.setattr(notes, "flush", lambda: None)
        for _ in range(10):
            clock.advance(20)
            host.poll(host.seq)
            guest.poll(guest.seq)
    notes.flush()
    members = client.request("GET", f"/rooms/{host.code}", token=host.token).data["participants"]
    assert [member["online"] for member in members] == [True, True, False]


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_without_a_database_polls_get_503_at_once_and_then_it_works_again(
    server: MakeServer, own_mariadb: MariaDB
) -> None:
    urls = own_mariadb.create_database("party")
    list(migrate(urls.admin))
    running = server(workers=2, threads=8, DATABASE_URL=urls.app)
    api = Api.of_url(running.url)
    host = api.create_room()
    guest = api.join(host.code)
    settle(host, guest)
    with polled_hard(running, [host, guest]) as last:
        own_mariadb.stop()
        wait_for(lambda: {answer.status for answer in last} == {503})
        began = time.monotonic()
        assert guest.poll(guest.seq).code == "UNAVAILABLE"
        assert time.monotonic() - began < SOON_SECONDS
        own_mariadb.start()
        wait_for(lambda: {answer.status for answer in last} == {200})
    host.send(guest, {"n": 1})
    assert [message["payload"] for message in guest.read()] == [{"n": 1}]


@pytest.fixture
def own_mariadb() -> Iterator[MariaDB]:
    """A server that a test may stop."""
    started = MariaDB(durable=True)
    yield started
    started.remove()
