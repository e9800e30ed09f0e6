"""Headless Chromium for the tests, and a page of it that remembers what went wrong in it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect, sync_playwright

from tests.support.processes import needs

CHROMIUM_FLAGS = [
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
    # A camera and a microphone that are not there, and nobody to ask for permission.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    # A machine without mDNS cannot resolve the names that hide local addresses.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
# Far more than anything takes, for machines that have much else to do.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium, the one that Debian packages; one for each process of the test run."""
    path = needs("chromium", "chromium")
    with sync_playwright() as playwright, launch(playwright.chromium, path) as started:
        yield started


@contextmanager
def launch(kind: BrowserType, path: str, *flags: str) -> Iterator[Browser]:
    """Start a browser, and close it in the end."""
    args = [*CHROMIUM_FLAGS, *flags]
    started = kind.launch(executable_path=path, args=args, chromium_sandbox=os.geteuid() != 0)
    yield started
    started.close()


class LonelyBrowser:
    """Another Chromium, whose network can be taken away: HTTP and the packets of WebRTC alike."""

    def __init__(self, neighbour: Browser) -> None:
        # The process starts with the first page at the latest.
        neighbour.new_page().close()
        before = _network_processes()
        self._launched = launch(neighbour.browser_type, needs("chromium", "chromium"))
        self.browser = self._launched.__enter__()
        self.browser.new_page().close()
        (self._network,) = _network_processes() - before

    @contextmanager
    def offline(self) -> Iterator[None]:
        """The process that does all of the browser's networking stands still."""
        os.kill(self._network, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._network, signal.SIGCONT)

    def __enter__(self) -> "LonelyBrowser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._launched.__exit__(None, None, None)


def _network_processes() -> set[int]:
    """The network processes of the browsers that this test process has started."""
    return {pid for pid in _descendants(os.getpid()) if b"network.mojom.NetworkService" in _command(pid)}


def _descendants(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in listed.read_text().split():
                yield int(child)
                yield from _descendants(int(child))


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@dataclass
class Watched:
    """A page, and what went wrong in it: uncaught errors, unhandled rejections, console warnings."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
