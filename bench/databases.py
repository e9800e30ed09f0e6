"""Empty databases with the schema, for the length of a benchmark."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from party.db.migrate import migrate
from tests.support.mariadb import MariaDB

ENGINES = ("sqlite", "mariadb")


@contextmanager
def databases(engine: str, count: int = 1) -> Iterator[tuple[list[str], MariaDB | None]]:
    """Their addresses, as the app's user has them, and the server, where there is one."""
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            urls = [f"sqlite:///{folder}/party{n}.sqlite3" for n in range(count)]
            for url in urls:
                list(migrate(url))
            yield urls, None
        return
    mariadb = MariaDB()
    try:
        found = [mariadb.create_database(f"party_bench{n}") for n in range(count)]
        for database in found:
            list(migrate(database.admin))
        yield [database.app for database in found], mariadb
    finally:
        mariadb.remove()
