"""TURN for whoever cannot run one: providers, and what they do when they are slow, refuse or lie."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from party.config import ConfigError, load_settings
from party.ice import cloudflare
from tests.conftest import MakeApp
from tests.support.peers import Api, Seat

GOOD: dict[str, Any] = {
    "iceServers": [
        {"urls": ["stun:stun.example:3478"]},
        {"urls": ["turn:t.example:3478?transport=udp", "turns:t.example:443?transport=tcp"]}
        | {"username": "u1", "credential": "c1"},
    ]
}
TURN = {**GOOD["iceServers"][1]}
SECRETS = {
    "TURN_PROVIDER": "cloudflare",
    "TURN_KEY_ID": "key-1",
    "TURN_API_TOKEN": "hunter2",
    "STUN_URLS": "",
}


on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


class Fake:
    """A provider over HTTP, which answers what it is told to."""

    def __init__(self) -> None:
        self.answer: Callable[[], tuple[int, bytes | Iterator[bytes]]] = lambda: (
            200,
            json.dumps(GOOD).encode(),
        )
        self.asked: list[tuple[str, str | None, Any]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
                fake.asked.append((self.path, self.headers["Authorization"], body))
                status, raw = fake.answer()
                self.send_response(status)
                self.send_header("Location", f"{fake.url}/elsewhere")
                self.end_headers()
                with suppress(OSError):
                    for part in [raw] if isinstance(raw, bytes) else raw:
                        self.wfile.write(part)

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """In the place of Cloudflare."""
    found = Fake()
    monkeypatch.setattr(cloudflare, "API", found.url)
    yield found
    found.close()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def servers(seat: Seat) -> dict[str, Any]:
    """What a member is given."""
    found: dict[str, Any] = seat.call("GET", "/ice-servers").data
    return found


def soon(seat: Seat, expected: list[Any]) -> dict[str, Any]:
    """The same, as soon as it has these servers."""
    deadline = time.monotonic() + 10
    while (found := servers(seat))["iceServers"] != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.01)
    return found


def test_a_static_server_is_the_same_for_everybody(make_app: MakeApp) -> None:
    app = make_app(
        STUN_URLS="",
        TURN_PROVIDER="static",
        TURN_URLS="turn:t.example",
        TURN_USERNAME="u",
        TURN_CREDENTIAL="c",
    )
    expected = {"urls": ["turn:t.example"], "username": "u", "credential": "c"}
    assert servers(Api.of_app(app).create_room())["iceServers"] == [expected]


def test_cloudflare_is_asked_once_for_all_of_a_process(make_app: MakeApp, fake: Fake) -> None:
    host = Api.of_app(make_app(**SECRETS, TURN_TTL_SECONDS=600)).create_room()
    found = soon(host, [TURN])
    assert 590 <= found["ttlSeconds"] <= 600
    assert servers(host.api.join(host.code))["iceServers"] == [TURN]
    path = "/v1/turn/keys/key-1/credentials/generate-ice-servers"
    assert fake.asked == [(path, "Bearer hunter2", {"ttl": 600})]


def test_nobody_waits_for_it(make_app: MakeApp, fake: Fake) -> None:
    goes_on = Event()
    fake.answer = lambda: (200, json.dumps(GOOD).encode()) if goes_on.wait(10) else (500, b"")
    host = Api.of_app(make_app(**SECRETS)).create_room()
    found = servers(host.api.join(host.code))
    assert (found["iceServers"], found["ttlSeconds"]) == ([], cloudflare.PAUSE_SECONDS)
    goes_on.set()
    soon(host, [TURN])


@pytest.mark.parametrize(
    "answer",
    [
        (403, b"{}"),
        (500, b"hunter2"),
        (200, b""),
        (200, b"<html>"),
        (200, b'{"iceServers": []}'),
        (200, b'{"iceServers": [{"urls": ["turn:t.example"]}]}'),
        (200, b'{"iceServers": [{"urls": ["turn:t.example"], "username": 1, "credential": "c"}]}'),
        (200, b'{"iceServers": [{"urls": ["http://t.example"], "username": "u", "credential": "c"}]}'),
        (200, b'{"iceServers": "turn:t.example"}'),
    ],
    ids=str,
)
def test_while_it_fails_the_last_good_ones_are_given_as_long_as_they_are_good(
    make_app: MakeApp,
    fake: Fake,
    answer: tuple[int, bytes],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(cloudflare, "time", SimpleNamespace(monotonic=lambda: now[0]))
    host = Api.of_app(make_app(**SECRETS, TURN_TTL_SECONDS=600)).create_room()
    soon(host, [TURN])
    fake.answer = lambda: answer
    now[0] += 301
    assert servers(host)["iceServers"] == [TURN]
    wait_for(lambda: len(fake.asked) == 2 and "gives no credentials" in caplog.text)
    now[0] += 290
    found = servers(host)
    assert (found["iceServers"], found["ttlSeconds"]) == ([TURN], 9)
    now[0] += 10
    assert servers(host)["iceServers"] == []
    now[0] += 20
    fake.answer = lambda: (200, json.dumps(GOOD).encode())
    soon(host, [TURN])
    assert "hunter2" not in caplog.text


@on_sqlite
def test_its_token_is_sent_nowhere_else(
    make_app: MakeApp, fake: Fake, caplog: pytest.LogCaptureFixture
) -> None:
    fake.answer = lambda: (302, b"")
    servers(Api.of_app(make_app(**SECRETS)).create_room())
    wait_for(lambda: "HTTPError 302" in caplog.text)
    assert len(fake.asked) == 1


@on_sqlite
def test_an_answer_that_never_ends_is_given_up(
    make_app: MakeApp, fake: Fake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cloudflare, "TIMEOUT_SECONDS", 1.0)

    def drops() -> Iterator[bytes]:
        while True:
            yield b" "
            time.sleep(0.02)

    fake.answer = lambda: (200, drops())
    servers(Api.of_app(make_app(**SECRETS)).create_room())
    wait_for(lambda: "TimeoutError" in caplog.text)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"TURN_PROVIDER": "static"}, "TURN_URLS"),
        ({"TURN_PROVIDER": "static", "TURN_URLS": "turn:t.example"}, "TURN_USERNAME"),
        ({"TURN_PROVIDER": "static", "TURN_URLS": "turn:t.example", "TURN_USERNAME": "u"}, "TURN_CREDENTIAL"),
        ({"TURN_PROVIDER": "cloudflare"}, "TURN_KEY_ID"),
        ({"TURN_PROVIDER": "cloudflare", "TURN_KEY_ID": "k"}, "TURN_API_TOKEN"),
        ({"TURN_PROVIDER": "cloudflare", "TURN_KEY_ID": "k", "TURN_API_TOKEN": "  "}, "TURN_API_TOKEN"),
        ({"TURN_PROVIDER": "twilio"}, "TURN_PROVIDER"),
        ({"TURN_URLS": "turn:t.example"}, "TURN_SECRET"),
        ({"ICE_POLICY": "none"}, "ICE_POLICY"),
        ({"ICE_POLICY": "relay", "RELAY_KIB_PER_MINUTE": "0"}, "ICE_POLICY"),
    ],
    ids=str,
)
def test_what_a_provider_or_a_browser_would_refuse_stops_the_start(
    tmp_path: Path, settings: dict[str, str], name: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path, {f"PARTY_{key}": value for key, value in settings.items()})
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_with_the_policy_relay_pages_are_told_to_use_nothing_else(make_app: MakeApp) -> None:
    app = make_app(TURN_URLS="turn:t.example", TURN_SECRET="north", ICE_POLICY="relay")
    assert servers(Api.of_app(app).create_room())["iceTransportPolicy"] == "relay"
