"""A whole game as the PHP backend's unmodified client plays it, and pages that connect through its paths."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from tests.conftest import MakeServer
from tests.support.browser import Watched
from tests.support.peers import Api
from tests.support.php import Page, Php
from tests.support.server import Server
from tests.support.tabs import FOLDER, PATIENCE_SECONDS, serve_harness

pytestmark = pytest.mark.needs("quiz")

# The limits that a server has unless it is told otherwise.
DEFAULTS = {
    "LEGACY_PHP_PATHS": True,
    "ROOMS_PER_HOUR": 10,
    "GUESSES_PER_MINUTE": 60,
    "LOOKS_PER_MINUTE": 300,
    "POLLS_PER_SECOND": 20,
    "SENDS_PER_SECOND": 50,
}
QUIZ: dict[str, Any] = {
    "title": "Sums",
    "questions": [
        {"question": f"{n} + {n}?", "options": [str(n), str(2 * n), "none"], "correct": 1} for n in range(5)
    ],
}


@pytest.fixture
def service(server: MakeServer) -> Server:
    """Two processes with the limits that they have by default."""
    return server(workers=2, **DEFAULTS)


def test_a_game_of_a_host_and_two_guests(service: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, str]] = []
    send = requests.Session.send

    def note(session: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        sent.append(dict(request.headers))
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", note)
    php = Php(Api.of_url(service.url))
    created = php.create("host", "Hana", quizData=QUIZ, secondsPerQuestion=20)
    assert created.status == 201
    code = created.data["code"]
    with ExitStack() as stack:

        def enter(id: str) -> Page:
            return stack.enter_context(closing(Page(php, code, id)))

        # The lobby: guests come, everybody sees everybody, and their pages connect through signals.
        host = enter("host")
        for id in ("ann", "bob"):
            assert php.join(code, id, id.title()).status == 200
        ann, bob = enter("ann"), enter("bob")
        for page in (host, ann, bob):
            page.wait(
                lambda page: [each["id"] for each in page.room["participants"]] == ["host", "ann", "bob"]
            )
            others = {"host", "ann", "bob"} - {page.id}
            assert set(php.peers(code, page.id).data["peers"]) == others
        for guest in (ann, bob):
            host.send(guest, "offer", {"type": "offer", "sdp": f"to {guest.id}"})
            for n in range(3):
                host.send(guest, "ice", {"candidate": n})
            guest.wait(lambda page: len(page.messages) == 4)
            assert [message["type"] for message in guest.messages] == ["offer", "ice", "ice", "ice"]
            assert [message["payload"].get("candidate") for message in guest.messages] == [None, 0, 1, 2]
            guest.send(host, "answer", {"type": "answer", "sdp": f"from {guest.id}"})
        host.wait(lambda page: len(page.messages) == 2)
        assert [message["fromId"] for message in host.messages] == ["ann", "bob"]

        # The game: ann knows everything, bob every second answer, and once nothing.
        assert php.act(code, "start", hostId="host").data["status"] == "playing"
        for n in range(5):
            for guest, index in ((ann, 1), (bob, (1, 0, 1, 2, -1)[n])):
                guest.wait(
                    lambda page: page.room["status"] == "playing" and page.room["current_question"] == n  # noqa: B023
                )
                marked = php.act(
                    code,
                    "answer",
                    participantId=guest.id,
                    questionIndex=n,
                    answerIndex=index,
                    timeMs=1500 + n,
                ).data
                assert marked["isCorrect"] is (index == 1)
                assert marked["points"] == (15 if index == 1 else 0)
            host.wait(lambda page: page.scores["ann"] == 15 * (n + 1))  # noqa: B023
            assert php.act(code, "next", hostId="host").status == 200

        # The results, and the end.
        for page in (host, ann, bob):
            page.wait(lambda page: page.room["status"] == "ended")
            standings = [(each["name"], each["score"]) for each in page.room["participants"]]
            assert standings == [("Ann", 75), ("Bob", 30), ("Hana", 0)]
            assert page.room["ended_at"]
        for guest in (ann, bob):
            assert php.leave(code, guest.id).status == 200
        assert php.end(code, "host").status == 200
    assert len(sent) > 60
    assert not [name for headers in sent for name in headers if name.lower() == "authorization"]


class OldPage(Watched):
    """A page of another origin whose client knows these paths only."""

    def __init__(self, browser: Browser, origin: str, service: str) -> None:
        super().__init__(browser.new_context().new_page())
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url.removeprefix(service)))
        self.headers: list[str] = []
        self.page.on("request", lambda request: self.headers.extend(request.headers))
        self.page.goto(f"{origin}/php.html?{service}")
        self.page.wait_for_function("globalThis.old !== undefined")

    def run(self, expression: str) -> Any:
        """Evaluate JavaScript in which `old` is known."""
        return self.page.evaluate(f"async () => {expression}")

    def wait(self, expression: str) -> None:
        """Wait until it is true."""
        self.page.wait_for_function(expression, timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    """Where the pages lie: not where the service is."""
    assert (FOLDER / "php.html").exists()
    with serve_harness() as found:
        yield found


def test_two_pages_connect_through_these_paths_alone(
    server: MakeServer, browser: Browser, origin: str
) -> None:
    service = server(workers=2, ALLOWED_ORIGINS=origin, **DEFAULTS).url
    ada, ben = (OldPage(browser, origin, service) for _ in range(2))
    code = ada.run('old.create("ada")')
    ben.run(f'old.join({json.dumps(code)}, "ben")')
    for page, other in ((ada, "ben"), (ben, "ada")):
        page.wait(f'old.channels["{other}"]?.readyState === "open"')
    for page, other in ((ada, "ben"), (ben, "ada")):
        page.run(f'old.say("{other}", "hello {other}")')
    for page in (ada, ben):
        name, other = ("ada", "ben") if page is ada else ("ben", "ada")
        page.wait("old.messages.length === 1")
        assert page.run("old.messages") == [f"{other}: hello {name}"]
        asked = [request for request in page.requests if request.startswith("/")]
        assert len(asked) > 3
        assert all(request.startswith("/endpoints/") for request in asked)
        assert "authorization" not in page.headers
    assert ada.complaints + ben.complaints == []
    for page in (ada, ben):
        page.page.context.close()
