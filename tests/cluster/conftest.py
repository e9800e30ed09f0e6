"""Three Galera nodes for all tests of this folder, and an app server at each."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

import party
from party.config import load_settings
from party.db.migrate import migrate
from tests.conftest import GENEROUS
from tests.support.galera import Galera, Node
from tests.support.mariadb import DatabaseUrls
from tests.support.peers import Api


@pytest.fixture(scope="session")
def galera() -> Iterator[Galera]:
    """The nodes."""
    cluster = Galera()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="session")
def urls(galera: Galera) -> DatabaseUrls:
    """A migrated database there, the first node preferred."""
    found = galera.create_database("party_cluster")
    list(migrate(found.admin))
    return found


@pytest.fixture
def nodes(galera: Galera, urls: DatabaseUrls) -> Iterator[list[Node]]:
    """All nodes, well; and well again when the test is over."""
    galera.heal()
    yield galera.nodes
    galera.heal()


MakeAppAt = Callable[..., Flask]


@pytest.fixture
def app_at(galera: Galera, urls: DatabaseUrls, tmp_path: Path) -> Iterator[MakeAppAt]:
    """Makes an app server that knows these nodes, in this order of preference."""
    made: list[Flask] = []

    def make(*nodes: Node, **settings: object) -> Flask:
        values = {"DATABASE_URL": galera.on(urls.app, *nodes), **GENEROUS, **settings}
        environ = {f"PARTY_{name}": str(value) for name, value in values.items()}
        made.append(party.create_app(load_settings(tmp_path, environ)))
        return made[-1]

    yield make
    for app in made:
        app.extensions["party.database"].close()


@pytest.fixture
def apis(app_at: MakeAppAt, nodes: list[Node]) -> list[Api]:
    """Three app servers, of which each prefers the same node."""
    return [Api.of_app(app_at(*nodes)) for _ in nodes]
