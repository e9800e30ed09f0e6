"""Small data through the service, where no path opens between two pages."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from party.config import load_settings
from party.load import load
from party.polling import pace
from party.signaling import relay
from party.web.models import to_json
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat
from tests.support.php import Php

KIB = 1024


def sized(size: int) -> dict[str, str]:
    """A payload of so many bytes of compact JSON."""
    return {"d": "x" * (size - len('{"d":""}'))}


def members(api: Api) -> tuple[Seat, Seat]:
    """The host and a guest of a new room, who have seen each other come."""
    host = api.create_room()
    guest = api.join(host.code)
    host.read()
    return host, guest


class Minutes:
    """The clock of this process, moved by the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(relay, "time", SimpleNamespace(monotonic=lambda: self.now))


@pytest.fixture
def minutes(monkeypatch: pytest.MonkeyPatch) -> Minutes:
    """Binds the clock by which data is counted."""
    return Minutes(monkeypatch)


def test_data_is_acknowledged_ordered_and_repeated_as_every_signal(host: Seat, guest: Seat) -> None:
    sent = host.send(guest, {"n": 1}, "data", clientMsgId="a")
    again = host.send(guest, {"n": 1}, "data", clientMsgId="a")
    assert (sent.status, again.status) == (201, 200)
    assert again.data == sent.data
    batch = [{"toId": guest.id, "type": kind, "payload": {"n": n}} for n, kind in ((2, "data"), (3, "ice"))]
    assert host.send_batch(batch).status == 201
    for _ in range(2):  # until it is acknowledged
        found = [(each["type"], each["payload"]["n"]) for each in guest.poll(guest.seq).data["messages"]]
        assert found == [("data", 1), ("data", 2), ("ice", 3)]
    guest.read()
    assert guest.poll(guest.seq).data["messages"] == []


def test_data_that_nobody_acknowledges_expires_with_notice(host: Seat, guest: Seat, clock: Clock) -> None:
    host.read()
    number = host.send(guest, {"n": 1}, "data").data["messageId"]
    clock.advance(121)
    (event,) = host.read()
    assert (event["type"], event["payload"]["messageId"]) == ("signal-expired", number)


def test_data_has_16_kib_and_other_signals_more(host: Seat, guest: Seat) -> None:
    assert host.send(guest, sized(16 * KIB), "data").status == 201
    for beyond in (sized(16 * KIB + 1), {"d": "ä" * 8 * KIB}):
        answer = host.send(guest, beyond, "data")
        assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert host.send(guest, sized(16 * KIB + 1), "offer").status == 201


def test_a_member_sends_so_much_a_minute_and_others_are_not_held_back(
    make_app: MakeApp, minutes: Minutes
) -> None:
    host, guest = members(Api.of_app(make_app()))
    assert [host.send(guest, sized(16 * KIB), "data").status for _ in range(16)] == [201] * 16
    minutes.now += 20
    refused = host.send(guest, {"n": 1}, "data")
    assert (refused.status, refused.code) == (429, "RELAY_LIMIT")
    assert refused.error["retryAfter"] == 40
    assert host.send(guest, {"n": 1}, "ice").status == 201
    assert guest.send(host, {"n": 1}, "data").status == 201
    minutes.now += 39
    assert host.send(guest, {"n": 1}, "data").code == "RELAY_LIMIT"
    minutes.now += 1
    assert host.send(guest, {"n": 1}, "data").status == 201


def test_what_is_refused_counts_nothing_and_stores_nothing(make_app: MakeApp, minutes: Minutes) -> None:
    host, guest = members(Api.of_app(make_app(RELAY_KIB_PER_MINUTE=16)))
    fits = {"toId": guest.id, "type": "data", "payload": sized(8 * KIB)}
    for _ in range(3):
        assert host.send_batch([fits, fits, {**fits, "type": "data", "payload": {}}]).code == "RELAY_LIMIT"
    assert guest.poll(guest.seq).data["messages"] == []
    assert host.send_batch([fits, fits]).status == 201


def test_it_can_be_switched_off(make_app: MakeApp) -> None:
    host, guest = members(Api.of_app(make_app(RELAY_KIB_PER_MINUTE=0)))
    answer = host.send(guest, {"n": 1}, "data")
    assert (answer.status, answer.code) == (403, "RELAY_OFF")
    assert host.send(guest, {"n": 1}, "offer").status == 201
    assert guest.call("GET").data["settings"]["relay"] is False


def test_the_room_says_that_it_is_on(host: Seat) -> None:
    assert host.call("GET").data["settings"]["relay"] is True


@pytest.mark.needs("php_paths")
def test_the_pages_of_the_php_backend_neither_send_nor_get_data(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(LEGACY_PHP_PATHS=True))
    php = Php(client)
    code = php.create().data["code"]
    php.join(code, "guest")
    tess = client.join(code, "Tess", participantId="tess")
    answer = tess.send("guest", {"n": 1}, "data")
    assert (answer.status, answer.code) == (404, "PEER_NOT_FOUND")
    for to in ("tess", "guest"):
        answer = php.send(code, "host", to, {"n": 1}, type="data")
        assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert php.payloads(code, "guest") == tess.poll(tess.seq).data["messages"] == []


def about(ms: float) -> Any:
    """A pause with its jitter."""
    return pytest.approx(ms, rel=pace.JITTER + 0.01)


def test_where_nothing_but_data_came_lately_polls_come_every_250_ms(
    host: Seat, guest: Seat, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "factor", 1.0)
    monkeypatch.setattr(load, "holds_until", math.inf)
    clock.advance(30)
    host.read()
    assert host.poll(host.seq).data["pollAfterMs"] == about(pace.LOBBY_MS)
    host.send(guest, {"n": 1}, "data")
    guest.read()
    for _ in range(2):
        assert guest.poll(guest.seq).data["pollAfterMs"] == about(250)
        clock.advance(9)
        assert guest.poll(guest.seq).data["pollAfterMs"] == about(250)
        clock.advance(-9)
    host.send(guest, {"n": 1}, "ice")
    guest.read()
    assert guest.poll(guest.seq).data["pollAfterMs"] == about(pace.NEGOTIATING_MS)
    clock.advance(11)
    assert guest.poll(guest.seq).data["pollAfterMs"] == about(pace.LOBBY_MS)


def test_the_limit_is_counted_in_compact_json_of_utf8(make_app: MakeApp, minutes: Minutes) -> None:
    host, guest = members(Api.of_app(make_app(RELAY_KIB_PER_MINUTE=1)))
    payload = {"a": ["ä"] * 100, "b": {"c": 1}}
    size = len(to_json(payload).encode())
    assert host.send(guest, payload, "data").status == 201
    assert host.send(guest, sized(KIB - size + 1), "data").code == "RELAY_LIMIT"
    assert host.send(guest, sized(KIB - size), "data").status == 201


def test_the_setting_is_a_whole_number_of_kib(tmp_path: Any) -> None:
    assert load_settings(tmp_path, {}).RELAY_KIB_PER_MINUTE == 256
