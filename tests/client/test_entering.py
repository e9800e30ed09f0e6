"""Entering and leaving in browsers as they are: several pages of one origin, no WebRTC, no network."""

import pytest
from playwright.sync_api import Browser, Frame, Page

from tests.support import tabs
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab, exchange, wait_connected

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
service = tabs.service
pair = tabs.pair


def enter(page: Page | Frame, *args: object) -> dict[str, object] | None:
    """What `Tab.enter` does, in a page that another one has opened."""
    page.wait_for_function("globalThis.harness !== undefined")
    found: dict[str, object] | None = page.evaluate("(args) => harness.enter(...args)", list(args))
    return found


def test_a_window_that_a_page_opens_does_not_take_its_seat(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    with ada.page.expect_popup() as opened:
        ada.page.evaluate("void open(location.href)")
    popup = opened.value
    assert popup.evaluate("Object.keys(sessionStorage).some((key) => key.startsWith('party'))")
    assert enter(popup, "resume") is None
    entered = enter(popup, "create", {"name": "Cleo", "participantId": "cleo"})
    assert entered is not None
    exchange(ada, ben)
    assert ada.get("harness.ended") == []
    # Each comes back to its own room.
    popup.reload()
    assert enter(popup, "resume") == entered
    ada.reload()
    ben.wait("harness.opened.ada >= 2")
    wait_connected(ada, ben)
    exchange(ada, ben)


def test_frames_of_one_page_have_seats_of_their_own(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    frames = (
        "document.body.append(...[1, 2].map(() => Object.assign(document.createElement('iframe'), { src })))"
    )
    ada.run(f"const src = location.href; {frames}")
    found = ada.page.frames[1:]
    assert [enter(frame, "resume") for frame in found] == [None, None]
    names = ("cleo", "dora")
    for frame, name in zip(found, names, strict=True):
        assert enter(frame, "join", ada.code, {"name": name, "participantId": name})
    ben.wait("harness.opened.cleo === 1 && harness.opened.dora === 1")
    for frame, name in zip(found, names, strict=True):
        frame.evaluate("location.reload()")
        frame.wait_for_function("globalThis.harness?.loads > 1 && !harness.party")
        entered = enter(frame, "resume")
        assert entered is not None
        assert entered["id"] == name
    ben.wait("harness.opened.cleo >= 2 && harness.opened.dora >= 2")
    ada.expected.clear()
    ada.page.reload()
    ada.wait("globalThis.harness !== undefined")
    ada.resume()
    assert ada.id == "ada"


def test_a_seat_is_free_again_when_its_page_has_ended_or_is_gone(service: Server, open_tab: MakeTab) -> None:
    ada = open_tab(service)
    ada.create()
    with ada.page.expect_popup() as opened:
        ada.page.evaluate("void open(location.href)")
    popup = opened.value
    assert enter(popup, "resume") is None
    ada.page.goto("about:blank")
    found = enter(popup, "resume")
    assert found is not None
    assert found["id"] == "ada"
    ada.page.go_back()
    ada.wait("globalThis.harness?.loads === 2")
    assert ada.enter("resume") is None
    popup.evaluate("harness.party.leave()")
    assert enter(popup, "resume") is None


def test_without_webrtc_and_without_the_relay_no_room_is_made(
    browser: Browser, origin: str, service: Server
) -> None:
    ada = Tab(browser, origin, service.url, script="delete globalThis.RTCPeerConnection")
    asked: list[str] = []
    ada.page.on("request", lambda request: asked.append(request.url))
    found = ada.enter("create", {"name": "Ada", "relay": False})
    assert found == {"isApiError": True, "code": "NO_WEBRTC", "status": 0}
    assert asked == []
    ada.page.context.close()


def test_who_leaves_without_network_is_seen_to_leave_when_it_is_back(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    ben.may_fail_requests = True
    ben.page.context.set_offline(True)
    code = ben.run("return party.leave().then(() => 'left', ({ code }) => code)")
    assert (code, ben.get("harness.ended")) == ("NETWORK", ["left"])
    assert ada.get("party.participants.length") == 2
    ben.page.context.set_offline(False)
    ada.wait("party.participants.length === 1", seconds=20)


def test_options_that_there_are_not_are_refused(service: Server, open_tab: MakeTab) -> None:
    ada = open_tab(service)
    for options in ("{ name: 'Ada', topology: 'ring' }", "{ name: 'Ada', colour: 'red' }"):
        refusal = ada.run(f"return harness.Party.create({options}).catch((error) => String(error))")
        assert refusal.startswith("TypeError: Party.create")
