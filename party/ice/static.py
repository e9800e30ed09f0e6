"""A TURN server with one user for all: whoever rents one gets such."""

from party.config import Settings
from party.ice.provider import Servers


class Static:
    """The same for everybody."""

    problem = ""

    def __init__(self, settings: Settings) -> None:
        server = {
            "urls": settings.TURN_URLS,
            "username": settings.TURN_USERNAME,
            "credential": settings.TURN_CREDENTIAL,
        }
        self._servers: Servers = [server], settings.TURN_TTL_SECONDS

    def servers(self, now: int, participant_id: str) -> Servers:
        """Always the same."""
        return self._servers
