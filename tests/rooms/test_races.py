"""Promises under concurrency, raced for over several server processes, with answers that get lost."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest

from party.db import Database
from tests.conftest import MakeServer
from tests.support.peers import Answer, Api, Seat
from tests.support.server import Server

T = TypeVar("T")


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, each in a thread of its own."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.fixture
def running(shared_server: MakeServer) -> Server:
    """Three processes."""
    return shared_server(workers=3, threads=8)


@pytest.fixture
def api(running: Server) -> Api:
    """Calls to them."""
    return Api.of_url(running.url)


def poll_and_hang_up(running: Server, seat: Seat) -> None:
    """Send a poll and drop the connection before its answer can arrive."""
    request = (
        f"GET /signal/{seat.code}/{seat.id}?after={seat.seq} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {seat.token}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(request.encode())
        connection.shutdown(socket.SHUT_WR)


def test_of_100_signals_whose_answers_got_lost_none_is_lost(running: Server, api: Api) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    found: list[int] = []
    for n in range(100):
        host.send(guest, {"n": n})
        poll_and_hang_up(running, guest)
        if n % 10 == 9:
            poll_and_hang_up(running, guest)
            found += [message["payload"]["n"] for message in guest.read()]
    assert found == list(range(100))


def test_one_signal_and_eight_simultaneous_polls(api: Api) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    guest.read()
    for n in range(30):
        host.send(guest, {"n": n})
        answers = at_once([lambda: guest.poll(guest.seq)] * 8)
        # So many polls at once may be answered from a reading that is a tick old: then the next one has it.
        while not answers[-1].data["messages"]:
            answers.append(guest.poll(guest.seq))
        # Nothing was acknowledged, so each poll gives it, once; the page moves its cursor once.
        for answer in answers:
            if answer.data["messages"] or answer.data["seq"] > guest.seq:
                assert [message["payload"] for message in answer.data["messages"]] == [{"n": n}]
        guest.seq = answers[-1].data["seq"]
        for answer in at_once([lambda: guest.poll(guest.seq)] * 8):
            assert answer.data["messages"] == []


def test_of_60_simultaneous_joins_exactly_19_fill_a_room_for_20(api: Api) -> None:
    host = api.create_room(maxParticipants=20)
    answers = at_once(
        [lambda: api.request("POST", f"/rooms/{host.code}/join", {"name": "Gus"}) for _ in range(60)]
    )
    codes = ["joined" if answer.status == 200 else answer.code for answer in answers]
    assert {code: codes.count(code) for code in set(codes)} == {"joined": 19, "ROOM_FULL": 41}
    assert len(host.call("GET").data["participants"]) == 20
    events = host.read()
    assert [event["type"] for event in events] == ["participant-joined"] * 19
    assert [event["seq"] for event in events] == list(range(1, 20))


def test_of_simultaneous_joins_with_one_id_one_succeeds(api: Api) -> None:
    host = api.create_room()
    for n in range(5):
        body = {"name": "Gus", "participantId": f"g{n}"}
        answers = at_once([lambda: api.request("POST", f"/rooms/{host.code}/join", body)] * 10)  # noqa: B023
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [200] + [409] * 9
    assert len(host.call("GET").data["participants"]) == 6


@pytest.mark.parametrize("call", ["create", "join"])
def test_one_retry_key_in_simultaneous_requests_is_one_seat(
    server: MakeServer, database_url: str, call: str
) -> None:
    api = Api.of_url(server(workers=3, threads=8).url)
    host = api.create_room()
    for n in range(5):
        key = f"a-retry-key-of-22-characters-{n}"

        def enter(key: str = key) -> Answer:
            if call == "create":
                return api.request("POST", "/rooms", {"hostName": "Hana", "retryKey": key})
            return api.request("POST", f"/rooms/{host.code}/join", {"name": "Gus", "retryKey": key})

        seats = [Seat(api, answer.data) for answer in at_once([enter] * 8)]
        assert len({(seat.code, seat.id) for seat in seats}) == 1
        assert sorted(seat.poll().status for seat in seats) == [200] + [401] * 7
    expected = {"create": (6, 6), "join": (1, 6)}[call]
    database = Database(database_url)
    rooms, members = (
        database.all("SELECT id FROM party_rooms"),
        database.all("SELECT id FROM party_participants"),
    )
    assert (len(rooms), len(members)) == expected


def test_simultaneous_requests_with_one_retry_key_count_once(server: MakeServer) -> None:
    api = Api.of_url(server(workers=3, ROOMS_PER_HOUR=10, LOOKS_PER_MINUTE=10).url)
    key = "a-retry-key-of-22-characters"
    host = Seat(
        api,
        at_once([lambda: api.request("POST", "/rooms", {"hostName": "Hana", "retryKey": key})] * 8)[0].data,
    )
    path = f"/rooms/{host.code}/join"
    at_once([lambda: api.request("POST", path, {"name": "Gus", "retryKey": key})] * 8)
    limits = api.request("GET", "/limits").data["limits"]
    remaining = {limit["action"]: limit["remaining"] for limit in limits}
    assert (remaining["create_room"], remaining["look"]) == (9, 9)


def test_one_message_id_in_simultaneous_requests_is_one_signal(api: Api) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    for n in range(10):
        answers = at_once([lambda: host.send(guest, {"n": n}, clientMsgId=f"m{n}")] * 8)  # noqa: B023
        assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
        assert len({answer.data["messageId"] for answer in answers}) == 1
    assert [message["payload"]["n"] for message in guest.read()] == list(range(10))


def test_numbers_become_visible_in_order(api: Api) -> None:
    """Whoever polls while everybody sends at once misses nothing and sees nothing twice."""
    host = api.create_room()
    guests = [api.join(host.code) for _ in range(6)]
    found: list[tuple[int, str, int]] = []

    def send_all(guest: Seat) -> list[int]:
        return [guest.send(host, {"from": guest.id, "n": n}).data["messageId"] for n in range(25)]

    def read_all() -> list[int]:
        while len(found) < 150:
            found.extend(
                (message["seq"], message["fromId"], message["payload"]["n"])
                for message in host.read()
                if message["type"] == "offer"
            )
        return []

    numbers = at_once([read_all, *(lambda guest=guest: send_all(guest) for guest in guests)])
    seqs = [seq for seq, _, _ in found]
    assert seqs == sorted(set(seqs))
    assert sorted(seqs) == sorted(number for each in numbers for number in each)
    for guest in guests:
        assert [n for _, sender, n in found if sender == guest.id] == list(range(25))


def test_a_mailbox_is_bounded_under_concurrency(api: Api) -> None:
    host = api.create_room()
    guests = [api.join(host.code) for _ in range(4)]
    batch = [{"toId": host.id, "type": "ice", "payload": {}}] * 100

    def send(guest: Seat) -> int:
        return [guest.send_batch(batch).status for _ in range(4)].count(201)

    assert sum(at_once([lambda guest=guest: send(guest) for guest in guests])) == 10  # type: ignore[misc]


def test_who_is_removed_while_sending_is_either_heard_or_refused(api: Api) -> None:
    for _ in range(10):
        host = api.create_room()
        guest, other = api.join(host.code), api.join(host.code)
        removed, sent = at_once(
            [lambda: host.call("POST", "/remove", {"participantId": guest.id}), lambda: guest.send(other)]  # noqa: B023
        )
        assert removed.status == 200
        types = [message["type"] for message in other.read()]
        if sent.status == 201:
            assert types == ["offer", "participant-removed"]
        else:
            assert sent.code == "TOKEN_INVALID"
            assert types == ["participant-removed"]


def test_a_room_ends_once(api: Api) -> None:
    for _ in range(10):
        host = api.create_room()
        guest = api.join(host.code)
        answers = at_once([lambda: host.call("DELETE"), lambda: host.call("POST", "/leave")] * 3)  # noqa: B023
        assert sorted(answer.status for answer in answers).count(200) == 1
        assert [message["type"] for message in guest.read()] == ["room-ended"]


def test_rejoins_at_once_leave_one_page_with_the_seat(api: Api) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    for _ in range(5):
        answers = at_once([lambda: guest.call("POST", "/rejoin")] * 6)  # noqa: B023
        pages = [Seat(api, answer.data) for answer in answers]
        alive = [page for page in pages if page.poll().status == 200]
        assert len(alive) == 1
        guest = alive[0]
