"""What a feature may add to the core: the hooks, and what they are given.

Whatever at least two features need is a hook; anything else a feature keeps to itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from prometheus_client import Metric
from pydantic import BaseModel

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
