"""What a DATABASE_URL says. Nothing of it is guessed, and no message repeats it: it holds a password."""

import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from party.config.network_names import HIGHEST_PORT, host_problem

MYSQL_FORM = "mysql://user:password@host/database"
SQLITE = "sqlite:///"
FORMS = f"write {MYSQL_FORM}, or {SQLITE}instance/party.sqlite3 for SQLite"
ENCODED = "in the user and the password, @ as %40, : as %3A, / as %2F, ? as %3F, # as %23 and % as %25"
DEFAULT_PORT = 3306
SOCKET_FORM = "?unix_socket=/path/to/mysql.sock"
# How a server's certificate is looked at: not at all, whether the authority made it, and for this host.
VERIFY = ("none", "ca", "identity")
VERIFY_FORM = "?ssl_verify=identity, ca or none"

# A character that ends a part of the address must be encoded within it, or else it can be read in two ways.
_MYSQL = re.compile(
    r"""
    mysql://
    (?P<user> [^:@/?\#\[\]\s]+ ) (?: : (?P<password> [^@/?\#\[\]\s]* ) )? @
    (?P<hosts> [^@/?\#\s]* )
    / (?P<database> [^@/?\#\s]+ )
    (?: \? (?P<options> [^?\#\s]* ) )?
    """,
    re.VERBOSE,
)
_HOST = re.compile(r"(?P<name> \[[^\]]*\] | [^:\[\]]* ) (?: : (?P<port> .* ) )?", re.VERBOSE)


@dataclass(frozen=True)
class Host:
    """A database server, without `port` where none is given."""

    name: str
    port: int | None = None

    def __str__(self) -> str:
        return self.name if self.port is None else f"{self.name}:{self.port}"


@dataclass(frozen=True)
class MySQLTarget:
    """Where a MySQL database is, and who asks for it; without `socket` or `ssl_…` where none is given."""

    # In the order of preference.
    hosts: tuple[Host, ...]
    socket: str | None
    user: str
    password: str = field(repr=False)
    database: str
    ssl_ca: str | None = None
    ssl_verify: str | None = None

    def __str__(self) -> str:
        return f"{self.database} on {', '.join(host.name for host in self.hosts)} as {self.user}"


def read_mysql_url(url: str) -> MySQLTarget:
    """The parts of a `mysql://` URL. Raises `ValueError`, whose message says what to write instead."""
    match = _MYSQL.fullmatch(url)
    if match is None:
        raise ValueError(
            f"write {MYSQL_FORM} (host:port if the port is not {DEFAULT_PORT}, host1,host2 for several; "
            f"at its end {SOCKET_FORM} for a socket, ssl_ca= or ssl_verify= for TLS); {ENCODED}"
        )
    names = match["hosts"].split(",")
    if len(names) > 1 and not all(names):
        raise ValueError("a host is missing: write mysql://user:password@host1,host2/database")
    hosts = tuple(_host(text) for text in names)
    if len(set(hosts)) < len(hosts):
        raise ValueError("a host stands twice: write each once, in the order of preference")
    options = _options(match["options"])
    socket = options.get("unix_socket")
    if socket is not None and not socket.startswith("/"):
        raise ValueError(f"unix_socket is a full path: write {SOCKET_FORM}")
    if socket is not None and len(hosts) > 1:
        raise ValueError("a socket is of one host: write that one alone, or leave unix_socket out")
    _check_tls(options)
    return MySQLTarget(
        hosts,
        socket,
        unquote(match["user"]),
        unquote(match["password"] or ""),
        unquote(match["database"]),
        options.get("ssl_ca"),
        options.get("ssl_verify"),
    )


def _host(text: str) -> Host:
    match = _HOST.fullmatch(text)
    name = unquote(match["name"]) if match else ""
    if match is None or (name and host_problem(name)):
        raise ValueError(f"the host is neither a name nor an address: write {MYSQL_FORM}")
    port = match["port"]
    if port is not None and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= HIGHEST_PORT):
        raise ValueError(f"the port is a number from 1 to {HIGHEST_PORT}: write {MYSQL_FORM} with host:port")
    return Host(name.strip("[]") or "localhost", int(port) if port else None)


def _options(text: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split("&") if text is not None else ():
        name, _, value = part.partition("=")
        if name not in ("unix_socket", "ssl_ca", "ssl_verify"):
            raise ValueError(
                f"there is no option but unix_socket, ssl_ca and ssl_verify: write {MYSQL_FORM}, at its end "
                f"{SOCKET_FORM} or {VERIFY_FORM}"
            )
        if name in found:
            raise ValueError(f"{name} stands twice: write it once")
        found[name] = unquote(value)
    return found


def _check_tls(options: dict[str, str]) -> None:
    if options.get("ssl_verify", VERIFY[0]) not in VERIFY:
        raise ValueError(f"ssl_verify is one of three words: write {VERIFY_FORM}")
    if "ssl_ca" not in options:
        return
    if not options["ssl_ca"].startswith("/"):
        raise ValueError("ssl_ca is a full path: write ?ssl_ca=/path/to/ca.pem")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(options["ssl_ca"])
    except ssl.SSLError:
        raise ValueError("the file of ssl_ca holds no certificate: write ?ssl_ca=/path/to/ca.pem") from None
    except OSError as error:
        raise ValueError(f"the file of ssl_ca cannot be read: {error.strerror}") from None


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
