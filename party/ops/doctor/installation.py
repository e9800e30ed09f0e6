"""The installation under examination: its folders, its settings as far as they load, its database."""

import grp
import os
import pwd
import shlex
import socket
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from party import config
from party.config import DEPLOYED, ConfigError, Settings
from party.db import Database
from party.ops.doctor.finding import Skipped

SHORTEST_SECRET = 4


class Installation:
    """Nothing is made or changed by looking: neither a secret key nor a database."""

    def __init__(self, root: Path, code: Path, *, site: str | None = None) -> None:
        self.root = root
        self.code = code
        # Set by the check that connects.
        self.connected: Database | None = None
        self.problem: ConfigError | None = None
        self.makes_secret = False
        self._url: str | None = None
        self._settings: Settings | None = None
        try:
            values = config.read_values(root)
            self._url = config.database_url(values, root)
            self.makes_secret = (
                self._url.startswith("sqlite:")
                and not values.get("SECRET_KEY")
                and not (root / "instance" / "secret_key").exists()
            )
            environ = dict(os.environ)
            if self.makes_secret:
                environ["PARTY_SECRET_KEY"] = "made by the app at its first start"
            self._settings = config.load_settings(root, environ)
        except ConfigError as error:
            self.problem = error
        # A checkout on somebody's laptop, from which a site elsewhere is looked at.
        self.is_elsewhere = site is not None and not DEPLOYED and self._serves_nothing(site)

    def _serves_nothing(self, site: str) -> bool:
        """Whether this is a folder that deploys come from, or one in which nobody configured anything."""
        if (self.root / "deploy.toml").exists():
            return True
        if self.settings_files or any(name.startswith(config.ENVIRONMENT_PREFIX) for name in os.environ):
            return False
        # What was only tried out here leaves data behind as well.
        return not (self.root / "instance").exists() or not _is_this_machine(urlsplit(site).hostname or "")

    @property
    def settings(self) -> Settings:
        """The settings. Raises `Skipped` where they do not load."""
        if self._settings is None:
            raise Skipped("the settings do not load")
        return self._settings

    @property
    def url(self) -> str:
        """The database's URL, which may be known although the settings do not load."""
        if self._url is None:
            raise Skipped("the settings do not load")
        return self._url

    @property
    def settings_files(self) -> list[Path]:
        """The files that settings are read from, as far as there are any."""
        return [path for name in ("config.py", ".env") if (path := self.root / name).exists()]

    @property
    def database(self) -> Database:
        """The database. Raises `Skipped` where it cannot be reached."""
        if self.connected is None:
            raise Skipped("the database cannot be reached")
        return self.connected

    def command(self, arguments: str) -> str:
        """A command of this installation, as it stands in a crontab or is pasted into a terminal."""
        python = shlex.quote(sys.executable)
        return f"cd {shlex.quote(str(self.root))} && {python} -m party {arguments}"

    def without_secrets(self, text: str) -> str:
        """A text that others wrote, an exception's for instance, without what must not be seen."""
        for secret in self._secrets():
            text = text.replace(secret, "***")
        return text

    def _secrets(self) -> list[str]:
        found: list[str | None] = []
        if self._settings is not None:
            names = (
                *("SECRET_KEY", "METRICS_TOKEN", "ADMIN_TOKEN"),
                *("TURN_SECRET", "TURN_CREDENTIAL", "TURN_KEY_ID", "TURN_API_TOKEN"),
            )
            found = [getattr(self._settings, name) for name in names]
        user_info = (self._url or "").partition("://")[2].rpartition("@")[0]
        password = user_info.partition(":")[2]
        found += [password, unquote(password)]
        return [secret for secret in found if secret and len(secret) >= SHORTEST_SECRET]


def user_name(uid: int) -> str:
    """The name of a user of this machine, or the number of one without."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_of(uid: int) -> str:
    """The name of a user's own group, or a number where there is none."""
    try:
        gid = pwd.getpwuid(uid).pw_gid
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(uid)


def _is_this_machine(host: str) -> bool:
    """Whether a name or an address leads to this machine: only its own addresses can be bound."""
    with suppress(OSError):
        for family, kind, protocol, _, address in socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM):
            with suppress(OSError), socket.socket(family, kind, protocol) as probe:
                probe.bind(address)
                return True
    return False
