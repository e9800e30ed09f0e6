"""The oldest browsers that docs/client.md names: what came later is taken away from Chromium."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import MakeServer
from tests.support import tabs
from tests.support.old_browser import TAKE_AWAY
from tests.support.server import ROOT, Server
from tests.support.tabs import MakeTab, Tab, exchange, wait_connected
from tests.support.visitors import Visitor

service = tabs.service

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def open_old_tab(open_tab: MakeTab) -> MakeTab:
    """Opens tabs of an old browser."""

    def make(service: Server) -> Tab:
        return open_tab(service, script=TAKE_AWAY)

    return make


def test_two_old_browsers_connect_talk_and_come_back(service: Server, open_old_tab: MakeTab) -> None:
    ada, ben = open_old_tab(service), open_old_tab(service)
    for tab in (ada, ben):
        assert (
            tab.get("[[].findLast, Object.hasOwn, globalThis.structuredClone, navigator.locks]") == [None] * 4
        )
    ben.join(ada.create(), "ben")
    wait_connected(ada, ben)
    exchange(ada, ben)
    # A reconnection needs signals while a poll may be under way: it is given up.
    ada.run("party.reconnect('ben')")
    wait_connected(ada, ben, openings=2)
    ada.run("await harness.getCamera(); harness.addCamera()")
    ben.wait("harness.playing('ada').join() === 'audio,video'")
    ben.reload()
    ada.wait("harness.opened.ben >= 3")
    wait_connected(ada, ben)
    exchange(ada, ben)
    assert ada.get("harness.errors") == ben.get("harness.errors") == []


def test_an_old_browser_gives_a_held_poll_up_to_send(
    server: MakeServer, origin: str, open_old_tab: MakeTab
) -> None:
    service = server(workers=2, ALLOWED_ORIGINS=origin, LONG_POLL_SECONDS=20)
    ada, ben = open_old_tab(service), open_old_tab(service)
    ben.join(ada.create(), "ben")
    wait_connected(ada, ben)
    ada.run("party.reconnect('ben')")
    wait_connected(ada, ben, openings=2)
    ben.run("await party.leave()")
    ada.wait("party.participants.length === 1")
    assert ada.get("harness.errors") == ben.get("harness.errors") == []


def test_the_demo_page_works_in_old_browsers(shared_server: MakeServer, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    url = f"{shared_server(workers=2, DEMO=True).url}/"
    for visitor in (ada, ben):
        visitor.page.add_init_script(TAKE_AWAY)
    ben.join(url, ada.create(url, "Ada"), "Ben")
    ada.expect_connected("Ben")
    ada.say("hello")
    ben.expect_message("Ada", "hello")
    ben.page.get_by_role("button", name="Leave").click()
    expect(ada.page.locator("#participants li")).to_have_count(1)


def test_the_documentation_names_the_oldest_browsers(engine: str) -> None:
    text = (ROOT / "docs" / "client.md").read_text()
    assert re.search(r"Safari 15\b.*Chrome 99\b.*Firefox 113\b", text)
