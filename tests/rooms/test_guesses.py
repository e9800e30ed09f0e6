"""Who may look and join, and how often: whoever knows a code gets in, whoever tries codes is stopped."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from party.config import Settings
from party.db import Database
from party.web.windows import Window, WindowFull, Windows
from tests.conftest import Clock, MakeApp, MakeServer
from tests.support.peers import Answer, Api

SETTINGS = ("ROOMS_PER_HOUR", "GUESSES_PER_MINUTE", "LOOKS_PER_MINUTE")
DEFAULTS = {name: Settings.model_fields[name].default for name in SETTINGS}
NETWORKS = {
    "192.0.2.0/24": {"ROOMS_PER_HOUR": 3, "LOOKS_PER_MINUTE": 7},
    "192.0.2.128/25": {"LOOKS_PER_MINUTE": 9},
    "2001:db8::/32": {"GUESSES_PER_MINUTE": 5},
}


def from_address(app: Flask, address: str) -> Api:
    """Calls that come from this address."""

    def send(
        method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], str]:
        builder = EnvironBuilder(
            path,
            method=method,
            data=body,
            headers=Headers(headers),
            environ_overrides={"REMOTE_ADDR": address},
        )
        chunks, status, answer_headers = run_wsgi_app(app, builder.get_environ(), buffered=True)
        return int(status.split()[0]), dict(answer_headers), b"".join(chunks).decode()

    return Api(send)


def join(client: Api, code: str, password: str | None = None) -> Answer:
    """One more guest."""
    body = {"name": "Gus"} if password is None else {"name": "Gus", "password": password}
    return client.request("POST", f"/rooms/{code}/join", body)


def statuses(calls: list[Callable[[], Answer]], threads: int = 90) -> Counter[int]:
    """How often each status was the answer, when they are made at once."""
    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(lambda call: call().status, calls))


def test_a_right_code_costs_no_guess_and_a_wrong_one_does(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(GUESSES_PER_MINUTE=3))
    host = client.create_room(maxParticipants=50)
    for _ in range(10):
        assert client.request("GET", f"/rooms/{host.code}").status == 200
        assert join(client, host.code).status == 200
    for remaining in (2, 1, 0):
        wrong = client.request("GET", "/rooms/ZZZZZZ")
        assert wrong.status == 404
        assert wrong.headers["X-RateLimit-Limit"] == "3"
        assert wrong.headers["X-RateLimit-Remaining"] == str(remaining)
    # From then on nothing tells whether a code exists.
    for refused in (
        client.request("GET", f"/rooms/{host.code}"),
        client.request("GET", "/rooms/ZZZZZZ"),
        join(client, host.code),
        join(client, "ZZZZZZ"),
    ):
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "RATE_LIMITED", "60")
        assert refused.headers["X-RateLimit-Limit"] == "3"
    clock.advance(60)
    assert join(client, host.code).status == 200


def test_wrong_passwords_are_guesses_and_right_ones_are_not(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(GUESSES_PER_MINUTE=3))
    host = client.create_room(password="swordfish")
    for _ in range(5):
        assert join(client, host.code, "swordfish").status == 200
    assert [join(client, host.code, word).status for word in ("a", "b")] == [403, 403]
    assert join(client, host.code, "swordfish").status == 200
    assert client.request("GET", "/rooms/ZZZZZZ").status == 404
    assert join(client, host.code, "swordfish").code == "RATE_LIMITED"
    guesses = client.request("GET", "/limits").data["limits"][1]
    assert (guesses["action"], guesses["remaining"]) == ("guess", 0)


def test_a_right_password_costs_no_guess_where_no_more_may_join(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app())
    host = client.create_room(maxParticipants=2, password="sesame")
    assert [join(client, host.code, "sesame").status for _ in range(24)] == [200] + [409] * 23
    before = client.request("GET", "/limits").data
    # More of them than there may be wrong ones.
    assert {join(client, host.code, "sesame").status for _ in range(31)} == {429}
    found = client.request("GET", "/limits").data
    assert guesses_left(found) == guesses_left(before)
    assert join(client, host.code, "wrong").code == "WRONG_PASSWORD"


def guesses_left(limits: dict[str, Any]) -> int:
    """What `GET /limits` says of guesses."""
    remaining = {limit["action"]: limit["remaining"] for limit in limits["limits"]}
    return int(remaining["guess"])


def test_thirty_wrong_passwords_a_minute_for_one_room_from_any_addresses(app: Flask, clock: Clock) -> None:
    host = from_address(app, "192.0.2.1").create_room(password="swordfish")
    other = from_address(app, "192.0.2.1").create_room(password="swordfish")
    tried = [join(from_address(app, f"198.51.100.{n % 6}"), host.code, "wrong").status for n in range(40)]
    assert tried == [403] * 30 + [429] * 10
    # Not even the right one is tried out any more, here; elsewhere nothing has happened.
    assert join(from_address(app, "203.0.113.1"), host.code, "swordfish").code == "RATE_LIMITED"
    assert join(from_address(app, "203.0.113.1"), other.code, "swordfish").status == 200
    clock.advance(60)
    assert join(from_address(app, "203.0.113.1"), host.code, "swordfish").status == 200


def test_whoever_asks_without_a_password_keeps_nobody_out_of_the_room(app: Flask, clock: Clock) -> None:
    host = from_address(app, "192.0.2.1").create_room(password="swordfish")
    for n in range(35):
        assert join(from_address(app, f"198.51.100.{n}"), host.code).code == "WRONG_PASSWORD"
    assert join(from_address(app, "203.0.113.1"), host.code, "swordfish").status == 200


@pytest.mark.parametrize(("places", "limit"), [(2, 24), (20, 60)])
def test_joins_into_one_room_are_twice_its_places_and_20_more(
    app: Flask, clock: Clock, places: int, limit: int
) -> None:
    host = from_address(app, "192.0.2.1").create_room(maxParticipants=places)
    other = from_address(app, "192.0.2.1").create_room()
    for n in range(limit):
        guest = from_address(app, f"198.51.100.{n % 7}").join(host.code)
        assert guest.call("POST", "/leave").status == 200
    refused = join(from_address(app, "203.0.113.1"), host.code)
    assert (refused.status, refused.code) == (429, "RATE_LIMITED")
    assert refused.headers["X-RateLimit-Limit"] == str(limit)
    assert from_address(app, "203.0.113.1").request("GET", f"/rooms/{host.code}").status == 200
    assert join(from_address(app, "203.0.113.1"), other.code).status == 200
    clock.advance(60)
    assert join(from_address(app, "203.0.113.1"), host.code).status == 200


def test_a_trusted_network_has_limits_of_its_own(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(**DEFAULTS, TRUSTED_NETWORKS=json.dumps(NETWORKS))

    def limits(address: str) -> list[int]:
        found = from_address(app, address).request("GET", "/limits").data["limits"]
        return [limit["limit"] for limit in found]

    assert limits("192.0.2.7") == [3, 60, 7]
    # Of two networks the narrower one counts, and what it is silent about is the other's.
    assert limits("192.0.2.200") == [3, 60, 9]
    assert limits("::ffff:192.0.2.7") == [3, 60, 7]
    assert limits("2001:db8:1::1") == [10, 5, 300]
    assert limits("198.51.100.1") == [10, 60, 300]
    school = from_address(app, "192.0.2.7")
    assert [school.request("POST", "/rooms", {"hostName": "T"}).status for _ in range(4)] == [201] * 3 + [429]
    # Each address of it is counted by itself.
    assert from_address(app, "192.0.2.8").request("POST", "/rooms", {"hostName": "T"}).status == 201


def test_a_large_limit_is_exact_and_takes_little_room(database_url: str, clock: Clock) -> None:
    database = Database(database_url)
    windows, looks = Windows(database, "secret"), Window("look", "192.0.2.1", 1000, 60)
    for _ in range(1000):
        clock.advance(0.03)
        windows.run(lambda ledger: ledger.take(looks))
    with pytest.raises(WindowFull):
        windows.run(lambda ledger: ledger.take(looks))
    (row,) = database.all("SELECT hits FROM party_rate_limits")
    assert len(row["hits"]) < 7_000  # a thousand times alone would be 14,000
    clock.advance(45)
    assert 490 <= windows.state(looks).remaining <= 500
    clock.advance(15)
    assert windows.state(looks).remaining == 1000


# Behind one address, over several processes


def test_three_classes_behind_one_address_get_in_though_some_mistype(server: MakeServer) -> None:
    api = Api.of_url(server(workers=3, threads=8, **DEFAULTS).url)
    codes = [api.create_room(maxParticipants=40).code for _ in range(3)]
    locked = api.create_room(maxParticipants=40, password="swordfish").code

    def pupil(number: int) -> Answer:
        if number % 9 < 2:  # twenty of the ninety mistype the code first
            assert api.request("GET", f"/rooms/ZZZZ{chr(65 + number % 8)}{2 + number % 7}").status == 404
        code = [*codes, locked][number % 4]
        assert api.request("GET", f"/rooms/{code}").status == 200
        return join(api, code, "swordfish" if code == locked else None)

    found = statuses([lambda number=number: pupil(number) for number in range(90)])  # type: ignore[misc]
    assert found == {200: 90}
    remaining = {
        limit["action"]: limit["remaining"] for limit in api.request("GET", "/limits").data["limits"]
    }
    assert (remaining["guess"], remaining["look"]) == (60 - 20, 300 - 20 - 2 * 90)


def test_of_200_simultaneous_guesses_60_are_answered(server: MakeServer) -> None:
    api = Api.of_url(server(workers=3, threads=8, **DEFAULTS).url)
    locked = api.create_room(password="swordfish").code
    right = api.create_room().code
    wrong: list[Callable[[], Answer]] = [
        lambda: api.request("GET", "/rooms/ZZZZZZ"),
        lambda: join(api, "ZZZZZZ"),
        lambda: join(api, locked, "wrong"),
        lambda: join(api, locked),
    ]
    found = statuses(wrong * 50)
    assert found[404] + found[403] == 60
    assert found[429] == 140
    assert join(api, right).code == "RATE_LIMITED"


def test_of_80_simultaneous_wrong_passwords_for_one_room_30_are_tried(shared_server: MakeServer) -> None:
    api = Api.of_url(shared_server(workers=3, threads=8).url)
    code = api.create_room(password="swordfish").code
    assert statuses([lambda: join(api, code, "wrong")] * 80) == {403: 30, 429: 50}


def test_of_80_simultaneous_joins_into_one_room_as_many_count_as_may(shared_server: MakeServer) -> None:
    api = Api.of_url(shared_server(workers=3, threads=8).url)
    code = api.create_room(maxParticipants=5).code
    assert statuses([lambda: join(api, code)] * 80) == {200: 4, 409: 26, 429: 50}
