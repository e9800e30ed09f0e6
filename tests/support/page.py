"""The demo page for tests: a service that shows it, and pages with the options of a browser."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.peers import Api, Seat
from tests.support.server import Server
from tests.support.visitors import Visitor

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def service(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, generous: dict[str, object]
) -> Iterator[Server]:
    """The service with its page, under gunicorn with two worker processes, on either engine the same."""
    database = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("page") / "party.sqlite3")
    images = {"IMAGES": True, "IMAGES_FOLDER": f"{database}.images"}
    settings = {
        **generous,
        **images,
        "DATABASE_URL": f"sqlite:///{database}",
        "STUN_URLS": "",
        "DEMO": True,
    }
    with Server(workers=2, **settings) as started:  # type: ignore[arg-type]
        yield started


@pytest.fixture
def url(service: Server) -> str:
    """The page's address."""
    return f"{service.url}/"


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages with the options of a browser context."""
    contexts = []

    def open_with(**options: object) -> Page:
        contexts.append(browser.new_context(**options))  # type: ignore[arg-type]
        return contexts[-1].new_page()

    yield open_with
    for context in contexts:
        context.close()


@pytest.fixture
def pair(url: str, visitors: list[Visitor]) -> tuple[Visitor, Visitor]:
    """Ada, who opened a room, and Ben, who joined; both connected."""
    ada, ben, _ = visitors
    ben.join(url, ada.create(url, "Ada"), "Ben")
    ada.expect_connected("Ben")
    ben.expect_connected("Ada")
    return ada, ben


def fill_room(service: Server, code: str, names: list[str]) -> list[Seat]:
    """People without a page: the others go on connecting to them."""
    api = Api.of_url(service.url)
    return [api.join(code, name) for name in names]
