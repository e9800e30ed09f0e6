"""A private MySQL, as `tests/install-mysql` has unpacked it with the libraries of its Debian."""

import os
from pathlib import Path

from tests.support.mariadb import MariaDB
from tests.support.server import ROOT

UNPACKED = ROOT / ".venv/mysql"
IS_THERE = (UNPACKED / "usr/sbin/mysqld").exists()


class MySQL(MariaDB):
    """As `MariaDB`, another product."""

    name = "MySQL"

    def _installer(self) -> list[str]:
        return [*self._mysqld(), "--initialize-insecure"]

    def _server(self) -> list[str]:
        return [*self._mysqld(), "--mysqlx=OFF", "--innodb-redo-log-capacity=32M"]

    def _mysqld(self) -> list[str]:
        """Run by the loader that came along: this system's libraries are older."""
        usr = UNPACKED.resolve() / "usr"
        [loader] = Path(usr).glob("lib/*/ld-linux-*.so.*")
        return [
            *(str(loader), "--library-path", str(loader.parent), f"{usr}/sbin/mysqld", "--no-defaults"),
            "--secure-file-priv=NULL",
            *(["--user=root"] if os.geteuid() == 0 else []),
            f"--lc-messages-dir={usr}/share/mysql",
            f"--character-sets-dir={usr}/share/mysql/charsets",
            f"--plugin-dir={usr}/lib/mysql/plugin",
        ]
