"""Fixtures. A test that takes `database_url`, or anything made of it, runs on both engines."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask

import party
from party import clock as party_clock
from party.config import load_settings
from party.db.migrate import migrate
from party.ops import cleanup
from party.ops.doctor.schema import LEDGER, expected_tables
from party.web import rate_limits
from tests.support.browser import browser as browser
from tests.support.features import leave_out
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.page import open_page as open_page
from tests.support.page import pair as pair
from tests.support.page import service as service
from tests.support.page import url as url
from tests.support.peers import Api, Seat
from tests.support.server import Server
from tests.support.tabs import open_tab as open_tab
from tests.support.tabs import origin as origin
from tests.support.visitors import visitors as visitors

# Limits that a test does not run into unless it wants to; and nobody outside is asked anything.
GENEROUS = {
    "STUN_URLS": "",
    "ROOMS_PER_HOUR": 100_000,
    "GUESSES_PER_MINUTE": 100_000,
    "LOOKS_PER_MINUTE": 100_000,
    "POLLS_PER_SECOND": 10_000,
    "SENDS_PER_SECOND": 10_000,
    "DISCONNECTED_AFTER_SECONDS": 500_000,
    "SEAT_FREED_AFTER_SECONDS": 1_000_000,
    "SECRET_KEY": "a key for tests",
}
ENGINES = ("sqlite", "mariadb")
# So many servers go on running between tests.
KEPT_SERVERS = 3


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what needs a feature that has been removed."""
    leave_out(config, items)


@pytest.fixture(scope="session")
def generous() -> dict[str, object]:
    """Limits that a test does not run into unless it wants to."""
    return GENEROUS


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One private server for each process of the test run."""
    server = MariaDB()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_mariadb(mariadb: MariaDB) -> DatabaseUrls:
    """A database with the schema, shared by the tests of this process and emptied between them."""
    urls = mariadb.create_database("party_shared")
    list(migrate(urls.admin))
    return urls


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with the schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "party.sqlite3"
    list(migrate(f"sqlite:///{path}"))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def served_mariadb(mariadb: MariaDB) -> str:
    """A database for servers that outlive a test; it is never emptied."""
    urls = mariadb.create_database("party_served")
    list(migrate(urls.admin))
    return urls.app


@pytest.fixture(scope="session")
def served_sqlite(migrated_sqlite: Path) -> str:
    """The same as a file."""
    return f"sqlite:///{shutil.copy(migrated_sqlite, migrated_sqlite.with_name('served.sqlite3'))}"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that this run of the test is for."""
    name: str = request.param
    return name


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database without rows; on MariaDB as the user that may do four things only."""
    if engine == "sqlite":
        path = tmp_path / "party.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite:///{path}"
    urls: DatabaseUrls = request.getfixturevalue("migrated_mariadb")
    server: MariaDB = request.getfixturevalue("mariadb")
    # Rooms take their members, signals and events with them.
    tables = sorted(set(expected_tables()) - {LEDGER}, key=lambda table: table != "party_rooms")
    server.execute(*(f"DELETE FROM {table}" for table in tables), database="party_shared")
    return urls.app


@pytest.fixture
def empty_database(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DatabaseUrls]:
    """A database of its own without any table."""
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        yield DatabaseUrls(admin=url, app=url)
        return
    server: MariaDB = request.getfixturevalue("mariadb")
    yield server.create_database("party_empty")
    server.execute(
        "DROP DATABASE party_empty",
        "DROP USER party_empty_admin@'127.0.0.1'",
        "DROP USER party_empty_app@'127.0.0.1'",
    )


@dataclass
class Clock:
    """The app's clock, bound: it moves only when a test moves it."""

    now: int = 1_767_962_096_789  # 2026-01-09T12:34:56.789Z

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += round(seconds * 1000)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Binds the clock of the apps in this process."""
    bound = Clock()
    monkeypatch.setattr(party_clock, "now_ms", lambda: bound.now)
    return bound


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """All polls and sends of a test come within the second in which a member may make so many."""
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(monotonic=lambda: 1_000.0))


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine, the cleaning behind an answer comes to its end."""
    monkeypatch.setattr(cleanup, "SECONDS", 60)


MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(database_url: str, tmp_path: Path) -> Iterator[MakeApp]:
    """Makes apps over the test's database: `make_app(ROOMS_PER_HOUR=3)`."""
    made: list[Flask] = []

    def make(**settings: object) -> Flask:
        values = {"DATABASE_URL": database_url, **GENEROUS, **settings}
        environ = {f"PARTY_{name}": str(value) for name, value in values.items()}
        app = party.create_app(load_settings(tmp_path, environ))
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["party.database"].close()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """An app with generous limits."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> Api:
    """Calls to `app`."""
    return Api.of_app(app)


@pytest.fixture
def host(client: Api, clock: Clock) -> Seat:
    """The host of a room that is opened at the bound time."""
    return client.create_room("Hana", hostId="host")


@pytest.fixture
def guest(client: Api, host: Seat) -> Seat:
    """A guest whose join the host has seen and acknowledged."""
    seat = client.join(host.code, "Gus", participantId="guest")
    host.read()
    host.poll(host.seq)
    return seat


MakeServer = Callable[..., Server]


@pytest.fixture
def server(database_url: str) -> Iterator[MakeServer]:
    """Starts servers over the test's database: `server(workers=3, ROOM_TTL_HOURS=1)`."""
    started: list[Server] = []

    def start(**options: object) -> Server:
        started.append(Server(**{"DATABASE_URL": database_url, **GENEROUS, **options}))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for running in started:
        running.__exit__(None, None, None)


@pytest.fixture(scope="session")
def kept_servers() -> Iterator[dict[str, Server]]:
    """Servers that go on running, by what they were started with; the one that was used last is the last."""
    kept: dict[str, Server] = {}
    yield kept
    for running in kept.values():
        running.__exit__(None, None, None)


@pytest.fixture
def shared_server(
    engine: str, request: pytest.FixtureRequest, kept_servers: dict[str, Server]
) -> Iterator[MakeServer]:
    """As `server`, but one for all tests that want the same, and over a database that they share.

    For those that look at their own rooms only. One that a test has stopped or hurt is not used again.
    """
    url: str = request.getfixturevalue(f"served_{engine}")

    def use(**options: object) -> Server:
        key = f"{engine} {sorted(options.items())}"
        values = {"DATABASE_URL": url, **GENEROUS, **options}
        found = kept_servers.pop(key, None) or Server(**values)  # type: ignore[arg-type]
        kept_servers[key] = found
        return found

    yield use
    unwanted = list(kept_servers)[:-KEPT_SERVERS]
    for key in [key for key, running in kept_servers.items() if running.is_touched or key in unwanted]:
        kept_servers.pop(key).__exit__(None, None, None)
