"""Messages: what members say to the whole room, kept for whoever comes later."""

from flask import Flask

from party.config import Settings
from party.hooks import Feature, Job
from party.messages import removal, routes


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its calls, and the end of old messages."""
    app.register_blueprint(routes.blueprint)
    return Feature(
        name="messages",
        children=("party_reactions", "party_messages"),
        jobs=(Job("old messages removed", removal.EXPIRED, removal.expire),),
    )
