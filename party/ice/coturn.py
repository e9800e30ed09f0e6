"""A TURN server of one's own: time-limited credentials as coturn's `use-auth-secret` checks them.

(draft-uberti-behave-turn-rest-00)
"""

import base64
import hashlib
import hmac
from typing import Any

from party.config import Settings
from party.ice.provider import Servers


class Coturn:
    """Makes credentials by itself, for each participant its own."""

    problem = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def servers(self, now: int, participant_id: str) -> Servers:
        """None where no TURN server is set."""
        secret, ttl = self._settings.TURN_SECRET, self._settings.TURN_TTL_SECONDS
        if not self._settings.TURN_URLS or not secret:
            return [], ttl
        username = f"{now // 1000 + ttl}:{participant_id}"
        server: dict[str, Any] = {
            "urls": self._settings.TURN_URLS,
            "username": username,
            "credential": turn_credential(secret, username),
        }
        return [server], ttl


def turn_credential(secret: str, username: str) -> str:
    """base64(HMAC-SHA1(secret, username)): the form is coturn's."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()
