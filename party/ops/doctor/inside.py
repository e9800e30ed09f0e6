"""What can be seen without the database and without the network: Python, settings, secrets, files."""

import math
import os
import re
import sys
from importlib import metadata

from packaging.requirements import Requirement

from party.config import ENVIRONMENT_PREFIX
from party.ops.doctor.finding import Result, failed, ok, warning
from party.ops.doctor.installation import Installation, user_name

OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 13)
SECRET_BITS = 128
SECRET_LENGTH = 32
DISTINCT_CHARACTERS = 8
# What stands in examples, and what people type when they mean to come back later.
PLACEHOLDER = re.compile(
    r"change|secret|example|password|placeholder|replace|12345|qwert|abcdef|\.\.\.", re.I
)
NEW_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
# More proxies in a row than anybody has.
MANY_PROXIES = 4


def python(_: Installation) -> Result:
    """Whether this Python is one that the service supports."""
    version = sys.version_info
    found = f"{version.major}.{version.minor}.{version.micro}, {sys.executable}"
    supported = "3.10 to 3.13 are supported: choose one of them in the panel's Setup Python App"
    if version[:2] < OLDEST_PYTHON:
        return failed(found, supported)
    if version[:2] > NEWEST_PYTHON:
        return warning(found, supported)
    return ok(found)


def packages(installation: Installation) -> Result:
    """Whether what requirements.txt names is installed, in the version that it names."""
    path = installation.code / "requirements.txt"
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    wanted = [Requirement(line) for line in lines if line]
    absent, other = [], []
    for requirement in wanted:
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            absent.append(requirement.name)
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            other.append(f"{requirement.name} {version} ({requirement.specifier})")
    advice = f"{sys.executable} -m pip install -r {path}; without a terminal: Run Pip Install in the panel"
    if absent:
        return failed(f"not installed: {', '.join(absent)}", advice)
    if other:
        return warning(f"not the tested version: {', '.join(other)}", advice)
    return ok(f"all {len(wanted)} of requirements.txt")


def settings(installation: Installation) -> Result:
    """Whether the settings load, and where they come from."""
    if installation.problem is not None:
        return failed(str(installation.problem), _how_to_mend(installation))
    files = [str(path) for path in installation.settings_files]
    variables = sorted(name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX))
    sources = files + ([f"the environment ({', '.join(variables)})"] if variables else [])
    return ok(f"from {', '.join(sources) or 'nowhere: all defaults'}")


def _how_to_mend(installation: Installation) -> str:
    """What helps against a setting that is wrong, or a file that cannot be read."""
    if ": cannot be read: " not in str(installation.problem):
        return "Correct it; config.example.py explains every setting."
    return (
        "The app's user must be able to read it, and nobody else: it should belong to that user and have "
        f"mode 600. This command runs as {user_name(os.geteuid())}."
    )


def proxies(installation: Installation) -> Result:
    """Whether TRUSTED_PROXIES is a number that can be right; --url tells whether it is."""
    number = installation.settings.TRUSTED_PROXIES
    if number >= MANY_PROXIES:
        return warning(
            f"TRUSTED_PROXIES is {number}",
            "It is the number of your own proxies before the app, each of which appends to X-Forwarded-For: "
            "0 on most shared hosts, 1 behind a reverse proxy or a CDN. --url tells whether it is right.",
        )
    return ok(f"TRUSTED_PROXIES is {number}")


def secrets(installation: Installation) -> Result:
    """Whether the secrets can be guessed."""
    values = {
        name: getattr(installation.settings, name) for name in ("METRICS_TOKEN", "ADMIN_TOKEN", "TURN_SECRET")
    }
    if not installation.makes_secret:
        values = {"SECRET_KEY": installation.settings.SECRET_KEY, **values}
    present = {name: value for name, value in values.items() if value}
    if weak := [name for name, value in present.items() if not is_strong(value)]:
        return failed(
            f"short or easy to guess: {', '.join(weak)}",
            f"Make a new one and put it into config.py: {NEW_SECRET}"
            + (" (TURN_SECRET: the TURN server must get the same)" if "TURN_SECRET" in weak else ""),
        )
    made = ["SECRET_KEY is made at the first start"] if installation.makes_secret else []
    return ok("; ".join([f"strong enough: {', '.join(present)}"] * bool(present) + made))


def is_strong(secret: str) -> bool:
    """Long or dense enough, of enough different characters, and nobody's placeholder."""
    classes = {r"[a-z]": 26, r"[A-Z]": 26, r"[0-9]": 10, r"[^a-zA-Z0-9]": 4}
    alphabet = sum(size for pattern, size in classes.items() if re.search(pattern, secret))
    bits = len(secret) * math.log2(max(alphabet, 1))
    return (
        (len(secret) >= SECRET_LENGTH or bits >= SECRET_BITS)
        and len(set(secret)) >= DISTINCT_CHARACTERS
        and not PLACEHOLDER.search(secret)
        and not re.fullmatch(r"(.+?)\1+", secret)
    )
