"""`python -m deploy`: puts this working copy onto a hosting account, or switches back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from deploy import health, plan, schema
from deploy.account import Account, Uploaded
from deploy.errors import DeployError
from deploy.ftps import FtpsAccount
from deploy.local import LocalAccount
from deploy.plan import Plan
from deploy.release import ROOT, Release
from deploy.settings import Settings, load, password
from deploy.site import Site
from deploy.ssh import SshAccount

FIRST_STEPS = """\
The files are in place. Before the app can run:
1. in the panel's Python app: startup file passenger_wsgi.py, entry point application{pip};
2. in {root}, with the app's own Python: {python} party.py setup{url};
   it asks for the database, writes config.py, makes the tables, and looks whether all is well.
docs/deploy-cpanel.md tells each step."""


@click.command(help=__doc__)
@click.option("--dry-run", is_flag=True, help="only show what would be done")
@click.option("--rollback", is_flag=True, help="switch back to the previous release")
@click.option(
    "--config", type=click.Path(path_type=Path), default=ROOT / "deploy.toml", help="in place of deploy.toml"
)
@click.option("--dirty", is_flag=True, help="even if files are not as committed")
@click.option("--requirements-installed", is_flag=True, help="the packages have been installed in the panel")
@click.option("--migrated", is_flag=True, help="the new migrations have been applied")
def deploy(
    dry_run: bool, rollback: bool, config: Path, dirty: bool, requirements_installed: bool, migrated: bool
) -> None:
    settings = load(config)
    account = _reach(settings)
    try:
        site = Site(account, settings.app_root)
        if rollback:
            _roll_back(site, settings, dry_run)
        elif dry_run:
            for line in plan.make(site, settings.public_folder).lines():
                click.echo(line)
        else:
            _check_commit(dirty)
            # Before the lock, which says who deploys.
            _write(site, plan.guards(site, settings.public_folder))
            with site.locked():
                _deploy(site, settings, requirements_installed, migrated)
    finally:
        account.close()


def _reach(settings: Settings) -> Account:
    if settings.method == "local":
        return LocalAccount()
    if settings.method == "ssh":
        return SshAccount(settings.host, settings.port, settings.user, settings.ssh_config)
    secret = password(settings)
    return FtpsAccount(settings.host, settings.port, settings.user, secret, settings.certificate_authority)


def _check_commit(dirty: bool) -> None:
    """Nobody can tell later what ran, or get it back, if it was never committed."""
    uncommitted = plan.uncommitted()
    if uncommitted and not dirty:
        raise DeployError(
            "\n    ".join(["this working copy is not as committed:", *uncommitted])
            + "\nCommit or remove that, or deploy it all the same with --dirty."
        )


def _write(site: Site, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        site.account.make_folder(path.rpartition("/")[0])
        site.account.write(path, content)
        click.echo(f"wrote {path}")


def _deploy(site: Site, settings: Settings, requirements_installed: bool, migrated: bool) -> None:
    todo = plan.make(site, settings.public_folder)
    for line in todo.lines():
        click.echo(line)
    with _progress(todo) as uploaded:
        site.account.upload(site.files, todo.uploads, uploaded)
    _write(site, todo.writes)
    site.add(todo.release)
    if todo.needs_requirements:
        asked = requirements_installed or todo.current is None
        _install_requirements(site, settings, todo.release, asked=asked)
    if todo.current is not None and todo.new_migrations and not migrated:
        schema.prepare(site, settings, todo.release, todo.new_migrations)
    site.switch_to(todo.release)
    click.echo(f"switched to {todo.release.name}")
    if todo.current is None and not _is_configured(site):
        pip = "" if settings.python else ", then Run Pip Install"
        python = settings.python or "python"
        url = f" --url {settings.url}" if settings.url else ""
        click.echo(FIRST_STEPS.format(root=site.root, pip=pip, python=python, url=url))
        return
    _restart(site, settings)
    _wait(settings, todo.release)
    before = site.release(todo.release.previous) if todo.release.previous else None
    for name in site.prune(*filter(None, (todo.release, before))):
        click.echo(f"removed {name}")


def _roll_back(site: Site, settings: Settings, dry_run: bool) -> None:
    current, previous = _last_two(site)
    if dry_run:
        click.echo(f"{previous.name} is to run; now it is {current.name}")
        return
    with site.locked():
        current, previous = _last_two(site)  # another deploy may have ended in between
        site.switch_to(previous)
        click.echo(f"switched back to {previous.name}")
        if previous.requirements != current.requirements:
            site.account.write(
                f"{site.root}/requirements.txt",
                site.account.read(f"{site.files}/{previous.requirements}") or b"",
            )
            _install_requirements(site, settings, previous, asked=True)
            site.restart()
        _restart(site, settings)
        _wait(settings, previous)


def _last_two(site: Site) -> tuple[Release, Release]:
    """The current release and the one before it."""
    current = site.current()
    previous = site.release(current.previous) if current and current.previous else None
    if current is None or previous is None:
        raise DeployError("there is no previous release to switch back to")
    return current, previous


def _is_configured(site: Site) -> bool:
    return any(site.account.exists(f"{site.root}/{name}") for name in ("config.py", ".env"))


def _install_requirements(site: Site, settings: Settings, release: Release, *, asked: bool) -> None:
    """Packages must be there before the code that imports them runs."""
    if site.account.has_shell and settings.python:
        click.echo("installing requirements.txt")
        listing = f"{site.files}/{release.requirements}"
        site.account.run(settings.python, "-m", "pip", "install", "--quiet", "--requirement", listing)
        return
    what = "In cPanel: Setup Python App > this app > Run Pip Install, with requirements.txt."
    click.echo(f"requirements.txt has changed. {what}")
    if asked:
        return
    if not sys.stdin.isatty():
        raise DeployError(
            "everything is uploaded, but not switched: install the packages, then deploy again"
            " with --requirements-installed"
        )
    click.confirm("Are the packages installed? (Nothing has been switched yet.)", abort=True)


def _restart(site: Site, settings: Settings) -> None:
    """Passenger has been told already; a server of one's own needs its command."""
    if settings.restart_command:
        click.echo(f"running {settings.restart_command}")
        site.account.run("sh", "-c", settings.restart_command)


def _wait(settings: Settings, release: Release) -> None:
    if settings.url is None:
        click.echo(f"restart the app if the panel asks for it; /health should now report {release.name}")
        return
    url = settings.url
    if not health.wait_for(
        release.name,
        partial(health.ask, url, settings.certificate_authority),
        settings.deadline_seconds,
        lambda answer: click.echo(f"{url} {answer}"),
    ):
        raise DeployError(
            f"{url}/health has not reported {release.name} within {settings.deadline_seconds:g} s."
            " If it says `schema`, apply the migrations; else restart the app in the panel and look into its"
            " log, or go back with --rollback."
        )


@contextmanager
def _progress(todo: Plan) -> Iterator[Uploaded]:
    """A bar on a terminal, lines elsewhere."""
    if not todo.uploads:
        yield lambda digest: None
    elif sys.stdout.isatty():
        with click.progressbar(length=todo.upload_bytes, label="uploading") as bar:
            yield lambda digest: bar.update(len(todo.uploads[digest]))
    else:
        yield lambda digest: click.echo(f"uploaded {todo.describe(digest)}")


def main() -> None:
    """Exit status 1 with one message if it cannot be done."""
    try:
        deploy(prog_name="python -m deploy")
    except DeployError as error:
        sys.exit(f"deploy: {error}")
    except OSError as error:
        # Of a file of this working copy: what happens on the way to the server is a DeployError.
        sys.exit(f"deploy: {error.filename or 'this machine'}: {error.strerror or error}")


if __name__ == "__main__":
    main()
