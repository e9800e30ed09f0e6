"""How short of capacity this process is, so that pages can be asked to come less often.

Two signs: the process computes, or waits for a processor, nearly all the time; or somebody had to wait for
a database connection or got none. Neighbours on a shared machine do not count as long as it has little to do
itself, for polling less would not help there.
"""

import time
from pathlib import Path

SAMPLE_SECONDS = 1.0
# For so long contention for connections counts.
CONTENTION_SECONDS = 10.0
# From this share of the time on, pauses grow, up to so many times at all of it.
BUSY_FROM = 0.7
MOST = 3.0


class Load:
    """The load of one process."""

    def __init__(self) -> None:
        self._contention_at = -CONTENTION_SECONDS
        self._sampled_at = time.monotonic()
        self._wanted_at = _seconds_wanted()
        self._busy = 0.0
        # By what factor the usual pauses should be longer, until when that holds: see `back_off_factor`.
        self.factor, self.holds_until = 1.0, 0.0

    def note_contention(self) -> None:
        """Somebody waited for a connection, or got none."""
        self._contention_at = time.monotonic()
        self.holds_until = 0.0

    def back_off_factor(self) -> float:
        """By what factor the usual pauses should be longer: 1 where there is capacity to spare."""
        now = time.monotonic()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            wanted = _seconds_wanted()
            self._busy = (wanted - self._wanted_at) / (now - self._sampled_at)
            self._sampled_at, self._wanted_at = now, wanted
        is_contended = now - self._contention_at < CONTENTION_SECONDS
        share = 1.0 if is_contended else min(1.0, max(0.0, (self._busy - BUSY_FROM) / (1 - BUSY_FROM)))
        self.factor, self.holds_until = 1 + share * (MOST - 1), self._sampled_at + SAMPLE_SECONDS
        return self.factor


def _seconds_wanted() -> float:
    """The time for which this process has used a processor, or would have if one had been free."""
    try:
        # Of each thread, in nanoseconds: on a processor, and ready but waiting for one.
        tasks = [path.read_text().split() for path in Path("/proc/self/task").glob("*/schedstat")]
        return sum(int(ran) + int(waited) for ran, waited, _ in tasks) / 1e9
    except (OSError, ValueError):  # not on this system, or a thread has just ended
        return time.process_time()


# One for the process, as its processor time is.
load = Load()
