"""Where to deploy: deploy.toml, and environment variables, which win over it."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import click
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    PositiveFloat,
    SecretStr,
    ValidationError,
)

from deploy.errors import DeployError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ENVIRONMENT_PREFIX = "DEPLOY_"
PASSWORD = f"{ENVIRONMENT_PREFIX}PASSWORD"
# The database as its admin reaches it from the server: what applies migrations. It holds a password.
ADMIN_DATABASE_URL = f"{ENVIRONMENT_PREFIX}ADMIN_DATABASE_URL"
SECRETS = (PASSWORD, ADMIN_DATABASE_URL)


def _folder(value: str) -> str:
    folder = value.rstrip("/")
    if not folder or ".." in folder.split("/"):
        raise ValueError("it must name a folder, without ..")
    return _without_tilde(folder)


def _without_tilde(value: str) -> str:
    # No shell expands it, so it would make, or look for, a folder of that name.
    if value.startswith("~"):
        raise ValueError("write it without ~: a relative path begins where a login does")
    return value


Folder = Annotated[str, AfterValidator(_folder)]


class Settings(BaseModel):
    """Every setting by its name in deploy.toml; in capitals with `DEPLOY_` before it in the environment."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    method: Literal["ftps", "ssh", "local"]
    # Folders count from the one where a login begins; with `local` from the current one.
    app_root: Folder
    # The folder of the document root at which the app is mounted, where that is not `app_root` itself.
    public_folder: Folder | None = None
    host: str = ""
    port: Annotated[int, Field(gt=0, lt=65536)] | None = None
    user: str = ""
    # The address under which visitors find the app; its /health tells when the new release runs.
    url: Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")] | None = None
    deadline_seconds: PositiveFloat = 90
    # The app's own Python on the server: only where there is a shell.
    python: Annotated[str, AfterValidator(_without_tilde)] | None = None
    # What makes a server of one's own take up new code; Passenger needs nothing.
    restart_command: str | None = None
    # A file of certificates to trust in place of this machine's.
    certificate_authority: FilePath | None = None
    # A file like ~/.ssh/config in place of it.
    ssh_config: FilePath | None = None


def load(path: Path, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in the file, if there is one, and in the environment. Raises `DeployError`."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if f"{ENVIRONMENT_PREFIX}METHOD" not in environ:
            raise DeployError(f"there is no {path}: copy deploy/deploy.example.toml and fill it in") from None
    except (OSError, ValueError) as error:
        raise DeployError(f"{path.name}: {error}") from error
    if "password" in values:
        raise DeployError(
            f"{path.name}: a password does not belong there; set {PASSWORD}, or be asked for it"
        )
    values |= {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in SECRETS
    }
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise DeployError(f"setting {first['loc'][0]}: {first['msg']}") from None
    if settings.method != "local" and not settings.host:
        raise DeployError(f"setting host: required with {settings.method}")
    if settings.method == "ftps" and not settings.user:
        raise DeployError("setting user: required with ftps")
    if settings.method == "ftps" and settings.restart_command:
        raise DeployError("setting restart_command: ftps has no shell to run it in")
    return settings


def password(settings: Settings, environ: Mapping[str, str] | None = None) -> SecretStr:
    """The password of the FTP account: from the environment, else asked for. Raises `DeployError`."""
    environ = os.environ if environ is None else environ
    if PASSWORD in environ:
        return SecretStr(environ[PASSWORD])
    if not sys.stdin.isatty():
        raise DeployError(f"no password: set {PASSWORD}")
    return SecretStr(click.prompt(f"Password of {settings.user} at {settings.host}", hide_input=True))
