"""A card game's deal in real browsers: nobody is ever sent another one's cards."""

import pytest
from playwright.sync_api import Response

from tests.support import tabs
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab

service = tabs.service

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

PLAYERS = ("ada", "ben", "cleo")
# Nobody connects: a deal goes through the service alone.
ALONE = {"topology": "none"}


def listen(tab: Tab) -> list[str]:
    """All that the service answers to this tab from now on."""
    heard: list[str] = []

    def hear(response: Response) -> None:
        if "/signal/" in response.url or "/rooms" in response.url:
            try:
                heard.append(response.text())
            except Exception:  # a poll that the page gave up
                heard.append("")

    tab.page.on("response", hear)
    return heard


def test_each_player_sees_its_own_hand_only_whatever_happens(service: Server, open_tab: MakeTab) -> None:
    dealer, ada, ben, cleo, sue = (open_tab(service) for _ in range(5))
    code = dealer.create("dealer", **ALONE)
    players = dict(zip(PLAYERS, (ada, ben, cleo), strict=True))
    heard = {}
    for id, tab in players.items():
        heard[id] = listen(tab)
        tab.join(code, id, **ALONE)
    heard["sue"] = listen(sue)
    sue.join(code, "sue", spectate=True, **ALONE)

    def deal(round: int) -> None:
        body = """await Promise.all(arg.map(([id, cards]) =>
          party.setState({ [`hand-of-${id}`]: cards }, { visibleTo: [id] })));
          await party.setState({ round: arg.length });"""
        dealer.run(body, [[id, [f"card-of-{id}-{round}"]] for id in PLAYERS])
        for id, tab in players.items():
            condition = "party.state.room[`hand-of-${arg[0]}`]?.value[0] === `card-of-${arg[0]}-${arg[1]}`"
            tab.wait(condition, [id, round])
        sue.wait("party.state.room.round?.value === 3")

    def check() -> None:
        for tab, id in ((sue, "sue"), *((tab, id) for id, tab in players.items())):
            tab.run("await party.messages()")
            known = tab.get("JSON.stringify([party.state, party.room, party.trace])")
            for other in set(PLAYERS) - {id}:
                assert f"-of-{other}" not in known + "".join(heard[id]), f"{id} knows of {other}'s hand"
            assert (id == "sue") == (f"card-of-{id}" not in known)

    deal(1)
    check()
    ben.reload()
    ben.wait("party.state.room['hand-of-ben'].value[0] === 'card-of-ben-1'")
    check()
    # In another role one sees what names one, and no more.
    dealer.run("await party.setRole('player', { participantId: 'sue' })")
    dealer.run("await party.setRole('spectator', { participantId: 'cleo' })")
    sue.wait("party.role === 'player'")
    cleo.wait("party.role === 'spectator'")
    deal(2)
    check()
    # A new host sees all of the room; the old one is a player, and sees none of it any more.
    del players["ada"]
    heard["dealer"] = []
    dealer.run("await party.handOver('ada')")
    ada.wait("party.isHost && party.state.room['hand-of-cleo']?.value[0] === 'card-of-cleo-2'")
    dealer.wait("!party.isHost && Object.keys(party.state.room).join() === 'round'")
    for tab in (ben, cleo, sue):
        tab.wait("party.room.hostId === 'ada'")
    check()
    assert [tab.get("harness.errors") for tab in (dealer, ada, ben, cleo, sue)] == [[]] * 5
