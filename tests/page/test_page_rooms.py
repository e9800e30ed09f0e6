"""Rooms that a host runs, on the demo page: who asks to come in, and what the host does about it."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.support.accessibility import COVERED, DESKTOP, PHONE, expect_accessible
from tests.support.page import OpenPage
from tests.support.visitors import Visitor


def open_with_lobby(host: Visitor, url: str, name: str, seats: int = 0) -> str:
    """Open a room whose host lets people in; its code."""
    host.page.goto(url)
    form = host.page.locator("#create-form")
    form.get_by_label("I let people in one by one").check()
    if seats:
        form.get_by_text("More settings").click()
        form.get_by_label("Numbered seats").fill(str(seats))
    form.get_by_label("Your name").fill(name)
    form.get_by_role("button").click()
    code = host.page.locator("#room-code")
    expect(code).to_have_text(re.compile("^[A-HJKMNP-Z2-9]{6}$"))
    return code.inner_text()


def ask(guest: Visitor, url: str, code: str, name: str, *, watch: bool = False) -> None:
    """Ask to be let in, by the link."""
    guest.page.goto(f"{url}#{code}")
    expect(guest.page.locator("#join-room")).to_contain_text("lets people in")
    if watch:
        guest.page.get_by_label("Only watch").check()
    guest.page.locator("#join-form").get_by_label("Your name").fill(name)
    guest.page.locator("#join").click()
    expect(guest.page.locator("#waiting")).to_be_visible()


def person(visitor: Visitor, name: str) -> Locator:
    """Somebody's line in a visitor's list of people."""
    return visitor.page.locator("#participants li, #spectators li").filter(has_text=name)


def choose(visitor: Visitor, name: str, action: str) -> None:
    """Do something with somebody."""
    line = person(visitor, name)
    line.locator("summary").click()
    line.get_by_role("button", name=f"{action}: {name}").click()


def test_the_host_lets_people_in_and_refuses_them(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = open_with_lobby(ada, url, "Ada")
    ask(ben, url, code, "Ben")
    expect(ben.page.locator("#waiting-text")).to_have_text("Ada will let you in.")
    expect(ben.page.get_by_role("heading", name="Waiting to be let in")).to_be_focused()
    ask(cleo, url, code, "Cleo", watch=True)
    expect(cleo.page.locator("#waiting-spectator")).to_be_visible()
    expect(ada.page.locator("#announcer")).to_have_text("Cleo asks to come in.")
    ada.page.get_by_role("button", name="Refuse Ben").press("Enter")
    expect(ben.page.get_by_role("alert")).to_have_text("The host does not let you in.")
    ada.page.get_by_role("button", name="Let Cleo in").press("Enter")
    expect(ada.page.locator("#people-title")).to_be_focused()
    expect(cleo.page.locator("#people-title")).to_be_focused()
    ada.expect_connected("Cleo")
    expect(ada.page.locator("#spectators li")).to_have_count(1)
    expect(cleo.page.get_by_text("They see and say everything")).to_be_visible()
    for visitor in visitors:
        visitor.complaints = [text for text in visitor.complaints if "401" not in text]


def test_all_who_wait_are_let_in_at_once(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = open_with_lobby(ada, url, "Ada")
    ask(ben, url, code, "Ben")
    ask(cleo, url, code, "Cleo")
    ben.page.reload()
    expect(ben.page.locator("#waiting")).to_be_visible()
    ada.page.get_by_role("button", name="Let all in").click()
    for visitor, others in ((ada, ("Ben", "Cleo")), (ben, ("Ada", "Cleo")), (cleo, ("Ada", "Ben"))):
        visitor.expect_connected(*others)
    expect(ada.page.locator("#requests")).to_be_hidden()


def test_the_host_runs_the_room(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = open_with_lobby(ada, url, "Ada", seats=2)
    ask(ben, url, code, "Ben")
    ada.page.get_by_role("button", name="Let Ben in").click()
    ada.expect_connected("Ben")
    expect(person(ada, "Ben")).to_contain_text("seat 1")
    person(ben, "Ben").locator("summary").click()
    person(ben, "Ben").get_by_label("Seat").select_option("seat 2")
    expect(person(ada, "Ben")).to_contain_text("seat 2")
    choose(ada, "Ben", "Only watch")
    expect(ben.page.locator("#spectators li")).to_have_count(1)
    person(ada, "Ben").get_by_role("button", name="Play: Ben").click()
    expect(ben.page.locator("#participants li")).to_have_count(2)

    ada.page.get_by_role("button", name="Lock the room").click()
    expect(ada.page.get_by_role("button", name="Lock the room")).to_have_attribute("aria-pressed", "true")
    cleo.page.goto(f"{url}#{code}")
    expect(cleo.page.locator("#join-room")).to_contain_text("It is locked")

    person(ada, "Ben").get_by_role("button", name="Rename: Ben").click()
    field = ada.page.get_by_role("dialog").get_by_label("Name")
    expect(field).to_be_focused()
    field.fill("Benno")
    field.press("Enter")
    expect(person(ben, "Benno")).to_have_count(1)

    person(ada, "Benno").get_by_role("button", name="Make host: Benno").click()
    ada.page.get_by_role("dialog").locator("#question-yes").click()
    expect(ben.page.get_by_role("button", name="Close the room")).to_be_visible()
    expect(ada.page.get_by_role("button", name="Leave")).to_be_visible()
    expect(ada.page.locator("#host-tools")).to_be_hidden()
    choose(ben, "Ada", "Ban")
    ben.page.get_by_role("dialog").locator("#question-yes").click()
    expect(ada.page.get_by_role("alert")).to_have_text("The host has removed you from the room, for good.")
    ada.complaints = [text for text in ada.complaints if "401" not in text]


def test_a_room_is_named_listed_and_changed(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    ada.page.goto(url)
    form = ada.page.locator("#create-form")
    form.get_by_label("Your name").fill("Ada")
    form.get_by_text("More settings").click()
    form.get_by_label("Name of the room").fill("Chess club")
    form.get_by_label("Kind of game").fill("chess")
    form.get_by_label("Places").fill("3")
    form.get_by_label("Anyone may find it").check()
    form.get_by_role("button").click()
    expect(ada.page.locator("#room-name")).to_have_text("Chess club")
    ben.page.goto(url)
    ben.page.get_by_text("Rooms that anyone may find").click()
    found = ben.page.locator("#listed li").filter(has_text="Chess club")
    expect(found).to_contain_text("chess, Ada, 1 of 3 there")
    found.get_by_role("link").click()
    expect(ben.page.locator("#join-room")).to_contain_text("Chess club: Ada")
    ben.page.locator("#join-form").get_by_label("Your name").fill("Ben")
    ben.page.locator("#join").click()
    ben.expect_connected("Ada")

    ada.page.get_by_role("button", name="Settings").click()
    dialog = ada.page.get_by_role("dialog")
    expect(dialog.get_by_label("Places")).to_have_value("3")
    expect(dialog.get_by_label("Anyone may find it")).to_be_checked()
    dialog.get_by_label("Numbered seats").fill("2")
    dialog.get_by_label("Name of the room").fill("")
    dialog.get_by_role("button", name="Cancel").click()
    expect(ada.page.locator("#room-name")).to_have_text("Chess club")
    ada.page.get_by_role("button", name="Settings").click()
    expect(dialog.get_by_label("Name of the room")).to_have_value("Chess club")
    dialog.get_by_label("Name of the room").fill("Go club")
    dialog.get_by_label("Places").fill("4")
    dialog.get_by_label("Numbered seats").fill("4")
    dialog.get_by_label("Anyone may find it").uncheck()
    dialog.get_by_role("button", name="Save").click()
    expect(ben.page.locator("#room-name")).to_have_text("Go club")
    changed = "(code) => fetch(`rooms/${code}`).then((answer) => answer.json()).then(({ data }) => data)"
    preview = ben.page.evaluate(changed, ada.page.locator("#room-code").inner_text())
    assert (preview["gameType"], preview["maxParticipants"]) == ("chess", 4)


def test_a_room_goes_on_without_its_host(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    ada.page.goto(url)
    ada.page.get_by_label("It goes on without me").check()
    ben.join(url, ada.create("", "Ada"), "Ben")
    ben.expect_connected("Ada")
    expect(ada.page.get_by_role("button", name="Close the room")).to_be_visible()
    ada.page.get_by_role("button", name="Leave").click()
    expect(ada.page.locator("#banner")).to_have_text("You have left the room.")
    expect(ben.page.locator("#announcer")).to_have_text("Ben is the host now.")
    ben.press_and_confirm("Close the room")


def test_who_closes_the_page_is_shown_to_be_away(url: str, pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    ben.page.goto("about:blank")
    expect(person(ada, "Ben")).to_contain_text("away")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_in_any_state_of_a_room_with_a_lobby(
    url: str, open_page: OpenPage, viewport: dict[str, int], color_scheme: str
) -> None:
    host, ben, cleo = (
        Visitor(open_page(viewport=viewport, color_scheme=color_scheme, reduced_motion="reduce"))
        for _ in range(3)
    )
    code = open_with_lobby(host, url, "Ada", seats=3)
    ask(ben, url, code, "Ben")
    expect_accessible(ben.page, "waiting")
    ask(cleo, url, code, "Cleo", watch=True)
    expect_accessible(cleo.page, "waiting as a spectator")
    expect(host.page.locator("#request-list li")).to_have_count(2)
    expect_accessible(host.page, "two ask to come in")
    host.page.get_by_role("button", name="Let all in").click()
    host.expect_connected("Ben", "Cleo")
    for line in person(host, "Ben"), person(host, "Cleo"), person(host, "Ada"):
        line.locator("summary").click()
    expect_accessible(host.page, "all that can be done with everybody")
    expect_accessible(cleo.page, "as a spectator")
    _, covered = host.page.evaluate(COVERED)
    assert covered == []
    person(host, "Ben").get_by_role("button", name="Rename: Ben").click()
    expect_accessible(host.page, "asked for a name")
    host.page.keyboard.press("Escape")
    host.page.get_by_role("button", name="Settings").click()
    host.page.get_by_role("textbox", name="Name of the room").fill("Chess club")
    host.page.get_by_role("checkbox", name="Anyone may find it").check()
    expect_accessible(host.page, "settings of the room")
    host.page.get_by_role("button", name="Save").click()
    expect(cleo.page.locator("#room-name")).to_have_text("Chess club")
    expect_accessible(cleo.page, "in a room with a name")
    other = open_page(viewport=viewport, color_scheme=color_scheme, reduced_motion="reduce")
    other.goto(url)
    other.get_by_text("More settings").click()
    other.get_by_text("Rooms that anyone may find").click()
    expect(other.locator("#listed li").first).to_be_visible()
    expect_accessible(other, "the list of rooms, and more settings")
    for action in ("Make host", "Ban"):
        person(host, "Ben").get_by_role("button", name=f"{action}: Ben").click()
        expect_accessible(host.page, f"asked: {action}")
        host.page.keyboard.press("Escape")
