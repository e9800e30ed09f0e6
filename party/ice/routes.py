"""`GET /rooms/{code}/ice-servers`."""

from typing import Any, Literal

from flask import Blueprint, current_app

from party import clock
from party.config import settings
from party.ice.provider import Provider
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
    iceTransportPolicy: Literal["all", "relay"]
    ttlSeconds: int


@blueprint.get("/rooms/<code>/ice-servers")
@call("STUN and TURN servers, with credentials", access="member", answers={200: IceServers})
def ice_servers(caller: Caller) -> dict[str, Any]:
    """With `relay` members learn nothing of each other's addresses."""
    provider: Provider = current_app.extensions["party.turn"]
    turn, ttl = provider.servers(clock.now_ms(), caller["participant_id"])
    stun = [{"urls": settings().STUN_URLS}] if settings().STUN_URLS else []
    return {"iceServers": [*stun, *turn], "iceTransportPolicy": settings().ICE_POLICY, "ttlSeconds": ttl}
