"""The chat of the demo page: kept by the service, whether a data channel is open or cannot be."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.accessibility import COVERED, DESKTOP, PHONE, expect_accessible
from tests.support.visitors import Visitor

pytestmark = pytest.mark.needs("page", "state")

# Such a browser finds no path to another one: it may use a TURN server only, and there is none.
NO_PATH = """
  const Connection = RTCPeerConnection;
  RTCPeerConnection = class extends Connection {
    constructor(options) { super({ ...options, iceTransportPolicy: "relay" }); }
    setConfiguration(options) { super.setConfiguration({ ...options, iceTransportPolicy: "relay" }); }
  };
"""


@pytest.fixture(params=["open", "impossible"])
def two(request: pytest.FixtureRequest, url: str, browser: Browser) -> Iterator[tuple[Visitor, Visitor]]:
    """Ada and Ben in a room; Ben has a phone."""
    contexts = [browser.new_context(), browser.new_context(has_touch=True, viewport=PHONE)]  # type: ignore[arg-type]
    ada, ben = (Visitor(context.new_page()) for context in contexts)
    if request.param == "impossible":
        ada.page.add_init_script(NO_PATH)
    ben.join(url, ada.create(url, "Ada"), "Ben")
    for visitor, other in ((ada, "Ben"), (ben, "Ada")):
        if request.param == "open":
            visitor.expect_connected(other)
        else:
            expect(visitor.page.locator("#participants li", has_text=other)).to_have_count(1)
    yield ada, ben
    for context in contexts:
        context.close()
    assert [ada.complaints, ben.complaints] == [[], []]


def said(visitor: Visitor, text: str) -> Locator:
    """The item of a text that the service has kept."""
    return visitor.page.locator("#messages li[data-message]", has_text=text)


def drawings(visitor: Visitor) -> Locator:
    """The drawings in the chat."""
    return visitor.page.get_by_role("img", name="Drawing from")


def expect_ink(canvas: Locator, least: int) -> None:
    """So many pixels of a canvas are not white, once all is drawn."""
    canvas.page.wait_for_function(
        """([canvas, least]) => {
          const { width, height } = canvas;
          const copy = Object.assign(document.createElement("canvas"), { width, height });
          const context = copy.getContext("2d", { willReadFrequently: true });
          context.drawImage(canvas, 0, 0);
          const { data } = context.getImageData(0, 0, copy.width, copy.height);
          return Array.from(data).filter((value, i) => i % 4 === 0 && value < 200).length >= least;
        }""",
        arg=[canvas.element_handle(), least],
    )


def draw_by_mouse(page: Page) -> None:
    """A stroke from corner to corner."""
    page.get_by_role("button", name="Draw something").click()
    box = page.locator("#pad").bounding_box()
    assert box
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 20, box["y"] + box["height"] - 20, steps=8)
    page.mouse.up()


def draw_by_touch(page: Page) -> None:
    """A stroke by a finger."""
    page.get_by_role("button", name="Draw something").tap()
    box = page.locator("#pad").bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    at = [{"x": box["x"] + 30 + 20 * n, "y": box["y"] + 40 + 10 * n} for n in range(8)]
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [at[0]]})
    for point in at[1:]:
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_chat_is_there_after_a_reload_with_drawings_reactions_and_without_what_is_deleted(
    two: tuple[Visitor, Visitor],
) -> None:
    ada, ben = two
    ben.page.get_by_label("Message").press_sequentially("hel")
    expect(ada.page.locator("#typing")).to_have_text("Ben is typing …")
    ben.say("hello from Ben")
    for visitor, author in ((ada, "Ben"), (ben, "You")):
        expect(said(visitor, "hello from Ben")).to_have_count(1)
        visitor.expect_message(author, "hello from Ben")
    expect(ada.page.locator("#typing")).to_have_text("")

    draw_by_mouse(ada.page)
    ada.page.get_by_role("button", name="Send drawing").click()
    draw_by_touch(ben.page)
    ben.page.get_by_role("button", name="Send drawing").tap()
    for visitor in two:
        expect(drawings(visitor)).to_have_count(2)
        for n in range(2):
            expect_ink(drawings(visitor).nth(n), 300)
    replayed = drawings(ben).first
    before = int(replayed.get_attribute("data-replays") or 0)
    ben.page.get_by_role("button", name="Replay").first.click()
    expect(replayed).to_have_attribute("data-replays", str(before + 1))

    said(ada, "hello from Ben").locator("summary").click()
    ada.page.get_by_role("button", name="love").click()
    chip = ben.page.get_by_role("button", name="love: Ada")
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.click()
    expect(ada.page.get_by_role("button", name="love: you, Ben")).to_have_text("❤️ 2")

    ada.say("a mistake")
    expect(said(ben, "a mistake")).to_have_count(1)
    said(ben, "a mistake").locator("summary").click()
    expect(said(ben, "a mistake").get_by_role("button", name="Delete")).to_have_count(0)
    said(ada, "a mistake").locator("summary").click()
    said(ada, "a mistake").get_by_role("button", name="Delete").click()
    ada.page.locator("#question-yes").click()
    for visitor in two:
        expect(visitor.page.get_by_role("log").locator("li", has_text="a mistake")).to_have_count(0)

    ben.page.reload()
    expect(drawings(ben)).to_have_count(2)
    ben.expect_message("You", "hello from Ben")
    expect(said(ben, "a mistake")).to_have_count(0)
    expect(ben.page.get_by_role("button", name="love: Ada, you")).to_have_text("❤️ 2")
    expect_ink(drawings(ben).first, 300)


def test_a_drawing_can_be_made_with_the_keyboard(url: str, visitors: list[Visitor]) -> None:
    ada = visitors[0]
    ada.create(url, "Ada")
    ada.page.get_by_role("button", name="Draw something").press("Enter")
    expect(ada.page.get_by_role("button", name="Send drawing")).to_be_disabled()
    pad = ada.page.locator("#pad")
    pad.focus()
    for key in ("ArrowLeft", "Space", *["ArrowDown"] * 5, *["ArrowRight"] * 5, "Space", "ArrowUp"):
        pad.press(key)
    ada.page.get_by_role("button", name="Send drawing").press("Enter")
    expect(drawings(ada)).to_have_count(1)
    expect_ink(drawings(ada), 100)


@pytest.mark.parametrize(
    ("viewport", "color_scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone, dark", "desktop"]
)
def test_axe_finds_nothing_in_any_state_of_the_chat(
    url: str, open_page: object, viewport: dict[str, int], color_scheme: str
) -> None:
    page = open_page(viewport=viewport, color_scheme=color_scheme, reduced_motion="reduce")  # type: ignore[operator]
    ada = Visitor(page)
    ada.create(url, "Ada")
    expect_accessible(page, "nothing said")
    ada.say("hello")
    draw_by_mouse(page)
    expect_accessible(page, "drawing")
    page.get_by_role("button", name="Send drawing").click()
    expect(drawings(ada)).to_have_count(1)
    said(ada, "hello").locator("summary").click()
    page.get_by_role("button", name="love").click()
    expect(page.get_by_role("button", name="love: you")).to_have_count(1)
    said(ada, "hello").locator("summary").click()
    expect_accessible(page, "reacting")
    _, covered = page.evaluate(COVERED)
    assert covered == []
