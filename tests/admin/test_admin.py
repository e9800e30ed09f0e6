"""The admin's page: who gets in, what it shows and does, and that what others write stays text."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, expect

from party.admin import banned, plots
from party.config import ConfigError, load_settings
from tests.conftest import Clock, MakeApp
from tests.support.peers import Answer, Api
from tests.support.server import Server

TOKEN = "a-token-that-only-the-admin-knows"
SCRIPT = "<img src=x onerror='document.title=1'>"
RTL = "\u202eevil\u2066 <b>"


def get(client: Api, path: str, method: str = "GET", token: str = TOKEN, json: object = None) -> Answer:
    return client.request(method, f"/admin{path}", json, token=token)


@pytest.fixture
def admins(make_app: MakeApp, clock: Clock) -> Api:
    """A service with the page."""
    return Api.of_app(make_app(ADMIN_TOKEN=TOKEN, GUESSES_PER_MINUTE=5))


def test_it_is_off_unless_there_is_a_token_of_some_length(make_app: MakeApp, tmp_path: Path) -> None:
    client = Api.of_app(make_app())
    for path in ("", "/overview", "/static/admin.js"):
        assert client.request("GET", f"/admin{path}", token=TOKEN).code == "NOT_FOUND"
    with pytest.raises(ConfigError, match=r"ADMIN_TOKEN .*at least 24"):
        load_settings(tmp_path, {"PARTY_ADMIN_TOKEN": "x" * 23})


def test_wrong_tokens_are_limited_before_they_are_compared(admins: Api, clock: Clock) -> None:
    for _ in range(20):
        assert get(admins, "/overview").status == 200  # a right one costs nothing
    assert admins.request("GET", "/admin/overview").code == "TOKEN_REQUIRED"
    codes = [get(admins, "/overview", token="x" * 33).code for _ in range(6)]
    assert codes == ["TOKEN_INVALID"] * 5 + ["RATE_LIMITED"]
    assert get(admins, "/overview").code == "RATE_LIMITED"
    clock.advance(61)
    assert get(admins, "/overview").status == 200


def test_it_shows_what_runs_without_names_and_names_only_on_purpose(
    admins: Api, caplog: pytest.LogCaptureFixture
) -> None:
    host = admins.create_room("Hugo Host", name="Secret club", gameType="chess")
    admins.join(host.code, "Ann Example")
    overview = get(admins, "/overview").text
    shown = get(admins, f"/rooms/{host.code}").text
    assert host.code in overview
    assert "chess" in overview
    assert "player online" in shown
    for name in ("Hugo", "Ann", "Secret"):
        assert name not in overview + shown
    with caplog.at_level(logging.WARNING):
        assert "Ann Example" in get(admins, f"/rooms/{host.code}/names", "POST").text
    assert f"names in room {host.code}" in caplog.text
    assert get(admins, f"/rooms/{host.code}/end", "POST").data == {"ended": True}
    assert host.poll().data["messages"][-1]["type"] == "room-ended"
    assert get(admins, "/rooms/QQQQQQ").code == "ROOM_NOT_FOUND"


def test_an_address_is_kept_out_for_a_time_and_the_admin_is_not(
    admins: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banned, "KNOWN_SECONDS", 0)
    host = admins.create_room()
    for bad in ({"address": "nonsense", "minutes": 5}, {"address": "::1", "minutes": 0}, {}):
        assert get(admins, "/bans", "POST", json=bad).code == "VALIDATION_ERROR"
    assert get(admins, "/bans", "POST", json={"address": "127.0.0.1", "minutes": 5}).data == {"banned": True}
    refused = admins.request("GET", f"/rooms/{host.code}")
    assert (refused.code, refused.error["retryAfter"]) == ("RATE_LIMITED", 301)
    assert get(admins, "/overview").status == 200
    clock.advance(301)
    assert admins.request("GET", f"/rooms/{host.code}").status == 200


def test_nobody_frames_it_keeps_it_or_learns_where_one_came_from(admins: Api) -> None:
    for path in ("", "/overview", "/static/admin.js"):
        headers = get(admins, path).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert "Set-Cookie" not in headers
    assert get(admins, "/overview").headers["Cache-Control"] == "no-store"


def test_plots_have_every_day_and_lie_within_their_edges() -> None:
    days = plots.last_days(1_767_962_096_789)
    assert (len(days), days[-1]) == (30, "2026-01-09")
    counted = {
        days[0]: {"sessions": 4.0, "devices": 2.0},
        days[29]: {"sessions": 8.0, "open %": 3.0},
    }
    found = {plot.title: plot for plot in plots.plots(counted, days)}
    sessions = found["Sessions and devices"]
    assert sessions.most == 8
    points = sessions.lines[0].points.split()
    assert (points[0], points[1], points[-1]) == ("0.0,60.0", "20.7,120.0", "600.0,0.0")
    assert found["Connections, in percent"].lines[0].values[-1] == 3


# In a browser


@pytest.fixture(scope="module")
def service(
    migrated_sqlite: Path, generous: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    database = tmp_path_factory.mktemp("admin") / "party.sqlite3"
    database.write_bytes(migrated_sqlite.read_bytes())
    settings = {**generous, "DATABASE_URL": f"sqlite:///{database}", "STUN_URLS": "", "ADMIN_TOKEN": TOKEN}
    with Server(workers=1, mount="/party", **settings) as started:  # type: ignore[arg-type]
        yield started


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_it_can_be_used_and_what_others_wrote_stays_text(
    service: Server, browser: Browser, color_scheme: str
) -> None:
    api = Api.of_url(service.url)
    host = api.create_room(SCRIPT, name=SCRIPT[:50], hostId="host")
    api.join(host.code, "<script>document.title=1</script>")
    api.join(host.code, RTL)
    context = browser.new_context(color_scheme=color_scheme)  # type: ignore[arg-type]
    page = context.new_page()
    problems: list[str] = []
    asked: list[Request] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda sent: asked.append(sent))
    page.goto(f"{service.url}/admin")
    expect_accessible(page)
    page.get_by_label("Admin's token").fill("wrong" * 6)
    page.get_by_role("button", name="Enter").click()
    expect(page.locator("#notice")).not_to_be_empty()
    page.get_by_label("Admin's token").fill(TOKEN)
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("button", name=host.code).click()
    expect(page.locator("#room h3")).to_have_text(host.code)
    page.get_by_text("Table of sessions and devices").click()
    page.get_by_role("button", name="Show names").click()
    expect(page.locator("#room")).to_contain_text("<script>document.title=1</script>")
    expect(page.locator("#room")).to_contain_text(SCRIPT[:50])
    expect(page.locator("#room")).to_contain_text("evil")
    assert page.locator("#room img, #room script, #room b").count() == 0
    page.get_by_role("button", name="Examine").click()
    expect(page.locator("#doctor li").first).to_be_visible()
    expect_accessible(page)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="End this room").click()
    expect(page.locator("#notice")).to_contain_text("has ended")
    assert page.title() == "Party: admin"
    assert problems == []
    assert [sent.url for sent in asked if not sent.url.startswith(service.url)] == []
    assert [sent.url for sent in asked if "/admin/" in sent.url and sent.headers.get("referer")] == []
    assert context.cookies() == []
    assert TOKEN not in page.content()
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_label("Admin's token")).to_be_visible()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    context.close()


def test_no_page_shows_it_in_a_frame(service: Server, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{service.url}/health")
    page.set_content(f"<iframe src='{service.url}/admin'></iframe>")
    frame = page.frame_locator("iframe").owner.element_handle().content_frame()
    assert frame is not None
    frame.wait_for_url("chrome-error:**")
    page.close()


def expect_accessible(page: Page) -> None:
    found = Axe().run(page).response
    assert [(rule["id"], rule["nodes"][0]["html"][:200]) for rule in found["violations"]] == []
