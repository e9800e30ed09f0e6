"""Many tabs of one browser over HTTP/1.1, which gives all of them six connections to a service together."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.conftest import MakeServer
from tests.support.tabs import Tab, serve_harness

# Browsers open no more to one host.
CONNECTIONS = 6
HOLD_SECONDS = 25


@pytest.fixture
def origin() -> Iterator[str]:
    """Where the test page lies."""
    with serve_harness() as found:
        yield found


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_no_tab_waits_for_the_held_polls_of_the_others(
    server: MakeServer, browser: Browser, origin: str
) -> None:
    service = server(workers=1, worker_class="gevent", LONG_POLL_SECONDS=HOLD_SECONDS, ALLOWED_ORIGINS=origin)
    profile = browser.new_context()
    try:
        tabs = [Tab(profile, origin, service.url) for _ in range(CONNECTIONS + 2)]
        for number, tab in enumerate(tabs):
            tab.create(f"host{number}")
        for tab in tabs:
            tab.run("await party.setQuiz({})")
        requests = [request for tab in tabs for request in tab.get("harness.traceOf('request')")]
        # Who had to wait for a place would have waited until a poll was over.
        assert max(request["durationMs"] for request in requests) < HOLD_SECONDS * 1000 / 2
        assert any(is_held(tab) for tab in tabs)
    finally:
        profile.close()


def is_held(tab: Tab) -> bool:
    """Whether a poll of this tab is being held, its last request having been answered a while ago."""
    tab.page.wait_for_timeout(2_000)
    before = len(tab.get("harness.traceOf('request')"))
    tab.page.wait_for_timeout(3_000)
    return bool(len(tab.get("harness.traceOf('request')")) == before)
