"""Rooms with approval: asking, being let in or refused, and what one who waits may see and do."""

from typing import Any

import pytest
from flask import Flask

from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

PREVIEW = {
    "code",
    "status",
    "name",
    "gameType",
    "hostName",
    "participantCount",
    "maxParticipants",
    "needsPassword",
    "approval",
    "locked",
}
KEY = "a-retry-key-of-22-characters"


@pytest.fixture
def client(make_app: MakeApp) -> Api:
    """Calls to an app whose members are absent as soon as usual."""
    return Api.of_app(make_app(DISCONNECTED_AFTER_SECONDS=300, SEAT_FREED_AFTER_SECONDS=600))


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room with approval, and seats for three."""
    return client.create_room("Hana", hostId="host", approval=True, seats=3, maxParticipants=4)


def ask(host: Seat, id: str = "gus", **fields: Any) -> Seat:
    """Ask to be let in."""
    return host.api.join(host.code, id.title(), participantId=id, **fields)


def approve(host: Seat, guest: Seat | str, approved: bool = True) -> Answer:
    """Let somebody in, or refuse it."""
    id = guest if isinstance(guest, str) else guest.id
    return host.call("POST", "/approve", {"participantId": id, "approved": approved})


def events(seat: Seat) -> list[tuple[str, dict[str, Any]]]:
    """What the seat reads, as (type, payload)."""
    return [(message["type"], message["payload"]) for message in seat.read()]


def waiting(host: Seat) -> list[str]:
    """Who waits, as the host's Room shows it."""
    return [each["id"] for each in host.call("GET").data["requests"]]


def seats(host: Seat) -> dict[str, tuple[str, int | None]]:
    """Everybody's role and seat."""
    return {each["id"]: (each["role"], each["seat"]) for each in host.call("GET").data["participants"]}


def test_a_join_asks_and_the_host_is_told(host: Seat, client: Api, clock: Clock) -> None:
    clock.advance(5)
    answer = client.request("POST", f"/rooms/{host.code}/join", {"name": "Gus", "participantId": "gus"})
    assert answer.status == 202
    assert set(answer.data) == PREVIEW | {"seq", "you"}
    assert answer.data["participantCount"] == 1
    assert set(answer.data["you"]) == {"id", "role", "token"}
    assert (answer.data["you"]["id"], answer.data["you"]["role"]) == ("gus", "guest")
    entry = {"id": "gus", "name": "Gus", "requestedAt": "2026-01-09T12:35:01.789Z", "presence": "online"}
    assert events(host) == [("join-requested", {"participant": entry})]
    room = host.call("GET").data
    assert room["requests"] == [entry]
    assert [each["id"] for each in room["participants"]] == ["host"]


def test_one_who_is_let_in_is_a_member_as_any(host: Seat, clock: Clock) -> None:
    guest, other = ask(host), ask(host, "oona")
    host.read()
    clock.advance(10)
    answer = approve(host, guest)
    assert answer.status == 200
    assert "you" not in answer.data
    assert [each["id"] for each in answer.data["requests"]] == ["oona"]
    (member,) = [each for each in answer.data["participants"] if each["id"] == "gus"]
    assert (member["role"], member["seat"], member["joinedAt"]) == ("player", 0, "2026-01-09T12:35:06.789Z")
    assert events(host) == [("participant-joined", {"participant": member})]
    # With the cursor that it has, it is told of its approval and what came since.
    host.send(guest, {"n": 1})
    assert events(guest) == [("participant-approved", {"role": "player", "seat": 0}), ("offer", {"n": 1})]
    room = guest.poll().data["room"]
    assert room["you"] == {"id": "gus", "role": "player"}
    assert "requests" not in room
    assert events(other) == []
    # Again is no harm.
    assert approve(host, guest).status == 200
    assert approve(host, guest, False).code == "PEER_NOT_FOUND"
    assert approve(host, "nobody").code == approve(host, "nobody", False).code == "PEER_NOT_FOUND"


def test_one_who_is_refused_learns_it_and_then_its_token_is_dead(host: Seat) -> None:
    guest = ask(host)
    host.read()
    assert approve(host, guest, False).status == 200
    assert events(host) == [("join-withdrawn", {"participantId": "gus", "reason": "rejected"})]
    assert waiting(host) == []
    for _ in range(2):
        (message,) = guest.poll(guest.seq).data["messages"]
        assert (message["type"], message["payload"], message["fromId"]) == ("participant-rejected", {}, None)
    refused = guest.call("POST", "/rejoin")
    assert (refused.status, refused.error["reason"]) == (401, "rejected")
    for after in (message["seq"], guest.seq):
        dead = guest.poll(after)
        assert (dead.status, dead.code, dead.error["reason"]) == (401, "TOKEN_INVALID", "rejected")
    # The id may ask again.
    assert ask(host).room["you"]["role"] == "guest"


def test_a_guest_polls_in_vain_until_something_is_for_it(host: Seat, client: Api) -> None:
    guest = ask(host)
    host.call("POST", "/settings", {"name": "Fun"})
    for after in (guest.seq, 0, host.seq):
        data = guest.poll(after).data
        assert data["messages"] == []
        assert "room" not in data
    room = guest.poll().data["room"]
    assert room["you"] == {"id": "gus", "role": "guest"}
    assert set(room) == PREVIEW | {"seq", "you"}
    assert room["name"] == "Fun"


def test_a_guest_may_come_back_leave_rename_itself_and_sleep(host: Seat) -> None:
    guest = ask(host)
    host.read()
    answer = guest.call("POST", "/rejoin")
    assert answer.status == 202
    assert set(answer.data) == PREVIEW | {"seq", "you"}
    page = Seat(guest.api, answer.data)
    assert guest.poll().error["reason"] == "replaced"
    assert [type for type, _ in events(host)] == ["join-requested"]
    renamed = page.call("POST", "/rename", {"name": "Augustus"})
    assert (renamed.status, renamed.data["you"]) == (200, {"id": "gus", "role": "guest"})
    assert page.call("POST", "/away").data == {"away": True}
    entries = [payload["participant"] for type, payload in events(host) if type == "join-requested"]
    assert [(each["name"], each["presence"]) for each in entries] == [
        ("Augustus", "online"),
        ("Augustus", "away"),
    ]
    assert page.call("POST", "/leave").data == {"left": True}
    assert events(host) == [("join-withdrawn", {"participantId": "gus", "reason": "left"})]
    assert page.poll().error["reason"] == "left"


def test_a_guest_may_nothing_else(host: Seat) -> None:
    guest = ask(host)
    before = host.call("GET").data
    for answer in (
        guest.call("GET"),
        guest.send(host),
        guest.call("POST", "/role", {"role": "player"}),
        guest.call("POST", "/rename", {"name": "X", "participantId": "host"}),
        guest.call("POST", "/approve", {"participantId": "gus", "approved": True}),
        guest.api.request("GET", f"/signal/{guest.code}/{guest.id}/peers", token=guest.token),
    ):
        assert (answer.status, answer.code) == (403, "NOT_APPROVED")
    assert host.send(guest).code == "PEER_NOT_FOUND"
    assert host.call("GET").data == before


def test_the_answer_that_got_lost_is_given_again_whatever_has_become_of_it(host: Seat, client: Api) -> None:
    first = ask(host, retryKey=KEY)
    body = {"name": "Gus", "participantId": "gus", "retryKey": KEY}
    again = client.request("POST", f"/rooms/{host.code}/join", body)
    assert again.status == 202
    assert first.poll().error["reason"] == "replaced"
    assert waiting(host) == ["gus"]
    approve(host, "gus")
    member = client.request("POST", f"/rooms/{host.code}/join", body)
    assert (member.status, member.data["you"]["role"]) == (200, "player")


def test_a_key_ends_where_its_guest_is_refused(host: Seat) -> None:
    ask(host, retryKey=KEY)
    approve(host, "gus", False)
    assert ask(host, "again", retryKey=KEY).room["you"]["role"] == "guest"
    assert waiting(host) == ["again"]


def test_a_full_room_lets_nobody_in_who_goes_on_waiting(host: Seat) -> None:
    guests = [ask(host, f"g{n}") for n in range(4)]
    for guest in guests[:3]:
        approve(host, guest)
    assert approve(host, guests[3]).code == "ROOM_FULL"
    assert waiting(host) == ["g3"]
    guests[0].call("POST", "/leave")
    assert waiting(host) == ["g3"]
    assert approve(host, guests[3]).status == 200


def test_at_most_fifty_wait_and_their_ids_are_taken(client: Api) -> None:
    host = client.create_room(approval=True)
    for n in range(50):
        ask(host, f"g{n}")
    full = client.request("POST", f"/rooms/{host.code}/join", {"name": "X"})
    assert (full.status, full.code) == (409, "LOBBY_FULL")
    taken = client.request("POST", f"/rooms/{host.code}/join", {"name": "X", "participantId": "g7"})
    assert (taken.status, taken.code) == (409, "PARTICIPANT_ID_TAKEN")


def test_a_wish_for_a_seat_is_heard_if_it_can_be(host: Seat, client: Api) -> None:
    for id, fields in (
        ("a", {"seat": 2}),
        ("b", {"seat": 2}),
        ("c", {"spectate": True}),
    ):
        ask(host, id, **fields)
    for id in "abc":
        approve(host, id)
    assert seats(host) == {
        "host": ("host", None),
        "a": ("player", 2),
        "b": ("player", 0),
        "c": ("spectator", None),
    }
    path = f"/rooms/{host.code}/join"
    assert client.request("POST", path, {"name": "X", "seat": 2}).code == "SEAT_TAKEN"
    missing = client.request("POST", path, {"name": "X", "seat": 3})
    assert (missing.status, missing.error["field"]) == (400, "seat")
    assert waiting(host) == []


def test_without_approval_those_who_wait_come_in_as_there_is_room(host: Seat, client: Api) -> None:
    guests = [ask(host, f"g{n}") for n in range(5)]
    host.read()
    host.call("POST", "/settings", {"approval": False})
    assert [type for type, _ in events(host)] == ["settings-changed"] + ["participant-joined"] * 3
    assert list(seats(host)) == ["host", "g0", "g1", "g2"]
    assert waiting(host) == ["g3", "g4"]
    # Before newcomers, as places become free.
    assert client.request("POST", f"/rooms/{host.code}/join", {"name": "New"}).code == "ROOM_FULL"
    guests[1].call("POST", "/leave")
    assert list(seats(host)) == ["host", "g0", "g2", "g3"]
    assert events(guests[3]) == [("participant-approved", {"role": "player", "seat": 1})]
    host.call("POST", "/remove", {"participantId": "g0"})
    assert list(seats(host)) == ["host", "g2", "g3", "g4"]
    host.call("POST", "/settings", {"approval": True})
    ask(host, "g5")
    host.call("POST", "/settings", {"approval": False})
    assert waiting(host) == ["g5"]
    host.call("POST", "/settings", {"maxParticipants": 5})
    assert list(seats(host)) == ["host", "g2", "g3", "g4", "g5"]
    assert waiting(host) == []


def test_a_locked_room_takes_nobody_but_those_who_wait(host: Seat, client: Api) -> None:
    guest = ask(host)
    host.call("POST", "/settings", {"locked": True})
    refused = client.request("POST", f"/rooms/{host.code}/join", {"name": "X"})
    assert (refused.status, refused.code) == (403, "ROOM_LOCKED")
    assert approve(host, guest).status == 200
    assert guest.call("POST", "/rejoin").status == 200


def test_a_guest_that_is_not_seen_for_long_is_gone(host: Seat, clock: Clock) -> None:
    guest = ask(host)
    host.read()
    for seconds in (90, 210, 299.999):
        clock.advance(seconds)
        host.poll()
    assert waiting(host) == ["gus"]
    clock.advance(0.001)
    found = events(host)
    presences = [payload["participant"]["presence"] for type, payload in found if type == "join-requested"]
    assert presences == ["away", "disconnected"]
    assert found[-1] == ("join-withdrawn", {"participantId": "gus", "reason": "absent"})
    assert guest.poll(guest.seq).error["reason"] == "absent"


def test_a_guest_that_polls_again_is_online_for_the_host(host: Seat, clock: Clock) -> None:
    guest = ask(host)
    clock.advance(200)
    host.read()
    guest.poll(guest.seq)
    (entry,) = [payload["participant"] for type, payload in events(host) if type == "join-requested"]
    assert (entry["id"], entry["presence"]) == ("gus", "online")


def test_a_place_that_becomes_free_is_not_for_a_guest_that_is_gone_too(client: Api, clock: Clock) -> None:
    host = client.create_room(maxParticipants=2)
    client.join(host.code, participantId="ben")
    clock.advance(5)
    host.call("POST", "/settings", {"approval": True})
    ask(host)
    clock.advance(5)
    late = ask(host, "late")
    host.call("POST", "/settings", {"approval": False})
    host.read()
    clock.advance(597)
    assert [(type, payload.get("participantId")) for type, payload in events(host)] == [
        ("join-requested", None),
        ("join-withdrawn", "gus"),
        ("participant-left", "ben"),
        ("participant-joined", None),
    ]
    assert waiting(host) == []
    assert late.call("POST", "/rejoin").data["you"]["role"] == "player"


def test_what_happened_while_it_waited_is_not_shown_to_one_who_is_let_in(host: Seat) -> None:
    guest = ask(host)
    other = ask(host, "oona")
    approve(host, other)
    host.send(other, {"secret": 1})
    approve(host, guest)
    for after in (0, guest.seq, None):
        types = [message["type"] for message in guest.poll(after).data["messages"]]
        assert types == ["participant-approved"]


def test_a_ban_of_a_guest_refuses_it_for_good(host: Seat, client: Api) -> None:
    guest = ask(host, deviceId="device-0123456789")
    host.read()
    assert host.call("POST", "/remove", {"participantId": "gus", "ban": True}).status == 200
    assert events(host) == [("join-withdrawn", {"participantId": "gus", "reason": "banned"})]
    (message,) = guest.poll(guest.seq).data["messages"]
    assert message["type"] == "participant-rejected"
    assert guest.poll(message["seq"]).error["reason"] == "banned"
    for fields in ({"participantId": "gus"}, {"deviceId": "device-0123456789"}):
        refused = client.request("POST", f"/rooms/{host.code}/join", {"name": "X", **fields})
        assert (refused.status, refused.code) == (403, "BANNED")
    assert ask(host, "other", deviceId="device-9876543210")


def test_remove_refuses_a_guest(host: Seat) -> None:
    guest = ask(host)
    assert host.call("POST", "/remove", {"participantId": "gus"}).data["requests"] == []
    assert [type for type, _ in events(guest)] == ["participant-rejected"]


def test_a_guest_of_a_room_that_has_ended_is_told_so(host: Seat) -> None:
    guest = ask(host)
    host.call("POST", "/end")
    data = guest.poll(guest.seq).data
    assert data["messages"] == []
    assert guest.poll(data["seq"]).code == "ROOM_ENDED"


@pytest.mark.needs("php_paths")
def test_a_page_of_the_php_backend_cannot_wait(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(LEGACY_PHP_PATHS=True))
    host = client.create_room(approval=True)
    host.call("POST", "/php-paths", {"allowed": True})
    body = {"participantId": "old", "name": "Old"}
    answer = client.request("POST", f"/endpoints/rooms.php/{host.code}/join", body)
    assert (answer.status, answer.code) == (403, "NOT_APPROVED")


def test_devices_are_kept_as_keyed_hashes_only(host: Seat, client: Api, make_app: MakeApp) -> None:
    ask(host, deviceId="device-0123456789")
    app: Flask = make_app()
    stored = app.extensions["party.database"].all("SELECT * FROM party_participants")
    assert "device-0123456789" not in str(stored)
    assert sum(row["device_hash"] is not None for row in stored) == 1
