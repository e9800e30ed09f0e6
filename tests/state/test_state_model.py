"""Shared state against a plain dict: whatever happens, each reader's view is right at all of its cursors."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from party.state import routes
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

IDS = ("host", "ada", "ben", "sue")
NAMES = ("a", "b", "c")
# (whose, or None for the room's; key)
Key = tuple[str | None, str]


@dataclass
class Value:
    """What the model knows of a key; `to` names members."""

    value: str
    to: str | frozenset[str]
    expires_at: float


@dataclass
class Page:
    """What somebody has made of the answers so far."""

    seq: int
    shown: dict[Key, tuple[Any, int]]


@dataclass
class Person:
    """Somebody in the room, with one page that polls often and one that does not."""

    seat: Seat
    role: str
    pages: list[Page] = field(default_factory=list)
    # All that it could see at any time.
    could_see: set[Key] = field(default_factory=set)


def shown_in(room: dict[str, Any]) -> dict[Key, tuple[Any, int]]:
    """The state of a Room, by keys."""
    scopes = [(None, room["state"]["room"]), *room["state"]["members"].items()]
    return {(by, key): (each["value"], each["seq"]) for by, keys in scopes for key, each in keys.items()}


class Model(RuleBasedStateMachine):
    """Calls go to two processes in turn."""

    def __init__(self, apis: list[Api], clock: Clock) -> None:
        super().__init__()
        self.apis = apis
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.values: dict[Key, Value] = {}
        self.count = 0

    def call(self, who: str, path: str, **body: Any) -> Answer:
        """A call by one of them, to the process whose turn it is."""
        self.count += 1
        seat = self.people[who].seat
        seat.api = self.apis[self.count % 2]
        return seat.call("POST", path, body)

    @initialize()
    def open(self) -> None:
        host = self.apis[0].create_room(hostId="host", sharedState=True)
        self.enter(host, "host")
        for id in IDS[1:]:
            self.join(id)

    def enter(self, seat: Seat, role: str) -> None:
        """Somebody has come: its pages begin with the Room that it was given."""
        shown = shown_in(seat.room)
        self.people[seat.id] = Person(seat, role, [Page(seat.seq, dict(shown)) for _ in range(2)])
        self.note()
        assert self.of_view(shown) == self.seen_by(seat.id)

    def join(self, id: str) -> None:
        api = self.apis[self.count % 2]
        code = self.people["host"].seat.code if "host" in self.people else self.code
        spectate = id == "sue"
        seat = api.join(code, id, participantId=id, spectate=spectate)
        self.enter(seat, "spectator" if spectate else "player")

    # What the model says

    def sees(self, who: str, key: Key, value: Value) -> bool:
        role = self.people[who].role
        if key[0] == who or (key[0] is None and role == "host"):
            return True
        if isinstance(value.to, frozenset):
            return who in value.to
        return value.to == "all" or role == "host" or (value.to == "players" and role == "player")

    def seen_by(self, who: str) -> dict[Key, str]:
        return {key: value.value for key, value in self.values.items() if self.sees(who, key, value)}

    def of_view(self, shown: dict[Key, tuple[Any, int]]) -> dict[Key, Any]:
        return {key: value for key, (value, _) in shown.items()}

    def note(self) -> None:
        for who, person in self.people.items():
            person.could_see |= self.seen_by(who).keys()

    # What happens

    @rule(
        who=st.sampled_from(IDS),
        mine=st.booleans(),
        names=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
        remove=st.lists(st.sampled_from(NAMES), max_size=1),
        to=st.one_of(
            st.sampled_from([None, "all", "players", "host"]),
            st.lists(st.sampled_from(IDS), max_size=2, unique=True),
        ),
        ttl=st.sampled_from([None, None, 3, 20]),
        check=st.sampled_from([None, None, "right", "wrong"]),
    )
    def write(
        self,
        who: str,
        mine: bool,
        names: list[str],
        remove: list[str],
        to: Any,
        ttl: int | None,
        check: str | None,
    ) -> None:
        if who not in self.people or not (names or remove) or set(names) & set(remove):
            return
        if isinstance(to, list):
            to = [id for id in to if id in self.people]
        owner = who if mine else None
        self.count += 1
        values = {name: f"value {self.count} {name}" for name in names}
        body: dict[str, Any] = {"scope": "me" if mine else "room", "set": values, "remove": remove}
        if to is not None:
            body["visibleTo"] = to
        if ttl:
            body["ttlSeconds"] = ttl
        if check:
            known = self.numbers(owner)
            name = (names or remove)[0]
            body["ifSeq"] = {name: known.get((owner, name), 0) + (check == "wrong")}
        answer = self.call(who, "/state", **body)
        if not mine and self.people[who].role == "spectator":
            assert answer.code == "PLAYERS_ONLY"
            return
        if check == "wrong":
            assert answer.code == "STATE_MOVED"
            return
        assert answer.status == 200, answer.text
        expires_at = self.clock.now + ttl * 1000 if ttl else float("inf")
        audience = frozenset(to) if isinstance(to, list) else to or "all"
        for name, value in values.items():
            self.values[owner, name] = Value(value, audience, expires_at)
        for name in remove:
            self.values.pop((owner, name), None)
        self.note()

    def numbers(self, owner: str | None) -> dict[Key, int]:
        """The numbers of somebody's keys, as their owner sees them."""
        seat = self.people[owner or self.host()].seat
        return {key: seq for key, (_, seq) in shown_in(seat.call("GET").data).items() if key[0] == owner}

    def host(self) -> str:
        return next(id for id, person in self.people.items() if person.role == "host")

    @rule(who=st.sampled_from(IDS))
    def leave(self, who: str) -> None:
        if who not in self.people or self.people[who].role == "host":
            return
        self.code = self.people[who].seat.code
        assert self.call(who, "/leave").status == 200
        del self.people[who]
        self.values = {
            key: Value(
                value.value,
                value.to - {who} if isinstance(value.to, frozenset) else value.to,
                value.expires_at,
            )
            for key, value in self.values.items()
            if key[0] != who
        }

    @rule(who=st.sampled_from(IDS))
    def come_again(self, who: str) -> None:
        if who not in self.people:
            self.code = next(iter(self.people.values())).seat.code
            self.join(who)

    @rule(who=st.sampled_from(IDS), role=st.sampled_from(["player", "spectator"]))
    def change_role(self, who: str, role: str) -> None:
        if who not in self.people or self.people[who].role == "host":
            return
        assert self.call(self.host(), "/role", participantId=who, role=role).status == 200
        self.people[who].role = role
        self.note()

    @rule(who=st.sampled_from(IDS))
    def hand_over(self, who: str) -> None:
        if who not in self.people or self.people[who].role != "player":
            return
        host = self.host()
        assert self.call(host, "/host", participantId=who).status == 200
        self.people[host].role, self.people[who].role = "player", "host"
        self.note()

    @rule(who=st.sampled_from(IDS))
    def reload(self, who: str) -> None:
        if who in self.people:
            person = self.people[who]
            seat = Seat(self.apis[self.count % 2], self.call(who, "/rejoin").data)
            person.seat = seat
            person.pages = [Page(seat.seq, shown_in(seat.room)) for _ in person.pages]

    @rule(seconds=st.sampled_from([0.5, 2, 3, 10]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        now = self.clock.now
        self.values = {key: value for key, value in self.values.items() if value.expires_at > now}

    @rule(who=st.sampled_from(IDS), n=st.sampled_from([0, 0, 0, 1]))
    def poll(self, who: str, n: int) -> None:
        """A page polls, and shows what the model says."""
        if who not in self.people:
            return
        person = self.people[who]
        page = person.pages[n]
        while True:
            self.count += 1
            person.seat.api = self.apis[self.count % 2]
            data = person.seat.poll(page.seq).data
            if data["gap"]:
                page.shown = shown_in(data["room"])
            for change in data.get("state", []):
                key = (change["by"], change["key"])
                assert (change["by"] is None) == (change["scope"] == "room")
                assert page.seq < change["seq"] <= data["seq"]
                if change.get("removed"):
                    assert "value" not in change
                    assert key in person.could_see
                    page.shown.pop(key, None)
                else:
                    page.shown[key] = (change["value"], change["seq"])
            page.seq = data["seq"]
            if not data["more"]:
                break
        room = person.seat.call("GET")
        assert page.shown == shown_in(room.data)
        assert self.of_view(page.shown) == self.seen_by(who)

    def teardown(self) -> None:
        for who in list(self.people):
            for n in range(2):
                self.poll(who, n)


def test_every_readers_view_is_that_of_a_plain_dict(
    make_app: MakeApp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "WRITES_PER_SECOND", 10_000)
    apis = [Api.of_app(make_app()) for _ in range(2)]
    run_state_machine_as_test(
        lambda: Model(apis, clock),  # type: ignore[arg-type]
        settings=settings(
            max_examples=12,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        ),
    )
