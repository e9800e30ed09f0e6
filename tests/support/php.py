"""A page that speaks as the PHP backend's own client does: ids, and no Authorization header."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from tests.support.peers import Answer, Api

ROOMS = "/endpoints/rooms.php"
SIGNAL = "/endpoints/signal.php"


@dataclass
class Php:
    """The calls of that client."""

    api: Api

    def create(self, host_id: str = "host", name: str = "Hana", **fields: Any) -> Answer:
        """Open a room."""
        return self.api.request("POST", ROOMS, {"hostId": host_id, "hostName": name, **fields})

    def get(self, code: str) -> Answer:
        """Look at a room."""
        return self.api.request("GET", f"{ROOMS}/{code}")

    def act(self, code: str, action: str, **fields: Any) -> Answer:
        """`join`, `start`, ... with these fields."""
        return self.api.request("POST", f"{ROOMS}/{code}/{action}", fields)

    def join(self, code: str, participant_id: str = "guest", name: str = "Gus") -> Answer:
        """Take a seat."""
        return self.act(code, "join", participantId=participant_id, name=name)

    def leave(self, code: str, participant_id: str) -> Answer:
        """Give it up."""
        return self.act(code, "leave", participantId=participant_id)

    def end(self, code: str, host_id: str) -> Answer:
        """The host's id is in the body of a DELETE."""
        return self.api.request("DELETE", f"{ROOMS}/{code}", {"hostId": host_id})

    def send(
        self, code: str, from_id: str, to_id: str, payload: Any = None, type: str = "offer", **fields: Any
    ) -> Answer:
        """Leave a signal."""
        signal = {"roomCode": code, "fromId": from_id, "toId": to_id, "type": type}
        return self.api.request("POST", SIGNAL, {**signal, "payload": payload or {}, **fields})

    def poll(self, code: str, participant_id: str) -> Answer:
        """Take what waits."""
        return self.api.request("GET", f"{SIGNAL}/{code}/{participant_id}")

    def payloads(self, code: str, participant_id: str) -> list[Any]:
        """Take what waits: the payloads."""
        return [message["payload"] for message in self.poll(code, participant_id).data["messages"]]

    def peers(self, code: str, participant_id: str) -> Answer:
        """Who else is there."""
        return self.api.request("GET", f"{SIGNAL}/{code}/{participant_id}/peers")


class Page:
    """A page in a room: it polls for signals twice a second and for the room once."""

    def __init__(self, php: Php, code: str, participant_id: str) -> None:
        self.php = php
        self.code = code
        self.id = participant_id
        self.room: dict[str, Any] = {}
        self.messages: list[dict[str, Any]] = []
        self.failures: list[str] = []
        self._closed = Event()
        self._news = Event()
        self._threads = [
            Thread(target=self._repeat, args=(0.5, self._poll_signals)),
            Thread(target=self._repeat, args=(1, self._poll_room)),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def scores(self) -> dict[str, int]:
        """The participants' scores by their ids, as this page has seen them last."""
        return {each["id"]: each["score"] for each in self.room["participants"]}

    def wait(self, condition: Callable[["Page"], bool], seconds: float = 30) -> None:
        """Wait until this page has seen it."""
        for _ in range(round(seconds / 0.05)):
            assert self.failures == []
            if self.room and condition(self):
                return
            self._news.wait(0.05)
            self._news.clear()
        raise AssertionError(f"{self.id} never saw it: {self.room}, {self.messages}")

    def send(self, to: "Page", type: str, payload: dict[str, Any]) -> None:
        """Send a signal."""
        assert self.php.send(self.code, self.id, to.id, payload, type).status == 201

    def close(self) -> None:
        """Stop polling."""
        self._closed.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, seconds: float, poll: Callable[[], None]) -> None:
        while not self._closed.is_set():
            try:
                poll()
            except Exception as error:
                self.failures.append(repr(error))
            self._news.set()
            self._closed.wait(seconds)

    def _poll_signals(self) -> None:
        self.messages += self.php.poll(self.code, self.id).data["messages"]

    def _poll_room(self) -> None:
        self.room = self.php.get(self.code).data
