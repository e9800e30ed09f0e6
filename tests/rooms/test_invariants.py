"""For any interleaving, what a room promises holds at every number of its stream.

A state machine drives everybody who may be in a room, over two app processes: all calls by all roles,
sleeps of any length, answers that get lost, new pages, processes that restart. After each step the Room that
the events have made is the one that the next reader gets; each page makes its own of what it reads, too.

TIMES=20 in the environment makes it twenty times as long.
"""

import json
import os
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from party.polling import heartbeats
from party.rooms import views
from tests.conftest import Clock, MakeApp
from tests.support.fold import fold, lasting
from tests.support.peers import Answer, Api, Seat

IDS = [f"id-{n}" for n in range(6)]
GONE_MS = 600_000
# What a process does not write at once of a poll that another one may have to know.
LATE_MS = 9_000
OF_GUESTS = {"participant-approved", "participant-rejected"}


@dataclass
class Page:
    """A page of somebody who is in the room, or waits: its seat, what it knows, and when it was last seen."""

    seat: Seat
    seen: int
    # None while it waits.
    room: dict[str, Any] | None = None

    @property
    def role(self) -> str:
        """As it knows itself."""
        role: str = self.room["you"]["role"] if self.room else "guest"
        return role


class Rooms(RuleBasedStateMachine):
    """See the module. `apps` and `clock` are given by the test."""

    apps: list[Flask]
    clock: Clock

    @initialize(
        approval=st.booleans(),
        promote=st.booleans(),
        seats=st.integers(0, 2),
        places=st.integers(2, 4),
    )
    def open(self, approval: bool, promote: bool, seats: int, places: int) -> None:
        """A room as it may be."""
        host = Api.of_app(self.apps[0]).create_room(
            hostId=IDS[0],
            approval=approval,
            hostGone="promote" if promote else "end",
            seats=seats,
            maxParticipants=places,
        )
        self.code = host.code
        # What somebody knows who is told all that anybody but a guest is.
        self.told: dict[str, Any] = {**host.room, "you": {"id": "nobody", "role": "host"}}
        # The pages by their ids; a dead token's page is gone.
        self.pages = {IDS[0]: Page(host, self.clock.now, host.room)}

    who = st.sampled_from(IDS)
    process = st.integers(0, 1)

    def api(self, process: int) -> Api:
        """One of the processes."""
        return Api.of_app(self.apps[process])

    def call(self, page: Page, process: int, action: str, **body: Any) -> Answer:
        """A call of somebody below the room's path; no failure is the server's."""
        answer = self.api(process).request(
            "POST", f"/rooms/{self.code}/{action}", body, token=page.seat.token
        )
        assert answer.status < 500, answer.text
        if answer.status == 401:
            self.lose(page, answer)
        self.check_guest(page, answer)
        return answer

    def lose(self, page: Page, answer: Answer) -> None:
        """A page's token is dead, for a reason that is true."""
        reason = answer.error["reason"]
        assert reason in ("removed", "banned", "rejected", "absent")
        if reason == "absent":
            assert self.clock.now - page.seen >= GONE_MS - LATE_MS
        self.pages = {id: other for id, other in self.pages.items() if other is not page}

    def check_guest(self, page: Page, answer: Answer) -> None:
        """Who waits is shown nobody's id but its own."""
        if (
            page.room is None
            and answer.status in (200, 202)
            and answer.data.get("you", {}).get("role") == "guest"
        ):
            assert not [id for id in IDS if f'"{id}"' in answer.text and id != page.seat.id]

    @rule(process=process)
    def restart(self, process: int) -> None:
        """A process forgets all that it remembers, as a new one in its place would."""
        memory = self.apps[process].extensions["party.memory"]
        memory.rooms._forget_all()
        memory.heartbeats._forget()
        self.apps[process].extensions["party.sightings"].clear()

    @rule(seconds=st.one_of(st.integers(1, 30), st.integers(31, 700)))
    def sleep(self, seconds: int) -> None:
        """Time passes."""
        self.clock.advance(seconds)

    @rule(
        who=who,
        process=process,
        spectate=st.booleans(),
        seat=st.none() | st.integers(0, 2),
        arrives=st.booleans(),
    )
    def join(self, who: str, process: int, spectate: bool, seat: int | None, arrives: bool) -> None:
        """Somebody joins or asks to, perhaps twice since the first answer was lost."""
        body = {
            "name": "N",
            "participantId": who,
            "spectate": spectate,
            "retryKey": f"a-retry-key-of-{who}-long-enough",
        }
        if not spectate:
            body["seat"] = seat
        for _ in range(1 if arrives else 2):
            answer = self.api(process).request("POST", f"/rooms/{self.code}/join", body)
        assert answer.status < 500
        if answer.status not in (200, 202):
            assert answer.code in (
                *("PARTICIPANT_ID_TAKEN", "ROOM_FULL", "ROOM_LOCKED", "BANNED", "SEAT_TAKEN", "LOBBY_FULL"),
                *("VALIDATION_ERROR", "ROOM_ENDED", "RATE_LIMITED"),
            )
            return
        room = answer.data if answer.status == 200 else None
        assert (answer.data["you"]["role"] == "guest") == (room is None)
        self.pages[who] = page = Page(Seat(self.api(process), answer.data), self.clock.now, room)
        self.check_guest(page, answer)

    @rule(who=who, process=process, arrives=st.booleans())
    def poll(self, who: str, process: int, arrives: bool) -> None:
        """Poll; what arrives is processed."""
        if who in self.pages:
            self.read(self.pages[who], process, arrives)

    def read(self, page: Page, process: int, arrives: bool) -> None:
        """One poll of a page."""
        page.seat.api = self.api(process)
        answer = page.seat.poll(page.seat.seq)
        assert answer.status < 500
        if answer.status == 401:
            self.lose(page, answer)
            return
        if answer.status == 410:
            return
        page.seen = self.clock.now
        if not arrives:
            return
        data = answer.data
        assert not data["gap"]
        for message in data["messages"]:
            if page.room is None:
                assert message["type"] in OF_GUESTS
                page.room = self.admitted(page, message)
            elif message["seq"] > page.room["seq"]:
                page.room = fold(page.room, message) or self.fresh(page)
                page.room["seq"] = max(page.room["seq"], message["seq"])
        page.seat.seq = data["seq"]

    def admitted(self, page: Page, message: dict[str, Any]) -> dict[str, Any] | None:
        """The Room that a guest takes when it is let in."""
        return self.fresh(page) if message["type"] == "participant-approved" else None

    def fresh(self, page: Page) -> dict[str, Any]:
        """The Room as it is now."""
        room: dict[str, Any] = page.seat.call("GET").data
        return room

    @rule(who=who, process=process)
    def look(self, who: str, process: int) -> None:
        """What a page knows after a poll is what the next reader gets."""
        page = self.pages.get(who)
        if page is None:
            return
        self.read(page, process, arrives=True)
        if self.pages.get(who) is page and page.room is not None:
            assert lasting(page.room) == lasting(self.fresh(page))

    @rule(who=who, process=process, arrives=st.booleans())
    def rejoin(self, who: str, process: int, arrives: bool) -> None:
        """A new page takes the seat; who has not been gone for long never asks again."""
        page = self.pages.get(who)
        if page is None:
            return
        for _ in range(1 if arrives else 2):
            answer = self.call(page, process, "rejoin")
        if answer.status in (200, 202):
            room = answer.data if answer.status == 200 else None
            assert room is not None or page.room is None
            self.pages[who] = Page(Seat(self.api(process), answer.data), self.clock.now, room)
        elif answer.status != 401:
            assert answer.code in ("ROOM_ENDED", "RATE_LIMITED")

    @rule(who=who, process=process)
    def away(self, who: str, process: int) -> None:
        """A page says that it sleeps."""
        if who in self.pages:
            self.call(self.pages[who], process, "away")

    @rule(who=who, process=process, arrives=st.booleans())
    def leave(self, who: str, process: int, arrives: bool) -> None:
        """Somebody leaves, and says so again where no answer comes."""
        page = self.pages.get(who)
        if page is None or self.call(page, process, "leave").status != 200:
            return
        if not arrives:
            again = self.api(process).request("POST", f"/rooms/{self.code}/leave", token=page.seat.token)
            assert again.error["reason"] == "left" if again.status == 401 else again.code == "ROOM_ENDED"
        del self.pages[who]

    ACTIONS = st.sampled_from(["approve", "refuse", "role", "rename", "remove", "ban", "host", "settings"])

    @rule(
        who=who,
        to=who,
        process=process,
        action=ACTIONS,
        role=st.sampled_from(["host", "player", "spectator"]),
        seat=st.none() | st.integers(0, 2),
        names=st.sets(
            st.sampled_from(["approval", "locked", "seats", "maxParticipants", "name"]), min_size=1
        ),
        n=st.integers(0, 4),
        arrives=st.booleans(),
    )
    def act(
        self,
        who: str,
        to: str,
        process: int,
        action: str,
        role: str,
        seat: int | None,
        names: set[str],
        n: int,
        arrives: bool,
    ) -> None:
        """Whatever anybody tries, perhaps twice since the first answer was lost."""
        page = self.pages.get(who)
        if page is None:
            return
        other = {"participantId": to}
        wanted = {"approval": n > 2, "locked": n > 3, "seats": n, "maxParticipants": n + 1, "name": f"{n}"}
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "approve": ("approve", {**other, "approved": True}),
            "refuse": ("approve", {**other, "approved": False}),
            "role": ("role", {**other, "role": role} | ({} if n == 0 else {"seat": seat})),
            "rename": ("rename", {**other, "name": f"N{n}"}),
            "remove": ("remove", other),
            "ban": ("remove", {**other, "ban": True}),
            "host": ("host", other),
            "settings": ("settings", {name: wanted[name] for name in names}),
        }
        path, body = calls[action]
        for _ in range(1 if arrives else 2):
            answer = self.call(page, process, path, **body)
            if answer.status == 403:
                assert page.role != "host" or answer.code == "HOST_ONLY"

    @precondition(lambda self: hasattr(self, "code"))
    @invariant()
    def holds(self) -> None:
        """At every number; and what was told so far is what the next reader gets."""
        app, id = self.apps[0], self.row()["id"]
        database = app.extensions["party.database"]
        news = database.all(
            "SELECT seq, type, data FROM party_events WHERE room_id = :id AND seq > :seq ORDER BY seq",
            id=id,
            seq=self.told["seq"],
        )
        for event in news:
            message = {"type": event["type"], "payload": json.loads(event["data"])}
            if event["type"] not in OF_GUESTS:
                self.told = fold(self.told, message) or self.told
            self.told["seq"] = event["seq"]
            check(self.told)
        with app.app_context():
            shown = database.read(lambda tx: views.room_view(tx, self.clock.now, views.room_row(tx, id)))
        assert lasting(self.told) == lasting({**shown, "you": self.told["you"]})

    def row(self) -> dict[str, Any]:
        """The room as it is stored."""
        found: dict[str, Any] = (
            self.apps[0]
            .extensions["party.database"]
            .one("SELECT * FROM party_rooms WHERE code = :code", code=self.code)
        )
        return found


def check(room: dict[str, Any]) -> None:
    """Exactly one host, no seat twice, no more members than fit in."""
    members = room["participants"]
    if room["status"] != "ended":
        assert [each["id"] for each in members if each["role"] == "host"] == [room["hostId"]]
        assert [each["id"] for each in members if each["isHost"]] == [room["hostId"]]
    taken = [each["seat"] for each in members if each["seat"] is not None]
    assert len(taken) == len(set(taken))
    assert len(members) <= room["maxParticipants"]


def test_what_a_room_promises_holds_at_every_number(
    make_app: MakeApp, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", 0)

    class Bound(Rooms):
        pass

    usual = {"DISCONNECTED_AFTER_SECONDS": 300, "SEAT_FREED_AFTER_SECONDS": 600}
    Bound.apps = [make_app(**usual) for _ in range(2)]
    Bound.clock = clock
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=12 * int(os.environ.get("TIMES", "1")),
            phases=(Phase.generate,),
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
