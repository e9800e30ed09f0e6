"""The JavaScript client in real browsers, on good networks and on bad ones."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from party.db.migrate import migrate
from tests.conftest import GENEROUS
from tests.support import tabs
from tests.support.browser import LonelyBrowser
from tests.support.firefox import Firefox
from tests.support.mariadb import MariaDB
from tests.support.processes import needs
from tests.support.proxy import UNHARMED, Fate, Proxy
from tests.support.server import Server
from tests.support.tabs import MakeTab, Tab, at_once, exchange, wait_connected

# The service, and two who are connected.
service = tabs.service
pair = tabs.pair

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_mariadb = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)


@pytest.fixture
def proxy(service: Server) -> Iterator[Proxy]:
    """A network between a page and the service."""
    with Proxy(service.port) as running:
        yield running


def openings(tab: Tab) -> set[int]:
    """How often the connections of a tab have opened."""
    return set(tab.get("Object.values(harness.opened)"))


def test_two_pages_of_another_origin_connect_and_talk(pair: tuple[Tab, Tab]) -> None:
    exchange(*pair, count=1000)
    ada, ben = pair
    assert openings(ada) == openings(ben) == {1}
    for tab in pair:
        assert 1 <= tab.get("harness.traceOf('request').filter(({ path }) => path === 'signal').length") <= 5
    assert ada.get("party.isHost")
    assert ben.get("[party.id, party.isHost, party.room.hostId, party.room.status]") == [
        "ben",
        False,
        "ada",
        "waiting",
    ]


@on_sqlite
def test_what_an_app_sends_over_an_open_channel_does_not_pass_through_the_service(
    service: Server, open_tab: MakeTab
) -> None:
    """The demo page's own chat does: the service keeps it for whoever comes later."""
    ada, ben = open_tab(service), open_tab(service)
    requested: list[str] = []
    for tab in (ada, ben):
        tab.page.on("request", lambda made: requested.append(f"{made.url} {made.headers} {made.post_data}"))
    ben.join(ada.create(), "ben")
    wait_connected(ada, ben)
    exchange(ada, ben)
    assert any('"type":"offer"' in request for request in requested)
    assert not any("number 0" in request for request in requested)


def test_six_pages_form_a_full_mesh(service: Server, open_tab: MakeTab) -> None:
    tabs = [open_tab(service) for _ in range(6)]
    code = tabs[0].create("p0")
    # All five come at the same moment.
    for number, tab in enumerate(tabs[1:], 1):
        tab.page.evaluate(
            "([code, id]) => { globalThis.entered ="
            " harness.enter('join', code, { name: id, participantId: id }) }",
            [code, f"p{number}"],
        )
        tab.id = f"p{number}"
    wait_connected(*tabs)
    exchange(*tabs)
    assert [openings(tab) for tab in tabs] == [{1}] * 6
    assert tabs[3].get("party.broadcast('to all')") == 5
    for tab in tabs:
        if tab is not tabs[3]:
            tab.will_get(tabs[3], "to all")
        tab.check_messages()


@on_mariadb
def test_in_a_star_the_guests_connect_to_the_host_only(service: Server, open_tab: MakeTab) -> None:
    host, ben, cleo = (open_tab(service) for _ in range(3))
    code = host.create(topology="star")
    ben.join(code, "ben", topology="star")
    cleo.join(code, "cleo", topology="star")
    for guest in (ben, cleo):
        host.wait("harness.opened[arg] === 1", guest.id)
        guest.wait("harness.opened.ada === 1")
        exchange(host, guest)
    assert ben.get("party.send('cleo', 'hello')") is False
    assert ben.get("party.broadcast('hello')") == 1
    host.will_get(ben, "hello")
    host.check_messages()
    for guest, other in ((ben, cleo), (cleo, ben)):
        states = guest.get("Object.fromEntries(party.participants.map(({ id, state }) => [id, state]))")
        assert states == {"ada": "open", guest.id: None, other.id: None}


def test_both_sides_reconnect_at_the_same_moment_20_times(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    for attempt in range(20):
        at_once([ada, ben], "party.reconnect(party.id === 'ada' ? 'ben' : 'ada')")
        wait_connected(ada, ben, openings=attempt + 2)
        exchange(ada, ben, count=3)
    # Both have always made an offer (and Ben, who joined, the first one), and one of the two was enough.
    assert (ada.get("harness.offers"), ben.get("harness.offers")) == (20, 21)
    assert openings(ada) == openings(ben) == {21}


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(("sent", "offer"), id="before its offer has left"),
        pytest.param(("request", "signal"), id="after its offer has left"),
        pytest.param(("received", "answer"), id="before the connection opens"),
    ],
)
def test_a_guest_reloaded_in_the_middle_of_a_handshake_comes_back(
    service: Server, open_tab: MakeTab, moment: tuple[str, str]
) -> None:
    ada, ben = open_tab(service), open_tab(service)
    ben.run("harness.reloadOn(...arg)", moment)
    ben.join(ada.create(), "ben")
    ben.come_back()
    wait_connected(ada, ben)
    exchange(ada, ben)


@on_sqlite
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(("received", "offer"), id="before its answer"),
        pytest.param(("sent", "answer"), id="before its answer has left"),
        pytest.param(("request", "signal"), id="before the connection opens"),
    ],
)
def test_a_host_reloaded_in_the_middle_of_a_handshake_comes_back(
    service: Server, open_tab: MakeTab, moment: tuple[str, str]
) -> None:
    ada, ben = open_tab(service), open_tab(service)
    ada.run("harness.reloadOn(...arg)", moment)
    ben.join(ada.create(), "ben")
    ada.come_back()
    assert ada.get("party.isHost")
    wait_connected(ada, ben)
    exchange(ada, ben)


def test_both_pages_reloaded_after_the_handshake_come_back(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    exchange(ada, ben)
    ben.reload()
    ada.wait("harness.opened.ben === 2")
    wait_connected(ada, ben)
    exchange(ada, ben)
    ada.reload()
    ben.wait("harness.opened.ada === 2")
    wait_connected(ada, ben)
    exchange(ada, ben)


@on_mariadb
def test_both_pages_reloaded_at_the_same_moment_come_back(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    at_once([ada, ben], "location.reload()")
    ada.come_back()
    ben.come_back()
    wait_connected(ada, ben)
    exchange(ada, ben)


@on_sqlite
def test_a_duplicated_tab_takes_the_seat_over(
    pair: tuple[Tab, Tab], open_tab: MakeTab, service: Server
) -> None:
    ada, ben = pair
    ben.may_fail_requests = True  # its token is refused
    again = open_tab(service)
    seat = ben.get("Object.entries(sessionStorage).filter(([key]) => key.startsWith('party'))")
    again.run("for (const [key, value] of arg) sessionStorage.setItem(key, value)", seat)
    again.resume()
    assert again.id == "ben"
    ben.wait("harness.ended.length === 1")
    assert ben.get("harness.ended") == ["replaced"]
    wait_connected(ada, again)
    exchange(ada, again)


@on_sqlite
def test_without_a_seat_there_is_nothing_to_resume(pair: tuple[Tab, Tab], open_tab: MakeTab) -> None:
    _, ben = pair
    ben.run("await party.leave()")
    assert ben.enter("resume") is None


@on_mariadb
def test_leave_remove_and_end_tell_why(service: Server, open_tab: MakeTab) -> None:
    ada, ben, cleo, dora = tabs = [open_tab(service) for _ in range(4)]
    code = ada.create()
    for tab, name in zip(tabs[1:], ("ben", "cleo", "dora"), strict=True):
        tab.join(code, name)
    wait_connected(*tabs)
    ben.run("await party.leave()")
    assert ben.get("harness.ended") == ["left"]
    wait_connected(ada, cleo, dora)
    # Its next poll is refused, and that is how it learns it.
    cleo.may_fail_requests = True
    ada.run("await party.remove('cleo')")
    cleo.wait("harness.ended.length")
    assert cleo.get("harness.ended") == ["removed"]
    wait_connected(ada, dora)
    exchange(ada, dora)
    ada.run("await party.end()")
    dora.wait("harness.ended.length")
    assert [tab.get("harness.ended") for tab in (ada, dora)] == [["ended"], ["ended"]]
    for tab in tabs:
        assert tab.get("party.participants.every(({ state }) => state !== 'open')")
        assert tab.get("party.broadcast('anybody?')") == 0
        assert tab.enter("resume") is None
    assert tabs[3].get("harness.errors") == []


@on_sqlite
def test_when_the_host_leaves_the_room_ends(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    ada.run("await party.leave()")
    ben.wait("harness.ended.length")
    assert (ada.get("harness.ended"), ben.get("harness.ended")) == (["left"], ["host-left"])
    assert ben.get("party.room.status") == "ended"


@on_sqlite
def test_a_closed_page_leaves_the_room_if_the_app_wants_that(service: Server, open_tab: MakeTab) -> None:
    ada, ben = open_tab(service), open_tab(service)
    ben.join(ada.create(), "ben", leaveOnClose=True)
    wait_connected(ada, ben)
    ben.page.goto("about:blank")
    ada.wait("party.participants.length === 1")
    ben.expected.clear()
    ben.page.go_back()
    ben.wait("globalThis.harness?.loads === 2")
    assert ben.enter("resume") is None


@on_mariadb
def test_refusals_are_errors_with_the_codes_of_the_contract(service: Server, open_tab: MakeTab) -> None:
    ada, ben = open_tab(service), open_tab(service)
    code = ada.create(password="open sesame", maxParticipants=2)
    ben.may_fail_requests = True

    def refused(code: str, name: str, **options: str) -> dict[str, object] | None:
        return ben.enter("join", code, {"name": name, **options})

    def error(code: str, status: int) -> dict[str, object]:
        return {"isApiError": True, "code": code, "status": status}

    assert refused(code, "Ben", password="guess") == error("WRONG_PASSWORD", 403)
    assert refused("QQQQQQ", "Ben") == error("ROOM_NOT_FOUND", 404)
    assert refused(code, "", password="open sesame") == error("VALIDATION_ERROR", 400)
    ben.join(code, "ben", password="open sesame")
    wait_connected(ada, ben)
    cleo = open_tab(service)
    cleo.may_fail_requests = True
    found = cleo.enter("join", code, {"name": "Cleo", "password": "open sesame"})
    assert found == error("ROOM_FULL", 409)
    exchange(ada, ben)


@pytest.mark.needs("quiz")
@on_mariadb
def test_the_status_and_the_quiz_of_the_room_reach_everybody(pair: tuple[Tab, Tab]) -> None:
    ada, ben = pair
    ada.run("await party.setQuiz({ questions: [1, 2] })")
    ben.wait("JSON.stringify(party.room.quizData) === '{\"questions\":[1,2]}'")
    ada.run("await party.start()")
    for tab in pair:
        tab.wait("party.room.status === 'playing' && party.room.startedAt !== null")


@on_sqlite
def test_large_messages_arrive_whole_and_in_order_with_small_ones(pair: tuple[Tab, Tab]) -> None:
    size = 6 * 1024 * 1024
    for sender, receiver in (pair, pair[::-1]):
        sent = sender.run(
            """
            const [peer, size] = arg;
            const text = harness.makeLarge("text", size);
            const binary = harness.makeLarge("binary", size + 1);
            const [part, nothing] = [binary.subarray(5, 100_000), new ArrayBuffer(0)];
            const messages = ["before", text, "", binary, part, nothing, "after"];
            const described = messages.map(harness.describe);
            for (const data of messages) if (!party.send(peer, data)) throw new Error("not sent");
            binary.fill(0); // what was sent does not change any more
            return described;
            """,
            [receiver.id, size],
        )
        assert sent[0] == "before"
        for what in sent:
            receiver.will_get(sender, what)
        # It came in portions: a browser closes a channel in which too much waits.
        assert 100_000 < sender.get("harness.mostBuffered") < 2_000_000
    exchange(*pair)


@on_sqlite
def test_media_tracks_reach_everybody_also_who_comes_later(
    service: Server, open_tab: MakeTab, pair: tuple[Tab, Tab]
) -> None:
    ada, ben = pair
    # Both sides at the same moment: their offers cross.
    for tab in pair:
        tab.run("await harness.getCamera()")
    at_once([ada, ben], "harness.addCamera()")
    wait_playing(ada, "ben")
    wait_playing(ben, "ada")
    cleo = open_tab(service)
    cleo.join(ada.code, "cleo")
    wait_connected(ada, ben, cleo)
    wait_playing(cleo, "ada")
    wait_playing(cleo, "ben")
    ada.run("harness.removeCamera()")
    for tab in (ben, cleo):
        tab.wait(
            "harness.tracks.ada.every(({ track, streams }) => track.muted || track.readyState === 'ended')"
        )
    wait_playing(ada, "ben")
    exchange(ada, ben, cleo)
    assert [openings(tab) for tab in (ada, ben, cleo)] == [{1}] * 3


def wait_playing(tab: Tab, peer_id: str) -> None:
    """Picture and sound of somebody arrive."""
    tab.wait("harness.playing(arg).join() === 'audio,video'", peer_id)


@on_sqlite
def test_a_hidden_tab_rests_but_catches_up_as_soon_as_it_is_looked_at(
    pair: tuple[Tab, Tab], open_tab: MakeTab, service: Server
) -> None:
    ada, ben = pair
    turns = "harness.traceOf('request').filter(({ path }) => path.startsWith('signal')).length"
    # It takes its last turn at the pace that was set before.
    ben.run(f"harness.setVisibility('hidden'); globalThis.before = {turns}")
    ben.wait(f"{turns} > before")
    hidden_at = time.monotonic()
    seen = ben.get(turns)
    cleo = open_tab(service)
    cleo.join(ada.code, "cleo")
    ada.wait("harness.opened.cleo === 1")
    cleo.wait("harness.opened.ada === 1")
    exchange(ada, ben)
    if time.monotonic() - hidden_at < 13:
        assert ben.get(turns) == seen
    ben.run("harness.setVisibility('visible')")
    wait_connected(ada, ben, cleo)
    exchange(ada, ben, cleo)


@on_mariadb
def test_a_hidden_tab_still_connects_to_who_comes(
    pair: tuple[Tab, Tab], open_tab: MakeTab, service: Server
) -> None:
    ada, ben = pair
    for tab in pair:
        tab.run("harness.setVisibility('hidden')")
    cleo = open_tab(service)
    cleo.join(ada.code, "cleo")
    wait_connected(ada, ben, cleo)
    exchange(ada, ben, cleo)


def test_the_server_restarts_in_the_middle_of_a_handshake(
    pair: tuple[Tab, Tab], open_tab: MakeTab, service: Server
) -> None:
    ada, ben = pair
    cleo = open_tab(service)
    cleo.join(ada.code, "cleo")
    outlive(service.stop, service.start, ada, ben, cleo, code="NETWORK")


def test_the_database_stops_for_5_seconds_in_the_middle_of_a_handshake(
    browser: Browser, origin: str, open_tab: MakeTab
) -> None:
    database = MariaDB()
    try:
        urls = database.create_database("party_stopped")
        list(migrate(urls.admin))
        settings: dict[str, Any] = {
            "DATABASE_URL": urls.app,
            "ALLOWED_ORIGINS": origin,
            **GENEROUS,
        }
        with Server(workers=2, **settings) as service:
            ada, ben, cleo = (open_tab(service) for _ in range(3))
            ben.join(ada.create(), "ben")
            wait_connected(ada, ben)
            cleo.join(ada.code, "cleo")

            def start() -> None:
                time.sleep(5)
                database.start()

            outlive(database.stop, start, ada, ben, cleo, code="UNAVAILABLE")
    finally:
        database.remove()


def outlive(
    stop: Callable[[], None], start: Callable[[], None], ada: Tab, ben: Tab, cleo: Tab, *, code: str
) -> None:
    """Stop something when Cleo has just joined Ada and Ben, who talk meanwhile; then all connect."""
    for tab in (ada, ben, cleo):
        tab.may_fail_requests = True
    stop()
    for tab in (ada, ben, cleo):
        tab.wait("harness.errors.includes(arg)", code)
    ada.send_numbers(ben, 10)
    ben.send_numbers(ada, 10)
    start()
    for tab in (ada, ben, cleo):
        tab.wait("harness.recoveries === 1")
    wait_connected(ada, ben, cleo)
    exchange(ada, ben, cleo)
    # The connection that was open has nothing to do with the service.
    assert ada.get("harness.opened.ben") == ben.get("harness.opened.ada") == 1


def test_lost_answers_cost_time_and_nothing_else(open_tab: MakeTab, service: Server) -> None:
    with Proxy(service.port) as adas, Proxy(service.port) as bens:
        ada, ben = open_tab(adas), open_tab(bens)
        adas.lose_first("POST /rooms$", "GET /rooms/.*/ice-servers$", "GET /signal/", "POST /signal$")
        bens.lose_first("POST /rooms/.*/join$", "GET /rooms/.*/ice-servers$", "GET /signal/", "POST /signal$")
        ben.join(ada.create(), "ben")
        wait_connected(ada, ben)
        exchange(ada, ben)
        assert (adas.lost, bens.lost) == (4, 4)
        check_stream(ada, ben)


def test_a_network_that_loses_and_delays_answers_at_random(open_tab: MakeTab, service: Server) -> None:
    chance = random.Random(3)
    in_a_row: Counter[str] = Counter()

    def rule(method: str, path: str) -> Fate:
        # Whoever enters gives up after the fifth failure in a row.
        is_lost = "/static/" not in path and in_a_row[path] < 3 and chance.random() < 0.25
        in_a_row[path] = in_a_row[path] + 1 if is_lost else 0
        return Fate(is_lost, delay_seconds=chance.choice([0, 0, 0.2, 0.6]))

    with Proxy(service.port) as network:
        tabs = [open_tab(network) for _ in range(3)]
        network.rule = rule
        code = tabs[0].create("p0")
        tabs[1].join(code, "p1")
        tabs[2].join(code, "p2")
        wait_connected(*tabs)
        tabs[1].reload()
        tabs[0].wait("harness.opened.p1 >= 2")
        wait_connected(*tabs)
        network.rule = lambda method, path: UNHARMED
        exchange(*tabs)
        check_stream(*tabs)
        assert network.lost > 3


def check_stream(*tabs: Tab) -> None:
    """Nobody is in the room twice, and everybody has handled each message of the stream once, in order."""
    ids = sorted(tab.id for tab in tabs)
    for tab in tabs:
        assert sorted(tab.get("party.participants.map(({ id }) => id)")) == ids
        seqs = tab.get("harness.traceOf('received').map(({ message }) => message.seq)")
        assert seqs == sorted(set(seqs))


@pytest.fixture
def lonely(browser: Browser) -> Iterator[LonelyBrowser]:
    """A second browser, whose network can be taken away. To be asked for before `open_tab`."""
    with LonelyBrowser(browser) as launched:
        yield launched


@on_sqlite
def test_a_peer_without_network_for_10_seconds_in_the_middle_of_a_handshake(
    lonely: LonelyBrowser, service: Server, open_tab: MakeTab
) -> None:
    with Proxy(service.port) as adas, Proxy(service.port) as bens:
        ada, ben = open_tab(adas), open_tab(bens, lonely.browser)
        code = ada.create()
        # Slow enough that there is a middle.
        adas.rule = lambda method, path: Fate(delay_seconds=1)
        ben.join(code, "ben")
        ben.wait("harness.traceOf('sent').length > 0")
        with lonely.offline(), bens.outage("silent"):
            time.sleep(10)
            assert openings(ada) == openings(ben) == set()
        wait_connected(ada, ben)
        exchange(ada, ben)
        check_stream(ada, ben)


@on_mariadb
def test_a_connected_peer_without_network_for_10_seconds(
    lonely: LonelyBrowser, service: Server, open_tab: MakeTab
) -> None:
    with Proxy(service.port) as bens:
        ada, ben = open_tab(service), open_tab(bens, lonely.browser)
        ben.join(ada.create(), "ben")
        wait_connected(ada, ben)
        exchange(ada, ben)
        with lonely.offline(), bens.outage("silent"):
            time.sleep(10)
        ada.wait("harness.states.ben.includes('interrupted')")
        wait_connected(ada, ben)
        exchange(ada, ben)
        check_stream(ada, ben)


@on_sqlite
def test_firefox_connects_to_chromium(service: Server, origin: str, open_tab: MakeTab) -> None:
    path = needs("firefox-esr", "firefox-esr")
    ada = open_tab(service)
    code = ada.create()
    with Firefox(path) as firefox:
        firefox.goto(f"{origin}/harness.html?{service.url}")
        until = "while (!(%s)) await new Promise((resolve) => setTimeout(resolve, 20));"
        join = "return harness.enter('join', args[0], { name: 'Fox', participantId: 'fox' })"
        entered = firefox.run(f"{until % 'window.harness'} {join}", code)
        assert entered == {"code": code, "id": "fox", "isHost": False}
        ada.wait("harness.opened.fox === 1")
        ada.run("harness.sendNumbers('fox', 0, 10); party.send('fox', harness.makeLarge('text', 1e6))")
        large = ada.get("harness.describe(harness.makeLarge('text', 1e6))")
        received = firefox.run(f"{until % 'harness.messages.ada?.length >= 11'} return harness.messages.ada")
        assert received == [*(f"number {number}" for number in range(10)), large]
        firefox.run(
            "harness.party.broadcast('hello'); harness.party.broadcast(harness.makeLarge('binary', 1e6))"
        )
        expected = ["hello", ada.get("harness.describe(harness.makeLarge('binary', 1e6))")]
        ada.wait("harness.messages.fox?.length >= 2")
        assert ada.get("harness.messages.fox") == expected
        ada.expected["fox"] += expected
