"""`python -m party COMMAND`: what the admin and cron run."""

import csv
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import click

from party import clock, config, create_app
from party.db import SchemaBehind, database
from party.db import migrate as migrations
from party.db.migrate import MigrationError, Pending
from party.db.mysql import MySQL
from party.errors import RoomNotFound, Unavailable
from party.ops import activity, doctor, live, personal, setup, statistics
from party.ops import cleanup as housekeeping
from party.ops.doctor.finding import Finding, Status


@click.group(help=__doc__)
def commands() -> None:
    pass


@commands.command()
@click.option("--database-url", help="the admin's credentials, in place of the app's; -: from the input")
@click.option("--dry-run", is_flag=True, help="only tell what would be applied")
@click.option("--sql", is_flag=True, help="print one MySQL script to paste into phpMyAdmin")
@click.option(
    "--from",
    "first",
    type=int,
    help="with --sql: from this migration on; skips what the database has already",
)
def migrate(database_url: str | None, dry_run: bool, sql: bool, first: int | None) -> None:
    """Apply what is pending."""
    if first is not None:
        if not sql:
            raise click.UsageError("--from goes with --sql")
        chosen = [migration for migration in migrations.load() if migration.version >= first]
        click.echo(migrations.skipping_script(chosen, clock.now_ms()), nl=False)
        return
    if database_url == "-":
        database_url = sys.stdin.readline().strip()
    given = {} if database_url is None else {"DATABASE_URL": database_url}
    url = config.database_url(config.read_values() | given)
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


def _check_url(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return url
    except ValueError:
        pass
    raise click.BadParameter("give it as https://example.org/party")


@commands.command("setup")
@click.option("--database", envvar="SETUP_DATABASE", help="its name; cPanel's prefix may be left out")
@click.option("--user", envvar="SETUP_USER", help="the app's database user")
@click.option("--admin-user", envvar="SETUP_ADMIN_USER", help="the database user that may change tables")
@click.option("--host", envvar="SETUP_HOST", default="localhost", help="host, host:port, or a socket's path")
@click.option("--origins", envvar="SETUP_ORIGINS", help="sites whose pages may call it, with commas")
@click.option("--url", envvar="SETUP_URL", callback=_check_url, help="the service's address, for the doctor")
def set_up(url: str | None, **given: str) -> None:
    """Ask for what cannot be guessed, write config.py, apply the migrations, and look whether all is well.

    Each option may come from the environment instead, as SETUP_DATABASE and so on; what is not given is
    asked for. The passwords are SETUP_PASSWORD and SETUP_ADMIN_PASSWORD there, and never arguments. To be
    run again at any time: what is done stays as it is.
    """
    for line in setup.run(setup.Answers(**given)):
        click.echo(line)
    click.echo()
    _report(url)


@commands.command("doctor")
@click.option("--url", callback=_check_url, help="the service's address: look at it from outside, too")
@click.option("--json", "as_json", is_flag=True, help="a list of {check, status, found, advice}")
def examine(url: str | None, as_json: bool) -> None:
    """Check this installation and say what to do about each finding.

    With --url it also sends what firewalls look for and asks for some 150 addresses that must be refused,
    both of which may be taken for an attack, opens a room or two and ends them, and makes one look-up that
    counts against this machine's limits.

    The exit status is 1 if a check has failed, else 0: warnings and skipped checks are no failure.
    """
    _report(url, as_json)


def _report(url: str | None, as_json: bool = False) -> None:
    findings: list[Finding] = []
    for finding in doctor.examine(url):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    if as_json:
        click.echo(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        counts = Counter(finding.status for finding in findings)
        click.echo("\n" + ", ".join(f"{counts[status]} {status}" for status in _COLOURS if counts[status]))
    if any(finding.status == "failed" for finding in findings):
        sys.exit(1)


_COLOURS: dict[Status, str] = {"failed": "red", "warning": "yellow", "skipped": "cyan", "ok": "green"}
_WIDTH = max(map(len, [*doctor.INSIDE, *doctor.OUTSIDE]))


def _print_finding(finding: Finding) -> None:
    mark = click.style(f"{finding.status:7}", fg=_COLOURS[finding.status])
    click.echo(f"{mark}  {finding.check:{_WIDTH}}  {finding.found}")
    if finding.advice:
        click.echo(f"{'':{7 + 2 + _WIDTH + 2}}{finding.advice}")


@commands.command()
@click.option("-v", "--verbose", is_flag=True, help="tell what was done; cron would send a mail of it")
def cleanup(verbose: bool) -> None:
    """End expired rooms, drop dead signals, purge what is old: for cron."""
    with create_app().app_context():
        done = housekeeping.clean(database(), clock.now_ms())
        activity.note_cron(database(), clock.now_ms())
    if verbose:
        click.echo(", ".join(f"{name}: {count}" for name, count in done.items()))


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="a list of objects, one a day")
@click.option("--csv", "as_csv", is_flag=True, help="for a spreadsheet")
def stats(as_json: bool, as_csv: bool) -> None:
    """Rooms, members, joins and signals per day, and what features have counted."""
    with create_app().app_context():
        days = statistics.with_features(database(), clock.now_ms())
    if as_json:
        click.echo(json.dumps(days, indent=2))
        return
    columns = statistics.columns(days)
    rows = [columns, *([str(day.get(column, "")) for column in columns] for day in days)]
    if as_csv:
        csv.writer(sys.stdout).writerows(rows)
        return
    for row in rows:
        cells = (f"{cell or '-':>{max(10, len(column))}}" for cell, column in zip(row, columns, strict=True))
        click.echo("  ".join(cells))


@commands.command()
@click.option("--json", "as_json", is_flag=True, help="a list of objects")
def rooms(as_json: bool) -> None:
    """The rooms that there are, those first in which something happened last: no names."""
    with create_app().app_context():
        found = live.rooms(database(), clock.now_ms(), config.settings().online_ms)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for room in found:
        about = f"{room['members']} members, {room['online']} online, {room['gameType'] or '-'}"
        click.echo(f"{room['code']}  {room['status']:7}  {room['movedAt']}  {about}")
    if not found:
        click.echo("no rooms")


@commands.command("room")
@click.argument("code")
@click.option("--names", is_flag=True, help="also who is in it: their names are nobody's business but yours")
def one_room(code: str, names: bool) -> None:
    """A room: its state, and how many are in it, by role and presence."""
    with create_app().app_context():
        click.echo(json.dumps(live.room(database(), code, names=names), indent=2, ensure_ascii=False))


@commands.command()
@click.argument("code")
def end(code: str) -> None:
    """End a room; its members learn it with their next poll."""
    with create_app().app_context():
        live.end(database(), clock.now_ms(), code)
    click.echo(f"{code.upper()} has ended")


_SUBJECT = (
    click.option("--device", help="the deviceId that a page keeps in localStorage"),
    click.option("--participant", help="a participant's id; in all rooms unless one is given"),
)


def _with_subject(command: Callable[..., None]) -> Callable[..., None]:
    for option in _SUBJECT:
        command = option(command)
    return command


@commands.command()
@click.argument("code", required=False)
@_with_subject
def export(code: str | None, device: str | None, participant: str | None) -> None:
    """Print all that is kept of a room, or of a participant or a device, as JSON."""
    if not (code or device or participant):
        raise click.UsageError("export what? CODE, --participant or --device")
    with create_app().app_context():
        found = personal.traces(database(), code, participant, device)
        click.echo(json.dumps(personal.export(database(), found), indent=2, ensure_ascii=False))
    if not found:
        sys.exit("party: nothing is kept of that")


@commands.command()
@click.option("--room", "code", help="a room's code: it ends, and all of it goes")
@_with_subject
def forget(code: str | None, device: str | None, participant: str | None) -> None:
    """Delete all that is kept of a room, or of a participant or a device."""
    if not (code or device or participant):
        raise click.UsageError("forget what? --room, --participant or --device")
    with create_app().app_context():
        found = personal.traces(database(), code, participant, device)
        for line in personal.forget(database(), clock.now_ms(), found):
            click.echo(f"forgotten: {line}")
    if not found:
        click.echo("nothing is kept of that")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What an admin can mend is told in plain words, without a trace."""
    try:
        yield
    except (config.ConfigError, MigrationError, setup.SetupError) as error:
        sys.exit(f"party: {error}")
    except housekeeping.Incomplete as error:
        sys.exit(f"party: {error}")
    except RoomNotFound:
        sys.exit("party: there is no such room")
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
