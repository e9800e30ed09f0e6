"""Sending signals: numbers, batches, retries that cannot duplicate, bounded mailboxes."""

from typing import Any

import pytest

from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat


def ice(to: Seat, n: int, client_msg_id: str | None = None) -> dict[str, Any]:
    """One message of a batch."""
    message = {"toId": to.id, "type": "ice", "payload": {"n": n}}
    return message if client_msg_id is None else {**message, "clientMsgId": client_msg_id}


def test_a_signal_arrives_as_it_was_sent(host: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(2)
    answer = host.send(guest, {"sdp": "v=0"}, "answer", fromId="host")
    assert answer.status == 201
    assert answer.data == {"messageId": guest.seq + 1, "sent": True}
    assert guest.poll(guest.seq).data["messages"] == [
        {
            "seq": answer.data["messageId"],
            "type": "answer",
            "fromId": "host",
            "toId": "guest",
            "payload": {"sdp": "v=0"},
            "createdAt": "2026-01-09T12:34:58.789Z",
        }
    ]


@pytest.mark.parametrize("type", ["offer", "answer", "ice"])
def test_all_three_types_pass(host: Seat, guest: Seat, type: str) -> None:
    host.send(guest, {}, type)
    assert [message["type"] for message in guest.read()] == [type]


def test_a_signal_reaches_its_addressee_only(client: Api, host: Seat, guest: Seat) -> None:
    other = client.join(host.code)
    host.send(guest, {"n": 1})
    assert other.read() == []
    assert guest.read()[-1]["payload"] == {"n": 1}
    assert "offer" not in [message["type"] for message in host.read()]


@pytest.mark.parametrize("to", ["nobody", "left", "self", "other room", "GUEST"])
def test_only_another_present_member_can_be_addressed(client: Api, host: Seat, guest: Seat, to: str) -> None:
    left = client.join(host.code)
    left.call("POST", "/leave")
    stranger = client.join(client.create_room().code)
    to_id = {"left": left.id, "self": host.id, "other room": stranger.id}.get(to, to)
    for answer in (
        host.send(to_id),
        host.send_batch([ice(guest, 1), {"toId": to_id, "type": "ice", "payload": {}}]),
    ):
        assert (answer.status, answer.code) == (404, "PEER_NOT_FOUND")
    assert not [message for message in guest.read() if message["type"] in ("offer", "ice")]


def test_nobody_sends_under_another_name(host: Seat, guest: Seat) -> None:
    answer = guest.send(host, fromId="host")
    assert (answer.status, answer.code) == (403, "NOT_YOUR_ID")
    assert host.read() == []


# Batches


def test_a_batch_takes_consecutive_numbers_in_its_order(client: Api, host: Seat, guest: Seat) -> None:
    other = client.join(host.code)
    guest.read()
    answer = host.send_batch([ice(guest, 0), ice(other, 1), ice(guest, 2)])
    assert answer.status == 201
    first = answer.data["messageIds"][0]
    assert answer.data == {"messageIds": [first, first + 1, first + 2], "sent": True}
    assert [(message["seq"], message["payload"]["n"]) for message in guest.read()] == [
        (first, 0),
        (first + 2, 2),
    ]
    assert [(message["seq"], message["payload"]["n"]) for message in other.read()] == [(first + 1, 1)]


def test_a_batch_of_100_is_stored(host: Seat, guest: Seat) -> None:
    answer = host.send_batch([ice(guest, n) for n in range(100)])
    assert len(answer.data["messageIds"]) == 100
    assert [message["payload"]["n"] for message in guest.read()] == list(range(100))


# Retries


def test_a_retry_gets_the_first_result_and_stores_nothing(host: Seat, guest: Seat) -> None:
    first = host.send(guest, {"n": 1}, clientMsgId="a~!")
    again = host.send(guest, {"n": 2}, clientMsgId="a~!")
    assert (first.status, again.status) == (201, 200)
    assert again.data == first.data
    assert [message["payload"] for message in guest.read()] == [{"n": 1}]


def test_a_retry_is_known_long_after_the_acknowledgement(host: Seat, guest: Seat, clock: Clock) -> None:
    first = host.send(guest, {"n": 1}, clientMsgId="m")
    guest.read()
    guest.poll(guest.seq)
    clock.advance(3600)
    assert host.send(guest, {"n": 1}, clientMsgId="m").data == first.data
    assert guest.read() == []


def test_a_retry_is_known_after_the_signal_expired(host: Seat, guest: Seat, clock: Clock) -> None:
    first = host.send(guest, {"n": 1}, clientMsgId="m")
    clock.advance(121)
    guest.poll()
    again = host.send(guest, {"n": 1}, clientMsgId="m")
    assert (again.status, again.data) == (200, first.data)
    assert guest.read() == []


def test_a_retry_is_looked_up_before_the_addressee(host: Seat, guest: Seat) -> None:
    first = host.send(guest, {"n": 1}, clientMsgId="m")
    guest.call("POST", "/leave")
    again = host.send(guest, {"n": 1}, clientMsgId="m")
    assert (again.status, again.data) == (200, first.data)
    assert host.send(guest, {"n": 1}, clientMsgId="other").code == "PEER_NOT_FOUND"


def test_a_retry_is_known_in_an_ended_room(host: Seat, guest: Seat) -> None:
    first = guest.send(host, {"n": 1}, clientMsgId="m")
    host.call("DELETE")
    again = guest.send(host, {"n": 1}, clientMsgId="m")
    assert (again.status, again.data) == (200, first.data)
    assert guest.send(host, {"n": 1}, clientMsgId="other").code == "ROOM_ENDED"


def test_message_ids_are_case_sensitive_and_belong_to_one_token(host: Seat, guest: Seat) -> None:
    numbers = [host.send(guest, clientMsgId=name).data["messageId"] for name in ("m", "M", "m1", "m" * 64)]
    assert len(set(numbers)) == 4
    assert guest.send(host, {"from": "guest"}, clientMsgId="m").status == 201
    assert [message["payload"] for message in host.read()] == [{"from": "guest"}]


def test_a_batch_stores_only_what_is_not_known(host: Seat, guest: Seat) -> None:
    first = host.send_batch([ice(guest, 1, "one"), ice(guest, 2, "two")])
    mixed = host.send_batch([ice(guest, 3, "three"), ice(guest, 2, "two"), ice(guest, 4)])
    again = host.send_batch([ice(guest, 1, "one"), ice(guest, 3, "three")])
    one, two = first.data["messageIds"]
    three, known, four = mixed.data["messageIds"]
    assert (mixed.status, known, four) == (201, two, three + 1)
    assert (again.status, again.data["messageIds"]) == (200, [one, three])
    assert [message["payload"]["n"] for message in guest.read()] == [1, 2, 3, 4]


def test_one_id_twice_in_a_batch_is_one_signal(host: Seat, guest: Seat) -> None:
    answer = host.send_batch([ice(guest, 1, "m"), ice(guest, 2, "m")])
    first, second = answer.data["messageIds"]
    assert first == second
    assert [message["payload"]["n"] for message in guest.read()] == [1]


def test_without_an_id_the_same_signal_is_sent_twice(host: Seat, guest: Seat) -> None:
    assert host.send(guest, {"n": 1}).data["messageId"] < host.send(guest, {"n": 1}).data["messageId"]
    assert len(guest.read()) == 2


# Sending as polling


def test_a_send_with_after_acknowledges_and_polls(host: Seat, guest: Seat) -> None:
    host.send(guest, {"n": 1})
    host.send(guest, {"n": 2})
    (first, second) = guest.poll(guest.seq).data["messages"]
    answer = guest.send(host, {"n": 3}, after=first["seq"])
    assert answer.status == 201
    data = answer.data
    assert data.pop("pollAfterMs") > 0
    assert data == {
        "messageId": second["seq"] + 1,
        "sent": True,
        "messages": [second],
        "count": 1,
        "seq": second["seq"] + 1,
        "more": False,
        "gap": False,
    }
    # The first one is acknowledged, the second is not.
    assert guest.poll().data["messages"] == [second]


def test_a_retry_with_after_polls_too(host: Seat, guest: Seat) -> None:
    guest.send(host, {"n": 1}, clientMsgId="m", after=guest.seq)
    host.send(guest, {"n": 2})
    again = guest.send_batch([ice(host, 1, "m")], after=guest.seq)
    assert again.status == 200
    assert [message["payload"] for message in again.data["messages"]] == [{"n": 2}]


@pytest.mark.parametrize("after", [-1, 1.0, "0", True, None, 10**9, 2**63, 10**30, [], {}])
def test_a_send_with_a_wrong_cursor_stores_nothing(host: Seat, guest: Seat, after: Any) -> None:
    for answer in (host.send(guest, after=after), host.send_batch([ice(guest, 1)], after=after)):
        assert (answer.status, answer.code) == (400, "BAD_CURSOR")
    assert guest.read() == []


# Bounds


def test_a_mailbox_holds_1000_signals(host: Seat, guest: Seat) -> None:
    for start in range(0, 1000, 100):
        assert host.send_batch([ice(guest, start + n) for n in range(100)]).status == 201
    full = host.send(guest)
    assert (full.status, full.code) == (429, "MAILBOX_FULL")
    assert host.send_batch([ice(guest, 1), ice(guest, 2)]).code == "MAILBOX_FULL"
    # The other direction has a mailbox of its own, and an acknowledgement makes room.
    assert guest.send(host).status == 201
    page = guest.poll(guest.seq).data
    guest.poll(page["messages"][0]["seq"])
    assert host.send(guest).status == 201
    assert host.send(guest).code == "MAILBOX_FULL"


def test_a_mailbox_holds_4_mib(host: Seat, guest: Seat) -> None:
    payload = {"s": "x" * (64 * 1024 - 8)}
    for _ in range(64):
        assert host.send(guest, payload).status == 201
    assert host.send(guest, {}).code == "MAILBOX_FULL"
    page = guest.poll(guest.seq).data
    guest.poll(page["messages"][0]["seq"])
    assert host.send(guest, payload).status == 201


def test_a_batch_that_does_not_fit_is_not_stored_in_part(client: Api, host: Seat, guest: Seat) -> None:
    for start in range(0, 900, 100):
        host.send_batch([ice(guest, start + n) for n in range(100)])
    host.send_batch([ice(guest, n) for n in range(99)])
    other = client.join(host.code)
    refused = host.send_batch([ice(other, 1), ice(guest, 1), ice(guest, 2)])
    assert (refused.status, refused.code) == (429, "MAILBOX_FULL")
    assert other.read() == []
    assert host.send_batch([ice(other, 1), ice(guest, 1)]).status == 201


def test_a_known_retry_is_answered_although_the_mailbox_is_full(host: Seat, guest: Seat) -> None:
    first = host.send(guest, clientMsgId="m")
    for _ in range(9):
        host.send_batch([ice(guest, n) for n in range(100)])
    host.send_batch([ice(guest, n) for n in range(99)])
    assert host.send(guest).code == "MAILBOX_FULL"
    assert host.send(guest, clientMsgId="m").data == first.data


@pytest.mark.usefixtures("one_second")
def test_too_many_sends_of_one_member_are_held_back(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(SENDS_PER_SECOND=3))
    host = client.create_room()
    guest = client.join(host.code)
    statuses = [host.send(guest).status for _ in range(5)]
    assert statuses == [201, 201, 201, 429, 429]
    assert host.send(guest).code == "RATE_LIMITED"
    # Each member has a count of its own.
    assert guest.send(host).status == 201
