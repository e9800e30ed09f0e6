"""Where `localhost` leads, as with PHP; and who may ask whether the schema is current."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from party.db import Database, mysql
from party.db.migrate import UP_TO_DATE, migrate
from party.errors import Unavailable
from tests.support.mariadb import DatabaseUrls, MariaDB


@pytest.fixture
def socket_user(mariadb: MariaDB, migrated_mariadb: DatabaseUrls) -> Iterator[str]:
    """A user that may only read, and is known at the server's socket only."""
    mariadb.execute(
        "CREATE USER party_reader@localhost IDENTIFIED BY 'r'",
        "GRANT SELECT ON party_shared.* TO party_reader@localhost",
    )
    yield "party_reader:r"
    mariadb.execute("DROP USER party_reader@localhost")


def who(url: str) -> str:
    """As whom one is known through this URL."""
    database = Database(url)
    try:
        row = database.one("SELECT CURRENT_USER() AS name")
        assert row is not None
        return str(row["name"])
    finally:
        database.close()


def test_localhost_is_the_usual_socket_where_there_is_one(
    mariadb: MariaDB, socket_user: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"mysql://{socket_user}@localhost/party_shared"
    monkeypatch.setattr(mysql, "USUAL_SOCKETS", (str(tmp_path / "gone"), str(mariadb.socket)))
    monkeypatch.setattr(mysql, "DEFAULT_PORT", mariadb.port)
    assert who(url) == "party_reader@localhost"
    # A port, or an address, means TCP, where this user is a stranger.
    for host in (f"localhost:{mariadb.port}", f"127.0.0.1:{mariadb.port}", "127.0.0.1"):
        with pytest.raises(Unavailable) as caught:
            who(url.replace("localhost", host))
        assert "Access denied" in str(caught.value.__cause__)


def test_without_the_socket_and_for_users_unknown_there_localhost_is_tcp(
    mariadb: MariaDB, migrated_mariadb: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dead = tmp_path / "dead.sock"
    dead.touch()
    monkeypatch.setattr(mysql, "DEFAULT_PORT", mariadb.port)
    for sockets in ((), (str(tmp_path / "gone"),), (str(dead),), (str(mariadb.socket),)):
        monkeypatch.setattr(mysql, "USUAL_SOCKETS", sockets)
        assert who("mysql://party_shared_app:b@localhost/party_shared") == "party_shared_app@127.0.0.1"


def test_whoever_may_read_can_migrate_a_schema_that_is_current(mariadb: MariaDB, socket_user: str) -> None:
    url = f"mysql://{socket_user}@localhost/party_shared?unix_socket={mariadb.socket}"
    assert list(migrate(url)) == [UP_TO_DATE]


def test_what_a_server_said_is_told_rather_than_that_nobody_listens(
    mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql, "USUAL_SOCKETS", (str(mariadb.socket),))
    monkeypatch.setattr(mysql, "DEFAULT_PORT", 1)
    with pytest.raises(Unavailable) as caught:
        who("mysql://stranger:x@localhost/party_shared")
    assert "Access denied" in str(caught.value.__cause__)


def test_tls_is_prepared_once_for_all_connections(migrated_mariadb: DatabaseUrls) -> None:
    engine = mysql.MySQL(migrated_mariadb.app)
    with engine.connect() as first, engine.connect() as second:
        assert first.ctx is second.ctx
