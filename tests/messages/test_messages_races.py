"""Messages over several server processes at once."""

import time

import pytest

from tests.conftest import MakeServer
from tests.messages.test_messages import delete, events, react, say, texts
from tests.rooms.test_races import at_once
from tests.support.peers import Api


@pytest.fixture
def api(shared_server: MakeServer) -> Api:
    """Calls to three processes."""
    return Api.of_url(shared_server(workers=3, threads=8).url)


def test_of_messages_that_come_at_once_one_a_second_is_posted(api: Api) -> None:
    host = api.create_room()
    guest = api.join(host.code)
    for second in range(3):
        answers = at_once([lambda n=n: say(host, f"{n}") for n in range(8)])  # type: ignore[misc]
        assert sorted(answer.status for answer in answers) == [201] + [429] * 7
        assert len(texts(guest)) == second + 1
        time.sleep(1.05)
    assert len([event for event in events(guest) if event[0] == "message-posted"]) == 3


def test_retries_that_come_at_once_make_one_message(api: Api) -> None:
    host = api.create_room()
    host.read()
    answers = at_once([lambda: say(host, "once", clientMsgId="m")] * 8)
    assert sorted(answer.status for answer in answers) == [200] * 7 + [201]
    assert len({answer.data["messageId"] for answer in answers}) == 1
    assert [event[0] for event in events(host)] == ["message-posted"]


def test_reactions_that_come_at_once_all_count_and_none_outlives_its_message(api: Api) -> None:
    host = api.create_room()
    guests = [api.join(host.code) for _ in range(7)]
    message = say(host).data["messageId"]
    answers = at_once([lambda seat=seat: react(seat, message) for seat in guests])  # type: ignore[misc]
    assert {answer.status for answer in answers} == {200}
    (reaction,) = react(host, message, "heart", on=False).data["reactions"]
    assert sorted(reaction["participantIds"]) == sorted(seat.id for seat in guests)
    at_once(
        [
            lambda: delete(host, message),
            *(lambda seat=seat: react(seat, message, "star") for seat in guests),
        ]
    )
    told = [payload for type, _, payload in events(host) if type == "message-reacted"]
    assert all(payload["reactions"] == [] for payload in told if payload["messageId"] == message)
