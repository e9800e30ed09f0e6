"""What processes tell each other through Redis; and what they do without it: everything, a tick later."""

import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from flask import Flask

from party.polling import notifier
from tests.conftest import MakeApp
from tests.support.peers import Answer, Api, Seat
from tests.support.redis import Redis

pytestmark = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
SOON_SECONDS = 8.0


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    """One server for these tests."""
    server = Redis()
    yield server
    server.stop()


@pytest.fixture
def apps(make_app: MakeApp, redis: Redis) -> list[Flask]:
    """Two processes."""
    return [make_app(REDIS_URL=redis.url, LONG_POLL_SECONDS=25) for _ in range(2)]


@pytest.fixture
def slow_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody learns of a change in time who is not told."""
    for name in ("TICK_SECONDS", "QUICK_TICK_SECONDS", "CHECK_SECONDS"):
        monkeypatch.setattr(notifier, name, 20.0)


def at(app: Flask, seat: Seat) -> Seat:
    """The same page, calling another process."""
    other = Seat(Api.of_app(app), seat.room)
    other.token, other.seq = seat.token, seat.seq
    return other


def hold(pool: ThreadPoolExecutor, seat: Seat) -> "Future[Answer]":
    """Wait for news."""
    path = f"/signal/{seat.code}/{seat.id}?after={seat.seq}&wait=20"
    return pool.submit(seat.api.request, "GET", path, token=seat.token)


def listeners(redis: Redis) -> int:
    """How many processes listen."""
    return sum(count for _, count in redis.client().pubsub_numsub(*redis.client().pubsub_channels("party:*")))


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SOON_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.usefixtures("slow_ticks")
def test_a_held_poll_is_woken_by_another_process(apps: list[Flask], redis: Redis) -> None:
    api = Api.of_app(apps[0])
    host = api.create_room()
    guest = api.join(host.code)
    host.read()
    with ThreadPoolExecutor(1) as pool:
        held = hold(pool, at(apps[1], host))
        wait_for(lambda: listeners(redis))
        wait_for(lambda: len(apps[1].extensions["party.memory"].waiters))
        time.sleep(0.3)  # by now it has looked
        guest.send(host)
        assert held.result(SOON_SECONDS).data["count"] == 1


@pytest.mark.parametrize("trouble", ["stopped", "frozen", "slow", "emptied", "lying"])
def test_without_a_redis_that_can_be_trusted_everything_arrives_all_the_same(
    apps: list[Flask], redis: Redis, trouble: str
) -> None:
    api = Api.of_app(apps[0])
    host = api.create_room()
    guest = api.join(host.code)
    host.read()
    with ThreadPoolExecutor(1) as pool:
        for n in range(3):
            held = hold(pool, at(apps[1], host))
            if trouble == "stopped":
                redis.stop()
            elif trouble == "frozen":
                redis.freeze()
            elif trouble == "slow":
                redis.client().client_pause(300)
            elif trouble == "emptied":
                redis.client().flushall()
            else:
                for lie in (b"x", b"y:1,2,oops", b"z:" + b"9," * 50_000, b"\xff:\xfe", b"1:0,-1"):
                    for channel in redis.client().pubsub_channels("party:*"):
                        redis.client().publish(channel, lie)
            assert guest.send(host, {"n": n}).status == 201
            data = held.result(SOON_SECONDS).data
            assert [message["payload"] for message in data["messages"]] == [{"n": n}]
            host.seq = data["seq"]
            if trouble == "stopped":
                redis.start()
            elif trouble == "frozen":
                redis.freeze(False)


def roam(seat: Seat, apis: list[Api], act: Callable[[], Answer], calls: int) -> tuple[int, float, set[int]]:
    """Call one process after the other: how many calls passed, in how many seconds, and what was answered."""
    statuses = []
    began = time.monotonic()
    for n in range(calls):
        seat.api = apis[n % len(apis)]
        statuses.append(act().status)
    return sum(status < 300 for status in statuses), time.monotonic() - began, set(statuses)


@pytest.mark.parametrize("what", ["polls", "sends"])
def test_a_member_that_roams_has_one_limit(make_app: MakeApp, redis: Redis, what: str) -> None:
    limits = {"POLLS_PER_SECOND": 10, "SENDS_PER_SECOND": 10}
    apis = [Api.of_app(make_app(REDIS_URL=redis.url, **limits)) for _ in range(3)]
    host = apis[0].create_room()
    guest = apis[0].join(host.code)
    act = {"polls": lambda: guest.poll(guest.seq), "sends": lambda: guest.send(host)}[what]
    passed, seconds, statuses = roam(guest, apis, act, 36)
    # As many as in one process, and the first of each of the three.
    assert passed <= 10 * (1 + seconds) + 3
    assert {200, 201} & statuses
    assert statuses <= {200, 201, 429}
    assert 429 in statuses


@pytest.mark.parametrize("trouble", ["stopped", "frozen", "emptied", "lying"])
def test_without_a_redis_that_can_be_trusted_each_process_counts_for_itself(
    make_app: MakeApp, redis: Redis, trouble: str
) -> None:
    apis = [Api.of_app(make_app(REDIS_URL=redis.url, POLLS_PER_SECOND=5)) for _ in range(2)]
    host = apis[0].create_room()
    client = redis.client()

    def poll() -> Answer:
        if trouble == "emptied":
            client.flushall()
        elif trouble == "lying":
            for key in client.keys("party:*:polls:*"):
                client.set(key, secrets.choice(["oops", "-1000", ""]))
        return host.poll(host.seq)

    if trouble == "stopped":
        redis.stop()
    elif trouble == "frozen":
        redis.freeze()
    try:
        passed, seconds, statuses = roam(host, apis, poll, 40)
    finally:
        if trouble == "stopped":
            redis.start()
        redis.freeze(False)
    assert 5 <= passed <= 2 * 5 * (1 + seconds)
    assert statuses == {200, 429}
