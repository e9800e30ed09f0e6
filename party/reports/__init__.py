"""Reports: pages tell how their connections went, and nothing is kept of it but counts per day."""

from flask import Flask

from party.config import Settings
from party.hooks import Enclosure, Feature
from party.reports import counting, figures
from party.reports.models import HEADER, WHAT, Enclosed, read_header


def init_app(app: Flask, settings: Settings) -> Feature:
    """What comes along with sends and polls; where the setting CONNECTION_REPORTS is off, it is dropped."""
    counts = settings.CONNECTION_REPORTS
    return Feature(
        name="reports",
        models={"send": Enclosed},
        enclosure=Enclosure(HEADER, WHAT, read_header, counting.take if counts else counting.drop),
        room_going=counting.count_unreported if counts else None,
        children=("party_reported_pairs",),
        statistics=figures.by_day,
        metrics=figures.metrics,
    )
