"""`GET /rooms/{code}/ice-servers`, and the same along with a seat."""

import json
from typing import Any, Literal

from flask import Blueprint, Response, current_app, request

from party import clock
from party.config import settings
from party.ice.provider import Provider
from party.rows import Caller
from party.web.calls import call
from party.web.models import Answer

blueprint = Blueprint("ice", __name__)

# The calls that give a seat.
ENTERING = ("rooms.create", "rooms.join", "rooms.rejoin")
HEADER = "X-Party-Ice-Servers"


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
    return _named(caller["participant_id"])


def enclose(response: Response) -> Response:
    """Tell whoever comes in along with its seat, too: it need not ask before it connects."""
    if request.method == "POST" and request.endpoint in ENTERING and response.status_code in (200, 201):
        named = _named(response.get_json()["data"]["you"]["id"])
        response.headers[HEADER] = json.dumps(named, separators=(",", ":"))
    return response


def _named(participant_id: str) -> dict[str, Any]:
    provider: Provider = current_app.extensions["party.turn"]
    turn, ttl = provider.servers(clock.now_ms(), participant_id)
    stun = [{"urls": settings().STUN_URLS}] if settings().STUN_URLS else []
    return {"iceServers": [*stun, *turn], "iceTransportPolicy": settings().ICE_POLICY, "ttlSeconds": ttl}
