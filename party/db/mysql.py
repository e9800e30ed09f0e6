"""MySQL 5.7 and later, MariaDB 10.3 and later, through PyMySQL."""

import logging
import os
import re
import ssl
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from functools import lru_cache
from typing import Any, ClassVar

import pymysql
from pymysql.constants import CLIENT, CR, ER
from pymysql.cursors import DictCursor

from party import clock
from party.config import ConfigError
from party.config.database_url import DEFAULT_PORT, Host, MySQLTarget, read_mysql_url
from party.db import cluster, engines, faults, migration_lock
from party.db.engines import ANSWER_TIMEOUT_SECONDS, Engine, Result, Statement
from party.db.faults import Fault
from party.db.hosts import Hosts

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 3
# One of several servers has so long to greet us, or to say that it is alive: nothing that a cluster waits for
# delays that, and another is there. What is asked of it may take longer.
GREETING_SECONDS = 2
# For one of several servers that did not answer before.
SHORT_TIMEOUT_SECONDS = 1
# Where MySQL and MariaDB listen on Debian, Red Hat and its kin, and elsewhere: what `localhost` means.
USUAL_SOCKETS = (
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/var/mysql/mysql.sock",
)
# How long a migration waits for a lock that others hold.
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
NOBODY_WELL = "none of the servers answers"
NO_READ_COMMITTED = 1665  # ER_BINLOG_STMT_MODE_AND_ROW_ENGINE


def session_settings(lock_wait_seconds: int) -> str:
    """The statement that sets what a session relies on."""
    wanted = SESSION | {
        "innodb_lock_wait_timeout": str(lock_wait_seconds),
        "lock_wait_timeout": str(lock_wait_seconds),
    }
    return "SET " + ", ".join(f"SESSION {name} = {value}" for name, value in wanted.items())


class MySQL(Engine):
    """A server, over TCP or at its socket; or several, of which the first that is well is asked."""

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
        self.hosts = Hosts(self.target.hosts)
        self.has_several_hosts = len(self.target.hosts) > 1
        # When a connection was lost last: those that were used before may be, too.
        self._suspected_at = 0.0

    def ask_only(self, host: Host) -> None:
        """Ask one of several servers, and no other."""
        self.hosts, self.has_several_hosts = Hosts((host,)), False

    def connect(self) -> Any:
        nobody = pymysql.err.OperationalError(CR.CR_CONN_HOST_ERROR, NOBODY_WELL)
        for host in self.hosts.to_try():
            try:
                connection = self._connect_to(host)
            except (pymysql.err.MySQLError, OSError) as error:
                if not self.has_several_hosts or faults.of_mysql(error) is Fault.BUSY:
                    raise
                log.warning("no connection to the database on %s: %s", host, error)
                self.hosts.failed(host)
                nobody.__cause__ = error
            else:
                self.hosts.is_well(host)
                return connection
        raise nobody

    def _connect_to(self, host: Host) -> Any:
        connection = self._connect_somehow(host)
        connection.host, connection.opened_at = host, time.monotonic()
        if not self.hosts.has_failed(host):
            connection.wait_for_answers(CONNECT_TIMEOUT_SECONDS)
        with connection.cursor() as cursor:
            cursor.execute(ISOLATION)
            connection.incarnation = cluster.incarnation(cursor) or _start_of(cursor)
        _read_clock(connection)
        connection.wait_for_answers(self.answer_timeout_seconds)
        connection.last_used = time.monotonic()
        return connection

    def _connect_somehow(self, host: Host) -> Any:
        """By the URL's socket or over TCP; with `localhost` by one of the usual sockets first, as PHP does.

        Many a host knows its users at the socket only, or runs a server that listens nowhere else.
        """
        if self.target.socket:
            return self._connect_by(host, self.target.socket)
        sockets = USUAL_SOCKETS if host == Host("localhost") else ()
        refusal: pymysql.err.OperationalError | None = None
        for socket in filter(os.path.exists, sockets):
            try:
                return self._connect_by(host, socket)
            except pymysql.err.OperationalError as error:
                if error.args[0] not in (ER.ACCESS_DENIED_ERROR, CR.CR_CONN_HOST_ERROR):
                    raise
                if error.args[0] == ER.ACCESS_DENIED_ERROR:
                    refusal = error
        try:
            return self._connect_by(host, None)
        except pymysql.err.OperationalError as error:
            # That nobody listens there tells less than what a server said.
            raise refusal if refusal and error.args[0] == CR.CR_CONN_HOST_ERROR else error from None

    def _greeting_seconds(self, host: Host) -> int:
        if self.hosts.has_failed(host):
            return SHORT_TIMEOUT_SECONDS
        return GREETING_SECONDS if self.has_several_hosts else CONNECT_TIMEOUT_SECONDS

    def _connect_by(self, host: Host, socket: str | None) -> Any:
        # Nobody listens on a socket of this machine.
        way: dict[str, Any] = {"unix_socket": socket, "ssl_disabled": True} if socket else _tls(self.target)
        timeout = self._greeting_seconds(host)
        migrates = self.answer_timeout_seconds is None
        return _Connection(
            **way,
            host=host.name,
            port=host.port or DEFAULT_PORT,
            user=self.target.user,
            password=self.target.password,
            database=self.target.database,
            charset="utf8mb4",
            collation="utf8mb4_bin",
            autocommit=True,
            cursorclass=DictCursor,
            connect_timeout=timeout,
            read_timeout=timeout,
            write_timeout=ANSWER_TIMEOUT_SECONDS,
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
        try:
            for sql in spoken:
                self._execute(cursor, sql, results)
        except pymysql.err.MySQLError as error:
            self._note(connection, error)
            connection.answered = len(results)
            raise
        connection.last_used = time.monotonic()
        return results

    def may_have_run(self, connection: Any, place: int, error: Exception) -> bool:
        if not faults.is_answer(error):
            return True
        if place == connection.answered:
            # A node that is not ready looks at no statement.
            return error.args[0] != ER.UNKNOWN_COM_ERROR and faults.of_mysql(error) is not Fault.CONFLICT
        return bool(place < connection.answered)

    def _note(self, connection: Any, error: Exception) -> None:
        """Learn from an error how the server is."""
        fault = faults.of_mysql(error)
        if fault is Fault.LOST:
            self._suspected_at = time.monotonic()
        if self.has_several_hosts and (_is_silence(error) or fault in (Fault.AWAY, Fault.READ_ONLY)):
            self.hosts.failed(connection.host)

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
            if self.fault(error) is Fault.LOST and not _is_silence(error) and self._is_too_large(sql):
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
        if self.has_several_hosts and not self.hosts.is_good(connection.host, connection.opened_at):
            return False
        if connection.last_used < max(self._suspected_at, time.monotonic() - TRUSTED_IDLE_SECONDS):
            if self.has_several_hosts:
                connection.wait_for_answers(GREETING_SECONDS)
            try:
                connection.ping(reconnect=False)
            except pymysql.err.MySQLError as error:
                self._note(connection, error)
                return False
            connection.wait_for_answers(self.answer_timeout_seconds)
            connection.last_used = time.monotonic()
        if time.monotonic() - connection.clock_read_at > CLOCK_SECONDS:
            _read_clock(connection)
        return True

    def incarnation(self, connection: Any) -> int:
        return int(connection.incarnation)

    def alone(self, connection: Any) -> AbstractContextManager[None]:
        return migration_lock.held(self, connection)

    def fault(self, error: Exception) -> Fault:
        fault = faults.of_mysql(error)
        if fault in (Fault.AWAY, Fault.READ_ONLY) and self.has_several_hosts:
            return Fault.LOST
        return fault


class _Connection(pymysql.connections.Connection):
    """Prepares TLS once for all connections of a process.

    PyMySQL would read the system's certificates for each, which takes 20 ms, and compare nothing with them.
    """

    answered = 0  # of the last statements, before one failed
    _tls: ClassVar[ssl.SSLContext | None] = None

    def wait_for_answers(self, seconds: float | None) -> None:
        """How long to wait for each from now on."""
        self._read_timeout = seconds

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        if isinstance(sslp, ssl.SSLContext):
            return sslp
        if _Connection._tls is None:
            _Connection._tls = super()._create_ssl_ctx(sslp)  # type: ignore[misc] # not among its types
        return _Connection._tls


def _is_silence(error: Exception) -> bool:
    """Whether the server said nothing in time, rather than that it hung up."""
    return isinstance(error.__context__, TimeoutError)


def _tls(target: MySQLTarget) -> dict[str, Any]:
    """TLS as the URL asks for it; without its options where the server offers it, whoever that is."""
    if target.ssl_ca is None and target.ssl_verify is None:
        return {}
    return {"ssl": _tls_context(target.ssl_ca, target.ssl_verify or "identity")}


@lru_cache
def _tls_context(ca: str | None, verify: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    # MySQL and MariaDB make certificates that lack what the strict rules of newer Pythons ask for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = verify == "identity"
    if verify == "none":
        context.verify_mode = ssl.CERT_NONE
    return context


def _read_clock(connection: Any) -> None:
    """Let this process go by the server's clock, if its own is wrong."""
    asked_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000 AS now")
        if (took := time.monotonic() - asked_at) < CLOCK_ANSWER_SECONDS:
            # It was so at some moment between question and answer.
            half_ms = round(took * 500)
            clock.follow(int(cursor.fetchone()["now"]) + half_ms, half_ms)
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
