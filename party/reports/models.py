"""What a page may report: the field `reports` of a send, or a header of a poll."""

import base64
import json
import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

from party.errors import ValidationError
from party.web.calls import validated
from party.web.models import KIB, Body, ParticipantId

HEADER = "X-Party-Report"
MAX_HEADER_BYTES = KIB
WHAT = "an array of reports, as `reports` of a send, as JSON in base64url: at most 1 KiB of it"

Outcome = Literal["open", "relayed", "failed", "gave-up"]
Reason = Literal["no-candidates", "no-answer", "ice-failed", "turn-refused", "not-supported", "sleeping"]
Candidate = Literal["host", "srflx", "prflx", "relay"]


class Report(Body):
    """How it went with one peer."""

    peerId: ParticipantId
    outcome: Outcome
    reason: Reason | None = None
    ms: Annotated[int, Field(ge=0, le=600_000, description="how long it took")] | None = None
    local: Candidate | None = None
    remote: Candidate | None = None
    protocol: Literal["udp", "tcp", "tls"] | None = None
    restarts: Annotated[int, Field(ge=0, le=1000)] | None = None


class Enclosed(BaseModel):
    """What comes along with a send."""

    reports: Annotated[list[Report], Field(min_length=1, max_length=10)] | None = Field(
        default=None, description="how connections went, once for each peer; `messages` may be left out then"
    )


_ADAPTER = TypeAdapter(Enclosed)


def read_header(text: str) -> Enclosed:
    """The same of a poll: the array as JSON in base64url, of at most 1 KiB. Raises `ValidationError`."""
    digits = text.strip().rstrip("=")
    if not re.fullmatch("[A-Za-z0-9_-]+", digits) or len(digits) > MAX_HEADER_BYTES * 4 // 3 + 1:
        raise ValidationError(f"{HEADER}: at most 1 KiB of JSON in base64url", field="reports")
    try:
        raw = base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
        value = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise ValidationError(f"{HEADER}: no JSON in base64url", field="reports") from None
    if len(raw) > MAX_HEADER_BYTES or not isinstance(value, list):
        raise ValidationError(f"{HEADER}: an array of at most 1 KiB", field="reports")
    return validated(_ADAPTER, {"reports": value})  # type: ignore[no-any-return]
