"""Party: WebRTC signaling by plain HTTP polling."""

import sys

# In the words of much older Pythons, so that they can say so.
if sys.version_info[:2] < (3, 10):
    _version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"party: Python 3.10 or newer is needed; this is {_version}, {sys.executable}")

from flask import Flask

from party import config, db, errors, features, passenger, processes
from party.db import migrate
from party.ops import cleanup, health, metrics
from party.polling import routes as polling
from party.rooms import host_routes, members, sightings
from party.rooms import routes as rooms
from party.signaling import relay, send
from party.signaling import routes as signaling
from party.web import calls, files, headers, rate_limits
from party.web import routes as web_routes


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application; without `settings` it takes what config.py and the environment say.

    Raises `party.config.ConfigError`.
    """
    settings = passenger.without_held_polls(settings or config.load_settings())
    app = Flask(__name__, static_folder=None)
    config.init_app(app, settings)
    headers.init_app(app, settings)
    files.init_app(app)
    errors.init_app(app)
    db.init_app(app, settings)
    app.extensions["party.processes"] = processes.of(settings)
    rate_limits.init_app(app, settings, app.extensions["party.database"])
    calls.init_app(app, members)
    cleanup.init_app(app)
    relay.init_app(app, settings)
    sightings.init_app(app, app.extensions["party.database"])
    polling.init_app(app, settings, app.extensions["party.database"])
    send.init_app(app)

    app.register_blueprint(rooms.blueprint)
    app.register_blueprint(host_routes.blueprint)
    app.register_blueprint(signaling.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.register_blueprint(web_routes.blueprint)
    features.load(
        app,
        settings,
        "party.quiz",
        "party.messages",
        "party.state",
        "party.images",
        "party.ice",
        "party.history",
        "party.reports",
        "party.php_paths",
        "party.page",
        "party.admin",
        "party.play",
    )

    migrate.warn_if_behind(app, settings.DATABASE_URL)
    return app
