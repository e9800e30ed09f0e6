"""The pages at `/play`: a whole game in real browsers, as those see it who host, play and look on."""

import csv
import io
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import MakeApp
from tests.support.accessibility import expect_accessible
from tests.support.page import OpenPage
from tests.support.peers import Api
from tests.support.server import Server

pytestmark = pytest.mark.needs("quiz")

QUIZ = """Which planet is <b>the largest</b>?
- Mars
* Jupiter
- Venus
- Earth

2 + 2 * 2 = ?
* 6
- 8"""


class Player:
    """Somebody with a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)

    def host(self, url: str) -> str:
        """Make the quiz and open the room: its code."""
        self.page.goto(url)
        self.page.locator("section.card button").click()
        self.page.locator("details summary").click()
        self.page.locator("#pasted").fill(QUIZ)
        self.page.locator("details .buttons button").click()
        self.page.locator("#quiz-pause").select_option("60")
        self.page.locator("#host-name").fill("Ms Lee")
        self.page.locator("form > .buttons button").first.click()
        return self.page.locator("p.code").inner_text()

    def join(self, url: str, code: str, name: str, *, watches: bool = False) -> None:
        """Join by the link."""
        self.page.goto(f"{url}#{code}")
        self.page.locator("#name").fill(name)
        if watches:
            self.page.locator("#watch").check()
        self.page.locator("form button").click()
        expect(self.page.locator(".stage")).to_be_visible()

    @property
    def answers(self) -> Locator:
        """What can be chosen."""
        return self.page.locator("button.answer")

    def go_on(self) -> None:
        """The host's next step."""
        self.page.locator(".stage > .buttons button").first.click()


@pytest.fixture
def url(service: Server) -> str:
    """The page's address."""
    return f"{service.url}/play"


@pytest.fixture
def somebody(open_page: OpenPage) -> Iterator[list[Player]]:
    """Everybody who has a page in this test: nothing may go wrong in any of them."""
    everybody: list[Player] = []
    yield everybody
    assert [problem for each in everybody for problem in each.problems] == []


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("ar", "dark")])
def test_a_whole_game_is_accessible_in_every_state(
    url: str, open_page: OpenPage, somebody: list[Player], language: str, scheme: str
) -> None:
    def come(width: int) -> Player:
        options = {"locale": language, "color_scheme": scheme, "reduced_motion": "reduce"}
        somebody.append(Player(open_page(viewport={"width": width, "height": 800}, **options)))
        return somebody[-1]

    host, ada, ben, screen = come(1280), come(320), come(390), come(1280)
    code = host.host(url)
    for player, name in ((ada, "Ada"), (ben, "<i>Ben</i>")):
        player.join(url, code, name)
    screen.join(url, code, "Screen", watches=True)
    expect(host.page.locator(".people > li")).to_have_count(2)
    assert host.page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    for player, state in ((host, "the lobby"), (ada, "waiting")):
        expect_accessible(player.page, state)

    host.page.locator(".stage .buttons button").first.click()
    expect(ada.page.locator("h2")).to_have_text("Which planet is <b>the largest</b>?")
    expect(ada.answers).to_have_count(4)
    expect(screen.page.locator("li.answer")).to_have_count(4)
    for player, state in ((host, "a question"), (ada, "answering")):
        expect_accessible(player.page, state)
    # Her answer does not arrive,
    ada.page.route("**/answer", lambda route: None)
    ada.answers.nth(1).click()
    expect(ada.answers.nth(1)).to_have_attribute("aria-pressed", "true")
    expect_accessible(ada.page, "answered")
    # but a reload comes back to the same question with the same answer.
    ada.page.unroute("**/answer")
    ada.page.reload()
    expect(ada.answers.nth(1)).to_have_attribute("aria-pressed", "true")
    ben.answers.nth(0).click()
    expect(ada.page.locator(".result.is-right")).to_be_visible()
    expect(ben.page.locator(".result.is-wrong")).to_be_visible()
    expect(screen.page.locator(".with-bars .count")).to_have_text(["1", "1", "0", "0"])
    expect(host.page.locator(".standings .name")).to_have_text(["Ada", "<i>Ben</i>"])
    for player, state in ((host, "closed"), (ada, "right"), (ben, "wrong")):
        expect_accessible(player.page, state)

    host.go_on()
    for player in (ada, ben):
        player.answers.nth(0).click()
    expect(host.page.locator(".with-bars")).to_be_visible()
    host.go_on()
    for player in (host, ada, screen):
        expect(player.page.locator(".podium .name").first).to_have_text("Ada")
    host.page.locator(".action button").nth(2).click()
    expect(host.page.locator("table")).to_have_count(2)
    for player, state in ((host, "the results"), (ada, "the end")):
        expect_accessible(player.page, state)
    for player in (ada, ben):
        wide = player.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, "something is wider than the screen"

    with host.page.expect_download() as download:
        host.page.locator(".results .buttons button").nth(1).click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
    assert [(row["name"], row["rightCount"]) for row in rows] == [
        ("Ada", "2"),
        ("<i>Ben</i>", "1"),
        ("Ms Lee", "0"),
    ]
    # Again, with the same people.
    host.page.locator(".action button").first.click()
    expect(ada.answers).to_have_count(4)


def test_a_game_is_played_with_the_keyboard_alone(
    url: str, service: Server, open_page: OpenPage, somebody: list[Player]
) -> None:
    player = Player(open_page(locale="en"))
    somebody.append(player)
    questions = [{"question": "?", "answers": ["a", "b"], "correct": 1}]
    host = Api.of_url(service.url).create_room("Host", quizData={"questions": questions}, afterQuiz="stay")
    page = player.page
    page.goto(f"{url}#{host.code}")
    page.locator("#name").focus()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You are in!")).to_be_focused()
    host.call("POST", "/start", {"autoAdvance": True, "pauseSeconds": 60})
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(player.answers.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name="Right!")).to_be_focused()
    # Whoever listens is told as well.
    expect(page.locator("#announcer")).to_contain_text("Right! +15 points")


def test_the_host_lets_people_in_and_closes_the_door(
    url: str, open_page: OpenPage, somebody: list[Player]
) -> None:
    host, ada = Player(open_page(locale="en")), Player(open_page(locale="en"))
    somebody += [host]
    code = host.host(url)
    host.page.get_by_role("button", name="I let everybody in myself").click()
    expect(host.page.locator("[aria-pressed=true]")).to_have_text("I let everybody in myself")
    ada.join(url, code, "Ada")
    expect(ada.page.locator("h2")).to_have_text("Waiting to be let in …")
    host.page.get_by_role("button", name="Let Ada in", exact=True).click()
    expect(ada.page.locator("h2")).to_have_text("You are in!")
    host.page.once("dialog", lambda dialog: dialog.accept("Lovelace"))
    host.page.get_by_role("button", name="Rename Ada").click()
    expect(ada.page.locator(".is-you")).to_have_text("Lovelace")
    host.page.get_by_role("button", name="Nobody else comes in").click()
    ben = Player(open_page(locale="en"))
    ben.page.goto(f"{url}#{code}")
    ben.page.locator("#name").fill("Ben")
    ben.page.locator("form button").click()
    expect(ben.page.get_by_role("alert")).to_have_text("Nobody can join this quiz at the moment.")
    # Another host: the pages change places, and who was the host plays.
    host.page.once("dialog", lambda dialog: dialog.accept())
    host.page.get_by_role("button", name="Make Lovelace the host").click()
    expect(host.page.locator("h2")).to_have_text("You are in!")
    ada.page.get_by_role("button", name="Start").click()
    expect(host.answers).to_have_count(4)


def test_the_language_can_be_chosen_and_is_kept(
    url: str, open_page: OpenPage, somebody: list[Player]
) -> None:
    player = Player(open_page(locale="pt-BR"))
    somebody.append(player)
    player.page.goto(url)
    expect(player.page.locator("#join-title")).to_have_text("Participar num quiz")
    player.page.locator("#language").select_option("de")
    expect(player.page.locator("#join-title")).to_have_text("Bei einem Quiz mitmachen")
    player.page.reload()
    expect(player.page.locator("#join-title")).to_have_text("Bei einem Quiz mitmachen")


def test_the_page_is_there_where_it_is_wanted_and_loads_nothing_from_elsewhere(make_app: MakeApp) -> None:
    answer = make_app(PLAY=True).test_client().get("/play")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert policy == "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    off = Api.of_app(make_app(PLAY=False)).request("GET", "/play")
    assert (off.status, off.code) == (404, "NOT_FOUND")
