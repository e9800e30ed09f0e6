"""The pages' one document; everything else of them lies in `static/play/`."""

from flask import Blueprint, Response, make_response, render_template

from party.config import settings
from party.errors import NotFound

blueprint = Blueprint("play", __name__, template_folder="templates")

# What a teacher saves as a file is made of a blob; nothing is loaded from one.
CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


@blueprint.get("/play")
def play() -> Response:
    """The page where `PLAY` is on, otherwise nothing."""
    if not settings().PLAY:
        raise NotFound
    response = make_response(render_template("play.html"))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
