"""Messages: what is said to the whole room, kept for whoever comes later."""

from typing import Any

import pytest
from flask import Flask

from party.load import load
from party.ops.cleanup import clean
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat, lasting

HOUR = 3600
DRAWING = {"operations": [{"tool": "pen", "points": [1, 2.5]}], "width": 640, "height": 480}
KIB = 1024


def say(seat: Seat, content: Any = "hello", type: str = "text", **fields: Any) -> Answer:
    """Post a message."""
    return seat.call("POST", "/messages", {"type": type, "content": content, **fields})


def react(seat: Seat, message_id: Any, emoji: Any = "heart", on: Any = True) -> Answer:
    """React to a message, or take it back."""
    return seat.call("POST", f"/messages/{message_id}/react", {"emoji": emoji, "on": on})


def delete(seat: Seat, message_id: Any) -> Answer:
    """Delete a message."""
    return seat.call("POST", f"/messages/{message_id}/delete")


def history(seat: Seat, query: str = "") -> dict[str, Any]:
    """What has been said, or a part of it."""
    found: dict[str, Any] = seat.call("GET", f"/messages{query}").data
    return found


def texts(seat: Seat, query: str = "") -> list[Any]:
    """The contents of the history."""
    return [message["content"] for message in history(seat, query)["messages"]]


def events(seat: Seat) -> list[tuple[str, str | None, Any]]:
    """What the seat has not read yet: type, who, and payload."""
    return [(event["type"], event["fromId"], event["payload"]) for event in seat.read()]


def stored(app: Flask) -> str:
    """All that the database holds, as text."""
    database = app.extensions["party.database"]
    names = ("rooms", "participants", "signaling", "sent", "events", "messages", "reactions")
    return repr([database.all(f"SELECT * FROM party_{name}") for name in names])


@pytest.fixture
def seats(host: Seat, guest: Seat, clock: Clock) -> tuple[Seat, Seat]:
    """Two members who have read everything."""
    guest.read()
    host.read()
    return host, guest


# Saying


def test_both_pages_see_text_and_drawing_with_name_and_time(seats: tuple[Seat, Seat], clock: Clock) -> None:
    host, guest = seats
    text = say(guest, "  hello\n\tworld \u2028 ").data["messageId"]
    clock.advance(1)
    drawing = say(host, {**DRAWING, "other": 1}, "drawing")
    assert (drawing.status, set(drawing.data)) == (201, {"messageId"})
    expected = [
        {
            "id": text,
            "fromId": "guest",
            "name": "Gus",
            "type": "text",
            "content": "hello\n\tworld",
            "createdAt": "2026-01-09T12:34:56.789Z",
            "reactions": [],
        },
        {
            "id": drawing.data["messageId"],
            "fromId": "host",
            "name": "Hana",
            "type": "drawing",
            "content": DRAWING,
            "createdAt": "2026-01-09T12:34:57.789Z",
            "reactions": [],
        },
    ]
    for seat in seats:
        assert [event["seq"] for event in seat.poll(seat.seq).data["messages"]] == [
            message["id"] for message in expected
        ]
        assert events(seat) == [
            ("message-posted", message["fromId"], {"message": message}) for message in expected
        ]
        assert history(seat) == {"messages": expected, "more": False}


def test_a_message_stands_in_order_with_signals_and_other_events(
    client: Api, seats: tuple[Seat, Seat], clock: Clock
) -> None:
    host, guest = seats
    host.send(guest, {"n": 1})
    say(host, "one")
    host.send(guest, {"n": 2})
    client.join(host.code)
    clock.advance(1)
    say(host, "two")
    read = guest.read()
    assert [message["type"] for message in read] == [
        "offer",
        "message-posted",
        "offer",
        "participant-joined",
        "message-posted",
    ]
    assert [message["seq"] for message in read] == list(range(read[0]["seq"], read[0]["seq"] + 5))


@pytest.mark.parametrize("text", ["x", "x" * 2000, "🎉" * 2000, "a\tb\nc", " x ", "<b>'; DROP TABLE x; --"])
def test_any_text_of_1_to_2000_characters_can_be_said(host: Seat, text: str) -> None:
    say(host, text)
    assert texts(host) == [text.strip()]


BAD_TEXTS = ["", " \n\t ", "x" * 2001, "a\rb", "a\x00", "\x1b[0m", "a\x85b", 5, ["x"], {"x": 1}, True, None]
BAD_SIDES = [0, 4097, 1.5, "9", None, True]
BAD_OPERATIONS: list[Any] = [{}, "x", None, [{}] * 5001]
NOT_OBJECTS: list[Any] = ["x", 5, [], None]
NO_TYPES: list[Any] = ["", "TEXT", "video", 5, None, ["text"], {}]


@pytest.mark.parametrize(
    ("type", "content", "field"),
    [
        *(("text", wrong, "content") for wrong in (*BAD_TEXTS, DRAWING)),
        *(("drawing", wrong, "content") for wrong in NOT_OBJECTS),
        *(("drawing", {**DRAWING, "width": wrong}, "content.width") for wrong in BAD_SIDES),
        *(("drawing", {**DRAWING, "operations": wrong}, "content.operations") for wrong in BAD_OPERATIONS),
        ("drawing", {**DRAWING, "operations": [1]}, "content.operations.0"),
        ("drawing", {"operations": [], "width": 9}, "content.height"),
        ("image", "x", "content"),
        ("image", {}, "content.imageId"),
        *((wrong, "x", "type") for wrong in NO_TYPES),
    ],
)
def test_what_has_a_wrong_form_is_refused_and_changes_nothing(
    app: Flask, host: Seat, type: Any, content: Any, field: str
) -> None:
    before = stored(app)
    answer = say(host, content, type)
    assert (answer.status, answer.code, answer.error["field"]) == (400, "VALIDATION_ERROR", field)
    assert stored(app) == before
    assert say(host).status == 201


def test_a_drawing_has_at_most_64_kib(host: Seat, clock: Clock) -> None:
    empty = len('{"operations":[{"d":""}],"width":640,"height":480}')
    large = {"operations": [{"d": "x" * (64 * KIB - empty)}], "width": 640, "height": 480}
    assert say(host, large, "drawing").status == 201
    clock.advance(1)
    large["operations"][0]["d"] += "x"  # type: ignore[index]
    answer = say(host, large, "drawing")
    assert (answer.status, answer.code) == (413, "TOO_LARGE")
    many = {**DRAWING, "operations": [{}] * 5000}
    assert say(host, many, "drawing").status == 201
    deep: Any = {}
    for _ in range(70):
        deep = {"d": deep}
    assert say(host, {**DRAWING, "operations": [deep]}, "drawing").code == "VALIDATION_ERROR"


def test_an_image_that_nobody_uploaded_is_refused(host: Seat) -> None:
    answer = say(host, {"imageId": "x"}, "image")
    assert (answer.status, answer.code) == (404, "IMAGE_NOT_FOUND")


def test_a_room_in_which_people_talk_is_polled_quickly_for_a_while(
    seats: tuple[Seat, Seat], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest = seats
    monkeypatch.setattr(load, "holds_until", float("inf"))
    monkeypatch.setattr(load, "factor", 1.0)  # however busy this machine is
    clock.advance(11)
    assert host.poll(host.seq).data["pollAfterMs"] > 500
    say(guest)
    assert 200 < host.poll(host.seq).data["pollAfterMs"] < 300


def test_one_message_a_second_and_not_two(seats: tuple[Seat, Seat], clock: Clock) -> None:
    host, guest = seats
    assert say(host, "one").status == 201
    clock.advance(0.999)
    answer = say(host, "two")
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "RATE_LIMITED", "1")
    assert say(guest, "of another").status == 201
    # What was refused did not count.
    clock.advance(0.001)
    assert say(host, "three").status == 201
    assert texts(host) == ["one", "of another", "three"]


def test_a_deleted_message_still_counts_as_that_of_this_second(host: Seat, clock: Clock) -> None:
    delete(host, say(host).data["messageId"])
    assert say(host).status == 429


def test_a_clock_that_was_ahead_silences_nobody_for_long(host: Seat, clock: Clock) -> None:
    clock.advance(HOUR)
    say(host)
    clock.advance(-HOUR)
    assert say(host).status == 201


def test_a_retry_gives_the_first_message_before_any_limit(
    make_app: MakeApp, clock: Clock, one_second: None
) -> None:
    client = Api.of_app(make_app(POLLS_PER_SECOND=3))
    host = client.create_room()
    guest = client.join(host.code)
    first = say(host, "one", clientMsgId="m")
    assert first.status == 201
    for _ in range(5):
        again = say(host, "another", clientMsgId="m")
        assert (again.status, again.data) == (200, first.data)
    assert say(host, "one", clientMsgId="n").status == 429
    # The same id of another member, or of a signal, is another one.
    assert say(guest, "two", clientMsgId="m").status == 201
    assert host.send(guest, clientMsgId="m").status == 201
    assert texts(guest) == ["one", "two"]


def test_a_retry_is_known_after_a_deletion_a_reload_and_the_end(
    client: Api, host: Seat, clock: Clock
) -> None:
    first = say(host, clientMsgId="m")
    delete(host, first.data["messageId"])
    assert say(host, clientMsgId="m").data == first.data
    host = Seat(client, host.call("POST", "/rejoin").data)
    assert say(host, clientMsgId="m").data == first.data
    host.call("POST", "/end")
    again = say(host, clientMsgId="m")
    assert (again.status, again.data) == (200, first.data)
    assert say(host, clientMsgId="n").code == "ROOM_ENDED"
    assert texts(host) == []


def test_whoever_takes_the_id_of_a_former_member_is_another_author(
    client: Api, host: Seat, guest: Seat, clock: Clock
) -> None:
    first = say(guest, clientMsgId="m").data["messageId"]
    guest.call("POST", "/leave")
    later = client.join(host.code, "Gerda", participantId="guest")
    assert delete(later, first).code == "HOST_ONLY"
    answer = say(later, clientMsgId="m")
    assert answer.status == 201
    assert answer.data["messageId"] != first
    assert [message["name"] for message in history(later)["messages"]] == ["Gus", "Gerda"]


# Reading


def test_who_comes_later_reads_the_history_page_by_page(client: Api, host: Seat, clock: Clock) -> None:
    ids = []
    for n in range(7):
        ids.append(say(host, f"{n}").data["messageId"])
        clock.advance(1)
    delete(host, ids.pop(3))
    late = client.join(host.code)
    assert history(late, "?limit=2") == {"messages": history(late)["messages"][-2:], "more": True}
    assert texts(late, "?limit=2") == ["5", "6"]
    assert texts(late, f"?limit=3&before={ids[4]}") == ["1", "2", "4"]
    assert history(late, f"?limit=2&before={ids[2]}")["more"] is False
    assert texts(late, f"?before={ids[0]}") == []
    assert texts(late, f"?before={10**17}") == ["0", "1", "2", "4", "5", "6"]
    assert late.read() == []


def test_50_messages_are_given_unless_another_number_is_asked_for(
    app: Flask, host: Seat, clock: Clock
) -> None:
    for n in range(102):
        say(host, f"{n}")
        clock.advance(1)
    found = history(host)
    assert (len(found["messages"]), found["more"]) == (50, True)
    assert found["messages"][-1]["content"] == "101"
    found = history(host, "?limit=100")
    assert (len(found["messages"]), found["more"]) == (100, True)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=", "before=x", "before=-1", "before=1.5"]
)
def test_a_wrong_part_of_the_history_is_refused(host: Seat, query: str) -> None:
    answer = host.call("GET", f"/messages?{query}")
    assert (answer.status, answer.code) == (400, "VALIDATION_ERROR")
    assert answer.error["field"] == query.partition("=")[0]


def test_the_history_of_an_ended_room_can_be_read_but_not_changed(host: Seat, guest: Seat) -> None:
    message = say(host).data["messageId"]
    host.call("POST", "/end")
    assert texts(guest) == ["hello"]
    for answer in (say(guest), delete(host, message), react(guest, message)):
        assert (answer.status, answer.code) == (410, "ROOM_ENDED")


# Deleting


def test_only_the_author_and_the_host_delete_and_it_is_gone_for_all(
    app: Flask, client: Api, seats: tuple[Seat, Seat], clock: Clock
) -> None:
    host, guest = seats
    other = client.join(host.code, "Olga")
    old = other.seq
    message = say(guest, "a secret", clientMsgId="m").data["messageId"]
    kept = say(host, "kept").data["messageId"]
    react(other, message)
    react(other, kept)
    react(other, message, on=False)
    react(host, message, "fire")
    for seat in (host, guest, other):
        seat.read()
    assert delete(other, message).code == "HOST_ONLY"
    assert "a secret" in stored(app)
    assert delete(guest, message).data == {"deleted": True}
    assert delete(guest, message).data == {"deleted": True}
    assert delete(host, message).data == {"deleted": True}
    assert delete(other, message).code == "HOST_ONLY"
    for seat in (host, guest, other):
        assert events(seat) == [("message-deleted", "guest", {"messageId": message})]
        assert texts(seat) == ["kept"]
    assert "a secret" not in stored(app)
    # An old cursor meets what told of it.
    again = other.poll(old).data["messages"]
    assert [
        (event["fromId"], event["payload"]) for event in again if event["type"] != "participant-joined"
    ] == [
        (None, {"message": {"id": message}}),
        ("host", {"message": history(host)["messages"][0] | {"reactions": []}}),
        (None, {"messageId": message, "reactions": []}),
        (other.id, {"messageId": kept, "reactions": [{"emoji": "heart", "participantIds": [other.id]}]}),
        (None, {"messageId": message, "reactions": []}),
        (None, {"messageId": message, "reactions": []}),
        ("guest", {"messageId": message}),
    ]
    assert react(host, message).code == "MESSAGE_NOT_FOUND"
    assert delete(host, kept).status == 200
    assert texts(host) == []


@pytest.mark.parametrize("id", ["0", "1", "999999", "x", "-1", "1.5", "9" * 30, "%F0%9F%8E%89"])
def test_what_is_no_message_cannot_be_found(host: Seat, guest: Seat, id: str) -> None:
    for answer in (delete(host, id), react(host, id)):
        assert (answer.status, answer.code) == (404, "MESSAGE_NOT_FOUND")


def test_a_message_of_another_room_cannot_be_found(client: Api, host: Seat) -> None:
    other = client.create_room()
    for _ in range(3):
        client.join(other.code)
    message = say(other).data["messageId"]
    assert delete(host, message).code == "MESSAGE_NOT_FOUND"
    assert texts(host) == []


# Reacting


def test_reactions_are_seen_by_all_in_the_order_in_which_they_came(
    client: Api, seats: tuple[Seat, Seat], clock: Clock
) -> None:
    host, guest = seats
    message = say(host).data["messageId"]
    say(guest)
    both = {"emoji": "fire", "participantIds": ["guest", "host"]}
    assert react(guest, message, "fire").data == {"reactions": [{**both, "participantIds": ["guest"]}]}
    assert react(host, message, "fire").data == {"reactions": [both]}
    heart = {"emoji": "heart", "participantIds": ["guest"]}
    assert react(guest, message, "heart").data == {"reactions": [both, heart]}
    for seat in seats:
        seat.read()
    # Once more the same changes nothing.
    assert react(guest, message, "heart").data == {"reactions": [both, heart]}
    assert react(host, message, "star", on=False).data == {"reactions": [both, heart]}
    assert react(guest, message, "fire", on=False).data["reactions"] == [
        {**both, "participantIds": ["host"]},
        heart,
    ]
    for seat in seats:
        assert events(seat) == [
            (
                "message-reacted",
                "guest",
                {"messageId": message, "reactions": [{**both, "participantIds": ["host"]}, heart]},
            )
        ]
    assert [message["reactions"] for message in history(guest)["messages"]] == [
        [{**both, "participantIds": ["host"]}, heart],
        [],
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"emoji": "🎉", "on": True}, "emoji"),
        ({"emoji": "poop", "on": True}, "emoji"),
        ({"emoji": "heart"}, "on"),
        ({"emoji": "heart", "on": 1}, "on"),
        ({"on": True}, "emoji"),
    ],
)
def test_a_wrong_reaction_is_refused(host: Seat, body: Any, field: str) -> None:
    message = say(host).data["messageId"]
    answer = host.call("POST", f"/messages/{message}/react", body)
    assert (answer.code, answer.error["field"]) == ("VALIDATION_ERROR", field)


# Living


def test_a_message_lives_as_long_as_the_setting_says(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(MESSAGE_TTL_HOURS=1, ROOM_TTL_HOURS=100)
    host = Api.of_app(app).create_room()
    old = host.seq
    first = say(host, "a secret").data["messageId"]
    react(host, first)
    clock.advance(HOUR / 2)
    second = say(host, "later").data["messageId"]
    clock.advance(HOUR / 2 - 0.001)
    assert texts(host) == ["a secret", "later"]
    clock.advance(0.001)
    assert texts(host) == ["later"]
    assert react(host, first).code == delete(host, first).code == "MESSAGE_NOT_FOUND"
    with app.app_context():
        assert clean(app.extensions["party.database"], clock.now)["old messages removed"] == 1
    assert "a secret" not in stored(app)
    assert [event["payload"] for event in lasting(host.poll(old).data["messages"])] == [
        {"message": {"id": first}},
        {"messageId": first, "reactions": []},
        {"message": history(host)["messages"][0]},
    ]
    assert history(host)["messages"][0]["id"] == second


def test_messages_go_with_their_room(app: Flask, host: Seat, clock: Clock) -> None:
    react(host, say(host, "a secret").data["messageId"])
    host.call("POST", "/end")
    clock.advance(25 * HOUR)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)
    assert stored(app) == repr([[]] * 7)


# Who


def test_nobody_without_a_token_of_this_room_reads_or_says_anything(client: Api, host: Seat) -> None:
    other = client.create_room()
    for token, code in ((None, "TOKEN_REQUIRED"), ("x", "TOKEN_INVALID"), (other.token, "NOT_A_MEMBER")):
        for method in ("GET", "POST"):
            body = {"type": "text", "content": "x"} if method == "POST" else None
            assert client.request(method, f"/rooms/{host.code}/messages", body, token=token).code == code
