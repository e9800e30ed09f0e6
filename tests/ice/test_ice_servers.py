"""`GET /rooms/{code}/ice-servers`."""

import base64
import hashlib
import hmac

from tests.conftest import Clock, MakeApp
from tests.support.peers import Api


def test_members_get_the_stun_servers(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(STUN_URLS="stun:one.example:3478 stun:two.example", TURN_TTL_SECONDS=600))
    host = client.create_room()
    assert host.call("GET", "/ice-servers").data == {
        "iceServers": [{"urls": ["stun:one.example:3478", "stun:two.example"]}],
        "iceTransportPolicy": "all",
        "ttlSeconds": 600,
    }
    assert Api.of_app(make_app(STUN_URLS="")).create_room().call("GET", "/ice-servers").data == {
        "iceServers": [],
        "iceTransportPolicy": "all",
        "ttlSeconds": 3600,
    }


def test_turn_credentials_are_those_that_coturn_computes(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(STUN_URLS="", TURN_URLS="turn:t.example turns:t.example", TURN_SECRET="north")
    host = Api.of_app(app).create_room(hostId="Ada")
    (server,) = host.call("GET", "/ice-servers").data["iceServers"]
    assert server["urls"] == ["turn:t.example", "turns:t.example"]
    assert server["username"] == f"{clock.now // 1000 + 3600}:Ada"
    digest = hmac.new(b"north", server["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == digest
