"""What the documentation shows works as it stands there."""

import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import MakeServer
from tests.support.paths import NO_PATH
from tests.support.server import ROOT

SERVICE = "https://example.org/party"


@pytest.fixture
def hello() -> Iterator[ThreadingHTTPServer]:
    """A web server of another origin, with nothing but the example; `page` is its text."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.partition("?")[0] == "/hello.html"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(site.page.encode() if found else b"")  # type: ignore[attr-defined]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    site = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=site.serve_forever, daemon=True).start()
    yield site
    site.shutdown()
    site.server_close()


def example_of(service: str) -> str:
    """The page that the client's documentation begins with, for a service of ours."""
    text = (ROOT / "docs" / "client.md").read_text()
    (example,) = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    assert SERVICE in example
    return str(example).replace(SERVICE, service)


@pytest.mark.needs("ice")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_example_of_the_client_connects_two_browsers_from_another_site(
    server: MakeServer, browser: Browser, hello: ThreadingHTTPServer
) -> None:
    origin = f"http://127.0.0.1:{hello.server_port}"
    service = server(workers=2, mount="/party", ALLOWED_ORIGINS=origin).url
    hello.page = example_of(service)  # type: ignore[attr-defined]

    errors: list[str] = []
    ada, ben = (browser.new_context().new_page() for _ in range(2))
    for page in (ada, ben):
        page.on("pageerror", lambda error: errors.append(str(error)))
    ada.goto(f"{origin}/hello.html?name=Ada")
    expect(ada).to_have_url(re.compile("#[A-Z0-9]{6}$"))
    expect(ada.locator("#state")).to_contain_text("You are alone in room ")
    ben.goto(ada.url.replace("Ada", "Ben"))
    expect(ada.locator("#state")).to_have_text("Connected to Ben")
    expect(ben.locator("#state")).to_have_text("Connected to Ada")
    ada.fill("#text", "hello")
    ada.press("#text", "Enter")
    expect(ben.locator("#chat li")).to_have_text(["Ada: hello"])
    ben.reload()
    expect(ben.locator("#state")).to_have_text("Connected to Ada")
    ben.fill("#text", "here again")
    ben.press("#text", "Enter")
    expect(ada.locator("#chat li")).to_have_text(["You: hello", "Ben: here again"])
    assert errors == []
    cleo = browser.new_context().new_page()
    cleo.goto(f"{origin}/hello.html?name=Cleo#QQQQQQ")
    expect(cleo.locator("#state")).to_contain_text("room")
    for page in (ada, ben, cleo):
        page.context.close()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_example_works_between_two_browsers_that_find_no_path(
    server: MakeServer, browser: Browser, hello: ThreadingHTTPServer
) -> None:
    origin = f"http://127.0.0.1:{hello.server_port}"
    hello.page = example_of(server(workers=2, ALLOWED_ORIGINS=origin).url)  # type: ignore[attr-defined]
    ada, ben = (browser.new_context().new_page() for _ in range(2))
    for page in (ada, ben):
        page.add_init_script(NO_PATH)
    ada.goto(f"{origin}/hello.html?name=Ada")
    expect(ada).to_have_url(re.compile("#[A-Z0-9]{6}$"))
    ben.goto(ada.url.replace("Ada", "Ben"))
    for page, other, words in ((ada, ben, "hello"), (ben, ada, "hello you")):
        expect(page.locator("#state")).to_have_text("Connected to nobody yet")
        # Until the service takes it, nobody is told anything.
        while other.locator("#chat li", has_text=f": {words}").count() == 0:
            page.fill("#text", words)
            page.press("#text", "Enter")
            page.wait_for_timeout(500)
    for page in (ada, ben):
        page.context.close()


@pytest.mark.needs("quiz", "ice")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_the_quiz_of_the_client_can_be_played_without_a_change(server: MakeServer, browser: Browser) -> None:
    service = server(workers=2).url
    quiz = (ROOT / "docs" / "client.md").read_text().partition("## A quiz")[2].partition("\n## ")[0]
    hosts, guests = re.findall(r"```js\n(.*?)```", quiz, re.DOTALL)
    play = """async ([module, example, code]) => {
      window.heard = [];
      console.log = (...texts) => heard.push(texts);
      const { Party } = await import(module);
      const run = new (async () => {}).constructor("Party", "code", example);
      window.played = run(Party, code);
    }"""
    host, guest = (browser.new_context().new_page() for _ in range(2))
    for page in (host, guest):
        page.goto(f"{service}/health")
    host.evaluate(play, [f"{service}/static/party.js", hosts, None])
    host.wait_for_function("heard.length > 0")
    code = host.evaluate("heard[0][0]").removeprefix("Join ")
    guest.evaluate(play, [f"{service}/static/party.js", guests, code])
    host.evaluate("played")
    for page in (host, guest):
        page.wait_for_function("heard.at(-1)?.[0] === 'It is over'")
        winner, other = page.evaluate("heard.at(-1)[1]")
        assert (winner["name"], other["name"]) == ("Ada", "Ben")
        assert winner["score"] >= 10 > other["score"] == 0
        page.context.close()


def test_the_example_in_typescript_is_one_that_the_checker_has_seen() -> None:
    (example,) = re.findall(r"```ts\n(.*?)```", (ROOT / "docs" / "client.md").read_text(), re.DOTALL)
    assert (ROOT / "tests" / "types" / "join.ts").read_text().endswith(example)
