"""The admin's page: what runs now, the last thirty days, a room by its code. Off without ADMIN_TOKEN."""

from flask import Flask

from party.admin import banned, routes
from party.config import Settings
from party.hooks import Feature, Job


def init_app(app: Flask, settings: Settings) -> Feature:
    """The page with its calls, and keeping out whom it bans."""
    jobs = (Job("bans over", banned.OVER, banned.lift),)
    if settings.ADMIN_TOKEN:
        app.register_blueprint(routes.blueprint)
        app.before_request(banned.Banned().refuse)
    return Feature(name="admin", jobs=jobs)
