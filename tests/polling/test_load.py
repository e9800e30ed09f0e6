"""Where a process is short of capacity, pages are asked to come less often."""

import math
import time

import pytest

import party.load
from party.load import CONTENTION_SECONDS, MOST, Load, load
from tests.support.peers import Seat


class Times:
    """Seconds: what the clock says, and for how long the process has wanted a processor."""

    now = 1_000.0
    wanted = 10.0

    def live(self, seconds: float, busy: float) -> None:
        """Let time pass, of which the process is busy for this share."""
        self.now += seconds
        self.wanted += seconds * busy


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    """Binds both."""
    bound = Times()
    monkeypatch.setattr(time, "monotonic", lambda: bound.now)
    monkeypatch.setattr(party.load, "_seconds_wanted", lambda: bound.wanted)
    return bound


def test_with_capacity_to_spare_no_pause_grows(times: Times) -> None:
    found = Load()
    times.live(2, busy=0.5)
    assert found.back_off_factor() == 1


def test_a_process_that_is_nearly_always_busy_backs_off_and_recovers(times: Times) -> None:
    found = Load()
    times.live(2, busy=0.85)
    somewhat = found.back_off_factor()
    times.live(2, busy=1)
    assert 1 < somewhat < found.back_off_factor() == MOST
    times.live(2, busy=0.1)
    assert found.back_off_factor() == 1


def test_whoever_waited_for_a_connection_counts_for_a_while(times: Times) -> None:
    found = Load()
    found.note_contention()
    times.live(CONTENTION_SECONDS - 1, busy=0)
    assert found.back_off_factor() > 2
    times.live(2, busy=0)
    assert found.back_off_factor() == 1


def test_computing_is_wanting_a_processor() -> None:
    before = party.load._seconds_wanted()
    began = time.process_time()
    while time.process_time() < began + 0.05:
        pass
    assert party.load._seconds_wanted() >= before + 0.04


def test_under_load_the_next_poll_is_asked_for_later(
    host: Seat, guest: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("_contention_at", time.monotonic()), ("factor", 1.0), ("holds_until", 0.0)):
        monkeypatch.setattr(load, name, value)  # just short of connections
    later = [guest.poll(guest.seq).data["pollAfterMs"] for _ in range(10)]
    monkeypatch.setattr(load, "factor", 1.0)
    monkeypatch.setattr(load, "holds_until", math.inf)
    usual = [guest.poll(guest.seq).data["pollAfterMs"] for _ in range(10)]
    assert min(later) > 2 * max(usual)
