"""The main job in real browsers: two pages find each other through us and then talk directly."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import MakeServer
from tests.support.processes import needs

CHROMIUM_FLAGS = [
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    # A machine without mDNS cannot resolve the names that hide local addresses.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium, the one that Debian packages."""
    path = needs("chromium", "chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=CHROMIUM_FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        yield started
        started.close()


@dataclass
class Visitor:
    """A page in a browser profile of its own, and what went wrong in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )

    def create(self, url: str, name: str, password: str = "") -> str:
        """Open a room; its code."""
        self.page.goto(url)
        form = self.page.locator("#create-form")
        form.get_by_label("Your name").fill(name)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button").click()
        code = self.page.locator("#room-code")
        expect(code).to_have_text(re.compile(r"^[A-HJKMNP-Z2-9]{6}$"))
        return code.inner_text()

    def join(self, url: str, code: str, name: str, password: str = "") -> None:
        """Join by the code in the address."""
        self.page.goto(f"{url}#{code.lower()}")
        form = self.page.locator("#join-form")
        expect(form.get_by_label("Room code")).to_have_value(code)
        form.get_by_label("Your name").fill(name)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button").click()

    def say(self, text: str) -> None:
        """Send a text to everybody who is connected."""
        self.page.get_by_label("Message").fill(text)
        self.page.get_by_role("button", name="Send").click()

    def expect_connected(self, *names: str) -> None:
        """All these others are there with an open data channel."""
        for name in names:
            expect(self.page.locator("#participants li[data-state=open]", has_text=name)).to_have_count(1)
        expect(self.page.get_by_role("status")).to_have_text(f"Connected to {len(names)} of {len(names)}.")

    def expect_message(self, author: str, text: str) -> None:
        """The chat shows this exactly once."""
        shown = self.page.get_by_role("log").locator("li", has_text=text)
        expect(shown).to_have_count(1)
        expect(shown.locator(".author")).to_have_text(author)


@pytest.fixture
def visitors(browser: Browser) -> Iterator[list[Visitor]]:
    """Three people, each with a browser of their own; none may have seen an error in the end."""
    contexts: list[BrowserContext] = [browser.new_context() for _ in range(3)]
    found = [Visitor(context.new_page()) for context in contexts]
    yield found
    for context in contexts:
        context.close()
    assert [visitor.complaints for visitor in found] == [[], [], []]


@pytest.fixture
def url(server: MakeServer) -> str:
    """The demo page under gunicorn with two worker processes."""
    address: str = server(workers=2, DEMO=True).url
    return f"{address}/"


def test_two_pages_connect_through_us_and_talk_over_a_data_channel(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada")
    ben.join(url, code, "Ben")
    ada.expect_connected("Ben")
    ben.expect_connected("Ada")
    ada.say("Hello Ben")
    ben.expect_message("Ada", "Hello Ben")
    ben.say("Hello Ada")
    ada.expect_message("Ben", "Hello Ada")


def test_the_text_does_not_pass_through_the_service(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    sent: list[str] = []
    for visitor in (ada, ben):
        visitor.page.on("request", lambda request: sent.append(request.post_data or ""))
    ben.join(url, ada.create(url, "Ada"), "Ben")
    ada.expect_connected("Ben")
    ada.say("between us")
    ben.expect_message("Ada", "between us")
    assert any("roomCode" in body for body in sent)
    assert not any("between us" in body for body in sent)


def test_three_pages_form_a_mesh_and_see_who_leaves(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = ada.create(url, "Ada")
    ben.join(url, code, "Ben")
    cleo.join(url, code, "Cleo")
    ada.expect_connected("Ben", "Cleo")
    ben.expect_connected("Ada", "Cleo")
    cleo.expect_connected("Ada", "Ben")
    ben.say("to both")
    ada.expect_message("Ben", "to both")
    cleo.expect_message("Ben", "to both")
    cleo.page.get_by_role("button", name="Leave").click()
    ada.expect_connected("Ben")
    ada.page.get_by_role("button", name="Close the room").click()
    expect(ben.page.get_by_role("alert")).to_have_text("The host has left, so the room is closed.")


def test_a_room_with_a_password_lets_in_whoever_knows_it(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada", password="open sesame")
    ben.join(url, code, "Ben", password="guess")
    expect(ben.page.get_by_role("alert")).to_contain_text("password")
    # The browser itself reports every failed request.
    assert len(ben.complaints) == 1
    assert "403" in ben.complaints.pop()
    ben.join(url, code, "Ben", password="open sesame")
    ben.expect_connected("Ada")


def test_the_page_works_where_the_service_is_mounted_below_the_root(
    server: MakeServer, visitors: list[Visitor]
) -> None:
    ada, ben, _ = visitors
    url = f"{server(workers=2, mount='/party', DEMO=True).url}/"
    ben.join(url, ada.create(url, "Ada"), "Ben")
    ada.expect_connected("Ben")
