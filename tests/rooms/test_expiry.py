"""What time does: signals, rooms, and what is left of them. The clock is bound; nothing sleeps."""

from dataclasses import replace

import pytest

from party.ops.cleanup import EVERY_MS, clean
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat, lasting

HOUR = 3600
DAY = 24 * HOUR


# Signals


def test_a_signal_is_given_until_its_time_is_over(host: Seat, guest: Seat, clock: Clock) -> None:
    host.send(guest, {"n": 1})
    clock.advance(119.999)
    assert [message["payload"] for message in lasting(guest.poll(guest.seq).data["messages"])] == [{"n": 1}]
    clock.advance(0.001)
    data = guest.poll(guest.seq).data
    assert lasting(data["messages"]) == []


def test_the_sender_and_nobody_else_learns_of_it(client: Api, host: Seat, guest: Seat, clock: Clock) -> None:
    other = client.join(host.code)
    host.read()
    guest.read()
    first = host.send(guest, {"n": 1}, clientMsgId="m").data["messageId"]
    second = host.send(guest, {"n": 2}).data["messageId"]
    clock.advance(121)
    other.poll(other.seq)
    found = host.read()
    assert [
        (message["type"], message["fromId"], message["toId"], message["payload"]) for message in found
    ] == [
        (
            "signal-expired",
            None,
            "host",
            {"toId": "guest", "messageId": first, "clientMsgId": "m"},
        ),
        (
            "signal-expired",
            None,
            "host",
            {"toId": "guest", "messageId": second, "clientMsgId": None},
        ),
    ]
    assert other.read() == []
    assert guest.read() == []


def test_the_addressee_is_told_that_there_is_a_gap(host: Seat, guest: Seat, clock: Clock) -> None:
    host.send(guest, {"n": 1})
    clock.advance(60)
    kept = host.send(guest, {"n": 2}).data["messageId"]
    clock.advance(61)
    for _ in range(2):
        data = guest.poll(guest.seq).data
        assert data["gap"] is True
        assert data["room"]["you"]["id"] == "guest"
        assert [message["seq"] for message in lasting(data["messages"])] == [kept]
    # With the new cursor the gap is behind.
    data = guest.poll(data["seq"]).data
    assert data["gap"] is False
    assert "room" not in data


def test_what_was_acknowledged_in_time_makes_no_gap(host: Seat, guest: Seat, clock: Clock) -> None:
    host.send(guest, {"n": 1})
    guest.read()
    guest.poll(guest.seq)
    clock.advance(500)
    data = guest.poll(guest.seq).data
    assert (data["gap"], lasting(data["messages"])) == (False, [])
    assert host.read() == []


def test_an_acknowledgement_that_comes_too_late_still_closes_the_gap(
    host: Seat, guest: Seat, clock: Clock
) -> None:
    host.send(guest, {"n": 1})
    guest.read()  # processed, but the page slept before it could say so
    clock.advance(121)
    data = guest.poll(guest.seq).data
    assert (data["gap"], lasting(data["messages"])) == (False, [])
    assert [message["type"] for message in host.read()] == ["signal-expired"]


def test_a_gap_without_a_cursor_is_told_too(host: Seat, guest: Seat, clock: Clock) -> None:
    host.send(guest, {"n": 1})
    clock.advance(121)
    assert guest.poll().data["gap"] is True


def test_a_signal_to_someone_who_never_polls_expires_when_anyone_in_the_room_does(
    client: Api, host: Seat, guest: Seat, clock: Clock
) -> None:
    host.send(guest, {"n": 1})
    clock.advance(121)
    assert [message["type"] for message in host.read()] == ["signal-expired"]


def test_whoever_sent_and_left_is_told_nothing(client: Api, host: Seat, clock: Clock) -> None:
    first = client.join(host.code, participantId="x")
    first.send(host, {"n": 1})
    first.call("POST", "/leave")
    again = client.join(host.code, participantId="x")
    clock.advance(121)
    assert again.read() == []
    assert host.poll(host.seq).data["gap"] is True


def test_many_signals_expire_at_once(host: Seat, guest: Seat, clock: Clock) -> None:
    for _ in range(7):
        host.send_batch([{"toId": "guest", "type": "ice", "payload": {}} for _ in range(100)])
    clock.advance(121)
    assert [message["type"] for message in host.read()] == ["signal-expired"] * 700


def test_an_expired_signal_makes_room_in_the_mailbox(host: Seat, guest: Seat, clock: Clock) -> None:
    for _ in range(10):
        host.send_batch([{"toId": "guest", "type": "ice", "payload": {}} for _ in range(100)])
    assert host.send(guest).code == "MAILBOX_FULL"
    clock.advance(121)
    assert host.send(guest).status == 201


def test_the_time_to_live_is_a_setting(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(SIGNAL_TTL_SECONDS=5))
    host = client.create_room()
    guest = client.join(host.code)
    host.send(guest)
    clock.advance(5)
    assert guest.poll(guest.seq).data["gap"] is True


# Rooms


def test_a_room_lives_as_long_as_somebody_polls(host: Seat, guest: Seat, clock: Clock) -> None:
    for _ in range(5):
        clock.advance(1.9 * HOUR)
        assert guest.poll(guest.seq).status == 200
    assert host.call("GET").data["status"] == "waiting"


def test_a_room_ends_when_nobody_has_polled_for_long(host: Seat, guest: Seat, clock: Clock) -> None:
    clock.advance(2 * HOUR - 0.001)
    assert guest.call("GET").data["status"] == "waiting"
    clock.advance(0.001)
    (message,) = guest.read()
    assert (message["type"], message["fromId"]) == ("room-ended", None)
    assert message["payload"] == {
        "status": "ended",
        "endedAt": "2026-01-09T14:34:56.789Z",
        "reason": "expired",
    }
    assert guest.poll(guest.seq).code == "ROOM_ENDED"
    assert host.send(guest).code == "ROOM_ENDED"


@pytest.mark.parametrize("who", ["a stranger", "a newcomer", "a member", "the host"])
def test_the_first_access_ends_it_whoever_comes(client: Api, host: Seat, clock: Clock, who: str) -> None:
    clock.advance(2 * HOUR)
    if who == "a stranger":
        assert client.request("GET", f"/rooms/{host.code}").data["status"] == "ended"
    elif who == "a newcomer":
        assert client.request("POST", f"/rooms/{host.code}/join", {"name": "X"}).code == "ROOM_ENDED"
    elif who == "a member":
        assert host.call("GET").data["status"] == "ended"
    else:
        assert host.call("POST", "/remove", {"participantId": "x"}).code == "ROOM_ENDED"
    # Looking does not bring it back to life.
    assert host.call("GET").data["endedAt"] == "2026-01-09T14:34:56.789Z"


def test_every_change_keeps_a_room_alive(client: Api, host: Seat, clock: Clock) -> None:
    def expires() -> str:
        at: str = host.call("GET").data["expiresAt"]
        return at

    guest = client.join(host.code)
    for change in (
        lambda: host.send(guest),
        lambda: client.join(host.code),
        lambda: host.call("POST", "/remove", {"participantId": guest.id}),
    ):
        before = expires()
        clock.advance(HOUR)
        change()
        assert expires() > before


def test_looking_alone_does_not_keep_a_room_alive(client: Api, host: Seat, clock: Clock) -> None:
    for _ in range(3):
        clock.advance(0.6 * HOUR)
        host.call("GET")
        client.request("GET", f"/rooms/{host.code}")
    clock.advance(0.6 * HOUR)
    assert host.call("GET").data["status"] == "ended"


def test_expiring_signals_do_not_keep_a_room_alive(host: Seat, guest: Seat, clock: Clock) -> None:
    host.send(guest)
    before = host.call("GET").data["expiresAt"]
    clock.advance(121)
    guest.call("GET")
    assert host.call("GET").data["expiresAt"] == before


def test_a_seat_comes_back_in_a_room_whose_time_was_nearly_over(
    host: Seat, guest: Seat, clock: Clock
) -> None:
    clock.advance(1.99 * HOUR)
    assert guest.call("POST", "/rejoin").status == 200
    clock.advance(1.99 * HOUR)
    assert host.call("GET").data["status"] == "waiting"


def test_an_ended_room_is_shown_for_a_day_and_then_its_code_is_free(
    client: Api, host: Seat, clock: Clock
) -> None:
    host.call("DELETE")
    clock.advance(DAY - 1)
    client.request("GET", "/health")
    assert client.request("GET", f"/rooms/{host.code}").data["status"] == "ended"
    assert host.call("GET").data["status"] == "ended"
    clock.advance(EVERY_MS / 1000)
    client.request("GET", "/health")
    assert client.request("GET", f"/rooms/{host.code}").code == "ROOM_NOT_FOUND"
    assert host.call("GET").code == "TOKEN_INVALID"


def test_the_time_to_live_of_rooms_is_a_setting(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(ROOM_TTL_HOURS=0.5))
    host = client.create_room()
    assert host.room["expiresAt"] == "2026-01-09T13:04:56.789Z"
    clock.advance(HOUR / 2)
    assert host.call("GET").data["status"] == "ended"


@pytest.mark.parametrize("sign_of_life", ["a poll", "a join"])
def test_a_shorter_time_to_live_is_that_of_rooms_that_are_open_already(
    make_app: MakeApp, clock: Clock, sign_of_life: str
) -> None:
    opened = Api.of_app(make_app(ROOM_TTL_HOURS=24)).create_room()
    app = make_app(ROOM_TTL_HOURS=1)
    host = replace(opened, api=Api.of_app(app))
    if sign_of_life == "a poll":
        host.poll(host.seq)
        app.extensions["party.memory"].heartbeats.flush()
    else:
        host.api.join(host.code)
    clock.advance(HOUR)
    assert host.call("GET").data["status"] == "ended"


def test_polls_keep_even_a_room_of_a_few_seconds_alive(make_app: MakeApp, clock: Clock) -> None:
    host = Api.of_app(make_app(ROOM_TTL_HOURS=4 / HOUR)).create_room()
    for _ in range(20):
        clock.advance(1)
        assert host.poll(host.seq).status == 200
    clock.advance(4)
    assert host.call("GET").data["status"] == "ended"


@pytest.mark.parametrize("hours", [1, 1.5, 48])
def test_a_room_may_have_a_time_to_live_of_its_own(client: Api, clock: Clock, hours: float) -> None:
    host = client.create_room(ttlHours=hours)
    clock.advance(60)
    guest = client.join(host.code)
    clock.advance(HOUR / 2)
    guest.poll(guest.seq)
    clock.advance(hours * HOUR - 61)
    assert host.poll(host.seq).status == 200
    clock.advance(hours * HOUR - 61)
    assert client.request("GET", f"/rooms/{host.code}").data["status"] == "waiting"
    clock.advance(61)
    assert client.request("GET", f"/rooms/{host.code}").data["status"] == "ended"


@pytest.mark.parametrize("hours", [0, 0.99, 3.01, 10**400, "2", True, []])
def test_a_time_to_live_beyond_what_may_be_asked_for_is_refused(make_app: MakeApp, hours: object) -> None:
    client = Api.of_app(make_app(MAX_ROOM_TTL_HOURS=3))
    answer = client.request("POST", "/rooms", {"hostName": "Hana", "ttlHours": hours})
    assert (answer.code, answer.error["field"]) == ("VALIDATION_ERROR", "ttlHours")
    assert client.create_room(ttlHours=3).room["status"] == "waiting"


# Cleaning up


def test_without_cron_the_app_cleans_up_behind_its_answers(
    client: Api, host: Seat, guest: Seat, make_app: MakeApp, clock: Clock
) -> None:
    database = make_app().extensions["party.database"]
    host.send(guest)
    clock.advance(3 * HOUR)
    client.request("GET", "/health")
    assert [row["status"] for row in database.all("SELECT status FROM party_rooms")] == ["ended"]
    assert database.all("SELECT * FROM party_signaling") == []
    clock.advance(2 * DAY)
    client.request("GET", "/health")
    tables = ("rooms", "participants", "signaling", "sent", "events", "rate_limits")
    assert [database.all(f"SELECT * FROM party_{name}") for name in tables] == [[]] * len(tables)


def test_the_app_cleans_up_a_little_at_a_time(make_app: MakeApp, clock: Clock) -> None:
    app = make_app()
    client = Api.of_app(app)
    database = app.extensions["party.database"]
    for _ in range(50):
        client.create_room()
    clock.advance(3 * HOUR)

    def open_rooms() -> int:
        return len(database.all("SELECT id FROM party_rooms WHERE status <> 'ended'"))

    left = [open_rooms()]
    while left[-1] and len(left) < 10:
        client.request("GET", "/health")
        client.request("GET", "/health")  # too soon after the last for another piece
        left.append(open_rooms())
        clock.advance(EVERY_MS / 1000)
    assert left == [50, 30, 10, 0]


def test_a_cleanup_touches_nothing_that_is_alive(
    client: Api, host: Seat, guest: Seat, make_app: MakeApp, clock: Clock
) -> None:
    app = make_app()
    host.send(guest, {"n": 1})
    with app.app_context():
        done = clean(app.extensions["party.database"], clock.now)
    assert set(done.values()) == {0}
    assert guest.read()[-1]["payload"] == {"n": 1}
