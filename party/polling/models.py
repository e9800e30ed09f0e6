"""The poll's answer."""

from typing import Any, ClassVar

from party.features import Extended
from party.hooks import Part
from party.rooms.models import RoomOfGuest, RoomWithYou
from party.web.models import Answer, Time


class StreamMessage(Answer):
    seq: int
    type: str
    fromId: str | None
    toId: str | None
    payload: dict[str, Any]
    createdAt: Time


class Poll(Extended, Answer):
    parts: ClassVar[tuple[Part, ...]] = ("poll",)

    messages: list[StreamMessage]
    count: int
    seq: int
    more: bool
    gap: bool
    room: RoomWithYou | RoomOfGuest | None = None
    pollAfterMs: int
