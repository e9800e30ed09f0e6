"""Cloudflare's TURN service: short-lived credentials over HTTPS, for all members of a process the same.

Nobody waits for it: they are asked for in a thread of their own, anew after half of their life, and the last
good ones are given out as long as they are good. Until the first have come there is no TURN server, and pages
are told to ask again soon.
"""

import json
import logging
import time
import urllib.request
from threading import Lock, Thread
from typing import Any
from urllib.error import HTTPError

from party.config import Settings
from party.config.network_names import check_stun_url, check_turn_url
from party.ice.provider import Servers

log = logging.getLogger(__name__)

API = "https://rtc.live.cloudflare.com"
TIMEOUT_SECONDS = 3
MOST_BYTES = 64 * 1024
# After a failure it is not asked for so long; pages that got nothing ask again after as long.
PAUSE_SECONDS = 10


class _StaysThere(urllib.request.HTTPRedirectHandler):
    """The token is for nobody else."""

    def redirect_request(self, *_: object) -> None:
        """Another address is an error like any other."""


_OPENER = urllib.request.build_opener(_StaysThere)


class Cloudflare:
    """What this process was given last."""

    def __init__(self, settings: Settings) -> None:
        self._key, self._token = settings.TURN_KEY_ID, settings.TURN_API_TOKEN
        self._ttl = settings.TURN_TTL_SECONDS
        self._servers: list[dict[str, Any]] = []
        self.problem = ""
        # On the monotonic clock: until when they are good, and when others are asked for.
        self._good_until = self._ask_at = 0.0
        self._lock = Lock()

    def servers(self, now: int, participant_id: str) -> Servers:
        """The last good ones; others are on their way where it is time."""
        self.refresh()
        left = self._good_until - time.monotonic()
        return (self._servers, int(left)) if left >= 1 else ([], PAUSE_SECONDS)

    def refresh(self) -> None:
        """Ask for new ones, if it is time, without waiting for them."""
        now = time.monotonic()
        with self._lock:
            if now < self._ask_at:
                return
            self._ask_at = now + PAUSE_SECONDS
        Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        began = time.monotonic()
        try:
            self._servers = _read(self._request())
        except Exception as error:
            # What it says may hold the token, or anything.
            code = f" {error.code}" if isinstance(error, HTTPError) else ""
            self.problem = f"{type(error).__name__}{code}"
            log.warning("the TURN provider gives no credentials: %s", self.problem)
            return
        self.problem = ""
        self._good_until, self._ask_at = began + self._ttl, began + self._ttl / 2

    def _request(self) -> Any:
        request = urllib.request.Request(
            f"{API}/v1/turn/keys/{self._key}/credentials/generate-ice-servers",
            data=json.dumps({"ttl": self._ttl}).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "User-Agent": "party",
            },
        )
        until = time.monotonic() + TIMEOUT_SECONDS
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = b""
            while part := answer.read1(MOST_BYTES):
                found += part
                if len(found) > MOST_BYTES or time.monotonic() > until:
                    raise TimeoutError
        return json.loads(found)


def _read(answer: Any) -> list[dict[str, Any]]:
    """The TURN servers of an answer, if a browser takes all of it. Raises whatever a wrong form leads to."""
    found = answer["iceServers"]
    servers = []
    for server in found if isinstance(found, list) else [found]:
        urls = [server["urls"]] if isinstance(server["urls"], str) else server["urls"]
        turns = [check_turn_url(url) for url in urls if not url.lower().startswith("stun")]
        for url in urls:
            if url.lower().startswith("stun"):
                check_stun_url(url)
        if not turns:
            continue
        username, credential = server["username"], server["credential"]
        if not (isinstance(username, str) and isinstance(credential, str) and username and credential):
            raise ValueError
        servers.append({"urls": turns, "username": username, "credential": credential})
    if not servers:
        raise ValueError
    return servers
