"""The demo page at `/`."""

from flask import Blueprint, Response, make_response, render_template

from party.config import settings
from party.errors import NotFound

blueprint = Blueprint("page", __name__, template_folder="templates")

CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@blueprint.get("/")
def index() -> Response:
    """The page where `DEMO` is on, otherwise nothing."""
    if not settings().DEMO:
        raise NotFound
    response = make_response(render_template("index.html"))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
