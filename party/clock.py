"""The one clock. Call it as `clock.now_ms()`, so that a test can bind it."""

import time
from datetime import datetime, timezone


def now_ms() -> int:
    """Milliseconds since the epoch, UTC: the form in which every time is stored and compared."""
    return time.time_ns() // 1_000_000


def iso(ms: int) -> str:
    """A stored time as clients see it: ISO 8601 in UTC with milliseconds and a `Z`."""
    text = datetime.fromtimestamp(ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def iso_or_none(ms: int | None) -> str | None:
    """As `iso`, for times that may not have come yet."""
    return None if ms is None else iso(ms)
