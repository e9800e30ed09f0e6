"""`GET /rooms/{code}/ice-servers`."""

import base64
import hashlib
import hmac
from typing import Any

from flask import Blueprint

from party import clock
from party.config import settings
from party.rows import Caller
from party.web.calls import call
from party.web.models import Answer

blueprint = Blueprint("ice", __name__)


class IceServer(Answer):
    urls: list[str]
    username: str | None = None
    credential: str | None = None


class IceServers(Answer):
    iceServers: list[IceServer]
    ttlSeconds: int


@blueprint.get("/rooms/<code>/ice-servers")
@call("STUN and TURN servers, with credentials", access="member", answers={200: IceServers})
def ice_servers(caller: Caller) -> dict[str, Any]:
    """TURN credentials as coturn's `use-auth-secret` checks them (draft-uberti-behave-turn-rest-00)."""
    found: list[dict[str, Any]] = []
    if settings().STUN_URLS:
        found.append({"urls": settings().STUN_URLS})
    if settings().TURN_URLS and settings().TURN_SECRET:
        until = clock.now_ms() // 1000 + settings().TURN_TTL_SECONDS
        username = f"{until}:{caller['participant_id']}"
        found.append(
            {
                "urls": settings().TURN_URLS,
                "username": username,
                "credential": turn_credential(settings().TURN_SECRET or "", username),
            }
        )
    return {"iceServers": found, "ttlSeconds": settings().TURN_TTL_SECONDS}


def turn_credential(secret: str, username: str) -> str:
    """base64(HMAC-SHA1(secret, username)): the form is coturn's."""
    return base64.b64encode(hmac.new(secret.encode(), username.encode(), hashlib.sha1).digest()).decode()
