"""What the database tells: whether it is there, fit for the app, and no more open than it must be."""

import re
import statistics
import time

from party import clock
from party.db import Database
from party.db.mysql import MySQL
from party.db.sqlite import SQLite
from party.errors import Unavailable
from party.ops.cleanup import JOBS
from party.ops.doctor.finding import Result, Skipped, clocks_apart, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.schema import expected_tables

OLDEST = {"MySQL": (5, 7), "MariaDB": (10, 3)}
# What Passenger starts if nobody says otherwise, and what its one thread can need at once.
PASSENGER_PROCESSES, PASSENGER_CONNECTIONS = 6, 2
OVERDUE_HOURS = 2
EMOJI = "\N{PARTY POPPER}"

_ADVICE = {
    1045: "Look at the user and the password in DATABASE_URL. In cPanel the user's name begins with the "
    "account's (acct_party). In the password, @ : / ? # % are written %40 %3A %2F %3F %23 %25. If all that "
    "is right, the server may know the user at its socket only: write localhost without a port as the host, "
    "or append ?unix_socket=/path/to/mysql.sock.",
    1044: "Add the user to the database on cPanel's page MySQL Databases.",
    1049: "Look at the database's name in DATABASE_URL: in cPanel it begins with the account's (acct_party).",
    1040: "The server has no connection free. Wait, and ask the host if it stays so.",
    1226: "Other processes use up the user's connections: lower DB_POOL_SIZE or the number of processes.",
}
_UNREACHED = (
    "Look at the host and the port in DATABASE_URL. On a shared host it is mostly localhost; where the "
    "server has only a socket, append ?unix_socket=/path/to/mysql.sock."
)


def reachable(installation: Installation) -> Result:
    """Connect, and measure how long the shortest question takes."""
    database = Database(installation.url)
    place = _place(database)
    if installation.is_elsewhere:
        raise Skipped("the service is elsewhere: run the doctor on the server to look at its database")
    if isinstance(database.engine, SQLite) and not database.engine.path.exists():
        return failed(f"{place} does not exist", f"Make it: {installation.command('migrate')}")
    seconds = []
    try:
        for _ in range(5):
            began = time.perf_counter()
            database.one("SELECT 1 AS one")
            seconds.append(time.perf_counter() - began)
    except Unavailable as error:
        return _unreachable(place, error.__cause__)
    installation.connected = database
    return ok(f"{place}, answers in {statistics.median(seconds) * 1000:.1f} ms")


def _unreachable(place: str, cause: BaseException | None) -> Result:
    if isinstance(cause, RuntimeError):  # PyMySQL lacks a package for this way of authentication
        advice = "Set the user's password with mysql_native_password, or connect by the server's socket: "
        return failed(f"{place}: {cause}", f"{advice}?unix_socket=/path/to/mysql.sock at the end of the URL.")
    number = cause.args[0] if cause and cause.args and isinstance(cause.args[0], int) else None
    text = cause.args[1] if cause and len(cause.args) > 1 else cause
    return failed(f"{place}: {text or 'no connection'}", _ADVICE.get(number or 0, _UNREACHED))


def _place(database: Database) -> str:
    """The database without its password."""
    engine = database.engine
    return str(engine.target if isinstance(engine, MySQL) else getattr(engine, "path", engine.name))


def mysql(installation: Installation) -> Database:
    """The database, if it is MySQL or MariaDB. Raises `Skipped`."""
    if not isinstance(installation.database.engine, MySQL):
        raise Skipped("SQLite has no such thing")
    return installation.database


def version(installation: Installation) -> Result:
    """Whether the database understands the app's SQL."""
    if isinstance(installation.database.engine, SQLite):
        found = value(installation.database, "SELECT sqlite_version()")
        mode = value(installation.database, "PRAGMA journal_mode")
        if mode != "wal":
            return warning(
                f"SQLite {found}, journal mode {mode}",
                "The write-ahead log cannot be used, so readers wait for writers: a network disk? "
                "Keep the database on a local one.",
            )
        return ok(f"SQLite {found}")
    return judge_version(str(value(installation.database, "SELECT VERSION()")))


def judge_version(text: str) -> Result:
    """What `VERSION()` says, beside the oldest that work."""
    product = "MariaDB" if "mariadb" in text.lower() else "MySQL"
    # MariaDB may say that it is 5.5.5, for old programs, before its own number.
    numbers = re.search(r"(\d+)\.(\d+)(\.\d+)?", text.removeprefix("5.5.5-"))
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST[product]:
        oldest = ", ".join(f"{name} {'.'.join(map(str, least))}" for name, least in OLDEST.items())
        return failed(
            f"{product} {text}", f"The oldest that work are {oldest}: ask the host for a newer one."
        )
    return ok(f"{product} {numbers[0]}")


def character_set(installation: Installation) -> Result:
    """Whether every character survives, on the way and in the tables."""
    database = mysql(installation)
    row = database.one("SELECT :text AS text, HEX(:text) AS hex", text=EMOJI)
    if row is None or (row["text"], row["hex"]) != (EMOJI, EMOJI.encode().hex().upper()):
        return failed("the connection does not carry utf8mb4", "Ask the host about init_connect.")
    tables = database.all(
        """
        SELECT TABLE_NAME AS name, ENGINE AS engine FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN :tables
        """,
        tables=expected_tables(),
    )
    columns = database.all(
        """
        SELECT TABLE_NAME AS owner, COLUMN_NAME AS name,
               CHARACTER_SET_NAME AS charset, COLLATION_NAME AS collation
        FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN :tables AND CHARACTER_SET_NAME IS NOT NULL
        """,
        tables=expected_tables(),
    )
    wrong = [f"{row['name']} is {row['engine']}" for row in tables if row["engine"] != "InnoDB"]
    wrong += [
        f"{row['owner']}.{row['name']} is {row['collation']}"
        for row in columns
        if row["charset"] not in ("utf8mb4", "ascii") or not row["collation"].endswith("_bin")
    ]
    if wrong:
        return failed(
            some(wrong),
            "The tables were not made by our migrations, or an export and import changed them: InnoDB, and "
            "utf8mb4_bin or ascii_bin as in the folder migrations. Put it right with ALTER TABLE, "
            "or drop the party_ tables and migrate again.",
        )
    return ok(f"utf8mb4; {len(tables)} tables of InnoDB")


def time_of_database(installation: Installation) -> Result:
    """The database's clock beside this machine's."""
    database = mysql(installation)
    before = clock.now_ms()
    theirs = value(database, "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000")
    ours = (before + clock.now_ms()) / 2 - clock.offset_ms()
    return clocks_apart(
        (int(str(theirs)) - ours) / 1000,
        "the database's clock",
        "Beyond 2 s the app goes by the database's, so that several machines agree: if that one is wrong, "
        "TURN credentials end too early or too late and the times shown are wrong.",
    )


def connections(installation: Installation) -> Result:
    """Whether the database lets in as many connections as the app's processes may open."""
    row = mysql(installation).one(
        "SELECT @@max_user_connections AS own, @@global.max_connections AS everybody"
    )
    assert row is not None
    pool = installation.settings.DB_POOL_SIZE
    each = min(pool, PASSENGER_CONNECTIONS)
    needed = PASSENGER_PROCESSES * each
    limit = row["own"] or row["everybody"]
    whose = "max_user_connections" if row["own"] else "max_connections, shared with everybody, no own limit,"
    found = (
        f"{whose} is {limit}; Passenger: {PASSENGER_PROCESSES} processes x {each} = {needed}; "
        f"gunicorn: workers x DB_POOL_SIZE {pool}, so at most {limit // pool} workers"
    )
    if limit < needed:
        return warning(
            found,
            "Requests beyond that get 503 and are tried again by the client. Ask the host to raise the limit "
            f"or to let Passenger start at most {max(1, limit // each)} processes for you.",
        )
    return ok(found)


def cleanup(installation: Installation) -> Result:
    """Whether old rooms, signals and counters get removed: by cron or by the app itself."""
    late = clock.now_ms() - OVERDUE_HOURS * 3_600_000
    database = installation.database
    overdue = {
        job.name: int(
            str(
                value(
                    database,
                    f"SELECT COUNT(*) FROM ({job.due}) AS overdue",
                    now=late,
                    purge_before=late - installation.settings.room_kept_ms,
                )
            )
        )
        for job in JOBS
    }
    cron = f"A line for cron, once an hour: 17 * * * * {installation.command('cleanup')}"
    if late_jobs := [f"{name} ({count})" for name, count in overdue.items() if count]:
        return warning(
            f"due for more than {OVERDUE_HOURS} hours and not done: {', '.join(late_jobs)}",
            "Harmless if nobody has visited since: the app cleans up when it is used. "
            f"Otherwise neither it nor cron does. {cron}",
        )
    return ok("nothing is overdue: cron does it, or the app itself when it is used", cron)


def value(database: Database, sql: str, **parameters: object) -> object:
    row = database.one(sql, **parameters)
    assert row is not None
    return next(iter(row.values()))
