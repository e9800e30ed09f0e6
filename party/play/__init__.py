"""The pages at `/play`: a quiz that people play in a classroom, for a host, players and spectators."""

from flask import Flask

from party.config import Settings
from party.hooks import Feature
from party.play import routes


def init_app(app: Flask, settings: Settings) -> Feature:
    """The pages, where the setting `PLAY` is on."""
    app.register_blueprint(routes.blueprint)
    return Feature(name="play")
