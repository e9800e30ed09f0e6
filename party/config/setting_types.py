"""The types of settings: what a value may be, checked before anything starts with it."""

import ast
import ipaddress
import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from party.config import database_url
from party.config.network_names import check_origin, check_stun_url, check_turn_url

# What a column of the database and a computer's clock can hold, with room to spare.
LONG_TOKEN = 24
MOST = 1_000_000_000
YEAR_HOURS = 366 * 24
YEAR_SECONDS = YEAR_HOURS * 3600


def _list(value: object) -> object:
    """A list may also be a text: JSON, or items with commas or spaces between them."""
    if isinstance(value, tuple):
        return list(value)
    if not isinstance(value, str):
        return value
    text = value.strip(", \t\r\n")
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("neither JSON nor a list with commas") from None
    return re.split(r"[,\s]+", text) if text else []


def _object(value: object) -> object:
    """An object may also be a text: JSON, or as it is in config.py."""
    if not isinstance(value, str):
        return value
    text = value.strip() or "{}"
    try:
        return json.loads(text)
    except ValueError:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ValueError("not JSON") from None


def _network(value: str) -> str:
    """An address, or all that begin alike: as `ipaddress` reads it, and as it writes it."""
    try:
        meant = ipaddress.ip_network(value.strip(), strict=False)
    except ValueError:
        raise ValueError("a network is an address, or address/length") from None
    # Callers are known without a zone, and by their IPv4 address where it comes in an IPv6 one.
    if "%" in value:
        raise ValueError("a network has no zone, after a %")
    mapped = isinstance(meant, ipaddress.IPv6Network) and meant.network_address.ipv4_mapped
    if mapped and meant.prefixlen >= 96:
        raise ValueError(f"this network is one of IPv4: write {mapped}/{meant.prefixlen - 96}")
    try:
        ipaddress.ip_network(value.strip())
    except ValueError:
        raise ValueError(f"this network begins elsewhere: write {meant}") from None
    return str(meant)


def _networks(value: object) -> object:
    """An object in which no network stands twice, in two ways to write it: the last would win."""
    found = _object(value)
    meant = [network for name in found if (network := _meant(name))] if isinstance(found, dict) else []
    if twice := next((network for network in meant if meant.count(network) > 1), None):
        raise ValueError(f"{twice} is there more than once")
    return found


def _meant(name: object) -> str | None:
    """The network that is meant; None where it is none, which is told later."""
    try:
        return _network(name) if isinstance(name, str) else None
    except ValueError:
        return None


def _long(text: str | None) -> str | None:
    """A token that opens more than others do."""
    if text is not None and len(text) < LONG_TOKEN:
        raise ValueError(f"it must have at least {LONG_TOKEN} characters")
    return text


def _header_text(value: str | None) -> str | None:
    """It comes in a header, which carries nothing else, and no spaces at its ends."""
    if value is not None and not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        raise ValueError("write letters, digits and signs of ASCII, without spaces at the ends")
    return value


def not_blank(value: str | None) -> str | None:
    """Of spaces alone it would keep nobody out."""
    if value is not None and not value.strip():
        raise ValueError("it consists of spaces only")
    return value


def _redis_url(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"rediss?://([^@/?#\s]*@)?[^@/?#\s]+(/[0-9]+)?", value):
        raise ValueError("write redis://host:6379/0, with :password@ before the host where it has one")
    return value


DatabaseUrl = Annotated[str, AfterValidator(database_url.check), Field(repr=False)]
# Secrets stay out of a printed Settings; an empty one is none.
Secret = Annotated[
    str | None,
    BeforeValidator(lambda value: value or None),
    AfterValidator(not_blank),
    Field(repr=False, examples=["a long random text"]),
]
RedisUrl = Annotated[Secret, AfterValidator(_redis_url), Field(examples=["redis://localhost:6379/0"])]
HeaderSecret = Annotated[Secret, AfterValidator(_header_text)]
AdminToken = Annotated[HeaderSecret, AfterValidator(_long)]
Count = Annotated[int, Field(gt=0, le=MOST)]
Hours = Annotated[float, Field(ge=1 / 3600, le=YEAR_HOURS, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=1, le=YEAR_SECONDS, allow_inf_nan=False)]
Origins = Annotated[
    list[Annotated[str, AfterValidator(check_origin)]],
    BeforeValidator(_list),
    Field(examples=[["https://example.org"]]),
]
# The limits that a network may have of its own.
OwnLimit = Literal["ROOMS_PER_HOUR", "GUESSES_PER_MINUTE", "LOOKS_PER_MINUTE"]
# In JSON a number is one: neither a text nor `true`.
OwnLimits = Annotated[dict[OwnLimit, Annotated[Count, Field(strict=True)]], Field(min_length=1)]
Networks = Annotated[
    dict[Annotated[str, AfterValidator(_network)], OwnLimits],
    BeforeValidator(_networks),
    Field(examples=[{"192.0.2.0/24": {"ROOMS_PER_HOUR": 500, "LOOKS_PER_MINUTE": 3000}}]),
]
StunUrls = Annotated[
    list[Annotated[str, AfterValidator(check_stun_url)]],
    BeforeValidator(_list),
    Field(examples=[["stun:stun.example.org:3478"]]),
]
TurnUrls = Annotated[
    list[Annotated[str, AfterValidator(check_turn_url)]],
    BeforeValidator(_list),
    Field(examples=[["turn:turn.example.org:3478"]]),
]
