"""Held polls: who is answered when, what waiting costs the others, and what happens when things stop.

Two apps over one database are two processes; where threads, greenlets or signals matter, there is a
gunicorn.
"""

import random
import select
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from party.db import Connection, Database
from party.db.migrate import migrate
from party.polling import notifier, waiters
from party.polling.room_cache import RoomCache
from party.web.tokens import hashed
from tests.conftest import Clock, MakeApp, MakeServer
from tests.support.mariadb import MariaDB
from tests.support.peers import Answer, Api, Seat, lasting
from tests.support.server import ROOT, Server

# Long enough that nobody takes its end for an answer.
WAIT = 30
# "At once" and "within a tick" on a machine that others use too.
SOON_SECONDS = 8.0
GUNICORN_CONFIG = ROOT / "deploy/gunicorn.conf.py"


@dataclass
class Held:
    """An answer, and how long it took."""

    answer: Answer
    seconds: float

    @property
    def types(self) -> list[str]:
        """The types of the messages in it."""
        return [message["type"] for message in self.answer.data["messages"]]


Hold = Callable[..., "Future[Held]"]


def poll_and_wait(seat: Seat, wait: float = WAIT, after: int | None = None) -> Held:
    """A held poll, from its beginning to its end."""
    began = time.monotonic()
    after = seat.seq if after is None else after
    path = f"/signal/{seat.code}/{seat.id}?after={after}&wait={wait}"
    answer = seat.api.request("GET", path, token=seat.token)
    return Held(answer, time.monotonic() - began)


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Begins a held poll: `hold(seat, wait=5)`."""
    with ThreadPoolExecutor(40) as pool:
        yield lambda seat, **options: pool.submit(poll_and_wait, seat, **options)


@pytest.fixture
def processes(make_app: MakeApp, clock: Clock, hold: Hold) -> Iterator[list[Flask]]:
    """Two that hold polls. In the end they let everybody go."""
    apps = [make_app(LONG_POLL_SECONDS=WAIT) for _ in range(2)]
    yield apps
    for app in apps:
        waiters_of(app).release_all()


def waiters_of(app: Flask) -> waiters.Waiters:
    """Who waits in this process."""
    found: waiters.Waiters = app.extensions["party.memory"].waiters
    return found


def wait_for(condition: Callable[[], Any], seconds: float = SOON_SECONDS) -> Any:
    """What `condition` says as soon as that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return found


def wait_until_held(app: Flask, count: int) -> None:
    """Wait until so many wait in this process."""
    found = waiters_of(app)
    wait_for(lambda: sum(map(len, list(found._rooms.values()))) == count)


def through(app: Flask, seat: Seat) -> Seat:
    """The same page, calling another process."""
    other = Seat(Api.of_app(app), seat.room)
    other.seq = seat.seq
    return other


@pytest.fixture
def room(processes: list[Flask]) -> list[Seat]:
    """A host and two guests, who have read and acknowledged everything; they call the first process."""
    host = Api.of_app(processes[0]).create_room()
    seats = [host, *(host.api.join(host.code) for _ in range(2))]
    for seat in seats:
        seat.read()
        seat.poll(seat.seq)
    return seats


# What is answered when


@pytest.mark.parametrize("sender", [0, 1])
def test_a_signal_wakes_its_addressee_and_nobody_else(
    processes: list[Flask], room: list[Seat], hold: Hold, sender: int
) -> None:
    host, guest, other = room
    held = {seat.id: hold(seat) for seat in (host, guest, other)}
    wait_until_held(processes[0], 3)
    through(processes[sender], host).send(guest, {"n": 1})
    answered = held[guest.id].result(SOON_SECONDS)
    assert [message["payload"] for message in answered.answer.data["messages"]] == [{"n": 1}]
    assert answered.seconds < SOON_SECONDS
    time.sleep(0.3)  # a few ticks, in which nobody else may be answered
    assert not held[host.id].done()
    assert not held[other.id].done()


@pytest.mark.needs("quiz")
@pytest.mark.parametrize("sender", [0, 1])
def test_an_event_wakes_everybody(processes: list[Flask], room: list[Seat], hold: Hold, sender: int) -> None:
    held = [hold(seat) for seat in room]
    wait_until_held(processes[0], 3)
    through(processes[sender], room[0]).call("POST", "/quiz", {"quizData": {}})
    assert [future.result(SOON_SECONDS).types for future in held] == [["quiz-updated"]] * 3


def test_what_was_nothing_for_the_waiting_is_behind_them(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    host, guest, other = room
    held = hold(other)
    wait_until_held(processes[0], 1)
    host.send(guest)
    last = guest.send(host).data["messageId"]
    for n in range(2):
        sent = host.send(other, {"n": n}).data["messageId"]
        data = held.result(SOON_SECONDS).answer.data
        assert (data["count"], data["seq"]) == (1, sent)
        assert sent > last
        other.seq = data["seq"]
        held = hold(other)
        wait_until_held(processes[0], 1)


def test_an_answer_comes_back_empty_in_time_and_the_next_poll_may_follow_at_once(
    room: list[Seat], hold: Hold
) -> None:
    held = hold(room[1], wait=0.5).result(SOON_SECONDS)
    assert held.seconds >= 0.5
    data = held.answer.data
    assert (data["messages"], data["seq"], data["pollAfterMs"]) == ([], room[1].seq, 0)


def test_after_news_and_after_a_send_the_next_poll_follows_after_a_minimum_gap(
    room: list[Seat], hold: Hold, processes: list[Flask]
) -> None:
    host, guest = room[:2]
    held = hold(guest)
    wait_until_held(processes[0], 1)
    sent = host.send(guest, after=host.seq).data
    answers = [sent, held.result(SOON_SECONDS).answer.data, poll_and_wait(guest).answer.data]
    assert [answer["count"] for answer in answers] == [0, 1, 1]
    # So short that nobody notices, and long enough for a page to send its answer instead.
    assert all(0 < answer["pollAfterMs"] < 50 for answer in answers)


def test_nobody_is_held_longer_than_the_setting_says(make_app: MakeApp, clock: Clock) -> None:
    host = Api.of_app(make_app(LONG_POLL_SECONDS=1)).create_room()
    assert 1 <= poll_and_wait(host, wait=25).seconds < SOON_SECONDS


def test_where_the_setting_is_0_every_poll_is_answered_at_once(host: Seat) -> None:
    held = poll_and_wait(host)
    assert held.seconds < SOON_SECONDS
    assert held.answer.data["pollAfterMs"] > 0


def test_a_poll_without_a_cursor_is_not_held(room: list[Seat]) -> None:
    answer = room[0].api.request(
        "GET", f"/signal/{room[0].code}/{room[0].id}?wait={WAIT}", token=room[0].token
    )
    assert answer.data["room"]["code"] == room[0].code


def test_a_poll_for_which_something_has_come_already_is_not_held(room: list[Seat]) -> None:
    room[0].send(room[1])
    for _ in range(2):
        held = poll_and_wait(room[1])
        assert held.types == ["offer"]
        assert held.seconds < SOON_SECONDS


def test_the_wait_may_stand_in_a_header(room: list[Seat]) -> None:
    began = time.monotonic()
    headers = {"X-Party-After": str(room[1].seq), "X-Party-Wait": "0.4"}
    path = f"/signal/{room[1].code}/{room[1].id}"
    for _ in range(2):
        assert room[1].api.request("GET", path, token=room[1].token, headers=headers).data["messages"] == []
    assert time.monotonic() - began >= 0.8


@pytest.mark.parametrize("process", [0, 1])
def test_the_end_of_a_room_wakes_everybody_and_then_nobody_is_held(
    processes: list[Flask], room: list[Seat], hold: Hold, process: int
) -> None:
    held = [hold(seat) for seat in room[1:]]
    wait_until_held(processes[0], 2)
    through(processes[process], room[0]).call("DELETE")
    assert [future.result(SOON_SECONDS).types for future in held] == [["room-ended"]] * 2
    # Not acknowledged yet, then acknowledged.
    again = poll_and_wait(room[1])
    assert (again.types, again.seconds < SOON_SECONDS) == (["room-ended"], True)
    over = poll_and_wait(room[1], after=again.answer.data["seq"])
    assert (over.answer.status, over.seconds < SOON_SECONDS) == (410, True)


@pytest.mark.parametrize("process", [0, 1])
@pytest.mark.parametrize("how", ["leave", "remove", "rejoin"])
def test_a_poll_whose_token_dies_is_answered_401(
    processes: list[Flask], room: list[Seat], hold: Hold, how: str, process: int
) -> None:
    host, guest, _ = (through(processes[process], seat) for seat in room)
    held = hold(room[1])
    wait_until_held(processes[0], 1)
    if how == "remove":
        host.call("POST", "/remove", {"participantId": guest.id})
    else:
        guest.call("POST", f"/{how}")
    answer = held.result(SOON_SECONDS).answer
    assert (answer.status, answer.code) == (401, "TOKEN_INVALID")


def test_a_poll_whose_token_dies_is_not_sent_home_by_that_of_the_new_page(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    page = room[1]
    for _ in range(10):
        held = hold(page)
        wait_until_held(processes[0], 1)
        page = Seat(page.api, page.call("POST", "/rejoin").data)
        newer = hold(page, wait=0.1)
        assert held.result(SOON_SECONDS).answer.code == "TOKEN_INVALID"
        assert newer.result(SOON_SECONDS).answer.status == 200


@pytest.mark.parametrize("process", [0, 1])
def test_the_held_poll_of_a_host_who_is_alone_dies_with_its_page(
    processes: list[Flask], hold: Hold, process: int
) -> None:
    host = Api.of_app(processes[0]).create_room()
    held = hold(host)
    wait_until_held(processes[0], 1)
    through(processes[process], host).call("POST", "/rejoin")
    assert held.result(SOON_SECONDS).answer.code == "TOKEN_INVALID"


def test_of_two_held_polls_of_a_page_in_one_process_the_newer_releases_the_older(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    guest = room[1]
    older = hold(guest)
    wait_until_held(processes[0], 1)
    for _ in range(4):
        newer = hold(guest)
        released = older.result(SOON_SECONDS).answer
        assert (released.status, released.data["messages"], released.data["seq"]) == (200, [], guest.seq)
        wait_until_held(processes[0], 1)
        assert not newer.done()
        older = newer
    room[0].send(guest)
    assert older.result(SOON_SECONDS).types == ["offer"]


def test_two_held_polls_of_a_page_in_two_processes_take_nothing_from_each_other(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    held = []
    for process in processes:
        held.append(hold(through(process, room[1])))
        wait_until_held(process, 1)
    assert not held[0].done()
    room[0].send(room[1])
    assert [future.result(SOON_SECONDS).types for future in held] == [["offer"]] * 2


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_neighbours_who_change_between_processes_wake_nobody(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    host, guest, _ = room
    held = hold(host)
    wait_until_held(processes[0], 1)
    for process in (1, 0, 1):
        assert hold(through(processes[process], guest), wait=0.1).result(SOON_SECONDS).answer.status == 200
    assert not held.done()


def test_waiting_now_here_and_now_there_costs_no_write(
    processes: list[Flask], room: list[Seat], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [hold(through(processes[n % 2], seat), wait=1) for n, seat in enumerate(room * 2)]
    written: list[object] = []
    monkeypatch.setattr(Database, "write", lambda database, work: written.append(work))
    for future in held:
        future.result(SOON_SECONDS)
    assert written == []


def test_a_poll_that_comes_to_another_process_makes_nobody_forget_the_neighbours(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    host, guest, _ = room
    cache: RoomCache = processes[0].extensions["party.memory"].rooms
    poll_and_wait(host, wait=0)
    seat = cache.seat(hashed(host.token))
    held = hold(through(processes[1], guest))
    wait_until_held(processes[1], 1)
    cache.read()
    now = cache.last(seat.caller["room_id"]) if seat else None
    assert seat
    assert now
    assert now["members_seq"] == seat.members_seq
    assert not held.done()


def test_a_signal_that_expires_while_all_only_wait_is_told_to_its_sender(
    processes: list[Flask], room: list[Seat], hold: Hold, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "CHECK_SECONDS", 60)  # what is due waits for no look at everything
    host, guest, other = room
    sent = host.send(other).data["messageId"]  # who does not poll
    held = [hold(seat) for seat in (host, guest)]
    wait_until_held(processes[0], 2)
    time.sleep(0.3)  # until nobody is new
    clock.advance(121)
    messages = held[0].result(SOON_SECONDS).answer.data["messages"]
    assert [message["payload"]["messageId"] for message in lasting(messages)] == [sent]
    assert poll_and_wait(other).answer.data["gap"] is True


def test_who_only_waits_is_online_and_keeps_the_room_alive(
    processes: list[Flask], room: list[Seat], hold: Hold, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "CHECK_SECONDS", 0)
    host, guest, _ = room
    held = hold(guest)
    wait_until_held(processes[0], 1)

    def online() -> list[bool]:
        members = through(processes[1], host).call("GET").data["participants"]
        return [member["online"] for member in members]

    database = processes[0].extensions["party.database"]
    where = f"WHERE participant_id = '{guest.id}' AND last_seen_at"

    def is_noted() -> bool:
        nonlocal held
        if held.done():  # the others are away by now
            guest.read()
            held = hold(guest)
        return database.one(f"SELECT id FROM party_participants {where} = {clock.now}") is not None

    for _ in range(100):
        clock.advance(80)
        wait_for(is_noted)
    assert online() == [False, True, False]
    assert through(processes[1], host).call("GET").data["status"] == "waiting"


# What waiting costs


@pytest.mark.needs("quiz")
def test_waiting_takes_no_connection_and_no_lock(make_app: MakeApp, clock: Clock, hold: Hold) -> None:
    app = make_app(LONG_POLL_SECONDS=WAIT, DB_POOL_SIZE=1)
    host = Api.of_app(app).create_room()
    guests = [host.api.join(host.code) for _ in range(3)]
    for seat in guests:
        seat.read()
    held = [hold(seat) for seat in guests]
    wait_until_held(app, 3)
    for n in range(5):
        assert host.api.create_room().poll().status == 200
        assert host.call("POST", "/quiz", {"quizData": {"n": n}}).status == 200
    assert all("quiz-updated" in future.result(SOON_SECONDS).types for future in held)


def test_who_finds_all_places_taken_is_answered_at_once(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    waiters_of(processes[0]).most = 2
    held = [hold(seat) for seat in room[:2]]
    wait_until_held(processes[0], 2)
    answered = poll_and_wait(room[2])
    assert answered.seconds < SOON_SECONDS
    assert answered.answer.data["pollAfterMs"] > 0  # not at once again
    # A newer poll of somebody who waits takes the older one's place.
    newer = hold(room[1])
    assert held[1].result(SOON_SECONDS).answer.status == 200
    wait_until_held(processes[0], 2)
    assert not newer.done()
    room[0].send(room[1])
    assert newer.result(SOON_SECONDS).types == ["offer"]
    wait_until_held(processes[0], 1)
    hold(room[2])
    wait_until_held(processes[0], 2)


def test_when_nobody_waits_nobody_asks(processes: list[Flask], room: list[Seat]) -> None:
    for _ in range(3):
        poll_and_wait(room[0], wait=0.1)
        wait_for(lambda: "party-notifier" not in {thread.name for thread in threading.enumerate()})


def test_those_who_wait_are_let_go_when_the_process_stops(
    processes: list[Flask], room: list[Seat], hold: Hold
) -> None:
    held = [hold(seat) for seat in room]
    wait_until_held(processes[0], 3)
    waiters_of(processes[0]).release_all()
    for future in held:
        data = future.result(SOON_SECONDS).answer.data
        assert data["messages"] == []
        assert data["pollAfterMs"] > 0
    assert poll_and_wait(room[0]).seconds < SOON_SECONDS


def test_a_failure_while_telling_leaves_nobody_waiting_for_ever(
    processes: list[Flask], room: list[Seat], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = hold(room[1])
    wait_until_held(processes[0], 1)
    addressees = notifier.addressees
    failures: list[int] = []

    def fail_once(*arguments: Any) -> Any:
        if not failures:
            failures.append(1)
            raise ValueError("unexpected")
        return addressees(*arguments)

    monkeypatch.setattr(notifier, "addressees", fail_once)
    room[0].send(room[1])
    assert held.result(SOON_SECONDS).types == ["offer"]
    assert failures


def test_a_signal_that_comes_while_another_is_told_of_wakes_its_addressee_too(
    processes: list[Flask], room: list[Seat], hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest, other = room
    held = hold(guest)
    wait_until_held(processes[0], 1)
    addressees = notifier.addressees
    sent: list[Answer] = []

    def look_and_be_overtaken(database: Database, since: dict[int, int]) -> Any:
        found = addressees(database, since)
        if not sent:
            sent.append(through(processes[1], host).send(guest))
            # As any other poll here may do at any moment.
            processes[0].extensions["party.memory"].rooms.read()
        return found

    monkeypatch.setattr(notifier, "addressees", look_and_be_overtaken)
    host.send(other)
    assert held.result(SOON_SECONDS).types == ["offer"]
    assert sent


def test_any_number_of_rooms_may_move_in_one_tick(processes: list[Flask], room: list[Seat]) -> None:
    sent = room[0].send(room[1]).data["messageId"]
    database: Database = processes[0].extensions["party.database"]
    found = database.one("SELECT room_id, to_id FROM party_signaling")
    assert found is not None
    since = {found["room_id"] + n: sent - 1 for n in range(3000)}
    assert notifier.addressees(database, since) == {found["room_id"]: {found["to_id"]}}


def test_no_wake_up_is_lost(processes: list[Flask], room: list[Seat]) -> None:
    """Everybody sends to the next, and waits again as soon as answered, now here and now there."""
    signals = 60
    waited: list[float] = []

    def send(n: int) -> None:
        for i in range(signals):
            through(processes[i % 2], room[n]).send(room[(n + 1) % 3], {"i": i})
            time.sleep(random.uniform(0, 0.05))

    def receive(n: int) -> list[int]:
        seat, got = room[n], list[int]()
        while len(got) < signals:
            held = poll_and_wait(through(processes[len(waited) // 3 % 2], seat), after=seat.seq)
            waited.append(held.seconds)
            seat.seq = held.answer.data["seq"]
            got += [message["payload"]["i"] for message in held.answer.data["messages"]]
        return got

    with ThreadPoolExecutor(6) as pool:
        receivers = [pool.submit(receive, n) for n in range(3)]
        list(pool.map(send, range(3)))
        assert [receiver.result() for receiver in receivers] == [list(range(signals))] * 3
    # After the last signal nothing else would wake whoever was forgotten.
    assert max(waited) < SOON_SECONDS


# Under gunicorn


WORKERS = pytest.mark.parametrize("worker_class", ["gthread", "gevent"])


@dataclass
class Crowd:
    """A room of a server, whose members wait in whichever process they come to."""

    running: Server
    seats: list[Seat]
    database: Database

    def wait_until_held(self, *seats: Seat) -> None:
        """Wait until a first poll of these has come: a moment before it waits that is noted."""
        places = ", ".join(f"'{seat.id}'" for seat in seats)
        sql = f"SELECT id FROM party_participants WHERE participant_id IN ({places}) AND last_seen_at > 0"
        wait_for(lambda: len(self.database.all(sql)) == len(seats))


def _nobody_was_seen(tx: Connection) -> None:
    tx.run("UPDATE party_participants SET last_seen_at = 0")


@pytest.fixture
def crowd(server: MakeServer, database_url: str) -> Iterator[Callable[..., Crowd]]:
    """Makes a server with a room of some members: `crowd(members=4, worker_class="gevent")`."""
    opened: list[Database] = []

    def make(members: int = 4, **options: Any) -> Crowd:
        # Our configuration has places for all of them, should they come to one process.
        usual = {"config": GUNICORN_CONFIG, "LONG_POLL_SECONDS": WAIT, "POLLS_PER_SECOND": 100_000}
        running = server(**{"workers": 2, **usual, **options})
        opened.append(Database(options.get("DATABASE_URL", database_url)))
        host = Api.of_url(running.url).create_room(maxParticipants=50)
        seats = [host, *(host.api.join(host.code) for _ in range(members - 1))]
        for seat in seats:
            seat.seq = seats[-1].seq
        opened[-1].write(_nobody_was_seen)
        return Crowd(running, seats, opened[-1])

    yield make
    for database in opened:
        database.close()


@WORKERS
def test_signals_reach_those_who_wait_in_any_process(
    crowd: Callable[..., Crowd], hold: Hold, worker_class: str
) -> None:
    made = crowd(worker_class=worker_class, threads=12)
    guests = made.seats[1:]
    held = [hold(seat) for seat in guests]
    made.wait_until_held(*guests)
    for n in range(5):
        for i, guest in enumerate(guests):
            made.seats[0].send(guest, {"n": n})
            data = held[i].result(SOON_SECONDS).answer.data
            assert [message["payload"] for message in data["messages"]] == [{"n": n}]
            guest.seq = data["seq"]
            held[i] = hold(guest)
    made.seats[0].call("DELETE")
    assert [future.result(SOON_SECONDS).types for future in held] == [["room-ended"]] * 3


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@WORKERS
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_and_a_deploy_let_those_who_wait_go_at_once(
    crowd: Callable[..., Crowd], hold: Hold, worker_class: str, number: signal.Signals
) -> None:
    made = crowd(worker_class=worker_class, threads=12)
    held = [hold(seat) for seat in made.seats]
    made.wait_until_held(*made.seats)
    assert not any(future.done() for future in held)
    made.running.send_signal(number)
    for future in held:
        answered = future.result(SOON_SECONDS)
        assert answered.answer.data["messages"] == []
        assert answered.answer.data["pollAfterMs"] > 0
    if number == signal.SIGHUP:
        # The new workers hold again, once the old ones have gone.
        wait_for(lambda: poll_and_wait(made.seats[1], wait=0.5).seconds >= 0.5, 30)
        made.seats[0].send(made.seats[1])
        assert poll_and_wait(made.seats[1]).types == ["offer"]
        assert "Traceback" not in made.running.log


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("config", [GUNICORN_CONFIG, None], ids=["our configuration", "plain gunicorn"])
def test_however_many_wait_other_requests_find_a_thread(
    crowd: Callable[..., Crowd], hold: Hold, config: Any
) -> None:
    made = crowd(members=20, workers=1, threads=8, config=config)
    held = [hold(seat) for seat in made.seats]
    most = 6 if config else waiters.THREADS_THAT_MAY_WAIT
    wait_for(lambda: len([future for future in held if future.done()]) >= len(held) - most)
    answered = [future.result() for future in held if future.done()]
    assert all(each.answer.data["pollAfterMs"] > 0 for each in answered)
    for _ in range(5):
        began = time.monotonic()
        assert made.seats[0].api.request("GET", "/health").status == 200
        assert time.monotonic() - began < SOON_SECONDS
    waiting = [future for future in held if not future.done()]
    assert len(waiting) == most
    made.seats[0].call("DELETE")
    assert all(future.result(SOON_SECONDS).types == ["room-ended"] for future in waiting)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_place_of_a_client_that_went_away_is_free_again(crowd: Callable[..., Crowd], hold: Hold) -> None:
    made = crowd(members=8, workers=1, threads=8, config=None)
    gone = made.seats[: waiters.THREADS_THAT_MAY_WAIT]
    connections = [hang_on(made.running, seat) for seat in gone]
    made.wait_until_held(*gone)
    late = made.seats[-1]

    def all_places_are_taken() -> bool:
        # A poll is noted a moment before it waits: whoever found its place taken by then comes again.
        for i, connection in enumerate(connections):
            if select.select([connection], [], [], 0)[0]:
                connection.close()
                connections[i] = hang_on(made.running, gone[i])
        return poll_and_wait(late, wait=5).seconds < 4

    wait_for(all_places_are_taken, seconds=30)
    for connection in connections:
        connection.close()
    wait_for(lambda: poll_and_wait(late, wait=0.5).seconds >= 0.5)
    assert "Traceback" not in made.running.log


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@WORKERS
def test_a_client_that_went_away_is_noticed_within_a_second(
    crowd: Callable[..., Crowd], worker_class: str
) -> None:
    made = crowd(members=4, workers=1, threads=12, worker_class=worker_class)
    connections = [hang_on(made.running, seat) for seat in made.seats]
    made.wait_until_held(*made.seats)
    for connection in connections[1:]:
        connection.close()
    wait_for(lambda: len(left_open(made.running)) == 3, seconds=1)  # as the kernel sees it
    wait_for(lambda: not left_open(made.running))  # a second, and what a busy machine adds
    made.seats[1].send(made.seats[0])
    received = b""
    while b'"offer"' not in received:  # whose client is still there
        received += (part := connections[0].recv(65_536))
        assert part, received
    assert "Traceback" not in made.running.log


def left_open(running: Server) -> list[str]:
    """The connections that clients have closed and the server has not (state 8, CLOSE_WAIT)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return [line[2] for line in lines if line[1].endswith(f":{running.port:04X}") and line[3] == "08"]


def hang_on(running: Server, seat: Seat) -> socket.socket:
    """Begin a held poll and return its connection."""
    connection = socket.create_connection(("127.0.0.1", running.port))
    connection.sendall(
        f"GET /signal/{seat.code}/{seat.id}?after={seat.seq}&wait={WAIT} HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: Bearer {seat.token}\r\n\r\n".encode()
    )
    return connection


@pytest.fixture
def own_mariadb() -> Iterator[MariaDB]:
    """A server that a test may stop."""
    started = MariaDB(durable=True)
    yield started
    started.remove()


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@WORKERS
def test_a_database_that_is_away_for_some_seconds_leaves_nobody_hanging(
    crowd: Callable[..., Crowd], own_mariadb: MariaDB, hold: Hold, worker_class: str
) -> None:
    urls = own_mariadb.create_database("party")
    list(migrate(urls.admin))
    made = crowd(worker_class=worker_class, threads=12, DATABASE_URL=urls.app)
    held = [hold(seat, wait=6) for seat in made.seats]
    made.wait_until_held(*made.seats)
    own_mariadb.stop()
    time.sleep(2)
    own_mariadb.start()
    for future in held:
        answered = future.result(6 + SOON_SECONDS)
        assert answered.answer.status in (200, 503)
    held = [hold(seat) for seat in made.seats[1:]]
    for guest, future in zip(made.seats[1:], held, strict=True):
        made.seats[0].send(guest)
        assert future.result(SOON_SECONDS).types == ["offer"]


@WORKERS
def test_of_many_senders_nothing_is_lost_while_workers_are_killed(
    crowd: Callable[..., Crowd], worker_class: str
) -> None:
    made = crowd(members=6, worker_class=worker_class, threads=16)
    host, *guests = made.seats
    stop_sending, stop = threading.Event(), threading.Event()
    sent: dict[str, list[int]] = {guest.id: [] for guest in guests}
    found: list[tuple[int, str, int]] = []

    def send(guest: Seat) -> None:
        n = 0
        while not stop_sending.is_set():
            with suppress(requests.RequestException):
                answer = guest.send(host, {"n": n}, clientMsgId=str(n))
                if answer.status in (200, 201):
                    sent[guest.id].append(answer.data["messageId"])
                    n += 1
            time.sleep(0.01)

    def receive() -> None:
        while not (stop.is_set() and set().union(*sent.values()) <= {seq for seq, _, _ in found}):
            with suppress(requests.RequestException):
                answer = poll_and_wait(host, wait=2).answer
                if answer.status == 200:
                    for message in answer.data["messages"]:
                        if message["type"] == "offer":
                            found.append((message["seq"], message["fromId"], message["payload"]["n"]))
                    host.seq = answer.data["seq"]

    with ThreadPoolExecutor(8) as pool:
        receiver = pool.submit(receive)
        senders = [pool.submit(send, guest) for guest in guests]
        for _ in range(3):
            before = len(found)
            wait_for(lambda: len(found) >= before + 30, seconds=30)  # noqa: B023
            made.running.kill_worker()
        wait_for(lambda: len(found) >= before + 60, seconds=30)
        stop_sending.set()
        for sender in senders:
            sender.result(30)
        stop.set()
        receiver.result(30)
    seqs = [seq for seq, _, _ in found]
    assert seqs == sorted(set(seqs))
    for guest in guests:
        numbers = [n for _, sender, n in found if sender == guest.id]
        # The answer to the very last one may have got lost.
        assert numbers == list(range(len(numbers)))
        assert len(sent[guest.id]) <= len(numbers) <= len(sent[guest.id]) + 1
