"""What bodies and answers consist of: pydantic types that validate and that the OpenAPI page shows."""

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from party.errors import BadJson, TooLarge, ValidationError

KIB = 1024
MAX_BODY_BYTES = 1024 * KIB
MAX_ENCODED_BYTES = (MAX_BODY_BYTES + 2) // 3 * 4  # the same in base64
SMALL_BODY_BYTES = 16 * KIB  # of calls that take no quiz and no signals
MAX_PAYLOAD_BYTES = 64 * KIB
# The largest field of a body: an app's own data, such as a quiz.
MAX_DATA_BYTES = 256 * KIB
MAX_DEPTH = 64

CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
CODE_LENGTH = 6

# What people type in place of a code: full-width letters, and what no code has for what it looks like.
_AS_TYPED = {wide: wide - 0xFF01 + 0x21 for wide in range(0xFF01, 0xFF5F)}
_LOOKALIKES = str.maketrans("O0I1L", "QQJJJ")


# What shows nothing though it counts as a letter, mark or symbol: Unicode's Default_Ignorable_Code_Point,
# which Python's tables lack, the empty Braille pattern, a filler of Khitan, and a notehead of no shape.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U00016fe4\U0001d159\U000e0000-\U000e0fff]"
)


def room_code(typed: str) -> str:
    """A room code as a person may have typed or pasted it, in the form that it is stored in.

    Any case and width of letters; spaces, dashes and other signs, and what cannot be seen, are left out. O
    and 0 are read as Q, and I, 1 and L as J: no code has them, so whoever sees one has misread it. What
    is no code stays none.
    """
    text = "".join(
        character
        for character in typed.translate(_AS_TYPED)
        if unicodedata.category(character)[0] not in "ZPS"
        and unicodedata.category(character) != "Cf"
        and not character.isspace()
        and not _BLANK.fullmatch(character)
    )
    return text.upper().translate(_LOOKALIKES) if text.isascii() else text


class Body(BaseModel):
    """A request's body. Strict: a number is not taken for a text, nor the other way round."""

    model_config = ConfigDict(strict=True, frozen=True)


class Answer(BaseModel):
    """The `data` of an answer; described here for the OpenAPI document, built as a plain dict."""


def _shows(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] != "Z" and category not in ("Cc", "Cf") and not _BLANK.fullmatch(character)


def _visible(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= 50:
        raise ValueError("must have 1 to 50 characters after trimming")
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("must not contain control characters")
    if not any(map(_shows, text)):
        raise ValueError("must have a character that can be seen")
    return text


def to_json(value: Any) -> str:
    """JSON as it is stored and measured: without spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def from_json(raw: bytes) -> dict[str, Any]:
    """The JSON object that a body is. Raises `BadJson`, `ValidationError`."""
    try:
        # Strictly UTF-8, and no NaN: what cannot be passed on as JSON is no JSON.
        value = json.loads(raw.decode("utf-8"), parse_constant=_refuse)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise BadJson from None
    if not isinstance(value, dict):
        raise ValidationError("The body must be a JSON object.")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _too_deep(value: Any) -> bool:
    """Whether values are nested so deeply that another parser down the line may give up."""
    level = [value]
    for _ in range(MAX_DEPTH):
        children = (
            each for parent in level for each in (parent.values() if isinstance(parent, dict) else parent)
        )
        level = [child for child in children if isinstance(child, dict | list)]
        if not level:
            return False
    return True


def at_most(limit: int, what: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Checks that a JSON object is not nested too deeply and has at most so many bytes."""

    def check(value: dict[str, Any]) -> dict[str, Any]:
        too_deep = ValueError(f"must not be nested more than {MAX_DEPTH} levels deep")
        try:
            text = to_json(value)
        except RecursionError:
            raise too_deep from None
        # The size first: to look at all that is in a small value takes less.
        if len(text.encode()) > limit:
            raise TooLarge(f"{what} is larger than {limit // KIB} KiB of JSON.")
        if text.count("[") + text.count("{") > MAX_DEPTH and _too_deep(value):
            raise too_deep
        return value

    return check


# `_visible` once more, for the OpenAPI document.
VISIBLE = r"^\s*[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,48}[^\s\x00-\x1f\x7f-\x9f])?\s*$"
Name = Annotated[
    str,
    AfterValidator(_visible),
    Field(
        description="1 to 50 characters after trimming, none of control, and one that can be seen",
        json_schema_extra={"pattern": VISIBLE},
    ),
]
ParticipantId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,36}$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=128)]
RetryKey = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]{22,64}$"),
    Field(description="random, chosen by the client: the same key again gives the same seat"),
]
ClientMsgId = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,64}$")]
Payload = Annotated[dict[str, Any], AfterValidator(at_most(MAX_PAYLOAD_BYTES, "A payload"))]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Role = Literal["host", "player", "spectator"]
Presence = Literal["online", "away", "disconnected"]
Status = Literal["waiting", "playing", "ended"]
