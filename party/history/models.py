"""The answer of the history's call."""

from pydantic import Field

from party.polling.models import StreamMessage
from party.web.models import Answer


class RoomEvents(Answer):
    events: list[StreamMessage]
    seq: int = Field(description="pass this as the next `after`")
    more: bool = Field(description="there are more behind `seq`")
