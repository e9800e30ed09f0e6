"""How long it takes two pages, or six, to connect, and how many requests that costs.

A guest calls `Party.join` while the host is polling at the server's pace; the clock stops when the data
channels are open on all sides. Beside it stands the limit of the machine: the same connections with
their signals passed between the pages by a BroadcastChannel, through no server at all.
"""

import os
import statistics
import time
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench.databases import ENGINES, databases
from bench.servers import gunicorn

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--disable-gpu", "--disable-quic", "--disable-features=WebRtcHideLocalIpsWithMdns"]

OPEN_PARTY = """
async ({ base, code, name, peers }) => {
    const { Party } = await import(`${base}/static/party.js`);
    const now = () => performance.timeOrigin + performance.now();
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
    window.begin = () => {
        for (const peer of ids) if (peer < id) connect(peer).start();
        return performance.timeOrigin + performance.now();
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


def connect(browser: Browser, url: str, count: int, delay: float) -> tuple[float, int]:
    """Milliseconds from the guests' calls until all is open everywhere, and the requests of all pages."""
    host, *guests = opened = pages(browser, url, count)
    options = {"base": url, "code": None, "name": "Hana", "peers": count - 1}
    code = host.evaluate(OPEN_PARTY, options)["code"]
    time.sleep(delay)  # so that the host's polls are at any point of their round
    for guest in guests:
        guest.evaluate(
            f"(options) => {{ window.entering = ({OPEN_PARTY})(options); }}",
            {**options, "code": code, "name": "Gus"},
        )
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
    started = min(page.evaluate("() => window.begin()") for page in opened)
    ended: float = max(page.evaluate("() => window.done") for page in opened)
    context.close()
    return ended - started


# How the pages learn of news: by asking at the server's pace, or by waiting for the answer.
WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "short": ("gthread", {}),
    "held": ("gevent", {"LONG_POLL_SECONDS": 25}),
}


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
                    for count in (2, 6):
                        found, limits = [], []
                        for n in range(rounds):
                            found.append(connect(browser, url, count, 1 + 0.37 * (n % 7)))
                            limits.append(limit(browser, url, count))
                        times = [milliseconds for milliseconds, _ in found]
                        rows.append(
                            {
                                "engine": engine,
                                "polls": way,
                                "pages": count,
                                "median_ms": round(statistics.median(times)),
                                "least_ms": round(min(times)),
                                "most_ms": round(max(times)),
                                "requests": statistics.median(requests for _, requests in found),
                                "limit_ms": round(statistics.median(limits)),
                            }
                        )
        browser.close()
    return rows
