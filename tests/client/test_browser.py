"""The main job in real browsers: two pages find each other through us and then talk directly."""

import pytest
from playwright.sync_api import expect

from tests.conftest import MakeServer
from tests.support.visitors import Visitor


@pytest.fixture
def url(shared_server: MakeServer) -> str:
    """The demo page under gunicorn with two worker processes."""
    address: str = shared_server(workers=2, DEMO=True).url
    return f"{address}/"


def test_two_pages_connect_through_us_and_talk_over_a_data_channel(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada")
    ben.join(url, code, "Ben")
    ada.expect_connected("Ben")
    ben.expect_connected("Ada")
    ada.say("Hello Ben")
    ben.expect_message("Ada", "Hello Ben")
    ben.say("Hello Ada")
    ada.expect_message("Ben", "Hello Ada")


def test_three_pages_form_a_mesh_and_see_who_leaves(url: str, visitors: list[Visitor]) -> None:
    ada, ben, cleo = visitors
    code = ada.create(url, "Ada")
    ben.join(url, code, "Ben")
    cleo.join(url, code, "Cleo")
    ada.expect_connected("Ben", "Cleo")
    ben.expect_connected("Ada", "Cleo")
    cleo.expect_connected("Ada", "Ben")
    ben.say("to both")
    ada.expect_message("Ben", "to both")
    cleo.expect_message("Ben", "to both")
    cleo.page.get_by_role("button", name="Leave").click()
    ada.expect_connected("Ben")
    ada.press_and_confirm("Close the room")
    expect(ben.page.get_by_role("alert")).to_have_text("The room was closed.")


def test_a_room_with_a_password_lets_in_whoever_knows_it(url: str, visitors: list[Visitor]) -> None:
    ada, ben, _ = visitors
    code = ada.create(url, "Ada", password="open sesame")
    ben.join(url, code, "Ben", password="guess")
    expect(ben.page.get_by_role("alert")).to_contain_text("password")
    # The browser itself reports every failed request.
    assert len(ben.complaints) == 1
    assert "403" in ben.complaints.pop()
    ben.join(url, code, "Ben", password="open sesame")
    ben.expect_connected("Ada")


def test_the_page_works_where_the_service_is_mounted_below_the_root(
    server: MakeServer, visitors: list[Visitor]
) -> None:
    ada, ben, _ = visitors
    url = f"{server(workers=2, mount='/party', DEMO=True).url}/"
    ben.join(url, ada.create(url, "Ada"), "Ben")
    ada.expect_connected("Ben")
