"""Several servers for one database, in the order of preference: which of them is asked.

All app servers have the same order, so that one server takes all the writes as long as it is well: in a
cluster, those of two servers would get into each other's way.
"""

import time
from collections.abc import Iterator

from party.config.database_url import Host

# A server that failed is left alone for so long. Then somebody looks whether it is well, and others go on.
REST_SECONDS = 3.0


class Hosts:
    """Those of one DATABASE_URL."""

    def __init__(self, hosts: tuple[Host, ...]) -> None:
        self._hosts = hosts
        # On the monotonic clock: until when those that failed rest, and when each failed last.
        self._rests_until: dict[Host, float] = {}
        self._failed_at: dict[Host, float] = {}

    def to_try(self) -> Iterator[Host]:
        """Those that do not rest, best first. One that failed before rests for others while it is tried."""
        for host in self._hosts:
            if self._rests_until.get(host, 0) <= (now := time.monotonic()):
                if host in self._rests_until:
                    self._rests_until[host] = now + REST_SECONDS
                yield host

    def has_failed(self, host: Host) -> bool:
        """Whether it has not been well since it failed."""
        return host in self._rests_until

    def is_well(self, host: Host) -> None:
        """It has answered."""
        self._rests_until.pop(host, None)

    def failed(self, host: Host) -> None:
        """It does not answer, or cannot do what it is there for."""
        self._failed_at[host] = time.monotonic()
        self._rests_until[host] = self._failed_at[host] + REST_SECONDS

    def is_good(self, host: Host, since: float) -> bool:
        """Whether a connection of that moment is good: its server has not failed, and no better is to try."""
        if self._failed_at.get(host, 0) > since:
            return False
        better = self._hosts[: self._hosts.index(host)]
        now = time.monotonic()
        return all(self._rests_until.get(other, 0) > now for other in better)
