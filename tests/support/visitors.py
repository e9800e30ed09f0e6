"""People on the demo page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.browser import Watched


class Visitor(Watched):
    """Somebody with a browser profile of their own, on the demo page."""

    def create(self, url: str, name: str, password: str = "") -> str:
        """Open a room; its code. Without `url`, with what has been chosen on the page."""
        if url:
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

    def press_and_confirm(self, name: str) -> None:
        """Press a button that asks, and mean it."""
        self.page.get_by_role("button", name=name).click()
        self.page.get_by_role("dialog").locator("#question-yes").click()

    def say(self, text: str) -> None:
        """Send a text to everybody who is connected."""
        self.page.get_by_label("Message").fill(text)
        self.page.get_by_role("button", name="Send").click()

    def expect_connected(self, *names: str) -> None:
        """All these others are there with an open data channel."""
        for name in names:
            expect(self.page.locator(".people li[data-state=open]", has_text=name)).to_have_count(1)
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
    complaints = [visitor.complaints for visitor in found]
    assert complaints == [[], [], []], complaints
