"""How long the first look takes on a slow phone: at the demo page's lobby, and at the quiz's, in Chromium.

Slow 4G is that of Lighthouse: 1.6 Mbit/s down, 750 kbit/s up, 150 ms for each answer; or that of Chromium's
own tools, whose answers take what a phone's network needs besides: 562.5 ms, at 1.44 Mbit/s and 675 kbit/s.
The processor is slowed down six times. Each first look has an empty cache; then the page is loaded again.
"""

import os
import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.connect import CHROMIUM, FLAGS
from bench.databases import databases
from bench.servers import gunicorn

# Milliseconds for each answer; bytes a second.
NETWORKS = {"Lighthouse": (150, 200_000, 93_750), "Chromium": (562.5, 180_000, 84_375)}
CPU = 6
# Page → what is there when a visitor can begin.
PAGES = {"/": "#lobby:not([hidden])", "/play": "#view form"}
WATCH = """
(selector) => {
    const look = () => {
        if (document.querySelector(selector)?.offsetHeight) globalThis.shownAt = performance.now();
        else requestAnimationFrame(look);
    };
    look();
}
"""


class Visit:
    """A browser with an empty cache on a slow network."""

    def __init__(self, browser: Browser, network: str, selector: str) -> None:
        self._selector = selector
        latency, down, up = NETWORKS[network]
        self.page = browser.new_context().new_page()
        self.page.add_init_script(f"({WATCH})({selector!r})")
        self.requests: set[str] = set()
        self.bytes = self.bodies = 0
        tools = self.page.context.new_cdp_session(self.page)
        tools.send("Network.enable")
        throughput = {"downloadThroughput": down, "uploadThroughput": up}
        tools.send("Network.emulateNetworkConditions", {"offline": False, "latency": latency, **throughput})
        tools.send("Emulation.setCPUThrottlingRate", {"rate": CPU})
        tools.on("Network.requestWillBeSent", lambda event: self.requests.add(event["requestId"]))
        tools.on("Network.requestServedFromCache", lambda event: self.requests.discard(event["requestId"]))
        tools.on("Network.loadingFinished", self._finished)
        tools.on("Network.responseReceivedExtraInfo", self._answered)

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += event["encodedDataLength"]

    def _answered(self, event: dict[str, Any]) -> None:
        self.bodies += event["statusCode"] == 200

    def shown_ms(self) -> float:
        """Milliseconds from the beginning of the load until the visitor can begin."""
        self.page.wait_for_selector(self._selector, timeout=60_000)
        self.page.wait_for_load_state("networkidle")
        shown: float = self.page.evaluate("globalThis.shownAt")
        return shown


def _look(browser: Browser, url: str, network: str, selector: str) -> dict[str, float]:
    """One visitor's first look, and a second one."""
    visit = Visit(browser, network, selector)
    visit.page.goto(url, wait_until="commit")
    first = visit.shown_ms()
    found = {"ms": first, "requests": len(visit.requests), "bytes": visit.bytes}
    visit.requests.clear()
    visit.bodies = 0
    visit.page.reload(wait_until="commit")
    found |= {"again_ms": visit.shown_ms(), "again_requests": len(visit.requests)}
    found["again_bodies"] = visit.bodies
    visit.page.context.close()
    return found


def measure(rounds: int) -> list[dict[str, Any]]:
    """One row for each page and network: medians, least and most."""
    rows = []
    with (
        sync_playwright() as playwright,
        databases("sqlite") as (urls, _),
        gunicorn("app:application", "gthread", DATABASE_URL=urls[0], DEMO=True, PLAY=True) as (url, _),
    ):
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, chromium_sandbox=os.geteuid() != 0
        )
        for path, selector in PAGES.items():
            for network in NETWORKS:
                found = [_look(browser, url + path, network, selector) for _ in range(rounds)]
                times = [each["ms"] for each in found]
                rows.append(
                    {
                        "page": path,
                        "slow 4G of": network,
                        "ms": round(statistics.median(times)),
                        "least": round(min(times)),
                        "most": round(max(times)),
                        "requests": statistics.median(each["requests"] for each in found),
                        "kB": round(statistics.median(each["bytes"] for each in found) / 1000, 1),
                        "again ms": round(statistics.median(each["again_ms"] for each in found)),
                        "again requests": statistics.median(each["again_requests"] for each in found),
                        "again bodies": statistics.median(each["again_bodies"] for each in found),
                    }
                )
        browser.close()
    return rows
