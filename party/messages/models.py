"""The bodies and answers of the message calls."""

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from party.web.models import MAX_PAYLOAD_BYTES, Answer, Body, ClientMsgId, Time, at_most

MAX_TEXT = 2000
MAX_OPERATIONS = 5000
MAX_SIDE = 4096

Emoji = Literal["heart", "laugh", "fire", "sad", "thumbsup", "thumbsdown", "star", "question"]


def _text(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise ValueError(f"must have 1 to {MAX_TEXT} characters after trimming")
    if any(unicodedata.category(character) == "Cc" for character in text if character not in "\t\n"):
        raise ValueError("must not contain control characters but tabs and newlines")
    return text


Text = Annotated[
    str,
    AfterValidator(_text),
    Field(
        description=f"1 to {MAX_TEXT} characters after trimming, none of control but tab and newline",
        json_schema_extra={"pattern": r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\S[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$"},
    ),
]
Side = Annotated[int, Field(ge=1, le=MAX_SIDE)]


class Drawing(Body):
    operations: Annotated[list[dict[str, Any]], Field(max_length=MAX_OPERATIONS)]
    width: Side
    height: Side


class ImageId(Body):
    imageId: str


class _Post(Body):
    clientMsgId: ClientMsgId | None = None


class PostText(_Post):
    type: Literal["text"]
    content: Text


class PostDrawing(_Post):
    type: Literal["drawing"]
    content: Annotated[Drawing, BeforeValidator(at_most(MAX_PAYLOAD_BYTES, "A drawing"))]


class PostImage(_Post):
    type: Literal["image"]
    content: ImageId


def _tag(type: Any) -> str:
    """What is neither is refused as a text."""
    return f"({type})" if type in ("drawing", "image") else "(text)"


Post = Annotated[
    Annotated[PostText, Tag("(text)")]
    | Annotated[PostDrawing, Tag("(drawing)")]
    | Annotated[PostImage, Tag("(image)")],
    Discriminator(lambda value: _tag(value.get("type"))),
]


class React(Body):
    emoji: Emoji
    on: bool


class Posted(Answer):
    messageId: int


class Image(Answer):
    url: str
    width: int
    height: int


class Reaction(Answer):
    emoji: Emoji
    participantIds: list[str]


class Message(Answer):
    id: int
    fromId: str
    name: str
    type: Literal["text", "drawing", "image"]
    content: str | Drawing | Image
    createdAt: Time
    reactions: list[Reaction]


class History(Answer):
    messages: list[Message]
    more: bool


class Deleted(Answer):
    deleted: Literal[True]


class Reactions(Answer):
    reactions: list[Reaction]
