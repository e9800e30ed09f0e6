"""Pages in two homes, each behind a router with NAT: by which way they reach each other."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from party.ops import doctor
from party.ops.doctor.installation import Installation
from tests.conftest import GENEROUS
from tests.support.browser import launch
from tests.support.coturn import SECRET, Coturn
from tests.support.networks import CONE, INTERNET, SCHOOL, SYMMETRIC, World, make_world
from tests.support.processes import needs
from tests.support.server import Server
from tests.support.tabs import Tab, exchange, serve_harness, wait_connected

PORT, TLS_PORT = 3478, 443
SETTINGS = {**GENEROUS, "STUN_URLS": f"stun:{INTERNET}:{PORT}"}
TURN = {
    "TURN_URLS": f"turn:{INTERNET}:{PORT} turns:{INTERNET}:{TLS_PORT}?transport=tcp",
    "TURN_SECRET": SECRET,
}
# Keeps the page's connections, so that they can be asked which way they took.
SPY = """
const Original = RTCPeerConnection;
globalThis.connections = [];
globalThis.RTCPeerConnection = class extends Original {
  constructor(...given) {
    super(...given);
    connections.push(this);
  }
};
"""
WAY = """await (async () => {
  const stats = await connections.at(-1).getStats();
  const transport = [...stats.values()].find(({ type }) => type === "transport");
  const { localCandidateId, remoteCandidateId } = stats.get(transport.selectedCandidatePairId);
  return [localCandidateId, remoteCandidateId].map((id) => stats.get(id));
})()"""


@dataclass
class Internet:
    """What the homes have between them: the service without a TURN server and with one, and the test page."""

    world: World
    origin: str
    without: Server
    with_turn: Server


@pytest.fixture(scope="module")
def internet(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Internet]:
    """All of it, but for coturn."""
    database = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("internet") / "party.sqlite3")
    with ExitStack() as stack:
        world = make_world()
        stack.callback(world.close)
        with world.internet.inside():
            origin = stack.enter_context(serve_harness(INTERNET))
            settings = {**SETTINGS, "DATABASE_URL": f"sqlite:///{database}", "ALLOWED_ORIGINS": origin}
            servers = [
                stack.enter_context(Server(workers=1, host=INTERNET, **settings, **turn))  # type: ignore[arg-type]
                for turn in ({}, TURN)
            ]
        yield Internet(world, origin, *servers)


@pytest.fixture(scope="module")
def browsers(
    internet: Internet, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Browser]]:
    """A Chromium in each home."""
    chromium = needs("chromium", "chromium")
    # Nobody that it knows has signed the certificate of the tests' TURN server.
    flag = "--ignore-certificate-errors"
    with ExitStack() as stack:
        yield [
            stack.enter_context(launch(browser.browser_type, home.command(chromium, folder), flag))
            for home in internet.world.homes
            for folder in [tmp_path_factory.mktemp("home")]
        ]


@pytest.fixture
def coturn(internet: Internet) -> Iterator[Callable[..., Coturn]]:
    """Starts coturn: `coturn(secret=…)`."""
    with ExitStack() as stack:

        def start(**options: str) -> Coturn:
            with internet.world.internet.inside():
                return stack.enter_context(Coturn(INTERNET, PORT, TLS_PORT, **options))

        yield start


Meet = Callable[[Server, str], tuple[Tab, Tab]]


@pytest.fixture
def meet(internet: Internet, browsers: list[Browser]) -> Iterator[Meet]:
    """Lets a page of each home enter a room; both have such a router."""
    tabs: list[Tab] = []

    def enter(server: Server, router: str) -> tuple[Tab, Tab]:
        for home in internet.world.homes:
            home.router.filter(router)
        tabs.extend(Tab(browser, internet.origin, server.url, SPY) for browser in browsers)
        ada, ben = tabs
        ben.join(ada.create(), "ben")
        return ada, ben

    yield enter
    for tab in tabs:
        tab.page.context.close()


def way(tab: Tab) -> list[dict[str, Any]]:
    """The two candidates, here and there, between which the packets of its connection go."""
    found: list[dict[str, Any]] = tab.get(WAY)
    return found


def test_between_ordinary_routers_the_way_is_direct(
    internet: Internet, coturn: Callable[..., Coturn], meet: Meet
) -> None:
    coturn()
    ada, ben = meet(internet.without, CONE)
    wait_connected(ada, ben)
    exchange(ada, ben)
    assert {each["address"] for each in way(ada)} == {"198.51.100.2", "203.0.113.2"}


def test_between_routers_with_a_port_for_each_address_it_leads_over_turn(
    internet: Internet, coturn: Callable[..., Coturn], meet: Meet
) -> None:
    coturn()
    ada, ben = meet(internet.with_turn, SYMMETRIC)
    wait_connected(ada, ben)
    exchange(ada, ben)
    assert "relay" in {each["candidateType"] for each in way(ada)}


def test_out_of_a_school_without_udp_it_leads_over_turn_and_tls(
    internet: Internet, coturn: Callable[..., Coturn], meet: Meet
) -> None:
    coturn()
    ada, ben = meet(internet.with_turn, SCHOOL)
    wait_connected(ada, ben)
    exchange(ada, ben)
    assert [way(tab)[0]["relayProtocol"] for tab in (ada, ben)] == ["tls", "tls"]


def test_without_a_turn_server_it_leads_through_the_service(
    internet: Internet, coturn: Callable[..., Coturn], meet: Meet
) -> None:
    coturn()
    ada, ben = meet(internet.without, SYMMETRIC)
    for tab, other in ((ada, "ben"), (ben, "ada")):
        tab.wait("party.participants.find(({ id }) => id === arg)?.state === 'relayed'", other)
    exchange(ada, ben)
    assert ada.get("harness.opened") == ben.get("harness.opened") == {}


def test_a_turn_server_that_refuses_is_named(
    internet: Internet, coturn: Callable[..., Coturn], meet: Meet
) -> None:
    coturn(secret="not what the service was told")
    ada, ben = meet(internet.with_turn, SYMMETRIC)
    for tab, other in ((ada, "ben"), (ben, "ada")):
        tab.wait("harness.why[arg]?.reason === 'turn-refused'", other)
        why = tab.get("harness.why[arg]", other)
        assert why["code"] == 401
        assert why["server"].split(":")[1] == INTERNET


def test_the_doctor_tells_of_a_firewall_that_lets_no_udp_out(
    internet: Internet, coturn: Callable[..., Coturn], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn().certificate.authority))
    home = internet.world.homes[0]
    home.router.filter(SCHOOL)
    settings = {**TURN, "STUN_URLS": SETTINGS["STUN_URLS"]}
    (tmp_path / "config.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    with home.network.inside():
        stun, turn = (doctor.INSIDE[name](Installation(tmp_path, tmp_path)) for name in ("STUN", "TURN"))
    udp, tls = str(TURN["TURN_URLS"]).split()
    assert (stun.status, stun.found) == ("warning", f"{SETTINGS['STUN_URLS']} does not answer")
    assert (turn.status, turn.found) == ("warning", f"{udp} does not answer; {tls} relays from {INTERNET}")
    assert "firewall" in turn.advice
