"""Pages that stand still or crash, in real browsers: the place is kept or becomes free, another one is host.

The times are short: a place is kept for some seconds. tests/rooms/test_phones.py has long sleeps, and many.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Error

from tests.conftest import MakeServer
from tests.support.browser import launch
from tests.support.processes import needs
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab

pytestmark = [
    pytest.mark.parametrize("engine", ["sqlite"], indirect=True),
    pytest.mark.needs("quiz"),
]

QUIZ = {"questions": [{"question": "?", "answers": ["a", "b"], "correct": 0}] * 3}


@pytest.fixture
def service(shared_server: MakeServer, origin: str) -> Server:
    """A service that soon takes somebody for absent."""
    return shared_server(
        workers=2,
        ALLOWED_ORIGINS=origin,
        ONLINE_SECONDS=4,
        HOST_GONE_AFTER_SECONDS=4,
        DISCONNECTED_AFTER_SECONDS=8,
        SEAT_FREED_AFTER_SECONDS=16,
    )


@pytest.fixture
def phone(browser: Browser) -> Iterator[Browser]:
    """Another Chromium, which can be frozen by itself."""
    with launch(browser.browser_type, needs("chromium", "chromium")) as started:
        yield started


@contextmanager
def frozen(phone: Browser) -> Iterator[None]:
    """The processes of its pages stand still, as those of a phone in a pocket."""
    found = phone.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [process["id"] for process in found if process["type"] == "renderer"]
    assert renderers
    for pid in renderers:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in renderers:
            os.kill(pid, signal.SIGCONT)


def presence(tab: Tab, other: Tab, is_what: str) -> None:
    """A tab sees another one as so present."""
    tab.wait("party.participants.find(({ id }) => id === arg[0])?.presence === arg[1]", [other.id, is_what])


def test_a_page_that_stands_still_keeps_its_place_for_a_while(
    service: Server, phone: Browser, open_tab: MakeTab
) -> None:
    ada, ben, cleo = open_tab(service), open_tab(service, phone), open_tab(service)
    ben.join(ada.create(seats=2, maxParticipants=2, quizData=QUIZ), "ben", seat=1)
    ada.run("await party.start()")
    ben.wait("party.room.status === 'playing'")
    ben.run("await party.answer({ answerIndex: 0, timeMs: 100 })")
    ada.wait("party.participants.some(({ score }) => score > 0)")
    places = "party.participants.map(({ id, seat, score }) => [id, seat, score])"
    before = ada.get(places)
    with frozen(phone):
        presence(ada, ben, "away")
        assert ada.get(places) == before
    presence(ada, ben, "online")
    assert ben.get(places) == before
    assert ben.get("harness.ended") == []
    ben.may_fail_requests = True  # its token will be dead
    ada.may_fail_requests = True  # until she is told that he is gone, she still signals to him (404)
    with frozen(phone):
        ada.wait("party.participants.length === 1")
        # Its place is for somebody else now.
        cleo.join(ada.code, "cleo", seat=1)
    ben.wait("harness.ended.join() === 'absent'")
    assert ada.get("harness.errors") == cleo.get("harness.errors") == []


def test_another_is_host_when_the_hosts_page_has_crashed(
    service: Server, open_tab: MakeTab, browser: Browser, origin: str
) -> None:
    ada, ben, cleo = Tab(browser, origin, service.url), open_tab(service), open_tab(service)
    code = ada.create(hostGone="promote", quizData=QUIZ)
    ben.join(code, "ben")
    cleo.join(code, "cleo")
    ada.run("await party.start()")
    cleo.wait("party.room.status === 'playing'")
    session = ada.page.context.new_cdp_session(ada.page)
    with pytest.raises(Error, match="ERR_ABORTED"):
        ada.page.goto("chrome://crash")
    ben.wait("party.isHost")
    ben.run("await party.next()")
    cleo.wait("party.room.currentQuestion === 1 && party.room.hostId === 'ben'")
    # Playwright takes a tab that has crashed for lost; the browser does not.
    session.send("Page.reload")
    ben.page.wait_for_timeout(500)
    came_back = """(async () => {
      while (!globalThis.harness) await new Promise((resolve) => setTimeout(resolve, 30));
      await harness.enter("resume");
      return `${harness.loads} ${harness.party.id} ${harness.party.role}`;
    })()"""
    found = session.send(
        "Runtime.evaluate", {"expression": came_back, "awaitPromise": True, "returnByValue": True}
    )
    assert found["result"].get("value") == "2 ada player", found
    presence(ben, ada, "online")
    assert ben.get("party.isHost")
    ada.page.context.close()
