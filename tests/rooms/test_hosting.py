"""What those in a room may change: roles, seats, names, the host, settings, who is kept out; and the list."""

from typing import Any

import pytest

from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat, shown

Room = tuple[Seat, Seat, Seat]


@pytest.fixture
def room(client: Api, clock: Clock) -> Room:
    """A host and two players, in a room with three seats."""
    host = client.create_room("Hana", hostId="host", seats=3)
    ben, cleo = (client.join(host.code, id.title(), participantId=id) for id in ("ben", "cleo"))
    for seat in (host, ben, cleo):
        seat.read()
    return host, ben, cleo


def act(who: Seat, action: str, /, **fields: Any) -> Answer:
    """A call below the room's path."""
    return who.call("POST", f"/{action}", fields)


def events(seat: Seat) -> list[tuple[str, str | None, dict[str, Any]]]:
    """What the seat reads, as (type, fromId, payload)."""
    return [(message["type"], message["fromId"], message["payload"]) for message in seat.read()]


def seats(seat: Seat) -> dict[str, int | None]:
    """Who sits where, or nowhere."""
    return {each["id"]: each["seat"] for each in seat.call("GET").data["participants"]}


def refusal(answer: Answer) -> tuple[int, str, str | None]:
    """(status, code, field) of a failure."""
    return answer.status, answer.code, answer.error.get("field")


# Roles and seats


def test_players_take_the_lowest_free_seat_and_the_host_none(room: Room) -> None:
    assert seats(room[0]) == {"host": None, "ben": 0, "cleo": 1}


def test_a_player_changes_its_own_role_and_seat(room: Room) -> None:
    host, ben, _ = room
    answer = act(ben, "role", role="spectator")
    assert answer.status == 200
    assert "you" not in answer.data
    assert "requests" not in answer.data
    changed = {"participantId": "ben", "role": "spectator", "seat": None}
    assert events(host) == [("role-changed", "ben", changed)]
    assert ben.call("GET").data["you"] == {"id": "ben", "role": "spectator"}
    for fields, seat in (
        ({}, 0),  # becoming a player takes the lowest free one
        ({"seat": 2}, 2),
        ({}, 2),  # which it keeps
        ({"seat": None}, None),
        ({}, None),
        ({"seat": 0}, 0),
    ):
        act(ben, "role", role="player", **fields)
        assert seats(host)["ben"] == seat
    assert len(events(host)) == 4


def test_a_seat_that_is_taken_or_not_there_is_refused(room: Room) -> None:
    host, ben, _ = room
    before = host.call("GET").data
    assert refusal(act(ben, "role", role="player", seat=1)) == (409, "SEAT_TAKEN", None)
    assert refusal(act(ben, "role", role="player", seat=3)) == (400, "VALIDATION_ERROR", "seat")
    assert act(ben, "role", role="player", seat=-1).status == 400
    assert act(ben, "role", role="spectator", seat=2).status == 400
    path = f"/rooms/{host.code}/join"
    assert refusal(host.api.request("POST", path, {"name": "X", "seat": 1}))[1] == "SEAT_TAKEN"
    assert host.api.request("POST", path, {"name": "X", "seat": 3}).status == 400
    assert host.call("GET").data == before


def test_the_host_changes_others_and_of_itself_the_seat_only(room: Room) -> None:
    host, _, cleo = room
    assert act(host, "role", participantId="ben", role="spectator").status == 200
    assert act(host, "role", role="host", seat=0).status == 200
    assert seats(cleo) == {"host": 0, "ben": None, "cleo": 1}
    assert cleo.call("GET").data["hostId"] == "host"
    for fields in ({"role": "player"}, {"role": "spectator"}, {"role": "host", "participantId": "cleo"}):
        assert refusal(act(host, "role", **fields)) == (400, "VALIDATION_ERROR", "role")
    assert act(cleo, "role", role="host").status == 400
    assert refusal(act(cleo, "role", role="player", participantId="ben"))[1] == "HOST_ONLY"
    assert refusal(act(host, "role", role="player", participantId="nobody"))[1] == "PEER_NOT_FOUND"


def test_without_a_free_seat_a_new_player_has_none(room: Room) -> None:
    host, *_ = room
    ids = [host.api.join(host.code).id for _ in range(2)]
    assert [seats(host)[id] for id in ids] == [2, None]


def test_a_spectator_signals_but_changes_nothing_of_the_game(room: Room) -> None:
    host, _, _ = room
    watcher = host.api.join(host.code, spectate=True)
    assert watcher.room["you"]["role"] == "spectator"
    assert watcher.send(host).status == host.send(watcher).status == 201
    assert (
        host.api.request(
            "POST", f"/rooms/{host.code}/join", {"name": "X", "spectate": True, "seat": 2}
        ).status
        == 400
    )


@pytest.mark.needs("quiz")
def test_a_spectator_answers_no_question(room: Room) -> None:
    host, ben, _ = room
    act(host, "quiz", quizData={"questions": [{"answers": ["a"], "correct": 0}]})
    act(host, "start")
    opened = host.call("GET").data
    assert opened["questionOpenedAt"] == opened["startedAt"] == opened["serverTime"]
    act(ben, "role", role="spectator")
    answer = {"questionIndex": 0, "answerIndex": 0, "timeMs": 0}
    assert refusal(act(ben, "answer", **answer))[:2] == (403, "PLAYERS_ONLY")
    act(host, "next")
    assert host.call("GET").data["questionOpenedAt"] is None


# Names and hosts


def test_names_change(room: Room) -> None:
    host, ben, cleo = room
    answer = act(ben, "rename", name="  Benjamin ")
    assert answer.status == 200
    assert events(cleo) == [("participant-renamed", "ben", {"participantId": "ben", "name": "Benjamin"})]
    act(host, "rename", name="Cleopatra", participantId="cleo")
    act(host, "rename", name="Hanna")
    act(host, "rename", name="Hanna")  # which changes nothing
    assert [payload["name"] for _, _, payload in events(cleo)] == ["Cleopatra", "Hanna"]
    shown = cleo.call("GET").data
    assert shown["hostName"] == "Hanna"
    assert [each["name"] for each in shown["participants"]] == ["Hanna", "Benjamin", "Cleopatra"]
    assert act(ben, "rename", name="X", participantId="cleo").code == "HOST_ONLY"
    assert act(host, "rename", name="X", participantId="nobody").code == "PEER_NOT_FOUND"
    assert act(ben, "rename", name=" ").code == "VALIDATION_ERROR"


def test_a_host_hands_over(room: Room) -> None:
    host, ben, cleo = room
    act(host, "role", role="host", seat=2)
    cleo.read()
    answer = act(host, "host", participantId="ben")
    assert answer.status == 200
    assert "requests" not in answer.data
    moved = {"hostId": "ben", "previousHostId": "host", "reason": "handed-over"}
    assert events(cleo) == [("host-changed", "host", moved)]
    shown = cleo.call("GET").data
    assert (shown["hostId"], shown["hostName"]) == ("ben", "Ben")
    assert seats(cleo) == {"host": 2, "ben": 0, "cleo": 1}
    assert host.call("GET").data["you"]["role"] == "player"
    assert act(host, "settings", locked=True).code == "HOST_ONLY"
    assert act(ben, "settings", locked=True).status == 200
    assert act(ben, "host", participantId="host").status == 200


def test_only_a_player_can_be_given_a_room(room: Room) -> None:
    host, ben, cleo = room
    act(cleo, "role", role="spectator")
    assert refusal(act(host, "host", participantId="cleo"))[:2] == (409, "WRONG_STATUS")
    assert refusal(act(host, "host", participantId="host"))[:2] == (409, "WRONG_STATUS")
    assert refusal(act(host, "host", participantId="nobody"))[:2] == (404, "PEER_NOT_FOUND")
    act(host, "settings", approval=True)
    host.api.join(host.code, participantId="gus")
    assert act(host, "host", participantId="gus").code == "PEER_NOT_FOUND"
    assert act(ben, "host", participantId="ben").code == "HOST_ONLY"


@pytest.mark.needs("quiz")
def test_with_a_room_goes_what_is_correct(room: Room) -> None:
    host, ben, _ = room
    act(host, "quiz", quizData={"questions": [{"answers": ["a"], "correct": 0}]})
    handed = act(host, "host", participantId="ben").data
    for view, knows in ((handed, False), (host.call("GET").data, False), (ben.call("GET").data, True)):
        assert ("correct" in view["quizData"]["questions"][0]) == knows


# Settings


DEFAULTS: dict[str, Any] = {
    "name": None,
    "gameType": None,
    "approval": False,
    "locked": False,
    "listed": False,
    "seats": 0,
    "sharedState": False,
    "hostGone": "end",
}
OTHERS: dict[str, Any] = {
    "name": "Quiz night",
    "gameType": "quiz-2",
    "approval": True,
    "locked": True,
    "listed": True,
    "seats": 4,
    "sharedState": True,
    "hostGone": "promote",
}


def test_settings_are_as_asked_for_and_shown(client: Api) -> None:
    assert shown(client.create_room().room["settings"], DEFAULTS) == DEFAULTS
    host = client.create_room(**OTHERS)
    assert shown(host.room["settings"], OTHERS) == OTHERS
    preview = client.request("GET", f"/rooms/{host.code}").data
    assert {name: preview[name] for name in ("name", "gameType", "approval", "locked")} == {
        "name": "Quiz night",
        "gameType": "quiz-2",
        "approval": True,
        "locked": True,
    }


def test_what_really_changed_is_told(room: Room) -> None:
    host, ben, _ = room
    wanted = {name: value for name, value in OTHERS.items() if name not in ("hostGone", "seats")}
    answer = act(host, "settings", **wanted, maxParticipants=7, seats=3)
    assert answer.status == 200
    assert (answer.data["maxParticipants"], answer.data["settings"]["name"]) == (7, "Quiz night")
    assert events(ben) == [("settings-changed", "host", {"changed": {**wanted, "maxParticipants": 7}})]
    # Nothing, or what it is already, changes nothing; null clears a name and is else as good as nothing.
    act(host, "settings")
    act(host, "settings", **(wanted | {"locked": None, "maxParticipants": None, "hostGone": None}))
    assert events(ben) == []
    act(host, "settings", name=None, gameType=None, approval=False)
    assert events(ben) == [
        ("settings-changed", "host", {"changed": {"name": None, "gameType": None, "approval": False}})
    ]


def test_settings_that_cannot_be_change_nothing(room: Room) -> None:
    host, ben, cleo = room
    before = host.call("GET").data
    for fields, expected in (
        ({"seats": 1}, (409, "SEAT_TAKEN", None)),
        ({"maxParticipants": 2, "seats": 2}, (409, "ROOM_FULL", None)),
        ({"seats": 21}, (400, "VALIDATION_ERROR", "seats")),
        ({"maxParticipants": 51}, (400, "VALIDATION_ERROR", "maxParticipants")),
        ({"maxParticipants": 1}, (400, "VALIDATION_ERROR", "maxParticipants")),
        ({"hostGone": "promote"}, (400, "VALIDATION_ERROR", "hostGone")),
        ({"hostGone": "end"}, (400, "VALIDATION_ERROR", "hostGone")),
        ({"name": ""}, (400, "VALIDATION_ERROR", "name")),
        ({"name": "x" * 51}, (400, "VALIDATION_ERROR", "name")),
        ({"gameType": "Quiz"}, (400, "VALIDATION_ERROR", "gameType")),
        ({"gameType": "x" * 41}, (400, "VALIDATION_ERROR", "gameType")),
        ({"approval": 1}, (400, "VALIDATION_ERROR", "approval")),
        ({"locked": "yes"}, (400, "VALIDATION_ERROR", "locked")),
    ):
        assert refusal(act(host, "settings", **fields, listed=True)) == expected, fields
    assert act(ben, "settings", locked=True).code == "HOST_ONLY"
    assert host.call("GET").data == before
    assert events(cleo) == []


def test_a_room_is_opened_with_valid_settings_only(client: Api) -> None:
    for fields, field in (
        ({"seats": 21}, "seats"),
        ({"seats": 3, "maxParticipants": 2}, "seats"),
        ({"hostGone": "stay"}, "hostGone"),
        ({"gameType": ""}, "gameType"),
        ({"deviceId": "short"}, "deviceId"),
    ):
        answer = client.request("POST", "/rooms", {"hostName": "H", **fields})
        assert refusal(answer) == (400, "VALIDATION_ERROR", field)
    nulls: dict[str, Any] = dict.fromkeys([*OTHERS, "maxParticipants", "deviceId"])
    assert shown(client.create_room(**nulls).room["settings"], DEFAULTS) == DEFAULTS


def test_a_locked_room_lets_members_come_back_only(room: Room) -> None:
    host, ben, _ = room
    act(host, "settings", locked=True)
    refused = host.api.request("POST", f"/rooms/{host.code}/join", {"name": "X", "participantId": "ben"})
    assert refusal(refused)[:2] == (403, "ROOM_LOCKED")
    assert ben.call("POST", "/rejoin").status == 200


# Bans


def test_who_is_banned_stays_out_by_id_and_device(room: Room, client: Api) -> None:
    host, *_ = room
    device = "device-0123456789"
    guest = client.join(host.code, participantId="gus", deviceId=device)
    host.read()
    assert act(host, "remove", participantId="gus", ban=True).status == 200
    assert events(host) == [("participant-removed", "host", {"participantId": "gus", "reason": "banned"})]
    assert guest.poll().error["reason"] == "banned"
    path = f"/rooms/{host.code}/join"
    for fields in (
        {"participantId": "gus"},
        {"deviceId": device},
        {"participantId": "x", "deviceId": device},
    ):
        assert refusal(client.request("POST", path, {"name": "X", **fields}))[:2] == (403, "BANNED")
    # Elsewhere, and others, may.
    assert client.join(client.create_room().code, participantId="gus", deviceId=device)
    assert client.join(host.code, deviceId="device-9876543210")


def test_who_is_only_removed_may_come_again(room: Room, client: Api) -> None:
    host, _, _ = room
    client.join(host.code, participantId="gus", deviceId="device-0123456789")
    act(host, "remove", participantId="gus", ban=False)
    assert client.join(host.code, participantId="gus", deviceId="device-0123456789")


def test_joins_are_refused_in_one_order(client: Api) -> None:
    host = client.create_room(password="p", seats=1, maxParticipants=2)
    path = f"/rooms/{host.code}/join"
    client.join(host.code, participantId="bad", password="p")
    act(host, "remove", participantId="bad", ban=True)
    client.join(host.code, participantId="ben", password="p", seat=0)
    act(host, "settings", locked=True)
    body: dict[str, Any] = {"name": "X", "participantId": "bad", "seat": 0, "password": "wrong"}
    steps: tuple[tuple[dict[str, Any] | None, str], ...] = (
        ({}, "WRONG_PASSWORD"),
        ({"password": "p"}, "BANNED"),
        ({"participantId": "ben"}, "ROOM_LOCKED"),
        (None, "PARTICIPANT_ID_TAKEN"),
        ({"participantId": "new"}, "SEAT_TAKEN"),
        ({"seat": None}, "ROOM_FULL"),
    )
    for fields, code in steps:
        if fields is None:
            act(host, "settings", locked=False)
        body |= fields or {}
        assert client.request("POST", path, body).code == code
    act(host, "end")
    assert client.request("POST", path, {**body, "password": "wrong"}).code == "ROOM_ENDED"


# The list


def listed(client: Api, query: str = "") -> Any:
    """The names of the rooms of a page of the list, and its `next`."""
    data = client.request("GET", f"/rooms{query}").data
    return [room["name"] for room in data["rooms"]], data["next"]


def test_the_list_shows_what_can_be_joined_newest_first(client: Api, clock: Clock) -> None:
    rooms: tuple[tuple[str, dict[str, Any]], ...] = (
        ("first", {"gameType": "quiz"}),
        ("unlisted", {"listed": False}),
        ("full", {"maxParticipants": 2}),
        ("locked", {"locked": True}),
        ("asks", {"approval": True}),
        ("ended", {}),
    )
    for name, fields in rooms:
        host = client.create_room(name=name, **{"listed": True, **fields})
        if name == "full":
            client.join(host.code)
        if name == "ended":
            act(host, "end")
    assert listed(client) == (["asks", "first"], None)
    assert listed(client, "?gameType=quiz&after=&limit=") == (["first"], None)
    assert listed(client, "?gameType=chess") == ([], None)
    (asks, room) = client.request("GET", "/rooms").data["rooms"]
    # Those who wait take no place.
    for n in range(asks["maxParticipants"]):
        client.join(asks["code"], participantId=f"g{n}")
    assert client.request("GET", "/rooms").data["rooms"][0] == asks
    assert room == client.request("GET", f"/rooms/{room['code']}").data
    clock.advance(2 * 3600)
    assert listed(client) == ([], None)


def test_the_list_comes_in_pages(client: Api) -> None:
    for n in range(23):
        client.create_room(name=f"{n}", listed=True)
    names, after = listed(client)
    assert names == [f"{n}" for n in range(22, 2, -1)]
    assert listed(client, f"?after={after}") == (["2", "1", "0"], None)
    names, after = listed(client, "?limit=1")
    client.create_room(name="new", listed=True)
    assert listed(client, f"?limit=22&after={after}") == ([f"{n}" for n in range(21, -1, -1)], None)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=x", "after"),
        ("after=1", "after"),
        ("after=%F0%9F%8E%89", "after"),
        ("limit=0", "limit"),
        ("limit=51", "limit"),
        ("limit=x", "limit"),
        ("gameType=Quiz", "gameType"),
    ],
)
def test_a_bad_query_of_the_list_is_refused(client: Api, query: str, field: str) -> None:
    assert refusal(client.request("GET", f"/rooms?{query}")) == (400, "VALIDATION_ERROR", field)


def test_the_list_is_counted_among_the_looks(make_app: MakeApp) -> None:
    client = Api.of_app(make_app(LOOKS_PER_MINUTE=2))
    for _ in range(2):
        assert client.request("GET", "/rooms").headers["X-RateLimit-Limit"] == "2"
    assert client.request("GET", "/rooms").code == "RATE_LIMITED"


def test_a_room_whose_host_is_gone_is_not_listed(make_app: MakeApp, clock: Clock) -> None:
    client = Api.of_app(make_app(DISCONNECTED_AFTER_SECONDS=300, SEAT_FREED_AFTER_SECONDS=600))
    client.create_room(listed=True)
    clock.advance(600)
    assert listed(client) == ([], None)
