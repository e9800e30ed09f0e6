"""The paths of the PHP backend under concurrency, raced for over several server processes."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest

from party.db import Database
from tests.conftest import MakeServer
from tests.rooms.test_races import at_once
from tests.support.peers import Api
from tests.support.php import Php


@pytest.fixture
def php(shared_server: MakeServer) -> Php:
    """Calls to three processes."""
    return Php(Api.of_url(shared_server(workers=3, threads=8, LEGACY_PHP_PATHS=True).url))


@pytest.mark.parametrize("sender", ["a stranger", "a member without a token", "a member with a token"])
def test_of_eight_simultaneous_polls_one_gets_a_signal(php: Php, sender: str) -> None:
    code = "ABC123" if sender == "a stranger" else php.create("host").data["code"]
    if sender != "a stranger":
        php.join(code, "guest")
    tess = php.api.join(code, participantId="tess") if sender == "a member with a token" else None
    for n in range(30):
        sent = tess.send("guest", {"n": n}) if tess else php.send(code, "host", "guest", {"n": n})
        assert sent.status == 201
        found = at_once([lambda: php.payloads(code, "guest")] * 8)
        assert list(chain(*found)) == [{"n": n}]


def test_who_polls_while_others_send_gets_each_signal_once(php: Php) -> None:
    """No room's lock holds anybody back here: neither the code nor the ids exist."""
    found: list[tuple[str, int]] = []

    def send_all(name: str) -> None:
        for n in range(25):
            assert php.send("ABC123", name, "guest", {"from": name, "n": n}).status == 201

    def read_all() -> None:
        deadline = time.monotonic() + 60
        while len(found) < 100 and time.monotonic() < deadline:
            found.extend((each["from"], each["n"]) for each in php.payloads("ABC123", "guest"))

    names = ("a", "b", "c", "d")
    at_once([read_all, read_all, *(lambda name=name: send_all(name) for name in names)])
    assert sorted(found) == sorted((name, n) for name in names for n in range(25))


def test_60_simultaneous_joins_fill_a_room_exactly(php: Php) -> None:
    code = php.create("host").data["code"]
    with ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda n: php.join(code, f"guest-{n}"), range(60)))
    outcomes = ["joined" if answer.status == 200 else (answer.status, answer.code) for answer in answers]
    assert outcomes.count("joined") == 19
    assert outcomes.count((400, "ROOM_FULL")) == 41
    assert len(php.get(code).data["participants"]) == 20


def test_pages_of_both_kinds_fill_a_room_exactly(php: Php) -> None:
    code = php.create("host").data["code"]
    joins = [
        lambda n=n: (
            php.join(code, f"old-{n}")
            if n % 2
            else php.api.request("POST", f"/rooms/{code}/join", {"name": "New"})
        )
        for n in range(40)
    ]
    assert [answer.status for answer in at_once(joins)].count(200) == 19


def test_of_simultaneous_joins_with_one_id_one_succeeds(php: Php) -> None:
    code = php.create("host").data["code"]
    answers = at_once([lambda: php.join(code, "guest")] * 10)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 9


def test_of_simultaneous_leaves_and_ends_none_fails(php: Php) -> None:
    for _ in range(5):
        code = php.create("host").data["code"]
        php.join(code, "guest")
        for act in (
            [lambda code=code: php.leave(code, "guest")] * 6,
            [lambda code=code: php.leave(code, "host"), lambda code=code: php.end(code, "host")] * 3,
        ):
            assert [answer.status for answer in at_once(act)] == [200] * 6
        assert php.get(code).data["status"] == "ended"


def test_of_80_simultaneous_rooms_a_limit_of_10_admits_10(server: MakeServer, database_url: str) -> None:
    running = server(workers=3, threads=8, LEGACY_PHP_PATHS=True, ROOMS_PER_HOUR=10)
    php = Php(Api.of_url(running.url))
    with ThreadPoolExecutor(80) as pool:
        statuses = list(pool.map(lambda n: php.create(f"host-{n}").status, range(80)))
    assert (statuses.count(201), statuses.count(429)) == (10, 70)
    assert len(Database(database_url).all("SELECT id FROM party_rooms")) == 10


def test_of_40_simultaneous_guesses_a_limit_of_10_answers_10(server: MakeServer) -> None:
    running = server(workers=3, threads=8, LEGACY_PHP_PATHS=True, GUESSES_PER_MINUTE=10)
    php = Php(Api.of_url(running.url))
    statuses = [answer.status for answer in at_once([lambda: php.get("ZZZZZZ")] * 40)]
    assert (statuses.count(404), statuses.count(429)) == (10, 30)


def test_the_mailbox_of_a_member_is_bounded_under_concurrency(php: Php) -> None:
    code = php.create("host").data["code"]
    large = {"sdp": "x" * (64 * 1024 - 10)}  # 64 of these are 4 MiB

    def send() -> int:
        return php.send(code, "host", "host", large).status

    for _ in range(5):
        assert [send() for _ in range(63)] == [201] * 63
        assert sorted(at_once([send] * 8)) == [201] + [429] * 7
        assert php.poll(code, "host").data["count"] == 64
