"""`GET /rooms/{code}/ice-servers`, and what comes along with a seat."""

import base64
import hashlib
import hmac
import json

from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat

HEADER = "X-Party-Ice-Servers"


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


def test_who_comes_in_is_told_along_with_the_seat(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(TURN_URLS="turn:t.example", TURN_SECRET="north")
    client = Api.of_app(app)
    created = client.request("POST", "/rooms", {"hostName": "Hana", "approval": True})
    host = Seat(client, created.data)
    asked = client.request("POST", f"/rooms/{host.code}/join", {"name": "Gus"})
    assert asked.status == 202
    guest = Seat(client, asked.data)
    host.call("POST", "/approve", {"participantId": guest.id, "approved": True})
    rejoined = guest.call("POST", "/rejoin")
    guest = Seat(client, rejoined.data)
    host.call("POST", "/settings", {"approval": False})
    joined = client.request("POST", f"/rooms/{host.code}/join", {"name": "Ida"})
    for answer, seat in ((created, host), (rejoined, guest), (joined, Seat(client, joined.data))):
        assert json.loads(answer.headers[HEADER]) == seat.call("GET", "/ice-servers").data
    # Nobody else is.
    refused = client.request("POST", "/rooms/ABCDEF/join", {"name": "Jo"})
    for answer in (asked, refused, client.request("GET", f"/rooms/{host.code}"), host.call("GET")):
        assert HEADER not in answer.headers
