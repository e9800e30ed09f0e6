"""The pages' one document; everything else of them lies in `static/play/`."""

from flask import Blueprint, Response, render_template

from party.config import settings
from party.errors import NotFound
from party.web.files import document, unless_known

blueprint = Blueprint("play", __name__, template_folder="templates")


@blueprint.get("/play")
def play() -> Response:
    """The page where `PLAY` is on, otherwise nothing."""
    if not settings().PLAY:
        raise NotFound
    return unless_known(document(render_template("play.html")))
