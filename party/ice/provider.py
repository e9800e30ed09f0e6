"""What gives members TURN servers."""

from typing import Any, Protocol

# {urls, username, credential} of each, and for how many seconds they are good.
Servers = tuple[list[dict[str, Any]], int]


class Provider(Protocol):
    """One of an app; `party.ice.PROVIDERS` has them all."""

    # Why there are none, where it knows; for the admin.
    problem: str

    def servers(self, now: int, participant_id: str) -> Servers:
        """What a participant is given at `now`, without waiting for anybody."""
