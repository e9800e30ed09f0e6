"""What data through the service costs: how long a text takes, what neighbours feel, and how much is asked.

Two pages that find no path to each other say short texts at random moments. Beside them a client polls a room
of its own, in turns while the pages say as much as they may and while they say nothing. And pages that cannot
connect are left alone for three minutes, beside two in a quiet lobby: the requests of the third minute.
"""

import os
import random
import statistics
import time
from typing import Any

import requests
from playwright.sync_api import Browser, Page, sync_playwright

from bench.connect import CHROMIUM, FLAGS, WAYS
from bench.databases import ENGINES, databases
from bench.servers import gunicorn
from tests.support.paths import NO_PATH, PATH
from tests.support.peers import Api

OPEN = """
async ({ base, code, name, talks }) => {
    const { Party } = await import(`${base}/static/party.js`);
    const options = { name, storage: null, ...(talks && { relayAfterMs: 0 }) };
    window.party = code ? await Party.join(code, options) : await Party.create(options);
    window.took = [];
    const now = () => performance.timeOrigin + performance.now();
    window.say = () => party.broadcast(String(now()));
    party.addEventListener("message", ({ detail }) => took.push(now() - Number(detail.data)));
    return party.code;
}
"""
REACHED = "party.participants.some(({ state }) => state === 'relayed' || state === 'open')"
# What a member may say in a minute, evenly.
SAY_ALL = (
    "window.saying = setInterval(() => party.broadcast(crypto.getRandomValues(new Uint8Array(780))), 250)"
)
REQUESTS = """
(since) => party.trace.filter(({ kind, at }) => kind === "request" && at > since).length
"""


def pair(browser: Browser, url: str, script: str, *, talks: bool) -> list[Page]:
    """Two pages in a room."""
    found: list[Page] = []
    code = None
    for name in ("Ada", "Ben"):
        page = browser.new_context().new_page()
        page.add_init_script(script)
        page.goto(f"{url}/health")
        code = page.evaluate(OPEN, {"base": url, "code": code, "name": name, "talks": talks})
        found.append(page)
    for page in found:
        page.wait_for_function(REACHED)
    return found


def texts(pages: list[Page], count: int) -> list[float]:
    """How many milliseconds short texts take."""
    ada, ben = pages
    for _ in range(count):
        time.sleep(random.uniform(0.3, 0.9))
        ada.evaluate("say()")
    ben.wait_for_function("(count) => took.length >= count", arg=count)
    return list(ben.evaluate("took"))


def neighbour(url: str, pages: list[Page], rounds: int) -> tuple[float, float]:
    """How long a neighbour's poll takes in milliseconds while nobody talks, and while pages do."""
    seat = Api.of_url(url).create_room()
    session = requests.Session()
    path, headers = f"{url}/signal/{seat.code}/{seat.id}", {"Authorization": f"Bearer {seat.token}"}
    found: list[list[float]] = [[], []]
    for turn in range(2 * rounds):
        if turn % 2:
            for page in pages:
                page.evaluate(SAY_ALL)
        until = time.monotonic() + 4
        while time.monotonic() < until:
            began = time.perf_counter()
            session.get(
                path, headers={**headers, "X-Party-After": str(seat.seq)}, timeout=30
            ).raise_for_status()
            found[turn % 2].append((time.perf_counter() - began) * 1000)
            time.sleep(0.02)
        for page in pages:
            page.evaluate("clearInterval(window.saying)")
    return statistics.median(found[0]), statistics.median(found[1])


def asked(browser: Browser, url: str) -> tuple[int, int]:
    """Requests in the third minute: of two pages that cannot connect, and of two that have."""
    pairs = [pair(browser, url, script, talks=False) for script in (NO_PATH, PATH)]
    time.sleep(120)
    pages = [page for each in pairs for page in each]
    since = [page.evaluate("performance.now()") for page in pages]
    time.sleep(60)
    counts = [page.evaluate(REQUESTS, at) for page, at in zip(pages, since, strict=True)]
    return sum(counts[:2]), sum(counts[2:])


def measure(rounds: int) -> list[dict[str, Any]]:
    """One row for each engine and way."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", CHROMIUM),
            args=FLAGS,
            chromium_sandbox=os.geteuid() != 0,
        )
        for engine in ENGINES:
            for way, (worker_class, settings) in WAYS.items():
                with (
                    databases(engine) as (urls, _),
                    gunicorn("app:application", worker_class, DATABASE_URL=urls[0], **settings) as (url, _),
                ):
                    pages = pair(browser, url, NO_PATH, talks=True)
                    times = texts(pages, 5 * rounds)
                    alone, beside = neighbour(url, pages, rounds)
                    for page in pages:
                        page.context.close()
                    apart, lobby = asked(browser, url) if way == "short" else (0, 0)
                    rows.append(
                        {
                            "engine": engine,
                            "polls": way,
                            "text_median_ms": round(statistics.median(times)),
                            "text_most_ms": round(max(times)),
                            "neighbour_ms": round(alone, 2),
                            "beside_talk_ms": round(beside, 2),
                            "unreachable_per_minute": apart or "",
                            "lobby_per_minute": lobby or "",
                        }
                    )
        browser.close()
    return rows
