"""Tabs of a browser which hold a party: pages of another origin that use the client of the service."""

import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser import Watched
from tests.support.proxy import Proxy
from tests.support.server import Server

FOLDER = Path(__file__).resolve().parents[1] / "client"
# Far more than anything takes, for machines that have much else to do.
PATIENCE_SECONDS = 60
# What a browser itself writes to the console about a request without a good answer.
FAILED_REQUEST = "Failed to load resource: "


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def serve_harness(host: str = "127.0.0.1") -> Iterator[str]:
    """Serve the test page; its origin."""
    server = ThreadingHTTPServer((host, 0), partial(_Files, directory=str(FOLDER)))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://{host}:{server.server_port}"
    server.shutdown()
    server.server_close()


class Tab(Watched):
    """One tab, in a profile of its own or in one that it shares with others.

    It knows what it must have received from whom: every message exactly once and in order.
    """

    def __init__(
        self, browser: Browser | BrowserContext, origin: str, service: str, script: str = ""
    ) -> None:
        profile = browser.new_context() if isinstance(browser, Browser) else browser
        super().__init__(profile.new_page())
        self.page.add_init_script(script)  # before any other
        self.may_fail_requests = False
        self.id = ""
        self.code = ""
        self.expected: dict[str, list[str]] = defaultdict(list)
        self._numbers: Counter[str] = Counter()
        self.page.goto(f"{origin}/harness.html?{service}")
        self.wait("globalThis.harness !== undefined")

    def run(self, body: str, arg: Any = None) -> Any:
        """Evaluate JavaScript in which `harness` and `party` are known, and `arg`."""
        return self.page.evaluate(f"async (arg) => {{ const {{ party }} = harness; {body} }}", arg)

    def get(self, expression: str, arg: Any = None) -> Any:
        """The value of a JavaScript expression."""
        return self.run(f"return {expression}", arg)

    def wait(self, condition: str, arg: Any = None, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until a JavaScript expression is true."""
        function = f"(arg) => {{ const party = globalThis.harness?.party; return {condition} }}"
        try:
            self.page.wait_for_function(function, arg=arg, timeout=seconds * 1000, polling=30)
        except PlaywrightTimeout:
            raise AssertionError(f"never true: {condition} with {arg!r}\n{self.report()}") from None

    def report(self) -> str:
        """What a failed test should show of this tab."""
        body = """
            if (!party) return "no party";
            const { opened, states, errors, ended, loads } = harness;
            const isQuiet = ({ method, status }) => method === "GET" && status === 200;
            const records = party.trace.filter((record) => !isQuiet(record)).slice(-60);
            const lines = records.map(({ at, kind, ...record }) => {
              const text = kind === "request"
                ? `${record.method} ${record.path} ${record.status} ${Math.round(record.durationMs)} ms`
                : JSON.stringify(record, (key, value) => (key === "sdp" ? "…" : value)).slice(0, 200);
              return `${Math.round(at)} ${kind} ${text}`;
            });
            const known = party.participants.map(({ id, state }) => [id, state]);
            return [JSON.stringify({ loads, known, opened, states, errors, ended }), ...lines].join("\\n");
        """
        try:
            return f"{self.id}: {self.run(body)}\nconsole: {self.complaints}"
        except Exception as error:
            return f"{self.id}: {error}"

    def enter(self, how: str, *args: Any) -> dict[str, Any] | None:
        """Party.create, join or resume; what came of it, or the error."""
        found: dict[str, Any] | None = self.get("harness.enter(...arg)", [how, *args])
        if found and "id" in found:
            self.id, self.code = found["id"], found["code"]
        return found

    def create(self, participant_id: str = "ada", **options: Any) -> str:
        """Open a room; its code."""
        found = self.enter("create", {"name": participant_id, "participantId": participant_id, **options})
        assert found == {"code": self.code, "id": participant_id, "isHost": True}, found
        return self.code

    def join(self, code: str, participant_id: str, **options: Any) -> None:
        """Join a room."""
        found = self.enter("join", code, {"name": participant_id, "participantId": participant_id, **options})
        assert found == {"code": code, "id": participant_id, "isHost": False}, found

    def resume(self) -> None:
        """Come back after a reload, as who one was."""
        found = self.enter("resume")
        assert found
        assert self.id

    def reload(self) -> None:
        """Reload the page and come back."""
        self.page.evaluate("location.reload()")
        self.come_back()

    def come_back(self, loads: int = 2) -> None:
        """Wait until the page has been reloaded, and resume."""
        self.wait("globalThis.harness?.loads === arg", loads)
        self.expected.clear()
        before = (self.id, self.code)
        self.resume()
        assert (self.id, self.code) == before

    def will_get(self, sender: "Tab", what: str) -> None:
        """Note what is sent to this tab."""
        self.expected[sender.id].append(what)

    def send_numbers(self, to: "Tab", count: int) -> None:
        """Send numbered messages, counted on from the last ones."""
        first = self._numbers[to.id]
        self._numbers[to.id] += count
        self.run("harness.sendNumbers(...arg)", [to.id, first, first + count])
        for number in range(first, first + count):
            to.will_get(self, f"number {number}")

    def check_messages(self) -> None:
        """All that was sent to this tab is there, exactly once and in order, or will be soon."""
        expected = dict(self.expected)
        lengths = {peer: len(messages) for peer, messages in expected.items()}
        self.wait("Object.keys(arg).every((id) => harness.messages[id]?.length >= arg[id])", lengths)
        assert self.get("harness.messages") == expected

    def check_complaints(self) -> None:
        """Nothing went wrong that was not provoked."""
        left = [
            text
            for text in self.complaints
            if not (self.may_fail_requests and text.startswith(FAILED_REQUEST))
        ]
        assert left == [], self.report()


MakeTab = Callable[..., Tab]


@pytest.fixture(scope="session")
def origin() -> Iterator[str]:
    """Where the test page lies: not where the service is."""
    with serve_harness() as found:
        yield found


@pytest.fixture
def service(shared_server: Callable[..., Server], origin: str) -> Server:
    """The service under gunicorn with two worker processes, open to the test page."""
    return shared_server(workers=2, ALLOWED_ORIGINS=origin)


@pytest.fixture
def open_tab(browser: Browser, origin: str) -> Iterator[MakeTab]:
    """Opens tabs: `open_tab(service)`. In the end none has seen a message twice or an error."""
    opened: list[Tab] = []

    def make(service: Server | Proxy, browser: Browser = browser, script: str = "") -> Tab:
        tab = Tab(browser, origin, service.url, script)
        tab.may_fail_requests = isinstance(service, Proxy)
        opened.append(tab)
        return tab

    yield make
    try:
        for tab in opened:
            tab.check_messages()
            tab.check_complaints()
    finally:
        for tab in opened:
            tab.page.context.close()


@pytest.fixture
def pair(service: Server, open_tab: MakeTab) -> tuple[Tab, Tab]:
    """A host and a guest, connected."""
    ada, ben = open_tab(service), open_tab(service)
    ben.join(ada.create(), "ben")
    wait_connected(ada, ben)
    return ada, ben


def wait_connected(*tabs: Tab, openings: int = 1) -> None:
    """Everybody has open connections to all others, and to nobody else.

    `openings`: how often each connection has opened at least, where an earlier one may be open still.
    """
    condition = """
        party
        && arg.others.every((id) => harness.opened[id] >= arg.openings)
        && party.participants.filter(({ state }) => state === "open").map(({ id }) => id).sort().join()
          === arg.others.join()
    """
    # Twice: where one side has an old connection open still, the other side's is not open yet.
    for tab in tabs * 2:
        others = sorted(other.id for other in tabs if other is not tab)
        tab.wait(" ".join(condition.split()), {"others": others, "openings": openings})


def exchange(*tabs: Tab, count: int = 10) -> None:
    """Everybody sends numbered messages to everybody; all arrive exactly once and in order."""
    for sender, receiver in permutations(tabs, 2):
        sender.send_numbers(receiver, count)
    for tab in tabs:
        tab.check_messages()


def at_once(tabs: list[Tab], act: str) -> None:
    """All tabs do the same in the same millisecond: JavaScript of `party`."""
    instant = round(time.time() * 1000) + 150
    for tab in tabs:
        # Not waited for: each waits for the instant itself.
        tab.page.evaluate(f"void harness.at({json.dumps(instant)}, (party) => {{ {act} }})")
