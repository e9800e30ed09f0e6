"""What Prometheus can ask for."""

import ipaddress
from collections.abc import Iterator

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from party import clock
from party.config import settings
from party.db import Database, database
from party.errors import TokenInvalid, TokenRequired
from party.features import features
from party.ops import activity, statistics
from party.web.addresses import client_key
from party.web.rate_limits import rate_limits
from party.web.tokens import bearer, same

blueprint = Blueprint("metrics", __name__)


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
        self._activity = activity.current(database, now)

    def collect(self) -> Iterator[Metric]:
        rooms = GaugeMetricFamily("party_rooms", "Rooms by status.", labels=["status"])
        for status, count in self._counts["rooms"].items():
            rooms.add_metric([status], count)
        yield rooms
        gauges = {
            "members_online": "Members who polled recently.",
            "signals_pending": "Signals not acknowledged yet.",
            "oldest_signal_age_seconds": "Age of the oldest of them.",
        }
        for name, text in gauges.items():
            yield GaugeMetricFamily(f"party_{name}", text, value=self._counts[name])
        of_processes = {
            "processes": "Processes that answer.",
            "polls_per_second": "Polls that come to all of them.",
            "sends_per_second": "Signals that are sent to all of them.",
            "back_off_factor": "By what the pauses between polls are longer than usual, at most.",
            "last_cleanup_age_seconds": "Since anybody cleaned up.",
        }
        for name, text in of_processes.items():
            gauge = GaugeMetricFamily(f"party_{name}", text)
            if (value := self._activity[name]) is not None:  # type: ignore[literal-required]
                gauge.add_metric([], value)
            yield gauge
        yield CounterMetricFamily(
            "party_rate_limit_hits",
            "Requests refused by the limits per address.",
            value=self._counts["rate_limited"],
        )
        for feature in features().installed:
            if feature.metrics:
                yield from feature.metrics(database())
