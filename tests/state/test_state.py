"""Shared state: keys whose last value counts."""

from typing import Any

import pytest
from flask import Flask

from party.db import Row
from party.load import load
from party.ops.cleanup import clean
from party.ops.statistics import by_day
from party.state import entries, routes
from party.state.entries import KEPT_GONE
from tests.conftest import Clock, MakeApp, MakeServer
from tests.rooms.test_races import at_once
from tests.support.peers import Answer, Api, Seat

KIB = 1024


def write(seat: Seat, **body: Any) -> Answer:
    """Set or remove keys."""
    return seat.call("POST", "/state", body)


def seq_of(answer: Answer) -> int:
    """The number of a write."""
    found: int = answer.data["seq"]
    return found


def state(seat: Seat) -> Any:
    """The state as the seat's Room shows it."""
    return seat.call("GET").data["state"]


def changes(seat: Seat, after: int | None = None) -> list[dict[str, Any]]:
    """What has changed since the seat's cursor, or another one, in all answers together."""
    found: list[dict[str, Any]] = []
    cursor = seat.seq if after is None else after
    while True:
        data = seat.poll(cursor).data
        assert data["count"] == len(data["messages"])
        assert ("state" in data) == bool(data.get("state"))
        assert all(cursor < change["seq"] <= data["seq"] for change in data.get("state", ()))
        found += data.get("state", [])
        cursor = data["seq"]
        if not data["more"]:
            break
    if after is None:
        seat.seq = cursor
    return found


def changed(seat: Seat, after: int | None = None) -> dict[str, Any]:
    """The values by their keys, None for what is gone."""
    return {change["key"]: change.get("value") for change in changes(seat, after)}


@pytest.fixture(autouse=True)
def in_a_hurry(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is refused for writing often, but where a test says that all happens within a second."""
    if "one_second" not in request.fixturenames:
        monkeypatch.setattr(routes, "WRITES_PER_SECOND", 10_000)


@pytest.fixture
def people(client: Api, clock: Clock) -> tuple[Seat, Seat, Seat, Seat]:
    """A host, two players and a spectator, who have read everything. Players may write the room's state."""
    host = client.create_room("Hana", hostId="host", sharedState=True)
    ada = client.join(host.code, "Ada", participantId="ada")
    ben = client.join(host.code, "Ben", participantId="ben")
    sue = client.join(host.code, "Sue", participantId="sue", spectate=True)
    for seat in (host, ada, ben, sue):
        seat.read()
    return host, ada, ben, sue


People = tuple[Seat, Seat, Seat, Seat]


# Writing and reading


def test_a_value_reaches_everybody_once_and_stands_in_the_room(people: People) -> None:
    host, ada, _, _ = people
    seq = seq_of(write(host, set={"turn": "ada", "round": {"n": [1, None, 2.5]}}))
    mine = seq_of(write(ada, scope="me", set={"ready": True}))
    for seat in people:
        assert changes(seat) == [
            {"scope": "room", "by": None, "key": "round", "value": {"n": [1, None, 2.5]}, "seq": seq},
            {"scope": "room", "by": None, "key": "turn", "value": "ada", "seq": seq},
            {"scope": "me", "by": "ada", "key": "ready", "value": True, "seq": mine},
        ]
        assert changes(seat) == []
        assert state(seat) == {
            "room": {
                "turn": {"value": "ada", "seq": seq},
                "round": {"value": {"n": [1, None, 2.5]}, "seq": seq},
            },
            "members": {"ada": {"ready": {"value": True, "seq": mine}}},
        }
        assert seat.poll().data["room"]["state"] == state(seat)
        assert "state" not in seat.poll().data


def test_a_room_that_shares_nothing_shows_that(host: Seat) -> None:
    assert host.room["state"] == state(host) == {"room": {}, "members": {}}


def test_who_polls_slowly_gets_the_last_value_only(people: People) -> None:
    host, ada, _, sue = people
    for n in range(20):
        write(host if n % 2 else ada, set={f"k{n % 3}": n})
    assert changed(sue) == {"k0": 18, "k1": 19, "k2": 17}


@pytest.mark.parametrize("value", [None, 0, "", [], {}, "🎉", {"a": {"b": [1]}}, "x" * (8 * KIB - 2)])
def test_a_value_is_any_json(host: Seat, value: Any) -> None:
    write(host, set={"A-z_0.9": value})
    assert state(host)["room"]["A-z_0.9"]["value"] == value
    assert [change["value"] for change in changes(host)] == [value]


def test_a_key_that_is_removed_is_told_to_all_and_may_come_again(people: People) -> None:
    host, ada, ben, _ = people
    first = seq_of(write(host, set={"a": 1, "b": 1}))
    changes(ada)
    gone = seq_of(write(host, remove=["a", "a", "never"], set={"c": 1}))
    assert changes(ada) == [
        {"scope": "room", "by": None, "key": "a", "removed": True, "seq": gone},
        {"scope": "room", "by": None, "key": "c", "value": 1, "seq": gone},
    ]
    assert state(ada)["room"].keys() == {"b", "c"}
    assert changed(ben) == {"b": 1, "a": None, "c": 1}
    write(host, set={"a": 2})
    assert changed(ada) == {"a": 2}
    assert changed(ben, first - 1) == {"a": 2, "b": 1, "c": 1}
    # What there is not can be removed, and nothing happens.
    assert seq_of(write(host, remove=["never"])) == ada.seq
    assert changes(ada) == []


def test_two_writers_of_one_number_never_both_win(people: People) -> None:
    host, ada, ben, _ = people
    assert write(ada, set={"turn": 1}, ifSeq={"turn": 0}).status == 200
    answer = write(ben, set={"turn": 2, "other": 1}, ifSeq={"turn": 0})
    assert (answer.status, answer.code) == (409, "STATE_MOVED")
    seq = state(host)["room"]["turn"]["seq"]
    assert state(host)["room"] == {"turn": {"value": 1, "seq": seq}}
    following = seq_of(write(ben, set={"turn": 2}, ifSeq={"turn": seq, "never": 0}))
    assert write(ada, remove=["turn"], ifSeq={"turn": seq}).code == "STATE_MOVED"
    assert write(ada, remove=["turn"], ifSeq={"turn": following}).status == 200
    assert write(ada, set={"turn": 3}, ifSeq={"turn": following}).code == "STATE_MOVED"
    assert write(ada, set={"turn": 3}, ifSeq={"turn": 0}).status == 200


NO_AUDIENCES: list[Any] = ["guests", 5, True, {}, ["ada", "nobody"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, None),
        ({"set": {}}, None),
        ({"set": {}, "remove": []}, None),
        ({"set": {"a": 1}, "remove": ["a"]}, None),
        ({"set": {"a": 1}, "scope": "all"}, "scope"),
        *(({"set": {key: 1}}, "set") for key in ("", "x" * 65, "a b", "ä", "a\n", "a/b")),
        *(({"remove": [key]}, "remove") for key in ("", "x" * 65, "a b", "a\x00")),
        ({"set": [1]}, "set"),
        ({"remove": {"a": 1}}, "remove"),
        ({"remove": [1]}, "remove.0"),
        ({"set": {"a": 1}, "ifSeq": {"": 1}}, "ifSeq"),
        ({"set": {"a": 1}, "ifSeq": {"a": -1}}, "ifSeq.a"),
        ({"set": {"a": 1}, "ifSeq": {"a": "1"}}, "ifSeq.a"),
        *(({"set": {"a": 1}, "ttlSeconds": ttl}, "ttlSeconds") for ttl in (0, 0.9, 3601, "6", True)),
        *(({"set": {"a": 1}, "visibleTo": to}, "visibleTo") for to in NO_AUDIENCES),
        ({"set": {"a": 1}, "visibleTo": ["a b"]}, "visibleTo.0"),
    ],
)  # fmt: skip
def test_what_has_a_wrong_form_is_refused_and_changes_nothing(
    app: Flask, people: People, body: dict[str, Any], field: str | None
) -> None:
    host = people[0]
    write(host, set={"kept": 1})
    changes(host)
    answer = write(host, **body)
    assert (answer.status, answer.code, answer.error.get("field")) == (400, "VALIDATION_ERROR", field)
    assert changes(host) == []
    assert state(host)["room"].keys() == {"kept"}


def test_sizes_are_limited_and_what_is_too_large_changes_nothing(people: People, one_second: None) -> None:
    host, ada, ben, _ = people
    for body in (
        {"set": {"a": "x" * (8 * KIB - 1)}},
        {"set": {"a": "é" * (4 * KIB)}},
        {"set": {f"k{n}": 1 for n in range(65)}},
        {"set": {f"k{n}": "x" * 8000 for n in range(9)}},
        {"set": {f"k{n}": 1 for n in range(17)}, "scope": "me"},
        {"set": {f"k{n}": "x" * 8000 for n in range(3)}, "scope": "me"},
    ):
        answer = write(host, **body)
        assert (answer.status, answer.code) == (413, "TOO_LARGE")
    assert state(host) == {"room": {}, "members": {}}
    assert write(host, set={f"k{n}": "x" * 1022 for n in range(64)}).status == 200
    assert write(ada, set={"k0": "x" * 1023}).code == "TOO_LARGE"
    assert write(ada, set={"new": 1}).code == "TOO_LARGE"
    assert write(ada, remove=["k1"], set={"new": "x" * 1022}).status == 200
    # Every member has a scope of its own.
    for seat in (ada, ben):
        assert write(seat, scope="me", set={f"k{n}": "x" * 1022 for n in range(16)}).status == 200


def test_more_than_ten_writes_a_second_by_one_member_are_refused(people: People, one_second: None) -> None:
    host, ada, _, _ = people
    assert [write(host, set={"a": n}).status for n in range(11)] == [200] * 10 + [429]
    assert write(ada, set={"a": 1}).status == 200


def test_a_write_is_no_signal_to_the_statistics(app: Flask, people: People) -> None:
    host, ada, _, _ = people
    for n in range(5):
        write(host, set={"a": n})
    host.send(ada)
    with app.app_context():
        (day,) = by_day(app.extensions["party.database"])
    assert day["signals"] == 1


# Who writes


def test_players_write_the_rooms_keys_where_the_host_allows_it(client: Api) -> None:
    host = client.create_room()
    ada, sue = client.join(host.code), client.join(host.code, spectate=True)
    assert write(ada, set={"a": 1}).code == "HOST_ONLY"
    assert write(sue, set={"a": 1}).code == "PLAYERS_ONLY"
    assert write(host, set={"a": 1}).status == 200
    for seat in (host, ada, sue):
        assert write(seat, scope="me", set={"mine": seat.id}).status == 200
    host.call("POST", "/settings", {"sharedState": True})
    assert write(ada, remove=["a"], set={"b": 1}).status == 200
    assert write(sue, set={"a": 1}).code == "PLAYERS_ONLY"
    assert state(host)["members"].keys() == {host.id, ada.id, sue.id}


def test_a_guest_has_no_part_in_it(client: Api) -> None:
    host = client.create_room(approval=True)
    write(host, set={"a": "secret"})
    asked = client.request("POST", f"/rooms/{host.code}/join", {"name": "Gus"})
    assert (asked.status, "secret" in asked.text) == (202, False)
    guest = Seat(client, {**asked.data, "code": host.code})
    before = guest.seq
    write(host, set={"b": "secret"})
    assert write(guest, scope="me", set={"a": 1}).code == "NOT_APPROVED"
    for after in (None, 0, before):
        assert "secret" not in guest.poll(after).text
    host.call("POST", "/approve", {"participantId": guest.id, "approved": True})
    # Its cursor is from before it was let in: all of it is new.
    assert {change["key"] for change in guest.poll(before).data["state"]} == {"a", "b"}
    assert changed(guest, guest.poll(before).data["seq"]) == {}


# Who sees


@pytest.mark.parametrize(
    ("to", "seen_by"),
    [
        (None, {"host", "ada", "ben", "sue"}),
        ("all", {"host", "ada", "ben", "sue"}),
        ("players", {"host", "ada", "ben"}),
        ("host", {"host"}),
        (["ada"], {"host", "ada"}),
        (["ada", "sue", "ada"], {"host", "ada", "sue"}),
        ([], {"host"}),
    ],
)
def test_of_the_rooms_keys_everybody_sees_what_is_meant_for_it(
    people: People, to: Any, seen_by: set[str]
) -> None:
    seq = seq_of(write(people[0], set={"card": "ace"}, visibleTo=to))
    for seat in people:
        raw = seat.poll(seat.seq).text + seat.call("GET").text + seat.poll().text
        assert (seat.id in seen_by) == ("ace" in raw) == ("card" in raw)
        assert changed(seat) == ({"card": "ace"} if seat.id in seen_by else {})
        assert state(seat)["room"] == ({"card": {"value": "ace", "seq": seq}} if seat.id in seen_by else {})


@pytest.mark.parametrize(
    ("to", "seen_by"),
    [
        ("all", {"host", "ada", "ben", "sue"}),
        ("players", {"host", "ada", "ben"}),
        ("host", {"host", "ada"}),
        (["ben"], {"ada", "ben"}),
        (["host", "sue"], {"ada", "host", "sue"}),
        ([], {"ada"}),
    ],
)
def test_of_a_members_keys_the_host_sees_what_a_player_does_unless_it_is_named(
    people: People, to: Any, seen_by: set[str]
) -> None:
    write(people[1], scope="me", set={"card": "ace"}, visibleTo=to)
    for seat in people:
        assert changed(seat) == ({"card": "ace"} if seat.id in seen_by else {})
        assert state(seat)["members"].keys() == ({"ada"} if seat.id in seen_by else set())


def test_who_loses_sight_of_a_value_is_told_that_it_is_gone_and_nothing_later(people: People) -> None:
    host, ada, ben, sue = people
    write(host, set={"card": "ace"})
    for seat in people:
        changes(seat)
    hidden = seq_of(write(host, set={"card": "king"}, visibleTo=["ada"]))
    gone = {"scope": "room", "by": None, "key": "card", "removed": True, "seq": hidden}
    assert changed(ada) == changed(host) == {"card": "king"}
    assert changes(ben) == [gone]
    write(host, set={"card": "queen"}, visibleTo=["ada"])
    write(host, remove=["card"])
    assert changes(ben) == []
    # It still knows the ace: the number is that of when it went for it.
    assert changes(sue) == [gone]
    assert changed(ada) == changed(host) == {"card": None}


def test_a_list_names_members_and_not_ids(client: Api, people: People) -> None:
    host, ada, ben, _ = people
    write(host, set={"hand": "ace"}, visibleTo=["ada"])
    write(ben, scope="me", set={"whisper": "psst"}, visibleTo=["ada", "host"])
    before = ada.seq
    ada.call("POST", "/leave")
    again = client.join(host.code, "Another", participantId="ada")
    for after in (None, 0, before, again.seq):
        text = again.poll(after).text
        assert "hand" not in text
        assert "whisper" not in text
    assert changed(host) == {"hand": "ace", "whisper": "psst"}


def test_a_members_own_values_vanish_with_it(client: Api, people: People) -> None:
    host, ada, ben, sue = people
    write(ada, scope="me", set={"ready": True})
    write(ada, scope="me", set={"cards": "ace"}, visibleTo=["ben"])
    for seat in (host, ben):
        changes(seat)
    ada.call("POST", "/leave")
    left = host.poll(host.seq).data["messages"][-1]
    assert left["type"] == "participant-left"
    assert changes(host) == [
        {"scope": "me", "by": "ada", "key": "ready", "removed": True, "seq": left["seq"]}
    ]
    assert changed(ben) == {"ready": None, "cards": None}
    # Whoever has not polled since then may be told of what it could see.
    assert changed(sue) == {"ready": None}
    again = client.join(host.code, participantId="ada")
    assert state(again)["members"] == {}
    assert changes(again, 0) == []
    write(again, scope="me", set={"ready": False})
    assert changed(ben) == {"ready": False}


def test_a_removed_members_values_vanish_and_an_absent_ones(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(DISCONNECTED_AFTER_SECONDS=300, SEAT_FREED_AFTER_SECONDS=600))
    host = client.create_room()
    for id in ("ada", "ben"):
        write(client.join(host.code, participantId=id), scope="me", set={id: 1})
    changes(host)
    host.call("POST", "/remove", {"participantId": "ben"})
    assert changed(host) == {"ben": None}
    for _ in range(11):
        clock.advance(60)
        host.poll(host.seq)
    assert changed(host) == {"ada": None}
    assert state(host)["members"] == {}


def test_a_reload_changes_nothing(client: Api, people: People) -> None:
    host, ada, _, _ = people
    write(ada, scope="me", set={"mine": 1}, visibleTo=[])
    write(host, set={"hand": "ace"}, visibleTo=["ada"])
    page = Seat(client, ada.call("POST", "/rejoin").data)
    assert {key: found["value"] for key, found in page.room["state"]["room"].items()} == {"hand": "ace"}
    assert page.room["state"]["members"]["ada"]["mine"]["value"] == 1
    assert changes(page) == []


def test_another_role_sees_something_else_and_is_told_so(people: People) -> None:
    host, ada, ben, sue = people
    write(host, set={"board": 1})
    write(host, set={"hint": "secret"}, visibleTo="players")
    for seat in people:
        changes(seat)
    host.call("POST", "/role", {"participantId": "sue", "role": "player"})
    event = sue.poll(sue.seq).data["messages"][-1]
    assert changes(sue) == [
        {"scope": "room", "by": None, "key": "hint", "value": "secret", "seq": event["seq"]}
    ]
    host.call("POST", "/role", {"participantId": "ada", "role": "spectator"})
    assert changed(ada) == {"hint": None}
    assert state(ada)["room"].keys() == {"board"}
    write(host, set={"hint": "another secret"}, visibleTo="players")
    assert "hint" not in ada.poll(ada.seq).text
    assert changed(ben) == {"hint": "another secret"}


def test_a_new_host_sees_all_of_the_room_and_the_old_one_does_not(people: People) -> None:
    host, ada, ben, _ = people
    write(host, set={"solution": 42}, visibleTo="host")
    write(host, set={"hand": "ace"}, visibleTo=["ben"])
    write(ben, scope="me", set={"whisper": "psst"}, visibleTo="host")
    for seat in people:
        changes(seat)
    host.call("POST", "/host", {"participantId": "ada"})
    assert changed(host) == {"solution": None, "hand": None, "whisper": None}
    assert changed(ada) == {"solution": 42, "hand": "ace", "whisper": "psst"}
    assert state(host) == {"room": {}, "members": {}}
    assert write(host, set={"mine": 1}).status == 200
    assert changed(ben).keys() == {"hand", "whisper", "mine"}


# Time


def test_a_value_vanishes_by_itself_unless_it_is_written_again(people: People, clock: Clock) -> None:
    host, ada, ben, _ = people
    write(ada, scope="me", set={"typing": True}, ttlSeconds=6)
    write(ben, scope="me", set={"typing": True}, ttlSeconds=6)
    write(host, set={"a": 1}, ttlSeconds=6)
    assert len(changes(host)) == 3
    clock.advance(4)
    write(ada, scope="me", set={"typing": True}, ttlSeconds=6)
    write(host, set={"a": 2})
    changes(host)
    clock.advance(1.999)
    assert changes(host) == []
    clock.advance(0.001)
    (gone,) = changes(host)
    assert (gone["by"], gone["key"], gone["removed"]) == ("ben", "typing", True)
    assert state(host)["members"].keys() == {"ada"}
    clock.advance(4)
    assert changed(host) == {"typing": None}
    clock.advance(3600)
    host.call("GET")
    assert state(host)["room"]["a"]["value"] == 2


def test_what_has_expired_in_an_ended_room_is_not_shown(people: People, clock: Clock) -> None:
    host, ada, _, _ = people
    write(ada, scope="me", set={"typing": True}, ttlSeconds=6)
    write(host, set={"result": 1})
    host.call("POST", "/end")
    clock.advance(7)
    assert state(ada) == {"room": {"result": state(ada)["room"]["result"]}, "members": {}}
    assert write(host, set={"a": 1}).code == "ROOM_ENDED"
    assert [message["type"] for message in ada.read()][-1] == "room-ended"


def test_state_goes_with_its_room(app: Flask, people: People, clock: Clock) -> None:
    write(people[0], set={"a": 1})
    people[0].call("POST", "/end")
    clock.advance(25 * 3600)
    database = app.extensions["party.database"]
    with app.app_context():
        clean(database, clock.now)
    assert database.all("SELECT name FROM party_state") == []


# Polls


def test_an_answer_that_is_full_goes_on_behind_its_last_number(people: People, clock: Clock) -> None:
    host, ada, ben, sue = people
    before = sue.seq
    big = "x" * 8000
    for seat in (host, ada, ben):
        write(seat, scope="me", set={"a": big, "b": big})
        write(seat, set={f"{seat.id}{n}": big for n in range(2)})
    for n in range(150):
        host.send(sue, {"n": n, "x": "y" * 7000})
        clock.advance(0.1)
    first = sue.poll(before).data
    assert (first["more"], "state" in first) == (True, True)
    assert len(sue.poll(before).text) < 1100 * KIB
    found = changes(sue, before)
    assert len(found) == 12
    assert sorted(change["seq"] for change in found) == [change["seq"] for change in found]


def test_what_has_one_number_is_never_torn_apart(people: People, clock: Clock) -> None:
    host, _, _, sue = people
    before = sue.seq
    for _ in range(170):
        host.send(sue)
        clock.advance(0.1)
    write(host, set={f"k{n}": 1 for n in range(40)})
    first = sue.poll(before).data
    assert (len(first["messages"]), "state" in first, first["more"]) == (170, False, True)
    following = sue.poll(first["seq"]).data
    assert (len(following["messages"]), len(following["state"]), following["more"]) == (0, 40, False)


def test_a_cursor_from_before_what_is_forgotten_has_a_gap(people: People, clock: Clock) -> None:
    host, ada, ben, _ = people
    before = ada.seq
    write(host, set={"old": 1})
    for n in range(KEPT_GONE + 3):
        write(host, set={f"k{n}": 1})
        changes(ben)
        write(host, remove=[f"k{n}"])
        clock.advance(1)
    changes(ben)
    assert ben.poll(ben.seq).data["gap"] is False
    data = ada.poll(before).data
    assert data["gap"] is True
    assert data["room"]["state"]["room"].keys() == {"old"}
    assert ada.poll(data["seq"]).data["gap"] is False


def test_keys_that_come_and_go_leave_a_bounded_number_of_rows(app: Flask, client: Api, clock: Clock) -> None:
    host = client.create_room()
    client.join(host.code)
    for n in range(300):
        write(host, set={f"k{n}": 1, "kept": n}, remove=[f"k{n - 1}"])
        clock.advance(1)
    (count,) = app.extensions["party.database"].all("SELECT COUNT(*) AS n FROM party_state")
    assert count["n"] <= KEPT_GONE + 3


def test_a_send_with_a_cursor_has_the_state_too(people: People) -> None:
    host, ada, _, _ = people
    seq = seq_of(write(host, set={"a": 1}))
    data = ada.send(host, after=ada.seq).data
    assert data["state"] == [{"scope": "room", "by": None, "key": "a", "value": 1, "seq": seq}]


# Over several processes


@pytest.fixture
def api(server: MakeServer) -> Api:
    """Calls to three processes that hold polls."""
    return Api.of_url(server(workers=3, threads=8, LONG_POLL_SECONDS=20).url)


def test_of_eight_writers_with_one_number_one_wins(api: Api) -> None:
    host = api.create_room(sharedState=True)
    players = [api.join(host.code) for _ in range(8)]
    seq = 0
    for n in range(9):
        answers = at_once(
            [lambda seat=seat: write(seat, set={"n": [n, seat.id]}, ifSeq={"n": seq}) for seat in players]  # type: ignore[misc]  # noqa: B023
        )
        won = [i for i, answer in enumerate(answers) if answer.status == 200]
        assert len(won) == 1
        assert {answer.code for answer in answers if answer.status != 200} == {"STATE_MOVED"}
        seq = seq_of(answers[won[0]])
        assert state(host)["room"] == {"n": {"value": [n, players[won[0]].id], "seq": seq}}


def test_a_held_poll_has_what_it_may_see_and_sleeps_through_the_rest(api: Api) -> None:
    host = api.create_room(sharedState=True)
    ada, ben = api.join(host.code), api.join(host.code)
    for seat in (host, ada, ben):
        seat.read()

    def hold(seat: Seat) -> Answer:
        path = f"/signal/{seat.code}/{seat.id}?after={seat.seq}&wait=15"
        return api.request("GET", path, token=seat.token)

    def deal() -> None:
        write(host, set={"hand": "ace"}, visibleTo=[ada.id])
        write(host, set={"hand2": "king"}, visibleTo=[ben.id])

    adas, bens, _ = at_once([lambda: hold(ada), lambda: hold(ben), deal])
    assert [change["value"] for change in adas.data["state"]] == ["ace"]  # type: ignore[union-attr]
    assert [change["value"] for change in bens.data["state"]] == ["king"]  # type: ignore[union-attr]


# What it costs


def test_a_room_that_shares_values_is_polled_quickly_for_a_while(
    people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, ada, _, _ = people
    monkeypatch.setattr(load, "holds_until", float("inf"))
    monkeypatch.setattr(load, "factor", 1.0)  # however busy this machine is
    clock.advance(11)
    assert ada.poll(ada.seq).data["pollAfterMs"] > 500
    write(host, set={"a": 1})
    assert 200 < ada.poll(ada.seq).data["pollAfterMs"] < 300
    clock.advance(11)
    assert ada.poll(ada.seq).data["pollAfterMs"] > 500


def test_a_slow_reader_reads_no_more_rows_than_there_are_keys(
    make_app: MakeApp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    client = Api.of_app(app)
    host = client.create_room()
    reader = client.join(host.code)
    reader.read()
    rows: list[Row] = []
    of_row = entries.of_row

    def count(row: Row) -> entries.Entry:
        rows.append(row)
        return of_row(row)

    monkeypatch.setattr(entries, "of_row", count)
    for n in range(1000):
        write(host, set={f"k{n % 5}": n})
        clock.advance(0.1)
    rows.clear()
    assert len(changes(reader)) == 5
    assert len(rows) == 5
