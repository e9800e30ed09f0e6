"""ICE servers: STUN and TURN for browsers behind routers."""

from flask import Flask

from party.config import Settings
from party.features import Feature
from party.ice import routes


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its one call."""
    app.register_blueprint(routes.blueprint)
    return Feature(name="ice")
