"""What a DATABASE_URL says. Nothing of it is guessed, and no message repeats it: it holds a password."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from party.config.network_names import HIGHEST_PORT, host_problem

MYSQL_FORM = "mysql://user:password@host/database"
SQLITE = "sqlite:///"
FORMS = f"write {MYSQL_FORM}, or {SQLITE}instance/party.sqlite3 for SQLite"
ENCODED = "in the user and the password, @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
DEFAULT_PORT = 3306

# A character that ends a part of the address must be encoded within it, or else it can be read in two ways.
_MYSQL = re.compile(
    r"""
    mysql://
    (?P<user> [^:@/?\#\[\]\s]+ ) (?: : (?P<password> [^@/?\#\[\]\s]* ) )? @
    (?P<host> \[[^\]@/?\#\s]*\] | [^:@/?\#\[\]\s]* ) (?: : (?P<port> [^@/?\#\s]* ) )?
    / (?P<database> [^@/?\#\s]+ )
    (?: \? unix_socket= (?P<socket> [^?&\#\s]* ) )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class MySQLTarget:
    """Where a MySQL database is, and who asks for it; without `port` or `socket` where none is given."""

    host: str
    port: int | None
    socket: str | None
    user: str
    password: str = field(repr=False)
    database: str

    def __str__(self) -> str:
        return f"{self.database} on {self.host} as {self.user}"


def read_mysql_url(url: str) -> MySQLTarget:
    """The parts of a `mysql://` URL. Raises `ValueError`, whose message says what to write instead."""
    match = _MYSQL.fullmatch(url)
    if match is None:
        raise ValueError(
            f"write {MYSQL_FORM} (host:port if the port is not {DEFAULT_PORT}; at its end "
            f"?unix_socket=/path/to/mysql.sock for a socket, and no other option); {ENCODED}"
        )
    port = match["port"]
    if port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= HIGHEST_PORT):
        raise ValueError(f"the port is a number from 1 to {HIGHEST_PORT}: write {MYSQL_FORM} with host:port")
    host = unquote(match["host"])
    if host and host_problem(host):
        raise ValueError(f"the host is neither a name nor an address: write {MYSQL_FORM}")
    socket = None if match["socket"] is None else unquote(match["socket"])
    if socket is not None and not socket.startswith("/"):
        raise ValueError("unix_socket is a full path: write ?unix_socket=/path/to/mysql.sock")
    return MySQLTarget(
        host.strip("[]") or "localhost",
        int(port) if port else None,
        socket,
        unquote(match["user"]),
        unquote(match["password"] or ""),
        unquote(match["database"]),
    )


def read_sqlite_url(url: str) -> Path:
    """The file of a `sqlite:///` URL. Raises `ValueError`, whose message says what to write instead."""
    path = url.removeprefix(SQLITE)
    if path == url or not path:
        raise ValueError(f"write {SQLITE}relative/path or {SQLITE}/absolute/path")
    if path == ":memory:" or "?" in path or path.endswith("/") or Path(path).is_dir():
        raise ValueError(
            "SQLite needs a file that all processes share, without options: "
            f"write {SQLITE}instance/party.sqlite3"
        )
    return Path(path)


def check(url: str) -> str:
    """The URL as it stands, if it can be one. Raises `ValueError`."""
    if not url.strip():
        raise ValueError(f"it is empty: {FORMS}")
    scheme = url.partition(":")[0]
    if scheme == "mysql":
        read_mysql_url(url)
    elif scheme == "sqlite":
        read_sqlite_url(url)
    else:
        raise ValueError(f"it begins with neither mysql:// nor {SQLITE}: {FORMS}")
    return url
