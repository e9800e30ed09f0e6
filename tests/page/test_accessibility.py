"""The demo page for everybody: axe finds nothing in any state, and nothing covers anything at any width."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.accessibility import COVERED, DESKTOP, PHONE, expect_accessible
from tests.support.page import OpenPage, fill_room
from tests.support.server import Server
from tests.support.visitors import Visitor

SEVEN = ["Ben", "Cleo", "Dora", "Emil", "A name of no less than fifty characters, all of th", "Gül", "文子"]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_in_any_state_of_the_page(
    url: str, open_page: OpenPage, viewport: dict[str, int], color_scheme: str
) -> None:
    # Without motion: a dot that fades has another contrast at every moment.
    host = Visitor(open_page(viewport=viewport, color_scheme=color_scheme, reduced_motion="reduce"))
    guest = Visitor(open_page(viewport=viewport, color_scheme=color_scheme, reduced_motion="reduce"))
    page = host.page
    page.goto(url)
    expect(page.locator("#lobby")).to_be_visible()
    expect_accessible(page, "the lobby")

    code = host.create(url, "Ada", password="open sesame")
    expect(page.locator("#room-password")).to_be_visible()
    expect_accessible(page, "alone in a room with a password")
    guest.page.goto(f"{url}#{code}")
    expect(guest.page.locator("#join-room")).to_contain_text("Ada")
    expect_accessible(guest.page, "invited")
    guest.join(url, code, "Ben", password="guess")
    expect(guest.page.get_by_role("alert")).to_contain_text("password")
    expect_accessible(guest.page, "refused")
    guest.join(url, code, "Ben", password="open sesame")
    host.expect_connected("Ben")
    expect_accessible(page, "together")

    page.locator("#camera").click()
    expect(guest.page.get_by_role("figure")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    for visitor, other in ((host, guest), (guest, host)):
        author = "Ada" if visitor is host else "Ben"
        visitor.say(f"{author} says hello")
        other.expect_message(author, f"{author} says hello")
    page.get_by_role("heading", name="Raw stream").click()
    page.locator("#raw-stream summary").first.click()
    expect_accessible(page, "a room in which everything has happened")
    expect_accessible(guest.page, "the same as a guest")
    for kind in ("trouble", "good"):
        page.locator("#banner").evaluate(
            "(banner, kind) => Object.assign(banner, { textContent: 'News' }).dataset.kind = kind", kind
        )
        expect_accessible(page, f"a banner of {kind}")
    for name in ("Remove Ben", "Close the room"):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        expect_accessible(page, f"asked: {name}")
        page.keyboard.press("Escape")
    host.press_and_confirm("Close the room")
    expect(guest.page.get_by_role("alert")).to_have_text("The room was closed.")
    expect_accessible(page, "after closing")
    expect_accessible(guest.page, "after the end")


def covered_at(widths: range, page: Page) -> dict[int, Any]:
    """What covers what, by the width of the window."""
    session = page.context.new_cdp_session(page)
    found = {}
    for width in widths:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        session.send("Emulation.setDeviceMetricsOverride", metrics)
        inner_width, covered = page.evaluate(COVERED)
        assert inner_width == width
        if covered:
            found[width] = covered
    return found


def test_nothing_covers_anything_in_the_lobby(url: str, open_page: OpenPage) -> None:
    host = Visitor(open_page())
    host.page.goto(url)
    host.page.get_by_text("More settings").click()
    host.page.get_by_role("checkbox", name="Anyone may find it").check()
    code = host.create("", "A name of no less than fifty characters, all of th", "secret")
    page = open_page()
    page.goto(f"{url}#{code}")
    expect(page.locator("#join-room")).to_contain_text("1 of 20")
    page.get_by_text("Rooms that anyone may find").click()
    expect(page.locator("#listed li").first).to_be_visible()
    page.get_by_text("More settings").click()
    assert covered_at(range(320, 1401, 8), page) == {}


def test_nothing_covers_anything_in_a_room_at_any_width(
    service: Server, url: str, open_page: OpenPage
) -> None:
    host = Visitor(open_page())
    fill_room(service, host.create(url, "Ada"), SEVEN)
    expect(host.page.locator("#participants li")).to_have_count(8)
    expect(host.page.get_by_role("log").locator("li")).to_have_count(7)
    assert covered_at(range(320, 1401), host.page) == {}


@pytest.mark.parametrize("people", [1, 8, 20])
def test_send_is_at_the_bottom_of_its_card_and_within_reach(
    service: Server, url: str, open_page: OpenPage, people: int
) -> None:
    host = Visitor(open_page(viewport=DESKTOP))
    fill_room(service, host.create(url, "Ada"), [f"Guest {n}" for n in range(1, people)])
    expect(host.page.locator("#participants li")).to_have_count(people)
    below, height, log = host.page.evaluate("""() => {
      const box = (selector) => document.querySelector(selector).getBoundingClientRect();
      return [box(".chat").bottom - box("#send").bottom, box(".chat").height, box("[role=log]").height];
    }""")
    assert 0 < below < 32
    assert height < DESKTOP["height"]
    assert log > 200
