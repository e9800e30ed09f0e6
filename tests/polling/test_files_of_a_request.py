"""How many of our files a request passes: what somebody has to open who follows it."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import party
from party.polling import room_cache
from tests.support.peers import Answer, Seat

PACKAGE = Path(party.__file__).parent

SEND, NEWS, IDLE, IDLE_OF_FEW = 16, 13, 7, 10


def files_of(request: Callable[[], Answer]) -> set[str]:
    """The files of the package that a request executes, which has to succeed."""
    found = {"clock.py"}  # which the tests bind

    def note(frame: FrameType, event: str, argument: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE):
            found.add(path.relative_to(PACKAGE).as_posix())

    sys.setprofile(note)
    try:
        answer = request()
    finally:
        sys.setprofile(None)
    assert answer.status in (200, 201)
    return found


@pytest.fixture
def quiet(host: Seat, guest: Seat) -> tuple[Seat, Seat]:
    """Two pages that have read everything, and that the process knows."""
    for seat in (host, guest):
        seat.read()
    for seat in (host, guest, host, guest):
        seat.poll(seat.seq)
    return host, guest


def test_a_send_passes_few_files(quiet: tuple[Seat, Seat]) -> None:
    host, guest = quiet
    host.send(guest)
    assert len(found := files_of(lambda: host.send(guest))) <= SEND, sorted(found)


def test_a_poll_with_news_passes_few_files(quiet: tuple[Seat, Seat]) -> None:
    host, guest = quiet
    host.send(guest)
    assert len(found := files_of(lambda: guest.poll(guest.seq))) <= NEWS, sorted(found)


@pytest.mark.parametrize(("few_polls", "most"), [(False, IDLE), (True, IDLE_OF_FEW)])
def test_an_idle_poll_passes_few_files(
    quiet: tuple[Seat, Seat], monkeypatch: pytest.MonkeyPatch, few_polls: bool, most: int
) -> None:
    """Where few poll, each asks the database."""
    host, _ = quiet
    monkeypatch.setattr(room_cache, "SHARED_FROM", 1_000_000 if few_polls else 0)
    monkeypatch.setattr(room_cache, "TICK_SECONDS", 3_600)
    # Once in a second a poll measures the load.
    found = min((files_of(lambda: host.poll(host.seq)) for _ in range(5)), key=len)
    assert len(found) <= most, sorted(found)
    assert ("db/connection.py" in found) == few_polls
