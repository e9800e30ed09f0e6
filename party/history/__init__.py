"""History: who came when and how often again, what was played, and how a room went, for HISTORY_DAYS."""

from flask import Flask

from party.config import Settings
from party.history import days, figures, notes, removal, routes
from party.hooks import Feature, Job


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its call; and, unless it is switched off, its notes. What is too old goes in either case."""
    app.register_blueprint(routes.blueprint)
    jobs = (
        Job("days of history summed", days.DUE, days.sum_days),
        Job("history forgotten", removal.due(settings.history_ms), removal.forget),
    )
    if not settings.HISTORY_DAYS:
        return Feature(name="history", jobs=jobs)
    return Feature(
        name="history",
        room_opened=notes.room_opened,
        event_added=notes.event_added,
        statistics=days.by_day,
        metrics=figures.metrics,
        jobs=jobs,
    )
