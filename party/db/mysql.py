"""MySQL 5.7 and later, MariaDB 10.3 and later, through PyMySQL."""

import os
import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, ClassVar

import pymysql
from pymysql.constants import CLIENT, CR, ER
from pymysql.cursors import DictCursor

from party import clock
from party.config import ConfigError
from party.config.database_url import DEFAULT_PORT, read_mysql_url
from party.db import engines, faults
from party.db.engines import NETWORK_TIMEOUT_SECONDS, Engine, Result, Statement
from party.db.faults import Fault

CONNECT_TIMEOUT_SECONDS = 3
# Where MySQL and MariaDB listen on Debian, Red Hat and its kin, and elsewhere: what `localhost` means.
USUAL_SOCKETS = (
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/var/mysql/mysql.sock",
)
# How long a second admin waits for the first one's migration.
MIGRATION_WAIT_SECONDS = 60
# No server is set to take less than this.
SMALL_STATEMENT_BYTES = 1024
# A connection used a moment ago is taken as alive: asking would cost a round trip per request.
TRUSTED_IDLE_SECONDS = 1.0
# Statements of more characters than this, which are up to four bytes each, are sent one by one: hosts set
# max_allowed_packet as low as 1 MiB.
MOST_TOGETHER = 128 * 1024
# How often the server's clock is read.
CLOCK_SECONDS = 60.0
# An answer that took longer tells what the time was, not what it is.
CLOCK_ANSWER_SECONDS = 1.0


# What the session relies on, whatever `init_connect` and the server's defaults say. Each has its reason:
# hosts have no strict mode, quotes that are names, a limit on joins, safe updates for phpMyAdmin's sake.
# The second time-out is for locks of whole tables, which a backup may take.
SESSION: dict[str, str] = {
    "autocommit": "1",
    "completion_type": "0",
    "sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
    "time_zone": "'+00:00'",
    "foreign_key_checks": "1",
    "unique_checks": "1",
    "sql_auto_is_null": "0",
    "sql_safe_updates": "0",
    "sql_big_selects": "1",
    "sql_select_limit": "18446744073709551615",
}
ISOLATION = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE"
NO_READ_COMMITTED = 1665  # ER_BINLOG_STMT_MODE_AND_ROW_ENGINE


def session_settings(lock_wait_seconds: int) -> str:
    """The statement that sets what a session relies on."""
    wanted = SESSION | {
        "innodb_lock_wait_timeout": str(lock_wait_seconds),
        "lock_wait_timeout": str(lock_wait_seconds),
    }
    return "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in wanted.items())


class MySQL(Engine):
    """A server, over TCP or at its socket."""

    name = "mysql"
    auto_increment = "AUTO_INCREMENT"
    transactional_ddl = False
    locks_rows = True
    # Reads see one moment; writers lock the room first, so that they need no snapshot, and
    # READ COMMITTED spares them the gap locks that make strangers' rooms wait for each other.
    begin_read = ("START TRANSACTION READ ONLY",)
    begin_write: tuple[str, ...] = ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "START TRANSACTION")
    errors = pymysql.err.MySQLError
    delete_some = "DELETE FROM {table} WHERE {where} LIMIT {most}"

    def __init__(self, url: str) -> None:
        try:
            self.target = read_mysql_url(url)
        except ValueError as error:
            raise ConfigError(f"DATABASE_URL: {error}") from None
        self.database = self.target.database
        self._arguments: dict[str, Any] = {
            "host": self.target.host,
            "port": self.target.port or DEFAULT_PORT,
            "user": self.target.user,
            "password": self.target.password,
            "database": self.database,
        }

    def connect(self) -> Any:
        connection = self._connect_somehow()
        with connection.cursor() as cursor:
            cursor.execute(ISOLATION)
            connection.incarnation = _start_of(cursor)
        _read_clock(connection)
        connection.last_used = time.monotonic()
        return connection

    def _connect_somehow(self) -> Any:
        """By the URL's socket or over TCP; with `localhost` by one of the usual sockets first, as PHP does.

        Many a host knows its users at the socket only, or runs a server that listens nowhere else.
        """
        if self.target.socket:
            return self._connect_by(self.target.socket)
        sockets = USUAL_SOCKETS if self.target.host == "localhost" and self.target.port is None else ()
        refusal: pymysql.err.OperationalError | None = None
        for socket in filter(os.path.exists, sockets):
            try:
                return self._connect_by(socket)
            except pymysql.err.OperationalError as error:
                if error.args[0] not in (ER.ACCESS_DENIED_ERROR, CR.CR_CONN_HOST_ERROR):
                    raise
                if error.args[0] == ER.ACCESS_DENIED_ERROR:
                    refusal = error
        try:
            return self._connect_by(None)
        except pymysql.err.OperationalError as error:
            # That nobody listens there tells less than what a server said.
            raise refusal if refusal and error.args[0] == CR.CR_CONN_HOST_ERROR else error from None

    def _connect_by(self, socket: str | None) -> Any:
        arguments = self._arguments
        if socket is not None:
            # Nobody listens on a socket of this machine.
            arguments = {**arguments, "unix_socket": socket, "ssl_disabled": True}
        migrates = self.answer_timeout_seconds is None
        return _Connection(
            **arguments,
            charset="utf8mb4",
            collation="utf8mb4_bin",
            autocommit=True,
            cursorclass=DictCursor,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=self.answer_timeout_seconds,
            write_timeout=NETWORK_TIMEOUT_SECONDS,
            # An UPDATE counts the rows it found, changed or not, as SQLite does.
            client_flag=CLIENT.FOUND_ROWS | CLIENT.MULTI_STATEMENTS,
            init_command=session_settings(MIGRATION_WAIT_SECONDS if migrates else engines.LOCK_WAIT_SECONDS),
        )

    def execute(self, connection: Any, statements: Sequence[Statement]) -> list[Result]:
        cursor = connection.cursor()
        if connection.server_version.startswith("5.7"):
            statements = [(_waiting(text), parameters) for text, parameters in statements]
        # Statements of our own, parameters escaped by the driver: only such may stand beside each other.
        spoken = [
            text if parameters is None else cursor.mogrify(_to_pyformat(text), parameters)
            for text, parameters in statements
        ]
        if sum(map(len, spoken)) <= MOST_TOGETHER:
            spoken = ["; ".join(spoken)]
        results: list[Result] = []
        for sql in spoken:
            self._execute(cursor, sql, results)
        connection.last_used = time.monotonic()
        return results

    def _execute(self, cursor: DictCursor, sql: str, results: list[Result]) -> None:
        try:
            cursor.execute(sql)
            while True:
                results.append(Result(list(cursor.fetchall()), cursor.rowcount, cursor.lastrowid or 0))
                if not cursor.nextset():
                    break
        except pymysql.err.MySQLError as error:
            if error.args and error.args[0] == NO_READ_COMMITTED:
                # The session's REPEATABLE READ is as good: a transaction's first reading is that of the
                # room with its lock, so that the moment which it sees is not before it had the lock.
                self.begin_write = ("START TRANSACTION",)
            if self.fault(error) is Fault.LOST and self._is_too_large(sql):
                raise pymysql.err.OperationalError(ER.NET_PACKET_TOO_LARGE, "max_allowed_packet") from error
            raise

    def _is_too_large(self, sql: str) -> bool:
        """Whether the server takes no statement of this size: it may hang up without a word."""
        size = len(sql.encode(errors="replace"))
        if size < SMALL_STATEMENT_BYTES:
            return False
        with suppress(pymysql.err.MySQLError, OSError), self.connect() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT @@max_allowed_packet AS bytes")
            return bool(cursor.fetchone()["bytes"] <= size)
        return False

    def alive(self, connection: Any) -> bool:
        if not connection.open:
            return False
        if time.monotonic() - getattr(connection, "last_used", 0.0) > TRUSTED_IDLE_SECONDS:
            connection.ping(reconnect=False)
            connection.last_used = time.monotonic()
        if time.monotonic() - connection.clock_read_at > CLOCK_SECONDS:
            _read_clock(connection)
        return True

    def incarnation(self, connection: Any) -> int:
        return int(connection.incarnation)

    @contextmanager
    def alone(self, connection: Any) -> Iterator[None]:
        # The name is the server's, not the database's: other installations may share the server.
        name = f"party:{self.database}"[:64]
        cursor = connection.cursor()
        cursor.execute("SELECT GET_LOCK(%s, %s) AS got", (name, MIGRATION_WAIT_SECONDS))
        if cursor.fetchone()["got"] != 1:
            raise TimeoutError
        try:
            yield
        finally:
            # The server releases it with the connection, if this one is gone.
            with suppress(pymysql.err.MySQLError):
                cursor.execute("SELECT RELEASE_LOCK(%s)", (name,))

    def fault(self, error: Exception) -> Fault:
        return faults.of_mysql(error)


class _Connection(pymysql.connections.Connection):
    """Prepares TLS once for all connections of a process.

    PyMySQL would read the system's certificates for each, which takes 20 ms, and compare nothing with them.
    """

    _tls: ClassVar[ssl.SSLContext | None] = None

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if _Connection._tls is None:
            _Connection._tls = super()._create_ssl_ctx(sslp)  # type: ignore[misc] # not among its types
        return _Connection._tls


def _read_clock(connection: Any) -> None:
    """Let this process go by the server's clock, if its own is wrong."""
    asked_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000 AS now")
        if time.monotonic() - asked_at < CLOCK_ANSWER_SECONDS:
            clock.follow(int(cursor.fetchone()["now"]))
    connection.clock_read_at = time.monotonic()


def _start_of(cursor: Any) -> int:
    """Which server this is, and when it was started: in the upper bits of every number of this function."""
    cursor.execute("SELECT UUID_SHORT() AS number")
    return int(cursor.fetchone()["number"]) >> 24


@lru_cache(maxsize=512)
def _to_pyformat(sql: str) -> str:
    """`:name` as PyMySQL wants it."""
    return re.sub(r":([a-z_]\w*)", r"%(\1)s", sql.replace("%", "%%"))


@lru_cache(maxsize=512)
def _waiting(sql: str) -> str:
    """MySQL 5.7 knows no NOWAIT."""
    return re.sub(r"\s+NOWAIT\b", "", sql)
