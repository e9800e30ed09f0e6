"""Clocks that are wrong, or have been: of this machine, or of another that serves the same database."""

import itertools
import time
from contextlib import closing
from types import SimpleNamespace

import pytest
from flask import Flask

from party import clock as party_clock
from party.db import Database
from tests.conftest import Clock, MakeApp, MakeServer
from tests.support.peers import Api, Seat

DAY = 24 * 3600


# Set right again


def test_a_clock_that_was_a_day_ahead_leaves_no_limit_behind(make_app: MakeApp, clock: Clock) -> None:
    api = Api.of_app(make_app(ROOMS_PER_HOUR=2))
    clock.advance(DAY)
    for _ in range(2):
        api.create_room()
    clock.advance(-DAY)
    for _ in range(2):
        api.create_room()
    refused = api.request("POST", "/rooms", {"hostName": "Hana"})
    assert refused.code == "RATE_LIMITED"
    assert 3590 <= refused.error["retryAfter"] <= 3600


def test_a_clock_that_is_a_little_ahead_forgets_no_request(make_app: MakeApp, clock: Clock) -> None:
    api = Api.of_app(make_app(ROOMS_PER_HOUR=2))
    clock.advance(30)
    for _ in range(2):
        api.create_room()
    clock.advance(-30)
    refused = api.request("POST", "/rooms", {"hostName": "Hana"})
    assert (refused.code, refused.error["retryAfter"]) == ("RATE_LIMITED", 3600)


def test_after_a_clock_was_a_day_ahead_polls_come_at_their_usual_pace(client: Api, clock: Clock) -> None:
    clock.advance(DAY)
    host = client.create_room()
    host.poll(host.seq)
    clock.advance(-DAY)
    assert host.poll(host.seq).data["pollAfterMs"] > 1000


def test_after_a_clock_was_a_day_ahead_members_go_offline_and_rooms_end_as_ever(
    app: Flask, client: Api, clock: Clock
) -> None:
    clock.advance(DAY)
    host = client.create_room()
    guest = client.join(host.code)
    clock.advance(-DAY)
    host.poll()
    app.extensions["party.memory"].heartbeats.flush()
    clock.advance(91)
    host.poll()
    online = [member["online"] for member in host.call("GET").data["participants"]]
    assert online == [True, False]
    clock.advance(3 * 3600)
    assert guest.call("GET").data["status"] == "ended"


# Another machine's


@pytest.fixture
def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock is 130 s ahead, as long as the test lasts."""
    true = time.time_ns
    monkeypatch.setattr("party.clock.time.time_ns", lambda: true() + 130 * 10**9)
    monkeypatch.setattr(party_clock, "_offset_ms", 0)


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@pytest.mark.usefixtures("wrong_clock")
def test_signals_from_a_machine_whose_clock_is_behind_do_not_expire_at_once(
    make_app: MakeApp, server: MakeServer, database_url: str
) -> None:
    there = Api.of_url(server().url)
    host = there.create_room()
    guest = there.join(host.code)
    host.send(guest)
    here = Seat(Api.of_app(make_app()), guest.room)
    here.token = guest.token
    for _ in range(2):
        assert [message["type"] for message in here.poll(guest.seq).data["messages"]] == ["offer"]
    assert here.call("GET").data["participants"][0]["online"] is True


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@pytest.mark.usefixtures("wrong_clock")
def test_a_clock_that_is_set_right_is_trusted_again_without_a_new_connection(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    database: Database = make_app().extensions["party.database"]
    database.one("SELECT 1 AS one")
    assert -132_000 < party_clock.offset_ms() < -128_000
    monkeypatch.undo()
    monkeypatch.setattr(party_clock, "_offset_ms", -130_000)
    monkeypatch.setattr("party.db.mysql.CLOCK_SECONDS", 0)
    database.one("SELECT 1 AS one")
    assert party_clock.offset_ms() == 0


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@pytest.mark.usefixtures("wrong_clock")
def test_a_clock_whose_answer_was_long_on_its_way_is_not_followed(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(step=3)
    with monkeypatch.context() as slow, closing(Database(database_url)) as database:
        slow.setattr("party.db.mysql.time", SimpleNamespace(monotonic=lambda: next(seconds)))
        assert database.one("SELECT 1 AS n") == {"n": 1}
        assert party_clock.offset_ms() == 0
    with closing(Database(database_url)) as database:
        assert database.one("SELECT 1 AS n") == {"n": 1}
        assert -131_000 < party_clock.offset_ms() < -129_000
