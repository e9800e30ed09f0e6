"""The page at `/`."""

from flask import Blueprint, Response, make_response, render_template

from party.config import settings
from party.db import database
from party.db.readiness import problem
from party.version import VERSION
from party.web.addresses import client_key
from party.web.rate_limits import rate_limits

blueprint = Blueprint("page", __name__, template_folder="templates")

CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@blueprint.get("/")
def index() -> Response:
    """The demo page where `DEMO` is on, otherwise what this is and whether it is well."""
    if settings().DEMO:
        response = make_response(render_template("index.html"))
    else:
        rate_limits().others.hit(client_key())
        wrong = problem(database())
        response = make_response(render_template("service.html", wrong=wrong, version=VERSION))
        response.status_code = 503 if wrong else 200
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
