"""Coming back to one's own seat: rejoin after a reload, retry keys after a lost answer."""

from typing import Any

import pytest

from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

KEY = "retry-key-0123456789-abcdef"


def rejoin(seat: Seat) -> Seat:
    """The seat for a new page."""
    answer = seat.call("POST", "/rejoin")
    assert answer.status == 200
    return Seat(seat.api, answer.data)


def types(seat: Seat) -> list[str]:
    """The types of what the seat reads."""
    return [message["type"] for message in seat.read()]


# Rejoin


def test_a_rejoin_gives_the_same_seat_a_new_token_and_tells_the_others(client: Api, clock: Clock) -> None:
    host = client.create_room()
    guest = client.join(host.code, "Gus")
    host.read()
    clock.advance(10)
    again = rejoin(guest)
    assert again.id == guest.id
    assert again.token != guest.token
    assert again.room["participants"] == host.call("GET").data["participants"]
    (event,) = host.read()
    assert (event["type"], event["fromId"]) == ("participant-rejoined", guest.id)
    assert event["payload"] == {"participant": again.room["participants"][1]}
    assert event["payload"]["participant"]["joinedAt"] == "2026-01-09T12:34:56.789Z"


def test_the_old_page_is_out_at_once(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    rejoin(guest)
    for call in (guest.poll(), guest.send(host), guest.call("GET"), guest.call("POST", "/leave")):
        assert (call.status, call.code) == (401, "TOKEN_INVALID")


def test_an_answer_that_got_lost_locks_nobody_out(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    for _ in range(3):
        rejoin(guest)  # whose answer never arrives
    page = rejoin(guest)
    assert page.poll(page.seq).status == 200
    # From the first use of the new token on, the old one is good for nothing.
    assert guest.call("POST", "/rejoin").code == "TOKEN_INVALID"
    assert page.poll(page.seq).status == 200


def test_of_repeated_rejoins_only_the_last_token_works(client: Api) -> None:
    guest = client.join(client.create_room().code)
    lost, kept = rejoin(guest), rejoin(guest)
    assert lost.poll().code == "TOKEN_INVALID"
    assert lost.call("POST", "/rejoin").code == "TOKEN_INVALID"
    assert kept.poll().status == 200


@pytest.mark.parametrize("use", ["poll", "send", "look", "rejoin"])
def test_any_use_of_the_new_token_ends_the_old_one(client: Api, use: str) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    page = rejoin(guest)
    calls = {
        "poll": lambda: page.poll(),
        "send": lambda: page.send(host),
        "look": lambda: page.call("GET"),
        "rejoin": lambda: page.call("POST", "/rejoin"),
    }
    assert calls[use]().status in (200, 201)
    assert guest.call("POST", "/rejoin").code == "TOKEN_INVALID"


def test_what_was_under_way_to_and_from_the_old_page_is_dropped(client: Api) -> None:
    host = client.create_room()
    guest, other = client.join(host.code), client.join(host.code)
    host.read()
    guest.read()
    host.send(guest, {"to": "the old page"})
    guest.send(host, {"from": "the old page"})
    other.send(host, {"from": "other"})
    host.send(other, {"to": "other"})
    page = rejoin(guest)
    assert page.poll().data["messages"] == []
    assert types(page) == []
    assert types(host) == ["offer", "participant-rejoined"]
    assert types(other) == ["offer", "participant-rejoined"]
    host.send(page, {"to": "the new page"})
    assert [message["payload"] for message in page.read()] == [{"to": "the new page"}]


def test_the_host_may_rejoin_alone_which_takes_a_number_and_is_no_news_to_itself(client: Api) -> None:
    host = client.create_room()
    page = rejoin(host)
    assert page.seq == host.seq + 1
    assert [message["type"] for message in page.poll(host.seq).data["messages"]] == ["participant-rejoined"]
    assert page.room["you"]["role"] == "host"
    assert page.read() == []
    assert page.call("DELETE").status == 200


def test_a_new_page_may_use_the_message_ids_of_the_old_one(client: Api) -> None:
    host = client.create_room()
    guest = client.join(host.code)
    first = guest.send(host, {"n": 1}, clientMsgId="m1")
    page = rejoin(guest)
    second = page.send(host, {"n": 2}, clientMsgId="m1")
    assert (first.status, second.status) == (201, 201)
    assert [message["payload"] for message in host.read() if message["type"] == "offer"] == [{"n": 2}]


# Retry keys


def test_the_same_key_gives_the_creator_the_same_room_and_seat(client: Api) -> None:
    first = client.create_room("Hana", retryKey=KEY)
    second = client.create_room("Hana", retryKey=KEY)
    assert (second.code, second.id) == (first.code, first.id)
    assert second.token != first.token
    assert first.poll().code == "TOKEN_INVALID"
    assert second.call("POST", "/rejoin").status == 200
    assert len(second.room["participants"]) == 1


def test_the_same_key_gives_the_guest_the_same_seat(client: Api) -> None:
    host = client.create_room(maxParticipants=2)
    first = client.join(host.code, "Gus", participantId="g", retryKey=KEY)
    second = client.join(host.code, "Gus", participantId="g", retryKey=KEY)
    assert second.id == first.id == "g"
    assert second.token != first.token
    assert first.poll().code == "TOKEN_INVALID"
    assert second.poll(second.seq).status == 200
    assert len(second.room["participants"]) == 2


def test_a_key_needs_no_password_again(client: Api) -> None:
    host = client.create_room(password="p")
    first = client.join(host.code, password="p", retryKey=KEY)
    assert client.join(host.code, retryKey=KEY).id == first.id


def test_a_known_key_counts_against_no_limit(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(ROOMS_PER_HOUR=2, LOOKS_PER_MINUTE=3))
    host = client.create_room(retryKey=KEY)
    client.join(host.code, retryKey=KEY)
    for _ in range(5):
        assert client.create_room(retryKey=KEY).code == host.code
        client.join(host.code, retryKey=KEY)
    client.create_room()
    assert client.request("POST", "/rooms", {"hostName": "H"}).code == "RATE_LIMITED"
    assert client.create_room(retryKey=KEY).code == host.code
    for _ in range(2):
        client.join(host.code)
    assert client.request("POST", f"/rooms/{host.code}/join", {"name": "G"}).code == "RATE_LIMITED"
    client.join(host.code, retryKey=KEY)


def test_one_key_means_different_seats_in_different_rooms(client: Api) -> None:
    one, two = client.create_room(retryKey=KEY), client.create_room()
    guest_of_one = client.join(one.code, retryKey=KEY)
    guest_of_two = client.join(two.code, retryKey=KEY)
    assert guest_of_one.code == one.code
    assert guest_of_two.code == two.code
    assert guest_of_one.id not in (one.id, guest_of_two.id)
    assert client.join(two.code.lower(), retryKey=KEY).id == guest_of_two.id


def test_another_key_is_another_seat(client: Api) -> None:
    host = client.create_room()
    assert client.join(host.code, retryKey=KEY).id != client.join(host.code, retryKey=KEY.upper()).id


@pytest.mark.parametrize("how", ["leave", "remove"])
def test_a_key_ends_with_the_seat(client: Api, how: str) -> None:
    host = client.create_room()
    guest = client.join(host.code, retryKey=KEY)
    if how == "leave":
        guest.call("POST", "/leave")
    else:
        host.call("POST", "/remove", {"participantId": guest.id})
    again = client.join(host.code, retryKey=KEY)
    assert again.id != guest.id
    assert guest.poll().code == "TOKEN_INVALID"


def test_a_key_does_not_reopen_a_room_that_has_ended(client: Api) -> None:
    host = client.create_room(retryKey=KEY)
    guest_key = KEY[::-1]
    client.join(host.code, retryKey=guest_key)
    host.call("DELETE")
    refused: list[Answer] = [
        client.request("POST", "/rooms", {"hostName": "Hana", "retryKey": KEY}),
        client.request("POST", f"/rooms/{host.code}/join", {"name": "Gus", "retryKey": guest_key}),
    ]
    assert [(answer.status, answer.code) for answer in refused] == [(410, "ROOM_ENDED")] * 2


def test_a_retried_join_drops_what_the_lost_page_never_saw(client: Api) -> None:
    host = client.create_room()
    lost = client.join(host.code, retryKey=KEY)
    host.send(lost, {"to": "a page that never came to be"})
    page = client.join(host.code, retryKey=KEY)
    assert page.read() == []
    assert [message["type"] for message in host.read()] == ["participant-joined", "participant-rejoined"]


@pytest.mark.parametrize("key", ["k" * 21, "k" * 65, "k" * 21 + " ", "k" * 21 + "é", 22, ["k" * 22]])
def test_a_key_that_could_be_guessed_or_is_none_is_refused(client: Api, key: Any) -> None:
    host = client.create_room()
    refused = [
        client.request("POST", "/rooms", {"hostName": "H", "retryKey": key}),
        client.request("POST", f"/rooms/{host.code}/join", {"name": "G", "retryKey": key}),
    ]
    for answer in refused:
        assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", "retryKey")
    assert len(host.call("GET").data["participants"]) == 1
