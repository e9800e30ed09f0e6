"""For any interleaving, a receiver that follows the contract processes every signal once and in order.

A state machine drives members of one room over two app processes: they send and retry, poll with any
cursor they may hold, lose answers, come back with new pages; processes restart. What each page has
processed is compared with what was acknowledged to the senders. Once more with processes that believe
what they remember for as long as it takes, until a reading is due.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from party.polling import room_cache
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api, Seat

MEMBERS = 3


@dataclass
class Page:
    """A member's page as the contract wants it: one cursor, moved only by answers that arrive."""

    seat: Seat
    cursor: int = 0
    # Cursors of the past: with them a delayed request may still arrive.
    held: list[int] = field(default_factory=list)
    processed: list[dict[str, Any]] = field(default_factory=list)
    # What others were told is stored for this page, by seq.
    owed: dict[int, Any] = field(default_factory=dict)

    def process(self, data: dict[str, Any]) -> None:
        """Handle an answer to a request that carried the page's cursor."""
        assert data["count"] == len(data["messages"])
        self.processed += [message for message in data["messages"] if message["seq"] > self.cursor]
        assert data["seq"] >= self.cursor
        self.held.append(self.cursor)
        self.cursor = data["seq"]


@dataclass
class Sent:
    """A send that may be repeated: what was sent and, once an answer arrived, its numbers."""

    sender: int
    seat: Seat
    messages: list[dict[str, Any]]
    numbers: list[int] | None = None


class Stream(RuleBasedStateMachine):
    """See the module. `make_app` is given by the test."""

    make_app: Callable[[], Flask]

    def __init__(self) -> None:
        super().__init__()
        self.apps = [self.make_app() for _ in range(2)]
        self.processes = [Api.of_app(app) for app in self.apps]
        host = self.processes[0].create_room()
        seats = [host, *(self.processes[n % 2].join(host.code) for n in range(1, MEMBERS))]
        self.pages = [Page(seat, seat.seq) for seat in seats]
        self.sends: list[Sent] = []
        self.count = 0

    def through(self, process: int, seat: Seat) -> Seat:
        """The seat, calling one of the processes."""
        seat.api = self.processes[process]
        return seat

    who = st.integers(0, MEMBERS - 1)
    process = st.integers(0, 1)

    @rule(process=process)
    def restart(self, process: int) -> None:
        """A process is replaced by a new one: what it remembered is gone."""
        self.apps[process].extensions["party.database"].close()
        self.apps[process] = self.make_app()
        self.processes[process] = Api.of_app(self.apps[process])

    @rule(process=process)
    def read_again(self, process: int) -> None:
        """A process looks what has become of its rooms."""
        self.apps[process].extensions["party.memory"].rooms.read()

    @rule(
        sender=who,
        to=st.lists(who, min_size=1, max_size=4),
        process=process,
        arrives=st.booleans(),
        poll=st.booleans(),
    )
    def send(self, sender: int, to: list[int], process: int, arrives: bool, poll: bool) -> None:
        """Send a batch; its answer arrives or gets lost."""
        addressees = [n for n in to if n != sender]
        if not addressees:
            return
        self.count += 1
        messages = [
            {
                "toId": self.pages[n].seat.id,
                "type": "ice",
                "payload": {"batch": self.count, "i": i},
                "clientMsgId": f"{self.count}.{i}",
            }
            for i, n in enumerate(addressees)
        ]
        sent = Sent(sender, self.pages[sender].seat, messages)
        self.sends.append(sent)
        self.deliver(sent, process, arrives, poll)

    @precondition(lambda self: self.sends)
    @rule(data=st.data(), process=process, arrives=st.booleans(), poll=st.booleans())
    def retry(self, data: st.DataObject, process: int, arrives: bool, poll: bool) -> None:
        """Repeat a send, however old, whether or not its answer arrived."""
        self.deliver(data.draw(st.sampled_from(self.sends)), process, arrives, poll)

    def deliver(self, sent: Sent, process: int, arrives: bool, poll: bool) -> None:
        """Make the request of a send, which may be a poll, too."""
        page = self.pages[sent.sender]
        fields = {"after": page.cursor} if poll else {}
        answer = self.through(process, sent.seat).send_batch(sent.messages, **fields)
        if sent.seat is not page.seat:  # a page of the past
            assert (answer.status, answer.code) == (401, "TOKEN_INVALID")
            return
        assert answer.status in (200, 201)
        numbers = answer.data["messageIds"]
        assert sent.numbers in (None, numbers)
        if sent.numbers is None:
            assert answer.status == 201
        sent.numbers = numbers
        for number, message in zip(numbers, sent.messages, strict=True):
            receiver = next(page for page in self.pages if page.seat.id == message["toId"])
            # A retry of what a reload has dropped is known and not owed again.
            if answer.status == 201:
                receiver.owed[number] = message["payload"]
        if poll and arrives:
            page.process(answer.data)

    @rule(who=who, process=process, arrives=st.booleans())
    def poll(self, who: int, process: int, arrives: bool) -> None:
        """Poll with the page's cursor; the answer arrives or gets lost."""
        page = self.pages[who]
        answer = self.through(process, page.seat).poll(page.cursor)
        if arrives:
            page.process(answer.data)

    @rule(who=who, process=process, data=st.data())
    def poll_late(self, who: int, process: int, data: st.DataObject) -> None:
        """A poll with a cursor of the past arrives late; its answer goes nowhere."""
        page = self.pages[who]
        cursor = data.draw(st.sampled_from([0, *page.held]))
        assert self.through(process, page.seat).poll(cursor).status == 200

    @rule(who=who, process=process, arrives=st.booleans())
    def start_over(self, who: int, process: int, arrives: bool) -> None:
        """Poll without a cursor, as after BAD_CURSOR."""
        page = self.pages[who]
        answer = self.through(process, page.seat).poll()
        assert answer.data["room"]["you"]["id"] == page.seat.id
        if arrives:
            page.process(answer.data)

    @rule(who=who, process=process, beyond=st.integers(1, 5))
    def poll_beyond(self, who: int, process: int, beyond: int) -> None:
        """A cursor that the room has not reached acknowledges nothing."""
        page = self.pages[who]
        true_seq = self.through(process, page.seat).call("GET").data["seq"]
        assert page.seat.poll(true_seq + beyond).code == "BAD_CURSOR"

    @rule(who=who, process=process)
    def reload(self, who: int, process: int) -> None:
        """A new page takes the seat: what was under way to and from the old one is dropped."""
        old = self.pages[who]
        seat = Seat(self.processes[process], self.through(process, old.seat).call("POST", "/rejoin").data)
        self.check(old, whole=False)
        self.pages[who] = Page(seat, seat.seq)
        for page in self.pages:
            dropped = {
                number
                for sent in self.sends
                if sent.sender == who and sent.seat is old.seat
                for number in sent.numbers or []
            }
            seen = {message["seq"] for message in page.processed}
            page.owed = {
                number: payload
                for number, payload in page.owed.items()
                if number not in dropped or number in seen
            }

    def check(self, page: Page, *, whole: bool) -> None:
        """A page has processed what it was owed: once, in order, and in the end all of it."""
        numbers = [message["seq"] for message in page.processed]
        assert numbers == sorted(set(numbers))
        signals = {
            message["seq"]: message["payload"] for message in page.processed if message["type"] == "ice"
        }
        assert signals.items() <= page.owed.items()
        if whole:
            assert signals == page.owed

    def teardown(self) -> None:
        """Once everybody polls in peace, nothing is missing."""
        for process in range(2):
            self.read_again(process)
        for page in self.pages:
            while True:
                answer: Answer = page.seat.poll(page.cursor)
                page.process(answer.data)
                if not answer.data["more"]:
                    break
            self.check(page, whole=True)
        for app in self.apps:
            app.extensions["party.database"].close()


@pytest.mark.parametrize("memory", ["fresh", "stale"])
def test_every_signal_is_processed_once_and_in_order(
    make_app: MakeApp, clock: Clock, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory == "stale":
        monkeypatch.setattr(room_cache, "SHARED_FROM", 0)
        monkeypatch.setattr(room_cache, "TICK_SECONDS", 3600.0)

    class Bound(Stream):
        pass

    Bound.make_app = staticmethod(make_app)
    run_state_machine_as_test(
        Bound,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
