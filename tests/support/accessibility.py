"""What a page shows, looked at by axe."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def expect_accessible(page: Page, state: str) -> None:
    """Neither rules nor best practices of axe are broken by what the page shows now."""
    page.evaluate("Promise.allSettled(document.getAnimations().map(({ finished }) => finished))")
    found = Axe().run(page).response
    assert found["passes"] or found["violations"], "axe has looked at nothing"
    broken = [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found["violations"]]
    assert broken == [], state
