"""A private MariaDB on a data directory of its own, reachable on the loopback interface only."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from tests.support.processes import die_with_parent, free_port, needs

START_SECONDS = 30


@dataclass(frozen=True)
class DatabaseUrls:
    """One database, as its admin and as the app sees it."""

    admin: str
    app: str


class MariaDB:
    """Starts at once. `durable` flushes every commit to the disk, as tests that kill the server need it.

    `options` are the server's own, as `--init-connect=...`; of one that is given twice the last counts.
    """

    name = "MariaDB"

    def __init__(self, *options: str, durable: bool = False) -> None:
        self._durable = durable
        self._options = options
        # Short, for the path of a socket has room for some 100 characters only.
        self._folder = tempfile.TemporaryDirectory(prefix="party-db-", dir="/tmp")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "s.sock"
        self.port = free_port()
        # Servers that share a folder for temporary tables delete each other's when they start.
        self._environment = {**os.environ, "TMPDIR": str(self.folder)}
        self._process: subprocess.Popen[bytes] | None = None
        self._install()
        self.start()

    def _install(self) -> None:
        installed = subprocess.run(
            [*self._installer(), f"--datadir={self.folder}/data"],
            check=False,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if installed.returncode:
            raise RuntimeError(f"{self.name} could not be set up:\n{installed.stdout}")

    def _installer(self) -> list[str]:
        """The command that makes the data directory."""
        self._as_root = ["--user=mysql"] if os.geteuid() == 0 else []
        if self._as_root:
            subprocess.run(["chown", "mysql", self.folder], check=True)
        return [
            needs("mariadb-install-db", "mariadb-server"),
            "--no-defaults",
            *self._as_root,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]

    def _server(self) -> list[str]:
        """The command that runs the server, with what is this product's own."""
        mariadbd = needs("mariadbd", "mariadb-server")
        return [mariadbd, "--no-defaults", *self._as_root, "--innodb-log-file-size=16M"]

    def start(self) -> None:
        """Start the server, on the same data and the same port as before, and wait until it answers."""
        self._process = subprocess.Popen(
            [
                *self._server(),
                f"--datadir={self.folder}/data",
                f"--socket={self.socket}",
                f"--pid-file={self.folder}/pid",
                f"--port={self.port}",
                "--bind-address=127.0.0.1",
                "--skip-log-bin",
                "--skip-name-resolve",
                "--innodb-buffer-pool-size=32M",
                f"--innodb-flush-log-at-trx-commit={int(self._durable)}",
                "--performance-schema=OFF",
                f"--log-error={self.folder}/error.log",
                *self._options,
            ],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.query("SELECT 1")
            except pymysql.err.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (self.folder / "error.log").read_text(errors="replace")
                    raise RuntimeError(f"{self.name} did not start:\n{log}") from None
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stop the server in order; the data stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=60)
            self._process = None

    def kill(self) -> None:
        """kill -9; the data stays."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def remove(self) -> None:
        """Stop the server for good and delete its data."""
        self.kill()
        self._folder.cleanup()

    @property
    def is_running(self) -> bool:
        """Whether it was started, and neither stopped nor killed."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None
        return self._process.pid

    def create_database(self, name: str, *, max_user_connections: int = 0) -> DatabaseUrls:
        """A new database with an admin, who may do all in it, and the app's user, who may do four things."""
        admin, app = f"{name}_admin", f"{name}_app"
        self.execute(
            f"CREATE DATABASE {name}",
            f"CREATE USER {admin}@'127.0.0.1' IDENTIFIED BY 'a'",
            f"GRANT ALL ON {name}.* TO {admin}@'127.0.0.1'",
            f"CREATE USER {app}@'127.0.0.1' IDENTIFIED BY 'b'"
            f" WITH MAX_USER_CONNECTIONS {max_user_connections}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {app}@'127.0.0.1'",
        )
        address = f"127.0.0.1:{self.port}/{name}"
        return DatabaseUrls(admin=f"mysql://{admin}:a@{address}", app=f"mysql://{app}:b@{address}")

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements as the server's root."""
        with self._connect(database) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def query(self, sql: str, database: str | None = None) -> list[dict[str, Any]]:
        """The rows of one statement, run as the server's root."""
        with self._connect(database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def _connect(self, database: str | None) -> "pymysql.connections.Connection[DictCursor]":
        return pymysql.connect(
            unix_socket=str(self.socket),
            user="root",
            ssl_disabled=True,
            database=database,
            autocommit=True,
            charset="utf8mb4",
            cursorclass=DictCursor,
        )
