"""Sends of members that a process knows: before Flask is asked, and nothing is different for that.

Two apps over one database are two processes.
"""

from collections.abc import Callable

import pytest
from flask import Flask, Response, request

from party.db import Database
from party.web.rate_limits import Budget
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat


@pytest.fixture
def known(host: Seat, guest: Seat) -> tuple[Seat, Seat]:
    """Two pages that have sent before."""
    for seat in (host, guest):
        seat.read()
    host.send(guest)
    guest.send(host)
    return host, guest


@pytest.fixture
def full_path(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of requests that Flask is asked about."""
    asked: list[str] = []
    dispatch = app.full_dispatch_request

    def note() -> Response:
        asked.append(request.path)
        return dispatch()

    monkeypatch.setattr(app, "full_dispatch_request", note)
    return asked


def elsewhere(make_app: MakeApp, seat: Seat) -> Seat:
    """The same page, whose request another process gets."""
    return Seat(Api.of_app(make_app()), {**seat.room, "you": {**seat.room["you"], "token": seat.token}})


def test_a_known_sender_s_answer_is_the_full_path_s(
    app: Flask, known: tuple[Seat, Seat], full_path: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = known
    quick = [host.send(guest), host.send(guest, clientMsgId="1"), host.send(guest, clientMsgId="1")]
    quick += [host.send_batch([{"toId": guest.id, "type": "ice", "payload": {}}] * 2)]
    assert full_path == []
    monkeypatch.setattr(app.extensions["party.memory"].rooms, "seat", lambda token_hash: None)
    slow = [host.send(guest), host.send(guest, clientMsgId="2"), host.send(guest, clientMsgId="2")]
    slow += [host.send_batch([{"toId": guest.id, "type": "ice", "payload": {}}] * 2)]
    assert len(full_path) == 4
    assert [answer.status for answer in quick] == [answer.status for answer in slow] == [201, 201, 200, 201]
    for one, other in zip(quick, slow, strict=True):
        assert one.data.keys() == other.data.keys()
        assert sorted(one.headers) == sorted(other.headers)
    signals = [message for message in guest.read() if message["type"] in ("offer", "ice")]
    assert len(signals) == 9


def removed(host: Seat, guest: Seat) -> None:
    assert host.call("POST", "/remove", {"participantId": guest.id}).status == 200


def gone(host: Seat, guest: Seat) -> None:
    guest.call("POST", "/leave")


def ended(host: Seat, guest: Seat) -> None:
    host.call("DELETE")


@pytest.mark.parametrize(
    ("happens", "status", "code"),
    [(removed, 401, "TOKEN_INVALID"), (gone, 401, "TOKEN_INVALID"), (ended, 410, "ROOM_ENDED")],
)
def test_what_another_process_has_done_to_a_known_sender_counts_at_once(
    make_app: MakeApp,
    known: tuple[Seat, Seat],
    happens: Callable[[Seat, Seat], None],
    status: int,
    code: str,
) -> None:
    host, guest = known
    happens(elsewhere(make_app, host), elsewhere(make_app, guest))
    answer = guest.send(host)
    assert (answer.status, answer.code) == (status, code)


def test_a_token_that_was_replaced_elsewhere_sends_nothing(
    make_app: MakeApp, known: tuple[Seat, Seat]
) -> None:
    host, guest = known
    new = elsewhere(make_app, guest)
    new.token = new.call("POST", "/rejoin").data["you"]["token"]
    assert new.send(host).status == 201
    assert guest.send(host).code == "TOKEN_INVALID"


def test_what_is_overdue_in_a_known_sender_s_room_is_made_first(
    app: Flask, known: tuple[Seat, Seat], clock: Clock
) -> None:
    app.extensions["party.housekeeping"].due_at = 10**15  # it would make it as well
    host, guest = known
    clock.advance(100_000_000)
    assert guest.send(host).code == "ROOM_ENDED"


def test_a_known_sender_whom_another_process_found_absent_is_back(
    make_app: MakeApp, known: tuple[Seat, Seat]
) -> None:
    host, guest = known
    assert elsewhere(make_app, guest).call("POST", "/away").status == 200
    assert guest.send(host, after=guest.seq).status == 201
    changes = [message for message in host.read(presence=True) if message["type"] == "presence-changed"]
    assert [change["payload"]["presence"] for change in changes] == ["away", "online"]


def test_a_known_sender_in_doubt_is_counted_once(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(SENDS_PER_SECOND=3)
    client = Api.of_app(app)
    host = client.create_room()
    guest = client.join(host.code)
    app.extensions["party.rate_limits"].sends._calls.clear()
    assert host.send(guest).status == 201
    client.join(host.code)  # from now on what the process knows of the host is in doubt
    assert [host.send(guest).status for _ in range(3)] == [201, 201, 429]


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b'{"roomCode": "ABCDEF"}', 400), (b"[]", 400), (b'{"toId": "\xff"}', 400)],
)
def test_a_known_sender_s_bad_body_is_refused_and_counted(
    app: Flask, client: Api, known: tuple[Seat, Seat], body: bytes, status: int
) -> None:
    host, guest = known
    budget = app.extensions["party.rate_limits"].refused_bytes = Budget(1500)

    def send() -> int:
        return client.request(
            "POST", "/signal", token=host.token, raw=body, headers={"Content-Type": "application/json"}
        ).status

    assert send() == status
    assert budget.is_kept()
    assert send() == status
    assert not budget.is_kept()
    # From now on it is counted by the member, who has had nothing refused yet; and then it has.
    assert host.send(guest).status == 201
    assert [send() for _ in range(3)] == [status, status, 429]
    assert host.send(guest).status == 429


def test_a_room_that_has_another_s_id_takes_nothing_of_it(
    app: Flask, known: tuple[Seat, Seat], full_path: list[str]
) -> None:
    """A database may have lost a room, and given its id to another."""
    host, guest = known
    database: Database = app.extensions["party.database"]
    database.write(lambda tx: tx.run("UPDATE party_rooms SET code = 'ZZZZZZ'"))
    assert host.send(guest).status in (401, 403, 404)
    assert full_path == ["/signal"]
