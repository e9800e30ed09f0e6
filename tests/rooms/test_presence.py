"""Who is there: online, away, disconnected, gone, and what follows for the host. The clock is bound."""

from collections.abc import Callable
from typing import Any

import pytest

from party.db import Connection, Database
from party.rooms import views
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api, Seat

USUAL = {"DISCONNECTED_AFTER_SECONDS": 300, "SEAT_FREED_AFTER_SECONDS": 600}


@pytest.fixture
def client(make_app: MakeApp) -> Api:
    """Calls to an app whose members are absent as soon as usual."""
    return Api.of_app(make_app(**USUAL))


Room = tuple[Seat, Seat, Seat]


@pytest.fixture
def room(client: Api, clock: Clock) -> Room:
    """A host and two players of a room that lives on without its host."""
    host = client.create_room("Hana", hostId="host", hostGone="promote", seats=2)
    ben = client.join(host.code, "Ben", participantId="ben")
    clock.advance(1)
    return host, ben, client.join(host.code, "Cleo", participantId="cleo")


def events(seat: Seat) -> list[tuple[str, dict[str, Any]]]:
    """What the seat reads, as (type, payload)."""
    return [(message["type"], message["payload"]) for message in seat.read(presence=True)]


def poll_for(clock: Clock, seconds: float, *seats: Seat) -> list[tuple[str, dict[str, Any]]]:
    """Let these poll every ten seconds for so long: what the first of them reads."""
    found = []
    end = clock.now + round(seconds * 1000)
    while clock.now < end:
        clock.advance(min(10, (end - clock.now) / 1000))
        for seat in seats[1:]:
            seat.read()
        found += events(seats[0])
    return found


def presence(seat: Seat) -> dict[str, str]:
    """Everybody's presence, as the seat's Room shows it."""
    members = seat.call("GET").data["participants"]
    assert all(member["online"] == (member["presence"] == "online") for member in members)
    return {member["id"]: member["presence"] for member in members}


def changed(id: str, presence: str) -> tuple[str, dict[str, Any]]:
    """The event of somebody's presence."""
    return "presence-changed", {"participantId": id, "presence": presence}


LEFT = ("participant-left", {"participantId": "cleo", "reason": "absent"})


def test_who_is_unseen_is_away_then_disconnected_then_gone(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    host.read()
    assert poll_for(clock, 89.999, host, ben) == []
    assert poll_for(clock, 0.001, host, ben) == [changed("cleo", "away")]
    assert poll_for(clock, 209.999, host, ben) == []
    assert poll_for(clock, 0.001, host, ben) == [changed("cleo", "disconnected")]
    assert poll_for(clock, 299.999, host, ben) == []
    assert cleo.id in presence(host)
    assert poll_for(clock, 0.001, host, ben) == [LEFT]
    dead = cleo.poll(cleo.seq)
    assert (dead.status, dead.code, dead.error["reason"]) == (401, "TOKEN_INVALID", "absent")
    assert cleo.call("POST", "/rejoin").error["reason"] == "absent"
    # Its seat and its place are free.
    assert host.api.join(host.code, participantId="cleo").room["participants"][-1]["seat"] == 1


def test_each_change_is_told_once_to_each(room: Room, clock: Clock) -> None:
    host, ben, _ = room
    for seat in (host, ben):
        seat.read()
    heard: dict[str, list[Any]] = {"host": [], "ben": []}
    for _ in range(70):
        clock.advance(10)
        for seat in (host, ben):
            heard[seat.id] += events(seat)
    assert heard["host"] == heard["ben"] == [changed("cleo", "away"), changed("cleo", "disconnected"), LEFT]


def test_a_poll_makes_online_at_once(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    host.read()
    poll_for(clock, 400, host, ben)
    assert presence(host)["cleo"] == "disconnected"
    first = events(cleo)
    assert first[-1] == changed("cleo", "online")
    assert events(host) == [changed("cleo", "online")]
    poll_for(clock, 599, host, ben)
    assert cleo.call("POST", "/rejoin").status == 200


def test_who_polls_after_a_sleep_of_all_was_never_away(room: Room, clock: Clock) -> None:
    _, ben, _ = room
    ben.read()
    clock.advance(100)
    assert events(ben) == [changed("host", "away"), changed("cleo", "away")]


def test_a_host_whom_nobody_follows_was_never_away_either(client: Api, clock: Clock) -> None:
    host = client.create_room(hostId="host")
    ben = client.join(host.code, participantId="ben")
    host.read()
    clock.advance(125)
    assert events(host) == [changed("ben", "away")]
    assert events(ben)[0] == changed("ben", "away")


def test_a_member_that_polls_once_a_minute_is_never_away(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    host.read()
    found = []
    for n in range(600):
        clock.advance(1)
        if n % 60 == 59:
            cleo.read()
        ben.read()
        found += events(host)
    assert found == []


def test_away_is_at_once_until_the_next_poll(room: Room, clock: Clock) -> None:
    host, _, cleo = room
    host.read()
    for _ in range(2):
        assert cleo.call("POST", "/away").data == {"away": True}
    assert events(host) == [changed("cleo", "away")]
    # Nothing else is a poll.
    cleo.call("GET")
    cleo.send(host)
    assert presence(host)["cleo"] == "away"
    host.read()
    cleo.read()
    assert events(host) == [changed("cleo", "online")]
    cleo.call("POST", "/away")
    assert events(host) == [changed("cleo", "away")]
    cleo.send(host, after=cleo.seq)
    assert [event for event in events(host) if event[0] != "offer"] == [changed("cleo", "online")]


def test_after_a_return_absence_makes_away_no_sooner_than_ten_seconds_later(
    make_app: MakeApp, clock: Clock
) -> None:
    app = make_app(
        ONLINE_SECONDS=2,
        HOST_GONE_AFTER_SECONDS=2,
        DISCONNECTED_AFTER_SECONDS=30,
        SEAT_FREED_AFTER_SECONDS=60,
    )
    host = Api.of_app(app).create_room()
    ben = host.api.join(host.code, participantId="ben")
    host.read()
    for _ in range(3):
        clock.advance(1)
        host.read()
    assert presence(host)["ben"] == "away"
    ben.read()
    host.read()
    found = []
    for _ in range(12):
        clock.advance(1)
        found.append((clock.now, events(host)))
    times = [now for now, what in found if what]
    assert [what for _, what in found if what] == [[changed("ben", "away")]]
    assert times == [clock.now - 2000]
    # Its own word counts at once.
    ben.read()
    host.read()
    ben.call("POST", "/away")
    assert events(host) == [changed("ben", "away")]


def test_after_a_new_page_absence_makes_away_no_sooner_either(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(ONLINE_SECONDS=2, HOST_GONE_AFTER_SECONDS=2, DISCONNECTED_AFTER_SECONDS=30)
    host = Api.of_app(app).create_room()
    ben = host.api.join(host.code, participantId="ben")
    clock.advance(3)
    host.read()
    assert presence(host)["ben"] == "away"
    ben.call("POST", "/rejoin")
    host.read()
    clock.advance(9.999)
    assert events(host) == []
    clock.advance(0.001)
    assert events(host) == [changed("ben", "away")]


def test_a_place_is_kept_from_the_last_poll_on_though_that_is_not_written_yet(
    client: Api, clock: Clock
) -> None:
    host = client.create_room()
    ben = client.join(host.code)
    for seconds in (8, 599.999):
        clock.advance(seconds)
        assert ben.poll(ben.seq).status == 200
    # The host has never polled.
    assert host.poll(host.seq).error["reason"] == "absent"


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
@pytest.mark.parametrize("seconds", [90, 300, 600])
def test_a_sign_of_life_that_is_written_at_the_last_moment_counts(
    room: Room, clock: Clock, database_url: str, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    host, ben, _ = room
    host.read()
    poll_for(clock, seconds - 2, host, ben)
    elsewhere, read = Database(database_url), views.everybody

    def see_cleo(tx: Connection, room_id: int) -> Any:
        """Another process writes what it knows while this one has just read what is known."""
        found = read(tx, room_id)
        seen = "UPDATE party_participants SET last_seen_at = :now WHERE participant_id = 'cleo'"
        elsewhere.write(lambda other: other.run(seen, now=clock.now))
        return found

    clock.advance(3)
    with monkeypatch.context() as patch:
        patch.setattr("party.rooms.presence.everybody", see_cleo)
        assert events(host) == []
    elsewhere.close()


def test_rejoin_and_join_are_online_too(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    poll_for(clock, 100, host, ben)
    again = Seat(cleo.api, cleo.call("POST", "/rejoin").data)
    (event,) = events(host)
    assert event[0] == "participant-rejoined"
    assert event[1]["participant"]["presence"] == "online"
    assert presence(again)["cleo"] == "online"
    # A new page counts as having been seen.
    poll_for(clock, 599, host, ben)
    assert again.poll(again.seq).status == 200


def test_cleanup_makes_what_is_due_where_nobody_polls(make_app: MakeApp, clock: Clock) -> None:
    from party.ops.cleanup import clean

    app = make_app(**USUAL)
    host = Api.of_app(app).create_room()
    for seconds, expected in ((91, "away"), (210, "disconnected")):
        clock.advance(seconds)
        with app.app_context():
            clean(app.extensions["party.database"], clock.now)
        row = app.extensions["party.database"].one("SELECT presence FROM party_participants")
        assert row == {"presence": expected}
    clock.advance(300)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)
    assert host.poll().error["reason"] == "absent"


# The host


def host_of(seat: Seat) -> str:
    """The host's id, of whom there is exactly one."""
    room = seat.call("GET").data
    (host,) = [member for member in room["participants"] if member["isHost"]]
    assert (host["id"], host["name"], host["role"]) == (room["hostId"], room["hostName"], "host")
    return str(host["id"])


def test_another_is_host_when_the_host_is_gone(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    ben.read()
    assert poll_for(clock, 118.9, ben, cleo) == [changed("host", "away")]
    moved = {"hostId": "ben", "previousHostId": "host", "reason": "absent"}
    assert poll_for(clock, 0.1, ben, cleo) == [("host-changed", moved)]
    assert host_of(ben) == "ben"
    assert ben.call("GET").data["requests"] == []
    # The old one stays, as a player.
    page = Seat(host.api, host.call("POST", "/rejoin").data)
    assert page.room["you"]["role"] == "player"
    assert "requests" not in page.room
    assert page.call("POST", "/end").code == "HOST_ONLY"


@pytest.mark.parametrize("back", ["poll", "rejoin"])
def test_a_host_that_comes_back_too_late_is_a_player(room: Room, clock: Clock, back: str) -> None:
    host, ben, _ = room
    clock.advance(60)
    ben.read()
    clock.advance(60)
    assert (host.poll(host.seq) if back == "poll" else host.call("POST", "/rejoin")).status == 200
    assert host_of(ben) == "ben"
    assert presence(ben)["host"] == "online"


def test_the_host_stays_where_no_player_is_online(room: Room, clock: Clock) -> None:
    host, ben, cleo = room
    cleo.call("POST", "/role", {"role": "spectator"})
    ben.call("POST", "/away")
    cleo.read()
    assert [type for type, _ in poll_for(clock, 200, cleo)] == ["presence-changed"]
    assert host_of(cleo) == "host"
    # As soon as one is, it is the host.
    assert events(ben)[-1][0] == "host-changed"
    assert host_of(cleo) == "ben"
    assert host.poll().status == 200


@pytest.mark.parametrize("comes", ["join", "is let in", "becomes a player", "rejoin"])
def test_whoever_comes_to_a_room_without_its_host_is_host(room: Room, clock: Clock, comes: str) -> None:
    host, ben, cleo = room
    cleo.call("POST", "/role", {"role": "spectator"})
    ben.call("POST", "/away")
    poll_for(clock, 200, cleo)
    if comes == "is let in":
        host.call("POST", "/settings", {"approval": True})
        cleo.api.join(cleo.code, participantId="new")
        host.call("POST", "/approve", {"participantId": "new", "approved": True})
    elif comes == "join":
        cleo.api.join(cleo.code, participantId="new")
    elif comes == "rejoin":
        ben.call("POST", "/rejoin")
    else:
        cleo.call("POST", "/role", {"role": "player"})
    assert (
        host_of(cleo)
        == {"join": "new", "is let in": "new", "rejoin": "ben", "becomes a player": "cleo"}[comes]
    )


def test_a_room_that_is_not_to_live_on_ends_without_its_host(client: Api, clock: Clock) -> None:
    host = client.create_room(hostId="host")
    ben = client.join(host.code)
    ben.read()
    found = poll_for(clock, 600, ben)
    assert [type for type, _ in found] == ["presence-changed", "presence-changed", "room-ended"]
    assert found[-1][1]["reason"] == "host-absent"
    assert host.poll().error["reason"] == "absent"


def test_a_host_that_comes_back_in_time_is_host(client: Api, clock: Clock) -> None:
    host = client.create_room(hostId="host")
    ben = client.join(host.code)
    poll_for(clock, 599, ben)
    host.read()
    assert host_of(ben) == "host"
    assert presence(ben)["host"] == "online"


@pytest.mark.parametrize("away", [(), ("ben",), ("ben", "cleo")])
def test_who_follows_a_host_that_leaves(room: Room, away: tuple[str, ...]) -> None:
    host, ben, cleo = room
    cleo.read()
    for seat in (ben, cleo):
        if seat.id in away:
            seat.call("POST", "/away")
    host.call("POST", "/leave")
    heir = "cleo" if away == ("ben",) else "ben"
    found = [event for event in events(cleo) if event[0] != "presence-changed"]
    assert found == [
        ("host-changed", {"hostId": heir, "previousHostId": "host", "reason": "left"}),
        ("participant-left", {"participantId": "host", "reason": "left"}),
    ]
    assert host_of(ben) == heir


def test_a_room_ends_with_its_host_where_nobody_can_follow(client: Api) -> None:
    host = client.create_room(hostGone="promote")
    watcher = client.join(host.code, spectate=True)
    host.call("POST", "/leave")
    (event,) = events(watcher)
    assert (event[0], event[1]["reason"]) == ("room-ended", "host-left")


def test_of_all_who_sleep_too_long_nobody_is_left(room: Room, clock: Clock) -> None:
    _, ben, cleo = room
    clock.advance(700)
    assert ben.poll(ben.seq).error["reason"] == "absent"
    assert cleo.api.request("GET", f"/rooms/{cleo.code}").data["status"] == "ended"


# Reasons and settings


@pytest.mark.parametrize("end", ["left", "removed", "banned", "replaced"])
def test_a_dead_token_tells_why(room: Room, end: str) -> None:
    host, _, cleo = room
    acts: dict[str, Callable[[], Any]] = {
        "left": lambda: cleo.call("POST", "/leave"),
        "removed": lambda: host.call("POST", "/remove", {"participantId": "cleo"}),
        "banned": lambda: host.call("POST", "/remove", {"participantId": "cleo", "ban": True}),
        "replaced": lambda: cleo.call("POST", "/rejoin"),
    }
    acts[end]()
    for answer in (cleo.poll(cleo.seq), cleo.call("GET"), cleo.send(host)):
        assert (answer.code, answer.error["reason"]) == ("TOKEN_INVALID", end)
    never = cleo.api.request("GET", f"/rooms/{cleo.code}", token="nobody's")
    assert "reason" not in never.error
