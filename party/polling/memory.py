"""What a process keeps for the polls that it serves; nothing of it is the truth, which is in the database."""

from flask import Flask, current_app

from party.config import Settings
from party.db import Database
from party.polling.fast_path import Shortcut
from party.polling.heartbeats import Heartbeats
from party.polling.holding import Holding
from party.polling.room_cache import Watch


class Memory:
    """One for each app."""

    def __init__(self, app: Flask, settings: Settings, database: Database) -> None:
        self.watch = Watch(database)
        self.heartbeats = Heartbeats(database, settings)
        self.holding = Holding(app, database, self.watch, self.heartbeats)


def init_app(app: Flask, settings: Settings, database: Database) -> None:
    """Give the app its memory, and idle polls their shortcut."""
    kept = Memory(app, settings, database)
    app.extensions["party.memory"] = kept
    app.wsgi_app = Shortcut(app, settings, kept)  # type: ignore[method-assign]


def memory() -> Memory:
    """The current app's."""
    found: Memory = current_app.extensions["party.memory"]
    return found
