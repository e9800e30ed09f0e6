"""The page at `/`."""

from flask import Blueprint, Response, render_template

from party.config import settings
from party.db import database
from party.db.readiness import problem
from party.version import VERSION
from party.web.addresses import client_key
from party.web.files import document, unless_known
from party.web.rate_limits import rate_limits

blueprint = Blueprint("page", __name__, template_folder="templates")


@blueprint.get("/")
def index() -> Response:
    """The demo page where `DEMO` is on, otherwise what this is and whether it is well."""
    if settings().DEMO:
        return unless_known(document(render_template("index.html", images=settings().IMAGES)))
    rate_limits().others.hit(client_key())
    wrong = problem(database())
    response = document(render_template("service.html", wrong=wrong, version=VERSION))
    response.status_code = 503 if wrong else 200
    return response
