"""A peer that sends more than a page takes: it may have another page than ours."""

import pytest
from playwright.sync_api import expect

from tests.conftest import MakeServer
from tests.support.tabs import MakeTab
from tests.support.visitors import Visitor

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_sixty_megabytes_of_text_are_not_shown_by_the_demo_page(
    server: MakeServer, origin: str, visitors: list[Visitor], open_tab: MakeTab
) -> None:
    service = server(workers=2, DEMO=True, ALLOWED_ORIGINS=origin)
    ada = visitors[0]
    code = ada.create(f"{service.url}/", "Ada")
    ben = open_tab(service)
    ben.join(code, "Ben")
    ben.wait("harness.opened && Object.values(harness.opened).join() === '1'")
    ben.run("party.broadcast('x'.repeat(60e6)); party.broadcast('hello again')")
    log = ada.page.get_by_role("log")
    expect(log).to_contain_text("(60,000,000 bytes: too much for this page)", timeout=60_000)
    expect(log).to_contain_text("hello again", timeout=60_000)
    longest = ada.page.evaluate(
        "Math.max(...[...document.querySelectorAll('#messages li')].map((li) => li.textContent.length))"
    )
    assert longest < 1000
