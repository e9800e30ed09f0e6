"""What a feature may add to the core, and which features an app has.

A feature is a folder with routes, rules, tables and tests of its own, and one line in `create_app`. The
core knows none of them: where something of theirs belongs into what the core shows or does, it asks here.
Whatever at least two features need is a hook; anything else a feature keeps to itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, Literal

from flask import Flask, current_app
from flask.sansio.app import App
from prometheus_client import Metric
from pydantic import BaseModel, GetJsonSchemaHandler, TypeAdapter, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from party.config import Settings
from party.db import Connection, Database, Row
from party.rows import Caller, Member, Room, Seat, Stream

Fields = dict[str, Any]
# What of the core's a feature can add fields to: the body that opens a room, those with a room's settings, a
# Room, its settings, a Participant, a poll's answer, a send.
Part = Literal["create", "change settings", "room", "settings", "participant", "poll", "send"]

# What fields are made of is asked for `later`, along with the rest of a Room; what is returned gives them.
# (tx, room, viewer) → what a feature adds to the Room for that member; for the host where there is none.
RoomFields = Callable[[Connection, Room, Seat | None], Callable[[], Fields]]
# (tx, room) → what it adds to each Participant of these members, by the ids of their rows.
ParticipantFields = Callable[[Connection, Room], Callable[[Sequence[Member]], dict[int, Fields]]]

EXTENSION = "party.features"
# The header of what is enclosed in a poll, as WSGI names it.
ENCLOSED_IN = "party.enclosed_in"


@dataclass(frozen=True)
class Item:
    """What a feature gives to a poll under a number: one of the answer's list `field`, of so many bytes."""

    seq: int
    field: str
    shown: Fields
    bytes: int


# What came for a reader, and whether some of it is forgotten.
Items = Callable[[], tuple[list[Item], bool]]


@dataclass(frozen=True)
class Job:
    """Rows that are due at `:now`, and what the cleanup does with each: how much, at once or in pieces."""

    name: str
    due: str
    work: Callable[[Database, int, Row], int | Iterator[int]]


@dataclass(frozen=True, kw_only=True)
class Game:
    """What is played in rooms, for a feature that offers it under paths of its own.

    `caller` is the host, but for `answer`; all but `answer` give the Room.
    """

    room_fields: RoomFields
    participant_fields: ParticipantFields
    # (database, now, caller, quiz_data)
    set_quiz: Callable[[Database, int, Caller, Fields], Fields]
    start: Callable[[Database, int, Caller], Fields]
    # (database, now, caller, the question to be left or None)
    next_question: Callable[[Database, int, Caller, int | None], Fields]
    # (database, now, caller, question, answer, time_ms) → {questionIndex, isCorrect, points, score, …}
    answer: Callable[[Database, int, Caller, int, int, int], Fields]


@dataclass(frozen=True)
class Enclosure:
    """What pages say along with a request that they make anyway: the fields of `models["send"]` in a send, or
    a header of a poll."""

    header: str
    # What is in the header, for the OpenAPI document.
    what: str
    # The header → that model. Raises `ValidationError`.
    read: Callable[[str], BaseModel]
    # (database, now, caller, that model): the request has done what it was made for.
    take: Callable[[Database, int, Caller, Any], None]


@dataclass(frozen=True, kw_only=True)
class Images:
    """Images that members have uploaded, for a feature that shows them."""

    # (tx, member, image_id) → what is shown of a member's own image; None if it has none of that id.
    attach: Callable[[Connection, Member, str], Fields | None]
    # (tx, shown) → nothing: one place less that shows it.
    detach: Callable[[Connection, Fields], None]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """What one feature adds. Hooks with a `tx` are called in the transaction that they are part of."""

    name: str
    # The fields that it adds, as models: bodies are checked with them, and the OpenAPI document shows them.
    models: Mapping[Part, type[BaseModel]] = field(default_factory=dict)
    room_fields: RoomFields | None = None
    participant_fields: ParticipantFields | None = None
    # (tx, room, body) → nothing: a room was opened with this body, which has the fields of `models`.
    room_opened: Callable[[Connection, Room, Any], None] | None = None
    # (tx, room) → what it adds to the settings of a Room.
    settings: Callable[[Connection, Room], Callable[[], Fields]] | None = None
    # (tx, room, body) → the settings of a locked room that this body has changed; at create, `room_opened`.
    change_settings: Callable[[Connection, Room, Any], Fields] | None = None
    # (tx, room, now, type, payload) → nothing: an event was added to a room's stream.
    event_added: Callable[[Connection, Stream, int, str, Fields], None] | None = None
    # (tx, now) → what `python -m party stats` shows: by the day, YYYY-MM-DD, and the name of a column.
    statistics: Callable[[Connection, int], dict[str, dict[str, float]]] | None = None
    # (tx, member) → nothing: a member's seat is free, and may become somebody else's.
    member_gone: Callable[[Connection, Seat], None] | None = None
    # (tx, the room's row) → whether what is due in a locked room that plays depends on who is there.
    depends_on_members: Callable[[Connection, int], bool] | None = None
    # (tx, member, role) → nothing: a member is about to have another role. The change takes the next number.
    role_changes: Callable[[Connection, Seat, str], None] | None = None
    # (tx, caller, after) → what says, once the statements that it left for later are answered, what came for
    # the caller after a number. Asked where the room has a `silent_seq`.
    items_later: Callable[[Connection, Seat, int], Items] | None = None
    # (tx, now, room) → when next something of it is due in a locked room; what is due now has been made.
    catch_up: Callable[[Connection, int, Room], int | None] | None = None
    # Its tables with a `room_id` that can grow large: a room is purged from them piece by piece.
    children: tuple[str, ...] = ()
    # What the cleanup does for it.
    jobs: tuple[Job, ...] = ()
    game: Game | None = None
    images: Images | None = None
    enclosure: Enclosure | None = None
    # (tx, room) → nothing: a piece of a room is about to be purged, perhaps not the first one.
    room_going: Callable[[Connection, Room], None] | None = None
    # (database) → what Prometheus is given.
    metrics: Callable[[Database], Iterator[Metric]] | None = None


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

    def depend_on_members(self, tx: Connection, room_id: int) -> bool:
        """Whether a change of members may make something due in a locked room that plays."""
        hooks = [feature.depends_on_members for feature in self.installed if feature.depends_on_members]
        return any(hook(tx, room_id) for hook in hooks)

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
