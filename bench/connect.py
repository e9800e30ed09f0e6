"""How long it takes two pages, or six, to connect, and how many requests that costs.

A guest calls `Party.join` while the host is polling at the server's pace; the clock stops when the data
channels are open on all sides. The host has opened its room just now, or some time ago; then the guest has
come by a link, which looks at the room, and has taken four seconds for a name. Beside it stands the limit
of the machine: the same connections with their signals passed between the pages by a BroadcastChannel,
through no server at all.
"""

import os
import statistics
import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.databases import ENGINES, databases
from bench.servers import gunicorn
from party.db import Connection, Database, transaction

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--disable-gpu", "--disable-quic", "--disable-features=WebRtcHideLocalIpsWithMdns"]

OPEN_PARTY = """
async ({ base, code, name, peers, at }) => {
    const { Party } = await import(`${base}/static/party.js`);
    const now = () => performance.timeOrigin + performance.now();
    await new Promise((resolve) => setTimeout(resolve, at - now()));
    window.startedAt = now();
    const party = code
        ? await Party.join(code, { name, storage: null })
        : await Party.create({ name, storage: null, maxParticipants: 6 });
    window.party = party;
    window.openedAt = new Promise((resolve) => {
        const look = () =>
            party.participants.filter(({ state }) => state === "open").length >= peers && resolve(now());
        party.addEventListener("peer", look);
        look();
    });
    return { code: party.code, startedAt: window.startedAt };
}
"""
LOOK = """
async ({ base, code }) => {
    const { Party } = await import(`${base}/static/party.js`);
    await Party.preview(code);
}
"""
REQUESTS = """
async ([from, to]) => window.party.trace.filter(({ kind, at, durationMs }) => {
    const beganAt = performance.timeOrigin + at - durationMs;
    return kind === "request" && beganAt >= from && beganAt <= to;
}).length
"""
BROADCAST = """
async ({ base, id, ids }) => {
    const { Connection } = await import(`${base}/static/client/connection.js`);
    const channel = new BroadcastChannel("limit");
    const iceServers = { current: [], async fresh() { return this.current; } };
    const connections = new Map();
    const opened = new Set();
    let finish;
    const done = new Promise((resolve) => (finish = resolve));
    const connect = (peer) => {
        const connection = new Connection({
            id: "limit", polite: id < peer, iceServers, tracks: new Map(),
            post: (type, payload) => channel.postMessage({ from: id, to: peer, type, payload }),
            onState: (state) => {
                if (state === "open") opened.add(peer);
                if (opened.size === ids.length - 1) finish(performance.timeOrigin + performance.now());
            },
            onData: () => {}, onTrack: () => {},
        });
        connections.set(peer, connection);
        return connection;
    };
    channel.onmessage = ({ data: { from, to, type, payload } }) => {
        if (to === id) (connections.get(from) ?? connect(from)).receive(type, payload);
    };
    window.begin = async (at) => {
        await new Promise((resolve) => setTimeout(resolve, at - performance.timeOrigin - performance.now()));
        const startedAt = performance.timeOrigin + performance.now();
        for (const peer of ids) if (peer < id) connect(peer).start();
        return startedAt;
    };
    window.done = done;
    window.closeAll = () => { for (const each of connections.values()) each.close(); channel.close(); };
}
"""


def pages(browser: Browser, url: str, count: int, context: BrowserContext | None = None) -> list[Page]:
    """Pages of the service's origin that run nothing of their own."""
    made = []
    for _ in range(count):
        page = (context or browser.new_context()).new_page()
        page.goto(f"{url}/health")
        made.append(page)
    return made


def soon(pages: list[Page]) -> float:
    """When they all shall begin, in ms: at once, and with all that they need loaded."""
    return time.time() * 1000 + 400 * len(pages)


@transaction
def let_pass(tx: Connection, code: str, seconds: int) -> None:
    """Nothing has happened in a room for so long."""
    tx.run(
        "UPDATE party_rooms SET negotiated_at = negotiated_at - :ms WHERE code = :code",
        ms=seconds * 1000,
        code=code,
    )


def connect(
    browser: Browser, url: str, database: str, count: int, waited: int, delay: float
) -> tuple[float, int]:
    """Milliseconds from the guests' calls until all is open everywhere, and the requests of all pages.

    `waited` is for how many seconds nothing has happened, and `delay` how many really pass.
    """
    host, *guests = opened = pages(browser, url, count)
    options = {"base": url, "code": None, "name": "Hana", "peers": count - 1, "at": 0}
    code = host.evaluate(OPEN_PARTY, options)["code"]
    if waited:
        let_pass(Database(database), code, waited)
    time.sleep(delay)  # so that the host's polls are at any point of their round
    if waited:
        guests[0].evaluate(LOOK, {"base": url, "code": code})
        time.sleep(4)
    options |= {"code": code, "name": "Gus", "at": soon(guests)}
    for guest in guests:
        guest.evaluate(f"(options) => {{ window.entering = ({OPEN_PARTY})(options); }}", options)
    started = min(guest.evaluate("async () => (await window.entering).startedAt") for guest in guests)
    ended = max(page.evaluate("() => window.openedAt") for page in opened)
    requests = sum(page.evaluate(REQUESTS, [started, ended]) for page in opened)
    host.evaluate("() => window.party.end()")
    for page in opened:
        page.context.close()
    return float(ended - started), requests


def limit(browser: Browser, url: str, count: int) -> float:
    """The same without a server."""
    context = browser.new_context()
    opened = pages(browser, url, count, context)
    ids = [str(n) for n in range(count)]
    for page, id in zip(opened, ids, strict=True):
        page.evaluate(BROADCAST, {"base": url, "id": id, "ids": ids})
    at = soon(opened)
    for page in opened:
        page.evaluate("(at) => { window.beginning = window.begin(at); }", at)
    started = min(page.evaluate("() => window.beginning") for page in opened)
    ended: float = max(page.evaluate("() => window.done") for page in opened)
    context.close()
    return ended - started


# How the pages learn of news: by asking at the server's pace, or by waiting for the answer.
WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "short": ("gthread", {}),
    "held": ("gevent", {"LONG_POLL_SECONDS": 25}),
}


# How many pages, and for how many seconds nothing has happened when the others come.
CASES = {"short": [(2, 0), (2, 30), (2, 315), (6, 0)], "held": [(2, 0), (6, 0)]}


def measure(rounds: int) -> list[dict[str, Any]]:
    """One row for each engine, way and number of pages: medians over the rounds, all taken in turns."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        for engine in ENGINES:
            for way, (worker_class, settings) in WAYS.items():
                with (
                    databases(engine) as (urls, _),
                    gunicorn("app:application", worker_class, DATABASE_URL=urls[0], **settings) as (url, _),
                ):
                    for count, waited in CASES[way]:
                        found, limits = [], []
                        for n in range(rounds):
                            # A lobby that nobody has been in for long is polled every three seconds.
                            delay = (3 if waited else 1) + 0.37 * (n % 7)
                            found.append(connect(browser, url, urls[0], count, waited, delay))
                            limits.append(limit(browser, url, count))
                        times = [milliseconds for milliseconds, _ in found]
                        rows.append(
                            {
                                "engine": engine,
                                "polls": way,
                                "pages": count,
                                "waited_s": waited,
                                "median_ms": round(statistics.median(times)),
                                "least_ms": round(min(times)),
                                "most_ms": round(max(times)),
                                "requests": statistics.median(requests for _, requests in found),
                                "limit_ms": round(statistics.median(limits)),
                            }
                        )
        browser.close()
    return rows
