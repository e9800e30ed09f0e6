"""`python -m party migrate | cleanup | stats`: what the admin and cron run."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from party import cleanup as housekeeping
from party import clock, config, create_app, statistics
from party.db import SchemaBehind, database
from party.db import migrate as migrations
from party.db.engines import MySQL
from party.db.migrate import MigrationError, Pending
from party.errors import Unavailable


@click.group(help=__doc__)
def commands() -> None:
    pass


@commands.command()
@click.option("--database-url", help="the admin's credentials, in place of the app's")
@click.option("--dry-run", is_flag=True, help="only tell what would be applied")
@click.option("--sql", is_flag=True, help="print one MySQL script to paste into phpMyAdmin")
def migrate(database_url: str | None, dry_run: bool, sql: bool) -> None:
    """Apply what is pending."""
    url = config.database_url(config.read_values() | ({"DATABASE_URL": database_url} if database_url else {}))
    if sql:
        click.echo(migrations.script(_steps_for_script(url), clock.now_ms()), nl=False)
    elif dry_run:
        steps = migrations.plan(url)
        for step in steps:
            click.echo(f"{step.migration.name}: {len(step.statements)} statements")
        if not steps:
            click.echo(migrations.UP_TO_DATE)
    else:
        for line in migrations.migrate(url):
            click.echo(line)


def _steps_for_script(url: str) -> list[Pending]:
    """What the script must contain: all of it, unless a MySQL database tells what it has already."""
    everything = [Pending(migration, None) for migration in migrations.load()]
    if not url.startswith(MySQL.name):
        return everything
    try:
        return migrations.plan(url)
    except Unavailable:
        click.echo("party: the database cannot be reached; the script is for an empty one", err=True)
        return everything


@commands.command()
def cleanup() -> None:
    """End expired rooms, drop dead signals, purge what is old: for cron."""
    with create_app().app_context():
        done = housekeeping.clean(database(), clock.now_ms())
    click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))


@commands.command()
def stats() -> None:
    """Rooms, members, joins and signals per day."""
    columns = ("day", "rooms", "members", "joins", "signals", "rate_limited")
    with create_app().app_context():
        rows = statistics.by_day(database())
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        click.echo("  ".join(f"{row[column]!s:>{max(10, len(column))}}" for column in columns))


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What an admin can mend is told in plain words, without a trace."""
    try:
        yield
    except (config.ConfigError, MigrationError) as error:
        sys.exit(f"party: {error}")
    except SchemaBehind:
        sys.exit("party: the database schema is behind: run `python -m party migrate`")
    except Unavailable as error:
        cause = error.__cause__
        sys.exit(f"party: the database cannot be reached{f': {cause}' if cause else ''}")


def main() -> None:
    """Run a command; exit status 1 with one line if it cannot be done."""
    # Without an app there is no log: the same news would be printed a second time.
    logging.getLogger("party.db").addHandler(logging.NullHandler())
    with _one_line_errors():
        commands(prog_name="python -m party")
