"""Settings: defaults <- config.py <- .env <- environment; typed, validated, unknown names refused."""

import os
import re
import runpy
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from flask import Flask, current_app
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

# Where the code lies, and where config.py, .env and instance/ do. That is one folder, except where
# `python -m deploy` gave each release a folder of its own below `releases`.
CODE = Path(__file__).resolve().parent.parent
DEPLOYED = CODE.parent.name == "releases" and CODE.with_name(f"{CODE.name}.json").exists()
ROOT = CODE.parents[1] if DEPLOYED else CODE
ENVIRONMENT_PREFIX = "PARTY_"


class ConfigError(Exception):
    """A setting is unknown, unreadable or of the wrong type. The message is one line that names it."""


def _split(value: object) -> object:
    """In the environment a list is written with commas or spaces between its items."""
    return (
        re.split(r"[,\s]+", value.strip(", \t\n"))
        if isinstance(value, str) and value.strip()
        else value or []
    )


def _origin(value: str) -> str:
    if value != "*" and not re.fullmatch(
        r"[A-Za-z][A-Za-z0-9+.-]*://([\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?", value
    ):
        raise ValueError("an origin is scheme://host[:port] without a path, or *")
    return value.lower()


# Secrets stay out of a printed Settings; an empty one is none.
Secret = Annotated[str | None, BeforeValidator(lambda value: value or None), Field(repr=False)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hours = Seconds
Texts = Annotated[list[str], BeforeValidator(_split)]
Origins = Annotated[list[Annotated[str, AfterValidator(_origin)]], BeforeValidator(_split)]


class Settings(BaseModel):
    """Every setting by the name it has in config.py; `PARTY_` before it in the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    DATABASE_URL: Annotated[str, Field(repr=False)] = "sqlite:///instance/party.sqlite3"
    DB_POOL_SIZE: PositiveInt = 4
    SECRET_KEY: Annotated[str, Field(min_length=1, repr=False)]
    ALLOWED_ORIGINS: Origins = []
    TRUSTED_PROXIES: Annotated[int, Field(ge=0)] = 0
    ROOMS_PER_HOUR: PositiveInt = 10
    JOINS_PER_MINUTE: PositiveInt = 60
    POLLS_PER_SECOND: PositiveInt = 20
    SENDS_PER_SECOND: PositiveInt = 50
    ENCODED_BODIES: bool = True
    MAX_PARTICIPANTS: Annotated[int, Field(ge=2)] = 50
    ROOM_TTL_HOURS: Hours = 2
    SIGNAL_TTL_SECONDS: Seconds = 120
    ONLINE_SECONDS: Seconds = 90
    LONG_POLL_SECONDS: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    STUN_URLS: Texts = ["stun:stun.l.google.com:19302"]
    TURN_URLS: Texts = []
    TURN_SECRET: Secret = None
    TURN_TTL_SECONDS: PositiveInt = 3600
    METRICS_TOKEN: Secret = None
    DEMO: bool
    LEGACY_PHP_PATHS: bool = False

    @property
    def room_ttl_ms(self) -> int:
        return round(self.ROOM_TTL_HOURS * 3_600_000)

    @property
    def signal_ttl_ms(self) -> int:
        return round(self.SIGNAL_TTL_SECONDS * 1000)

    @property
    def online_ms(self) -> int:
        return round(self.ONLINE_SECONDS * 1000)


def _from_file(path: Path) -> dict[str, Any]:
    """The settings in a config.py: its names in capitals, of exactly the right type."""
    if not path.exists():
        return {}
    try:
        names = runpy.run_path(str(path))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path.name}: {type(error).__name__}: {reason}") from error
    values = {name: value for name, value in names.items() if name.isupper()}
    return {name: _check(name, value, where=path.name, strict=True) for name, value in values.items()}


def _from_dotenv(path: Path) -> dict[str, Any]:
    """The settings in a .env file."""
    try:
        values = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name}: cannot be read: {type(error).__name__}") from error
    return _from_environment(values)


def _from_environment(environ: Mapping[str, str | None]) -> dict[str, Any]:
    """The settings among environment variables, read from their text."""
    values = {
        name.removeprefix(ENVIRONMENT_PREFIX): value or ""
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return {name: _check(name, value, where="environment", strict=False) for name, value in values.items()}


def _check(name: str, value: object, *, where: str, strict: bool) -> Any:
    """One value in the type of its setting. The message never repeats the value: it may be a secret."""
    field = Settings.model_fields.get(name)
    if field is None:
        raise ConfigError(f"{name} ({where}): there is no such setting")
    conditions = tuple(field.metadata)
    kind: Any = Annotated[(field.annotation, *conditions)] if conditions else field.annotation
    try:
        return TypeAdapter(kind).validate_python(value, strict=strict)
    except ValidationError as error:
        raise ConfigError(f"{name} ({where}): {error.errors()[0]['msg']}") from None


def _kept_secret(path: Path) -> str:
    """The secret key of an embedded installation: made at the first start, then read.

    Several processes may start at once: whoever links the file into place first wins.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"SECRET_KEY: {path.name} cannot be read or made: {type(error).__name__}"
        ) from error
    if not secret:
        raise ConfigError(f"SECRET_KEY: {path.name} is empty")
    return secret


def read_values(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What config.py, .env and the environment say, each valid by itself, without defaults.

    `root` is the folder of config.py and .env. Raises `ConfigError`.
    """
    return {
        **_from_file(root / "config.py"),
        **_from_dotenv(root / ".env"),
        **_from_environment(os.environ if environ is None else environ),
    }


def database_url(values: Mapping[str, Any], root: Path = ROOT) -> str:
    """The configured database, a relative SQLite path made absolute under `root`."""
    url: str = values.get("DATABASE_URL") or Settings.model_fields["DATABASE_URL"].default
    scheme, _, path = url.partition(":///")
    return f"sqlite:///{(root / path).resolve()}" if scheme == "sqlite" and path else url


def load_settings(root: Path = ROOT, environ: Mapping[str, str] | None = None) -> Settings:
    """All settings, complete and checked. Raises `ConfigError` with one line that names the culprit."""
    values = read_values(root, environ)
    url = database_url(values, root)
    embedded = url.startswith("sqlite:")
    if not values.get("SECRET_KEY"):
        if not embedded:
            raise ConfigError(
                "SECRET_KEY: required with MySQL (python -c 'import secrets; print(secrets.token_urlsafe())')"
            )
        values["SECRET_KEY"] = _kept_secret(root / "instance" / "secret_key")
    values.setdefault("DEMO", embedded)
    settings = Settings(**{**values, "DATABASE_URL": url})
    if settings.TURN_URLS and not settings.TURN_SECRET:
        raise ConfigError("TURN_SECRET: required where TURN_URLS are set")
    return settings


def init_app(app: Flask, settings: Settings) -> None:
    """Keep the settings with the app."""
    app.extensions["party.settings"] = settings


def settings() -> Settings:
    """The current app's settings."""
    found: Settings = current_app.extensions["party.settings"]
    return found
