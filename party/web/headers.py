"""What every request and answer has: an id, safe headers, CORS."""

import logging
import mimetypes
import re
import secrets

from flask import Flask, Response, g, has_request_context, request
from flask.logging import default_handler
from flask_cors import CORS

from party.config import Settings
from party.web import files
from party.web.models import MAX_ENCODED_BYTES

PREFLIGHT_MAX_AGE_SECONDS = 7200
PARTY_HEADERS = ["X-Party-After", "X-Party-Body", "X-Party-Report", "X-Party-Wait"]


def _name_request() -> None:
    """Give the request an id: it is in the answer's headers and in every log line of the request."""
    g.request_id = secrets.token_hex(8)


def _answer_preflight() -> Response | None:
    """Where a browser asks for an address that does not exist, it must get to see the 404 itself."""
    if request.method == "OPTIONS" and request.routing_exception is not None:
        return Response(status=204)
    return None


def _allowed(origins: list[str]) -> str | list[re.Pattern[str]]:
    """The configured origins as Flask-CORS takes them: a text with a `[` it would read as an expression."""
    if "*" in origins:
        return "*"
    return [re.compile(re.escape(origin) + r"\Z", re.IGNORECASE) for origin in origins]


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = g.get("request_id", "-") if has_request_context() else "-"
        return True


def _add_headers(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    if request.endpoint == files.ENDPOINT and response.status_code < 400:
        # The client is a module that other sites may import.
        response.headers["Access-Control-Allow-Origin"] = "*"
    else:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def init_app(app: Flask, settings: Settings) -> None:
    """Set up what surrounds the calls."""
    # One byte more than is allowed: of a body without a stated length Werkzeug reads so much and
    # silently leaves the rest, so `read_json` must be able to see that there was more.
    app.config["MAX_CONTENT_LENGTH"] = MAX_ENCODED_BYTES + 1
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    # A redirect would lose the body; an odd path is simply unknown.
    app.url_map.merge_slashes = False
    default_handler.addFilter(_RequestIdFilter())
    default_handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(request_id)s %(name)s: %(message)s")
    )
    # Not left to the machine's own list: a browser runs no module of another type.
    mimetypes.add_type("text/javascript", ".js")
    mimetypes.add_type("text/plain", ".ts")
    app.before_request(_name_request)
    app.before_request(_answer_preflight)
    app.after_request(_add_headers)
    CORS(
        app,
        # Whoever is not configured gets no header; the static files have their own.
        resources={r"^(?!/static/).*": {}},
        origins=_allowed(settings.ALLOWED_ORIGINS),
        send_wildcard=True,
        methods=["GET", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", *PARTY_HEADERS],
        expose_headers=[
            "Retry-After",
            "X-Request-Id",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        ],
        max_age=PREFLIGHT_MAX_AGE_SECONDS,
    )
