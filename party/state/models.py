"""The body and the answers of shared state."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from party.web.models import KIB, Answer, Body, ParticipantId, at_most

KEY = r"^[A-Za-z0-9_.-]{1,64}$"
MAX_VALUE_BYTES = 8 * KIB

Scope = Literal["room", "me"]
Audience = Literal["all", "players", "host"]
_check_value = at_most(MAX_VALUE_BYTES, "A value")


def _check_keys(keys: Any) -> Any:
    if not all(re.fullmatch(KEY, key) for key in keys):
        raise ValueError("a key is 1 to 64 of A-Z a-z 0-9 _ . -")
    return keys


def _check_values(values: dict[str, Any]) -> dict[str, Any]:
    for value in values.values():
        _check_value(value)
    return values


_keyed = {"propertyNames": {"pattern": KEY}}
Values = Annotated[
    dict[str, Any],
    AfterValidator(_check_keys),
    AfterValidator(_check_values),
    Field(json_schema_extra=_keyed, description="any JSON of up to 8 KiB each"),
]
Keys = Annotated[list[str], AfterValidator(_check_keys)]
Numbers = Annotated[
    dict[str, Annotated[int, Field(ge=0)]],
    AfterValidator(_check_keys),
    Field(json_schema_extra=_keyed, description="the numbers that these keys must still have; 0: none"),
]
VisibleTo = Annotated[
    Annotated[Audience, Tag("(name)")] | Annotated[list[ParticipantId], Tag("(ids)")],
    Discriminator(lambda value: "(ids)" if isinstance(value, list) else "(name)"),
]


class SetState(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"set": {"turn": "ada"}}]})

    scope: Annotated[Scope, Field(description="`room` unless given")] | None = None
    set: Values | None = None
    remove: Keys | None = None
    ifSeq: Numbers | None = None
    ttlSeconds: Annotated[float, Field(ge=1, le=3600)] | None = None
    visibleTo: Annotated[VisibleTo, Field(description="`all` unless given")] | None = None

    @model_validator(mode="after")
    def _is_a_change(self) -> "SetState":
        if not self.set and not self.remove:
            raise ValueError("`set` or `remove` must have a key")
        if not (self.set or {}).keys().isdisjoint(self.remove or ()):
            raise ValueError("the same key stands in `set` and in `remove`")
        return self


class StateSet(Answer):
    seq: int


class Value(Answer):
    value: Any
    seq: int


class State(Answer):
    room: dict[str, Value]
    members: dict[str, dict[str, Value]]


class StateOfRoom(Answer):
    """What a Room has."""

    state: State


class Change(Answer):
    scope: Scope
    by: str | None
    key: str
    value: Any = None
    seq: int
    removed: Literal[True] | None = Field(default=None, description="there is no value any more")


class StateOfPoll(Answer):
    """What a poll's answer has where something has changed."""

    state: list[Change] | None = None
