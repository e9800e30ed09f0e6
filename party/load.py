"""How short of capacity this process is, so that pages can be asked to come less often.

Two signs: the process computes, or waits for a processor, nearly all the time; or somebody had to wait for
a database connection or got none. Neighbours on a shared machine do not count as long as it has little to do
itself, for polling less would not help there.
"""

import time
from pathlib import Path

# A sign counts for this long.
SAMPLE_SECONDS = 1.0
STRAINED_SECONDS = 10.0
# From this share of the time on, polls are stretched, up to MOST_FOR_LOAD times at all of it.
BUSY_FROM = 0.7
MOST_FOR_LOAD = 3.0
STRETCH_WHEN_STRAINED = 3.0


class Pressure:
    """The pressure on one process."""

    def __init__(self) -> None:
        self._strained_at = -STRAINED_SECONDS
        self._sampled_at = time.monotonic()
        self._wanted_at = _seconds_wanted()
        self._busy = 0.0

    def strained(self) -> None:
        """Somebody waited for a connection, or got none."""
        self._strained_at = time.monotonic()

    def stretch(self) -> float:
        """By what factor the usual pauses should be longer: 1 where there is no pressure."""
        now = time.monotonic()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            wanted = _seconds_wanted()
            self._busy = (wanted - self._wanted_at) / (now - self._sampled_at)
            self._sampled_at, self._wanted_at = now, wanted
        share = min(1.0, max(0.0, (self._busy - BUSY_FROM) / (1 - BUSY_FROM)))
        for_load = 1 + share * (MOST_FOR_LOAD - 1)
        strained = now - self._strained_at < STRAINED_SECONDS
        return max(for_load, STRETCH_WHEN_STRAINED if strained else 1.0)


def _seconds_wanted() -> float:
    """The time for which this process has used a processor, or would have if one had been free."""
    try:
        # Of each thread, in nanoseconds: on a processor, and ready but waiting for one.
        tasks = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
        return sum(int(ran) + int(waited) for ran, waited, _ in tasks) / 1e9
    except (OSError, ValueError):  # not on this system, or a thread has just ended
        return time.process_time()


# One for the process, as its processor time is.
pressure = Pressure()
