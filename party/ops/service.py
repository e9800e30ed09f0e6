"""What the service tells about itself: health, metrics, limits, ICE servers, OpenAPI."""

import base64
import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterator
from typing import Any, Literal

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import Field

from party import clock
from party.config import settings
from party.db import Database, Row, database
from party.db.migrate import is_behind
from party.errors import TokenInvalid, TokenRequired, Unavailable
from party.ops import statistics
from party.version import VERSION
from party.web.addresses import client_key
from party.web.calls import call
from party.web.models import Answer, Time
from party.web.openapi import document
from party.web.rate_limits import rate_limits
from party.web.tokens import bearer, same

blueprint = Blueprint("service", __name__)

# Whether changes can be made is tried by `/health`, at most once in so long while they can.
TRIED_SECONDS = 5


class Health(Answer):
    status: Literal["ok"]
    version: str
    database: Literal["ok"]
    # Under its own name it would hide a method of pydantic's.
    schema_: Literal["current"] = Field(alias="schema")


class Limit(Answer):
    action: str
    limit: int
    remaining: int
    resetAt: Time


class Limits(Answer):
    limits: list[Limit]


class IceServer(Answer):
    urls: list[str]
    username: str | None = None
    credential: str | None = None


class IceServers(Answer):
    iceServers: list[IceServer]
    ttlSeconds: int


@blueprint.get("/health")
@call("Whether the service can do its work", answers={200: Health})
def health() -> dict[str, Any]:
    """503 says in one word what is wrong."""
    db = database()
    try:
        behind = is_behind(db)
        if not behind and db.writes.need_a_trial(TRIED_SECONDS):
            db.try_to_write()
    except Unavailable:
        raise Unavailable("database") from None
    if behind:
        raise Unavailable("schema")
    return {"status": "ok", "version": VERSION, "database": "ok", "schema": "current"}


@blueprint.get("/limits")
@call("The rate limits of the caller's address", answers={200: Limits})
def limits() -> dict[str, Any]:
    """Reading costs nothing."""
    return {"limits": rate_limits().state()}


@blueprint.get("/rooms/<code>/ice-servers")
@call("STUN and TURN servers, with credentials", access="member", answers={200: IceServers})
def ice_servers(caller: Row) -> dict[str, Any]:
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


@blueprint.get("/metrics")
def metrics() -> Response:
    """Prometheus text, counted in the database, so that it is true whichever process answers."""
    rate_limits().others.hit(client_key())
    _check_metrics_access()
    registry = CollectorRegistry()
    registry.register(_DatabaseCollector(database(), clock.now_ms(), settings().online_ms))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _check_metrics_access() -> None:
    token = settings().METRICS_TOKEN
    if token is not None:
        if bearer() is None:
            raise TokenRequired
        if not same(bearer() or "", token):
            raise TokenInvalid
    elif "X-Forwarded-For" in request.headers or not _from_loopback():
        raise TokenRequired("The metrics need a token, or a request from this machine.")


def _from_loopback() -> bool:
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


class _DatabaseCollector(Collector):
    def __init__(self, database: Database, now: int, online_ms: int) -> None:
        self._counts = statistics.current(database, now, online_ms)

    def collect(self) -> Iterator[Metric]:
        rooms = GaugeMetricFamily("party_rooms", "Rooms by status.", labels=["status"])
        for status, count in self._counts["rooms"].items():
            rooms.add_metric([status], count)
        yield rooms
        gauges = {
            "members_online": "Members who polled lately.",
            "signals_pending": "Signals not acknowledged yet.",
            "oldest_signal_age_seconds": "Age of the oldest of them.",
        }
        for name, text in gauges.items():
            yield GaugeMetricFamily(f"party_{name}", text, value=self._counts[name])
        yield CounterMetricFamily(
            "party_rate_limit_hits",
            "Requests refused by the limits per address.",
            value=self._counts["rate_limited"],
        )


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The contract as OpenAPI 3.1, outside the envelope; made once."""
    rate_limits().others.hit(client_key())
    known: bytes | None = current_app.extensions.get("party.web.openapi")
    if known is None:
        found: dict[str, Any] = document(current_app)
        known = current_app.extensions["party.web.openapi"] = json.dumps(found).encode()
    response = Response(known, content_type="application/json")
    response.add_etag()
    response.make_conditional(request)
    return response
