"""Opening, joining, seeing, changing and ending rooms."""

import re
from typing import Any

import pytest
from flask import Flask

from party.features import features
from party.rooms.create import insert_room
from party.rooms.models import CreateRoom
from party.rooms.views import room_row
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat, shown

CODE = re.compile(r"[ABCDEFGHJKMNPQRSTUVWXYZ23456789]{6}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def events(seat: Seat) -> list[tuple[str, str | None, dict[str, Any]]]:
    """What the seat reads, as (type, fromId, payload)."""
    return [(message["type"], message["fromId"], message["payload"]) for message in seat.read()]


def test_a_new_room_is_described_whole(client: Api, clock: Clock) -> None:
    answer = client.request("POST", "/rooms", {"hostName": "  Hana  "})
    assert answer.status == 201
    room = answer.data
    host = room["you"].pop("id")
    token = room["you"].pop("token")
    assert CODE.fullmatch(room.pop("code"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,36}", host)
    assert len(token) >= 43  # 256 bits
    expected = {
        "status": "waiting",
        "hostId": host,
        "hostName": "Hana",
        "maxParticipants": 20,
        "createdAt": "2026-01-09T12:34:56.789Z",
        "startedAt": None,
        "endedAt": None,
        "expiresAt": "2026-01-09T14:34:56.789Z",
        "seq": 0,
        "you": {"role": "host"},
    }
    assert shown(room, expected) == expected
    (participant,) = room["participants"]
    expected = {
        "id": host,
        "name": "Hana",
        "isHost": True,
        "role": "host",
        "online": True,
        "joinedAt": "2026-01-09T12:34:56.789Z",
    }
    assert shown(participant, expected) == expected


def test_what_the_host_asks_for_is_what_the_room_is(client: Api) -> None:
    host = client.create_room("Hana", hostId="Host_-1", maxParticipants=2, password="s")
    assert host.id == host.room["hostId"] == "Host_-1"
    assert host.room["maxParticipants"] == 2


def test_a_join_shows_the_room_and_tells_the_others(client: Api, clock: Clock) -> None:
    host = client.create_room("Hana")
    clock.advance(1)
    answer = client.request("POST", f"/rooms/{host.code.lower()}/join", {"name": "Gus", "participantId": "g"})
    assert answer.status == 200
    guest = Seat(client, answer.data)
    assert guest.code == host.code
    assert guest.room["you"]["role"] == "player"
    assert [member["id"] for member in guest.room["participants"]] == [host.id, "g"]
    participant = guest.room["participants"][1]
    expected = {
        "id": "g",
        "name": "Gus",
        "isHost": False,
        "role": "player",
        "seat": None,
        "presence": "online",
        "online": True,
        "joinedAt": "2026-01-09T12:34:57.789Z",
    }
    assert shown(participant, expected) == expected
    assert events(host) == [("participant-joined", "g", {"participant": participant})]
    # What came before is in the Room that the guest got.
    assert guest.read() == []
    assert host.seq == guest.seq == guest.room["seq"]


def test_strangers_see_a_preview_without_ids_and_quiz(client: Api) -> None:
    host = client.create_room("Hana", quizData={"q": 1}, maxParticipants=5)
    client.join(host.code)
    answer = client.request("GET", f"/rooms/{host.code}")
    assert answer.data == {
        "code": host.code,
        "status": "waiting",
        "name": None,
        "gameType": None,
        "hostName": "Hana",
        "participantCount": 2,
        "maxParticipants": 5,
        "needsPassword": False,
        "approval": False,
        "locked": False,
    }
    secret = client.create_room("Hana", password="p")
    assert client.request("GET", f"/rooms/{secret.code}").data["needsPassword"] is True


def test_members_see_all_of_it_but_no_token(client: Api) -> None:
    host = client.create_room("Hana")
    guest = client.join(host.code)
    room = guest.call("GET").data
    assert room["you"] == {"id": guest.id, "role": "player"}
    assert {member["id"] for member in room["participants"]} == {host.id, guest.id}
    assert set(room) == set(host.room) - {"requests"}
    assert host.token not in str(room)


def test_codes_are_read_in_any_case_everywhere(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code.lower())
    for code in (host.code, host.code.lower(), host.code.swapcase().capitalize()):
        assert client.request("GET", f"/rooms/{code}", token=guest.token).status == 200
        assert client.request("GET", f"/rooms/{code}").status == 200
        assert client.request("GET", f"/signal/{code}/{guest.id}", token=guest.token).status == 200
        body = {"roomCode": code, "toId": host.id, "type": "offer", "payload": {}}
        assert client.request("POST", "/signal", body, token=guest.token).status == 201


def test_codes_are_not_predictable(client: Api) -> None:
    codes = [client.create_room().code for _ in range(50)]
    assert all(CODE.fullmatch(code) for code in codes)
    assert len(set(codes)) == 50
    # Of 31 characters in 300 places, nearly all occur.
    assert len(set("".join(codes))) > 25


def test_ids_that_differ_in_case_are_different_people(client: Api) -> None:
    host = client.create_room(hostId="ab")
    upper = client.join(host.code, participantId="AB")
    mixed = client.join(host.code, participantId="Ab")
    host.send("AB", {"to": "AB"})
    host.send("Ab", {"to": "Ab"})
    assert [message["payload"] for message in upper.read() if message["type"] == "offer"] == [{"to": "AB"}]
    assert [message["payload"] for message in mixed.read()] == [{"to": "Ab"}]


def test_a_taken_id_is_refused_and_free_again_after_leaving(client: Api) -> None:
    host = client.create_room(hostId="h")
    guest = client.join(host.code, participantId="g")
    for taken in ("h", "g"):
        refused = client.request("POST", f"/rooms/{host.code}/join", {"name": "X", "participantId": taken})
        assert (refused.status, refused.code) == (409, "PARTICIPANT_ID_TAKEN")
    guest.call("POST", "/leave")
    again = client.join(host.code, "Gus again", participantId="g")
    assert again.token != guest.token
    assert [member["name"] for member in again.room["participants"]] == ["Hana", "Gus again"]
    assert guest.poll().code == "TOKEN_INVALID"


def test_who_comes_again_has_an_empty_mailbox_and_joins_at_the_end(client: Api, clock: Clock) -> None:
    host = client.create_room()
    first = client.join(host.code, "First", participantId="f")
    clock.advance(1)
    second = client.join(host.code, "Second", participantId="s")
    host.send(first, {"for": "the first stay"})
    first.call("POST", "/leave")
    clock.advance(1)
    again = client.join(host.code, "First", participantId="f")
    assert [member["id"] for member in again.room["participants"]] == [host.id, "s", "f"]
    assert again.poll().data["messages"] == []
    assert again.room["participants"][2]["joinedAt"] == "2026-01-09T12:34:58.789Z"
    assert second.call("GET").data["participants"] == again.room["participants"]


def test_a_full_room_takes_nobody_until_somebody_leaves(client: Api) -> None:
    host = client.create_room(maxParticipants=2)
    guest = client.join(host.code)
    full = client.request("POST", f"/rooms/{host.code}/join", {"name": "X"})
    assert (full.status, full.code) == (409, "ROOM_FULL")
    guest.call("POST", "/leave")
    client.join(host.code)


def test_a_password_is_needed_where_there_is_one(client: Api) -> None:
    password = "Šifra 'x' \\ " + "p" * 100
    host = client.create_room(password=password)
    path = f"/rooms/{host.code}/join"
    for wrong in ({}, {"password": None}, {"password": password[:-1]}, {"password": password.upper()}):
        answer = client.request("POST", path, {"name": "Gus", **wrong})
        assert (answer.status, answer.code) == (403, "WRONG_PASSWORD")
    assert client.request("POST", path, {"name": "Gus", "password": password}).status == 200
    assert len(host.call("GET").data["participants"]) == 2
    # Where none is needed, one does no harm.
    assert client.join(client.create_room().code, password="any")


def test_leaving_frees_the_seat_and_kills_the_token(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    host.read()
    answer = guest.call("POST", "/leave")
    assert (answer.status, answer.data) == (200, {"left": True})
    assert events(host) == [("participant-left", guest.id, {"participantId": guest.id, "reason": "left"})]
    for call in (guest.poll(), guest.send(host), guest.call("POST", "/rejoin"), guest.call("POST", "/leave")):
        assert (call.status, call.code) == (401, "TOKEN_INVALID")
    assert [member["id"] for member in host.call("GET").data["participants"]] == [host.id]


def test_signals_of_someone_who_left_are_still_delivered(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    host.read()
    guest.send(host, {"n": 1})
    guest.call("POST", "/leave")
    assert [message["type"] for message in host.read()] == ["offer", "participant-left"]


def test_when_the_host_leaves_the_room_ends(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    clock.advance(5)
    assert host.call("POST", "/leave").data == {"left": True}
    ended = {"status": "ended", "endedAt": "2026-01-09T12:35:01.789Z", "reason": "host-left"}
    assert events(guest) == [("room-ended", host.id, ended)]
    assert host.call("GET").code == "TOKEN_INVALID"


def test_the_host_removes_a_guest_whose_token_dies(client: Api) -> None:
    host = client.create_room()
    guest, other = client.join(host.code, "Gus"), client.join(host.code, "Oona")
    for seat in (host, guest, other):
        seat.read()
    answer = host.call("POST", "/remove", {"participantId": guest.id})
    assert answer.status == 200
    assert [member["id"] for member in answer.data["participants"]] == [host.id, other.id]
    assert "you" not in answer.data
    assert guest.poll().code == "TOKEN_INVALID"
    assert guest.call("POST", "/rejoin").code == "TOKEN_INVALID"
    heard = [("participant-removed", host.id, {"participantId": guest.id, "reason": "removed"})]
    assert events(host) == events(other) == heard
    # The id may come again, as somebody new.
    assert client.join(host.code, participantId=guest.id).token != guest.token


@pytest.mark.parametrize("who", ["nobody", "left", "self", "other room"])
def test_only_another_present_member_can_be_removed(client: Api, who: str) -> None:
    host = client.create_room()
    left = client.join(host.code)
    left.call("POST", "/leave")
    stranger = client.join(client.create_room().code)
    participant = {"nobody": "nobody", "left": left.id, "self": host.id, "other room": stranger.id}[who]
    answer = host.call("POST", "/remove", {"participantId": participant})
    assert (answer.status, answer.code) == (404, "PEER_NOT_FOUND")
    assert stranger.poll().status == 200


def test_the_host_ends_the_room(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    host.read()
    answer = host.call("DELETE")
    assert (answer.status, answer.data) == (200, {"ended": True})
    heard = [
        (
            "room-ended",
            host.id,
            {"status": "ended", "endedAt": "2026-01-09T12:34:56.789Z", "reason": "ended"},
        )
    ]
    assert events(host) == events(guest) == heard


def test_in_an_ended_room_nothing_changes_any_more(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    host.call("DELETE")
    before = host.call("GET").data
    calls = [
        host.call("POST", "/remove", {"participantId": guest.id}),
        host.call("DELETE"),
        host.call("POST", "/leave"),
        guest.call("POST", "/leave"),
        guest.call("POST", "/rejoin"),
        guest.send(host),
        client.request("POST", f"/rooms/{host.code}/join", {"name": "X"}),
    ]
    assert [(call.status, call.code) for call in calls] == [(410, "ROOM_ENDED")] * len(calls)
    assert host.call("GET").data == before
    assert before["status"] == "ended"
    assert before["endedAt"] is not None
    assert client.request("GET", f"/rooms/{host.code}").data["status"] == "ended"


@pytest.mark.parametrize("action", ["remove", "end"])
def test_players_cannot_do_what_only_the_host_may(client: Api, clock: Clock, action: str) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    before = host.call("GET").data
    answer = {
        "remove": lambda: guest.call("POST", "/remove", {"participantId": host.id}),
        "end": lambda: guest.call("DELETE"),
    }[action]()
    assert (answer.status, answer.code) == (403, "HOST_ONLY")
    assert host.call("GET").data == before


def test_no_room_is_larger_than_the_setting_allows(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(MAX_PARTICIPANTS=7))
    assert client.create_room(maxParticipants=7).room["maxParticipants"] == 7
    refused = client.request("POST", "/rooms", {"hostName": "H", "maxParticipants": 8})
    assert (refused.code, refused.error["field"]) == ("VALIDATION_ERROR", "maxParticipants")
    assert client.create_room().room["maxParticipants"] == 7


def test_online_means_to_have_polled_recently(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code)

    def online() -> list[bool]:
        return [member["online"] for member in host.call("GET").data["participants"]]

    clock.advance(80)
    host.poll()
    assert online() == [True, True]
    clock.advance(11)
    assert online() == [True, False]
    guest.poll()
    assert online() == [True, True]
    assert all(TIME.fullmatch(member["joinedAt"]) for member in host.room["participants"])


def test_tokens_are_kept_as_hashes_only(client: Api, app: Any) -> None:
    host = client.create_room(retryKey="k" * 22, password="open sesame")
    database = app.extensions["party.database"]
    stored = str(database.all("SELECT * FROM party_participants") + database.all("SELECT * FROM party_rooms"))
    assert host.code in stored
    for secret in (host.token, "k" * 22, "open sesame"):
        assert secret not in stored


def test_a_new_room_is_told_as_it_is_stored(app: Flask) -> None:
    with app.app_context():
        database = app.extensions["party.database"]
        body = features().adapter(CreateRoom).validate_python({"hostName": "Hana"})
        room, _ = database.write(lambda tx: insert_room(tx, 1, body, "QQQQQQ", None))
        assert room == room_row(database, room["id"])
