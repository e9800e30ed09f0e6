"""What people type on the demo page, what it asks them, and what it says in the end."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from party.web import files
from tests.conftest import MakeServer
from tests.support.page import OpenPage
from tests.support.visitors import Visitor

OTHER_PAGE = """async ([module, code, texts]) => {
  const { Party } = await import(module);
  const party = await Party.join(code, { name: "Eve", storage: null });
  await new Promise((resolve) => {
    party.addEventListener("peer", ({ detail }) => detail.state === "open" && resolve());
  });
  for (const text of texts) party.broadcast(text);
}"""


def wide(text: str) -> str:
    """The same in full-width characters."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@pytest.mark.parametrize(
    "typed",
    [
        lambda code, url: f"{code[:3]} {code[3:]}",
        lambda code, url: f" {code[:3]}-{code[3:]} ".lower(),
        lambda code, url: wide(code.lower()),
        lambda code, url: f"{url}#{code}",
        lambda code, url: f"Come in: {url}#{code.lower()} at ten",
        lambda code, url: code.replace("Q", "O").replace("J", "1"),
    ],
    ids=["space", "dash", "full width", "link", "message", "misread"],
)
def test_a_code_is_understood_however_it_is_typed(
    url: str, visitors: list[Visitor], typed: Callable[[str, str], str]
) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada")
    ben.page.goto(url)
    field = ben.page.locator("#join-code")
    field.press_sequentially(typed(code, url))
    field.press("Tab")
    expect(field).to_have_value(code)
    expect(ben.page.locator("#join-room")).to_have_text(re.compile("Ada.s room, 1 of 20 there."))
    ben.page.locator("#join-form").get_by_label("Your name").fill("Ben")
    ben.page.get_by_role("button", name="Join").click()
    ben.expect_connected("Ada")


def test_a_pasted_link_becomes_its_code(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada")
    ben.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ben.page.goto(url)
    ben.page.evaluate("text => navigator.clipboard.writeText(text)", f"{url}#{code}")
    field = ben.page.locator("#join-code")
    field.focus()
    field.press("Control+V")
    expect(field).to_have_value(code)


@pytest.mark.parametrize("code", ["ABC23", "ABC2345", "ÄBC234", "#", "https://example.org/"])
def test_what_is_no_code_is_told_at_its_field(url: str, visitors: list[Visitor], code: str) -> None:
    page = visitors[0].page
    page.goto(url)
    page.locator("#join-code").fill(code)
    page.locator("#join-form").get_by_label("Your name").fill("Ada")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.get_by_role("button", name="Join").click()
    message = page.locator("#join-code").evaluate("field => field.validationMessage")
    assert message == "A room code has six letters and digits, such as ABC234."
    assert requested == []


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u2800", " \u00ad\u2060 ", "\ufe0f"])
def test_a_name_that_shows_nothing_is_told_at_its_field(url: str, visitors: list[Visitor], name: str) -> None:
    page = visitors[0].page
    page.goto(url)
    for form, action in (("#create-form", "Open a room"), ("#join-form", "Join")):
        field = page.locator(form).get_by_label("Your name")
        if form == "#join-form":
            page.locator("#join-code").fill("ABC234")
        field.fill(name)
        page.locator(form).get_by_role("button", name=action).click()
        message = field.evaluate("field => field.validationMessage")
        assert message == "Please type a name that the others can see."
        field.fill("Ada")
        assert field.evaluate("field => field.validity.valid")
    visitors[0].complaints.clear()  # of a room that is not there


def test_a_room_with_a_password_looks_like_it(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = ada.create(url, "Ada", password="open sesame")
    expect(ada.page.locator("#room-password")).to_be_visible()
    ben.page.goto(f"{url}#{code}")
    password = ben.page.locator("#join-form").get_by_label("Password")
    expect(password).to_have_accessible_name("Password this room has one")
    assert password.evaluate("field => field.required")
    ben.join(url, code, "Ben", password="open sesame")
    expect(ben.page.locator("#room-password")).to_be_visible()
    ben.page.reload()
    expect(ben.page.locator("#room-password")).to_be_visible()

    with cleo.page.expect_response(re.compile("/rooms/[A-Z0-9]{6}$")):
        open_code = cleo.create(url, "Cleo")
    expect(cleo.page.locator("#room-password")).to_be_hidden()
    ben.page.get_by_role("button", name="Leave").click()
    expect(ben.page.locator("#lobby")).to_be_visible()
    ben.page.goto(f"{url}#{open_code}")
    expect(password).to_have_accessible_name("Password this room has none")
    assert not password.evaluate("field => field.required")


def test_closing_and_removing_ask_first(url: str, pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    for name, action in (("Close the room", "Close the room"), ("Remove Ben", "Remove")):
        pressed = ada.page.get_by_role("button", name=name)
        for key in ("Escape", "Enter"):  # whoever presses Enter without reading does no harm
            pressed.click()
            dialog = ada.page.get_by_role("dialog")
            expect(dialog.locator("#question-yes")).to_have_text(action)
            ada.page.keyboard.press(key)
            expect(dialog).to_be_hidden()
            expect(pressed).to_be_focused()
    ada.say("still here")
    ben.expect_message("Ada", "still here")


def test_a_browser_without_dialogs_asks_as_well(url: str, visitors: list[Visitor]) -> None:
    ada = visitors[0]
    methods = "HTMLDialogElement.prototype"
    ada.page.add_init_script(f"delete {methods}.showModal; delete {methods}.close; delete {methods}.show;")
    ada.create(url, "Ada")
    asked: list[str] = []
    ada.page.on("dialog", lambda dialog: asked.append(dialog.message))
    ada.page.once("dialog", lambda dialog: dialog.dismiss())
    ada.page.get_by_role("button", name="Close the room").click()
    expect(ada.page.locator("#room")).to_be_visible()
    ada.page.once("dialog", lambda dialog: dialog.accept())
    ada.page.get_by_role("button", name="Close the room").click()
    expect(ada.page.locator("#banner")).to_have_text("You have closed the room.")
    assert asked[0].startswith("Close the room?")


def test_a_question_goes_with_its_room(url: str, pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    ada.page.get_by_role("button", name="Remove Ben").click()
    ben.page.get_by_role("button", name="Leave").click()
    expect(ada.page.get_by_role("status")).to_have_text("Nobody else is here yet.")
    ada.page.get_by_role("dialog").locator("#question-yes").click()
    expect(ada.page.get_by_role("dialog")).to_be_hidden()
    expect(ada.page.get_by_role("alert")).to_have_count(0)


def test_what_people_end_themselves_is_no_error(url: str, pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    ben.page.get_by_role("button", name="Leave").click()
    expect(ben.page.locator("#banner")).to_have_text("You have left the room.")
    ada.press_and_confirm("Close the room")
    expect(ada.page.locator("#banner")).to_have_text("You have closed the room.")
    for visitor in pair:
        expect(visitor.page.get_by_role("alert")).to_have_count(0)
        expect(visitor.page.locator("#banner")).to_have_attribute("data-kind", "good")


def test_a_message_without_anything_to_see_is_not_sent(url: str, pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    for blank in (" ", "\u200b", "\u3164 \u2800"):
        ada.say(blank)
    ada.say("seen")
    ben.expect_message("Ada", "seen")
    for visitor in pair:
        expect(visitor.page.get_by_role("log").locator("li:not(.notice)")).to_have_count(1)


def test_what_other_pages_send_is_shown_within_bounds(url: str, visitors: list[Visitor]) -> None:
    ada, eve, _ = visitors
    code = ada.create(url, "Ada")
    eve.page.goto(url)
    eve.page.evaluate(OTHER_PAGE, [f"{url}static/party.js", code, ["\u200b", "x" * 100_000, "x" * 5_000_000]])
    ada.expect_message("Eve", "(a message without text)")
    ada.expect_message("Eve", "x … (90,000 more characters)")
    # More than the page takes in one piece: told when it is announced, and dropped as it comes.
    ada.expect_message("Eve", "(5,000,000 bytes: too much for this page)")
    assert ada.page.get_by_role("log").evaluate("log => log.textContent.length") < 11_000


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_too_many_requests_says_which_and_for_how_long(server: MakeServer, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    url = f"{server(DEMO=True, ROOMS_PER_HOUR=1).url}/"
    ada.create(url, "Ada")
    ben.page.goto(url)
    ben.page.locator("#create-form").get_by_label("Your name").fill("Ben")
    ben.page.locator("#create").click()
    expect(ben.page.get_by_role("alert")).to_contain_text("Too many rooms have been opened")
    expect(ben.page.get_by_role("alert")).to_contain_text("in 60 minutes")
    assert [text for text in ben.complaints if "429" not in text] == []
    ben.complaints.clear()


# What it costs to load


def test_the_page_takes_few_requests_and_a_second_time_no_body(url: str, open_page: OpenPage) -> None:
    if not files.is_bundled("page"):
        pytest.skip("without a feature, the page is loaded in modules")
    page = open_page()
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    statuses: list[int] = []
    tools.on("Network.responseReceivedExtraInfo", lambda event: statuses.append(event["statusCode"]))
    page.goto(url, wait_until="networkidle")
    expect(page.locator("#create-form")).to_be_visible()
    assert statuses
    assert set(statuses) == {200}
    assert len(statuses) <= 8
    statuses.clear()
    page.reload(wait_until="networkidle")
    expect(page.locator("#create-form")).to_be_visible()
    assert set(statuses) == {304}
