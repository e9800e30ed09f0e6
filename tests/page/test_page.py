"""What the demo page shows of a party, and what it lets people do."""

import base64
import json
import re

import pytest
import zxingcpp
from playwright.sync_api import Locator, expect

from tests.support.page import OpenPage
from tests.support.server import Server
from tests.support.visitors import Visitor

MODULES_SCALE = 4
QUIET_ZONE = 4
LONGEST_QR_TEXT = 213
PHONE_WIDTH = 390

# The brightness of a screenshot's pixels, by the browser itself.
GRAY_PIXELS = """async ([png, width, height]) => {
  const bytes = Uint8Array.from(atob(png), (char) => char.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: width * height }, (_, i) => data[4 * i + 1]);
}"""


def code_of(visitor: Visitor) -> str:
    """The code of the room that somebody is in."""
    return visitor.page.locator("#room-code").inner_text()


# The lobby


def test_a_link_with_a_code_leaves_only_the_name_to_be_typed(url: str, visitors: list[Visitor]) -> None:
    code = visitors[1].create(url, "Ben")
    page = visitors[0].page
    page.goto(f"{url}#{code.lower()}")
    form = page.locator("#join-form")
    expect(form.get_by_label("Room code")).to_have_value(code)
    expect(form.get_by_label("Your name")).to_be_focused()


def test_a_code_that_comes_while_the_page_is_open_is_taken_as_well(url: str, visitors: list[Visitor]) -> None:
    code = visitors[1].create(url, "Ben")
    page = visitors[0].page
    page.goto(url)
    page.evaluate(f"location.hash = '#{code}'")
    expect(page.locator("#join-form").get_by_label("Room code")).to_have_value(code)


def test_a_wrong_code_is_told_and_the_form_keeps_what_was_typed(url: str, visitors: list[Visitor]) -> None:
    ada = visitors[0]
    ada.join(url, "ZZZZZZ", "Ada")
    expect(ada.page.get_by_role("alert")).not_to_be_empty()
    expect(ada.page.locator("#join-form").get_by_label("Your name")).to_have_value("Ada")
    assert [complaint for complaint in ada.complaints if "404" not in complaint] == []
    ada.complaints.clear()


# The room


def test_whoever_enters_finds_the_focus_on_the_code(pair: tuple[Visitor, Visitor]) -> None:
    for visitor in pair:
        expect(visitor.page.locator("#room-code")).to_be_focused()


def test_code_and_link_can_be_copied(url: str, visitors: list[Visitor]) -> None:
    ada = visitors[0]
    code = ada.create(url, "Ada")
    ada.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for label, text in (("Copy code", code), ("Copy link", f"{url}#{code}")):
        button = ada.page.get_by_role("button", name=label)
        button.click()
        expect(ada.page.get_by_role("button", name="Copied")).to_be_visible()
        assert ada.page.evaluate("navigator.clipboard.readText()") == text
        expect(button).to_have_text(label)


def test_the_link_is_shown(url: str, visitors: list[Visitor]) -> None:
    ada = visitors[0]
    code = ada.create(url, "Ada")
    link = ada.page.locator("#room-link")
    expect(link).to_have_attribute("href", f"{url}#{code}")
    expect(link).to_have_text(f"{url}#{code}".removeprefix("http://"))


def test_the_host_starts_and_everybody_sees_it(pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    expect(ben.page.get_by_role("button", name="Start")).to_have_count(0)
    expect(ben.page.locator("#room-state")).to_have_text("waiting to start")
    ada.page.get_by_role("button", name="Start").click()
    for visitor in pair:
        expect(visitor.page.locator("#room-state")).to_have_text("started")
        expect(visitor.page.get_by_role("log")).to_contain_text("The host has started")
    expect(ada.page.get_by_role("button", name="Start")).to_have_count(0)


def test_nobody_starts_alone(url: str, visitors: list[Visitor]) -> None:
    visitors[0].create(url, "Ada")
    expect(visitors[0].page.get_by_role("button", name="Start")).to_be_disabled()


def test_the_host_removes_somebody(pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    expect(ben.page.get_by_role("button", name="Remove")).to_have_count(0)
    ada.press_and_confirm("Remove Ben")
    expect(ada.page.get_by_role("status")).to_have_text("Nobody else is here yet.")
    expect(ada.page.get_by_role("heading", name="People")).to_be_focused()
    expect(ben.page.get_by_role("alert")).to_have_text("The host has removed you from the room.")
    expect(ben.page.locator("#create-title")).to_be_focused()
    # The browser itself reports the poll that was refused.
    assert [complaint for complaint in ben.complaints if "401" not in complaint] == []
    ben.complaints.clear()


def test_a_list_that_changes_does_not_take_the_focus_away(
    url: str, pair: tuple[Visitor, Visitor], visitors: list[Visitor]
) -> None:
    ada, _ = pair
    button = ada.page.get_by_role("button", name="Remove Ben")
    button.focus()
    visitors[2].join(url, code_of(ada), "Cleo")
    ada.expect_connected("Ben", "Cleo")
    expect(button).to_be_focused()


def test_a_reloaded_page_comes_back_into_its_room_by_itself(pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    code = code_of(ada)
    for visitor, other in ((ada, ben), (ben, ada)):
        visitor.page.reload()
        expect(visitor.page.locator("#room-code")).to_have_text(code)
        ada.expect_connected("Ben")
        ben.expect_connected("Ada")
        visitor.say(f"back, {visitor is ada}")
        other.expect_message("Ada" if visitor is ada else "Ben", f"back, {visitor is ada}")


def test_a_page_that_is_reloaded_while_the_service_is_away_comes_back_later(
    pair: tuple[Visitor, Visitor],
) -> None:
    ada, ben = pair
    ben.page.route("**/rejoin", lambda route: route.abort())
    ben.page.reload()
    expect(ben.page.locator("#banner")).to_contain_text("cannot be reached", timeout=15_000)
    expect(ben.page.locator("#lobby")).to_be_hidden()
    ben.page.unroute("**/rejoin")
    ada.expect_connected("Ben")
    ben.expect_connected("Ada")
    assert [text for text in ben.complaints if "ERR_" not in text] == []
    ben.complaints.clear()


def test_another_rooms_link_does_not_end_the_room_one_is_in(
    url: str, pair: tuple[Visitor, Visitor], visitors: list[Visitor]
) -> None:
    ada, ben = pair
    other = visitors[2].create(url, "Cleo")
    ben.page.evaluate(f"location.hash = '#{other}'")
    heard = f"You are still in room {code_of(ada)}: leave it to join {other}."
    expect(ben.page.get_by_role("alert")).to_have_text(heard)
    ben.page.goto("about:blank")
    ben.page.goto(f"{url}#{other}")
    expect(ben.page.get_by_role("alert")).to_have_text(heard)
    ben.expect_connected("Ada")
    assert ben.page.url == f"{url}#{code_of(ada)}"


def test_a_service_that_is_away_is_told_and_so_is_its_return(
    service: Server, pair: tuple[Visitor, Visitor]
) -> None:
    for visitor in pair:
        visitor.page.evaluate("""() => {
          const banner = document.querySelector("#banner");
          window.heard = [];
          new MutationObserver(() => heard.push(banner.textContent)).observe(banner, { childList: true });
        }""")
    ada, ben = pair
    service.stop()
    try:
        for visitor in pair:
            expect(visitor.page.locator("#banner")).to_contain_text("cannot be reached", timeout=15_000)
        ada.say("still here")
        ben.expect_message("Ada", "still here")
    finally:
        service.start()
    for visitor in pair:
        expect(visitor.page.locator("#banner")).to_be_empty(timeout=60_000)
        heard = visitor.page.evaluate("heard")
        assert heard[-2:] == ["The service is back.", ""]
        assert len(set(heard)) == 3
        expect(visitor.page.get_by_role("alert")).to_have_count(0)
        # The browser itself reports every failed request.
        assert [text for text in visitor.complaints if "ERR_" not in text] == []
        visitor.complaints.clear()


# The camera


def tile(visitor: Visitor, name: str) -> Locator:
    """Somebody's picture."""
    return visitor.page.get_by_role("figure").filter(has_text=name).locator("video")


def expect_moving(video: Locator) -> None:
    """Pictures arrive."""
    expect(video).to_be_visible()
    video.page.wait_for_function(
        "video => video.videoWidth > 0 && video.currentTime > 0", arg=video.element_handle()
    )


def test_a_camera_is_seen_by_the_others_until_it_is_turned_off(
    url: str, pair: tuple[Visitor, Visitor], visitors: list[Visitor]
) -> None:
    ada, ben = pair
    toggle = ada.page.locator("#camera")
    toggle.click()
    expect_moving(tile(ada, "You"))
    expect_moving(tile(ben, "Ada"))
    expect(toggle).to_have_accessible_name("Turn off the camera")
    cleo = visitors[2]
    cleo.join(url, code_of(ada), "Cleo")
    expect_moving(tile(cleo, "Ada"))
    toggle.click()
    for visitor in (ada, ben, cleo):
        expect(visitor.page.get_by_role("figure")).to_have_count(0)
    toggle.click()
    expect_moving(tile(ben, "Ada"))
    ada.page.reload()
    ben.expect_connected("Ada", "Cleo")
    expect(ben.page.get_by_role("figure")).to_have_count(0)


@pytest.mark.parametrize(
    ("reason", "heard"),
    [("NotFoundError", "There is no camera here."), ("NotAllowedError", "not allowed to use the camera")],
)
def test_without_a_camera_the_page_says_so_and_goes_on(
    pair: tuple[Visitor, Visitor], reason: str, heard: str
) -> None:
    ada, ben = pair
    ada.page.evaluate(
        "name => navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name); }",
        reason,
    )
    ada.page.locator("#camera").click()
    expect(ada.page.locator("#camera-hint")).to_contain_text(heard)
    expect(ada.page.locator("#camera")).to_be_enabled()
    ada.say("no picture")
    ben.expect_message("Ada", "no picture")


# The diagnosis


def test_the_timeline_shows_the_handshake_and_what_it_took(pair: tuple[Visitor, Visitor]) -> None:
    ada, ben = pair
    for visitor, other in ((ada, "Ben"), (ben, "Ada")):
        lane = visitor.page.locator("#lanes li", has_text=other)
        expect(lane.locator(".result")).to_have_text(re.compile(r"^\d+ ms · \d+ requests?$"))
        rows = visitor.page.locator("#timeline")
        for who, what in (
            (f"you → {other}", "candidate"),
            (f"{other} → you", "candidate"),
            (other, "channel open"),
        ):
            expect(rows.get_by_role("row").filter(has_text=who).filter(has_text=what)).not_to_have_count(0)
        expect(visitor.page.locator("#request-count")).to_have_text(re.compile(r"^\d+ requests$"))
    offers = [visitor.page.locator("#timeline .sent", has_text="offer").count() for visitor in pair]
    answers = [visitor.page.locator("#timeline .received", has_text="answer").count() for visitor in pair]
    assert offers == answers == [0, 1]


def test_the_trace_can_be_copied_and_holds_no_token(pair: tuple[Visitor, Visitor]) -> None:
    page = pair[0].page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert {record["kind"] for record in json.loads(copied)} == {"request", "sent", "received", "state"}
    seat = page.evaluate("JSON.parse(Object.values(sessionStorage)[0])")
    assert seat["token"] not in copied


def test_the_raw_stream_is_folded_and_shows_each_message_as_it_came(pair: tuple[Visitor, Visitor]) -> None:
    page = pair[0].page
    first = page.locator("#raw-stream li").first
    expect(first).to_be_hidden()
    page.get_by_role("heading", name="Raw stream").click()
    expect(first).to_have_text(re.compile("^\\s*1 · participant-joined"))
    first.locator("summary").click()
    message = json.loads(first.locator("pre").inner_text())
    assert message["seq"] == 1
    assert message["payload"]["participant"]["name"] == "Ben"


# For everybody


@pytest.mark.parametrize("width", [320, PHONE_WIDTH, 1100])
def test_nothing_is_wider_than_the_screen(url: str, open_page: OpenPage, width: int) -> None:
    host = Visitor(open_page(viewport={"width": width, "height": 844}))
    guest = Visitor(open_page())
    guest.join(url, host.create(url, "A name of no less than fifty characters, all of th"), "Ben")
    host.expect_connected("Ben")
    guest.say("word" * 100)
    host.expect_message("Ben", "word" * 100)
    overflowing = host.page.evaluate(
        """() => [...document.querySelectorAll("#room *")].filter(
          (element) => element.getBoundingClientRect().right > innerWidth + 0.5
        ).map((element) => element.outerHTML.slice(0, 100))"""
    )
    assert overflowing == []
    assert host.page.evaluate("document.documentElement.scrollWidth") == width


# By WCAG 2.2, 1.4.3: text against what is behind it.
LOW_CONTRASTS = """() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    const color = channels(getComputedStyle(element).backgroundColor);
    return color.length === 3 || !element.parentElement ? color : behind(element.parentElement);
  };
  const isText = ({ nodeType, data }) => nodeType === 3 && data.trim();
  const hasText = ({ childNodes }) => [...childNodes].some(isText);
  const isShown = (element) => element.checkVisibility() && !element.closest("button:disabled, .videos");
  return [...document.body.querySelectorAll("*")].filter((e) => hasText(e) && isShown(e)).map((element) => {
    const pair = [channels(getComputedStyle(element).color), behind(element)].map(luminance);
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    return [contrast, element.outerHTML.slice(0, 100)];
  }).filter(([contrast]) => contrast < 4.5);
}"""


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_text_stands_out(url: str, open_page: OpenPage, color_scheme: str) -> None:
    host = Visitor(open_page(color_scheme=color_scheme))
    guest = Visitor(open_page())
    host.page.goto(url)
    assert host.page.evaluate(LOW_CONTRASTS) == []
    guest.join(url, host.create(url, "Ada"), "Ben")
    host.expect_connected("Ben")
    host.say("Hello")
    host.page.get_by_role("button", name="Start").click()
    expect(host.page.locator("#room-state")).to_have_text("started")
    host.page.evaluate("""() => {
      document.querySelector("#error").textContent = "An error";
      document.querySelector("#banner").textContent = "A banner";
    }""")
    assert host.page.evaluate(LOW_CONTRASTS) == []
    host.page.evaluate("document.querySelector('#banner').dataset.kind = 'good'")
    assert host.page.evaluate(LOW_CONTRASTS) == []


def test_everything_that_can_be_pressed_has_a_name_and_shows_the_focus(pair: tuple[Visitor, Visitor]) -> None:
    page = pair[0].page
    expect(page.locator("#send")).to_be_enabled()
    names = []
    page.locator("#room-code").focus()
    while True:
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const { id, ariaLabel, tagName } = document.activeElement;
              return [id || ariaLabel || tagName, getComputedStyle(document.activeElement).outlineStyle];
            }"""
        )
        if name == "BODY" or name in names:
            break
        assert outline == "solid", name
        names.append(name)
    # In the order in which they are read.
    assert names == [
        *("copy-code", "room-link", "share-link", "More for Ada", "More for Ben", "Remove Ben"),
        *("lock", "approval", "settings", "start", "close", "message-log"),
        *("draw", "picture", "message-text", "send", "camera"),
        *("copy-trace", "Timeline", "SUMMARY"),
    ]
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, input, video, [role=img], [role=region]")].filter(
          (element) => !(element.labels?.length || element.ariaLabel || element.textContent.trim())
        ).map((element) => element.outerHTML)"""
    )
    assert unnamed == []


def test_whoever_prefers_no_motion_sees_none(url: str, open_page: OpenPage) -> None:
    page = open_page(reduced_motion="reduce")
    Visitor(page).create(url, "Ada")
    page.evaluate("document.querySelector('#participants li').dataset.state = 'connecting'")
    dot = page.locator("#participants .dot")
    assert dot.evaluate("dot => getComputedStyle(dot).animationName") == "none"


def test_the_page_loads_nothing_from_elsewhere_and_nothing_inline(url: str, visitors: list[Visitor]) -> None:
    page = visitors[0].page
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(url)
    expect(page.locator("#lobby")).to_be_visible()
    assert requested
    assert [address for address in requested if not address.startswith(url)] == []
    assert page.locator("[style], style, script:not([src])").count() == 0
    policy = page.request.get(url).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


# The QR code


def decode(pixels: bytes, width: int, height: int) -> list[str]:
    """The texts of all QR codes in a picture in shades of gray."""
    picture = memoryview(pixels).cast("B", (height, width))
    return [found.text for found in zxingcpp.read_barcodes(picture)]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_the_qr_code_on_the_screen_is_the_link(url: str, open_page: OpenPage, color_scheme: str) -> None:
    page = open_page(color_scheme=color_scheme, viewport={"width": PHONE_WIDTH, "height": 844})
    code = Visitor(page).create(url, "Ada")
    picture = page.get_by_role("img", name="QR code").screenshot()
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))  # of a PNG
    encoded = base64.b64encode(picture).decode()
    pixels = page.evaluate(GRAY_PIXELS, [encoded, width, height])
    assert decode(bytes(pixels), width, height) == [f"{url}#{code}"]


def test_qr_codes_of_every_version_can_be_read(url: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(url)
    longest = f"https://example.org/#{'K7MPQ2é%' * 40}".encode()
    lengths = [*range(1, LONGEST_QR_TEXT, 4), LONGEST_QR_TEXT]
    texts = [longest[:length].decode(errors="ignore") for length in lengths]
    matrices = page.evaluate(
        "async ([module, texts]) => texts.map((await import(module)).qrMatrix)",
        [f"{url}static/qr/qr.js", texts],
    )
    for text, matrix in zip(texts, matrices, strict=True):
        assert decode(*enlarged(matrix)) == [text]
    assert {len(matrix) for matrix in matrices} == {17 + 4 * version for version in range(1, 11)}


def enlarged(matrix: list[list[bool]]) -> tuple[bytes, int, int]:
    """A matrix as a picture with a quiet zone."""
    size = (len(matrix) + 2 * QUIET_ZONE) * MODULES_SCALE
    margin = b"\xff" * (QUIET_ZONE * MODULES_SCALE)
    lines = [
        margin + b"".join((b"\x00" if dark else b"\xff") * MODULES_SCALE for dark in row) + margin
        for row in matrix
    ]
    edge = b"\xff" * (size * QUIET_ZONE * MODULES_SCALE)
    return edge + b"".join(line * MODULES_SCALE for line in lines) + edge, size, size


def test_a_text_that_is_too_long_for_a_qr_code_is_refused(url: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(url)
    refused = page.evaluate(
        """async ([module, length]) => {
          const { qrMatrix } = await import(module);
          try { qrMatrix("x".repeat(length)); } catch (error) { return error.name; }
        }""",
        [f"{url}static/qr/qr.js", LONGEST_QR_TEXT + 1],
    )
    assert refused == "RangeError"
