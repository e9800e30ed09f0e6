"""What pages say to each other where no path opens between them: it goes through the service."""

import os
import random
import re
import time
from typing import Any

import pytest

from party.db import Database
from tests.conftest import MakeServer
from tests.support.paths import NO_PATH, PATH
from tests.support.proxy import UNHARMED, Fate, Proxy
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab, exchange

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)

# 30: ten thousand messages each way over a hundred switches, and the service away now and then (`make test
# ARGS="tests/client/test_relayed.py"` with it).
TIMES = int(os.environ.get("TIMES", "1"))
RELAYED = "party.participants.find(({ isYou }) => !isYou)?.state === 'relayed'"


@pytest.fixture
def service(shared_server: MakeServer, origin: str) -> Server:
    """The service, which passes on as much as it is given."""
    return shared_server(workers=2, ALLOWED_ORIGINS=origin, RELAY_KIB_PER_MINUTE=1_000_000)


def meet(ada: Tab, ben: Tab, **options: Any) -> None:
    """Ben joins Ada's room."""
    ben.join(ada.create(relayAfterMs=300, **options), "ben", relayAfterMs=300, **options)


def test_where_no_path_opens_pages_talk_through_the_service(service: Server, open_tab: MakeTab) -> None:
    ada, ben = open_tab(service, script=NO_PATH), open_tab(service, script=NO_PATH)
    meet(ada, ben)
    for tab in (ada, ben):
        tab.wait(RELAYED)
        tab.wait("party.participants.find(({ isYou }) => !isYou).reason === 'no-candidates'")
    exchange(ada, ben)
    for kind, size in (("text", 100_000), ("binary", 50_000)):
        described = ada.run(
            "const data = harness.makeLarge(...arg); party.broadcast(data); return harness.describe(data)",
            [kind, size],
        )
        ben.will_get(ada, described)


def test_a_page_without_webrtc_talks_through_the_service(service: Server, open_tab: MakeTab) -> None:
    ada = open_tab(service, script="delete globalThis.RTCPeerConnection")
    ben = open_tab(service)
    ben.join(ada.create(), "ben")
    for tab in (ada, ben):
        tab.wait(RELAYED)
        tab.wait("party.participants.find(({ isYou }) => !isYou).reason === 'not-supported'")
    exchange(ada, ben)


def test_after_a_reload_it_is_told_what_may_be_lost_and_the_rest_arrives(
    service: Server, open_tab: MakeTab
) -> None:
    ada, ben = open_tab(service, script=NO_PATH), open_tab(service, script=NO_PATH)
    meet(ada, ben)
    ada.wait(RELAYED)
    ben.wait(RELAYED)
    exchange(ada, ben)
    ben.page.evaluate("location.reload()")
    ada.run("for (let n = 0; n < 5; n++) party.send('ben', 'to the page before')")
    ben.come_back()
    ada.wait("harness.lost.length === 1")
    # With what the page had heard, and had not told yet.
    assert 5 <= ada.get("harness.lost[0].count") <= 15
    ada.wait(RELAYED)
    ben.wait(RELAYED)
    exchange(ada, ben)


def switch(ada: Tab, ben: Tab) -> None:
    """The path breaks, and there is none for a while; then there is one again."""
    for tab in (ada, ben):
        tab.run("globalThis.noPath = true; breakPaths()")
    for tab in (ada, ben):
        tab.wait(RELAYED)
    time.sleep(random.uniform(0, 0.5))
    for tab in (ada, ben):
        tab.run("globalThis.noPath = false")
    ada.run("party.reconnect('ben')")
    for tab in (ada, ben):
        tab.wait(RELAYED.replace("relayed", "open"))
    time.sleep(random.uniform(0, 0.5))


def test_over_all_switches_each_message_arrives_once_and_in_order(service: Server, open_tab: MakeTab) -> None:
    count, switches = 340 * TIMES, 3 * TIMES
    with Proxy(service.port) as network:
        ada, ben = open_tab(network, script=PATH), open_tab(network, script=PATH)
        meet(ada, ben)
        for tab in (ada, ben):
            tab.wait(RELAYED.replace("relayed", "open"))
            tab.run("harness.listen()")
        for tab, other in ((ada, "ben"), (ben, "ada")):
            tab.run("void harness.talk(...arg)", [other, count])
        network.rule = lambda method, path: Fate(is_lost=random.random() < 0.1)
        for _ in range(switches):
            switch(ada, ben)
        network.rule = lambda method, path: UNHARMED
        for tab in (ada, ben):
            tab.wait("harness.heard.count >= arg", count, seconds=60 * TIMES)
            assert tab.get("harness.heard") == {"count": count, "wrong": []}
            tab.run("harness.messages = {}")  # which another check would look for


def test_where_addresses_are_not_to_be_learnt_none_is_in_any_signal(
    server: MakeServer, origin: str, database_url: str, open_tab: MakeTab
) -> None:
    service = server(workers=2, ALLOWED_ORIGINS=origin, ICE_POLICY="relay")
    ada, ben = open_tab(service), open_tab(service)
    database = Database(database_url)
    meet(ada, ben)
    payloads: set[str] = set()
    while not ben.get(RELAYED):
        payloads |= {row["payload"] for row in database.all("SELECT payload FROM party_signaling")}
    ada.wait(RELAYED)
    exchange(ada, ben)
    traced = "harness.traceOf('received').map(({ message }) => JSON.stringify(message.payload))"
    payloads |= {text for tab in (ada, ben) for text in tab.get(traced)}
    assert any("v=0" in text for text in payloads)
    addresses = set(re.findall(r"\d+\.\d+\.\d+\.\d+", "".join(payloads)))
    assert addresses <= {"0.0.0.0", "127.0.0.1"}  # what SDP has in the place of one
    assert not any("candidate:" in text for text in payloads)


@pytest.mark.needs("reports")
def test_how_it_went_is_counted_as_it_was(
    server: MakeServer, origin: str, database_url: str, open_tab: MakeTab
) -> None:
    service = server(workers=2, ALLOWED_ORIGINS=origin)
    ada = open_tab(service, script=PATH)
    code = ada.create(relayAfterMs=300)
    for name, script, after_ms in (("ben", PATH, 60_000), ("cleo", NO_PATH, 300), ("dora", NO_PATH, 300)):
        tab = open_tab(service, script=script)
        tab.join(code, name, relayAfterMs=after_ms, topology="star")
        tab.wait(f"party.participants[0].state === '{'open' if script is PATH else 'relayed'}'")
    database = Database(database_url)
    outcomes = (
        "SELECT counter, total FROM party_report_counts WHERE counter LIKE 'outcome %' ORDER BY counter"
    )
    expected = {"outcome open -": 1, "outcome relayed no-candidates": 2}
    deadline = time.monotonic() + 60
    while (found := {row["counter"]: row["total"] for row in database.all(outcomes)}) != expected:
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    (candidates,) = database.all("SELECT counter FROM party_report_counts WHERE counter LIKE 'candidates %'")
    assert re.fullmatch("candidates (host|prflx) (host|prflx) udp", candidates["counter"])
