"""The demo page."""

from flask import Flask

from party.config import Settings
from party.hooks import Feature
from party.page import routes


def init_app(app: Flask, settings: Settings) -> Feature:
    """The page itself; what it loads is served from `static`."""
    app.register_blueprint(routes.blueprint)
    return Feature(name="page")
