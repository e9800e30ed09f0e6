"""Shared state: keys of the room and of its members, whose last value counts.

What suits polling best: whoever polls slowly gets one current value instead of forty old events.
"""

from flask import Flask

from party.config import Settings
from party.hooks import Feature
from party.state import changes, models, reading, routes


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its call, and its part of Rooms and polls."""
    routes.init_app(app)
    return Feature(
        name="state",
        models={"room": models.StateOfRoom, "poll": models.StateOfPoll},
        room_fields=reading.of_room,
        items_later=reading.items_later,
        member_gone=changes.member_gone,
        role_changes=changes.role_changes,
        catch_up=changes.catch_up,
        children=("party_state",),
    )
