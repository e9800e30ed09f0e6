"""The client as one classic script, for pages without modules and for bundles; a page's modules as one."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import tabs
from tests.support.old_browser import TAKE_AWAY
from tests.support.server import ROOT, Server
from tests.support.tabs import MakeTab

STATIC = ROOT / "party" / "static"

service = tabs.service


@pytest.mark.parametrize(
    ("script", "folders"),
    [
        ("party.iife.js", ["client"]),
        ("page.bundle.js", ["client", "page", "qr"]),
        ("play.bundle.js", ["client", "play", "qr"]),
    ],
)
def test_each_script_is_made_of_its_modules_as_they_are(script: str, folders: list[str]) -> None:
    modules = [path for folder in folders for path in (STATIC / folder).rglob("*.js")]
    in_order = [STATIC / "party.js", *sorted(modules, key=Path.as_posix)]
    found = hashlib.sha256(b"".join(path.read_bytes() for path in in_order)).hexdigest()
    made_of = re.search("Made of ([0-9a-f]{64})", (STATIC / script).read_text())
    assert made_of
    assert made_of[1] == found, "run `make bundle`"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("script", [pytest.param("", id="new"), pytest.param(TAKE_AWAY, id="old")])
def test_a_page_without_modules_connects_to_one_with_them(
    browser: Browser, origin: str, service: Server, open_tab: MakeTab, script: str
) -> None:
    ben = open_tab(service)
    page = browser.new_context().new_page()
    page.add_init_script(script)
    page.goto(f"{origin}/harness.html")  # whose own module does not find the client
    page.add_script_tag(url=f"{service.url}/static/party.iife.js")
    # The script knows where the service is: where it came from.
    code = page.evaluate(
        """async () => {
          const { Party, ApiError } = PartyClient;
          const refused = await Party.join("QQQQQQ", { name: "Ada" }).catch((error) => error);
          if (!(refused instanceof ApiError)) throw refused;
          globalThis.party = await Party.create({ name: "Ada", participantId: "ada" });
          party.addEventListener("message", ({ detail }) => (globalThis.heard = detail.data));
          return party.code;
        }"""
    )
    ben.join(code, "ben")
    ben.wait("harness.opened.ada === 1")
    ben.run("party.broadcast('hello')")
    page.wait_for_function("globalThis.heard === 'hello'")
    page.context.close()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_script_that_cannot_know_where_the_service_is_asks_for_it(
    browser: Browser, origin: str, service: Server
) -> None:
    page = browser.new_context().new_page()
    page.goto(f"{origin}/harness.html")
    page.add_script_tag(content=(STATIC / "party.iife.js").read_text())
    create = "(options) => PartyClient.Party.create(options).then(({ code }) => code, String)"
    assert page.evaluate(create, {"name": "Ada"}).startswith('TypeError: "baseUrl"')
    assert re.fullmatch("[A-Z0-9]{6}", page.evaluate(create, {"name": "Ada", "baseUrl": service.url}))
    page.context.close()
