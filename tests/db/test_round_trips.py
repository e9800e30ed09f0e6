"""What a call costs at the database: round trips, and columns whose descriptions the driver has to parse.

The budget of each call. Where the database is a millisecond away a round trip takes that long, in a send with
the room locked; and a description takes the driver longer than its value.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pymysql.connections import Connection, MySQLResult

from party.polling import room_cache
from tests.support.peers import Answer, Api, Seat

pytestmark = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)


@dataclass
class Cost:
    """What was spent."""

    round_trips: int = 0
    columns: int = 0


# A call, and the most round trips and columns that it may take.
Check = Callable[[Callable[[], Answer], int, int], None]


@pytest.fixture
def costs(monkeypatch: pytest.MonkeyPatch) -> Check:
    """Checks what a call costs that has to succeed."""
    cost = Cost()
    command, describe = Connection._execute_command, MySQLResult._get_descriptions  # type: ignore[attr-defined]

    def count_command(self: Any, *arguments: Any) -> Any:
        cost.round_trips += 1
        return command(self, *arguments)

    def count_columns(self: Any) -> None:
        cost.columns += self.field_count
        describe(self)

    monkeypatch.setattr(Connection, "_execute_command", count_command)
    monkeypatch.setattr(MySQLResult, "_get_descriptions", count_columns)

    def check(call: Callable[[], Answer], round_trips: int, columns: int) -> None:
        cost.round_trips = cost.columns = 0
        assert call().status in (200, 201)
        assert cost.round_trips <= round_trips, cost
        assert cost.columns <= columns, cost

    return check


@pytest.fixture
def pair(client: Api) -> tuple[Seat, Seat]:
    """Two pages that have read everything, and that the process knows."""
    host = client.create_room()
    guest = client.join(host.code)
    for seat in (host, guest):
        seat.read()
        seat.poll(seat.seq)
    return host, guest


def test_sending(pair: tuple[Seat, Seat], costs: Check) -> None:
    host, guest = pair
    costs(lambda: host.send(guest), 2, 15)
    costs(lambda: host.send(guest, clientMsgId="1"), 2, 17)
    costs(lambda: host.send(guest, clientMsgId="1"), 2, 17)
    costs(lambda: host.send_batch([{"toId": guest.id, "type": "ice", "payload": {}}] * 10), 2, 15)
    guest.read()
    costs(lambda: guest.send(host, after=guest.seq), 3, 37)


def test_sending_as_one_whom_the_process_does_not_know(
    pair: tuple[Seat, Seat], costs: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache.RoomCache, "seat", lambda self, token_hash: None)
    host, guest = pair
    costs(lambda: host.send(guest), 3, 37)
    guest.read()
    costs(lambda: guest.send(host, after=guest.seq), 4, 59)


def test_polling_as_one_whom_the_process_knows(
    pair: tuple[Seat, Seat], costs: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is read for each poll, as where few poll."""
    monkeypatch.setattr(room_cache, "SHARED_FROM", 1_000_000)
    host, guest = pair
    costs(lambda: guest.poll(guest.seq), 1, 11)
    for _ in range(2):
        host.send(guest)
        costs(lambda: guest.poll(guest.seq), 2, 33)  # the second time it acknowledges as well
        guest.read()
    costs(lambda: guest.poll(guest.seq), 2, 11)
    costs(lambda: guest.poll(guest.seq), 1, 11)


def test_polling_as_one_whom_the_process_does_not_know(
    pair: tuple[Seat, Seat], costs: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache.RoomCache, "seat", lambda self, token_hash: None)
    host, guest = pair
    costs(lambda: guest.poll(guest.seq), 1, 22)
    for _ in range(2):
        host.send(guest)
        costs(lambda: guest.poll(guest.seq), 2, 44)
        guest.read()
    costs(lambda: guest.poll(guest.seq), 2, 22)


def test_coming_in(client: Api, costs: Check) -> None:
    client.join(client.create_room().code)  # the first request connects, and cleans up
    made: list[Answer] = []

    def ask(path: str, **body: str) -> Answer:
        made.append(client.request("POST", path, body))
        return made[-1]

    costs(lambda: ask("/rooms", hostName="Hana", retryKey="a" * 32), 6, 46)
    host = Seat(client, made[0].data)
    costs(lambda: ask(f"/rooms/{host.code}/join", name="Gus", retryKey="b" * 32), 6, 125)
    costs(lambda: ask(f"/rooms/{host.code}/join", name="Ann", participantId="ann"), 6, 125)
    costs(lambda: host.call("POST", "/rejoin"), 5, 115)
    host.token = host.call("POST", "/rejoin").data["you"]["token"]
    costs(lambda: client.request("GET", f"/rooms/{host.code}"), 3, 65)
    host.call("GET")  # whoever uses a new token for the first time confirms it
    costs(lambda: host.call("GET"), 3, 95)
