"""The bodies and answers of the signaling calls."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from party.errors import BadCursor
from party.features import Extended, features
from party.hooks import Part
from party.polling.models import StreamMessage
from party.rooms.models import RoomWithYou
from party.web.models import KIB, Answer, Body, ClientMsgId, ParticipantId, Payload, at_most

SignalType = Literal["offer", "answer", "ice"]
DATA = "data"
# Of what pages have to say to each other where no path opens between them; it is no large thing's way.
MAX_RELAYED_BYTES = 16 * KIB
_within_the_relay = at_most(MAX_RELAYED_BYTES, "Data")
Seq = Annotated[int, Field(ge=0)]


class Message(Body):
    toId: ParticipantId
    type: Literal[SignalType, "data"]
    payload: Payload
    clientMsgId: ClientMsgId | None = None

    @model_validator(mode="after")
    def _small_data(self) -> "Message":
        if self.type == DATA:
            _within_the_relay(self.payload)
        return self


# The fields of one signal.
OF_ONE = {"toId", "type", "payload", "clientMsgId"}
# Those of any send. What else is in a body is for features.
FIELDS = OF_ONE | {"roomCode", "fromId", "after", "messages"}


def _cursor(value: Any) -> int:
    """A wrong cursor has an error code of its own."""
    if type(value) is not int or value < 0:
        raise BadCursor
    return value


class _Sent(Extended, Body):
    parts: ClassVar[tuple[Part, ...]] = ("send",)

    roomCode: str
    fromId: ParticipantId | None = None
    after: Annotated[
        int | None,
        BeforeValidator(_cursor, json_schema_input_type=Seq),
        # Left out is not null: that would be a wrong cursor.
        Field(description="makes the request a poll, too", json_schema_extra=lambda s: s.pop("default")),
    ] = None


class SendNothing(_Sent):
    """No signal: what features take along with one, or a poll."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = super().__get_pydantic_json_schema__(schema, handler)
        # Without any of these it would be one signal, of which everything is missing.
        handler.resolve_ref_schema(found)["anyOf"] = [
            {"required": [name], "properties": {name: {"not": {"type": "null"}}}} for name in _enclosed()
        ] or [False]
        return found

    @property
    def signals(self) -> list[Message]:
        return []


class SendOne(Message, _Sent):
    """One signal."""

    @property
    def signals(self) -> list[Message]:
        return [self]


class SendSeveral(_Sent):
    """Several signals, all stored or none."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=100)]

    @model_validator(mode="before")
    @classmethod
    def _nothing_beside_them(cls, value: dict[str, Any]) -> dict[str, Any]:
        if OF_ONE & value.keys():
            raise ValueError("either `messages` or the fields of one signal, not both")
        return value

    @property
    def signals(self) -> list[Message]:
        return self.messages


def _enclosed() -> set[str]:
    """The fields that features add to a send."""
    return {name for model in features().models("send") for name in model.model_fields}


def _which(value: dict[str, Any]) -> str:
    if "messages" in value:
        return "(several)"
    if OF_ONE & value.keys():
        return "(one)"
    encloses = any(value.get(name) is not None for name in _enclosed())
    return "(nothing)" if encloses else "(one)"


Send = Annotated[
    Annotated[SendOne, Tag("(one)")]
    | Annotated[SendSeveral, Tag("(several)")]
    | Annotated[SendNothing, Tag("(nothing)")],
    Discriminator(_which),
]


class _PollFields(Extended, Answer):
    """What a send answers in addition when its body had `after`."""

    parts: ClassVar[tuple[Part, ...]] = ("poll",)

    messages: list[StreamMessage] | None = None
    count: int | None = None
    seq: int | None = None
    more: bool | None = None
    gap: bool | None = None
    room: RoomWithYou | None = None
    pollAfterMs: int | None = None


class SentOne(_PollFields):
    messageId: int
    sent: Literal[True]


class SentSeveral(_PollFields):
    messageIds: list[int]
    sent: Literal[True]


class Peers(Answer):
    peers: list[str]
    count: int
