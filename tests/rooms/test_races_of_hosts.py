"""One outcome of what hosts, players and guests do at the same moment, over three processes."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from party.db import Database
from tests.conftest import MakeServer
from tests.rooms.test_races import at_once
from tests.support.fold import fold
from tests.support.peers import Answer, Api, Seat

ROUNDS = 50


@pytest.fixture
def api(shared_server: MakeServer) -> Api:
    """Calls to three processes."""
    return Api.of_url(shared_server(workers=3, threads=8).url)


@pytest.fixture
def served_url(engine: str, request: pytest.FixtureRequest) -> str:
    """Their database."""
    url: str = request.getfixturevalue(f"served_{engine}")
    return url


class Watcher:
    """A spectator that looks at the room after every number: one host, no seat twice, no more than fit in."""

    def __init__(self, host: Seat) -> None:
        self.seat = host.api.join(host.code, "Watcher", spectate=True)
        self.room: dict[str, Any] = self.seat.room

    def look(self) -> list[str]:
        """The types of what has come."""
        messages = self.seat.read()
        for message in messages:
            room = fold(self.room, message)
            assert room is not None
            self.room, members = room, room["participants"]
            hosts = [each["id"] for each in members if each["isHost"]]
            assert room["status"] == "ended" or hosts == [room["hostId"]]
            taken = [each["seat"] for each in members if each["seat"] is not None]
            assert len(taken) == len(set(taken))
            assert len(members) <= room["maxParticipants"]
        return [message["type"] for message in messages]


def act(who: Seat, action: str, /, **fields: Any) -> Callable[[], Answer]:
    """A call to be made."""
    return lambda: who.call("POST", f"/{action}", fields)


def together(*calls: Callable[[], Answer]) -> list[str]:
    """Make these calls at once: "ok" or the code of each. None is the server's failure.

    Where a busy machine lets nobody into the room for a second, those beyond its share are told 503, and
    that nothing was done: they come again, as a page does.
    """
    answers = [
        call() if answer.status == 503 else answer for call, answer in zip(calls, at_once(calls), strict=True)
    ]
    assert all(answer.status < 500 for answer in answers), [answer.text for answer in answers]
    return ["ok" if answer.status < 300 else answer.code for answer in answers]


def test_approval_and_withdrawal(api: Api) -> None:
    host = api.create_room(approval=False)
    watcher = Watcher(host)
    act(host, "settings", approval=True)()
    watcher.look()
    for _ in range(ROUNDS):
        guest = api.join(host.code, participantId="guest")
        found = together(act(host, "approve", participantId="guest", approved=True), act(guest, "leave"))
        types = watcher.look()
        if found == ["ok", "ok"]:
            assert types == ["participant-joined", "participant-left"]
        else:
            assert (found, types) == (["PEER_NOT_FOUND", "ok"], [])


def test_two_approvals_for_one_free_place(api: Api) -> None:
    for round in range(ROUNDS):
        if round % 10 == 0:  # only so many a minute may join one room
            host = api.create_room(maxParticipants=3)
            watcher = Watcher(host)
            act(host, "settings", approval=True)()
            watcher.look()
        for id in ("a", "b"):
            api.join(host.code, participantId=id)
        found = together(*(act(host, "approve", participantId=id, approved=True) for id in ("a", "b")))
        assert sorted(found) == ["ROOM_FULL", "ok"]
        for id in ("a", "b"):
            assert act(host, "remove", participantId=id)().status == 200
        assert watcher.look() == ["participant-joined", "participant-removed"]


def test_ten_takers_of_one_seat(api: Api) -> None:
    host = api.create_room()
    players = [api.join(host.code) for _ in range(10)]
    watcher = Watcher(host)
    act(host, "settings", seats=1)()
    for _ in range(ROUNDS):
        found = together(*(act(player, "role", role="player", seat=0) for player in players))
        assert sorted(found) == ["SEAT_TAKEN"] * 9 + ["ok"]
        winner = players[found.index("ok")]
        assert act(winner, "role", role="player", seat=None)().status == 200
        assert watcher.look()[-2:] == ["role-changed", "role-changed"]


def test_a_promotion_and_the_old_hosts_return(api: Api, served_url: str) -> None:
    database = Database(served_url)
    promotions = 0
    for round in range(ROUNDS):
        if round % 25 == 0:  # only so often a minute may one page come back
            host = api.create_room(hostGone="promote", hostId="host")
            player = api.join(host.code)
            watcher = Watcher(host)
        was_gone(database, host.code)
        polled, back = at_once([partial(player.poll, player.seq), partial(host.call, "POST", "/rejoin")])
        assert (polled.status, back.status) == (200, 200)
        host = Seat(api, back.data)
        watcher.look()
        if watcher.room["hostId"] == player.id:
            promotions += 1
            assert act(player, "host", participantId="host")().status == 200
        watcher.look()
    assert promotions > 0
    database.close()


def was_gone(database: Database, code: str) -> None:
    """Make a room's host one that has not been seen for long."""
    unseen = """
        UPDATE party_participants SET last_seen_at = last_seen_at - 200000
        WHERE participant_id = 'host' AND room_id = (SELECT id FROM party_rooms WHERE code = :code)
    """
    for sql in (unseen, "UPDATE party_rooms SET due_at = 0 WHERE code = :code"):
        database.write(lambda tx, sql=sql: tx.run(sql, code=code))  # type: ignore[misc]


def test_handing_over_while_both_leave(api: Api) -> None:
    for _ in range(ROUNDS):
        host = api.create_room(hostGone="promote")
        heir = api.join(host.code)
        watcher = Watcher(host)
        together(act(host, "host", participantId=heir.id), act(host, "leave"), act(heir, "leave"))
        assert watcher.look()[-1] == "room-ended"


def test_a_lock_and_a_join(api: Api) -> None:
    host = api.create_room(maxParticipants=50)
    watcher = Watcher(host)
    for _ in range(ROUNDS):
        join = partial(api.request, "POST", f"/rooms/{host.code}/join", {"name": "X", "participantId": "x"})
        found = together(act(host, "settings", locked=True), join)
        types = watcher.look()
        if found == ["ok", "ok"]:
            assert types == ["participant-joined", "settings-changed"]
            act(host, "remove", participantId="x")()
        else:
            assert (found, types) == (["ok", "ROOM_LOCKED"], ["settings-changed"])
        act(host, "settings", locked=False)()
        watcher.look()
