"""The limits per address and per member: exact, over all processes, kept without addresses."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from party.config import Settings
from party.db import Database
from party.db.migrate import migrate
from party.web import windows
from party.web.rate_limits import MemberRates
from tests.conftest import Clock, MakeApp, MakeServer
from tests.support.mariadb import MariaDB
from tests.support.peers import Answer, Api

ROOM = {"hostName": "Hana"}
UNKNOWN = "/rooms/ZZZZZZ"
ADDRESS_LIMITS = ("ROOMS_PER_HOUR", "GUESSES_PER_MINUTE", "LOOKS_PER_MINUTE")


def limits(client: Api) -> dict[str, dict[str, object]]:
    """`GET /limits`, by action."""
    return {limit["action"]: limit for limit in client.request("GET", "/limits").data["limits"]}


def headers(answer: Answer) -> tuple[int, int, int]:
    """Limit, remaining, and seconds since the epoch at which it is reset."""
    limit, remaining, reset = (
        int(answer.headers[f"X-RateLimit-{name}"]) for name in ("Limit", "Remaining", "Reset")
    )
    return limit, remaining, reset


def test_ten_rooms_an_hour_and_no_eleventh(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=10))
    for n in range(10):
        assert client.request("POST", "/rooms", ROOM).status == 201
        clock.advance(60 if n == 0 else 0)
    refused = client.request("POST", "/rooms", ROOM)
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    # The window moves: what counts is the hour before each request.
    assert refused.error["retryAfter"] == 3540
    clock.advance(3539)
    assert client.request("POST", "/rooms", ROOM).status == 429
    clock.advance(1)
    assert client.request("POST", "/rooms", ROOM).status == 201
    assert client.request("POST", "/rooms", ROOM).status == 429


def test_joins_and_look_ups_are_counted_together(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=60))
    host = client.create_room(maxParticipants=50)
    for n in range(30):
        client.join(host.code, participantId=f"g{n}")
        assert client.request("GET", UNKNOWN).status == 404
    assert client.request("GET", f"/rooms/{host.code}").code == "RATE_LIMITED"
    assert client.request("POST", f"/rooms/{host.code}/join", {"name": "X"}).code == "RATE_LIMITED"
    # Members' calls are not counted.
    assert host.call("GET").status == 200
    clock.advance(60)
    assert client.request("GET", f"/rooms/{host.code}").status == 200


def test_the_defaults_are_those_of_the_contract(make_app: MakeApp) -> None:
    app = make_app(**{name: Settings.model_fields[name].default for name in ADDRESS_LIMITS})
    found = limits(Api.of_app(app))
    assert {name: limit["limit"] for name, limit in found.items()} == {
        "create_room": 10,
        "guess": 60,
        "look": 300,
    }


def test_limited_answers_tell_how_things_stand(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=3))
    now = clock.now // 1000
    for remaining in (2, 1, 0):
        answer = client.request("POST", "/rooms", ROOM)
        assert headers(answer)[:2] == (3, remaining)
        assert now + 3600 <= headers(answer)[2] <= now + 3601
    refused = client.request("POST", "/rooms", ROOM)
    assert headers(refused)[:2] == (3, 0)
    assert refused.headers["Retry-After"] == "3600"
    clock.advance(1800)
    assert client.request("POST", "/rooms", ROOM).headers["Retry-After"] == "1800"


def test_other_answers_tell_nothing_of_limits(client: Api) -> None:
    host = client.create_room()
    for answer in (host.poll(), host.call("GET"), client.request("GET", "/limits")):
        assert not [name for name in answer.headers if name.startswith("X-RateLimit")]


def test_a_refused_form_costs_nothing(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=1, LOOKS_PER_MINUTE=1))
    for _ in range(3):
        assert client.request("POST", "/rooms", {}).status == 400
        assert client.request("POST", f"{UNKNOWN}/join", {}).status == 400
        too_many = client.request("POST", "/rooms", {**ROOM, "maxParticipants": 1000})
        assert too_many.status == 400
    assert client.request("POST", "/rooms", ROOM).status == 201
    assert client.request("GET", UNKNOWN).status == 404


def test_refused_requests_do_not_prolong_the_wait(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=1))
    client.request("GET", UNKNOWN)
    for _ in range(6):
        clock.advance(9)
        assert client.request("GET", UNKNOWN).status == 429
    clock.advance(6)
    assert client.request("GET", UNKNOWN).status == 404


def test_reading_the_limits_costs_nothing(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=2, GUESSES_PER_MINUTE=3, LOOKS_PER_MINUTE=5))
    client.request("POST", "/rooms", ROOM)
    clock.advance(10)
    for _ in range(3):
        assert client.request("GET", "/limits").data == {
            "limits": [
                {
                    "action": "create_room",
                    "limit": 2,
                    "remaining": 1,
                    "resetAt": "2026-01-09T13:34:56.789Z",
                },
                {
                    "action": "guess",
                    "limit": 3,
                    "remaining": 3,
                    "resetAt": "2026-01-09T12:35:06.789Z",
                },
                {
                    "action": "look",
                    "limit": 5,
                    "remaining": 5,
                    "resetAt": "2026-01-09T12:35:06.789Z",
                },
            ]
        }


def test_limits_hold_over_processes_and_restarts(make_app: MakeApp, clock: Clock) -> None:
    for remaining in (2, 1, 0):
        answer = Api.of_app(make_app(ROOMS_PER_HOUR=3)).request("POST", "/rooms", ROOM)
        assert headers(answer)[1] == remaining
    assert Api.of_app(make_app(ROOMS_PER_HOUR=3)).request("POST", "/rooms", ROOM).status == 429


def test_addresses_are_kept_only_as_keyed_hashes(make_app: MakeApp, app: Flask) -> None:
    for secret in ("one", "two"):
        Api.of_app(make_app(SECRET_KEY=secret)).request("GET", UNKNOWN)
    rows = app.extensions["party.database"].all("SELECT * FROM party_rate_limits")
    # Another secret, another hash of the same address: a look and a guess for each.
    assert len(rows) == 4
    assert all(re.fullmatch(r"[0-9a-f]{64}", row["key_hash"]) for row in rows)
    assert "127.0.0.1" not in str(rows)


@pytest.mark.parametrize(("setting", "default"), [("POLLS_PER_SECOND", 20), ("SENDS_PER_SECOND", 50)])
def test_a_member_is_held_back_by_its_process(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, setting: str, default: int
) -> None:
    at = 1000.0
    monkeypatch.setattr("party.web.rate_limits.time.monotonic", lambda: at)
    client = Api.of_app(make_app(**{setting: default}))
    host = client.create_room()
    guest = client.join(host.code)

    def call() -> Answer:
        return guest.poll(guest.seq) if setting == "POLLS_PER_SECOND" else guest.send(host)

    for _ in range(default):
        assert call().status in (200, 201)
    refused = call()
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert refused.error["retryAfter"] == 1
    # The host has a count of its own, and so has the next second.
    assert host.poll(host.seq).status == 200
    at += 1
    assert call().status in (200, 201)


def test_a_call_that_takes_longer_than_it_is_remembered_does_no_harm_to_others() -> None:
    rates = MemberRates(5)
    rates.hit("slow")
    rates._swept_at = 0.0
    rates._calls.clear()  # as a second later another member's call does
    rates.charge("slow", 0)
    rates.hit("other")
    rates.hit("slow")


def test_sends_are_counted_by_messages(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    at = 1000.0
    monkeypatch.setattr("party.web.rate_limits.time.monotonic", lambda: at)
    client = Api.of_app(make_app(SENDS_PER_SECOND=50))
    host = client.create_room()
    guest = client.join(host.code)

    def send(count: int) -> Answer:
        return host.send_batch([{"toId": guest.id, "type": "ice", "payload": {}}] * count)

    assert [send(20).status for _ in range(3)] == [201, 201, 429]
    assert send(10).status == 201
    assert host.send(guest).code == "RATE_LIMITED"
    # The largest batch there can be passes after a quiet second, and takes up the two that it has sends for.
    at += 0.999
    assert send(100).status == 429
    at += 0.001
    assert send(100).status == 201
    refused = host.send(guest)
    assert (refused.status, refused.error["retryAfter"]) == (429, 2)
    at += 1.999
    assert send(1).status == 429
    at += 0.001
    assert send(50).status == 201
    assert send(1).error["retryAfter"] == 1


@pytest.mark.usefixtures("one_second")
def test_a_refused_send_stores_and_acknowledges_nothing(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(SENDS_PER_SECOND=1))
    host = client.create_room()
    guest = client.join(host.code)
    host.send(guest, {"n": 1})
    guest.send(host, {"n": 2})
    assert guest.send(host, {"n": 3}, after=guest.poll(guest.seq).data["seq"]).code == "RATE_LIMITED"
    assert [message["payload"] for message in guest.poll().data["messages"]] == [{"n": 1}]


# Under concurrency, over several processes


def test_of_80_simultaneous_rooms_exactly_10_are_opened(server: MakeServer, database_url: str) -> None:
    running = server(workers=4, threads=8, ROOMS_PER_HOUR=10)
    api = Api.of_url(running.url)
    with ThreadPoolExecutor(80) as pool:
        answers = list(pool.map(lambda _: api.request("POST", "/rooms", ROOM), range(80)))
    statuses = [answer.status for answer in answers]
    assert {status: statuses.count(status) for status in set(statuses)} == {201: 10, 429: 70}
    rooms = Database(database_url).all("SELECT code FROM party_rooms")
    assert {room["code"] for room in rooms} == {
        answer.data["code"] for answer in answers if answer.status == 201
    }


# While the database is busy or away


def test_a_busy_database_does_not_start_the_count_over(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("party.db.POOL_WAIT_SECONDS", 0.05)
    app = make_app(ROOMS_PER_HOUR=2, DB_POOL_SIZE=1)
    client = Api.of_app(app)
    assert [client.request("POST", "/rooms", ROOM).status for _ in range(3)] == [201, 201, 429]
    with app.extensions["party.database"].connection():
        busy = client.request("POST", "/rooms", ROOM)
    assert (busy.status, busy.code) == (503, "UNAVAILABLE")
    assert client.request("POST", "/rooms", ROOM).status == 429


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_while_the_database_is_away_the_limits_are_counted_in_memory(make_app: MakeApp) -> None:
    server = MariaDB()
    try:
        urls = server.create_database("party")
        list(migrate(urls.admin))
        client = Api.of_app(make_app(DATABASE_URL=urls.app, LOOKS_PER_MINUTE=3))
        server.stop()
        # Up to the limit the look-up itself fails; beyond it nothing is tried any more.
        statuses = [client.request("GET", UNKNOWN).status for _ in range(6)]
        assert statuses == [503, 503, 503, 429, 429, 429]
        assert limits(client)["look"]["remaining"] == 0
        server.start()
        # The memory is forgotten at once: what the database says is true.
        assert [client.request("GET", UNKNOWN).status for _ in range(4)] == [404, 404, 404, 429]
    finally:
        server.remove()


def test_who_is_refused_in_memory_is_not_forgotten_for_many_others(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "MANY_KEYS", 20)
    nowhere = "mysql://app:x@127.0.0.1:1/party"
    client = Api.of_app(make_app(DATABASE_URL=nowhere, LOOKS_PER_MINUTE=3, TRUSTED_PROXIES=1))

    def look(address: str) -> int:
        return client.request("GET", UNKNOWN, headers={"X-Forwarded-For": address}).status

    assert [look("192.0.2.1") for _ in range(4)] == [503, 503, 503, 429]
    assert {look(f"198.51.100.{n}") for n in range(100)} == {503}
    assert look("192.0.2.1") == 429


def test_a_refusal_says_of_what_there_was_too_much_and_for_how_long(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=1, GUESSES_PER_MINUTE=1, POLLS_PER_SECOND=1))
    host = client.create_room(password="open sesame")
    clock.advance(29 * 60)
    heard = client.request("POST", "/rooms", ROOM).error["message"]
    assert heard == "Too many rooms have been opened from your network. Try again in 31 minutes."
    assert client.request("GET", UNKNOWN).status == 404
    clock.advance(10)
    heard = client.request("GET", UNKNOWN).error["message"]
    assert heard == "Too many wrong codes or passwords have come from your network. Try again in 50 seconds."
    heard = next(answer.error["message"] for answer in iter(host.poll, None) if answer.status == 429)
    assert heard == "More than 1 requests or messages came within a second. Try again in 1 second."


def test_a_rooms_own_limits_say_that_they_are_its_own(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(GUESSES_PER_MINUTE=1000))
    host = client.create_room(password="open sesame")
    tries = (
        client.request("POST", f"/rooms/{host.code}/join", {"name": "Eve", "password": "guess"})
        for _ in range(100)
    )
    heard = next(answer.error["message"] for answer in tries if answer.status == 429)
    assert heard == "Too many wrong passwords have been tried for this room. Try again in 60 seconds."
