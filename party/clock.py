"""The one clock. Call it as `clock.now_ms()`, so that a test can bind it.

Several hosts may serve one database, and what one of them stores another one compares with its own time. So
where a host's clock is clearly away from the database's, the host goes by the latter.
"""

import time
from datetime import datetime, timezone

# Clocks that are kept by NTP differ by less.
APART_MS = 200
# What lies further in the future than this comes from a clock that was wrong, and has been set right since.
FUTURE_MS = 60_000

_offset_ms = 0


def now_ms() -> int:
    """Milliseconds since the epoch, UTC: the form in which every time is stored and compared."""
    return time.time_ns() // 1_000_000 + _offset_ms


def follow(other_ms: int, within_ms: int = 0) -> None:
    """Go by another clock if this host's is too far away: it shows this now, give or take `within_ms`."""
    global _offset_ms
    difference = other_ms - time.time_ns() // 1_000_000
    _offset_ms = difference if abs(difference) > APART_MS + within_ms else 0


def offset_ms() -> int:
    """What is added to this host's own clock."""
    return _offset_ms


def iso(ms: int) -> str:
    """A stored time as clients see it: ISO 8601 in UTC with milliseconds and a `Z`."""
    text = datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def iso_or_none(ms: int | None) -> str | None:
    """As `iso`, for times that may not have come yet."""
    return None if ms is None else iso(ms)
