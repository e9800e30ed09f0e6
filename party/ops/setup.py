"""`python -m party setup`: from an empty database to a service that the doctor finds well.

What cannot be guessed is asked for, or comes from arguments and the environment, and is tried at once.
The admin's password is asked for, used, and kept nowhere.
"""

import getpass
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from party import config
from party.db import Database
from party.db.migrate import migrate, plan
from party.errors import Unavailable

CONFIG = '''\
"""Made by `python -m party setup`. config.example.py has every setting, and what it is for."""

DATABASE_URL = {url!r}
SECRET_KEY = {key!r}
ALLOWED_ORIGINS = {origins!r}
'''
# How the two passwords are given where nobody can be asked. An argument could be read by everybody.
PASSWORD, ADMIN_PASSWORD = "SETUP_PASSWORD", "SETUP_ADMIN_PASSWORD"


class SetupError(Exception):
    """Why it cannot be done, and what to do about it."""


@dataclass
class Answers:
    """What the admin said; None is asked for, where there is somebody to ask."""

    host: str = "localhost"
    database: str | None = None
    user: str | None = None
    origins: str | None = None
    admin_user: str | None = None


def run(answers: Answers, root: Path = config.ROOT) -> Iterator[str]:
    """Write config.py, unless it is there, and apply the migrations; tells line by line what is done.

    Raises `SetupError`, `ConfigError`, `MigrationError`, `Unavailable`.
    """
    path = root / "config.py"
    if path.exists():
        yield f"{path} is there and stays as it is"
    else:
        url, found = _reach(answers)
        yield found
        origins = _ask(
            "Sites whose pages may call it (commas between; empty: only its own)", answers.origins, ""
        )
        _write(path, CONFIG.format(url=url, key=secrets.token_urlsafe(32), origins=_origins(origins)))
        yield f"wrote {path}, which only {getpass.getuser()} can read"
    url = config.database_url(config.read_values(root), root)
    if not plan(url):
        yield "the schema is up to date"
    elif url.startswith("sqlite:"):
        yield from migrate(url)
    elif admins := _admins(url, answers):
        yield from migrate(admins)
    else:
        yield "the schema is pending. On your own machine: python -m party migrate --sql --from 1 > party.sql"
        yield "Import that file in phpMyAdmin."


def _reach(answers: Answers) -> tuple[str, str]:
    """The app's DATABASE_URL, tried; and in words what it reaches. Asks again as long as it is wrong."""
    while True:
        database = _ask("Database", answers.database, f"{_prefix()}party")
        user = _ask("The app's database user", answers.user, f"{_prefix()}papp")
        password = _secret(f"Password of {user}", PASSWORD)
        try:
            return _try(answers.host, database, user, password)
        except Unavailable as error:
            problem = f"{user} cannot use {database}: {error.__cause__ or error}"
            if not _somebody_is_there() or answers.database:
                raise SetupError(problem) from None
            click.echo(problem)


def _try(host: str, database: str, user: str, password: str) -> tuple[str, str]:
    """As the names stand, else with the account's name before them, as cPanel makes them."""
    whole = [name if name.startswith(_prefix()) else f"{_prefix()}{name}" for name in (database, user)]
    refused: Unavailable | None = None
    for names in dict.fromkeys([(database, user), (whole[0], whole[1])]):
        url = database_url(host, *names, password)
        connected = Database(url)
        try:
            with connected.connection():
                return url, f"{names[1]} reaches {names[0]}"
        except Unavailable as error:
            refused = refused or error
        finally:
            connected.close()
    assert refused is not None
    raise refused


def database_url(host: str, database: str, user: str, password: str) -> str:
    """A MySQL URL of these; `host` may have a port, or be the path of a socket."""
    name, given, secret = (quote(text, safe="") for text in (database, user, password))
    if host.startswith("/"):
        return f"mysql://{given}:{secret}@localhost/{name}?unix_socket={quote(host)}"
    return f"mysql://{given}:{secret}@{host}/{name}"


def _admins(url: str, answers: Answers) -> str | None:
    """The same database as its admin's user reaches it; None where there is only phpMyAdmin."""
    question = "The database user that may change tables (none: only in phpMyAdmin)"
    given = answers.admin_user or (None if _somebody_is_there() else "none")
    user = _ask(question, given, f"{_prefix()}padmin")
    if user == "none":
        return None
    password = _secret(f"Password of {user} (kept nowhere)", ADMIN_PASSWORD)
    place = url.rpartition("@")[2]
    host, _, rest = place.partition("/")
    name, _, socket = rest.partition("?unix_socket=")
    names = dict.fromkeys([user, user if user.startswith(_prefix()) else f"{_prefix()}{user}"])
    for found in names:
        admins = database_url(socket or host, name, found, password)
        with suppress(Unavailable), Database(admins).connection():
            return admins
    return database_url(socket or host, name, user, password)


def _ask(question: str, given: str | None, guess: str) -> str:
    """The answer that was given, or that somebody at the terminal gives."""
    if given is not None:
        return given
    if _somebody_is_there():
        answer: str = click.prompt(question, default=guess, show_default=bool(guess))
        return answer
    if guess:
        raise SetupError(
            f"{question}: nobody can be asked here. Give --database, --user and --admin-user, or "
            f"SETUP_DATABASE, SETUP_USER and SETUP_ADMIN_USER in the environment, "
            f"{PASSWORD} and {ADMIN_PASSWORD} only there"
        )
    return guess


def _secret(question: str, variable: str) -> str:
    """A password: from the environment, else asked for without showing it."""
    if variable in os.environ:
        return os.environ[variable]
    if not _somebody_is_there():
        raise SetupError(f"{question}: set {variable} in the environment")
    answer: str = click.prompt(question, hide_input=True)
    return answer


def _somebody_is_there() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _prefix() -> str:
    """What cPanel puts before the names of an account's databases and users."""
    return f"{getpass.getuser()}_"


def _origins(text: str) -> list[str]:
    """Sites, as the setting ALLOWED_ORIGINS takes them. Raises `ConfigError`."""
    found = config.read_values(Path(os.devnull), {"PARTY_ALLOWED_ORIGINS": text}) if text else {}
    return list(found.get("ALLOWED_ORIGINS", []))


def _write(path: Path, content: str) -> None:
    """A file that nobody else can read, at no moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
