"""Polling: the cursor, the acknowledgement, what is given again, and when the room is over."""

import math
from typing import Any

import pytest
from flask import Flask

from party.load import load
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat, lasting


def payloads(data: dict[str, Any]) -> list[Any]:
    """The payloads of an answer's messages."""
    return [message["payload"] for message in data["messages"]]


def test_an_idle_poll_says_so(host: Seat, guest: Seat) -> None:
    answer = guest.poll(guest.seq)
    assert answer.status == 200
    assert answer.data.pop("pollAfterMs") > 0
    assert {name: value for name, value in answer.data.items() if name != "pollAfterMs"} == {
        "messages": [],
        "count": 0,
        "seq": guest.seq,
        "more": False,
        "gap": False,
    }


def test_what_is_not_acknowledged_is_given_again(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    first = guest.poll(guest.seq).data
    for _ in range(5):
        again = guest.poll(guest.seq).data
        assert (again["messages"], again["count"], again["seq"]) == (first["messages"], 1, first["seq"])
    assert payloads(first) == [{"n": 1}]


def test_what_is_acknowledged_is_never_given_again(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    start = guest.seq
    data = guest.poll(start).data
    assert guest.poll(data["seq"]).data["messages"] == []
    for cursor in (start, 0, None):
        assert payloads(guest.poll(cursor).data) == []


def test_an_acknowledgement_is_durable_before_the_answer_leaves(
    host: Seat, guest: Seat, make_app: MakeApp
) -> None:
    host.send(guest, {"n": 1})
    data = guest.poll(guest.seq).data
    guest.poll(data["seq"])
    # Another process sees it.
    other_process = Seat(Api.of_app(make_app()), guest.room)
    assert other_process.poll().data["messages"] == []


def test_one_process_acknowledges_what_another_delivered(host: Seat, guest: Seat, make_app: MakeApp) -> None:
    other_process = Seat(Api.of_app(make_app()), guest.room)
    host.send(guest, {"n": 1})
    data = guest.poll(guest.seq).data
    assert other_process.poll(data["seq"]).data["messages"] == []
    assert payloads(guest.poll().data) == []


def test_a_part_can_be_acknowledged(host: Seat, guest: Seat) -> None:
    for n in range(3):
        host.send(guest, {"n": n})
    data = guest.poll(guest.seq).data
    middle = data["messages"][1]["seq"]
    assert payloads(guest.poll(middle).data) == [{"n": 2}]
    assert payloads(guest.poll(0).data) == [{"n": 2}]


def test_signals_and_events_come_in_one_order(client: Api, host: Seat, guest: Seat) -> None:
    guest.send(host, {"n": 1})
    other = client.join(host.code)
    other.send(host, {"n": 2})
    other.call("POST", "/leave")
    guest.send(host, {"n": 3})
    data = host.poll(host.seq).data
    assert [message["type"] for message in data["messages"]] == [
        "offer",
        "participant-joined",
        "offer",
        "participant-left",
        "offer",
    ]
    numbers = [message["seq"] for message in data["messages"]]
    assert numbers == sorted(set(numbers))
    assert data["seq"] == numbers[-1]


def test_without_a_cursor_nothing_is_acknowledged_and_the_room_is_told(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    for _ in range(3):
        data = guest.poll().data
        assert payloads(data) == [{"n": 1}]
        assert data["room"] == guest.call("GET").data
        assert data["room"]["seq"] == data["seq"]
    assert "room" not in guest.poll(guest.seq).data


def test_without_a_cursor_events_come_from_the_last_acknowledged_number_on(
    client: Api, host: Seat, guest: Seat
) -> None:
    client.join(host.code, "Second")
    data = host.poll(host.seq).data
    host.poll(data["seq"])
    client.join(host.code, "Third")
    messages = host.poll().data["messages"]
    assert [message["payload"]["participant"]["name"] for message in messages] == ["Third"]


def test_events_are_given_again_until_they_are_acknowledged(client: Api, host: Seat, guest: Seat) -> None:
    client.join(host.code, "Second")
    before = host.seq
    assert [message["type"] for message in host.poll(before).data["messages"]] == ["participant-joined"]
    assert [message["type"] for message in host.poll(before).data["messages"]] == ["participant-joined"]
    host.read()
    host.poll(host.seq)
    assert host.poll().data["messages"] == []


def test_the_cursor_may_travel_in_a_header(client: Api, host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    path = f"/signal/{host.code}/guest"
    data = client.request("GET", path, token=guest.token, headers={"X-Party-After": str(guest.seq)}).data
    assert payloads(data) == [{"n": 1}]
    assert "room" not in data
    headers = {"X-Party-After": str(data["seq"]), "X-Party-Wait": "0.5"}
    assert client.request("GET", path, token=guest.token, headers=headers).data["messages"] == []
    assert guest.poll().data["messages"] == []


@pytest.mark.parametrize(
    "after", ["-1", "1.5", "x", "", "+1", " 1", "1e1", "9" * 18, "9" * 30, "0x1", "null"]
)
def test_a_wrong_cursor_is_refused_and_acknowledges_nothing(
    client: Api, host: Seat, guest: Seat, after: str
) -> None:
    host.send(guest, {"n": 1})
    path = f"/signal/{host.code}/guest"
    answers = [
        client.request("GET", f"{path}?after={after.replace('+', '%2B')}", token=guest.token),
        client.request("GET", path, token=guest.token, headers={"X-Party-After": after}),
    ]
    # The blanks around a header's value do not belong to it.
    for answer in answers if after == after.strip() else answers[:1]:
        assert (answer.status, answer.code) == (400, "BAD_CURSOR")
    assert payloads(guest.poll().data) == [{"n": 1}]


def test_a_cursor_beyond_the_room_is_refused_and_the_true_one_is_not(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    data = guest.poll(guest.seq).data
    assert guest.poll(data["seq"] + 1).code == "BAD_CURSOR"
    assert payloads(guest.poll(guest.seq).data) == [{"n": 1}]
    assert guest.poll(data["seq"]).status == 200
    assert guest.poll(0).status == 200


def test_nobody_polls_for_somebody_else(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    for id in ("guest", "nobody", "HOST"):
        for path in (f"/signal/{host.code}/{id}", f"/signal/{host.code}/{id}/peers"):
            answer = host.api.request("GET", path, token=host.token)
            assert (answer.status, answer.code) == (403, "NOT_YOUR_ID")
    assert payloads(guest.poll().data) == [{"n": 1}]


def test_peers_are_the_other_present_members(client: Api, host: Seat, guest: Seat) -> None:
    left = client.join(host.code)
    left.call("POST", "/leave")
    client.join(host.code, participantId="another")
    answer = client.request("GET", f"/signal/{host.code}/guest/peers", token=guest.token)
    assert answer.data == {"peers": ["host", "another"], "count": 2}


def test_an_older_cursor_gives_events_again_but_no_signals(client: Api, host: Seat, guest: Seat) -> None:
    guest.send(host, {"n": 1})
    client.join(host.code, "Second")
    host.read()
    host.poll(host.seq)
    for cursor in (0, 1):
        data = host.poll(cursor).data
        joined = [message["payload"]["participant"]["name"] for message in data["messages"]]
        assert joined == ["Gus", "Second"][cursor:]
        assert (data["seq"], data["gap"]) == (host.seq, False)
    # Looking back undoes no acknowledgement.
    assert host.poll().data["messages"] == []


def test_nobody_sees_events_from_before_it_came(client: Api, host: Seat, guest: Seat, clock: Clock) -> None:
    guest.send(host, clientMsgId="of the first")
    clock.advance(121)
    host.read()
    guest.call("POST", "/leave")
    again = client.join(host.code, participantId=guest.id)
    assert again.poll(0).data["messages"] == []
    assert again.poll().data["messages"] == []


# Bounded answers


def test_an_answer_holds_200_messages(host: Seat, guest: Seat) -> None:
    for start in (0, 100, 200):
        host.send_batch([{"toId": "guest", "type": "ice", "payload": {"n": start + n}} for n in range(100)])
    first = guest.poll(guest.seq).data
    assert (first["count"], len(first["messages"]), first["more"], first["pollAfterMs"]) == (
        200,
        200,
        True,
        0,
    )
    assert first["seq"] == first["messages"][-1]["seq"]
    second = guest.poll(first["seq"]).data
    assert (second["count"], second["more"]) == (100, False)
    assert [payload["n"] for payload in payloads(first) + payloads(second)] == list(range(300))


def test_an_answer_of_exactly_200_messages_is_not_full(host: Seat, guest: Seat) -> None:
    for _ in range(2):
        host.send_batch([{"toId": "guest", "type": "ice", "payload": {}} for _ in range(100)])
    data = guest.poll(guest.seq).data
    assert (data["count"], data["more"]) == (200, False)


def test_an_answer_holds_1_mib(host: Seat, guest: Seat) -> None:
    for n in range(40):
        host.send(guest, {"n": n, "s": "x" * 60_000})
    answer = guest.poll(guest.seq)
    assert answer.data["more"] is True
    assert 900_000 < len(answer.text) <= 1024 * 1024
    found = guest.read()
    assert [message["payload"]["n"] for message in found] == list(range(40))


def test_events_fill_an_answer_too_without_a_cursor(
    client: Api, clock: Clock, host: Seat, guest: Seat
) -> None:
    for _ in range(105):
        client.join(host.code, participantId="x").call("POST", "/leave")
        clock.advance(2)  # so many joins a minute are let into a room
    host.poll(host.seq)
    first = host.poll().data
    assert (first["count"], first["more"]) == (200, True)
    assert first["seq"] == first["messages"][-1]["seq"]
    # The room is told as it is now; its events come nevertheless, up to the last.
    assert first["room"]["seq"] > first["seq"]
    second = host.poll(first["seq"]).data
    assert (second["more"], second["seq"]) == (False, first["room"]["seq"])
    assert len(lasting(first["messages"] + second["messages"])) == 210


# The end


def test_members_poll_until_they_have_acknowledged_the_end(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    host.call("DELETE")
    for _ in range(3):
        data = guest.poll(guest.seq).data
        assert [message["type"] for message in data["messages"]] == ["offer", "room-ended"]
    # Acknowledging less than the end is not the end.
    data = guest.poll(data["messages"][0]["seq"]).data
    assert [message["type"] for message in data["messages"]] == ["room-ended"]
    over = guest.poll(data["seq"])
    assert (over.status, over.code) == (410, "ROOM_ENDED")
    assert guest.poll().code == "ROOM_ENDED"
    assert guest.poll(0).code == "ROOM_ENDED"


def test_the_end_comes_without_a_cursor_too(host: Seat, guest: Seat) -> None:
    host.call("DELETE")
    for _ in range(2):
        data = guest.poll().data
        assert [message["type"] for message in data["messages"]] == ["room-ended"]
        assert data["room"]["status"] == "ended"


def test_a_send_with_after_does_not_hide_the_end(host: Seat, guest: Seat) -> None:
    host.call("DELETE")
    answer = guest.send(host, after=guest.seq)
    assert (answer.status, answer.code) == (410, "ROOM_ENDED")
    assert [message["type"] for message in guest.poll(guest.seq).data["messages"]] == ["room-ended"]


# The pace


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has little to do, whatever this one has."""
    monkeypatch.setattr(load, "factor", 1.0)
    monkeypatch.setattr(load, "holds_until", math.inf)


@pytest.mark.usefixtures("calm")
def test_the_pace_is_quick_while_connections_are_made_and_slow_where_it_is_quiet(
    client: Api, host: Seat, clock: Clock
) -> None:
    def pace(seat: Seat) -> int:
        after_ms: int = seat.poll(seat.seq).data["pollAfterMs"]
        return after_ms

    guest = client.join(host.code)
    host.read()
    joined = pace(guest)
    clock.advance(60)
    quiet = pace(guest)
    clock.advance(600)
    idle = pace(guest)
    host.send(guest)
    host.read()
    signaling = pace(host)
    assert max(joined, signaling) < quiet < idle
    assert signaling <= 500


@pytest.mark.usefixtures("calm")
def test_a_look_at_a_room_is_a_knock_and_its_host_polls_quickly_for_who_will_join(
    client: Api, host: Seat, clock: Clock
) -> None:
    def pace() -> int:
        after_ms: int = host.poll(host.seq).data["pollAfterMs"]
        return after_ms

    clock.advance(60)
    host.read()
    quiet = pace()
    assert client.request("GET", f"/rooms/{host.code}").status == 200
    assert pace() < quiet / 2
    clock.advance(60)
    assert pace() == pytest.approx(quiet, rel=0.25)
    # One's own look at the room brings nobody.
    host.call("GET")
    assert pace() == pytest.approx(quiet, rel=0.25)


def test_of_many_looks_at_a_room_one_in_some_seconds_is_noted(
    client: Api, host: Seat, clock: Clock, app: Flask
) -> None:
    def noted() -> int:
        row = app.extensions["party.database"].one("SELECT negotiated_at FROM party_rooms")
        at: int = row["negotiated_at"]
        return at

    clock.advance(60)
    seen = set()
    for _ in range(8):
        client.request("GET", f"/rooms/{host.code}")
        seen.add(noted())
        clock.advance(1)
    assert len(seen) == 2


@pytest.mark.usefixtures("calm")
def test_whoever_has_sent_an_offer_gives_the_other_side_time_to_answer(host: Seat, guest: Seat) -> None:
    after_offers = [guest.send(host, after=0).data["pollAfterMs"] for _ in range(20)]
    # With news, the next may come at any moment.
    host.send(guest)
    after_news = [guest.send(host, after=guest.seq).data["pollAfterMs"] for _ in range(20)]
    assert max(after_news) < min(after_offers)


def test_the_pace_has_jitter(host: Seat, guest: Seat) -> None:
    assert len({guest.poll(guest.seq).data["pollAfterMs"] for _ in range(30)}) > 5
