"""What the database's user may do, beside the four things that the app needs."""

import re

from party.db import Connection, Database, Refused, SchemaBehind
from party.ops.doctor.finding import Result, failed, ok, some, warning
from party.ops.doctor.installation import Installation
from party.ops.doctor.schema import LEDGER, expected_tables
from party.ops.doctor.stored import mysql, value

FOUR = ("SELECT", "INSERT", "UPDATE", "DELETE")
DENIED = (1142, 1143)
# Who has one of these is no user of the app alone: it may migrate, or reaches beyond this database.
_MIGHTY = re.compile(r"\b(ALL PRIVILEGES|CREATE|ALTER|DROP|INDEX|GRANT OPTION|SET ROLE|PROXY|on)\b")


def grants(installation: Installation) -> Result:
    """Whether the app's user may do four things, all four, and nothing else."""
    database = mysql(installation)
    missing = _denied(database)
    lines = [str(value) for row in database.all("SHOW GRANTS") for value in row.values()]
    roles = _active_roles(database)
    if "`" in roles:  # MySQL tells what a role allows only if asked for that role; MariaDB does so anyway
        lines += [
            str(value)
            for row in database.all(f"SHOW GRANTS FOR CURRENT_USER() USING {roles}")
            for value in row.values()
        ]
    name = str(value(database, "SELECT DATABASE()"))
    user = str(value(database, "SELECT CURRENT_USER()"))
    if missing:
        return failed(f"{user} may not {some(missing)}", _four_for(user, name))
    if more := beyond_four(lines, name, roles):
        return warning(f"{user} may do more than it needs: {some(more)}", _less_than(more, user, name))
    return ok(f"{user} may SELECT, INSERT, UPDATE and DELETE, and nothing else")


def _four_for(user: str, database: str) -> str:
    account = "@".join(f"'{part}'" for part in user.rsplit("@", 1))
    pattern = re.sub(r"([_%])", r"\\\1", database)  # in a grant these two stand for other letters
    return (
        "On cPanel's page MySQL Databases, Manage User Privileges: tick SELECT, INSERT, UPDATE and DELETE. "
        f"In SQL: GRANT SELECT, INSERT, UPDATE, DELETE ON `{pattern}`.* TO {account};"
    )


def _less_than(more: list[str], user: str, database: str) -> str:
    """What to do about too many rights. From a user that may be the admin's nothing is taken away."""
    if not any(_MIGHTY.search(right) for right in more):
        return (
            "On cPanel's page MySQL Databases, Manage User Privileges: tick SELECT, INSERT, UPDATE and "
            "DELETE alone."
        )
    host = user.rpartition("@")[2]
    return (
        f"Leave {user} as it is: migrations need such a user, and other programs may use it, too. Make "
        "another for the app alone and put that into DATABASE_URL. In cPanel: MySQL Databases, Add New User, "
        "Add User To Database, then Manage User Privileges with SELECT, INSERT, UPDATE and DELETE ticked. "
        "In SQL: "
        f"CREATE USER 'NAME'@'{host}' IDENTIFIED BY 'PASSWORD'; "
        + _four_for(f"NAME@{host}", database).partition("In SQL: ")[2]
    )


def _denied(database: Database) -> list[str]:
    """What the user may not do, found by trying: statements that change no row are refused just as well."""
    columns = database.all(
        """
        SELECT TABLE_NAME AS owner, MIN(COLUMN_NAME) AS name FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN :tables GROUP BY TABLE_NAME
        """,
        tables=expected_tables(),
    )
    first = {row["owner"]: row["name"] for row in columns}
    found: dict[str, list[str]] = {}
    with database.connection() as connection:
        for table in expected_tables():
            column = first.get(table, "id")
            for verb, sql in {
                "SELECT": f"SELECT 1 FROM {table} LIMIT 0",
                "INSERT": f"INSERT INTO {table} ({column}) SELECT 1 FROM DUAL WHERE 1 = 0",
                "UPDATE": f"UPDATE {table} SET {column} = NULL WHERE 1 = 0",
                "DELETE": f"DELETE FROM {table} WHERE 1 = 0",
            }.items():
                if (table != LEDGER or verb == "SELECT") and not _is_allowed(connection, database, sql):
                    found.setdefault(verb, []).append(table)
    everywhere = {verb: len(tables) >= len(expected_tables()) - 1 for verb, tables in found.items()}
    return [verb if everywhere[verb] else f"{verb} on {', '.join(found[verb])}" for verb in found]


def _is_allowed(connection: Connection, database: Database, sql: str) -> bool:
    try:
        connection.run(sql)
    except SchemaBehind:
        return True  # there is no such table yet: another check's business
    except (Refused, database.engine.errors) as error:
        # Whatever else it complains of, such as a column without a value, comes after the permission.
        return (error.__cause__ or error).args[0] not in DENIED
    return True


def _active_roles(database: Database) -> str:
    """`r` on MariaDB, "`r`@`%`,`s`@`%`" on MySQL, or nothing."""
    try:
        active = str(value(database, "SELECT CURRENT_ROLE()") or "NONE")
    except database.engine.errors:  # MySQL 5.7 has no roles
        return ""
    return "" if active == "NONE" else active


_QUOTED = r"`(?:[^`]|``)*`"
_GRANT = re.compile(
    r"GRANT (?P<rights>.+?) ON (?:(?P<kind>TABLE|FUNCTION|PROCEDURE|PACKAGE(?: BODY)?) )?"
    rf"(?P<owner>\*|{_QUOTED}|\w+)\.(?P<name>\*|{_QUOTED}|\w+) TO (?P<rest>.*)"
)
_ROLES = re.compile(rf"GRANT (?P<roles>{_QUOTED}.*?) TO ")


def beyond_four(lines: list[str], database: str, active_roles: str = "") -> list[str]:
    """What `SHOW GRANTS` lists beyond SELECT, INSERT, UPDATE and DELETE in this one database.

    Never the lines themselves: MariaDB puts the password's hash into one of them.
    """
    found: list[str] = []
    active = _role_names(active_roles) or [f"`{active_roles}`"]
    for line in lines:
        if match := _GRANT.match(line):
            found += _excess(match, database)
        elif line.startswith("GRANT PROXY "):
            found.append("PROXY")
        elif match := _ROLES.match(line):
            # What an active role allows is listed as well; the others it could take at any time.
            found += [f"SET ROLE {role}" for role in _role_names(match["roles"]) if role not in active]
    return list(dict.fromkeys(found))


def _role_names(text: str) -> list[str]:
    return [match[1] for match in re.finditer(rf"({_QUOTED})(?:@{_QUOTED})?", text)]


def _excess(match: re.Match[str], database: str) -> list[str]:
    rights = [right.strip() for right in re.sub(r"\([^)]*\)", "", match["rights"]).split(",")]
    rights = [right for right in rights if right != "USAGE"]
    if "GRANT OPTION" in match["rest"]:
        rights.append("GRANT OPTION")
    if not rights:
        return []
    owner = match["owner"].strip("`").replace("``", "`")
    if match["kind"] not in (None, "TABLE"):
        return [f"{right} {match['kind'].lower()}s" for right in rights]
    if owner == "*":
        return [f"{_few(rights)} on every database (*.*)"]
    is_pattern = bool(re.search(r"(?<!\\)%", owner))
    if re.sub(r"\\([_%])", r"\1", owner) != database:
        return [f"{_few(rights)} on {'databases like ' if is_pattern else ''}{owner}"]
    return [f"{_few(more)}"] if (more := [right for right in rights if right not in FOUR]) else []


def _few(rights: list[str]) -> str:
    return ", ".join(rights if len(rights) <= 6 else [*rights[:5], f"{len(rights) - 5} more"])
