"""The schema comes before the code that needs it: the release that runs goes on with a newer one."""

import os
import re
import sys

import click

from deploy.errors import DeployError
from deploy.release import Release
from deploy.settings import ADMIN_DATABASE_URL, Settings
from deploy.site import Site


def prepare(site: Site, settings: Settings, release: Release, new: list[str]) -> None:
    """See to it that the migrations of a release are applied before it runs. Raises `DeployError`."""
    click.echo(f"new migrations: {', '.join(new)}")
    how = _how_to(site, settings, release, new)
    if site.account.has_shell and settings.python:
        party = (settings.python, f"{site.root}/party.py", "--release", release.name, "migrate")
        if "up to date" in site.account.run(*party, "--dry-run"):
            return
        if url := os.environ.get(ADMIN_DATABASE_URL):
            click.echo(site.account.run(*party, "--database-url", "-", given=f"{url}\n").strip())
            return
        raise DeployError(
            f"everything is uploaded, but not switched: {how}\nThen deploy again. "
            f"(Or set {ADMIN_DATABASE_URL}, and the deploy applies them.)"
        )
    if not sys.stdin.isatty():
        raise DeployError(
            f"everything is uploaded, but not switched: {how}\nThen deploy again with --migrated."
        )
    click.echo(how)
    click.confirm("Have they been applied? (Nothing has been switched yet.)", abort=True)


def _how_to(site: Site, settings: Settings, release: Release, new: list[str]) -> str:
    """The ways to apply them, of which a host offers one or the other."""
    first = min(int(number[0]) for name in new if (number := re.match(r"\d+", name)))
    setup = f"party.py --release {release.name} setup"
    return f"""apply them first. The release that runs goes on with them.
    In a terminal on the server, in {site.root}: {settings.python or "python"} {setup}
    In the panel, Execute python script: {setup} (with SETUP_ADMIN_USER and
    SETUP_ADMIN_PASSWORD among the app's environment variables, for as long as it takes)
    Or import in phpMyAdmin what this prints here: python -m party migrate --sql --from {first}"""
