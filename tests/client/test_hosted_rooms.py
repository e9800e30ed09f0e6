"""Rooms that a host runs, in real browsers: asking to be let in, presence, another host."""

import pytest

from tests.support import tabs
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab, exchange

service = tabs.service
pair = tabs.pair

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def presence(tab: Tab, other: Tab, is_what: str) -> None:
    """A tab sees another one as so present."""
    condition = "party.participants.find(({ id }) => id === arg[0])?.presence === arg[1]"
    tab.wait(condition, [other.id, is_what], seconds=10)


def ask(tab: Tab, code: str, participant_id: str, **options: object) -> None:
    """Join a room with a lobby."""
    fields = {"name": participant_id.title(), "participantId": participant_id, **options}
    assert tab.enter("join", code, fields) == {"code": code, "id": participant_id, "isHost": False}
    assert tab.get("[party.phase, party.role, party.participants]") == ["waiting", "guest", []]


def test_who_is_let_in_connects_to_everybody(service: Server, open_tab: MakeTab) -> None:
    ada, ben, cleo = (open_tab(service) for _ in range(3))
    code = ada.create(approval=True, seats=2)
    ask(ben, code, "ben", seat=1)
    ada.wait("party.requests.map(({ id }) => id).join() === 'ben'")
    ada.run("await party.approve('ben', true)")
    ben.wait("party.phase === 'joined'")
    assert ben.get("party.participants.map(({ id, role, seat }) => [id, role, seat])") == [
        ["ada", "host", None],
        ["ben", "player", 1],
    ]
    ben.wait("harness.opened.ada === 1")
    exchange(ada, ben)
    # Who waits comes back after a reload as who waits, and as a member once it was let in.
    ask(cleo, code, "cleo", spectate=True)
    cleo.page.evaluate("location.reload()")
    cleo.wait("globalThis.harness?.loads === 2")
    cleo.resume()
    assert cleo.get("party.phase") == "waiting"
    ada.run("await party.approve('cleo', true)")
    cleo.wait("harness.opened.ada === 1 && harness.opened.ben === 1")
    assert cleo.get("party.role") == "spectator"
    assert ada.get("party.requests") == []
    for tab in (ada, ben, cleo):
        assert tab.get("harness.errors") == []


def test_who_is_not_let_in_is_told_why(service: Server, open_tab: MakeTab) -> None:
    ada, ben, cleo, dora = (open_tab(service) for _ in range(4))
    code = ada.create(approval=True)
    for tab, name in ((ben, "ben"), (cleo, "cleo"), (dora, "dora")):
        tab.may_fail_requests = True
        ask(tab, code, name)
    ada.wait("party.requests.length === 3")
    ada.run("await party.approve('ben', false)")
    ada.run("await party.ban('cleo')")
    dora.run("await party.leave()")
    ben.wait("harness.ended.join() === 'rejected'")
    cleo.wait("harness.ended.join() === 'banned'")
    assert dora.get("harness.ended") == ["left"]
    ada.wait("party.requests.length === 0")
    # Another name and another id, but the same browser.
    refused = cleo.enter("join", code, {"name": "Somebody"})
    assert refused == {"isApiError": True, "code": "BANNED", "status": 403}


def test_a_page_that_goes_is_away_at_once_and_back_with_its_first_poll(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    presence(ada, ben, "online")
    ben.page.goto("about:blank")
    presence(ada, ben, "away")
    ben.page.go_back()
    ben.wait("globalThis.harness !== undefined")
    if ben.get("party === null"):  # otherwise the browser has kept the page as it was
        ben.resume()
    presence(ada, ben, "online")


def test_the_host_runs_the_room_and_hands_it_over(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    ada.run("await party.setSettings({ name: 'Chess club', approval: true, seats: 2 })")
    ben.wait("party.settings.name === 'Chess club' && party.settings.approval")
    ben.run("await party.setRole('player', { seat: 0 })")
    ben.run("await party.rename('Benno')")
    ada.wait("party.participants.some(({ name, seat }) => name === 'Benno' && seat === 0)")
    ada.run("await party.handOver('ben')")
    ben.wait("party.isHost && party.room.hostName === 'Benno'")
    ada.wait("!party.isHost && party.role === 'player'")
    ben.run("await party.setSettings({ locked: true })")
    ada.wait("party.settings.locked")
    exchange(ada, ben)
    assert ada.get("harness.opened.ben") == ben.get("harness.opened.ada") == 1
    ada.run("await party.leave()")
    ben.wait("party.participants.length === 1")
    assert ben.get("harness.ended") == []


def test_rooms_that_want_to_be_found_are_listed(service: Server, open_tab: MakeTab) -> None:
    ada, ben = open_tab(service), open_tab(service)
    code = ada.create(listed=True, gameType="chess-test", roomName="Chess club")
    listed = ben.get("await harness.Party.list({ gameType: 'chess-test', limit: 1 })")
    assert [(room["code"], room["name"]) for room in listed["rooms"]] == [(code, "Chess club")]
    assert listed["next"] is None
