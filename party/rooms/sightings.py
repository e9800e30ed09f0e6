"""When this process itself has last seen whom.

More exact than the rows, in which that is written now and then (`party.polling.heartbeats`): nobody is
taken for absent by the process that it polls. It can be thrown away at any moment.
"""

from flask import Flask, current_app

from party.config import Settings
from party.db import Database

# Beyond so many members those who would be gone by now are forgotten.
MANY = 10_000

# A member's row → when it polled here, in milliseconds since the epoch.
Sightings = dict[int, int]


def sweep(sightings: Sightings, now: int, settings: Settings) -> None:
    """Keep it small."""
    if len(sightings) > MANY:
        for member_id, seen_at in list(sightings.items()):
            if seen_at <= now - settings.seat_freed_ms:
                sightings.pop(member_id, None)


def init_app(app: Flask, database: Database) -> None:
    """Give the app its memory of that; a database that has lost commits may give a row's id to another."""
    sightings: Sightings = {}
    app.extensions["party.sightings"] = sightings
    database.on_loss(sightings.clear)


def sightings() -> Sightings:
    """The current app's."""
    found: Sightings = current_app.extensions["party.sightings"]
    return found
