"""Who waits to be let in sees nothing else: every call of the OpenAPI document, and its whole stream."""

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.support.peers import Api, Seat
from tests.web.test_order_of_checks import calls_with_token

FOR_GUESTS = {
    "GET /signal/{code}/{participant_id}",
    "POST /rooms/{code}/rejoin",
    "POST /rooms/{code}/away",
    "POST /rooms/{code}/leave",
    "POST /rooms/{code}/rename",
}
FOR_ANYONE = {
    "POST /rooms",
    "GET /rooms",
    "POST /rooms/{code}/join",
    "GET /limits",
    "GET /health",
    "GET /metrics",
    "GET /openapi.json",
}
# Everybody in the room has a name and an id that stand nowhere else.
SECRETS = ("id-host", "id-player", "id-other", "Player", "Other", "a secret")
OF_A_POLL = {"messages", "count", "seq", "more", "gap", "pollAfterMs"}


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room with a player, who approves of those who come."""
    seat = client.create_room("Hana", hostId="id-host")
    client.join(seat.code, "Player", participantId="id-player")
    seat.call("POST", "/settings", {"approval": True})
    return seat


@pytest.fixture
def guest(host: Seat) -> Seat:
    """One who waits."""
    return host.api.join(host.code, "Gus", participantId="gus")


def test_every_call_is_for_guests_or_refuses_them(app: Flask, client: Api, host: Seat, guest: Seat) -> None:
    document = client.request("GET", "/openapi.json").json
    every = {f"{method.upper()} {path}" for path, calls in document["paths"].items() for method in calls}
    with_token = calls_with_token(
        app, "even refused", "even waiting", "member", "player", "host", "anyone or member"
    )
    # None is forgotten: each asks for a token, or is for anyone.
    without = {name for name in every - set(with_token) if name not in FOR_ANYONE}
    assert all("token" not in str(operation(document, name).get("security")) for name in without)
    assert set(with_token) >= FOR_GUESTS
    before = host.call("GET").data
    for name, send in with_token.items():
        if name not in FOR_GUESTS:
            answer = send(client, guest.code, guest.token)
            assert (answer.status, answer.code) == (403, "NOT_APPROVED"), name
    assert host.call("GET").data == before


def operation(document: dict[str, dict[str, dict[str, dict[str, object]]]], name: str) -> dict[str, object]:
    """A call of the OpenAPI document."""
    method, path = name.split()
    return document["paths"][path][method.lower()]


def test_what_a_guest_is_sent_is_its_own(app: Flask, client: Api, host: Seat, guest: Seat) -> None:
    other = client.join(host.code, "Other", participantId="id-other")
    host.call("POST", "/approve", {"participantId": "id-other", "approved": True})
    host.send("id-other", {"n": "a secret"})
    # All that can be done there, by the host and by a player.
    for who in (other, host):
        for name, send in calls_with_token(app, "member", "player", "host").items():
            if name.split()[1].rpartition("/")[2] not in ("end", "{code}", "remove"):
                send(client, host.code, who.token)
    host.call("POST", "/settings", {"name": "a secret?", "seats": 3})
    host.call("POST", "/role", {"role": "host", "seat": 0})
    host.call("POST", "/rename", {"name": "Hanna"})
    for after in (0, guest.seq, guest.poll(guest.seq).data["seq"]):
        data = guest.poll(after).data
        assert data["messages"] == []
        assert set(data) == OF_A_POLL
        assert data["seq"] == host.call("GET").data["seq"]
    answers = [
        guest.poll(),
        guest.call("POST", "/rename", {"name": "Augustus"}),
        guest.call("POST", "/rejoin"),
    ]
    again = Seat(client, answers[-1].data)
    answers += [again.call("POST", "/away"), again.poll(0), again.poll()]
    for answer in answers:
        assert answer.status in (200, 202)
        assert [secret for secret in SECRETS if secret in answer.text.replace("a secret?", "")] == []


def test_an_old_cursor_shows_one_who_was_let_in_nothing_of_before(
    client: Api, host: Seat, guest: Seat
) -> None:
    host.call("POST", "/rename", {"name": "Hanna"})
    host.call("POST", "/approve", {"participantId": "gus", "approved": True})
    host.call("POST", "/rename", {"name": "Hana"})
    for after in (0, 1, guest.seq, None):
        messages = guest.poll(after).data["messages"]
        assert [message["type"] for message in messages] == ["participant-approved", "participant-renamed"]


def test_a_row_that_another_had_shows_nothing_of_that_one(client: Api, host: Seat) -> None:
    first = client.join(host.code, participantId="gus")
    host.call("POST", "/approve", {"participantId": "gus", "approved": False})
    assert first.poll(0).data["count"] == 1
    again = client.join(host.code, participantId="gus")
    assert first.poll().error["reason"] == "rejected"
    for after in (0, None):
        assert again.poll(after).data["messages"] == []
