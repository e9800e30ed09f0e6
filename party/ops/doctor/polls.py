"""How polls fare: how long one takes, and whether one can be held without others waiting for it."""

import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

from party.ops.doctor.finding import Result, Skipped, failed, ok, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.site import TIMEOUT_SECONDS, Answer, InBetween, Site

POLLS = 10
SLOW_SECONDS = 1.0


@contextmanager
def _room(site: Site) -> Iterator[dict[str, Any]]:
    """A room of our own, ended at the end."""
    created = site.call("POST", "/rooms", body={"hostName": "doctor"})
    if created.code == "RATE_LIMITED":
        raise Skipped("a poll needs a room, and this address has opened as many as it may for now")
    room = created.data
    try:
        yield room
    finally:
        site.call("POST", f"/rooms/{room['code']}/end", room["you"]["token"])


def _poll(site: Site, room: dict[str, Any], wait: float = 0) -> tuple[Answer, float]:
    """The answer of a poll, and how many seconds it took."""
    began = time.perf_counter()
    path = f"/signal/{room['code']}/{room['you']['id']}?after={room['seq']}&wait={wait:g}"
    return site.call("GET", path, room["you"]["token"]), time.perf_counter() - began


def latency(_: Installation, site: Site) -> Result:
    """How long a poll takes from here, in a room that is opened for it and ended again."""
    seconds = []
    with _room(site) as room:
        for _number in range(POLLS):
            answer, took = _poll(site, room)
            answer.data  # noqa: B018
            seconds.append(took)
    median, slowest = statistics.median(seconds), max(seconds)
    found = f"{median * 1000:.0f} ms in the median of {POLLS} polls, {slowest * 1000:.0f} ms at most"
    if median > SLOW_SECONDS:
        return warning(
            found,
            "Every poll occupies a process for so long. Look at the account's limits (Resource Usage in "
            "cPanel) and at the time that the database takes, above.",
        )
    return ok(found)


def held(installation: Installation, site: Site) -> Result:
    """Whether a poll is held as long as LONG_POLL_SECONDS says, and others are answered meanwhile."""
    site.expect_party()
    wanted = installation.settings.LONG_POLL_SECONDS
    if wanted == 0:
        return ok("LONG_POLL_SECONDS is 0: polls are answered at once")
    off = "LONG_POLL_SECONDS = 0 makes polls end at once, and costs nothing but a second or two of delay."
    with (
        _room(site) as room,
        Site(site.url, timeout=wanted + TIMEOUT_SECONDS) as waiting,
        ThreadPoolExecutor(1) as pool,
    ):
        waiting.is_party = True
        poll = pool.submit(_poll, waiting, room, wanted)
        others = _answered_meanwhile(site, wanted)
        try:
            answer, took = poll.result()
        except InBetween as error:
            return failed(
                f"a poll held for {wanted:g} s got {error.answer.status} from a server in between",
                f"Its time-out is shorter: lengthen it, or lower LONG_POLL_SECONDS. {off}",
            )
        except (OSError, HTTPException) as error:
            return failed(f"a poll held for {wanted:g} s was cut off: {type(error).__name__}", off)
    answer.data  # noqa: B018
    if took < wanted / 2:
        return warning(
            f"LONG_POLL_SECONDS is {wanted:g}, but a poll was answered after {took:.1f} s",
            "Under Passenger nothing is held. Otherwise the app runs with other settings: restart it.",
        )
    if others > wanted / 2:
        return failed(
            f"while one poll was held, another request waited {others:.1f} s",
            f"The server has too few threads or processes for held polls. {off}",
        )
    return ok(f"held for {took:.0f} s, others answered within {others * 1000:.0f} ms meanwhile")


def _answered_meanwhile(site: Site, wanted: float) -> float:
    """How long another request takes, of several while the poll is held, at most: in seconds."""
    slowest = 0.0
    for _number in range(3):
        time.sleep(min(0.1, wanted / 10))
        began = time.perf_counter()
        site.get("/health")
        slowest = max(slowest, time.perf_counter() - began)
    return slowest
