"""Settings: defaults <- config.py <- .env <- environment; typed, validated, unknown names refused."""

import difflib
import json
import os
import runpy
import secrets
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from traceback import extract_tb
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from flask import Flask, current_app
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from party.config.database_url import SQLITE, check, read_sqlite_url
from party.config.setting_types import (
    MOST,
    YEAR_HOURS,
    YEAR_SECONDS,
    AdminToken,
    Count,
    DatabaseUrl,
    HeaderSecret,
    Hours,
    Networks,
    Origins,
    RedisUrl,
    Seconds,
    Secret,
    StunUrls,
    TurnUrls,
    not_blank,
)

# Where the code lies, and where config.py, .env and instance/ do. That is one folder, except where
# `python -m deploy` gave each release a folder of its own below `releases`.
CODE = Path(__file__).resolve().parents[2]
DEPLOYED = CODE.parent.name == "releases" and CODE.with_name(f"{CODE.name}.json").exists()
ROOT = CODE.parents[1] if DEPLOYED else CODE
ENVIRONMENT_PREFIX = "PARTY_"


class ConfigError(Exception):
    """A setting is unknown, unreadable or of the wrong type. The message is one line that names it."""


class Settings(BaseModel):
    """Every setting by the name it has in config.py; `PARTY_` before it in the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    DATABASE_URL: DatabaseUrl = "sqlite:///instance/party.sqlite3"
    DB_POOL_SIZE: Count = 4
    REDIS_URL: RedisUrl = None
    SECRET_KEY: Annotated[
        str, AfterValidator(not_blank), Field(min_length=1, repr=False, examples=["a long random text"])
    ]
    ALLOWED_ORIGINS: Origins = []
    TRUSTED_PROXIES: Annotated[int, Field(ge=0, le=1000)] = 0
    ROOMS_PER_HOUR: Count = 10
    GUESSES_PER_MINUTE: Count = 60
    LOOKS_PER_MINUTE: Count = 300
    TRUSTED_NETWORKS: Networks = {}
    POLLS_PER_SECOND: Count = 20
    SENDS_PER_SECOND: Count = 50
    RELAY_KIB_PER_MINUTE: Annotated[int, Field(ge=0, le=MOST)] = 256
    ENCODED_BODIES: bool = True
    MAX_PARTICIPANTS: Annotated[int, Field(ge=2, le=MOST)] = 50
    ROOM_TTL_HOURS: Hours = 2
    ROOM_KEPT_DAYS: Annotated[float, Field(ge=0, le=3660, allow_inf_nan=False)] = 1
    HISTORY_DAYS: Annotated[float, Field(ge=0, le=3660, allow_inf_nan=False)] = 30
    MAX_ROOM_TTL_HOURS: Annotated[float, Field(ge=1, le=YEAR_HOURS, allow_inf_nan=False)] = 48
    SIGNAL_TTL_SECONDS: Seconds = 120
    MESSAGE_TTL_HOURS: Hours = 48
    IMAGES: bool = False
    IMAGES_MB: Count = 200
    IMAGES_FOLDER: Annotated[str, Field(min_length=1)] = "instance/images"
    ONLINE_SECONDS: Seconds = 90
    HOST_GONE_AFTER_SECONDS: Seconds = 120
    DISCONNECTED_AFTER_SECONDS: Seconds = 300
    SEAT_FREED_AFTER_SECONDS: Seconds = 600
    LONG_POLL_SECONDS: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 0
    STUN_URLS: StunUrls = ["stun:stun.l.google.com:19302"]
    TURN_URLS: TurnUrls = []
    TURN_PROVIDER: Literal["coturn", "static", "cloudflare"] = "coturn"
    TURN_SECRET: Secret = None
    TURN_USERNAME: Secret = None
    TURN_CREDENTIAL: Secret = None
    TURN_KEY_ID: HeaderSecret = None
    TURN_API_TOKEN: HeaderSecret = None
    ICE_POLICY: Literal["all", "relay"] = "all"
    TURN_TTL_SECONDS: Annotated[int, Field(gt=0, le=YEAR_SECONDS)] = 3600
    CONNECTION_REPORTS: bool = True
    METRICS_TOKEN: HeaderSecret = None
    ADMIN_TOKEN: AdminToken = None
    DEMO: Annotated[bool, Field(examples=[True])]
    PLAY: Annotated[bool, Field(examples=[True])]
    LEGACY_PHP_PATHS: bool = False

    @property
    def room_ttl_ms(self) -> int:
        return round(self.ROOM_TTL_HOURS * 3_600_000)

    @property
    def room_kept_ms(self) -> int:
        return round(self.ROOM_KEPT_DAYS * 86_400_000)

    @property
    def history_ms(self) -> int:
        return round(self.HISTORY_DAYS * 86_400_000)

    @property
    def signal_ttl_ms(self) -> int:
        return round(self.SIGNAL_TTL_SECONDS * 1000)

    @property
    def message_ttl_ms(self) -> int:
        return round(self.MESSAGE_TTL_HOURS * 3_600_000)

    @property
    def online_ms(self) -> int:
        return round(self.ONLINE_SECONDS * 1000)

    @property
    def host_gone_ms(self) -> int:
        return round(self.HOST_GONE_AFTER_SECONDS * 1000)

    @property
    def disconnected_ms(self) -> int:
        return round(self.DISCONNECTED_AFTER_SECONDS * 1000)

    @property
    def seat_freed_ms(self) -> int:
        return round(self.SEAT_FREED_AFTER_SECONDS * 1000)


def _from_file(path: Path) -> dict[str, Any]:
    """The settings in a config.py: its names in capitals, of exactly the right type."""
    if not _is_there(path):
        return {}
    try:
        names = runpy.run_path(str(path))
    except (Exception, SystemExit) as error:
        raise ConfigError(_broken(path, error)) from error
    values = {name: value for name, value in names.items() if name.isupper() or _is_misspelt(name, value)}
    return {name: _check(name, value, where=path.name, strict=True) for name, value in values.items()}


def _is_there(path: Path) -> bool:
    """Whether there is such a file. Raises `ConfigError` where it cannot be read."""
    if not os.path.lexists(path):
        return False
    try:
        path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path.name}: cannot be read: {error.strerror}") from error
    return True


def _is_misspelt(name: str, value: object) -> bool:
    """Whether a name in config.py is a setting's but for its capitals, and no module or function."""
    return name.upper() in Settings.model_fields and isinstance(
        value, str | int | float | list | tuple | dict
    )


def _broken(path: Path, error: BaseException) -> str:
    """Where and how a config.py breaks off. What Python says of it may repeat a secret: only the line."""
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    hint = ""
    if isinstance(error, SyntaxError | NameError):
        hint = ": look at its quotes, commas and brackets"
    elif isinstance(error, OSError):
        hint = f": {error.strerror}"
    return f"{path.name}{f', line {line}' if line else ''}: {type(error).__name__}{hint}"


def _from_dotenv(path: Path) -> dict[str, Any]:
    """The settings in a .env file."""
    if not _is_there(path):
        return {}
    try:
        values = dotenv_values(path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: cannot be read: it is not in UTF-8") from error
    if forgotten := sorted(name for name in values if name.upper() in Settings.model_fields):
        name = forgotten[0]
        raise ConfigError(f"{name} ({path.name}): write {ENVIRONMENT_PREFIX}{name.upper()}")
    return _from_environment(values, path.name)


def _from_environment(environ: Mapping[str, str | None], where: str = "environment") -> dict[str, Any]:
    """The settings among environment variables, read from their text."""
    values: dict[str, str] = {}
    for name, value in environ.items():
        setting = name.upper().removeprefix(ENVIRONMENT_PREFIX)
        if name.startswith(ENVIRONMENT_PREFIX):
            values[name.removeprefix(ENVIRONMENT_PREFIX)] = value or ""
        elif name.upper().startswith(ENVIRONMENT_PREFIX) and setting in Settings.model_fields:
            raise ConfigError(f"{name} ({where}): write {ENVIRONMENT_PREFIX}{setting}")
    return {name: _check(name, value, where=where, strict=False) for name, value in values.items()}


def _check(name: str, value: object, *, where: str, strict: bool) -> Any:
    """One value in the type of its setting. The message never repeats the value: it may be a secret."""
    field = Settings.model_fields.get(name)
    if field is None:
        raise ConfigError(f"{name} ({where}): there is no such setting{_similar(name)}")
    conditions = tuple(field.metadata)
    kind: Any = Annotated[(field.annotation, *conditions)] if conditions else field.annotation
    try:
        return TypeAdapter(kind).validate_python(value, strict=strict or None)
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        if ": write " not in f": {problem}":
            problem += f": write {_example(name, field, in_python=strict)}"
        raise ConfigError(f"{name} ({where}): {problem}") from None


def _similar(name: str) -> str:
    """The setting that was perhaps meant."""
    plain = name.upper().removeprefix(ENVIRONMENT_PREFIX)
    found = difflib.get_close_matches(plain, Settings.model_fields, n=1, cutoff=0.75)
    return f"; perhaps {found[0]} is meant" if found else ""


def _example(name: str, field: FieldInfo, *, in_python: bool) -> str:
    """How a setting is written: as Python in config.py, as text in the environment."""
    value = (field.examples or [field.default])[0]
    if in_python:
        return f"{name} = {value!r}"
    written = json.dumps(value) if isinstance(value, list | dict) else value
    if isinstance(value, list):
        written += f" or {', '.join(value)}"
    return f"{ENVIRONMENT_PREFIX}{name}={str(written).lower() if isinstance(value, bool) else written}"


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
    """The configured database, a relative SQLite path made absolute under `root`. Raises `ConfigError`."""
    url: str = values.get("DATABASE_URL", Settings.model_fields["DATABASE_URL"].default)
    try:
        if check(url).startswith(SQLITE):
            return check(f"{SQLITE}{(root / read_sqlite_url(url)).resolve()}")
    except ValueError as error:
        raise ConfigError(f"DATABASE_URL: {error}") from None
    return url


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
    values.setdefault("PLAY", embedded)
    images = root / values.get("IMAGES_FOLDER", Settings.model_fields["IMAGES_FOLDER"].default)
    settings = Settings(**{**values, "DATABASE_URL": url, "IMAGES_FOLDER": str(images)})
    _check_turn(settings)
    _check_order(settings)
    return settings


def _check_order(settings: Settings) -> None:
    """Who is absent is away first, then disconnected, then gone. Raises `ConfigError`."""
    names = ("ONLINE_SECONDS", "DISCONNECTED_AFTER_SECONDS", "SEAT_FREED_AFTER_SECONDS")
    for shorter, longer in pairwise(names):
        if getattr(settings, longer) <= getattr(settings, shorter):
            raise ConfigError(f"{longer}: write more than {shorter} ({getattr(settings, shorter):g}) has")
    if settings.HOST_GONE_AFTER_SECONDS < settings.ONLINE_SECONDS:
        raise ConfigError(
            f"HOST_GONE_AFTER_SECONDS: write no less than ONLINE_SECONDS ({settings.ONLINE_SECONDS:g}) has"
        )


# What each TURN provider needs.
_OF_PROVIDERS = {
    "coturn": ("TURN_SECRET",),
    "static": ("TURN_URLS", "TURN_USERNAME", "TURN_CREDENTIAL"),
    "cloudflare": ("TURN_KEY_ID", "TURN_API_TOKEN"),
}


def _check_turn(settings: Settings) -> None:
    """Raises `ConfigError` where members were given a TURN server that refuses them, or had no way at all."""
    provider = settings.TURN_PROVIDER
    missing = [name for name in _OF_PROVIDERS[provider] if not getattr(settings, name)]
    has_turn = provider != "coturn" or bool(settings.TURN_URLS)
    if has_turn and missing:
        where = "TURN_URLS are set" if provider == "coturn" else f'TURN_PROVIDER is "{provider}"'
        raise ConfigError(f"{missing[0]}: required where {where}")
    if settings.ICE_POLICY == "relay" and not has_turn and not settings.RELAY_KIB_PER_MINUTE:
        raise ConfigError('ICE_POLICY: "relay" needs a TURN server, or RELAY_KIB_PER_MINUTE')


def init_app(app: Flask, settings: Settings) -> None:
    """Keep the settings with the app."""
    app.extensions["party.settings"] = settings


def settings() -> Settings:
    """The current app's settings."""
    found: Settings = current_app.extensions["party.settings"]
    return found
