"""Which features an app has, and asking all of them.

A feature is a folder with routes, rules, tables and tests of its own, and one line in `create_app`. The
core knows none of them: where something of theirs belongs into what the core shows or does, it asks here.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, ClassVar

from flask import Flask, current_app
from flask.sansio.app import App
from pydantic import BaseModel, GetJsonSchemaHandler, TypeAdapter, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from party.config import Settings
from party.db import Connection, Database
from party.hooks import Enclosure, Feature, Fields, Game, Images, Items, Part
from party.rows import Caller, Member, Room, Seat, Stream

EXTENSION = "party.features"
# The header of what is enclosed in a poll, as WSGI names it.
ENCLOSED_IN = "party.enclosed_in"


class Features:
    """Those of one app."""

    def __init__(self, installed: tuple[Feature, ...]) -> None:
        self.installed = installed
        self._adapters: dict[type[Extended], TypeAdapter[Any]] = {}
        self._fields: dict[Part, TypeAdapter[Any]] = {}

    def room_fields_later(self, tx: Connection, room: Room, viewer: Seat | None) -> Callable[[], Fields]:
        """What features add to a Room."""
        some = [each.room_fields(tx, room, viewer) for each in self.installed if each.room_fields]
        return lambda: {name: value for fields in some for name, value in fields().items()}

    def participant_fields_later(
        self, tx: Connection, room: Room
    ) -> Callable[[Sequence[Member]], dict[int, Fields]]:
        """What features add to Participants, by the ids of the members' rows."""
        some = [each.participant_fields(tx, room) for each in self.installed if each.participant_fields]

        def fields_of(members: Sequence[Member]) -> dict[int, Fields]:
            found: dict[int, Fields] = {member["id"]: {} for member in members}
            for fields in some:
                for id, mine in fields(members).items():
                    found[id] |= mine
            return found

        return fields_of

    def room_opened(self, tx: Connection, room: Room, body: BaseModel) -> None:
        """Let features store what they take from the body of a new room."""
        for feature in self.installed:
            if feature.room_opened:
                feature.room_opened(tx, room, body)

    def settings_later(self, tx: Connection, room: Room) -> Callable[[], Fields]:
        """What features add to the settings of a Room."""
        some = [each.settings(tx, room) for each in self.installed if each.settings]
        return lambda: {name: value for fields in some for name, value in fields().items()}

    def change_settings(self, tx: Connection, room: Room, body: BaseModel) -> Fields:
        """Let features change their settings: those that really changed."""
        changed: Fields = {}
        for feature in self.installed:
            if feature.change_settings:
                changed |= feature.change_settings(tx, room, body)
        return changed

    def event_added(self, tx: Connection, room: Stream, now: int, type: str, payload: Fields) -> None:
        """Let features note what happens in a room."""
        for feature in self.installed:
            if feature.event_added:
                feature.event_added(tx, room, now, type, payload)

    def statistics(self, tx: Connection, now: int) -> dict[str, dict[str, float]]:
        """What features counted, by the day and the column."""
        found: dict[str, dict[str, float]] = {}
        for feature in self.installed:
            if feature.statistics:
                for day, counts in feature.statistics(tx, now).items():
                    found.setdefault(day, {}).update(counts)
        return found

    def member_gone(self, tx: Connection, member: Seat) -> None:
        """Let features forget a member whose seat has become free."""
        for feature in self.installed:
            if feature.member_gone:
                feature.member_gone(tx, member)

    def role_changes(self, tx: Connection, member: Seat, role: str) -> None:
        """Let features adapt to a role that a member is about to have."""
        for feature in self.installed:
            if feature.role_changes:
                feature.role_changes(tx, member, role)

    def items_later(self, tx: Connection, caller: Seat, after: int) -> list[Items]:
        """Ask what features have for a reader after a number."""
        return [feature.items_later(tx, caller, after) for feature in self.installed if feature.items_later]

    def catch_up(self, tx: Connection, now: int, room: Room) -> list[int | None]:
        """Let features make what is due in a locked room: when the next of each is."""
        return [feature.catch_up(tx, now, room) for feature in self.installed if feature.catch_up]

    def models(self, part: Part) -> list[type[BaseModel]]:
        """The fields that features add to a part of the core."""
        return [feature.models[part] for feature in self.installed if part in feature.models]

    def adapter(self, model: type["Extended"]) -> TypeAdapter[Any]:
        """What checks a body, with the fields that features add to it."""
        found = self._adapters.get(model)
        if found is None:
            # Pydantic takes the fields of the last base first.
            theirs = [each for part in model.parts for each in self.models(part)]
            bases = (*reversed(theirs), model)
            found = self._adapters[model] = TypeAdapter(create_model(model.__name__, __base__=bases))
        return found

    def room_going(self, tx: Connection, room: Room) -> None:
        """Let features count what goes with a room."""
        for feature in self.installed:
            if feature.room_going:
                feature.room_going(tx, room)

    def fields(self, part: Part) -> TypeAdapter[Any]:
        """What checks the fields that features add to a part, those of the core left out."""
        found = self._fields.get(part)
        if found is None:
            found = self._fields[part] = TypeAdapter(create_model(part, __base__=tuple(self.models(part))))
        return found

    def take(self, database: Database, now: int, caller: Caller, enclosed: Any) -> None:
        """Hand over what came along with a request that has been done."""
        if self.enclosure and enclosed is not None:
            self.enclosure.take(database, now, caller, enclosed)

    @property
    def enclosure(self) -> Enclosure | None:
        """What pages may say along with their requests."""
        return next((feature.enclosure for feature in self.installed if feature.enclosure), None)

    @property
    def game(self) -> Game | None:
        """What is played in this app's rooms."""
        return next((feature.game for feature in self.installed if feature.game), None)

    @property
    def images(self) -> Images | None:
        """Who has the images of this app's rooms."""
        return next((feature.images for feature in self.installed if feature.images), None)


class Extended(BaseModel):
    """A body or answer to which features add fields; in the OpenAPI document it has them all."""

    parts: ClassVar[tuple[Part, ...]]

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        mine = handler.resolve_ref_schema(found)
        features = of_app(current_app)
        for model in (each for part in cls.parts for each in features.models(part)):
            theirs = handler.resolve_ref_schema(handler(model.__pydantic_core_schema__))
            mine["properties"] = mine["properties"] | theirs["properties"]
            mine["required"] = mine.get("required", []) + theirs.get("required", [])
        return found


def load(app: Flask, settings: Settings, *names: str) -> None:
    """Install the features that these packages are: each has `init_app(app, settings) -> Feature`."""
    installed = tuple(import_module(name).init_app(app, settings) for name in names)
    found = app.extensions[EXTENSION] = Features(installed)
    if found.enclosure:
        app.extensions[ENCLOSED_IN] = f"HTTP_{found.enclosure.header.upper().replace('-', '_')}"


def of_app(app: App) -> Features:
    """The features of an app."""
    found: Features = app.extensions[EXTENSION]
    return found


def features() -> Features:
    """The current app's."""
    return of_app(current_app)
