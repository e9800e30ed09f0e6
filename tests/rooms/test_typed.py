"""What people type: codes in any form that can be understood, names that can be seen."""

import unicodedata
from collections.abc import Callable

import pytest

from party.web.models import CODE_ALPHABET, room_code
from tests.support.peers import Api

WAYS: dict[str, Callable[[str], str]] = {
    "small letters": str.lower,
    "a space": lambda code: f"{code[:3]} {code[3:]}",
    "a dash": lambda code: f"{code[:3].lower()}-{code[3:]}",
    "another dash": lambda code: f"{code[:3]}\u2013{code[3:]}",
    "dots": ".".join,
    "full width": lambda code: "".join(chr(ord(character) + 0xFEE0) for character in code),
    "full width in small letters": lambda code: "".join(chr(ord(each) + 0xFEE0) for each in code.lower()),
    "wide spaces": lambda code: f"\u3000{code}\u00a0",
    "a minus sign": lambda code: f"{code[:3]}\u2212{code[3:]}",
    "a tab and a line's end": lambda code: f"\t{code}\r\n",
    "fillers": lambda code: f"\u3164{code[:2]}\u034f{code[2:]}\u2800\ufe0f",
    "what cannot be seen": lambda code: f"{code[:2]}\u200b{code[2:]}\u202c",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_code_is_understood_however_it_is_typed(client: Api, way: str) -> None:
    host = client.create_room()
    typed = WAYS[way](host.code)
    assert client.request("GET", f"/rooms/{typed}").data["code"] == host.code
    guest = client.join(typed)
    assert guest.room["code"] == host.code
    assert client.request("GET", f"/rooms/{typed}", token=guest.token).data["you"]["id"] == guest.id
    body = {"roomCode": typed, "toId": host.id, "type": "offer", "payload": {}}
    assert client.request("POST", "/signal", body, token=guest.token).status == 201
    assert client.request("GET", f"/signal/{typed}/{host.id}", token=host.token).data["count"] == 2


def test_a_key_gives_the_same_seat_however_the_code_is_typed(client: Api) -> None:
    host = client.create_room()
    key = "a-retry-key-of-22-characters"
    assert client.join(WAYS["a dash"](host.code), retryKey=key).id == client.join(host.code, retryKey=key).id


def test_letters_that_no_code_has_are_read_as_those_they_look_like() -> None:
    assert room_code("O0 o - I1L il") == "QQQJJJJJ"
    assert not set("O0I1L") & set(CODE_ALPHABET)
    assert all(room_code(character) == character for character in CODE_ALPHABET)


@pytest.mark.parametrize(
    "typed", ["\u017fBC234", "\u0410\u0412\u0421234", "\u2167BC234", "A\x00BC23", "ABCÉ"]
)
def test_what_is_no_code_does_not_become_one(typed: str) -> None:
    assert not set(room_code(typed)) <= set(CODE_ALPHABET)


INVISIBLE = (
    "\u200b", "\u3164", "\u2800", "\u115f\u1160", "\uffa0", "\u034f", "\u17b4", "\u180b", "\u180e", "\u061c",
    "\u2060\u2063", "\u2065", "\u206f", "\ufe0f", "\ufeff", "\ufff0", "\u00ad", "\u200e\u200f", "\u202e",
    "\U000e0020\U000e007f", "\U000e0100", "\U000e0fff", "\U0001d159", "\U0001d173", "\U0001bca0",
    "\U00016fe4", "\u2800 \u3164\u200d\u2800",
)  # fmt: skip


@pytest.mark.parametrize("name", INVISIBLE, ids=lambda name: " ".join(f"{ord(each):04X}" for each in name))
def test_a_name_of_nothing_that_can_be_seen_is_refused(client: Api, name: str) -> None:
    host = client.create_room()
    for refused, field in (
        (client.request("POST", "/rooms", {"hostName": name}), "hostName"),
        (client.request("POST", f"/rooms/{host.code}/join", {"name": name}), "name"),
    ):
        assert (refused.status, refused.code) == (400, "VALIDATION_ERROR")
        assert refused.error["field"] == field


@pytest.mark.parametrize(
    "name", [".", "\u200bAda", "👩\u200d👩\u200d👧", "❤\ufe0f", "न", "عمر", "🏴\U000e0067\U000e007f"]
)
def test_a_name_may_have_what_cannot_be_seen_beside_what_can(client: Api, name: str) -> None:
    assert client.create_room(name).room["hostName"] == name


def test_all_that_unicode_shows_is_a_name(client: Api) -> None:
    for category in ("Lu", "Lo", "Nd", "Po", "So", "Sk", "Mn"):
        character = next(
            each for each in map(chr, range(0x300, 0x3000)) if unicodedata.category(each) == category
        )
        assert client.create_room(character).room["hostName"] == character
