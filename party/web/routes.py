"""What callers can ask about the calls themselves: their limits, and the contract."""

import json
from typing import Any

from flask import Blueprint, Response, current_app, request

from party.web.addresses import client_key
from party.web.calls import call
from party.web.models import Answer, Time
from party.web.openapi import document
from party.web.rate_limits import rate_limits

blueprint = Blueprint("web", __name__)


class Limit(Answer):
    action: str
    limit: int
    remaining: int
    resetAt: Time


class Limits(Answer):
    limits: list[Limit]


@blueprint.get("/limits")
@call("The rate limits of the caller's address", answers={200: Limits})
def limits() -> dict[str, Any]:
    """Reading costs nothing."""
    return {"limits": rate_limits().state()}


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The contract as OpenAPI 3.1, outside the envelope; made once."""
    rate_limits().others.hit(client_key())
    known: bytes | None = current_app.extensions.get("party.openapi")
    if known is None:
        found: dict[str, Any] = document(current_app)
        known = current_app.extensions["party.openapi"] = json.dumps(found).encode()
    response = Response(known, content_type="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response
