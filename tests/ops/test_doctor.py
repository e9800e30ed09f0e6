"""`python -m party doctor`: green on a good deployment, and each fault of a broken one is told."""

import email.utils
import json
import os
import re
import secrets
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from party import clock as party_clock
from party.db import Database
from party.db.migrate import migrate
from party.ops import doctor
from party.ops.doctor import inside, outside, polls
from party.ops.doctor.finding import Finding, Result
from party.ops.doctor.grants import beyond_four
from party.ops.doctor.inside import is_strong
from party.ops.doctor.installation import Installation
from party.ops.doctor.stored import judge_version
from tests.conftest import GENEROUS, Clock, MakeApp, MakeServer
from tests.support import certificates
from tests.support.mariadb import DatabaseUrls, MariaDB
from tests.support.peers import Api
from tests.support.server import ROOT

KEY = "3vP_0xJm7QeXn2Kd9tLrWg5bYcHs8uAoZiFh4MqTjEk"
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_mariadb = pytest.mark.parametrize("engine", ["mariadb"], indirect=True)


@dataclass
class Deployment:
    """A folder with a config.py, over the code of this tree."""

    root: Path
    settings: dict[str, object] = field(default_factory=dict)

    def configure(self, **settings: object) -> None:
        """Write config.py anew, with these settings changed."""
        self.settings.update(settings)
        lines = [f"{name} = {value!r}\n" for name, value in self.settings.items() if value is not None]
        self.write("config.py", "".join(lines))

    def write(self, name: str, text: str, mode: int = 0o600) -> None:
        """Write a file of the folder."""
        path = self.root / name
        path.write_text(text)
        path.chmod(mode)

    def examine(self, url: str | None = None, code: Path = ROOT) -> dict[str, Finding]:
        """The findings by their checks."""
        return {finding.check: finding for finding in doctor.examine(url, root=self.root, code=code)}


@pytest.fixture
def deployment(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A good one over the test's database."""
    for name in os.environ:
        if name.startswith("PARTY_"):
            monkeypatch.delenv(name)
    root = tmp_path / "deployed"
    root.mkdir(mode=0o755)
    made = Deployment(root)
    made.configure(**{**GENEROUS, "DATABASE_URL": database_url, "SECRET_KEY": KEY})
    return made


def statuses(findings: dict[str, Finding]) -> dict[str, str]:
    """What is not ok, by its check."""
    return {name: finding.status for name, finding in findings.items() if finding.status != "ok"}


# How it tells


def run(deployment: Deployment, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command itself, with the deployment's settings in the environment."""
    environ = {f"PARTY_{name}": str(value) for name, value in deployment.settings.items()}
    return subprocess.run(
        [sys.executable, "-m", "party", "doctor", *arguments],
        cwd=ROOT,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_report_has_a_line_for_each_check_and_a_status_for_scripts(deployment: Deployment) -> None:
    report = run(deployment)
    assert (report.returncode, report.stderr) == (0, "")
    marks = ("ok", "warning", "failed", "skipped")
    assert len([line for line in report.stdout.splitlines() if line.startswith(marks)]) == len(doctor.INSIDE)
    deployment.configure(SECRET_KEY="change me")
    report = run(deployment)
    assert report.returncode == 1
    assert "failed   secrets           short or easy to guess: SECRET_KEY\n" in report.stdout
    assert report.stdout.endswith(" ok\n")


@on_sqlite
def test_the_report_as_json_is_a_list_of_findings(deployment: Deployment) -> None:
    found = json.loads(run(deployment, "--json").stdout)
    assert [finding["check"] for finding in found] == list(doctor.INSIDE)
    assert all(set(finding) == {"check", "status", "found", "advice"} for finding in found)


@on_sqlite
@pytest.mark.parametrize("url", ["example.org/party", "ftp://example.org", "https://", "http://a:b"])
def test_an_address_that_is_none_is_refused(deployment: Deployment, url: str) -> None:
    report = run(deployment, "--url", url)
    assert report.returncode == 2
    assert "https://example.org/party" in report.stderr


@on_mariadb
def test_a_check_that_breaks_off_is_a_finding_without_secrets(
    deployment: Deployment, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "hunter2%40"
    deployment.configure(DATABASE_URL=database_url.replace(":b@", f":{password}@"))

    def breaks(_: object) -> Result:
        raise ValueError(f"what is {KEY}, or mysql://u:{password}@h, or 'hunter2@'?")

    monkeypatch.setitem(doctor.INSIDE, "proxies", breaks)
    found = deployment.examine()
    assert (
        found["proxies"].found
        == "the check broke off: ValueError: what is ***, or mysql://u:***@h, or '***'?"
    )
    assert found["secrets"].status == "ok"


# This machine


def test_a_good_deployment_is_green_from_inside(deployment: Deployment) -> None:
    found = deployment.examine()
    on_mysql_only = {"character set", "database clock", "grants", "connections"}
    is_sqlite = str(deployment.settings["DATABASE_URL"]).startswith("sqlite")
    assert statuses(found) == (dict.fromkeys(on_mysql_only, "skipped") if is_sqlite else {})


@on_sqlite
def test_the_doctor_makes_nothing(deployment: Deployment) -> None:
    deployment.configure(SECRET_KEY=None, DATABASE_URL="sqlite:///instance/party.sqlite3")
    found = deployment.examine()
    assert (found["secrets"].status, found["database"].status) == ("ok", "failed")
    assert "does not exist" in found["database"].found
    assert [path.name for path in deployment.root.iterdir()] == ["config.py"]


@on_sqlite
@pytest.mark.parametrize(
    ("version", "status"),
    [((3, 9, 20), "failed"), ((3, 10, 0), "ok"), ((3, 13, 9), "ok"), ((3, 14, 0), "warning")],
)
def test_a_python_that_is_not_supported_is_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], status: str
) -> None:
    class Version(tuple[int, int, int]):
        major, minor, micro = version

    # Others look at the true one: only this check is run.
    installation = Installation(deployment.root, ROOT)
    monkeypatch.setattr(sys, "version_info", Version(version))
    result = inside.python(installation)
    monkeypatch.undo()
    assert (result.status, result.found.partition(",")[0]) == (status, ".".join(map(str, version)))


@on_sqlite
def test_a_number_of_proxies_that_nobody_has_is_a_warning(deployment: Deployment) -> None:
    deployment.configure(TRUSTED_PROXIES=127)
    assert statuses(deployment.examine())["proxies"] == "warning"


@on_sqlite
def test_packages_that_are_absent_or_of_another_version_are_named(
    deployment: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "requirements.txt").write_text("flask==3.0.0 # old\nno_such.package==1\n\nclick>=8\n")
    found = deployment.examine(code=tmp_path)["packages"]
    assert (found.status, found.found) == ("failed", "not installed: no_such.package")
    assert "pip install -r" in found.advice
    (tmp_path / "requirements.txt").write_text("flask==3.0.0\nold==1; python_version < '3'\n")
    found = deployment.examine(code=tmp_path)["packages"]
    assert found.status == "warning"
    assert found.found.startswith("not the tested version: flask 3.")


@on_sqlite
def test_settings_that_do_not_load_are_told_and_the_rest_is_examined(deployment: Deployment) -> None:
    deployment.configure(ROMS_PER_HOUR=3)
    found = deployment.examine()
    assert found["settings"].found.startswith("ROMS_PER_HOUR (config.py): there is no such")
    assert (found["Python"].status, found["packages"].status, found["privacy"].status) == ("ok",) * 3
    assert statuses(found)["secrets"] == statuses(found)["database"] == "skipped"


@on_mariadb
def test_a_setting_that_is_missing_does_not_hide_the_database(deployment: Deployment) -> None:
    deployment.configure(SECRET_KEY=None)
    found = deployment.examine()
    assert found["settings"].status == "failed"
    assert found["settings"].found.startswith("SECRET_KEY: required with MySQL")
    assert (found["database"].status, found["grants"].status) == ("ok", "ok")


@on_sqlite
@pytest.mark.parametrize("line", ["SECRET_KEY = {}", "SECRET_KEY = '{}"])
def test_a_broken_config_is_told_by_its_line_and_not_by_its_text(deployment: Deployment, line: str) -> None:
    deployment.write("config.py", "DEMO = True\n" + line.format("hunter2hunter2") + "\n")
    found = deployment.examine()["settings"]
    assert (found.status, found.found.partition(":")[0]) == ("failed", "config.py, line 2")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("secret", "strong"),
    [
        (KEY, True),
        ("9c4e1b7a02d85f63e0a7b91c5d284f6e", True),
        ("mB7r-Qx2VfLw9_KtZpA3Jd", True),
        ("Tr0ub4dor&3", False),
        ("a" * 64, False),
        ("0123456789abcdef" * 4, False),
        ("please-change-this-to-something-random", False),
        ("...", False),
        ("9c4e1b7a02d85f63", False),
    ],
)
def test_secrets_are_long_and_random_or_weak(secret: str, strong: bool) -> None:
    assert is_strong(secret) == strong


@on_sqlite
def test_weak_secrets_are_named_and_not_shown(deployment: Deployment) -> None:
    deployment.configure(METRICS_TOKEN="let me in", TURN_SECRET="coturn", TURN_URLS=["turn:t.example"])
    found = deployment.examine()["secrets"]
    assert (found.status, found.found) == ("failed", "short or easy to guess: METRICS_TOKEN, TURN_SECRET")
    assert "let me in" not in str(found)


@on_sqlite
def test_what_others_can_read_or_write_is_named(deployment: Deployment) -> None:
    deployment.write(".env", "PARTY_DEMO=1\n", mode=0o644)
    deployment.root.chmod(0o775)
    found = deployment.examine()["privacy"]
    assert found.status == "warning"
    assert f"chmod 600 {deployment.root}/.env;" in found.advice
    assert f"chmod go-w {deployment.root} " in found.advice


@on_sqlite
def test_a_file_of_another_owner_stays_readable_for_the_app(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = deployment.root / "config.py"
    config.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(config, 65533, 65533)
    user = 65534 if os.geteuid() == 0 else os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: user)
    found = deployment.examine()["privacy"]
    assert found.found == f"others can read {config}"
    assert "chmod 600" not in found.advice
    assert f"{config} && chmod 640 {config}" in found.advice
    config.chmod(0o640)
    assert deployment.examine()["privacy"].status == "ok"


@on_sqlite
def test_root_is_told_what_lets_the_apps_user_read(deployment: Deployment) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    config = deployment.root / "config.py"
    config.chmod(0o644)
    os.chown(deployment.root, 65534, -1)
    found = deployment.examine()["privacy"]
    assert f"&& chmod 640 {config}" in found.advice
    assert "chmod 600" not in found.advice


@on_sqlite
@pytest.mark.parametrize("name", ["config.py", ".env"])
def test_a_settings_file_that_cannot_be_read_is_told_as_such(deployment: Deployment, name: str) -> None:
    (deployment.root / name).unlink(missing_ok=True)
    (deployment.root / name).mkdir()
    found = deployment.examine()["settings"]
    assert found.found == f"{name}: cannot be read: Is a directory"
    assert "the app's user" in found.advice.lower()


@on_sqlite
def test_folders_that_the_app_cannot_write_are_named(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (deployment.root / "tmp").mkdir()
    instance = deployment.root / "instance"
    instance.mkdir()
    # Root may write everywhere: ask as somebody else would have to.
    monkeypatch.setattr(os, "access", lambda path, mode: bool(path.stat().st_mode & 0o200))
    assert deployment.examine()["writable"].status == "ok"
    instance.chmod(0o500)
    found = deployment.examine()["writable"]
    assert (found.status, found.found) == ("failed", f"cannot be written: {instance}")


@on_sqlite
def test_root_is_asked_to_be_the_user_of_the_app(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() == 0:
        os.chown(deployment.root, 65534, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = deployment.examine()["writable"]
    assert (found.status, found.found.partition(",")[0]) == ("warning", "you are root")


# The database


@on_mariadb
def test_a_database_that_cannot_be_reached_is_told_with_the_reason(
    deployment: Deployment, database_url: str
) -> None:
    for url, reason, advice in (
        (database_url.replace(":b@", ":hunter2@"), "Access denied", "%40"),
        (f"{database_url}_not", "Access denied", "Add the user"),
        ("mysql://u:hunter2@127.0.0.1:1/party", "Can't connect", "unix_socket"),
    ):
        deployment.configure(DATABASE_URL=url)
        found = deployment.examine()
        assert found["database"].status == "failed"
        assert reason in found["database"].found
        assert advice in found["database"].advice
        assert found["schema"].found == found["grants"].found == "the database cannot be reached"
        assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("text", "status", "found"),
    [
        ("8.0.36-0ubuntu0.22.04.1", "ok", "MySQL 8.0.36"),
        ("5.7.44-log", "ok", "MySQL 5.7.44"),
        ("5.6.51", "failed", "MySQL 5.6.51"),
        ("5.5.5-10.6.19-MariaDB-log", "ok", "MariaDB 10.6.19"),
        ("11.4.2-MariaDB", "ok", "MariaDB 11.4.2"),
        ("10.2.44-MariaDB-cll-lve", "failed", "MariaDB 10.2.44-MariaDB-cll-lve"),
    ],
)
def test_a_database_that_is_too_old_is_told(text: str, status: str, found: str) -> None:
    assert judge_version(text)[:2] == (status, found)


@on_mariadb
def test_tables_of_another_engine_or_character_set_are_named(
    deployment: Deployment, empty_database: DatabaseUrls, mariadb: MariaDB
) -> None:
    list(migrate(empty_database.admin))
    deployment.configure(DATABASE_URL=empty_database.app)
    assert deployment.examine()["character set"].status == "ok"
    mariadb.execute(
        "ALTER TABLE party_days ENGINE = MyISAM",
        "ALTER TABLE party_participants MODIFY name VARCHAR(50) CHARACTER SET latin1 NOT NULL",
        "ALTER TABLE party_events MODIFY data MEDIUMTEXT COLLATE utf8mb4_general_ci NOT NULL",
        database="party_empty",
    )
    found = deployment.examine()["character set"]
    assert found.status == "failed"
    for wrong in (
        "party_days is MyISAM",
        "party_participants.name is latin1_swedish_ci",
        "party_events.data is utf8mb4_general_ci",
    ):
        assert wrong in found.found


@on_mariadb
@pytest.mark.parametrize(("seconds", "status"), [(0, "ok"), (-7, "warning"), (3600, "failed")])
def test_clocks_that_differ_are_told(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, seconds: int, status: str
) -> None:
    true = party_clock.now_ms
    monkeypatch.setattr(party_clock, "now_ms", lambda: true() + seconds * 1000)
    assert deployment.examine()["database clock"].status == status


def test_a_schema_that_is_behind_or_edited_is_told(
    deployment: Deployment, empty_database: DatabaseUrls
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    if empty_database.app.startswith("sqlite"):
        Database(empty_database.app).one("SELECT 1")  # makes the file
    found = deployment.examine()
    assert found["schema"].found.startswith("pending: 001_rooms.sql, ")
    assert " -m party migrate" in found["schema"].advice
    assert found["cleanup"].found == "the schema is behind"
    list(migrate(empty_database.admin))
    assert deployment.examine()["schema"].status == "ok"
    admin = Database(empty_database.admin)
    admin.write(lambda tx: tx.run("UPDATE party_schema_migrations SET checksum = 'x' WHERE version = 1"))
    admin.close()
    found = deployment.examine()
    assert found["schema"].status == "failed"
    assert "was edited" in found["schema"].found


def test_a_rollback_past_a_migration_is_no_failure(
    deployment: Deployment, empty_database: DatabaseUrls
) -> None:
    deployment.configure(DATABASE_URL=empty_database.app)
    list(migrate(empty_database.admin))
    admin = Database(empty_database.admin)
    admin.write(
        lambda tx: tx.run(
            "INSERT INTO party_schema_migrations (version, name, checksum, statements_done, applied_at)"
            " VALUES (999, '999_newer.sql', 'x', 1, 1)"
        )
    )
    admin.close()
    found = deployment.examine()["schema"]
    assert (found.status, found.found) == ("warning", "the database is ahead of this release: 999_newer.sql")


@pytest.fixture
def user(mariadb: MariaDB, deployment: Deployment, database_url: str) -> Iterator[Callable[..., None]]:
    """Lets the deployment use another user: `user("SELECT ON party_shared.*", …)` grants it these."""
    name = f"u{secrets.token_hex(4)}"
    account = f"{name}@'127.0.0.1'"

    def make(*rights: str) -> None:
        mariadb.execute(
            f"CREATE OR REPLACE USER {account} IDENTIFIED BY 'b'",
            *(f"GRANT {right.replace(' WITH ', f' TO {account} WITH ')}" if " WITH " in right
              else f"GRANT {right} TO {account}" for right in rights),
        )  # fmt: skip
        deployment.configure(DATABASE_URL=database_url.replace("party_shared_app:", f"{name}:"))

    yield make
    mariadb.execute(f"DROP USER {account}")


FOUR = "SELECT, INSERT, UPDATE, DELETE"
TABLES = [
    table
    for migration in sorted((ROOT / "migrations").glob("*.sql"))
    for table in re.findall(r"^CREATE TABLE (\w+)", migration.read_text(), re.MULTILINE)
]


@on_mariadb
@pytest.mark.parametrize(
    ("rights", "found"),
    [
        ([f"{FOUR} ON `party\\_shared`.*"], None),
        ([f"{FOUR} ON `party_shared`.*"], None),
        (["ALL ON party_shared.*"], "ALL PRIVILEGES"),
        ([f"{FOUR}, CREATE, DROP ON party_shared.*"], "CREATE, DROP"),
        ([f"{FOUR} ON `party\\_%`.*"], "SELECT, INSERT, UPDATE, DELETE on databases like party\\_%"),
        ([f"{FOUR} ON party_shared.*", "FILE, PROCESS ON *.*"], "PROCESS, FILE on every database (*.*)"),
        ([f"{FOUR} ON party_shared.*", "SELECT ON mysql.db"], "SELECT on mysql"),
        ([f"{FOUR} ON party_shared.* WITH GRANT OPTION"], "GRANT OPTION"),
        ([f"{FOUR} ON *.*"], "SELECT, INSERT, UPDATE, DELETE on every database (*.*)"),
    ],
)
def test_a_user_that_may_do_more_than_four_things_is_a_warning(
    deployment: Deployment, user: Callable[..., None], rights: list[str], found: str | None
) -> None:
    user(*rights)
    grants = deployment.examine()["grants"]
    if found is None:
        assert grants.status == "ok"
        return
    assert grants.status == "warning"
    assert grants.found.endswith(f" may do more than it needs: {found}")
    assert "Manage User Privileges" in grants.advice
    # It may be the admin's user, or other programs': nothing is taken away from it.
    assert "REVOKE" not in grants.advice
    assert "as it is" in grants.advice


@on_mariadb
def test_a_right_that_neither_admins_nor_other_programs_need_is_simply_taken_away(
    deployment: Deployment, user: Callable[..., None]
) -> None:
    user(f"{FOUR}, LOCK TABLES ON party_shared.*")
    grants = deployment.examine()["grants"]
    assert (grants.status, grants.found.rpartition(": ")[2]) == ("warning", "LOCK TABLES")
    assert "as it is" not in grants.advice


@on_mariadb
@pytest.mark.parametrize(
    ("rights", "found"),
    [
        (["SELECT ON party_shared.*"], "INSERT, UPDATE, DELETE"),
        (["SELECT, INSERT, UPDATE ON party_shared.*"], "DELETE"),
        (
            [
                "SELECT ON party_shared.*",
                *(f"{FOUR} ON party_shared.{table}" for table in TABLES if table != "party_rate_limits"),
                "INSERT, UPDATE ON party_shared.party_rate_limits",
            ],
            "DELETE on party_rate_limits",
        ),
    ],
)
def test_a_user_that_may_do_less_than_four_things_is_a_failure(
    deployment: Deployment, user: Callable[..., None], rights: list[str], found: str
) -> None:
    user(*rights)
    grants = deployment.examine()["grants"]
    assert grants.status == "failed"
    assert grants.found.endswith(f" may not {found}")


@on_mariadb
def test_what_a_role_allows_counts(
    deployment: Deployment, user: Callable[..., None], mariadb: MariaDB
) -> None:
    mariadb.execute(
        "CREATE ROLE party_four", "CREATE ROLE party_all",
        f"GRANT {FOUR} ON party_shared.* TO party_four", "GRANT ALL ON party_shared.* TO party_all",
    )  # fmt: skip
    try:
        user("party_four")
        name = str(deployment.settings["DATABASE_URL"]).partition("//")[2].partition(":")[0]
        mariadb.execute(f"SET DEFAULT ROLE party_four FOR {name}@'127.0.0.1'")
        assert deployment.examine()["grants"].status == "ok"
        mariadb.execute(f"GRANT party_all TO {name}@'127.0.0.1'")
        assert deployment.examine()["grants"].found.endswith("more than it needs: SET ROLE `party_all`")
        mariadb.execute(f"SET DEFAULT ROLE party_all FOR {name}@'127.0.0.1'")
        assert "ALL PRIVILEGES" in deployment.examine()["grants"].found
    finally:
        mariadb.execute("DROP ROLE party_four", "DROP ROLE party_all")


def test_grants_are_read_as_mysql_writes_them() -> None:
    usage = "GRANT USAGE ON *.* TO 'acct_app'@'localhost' IDENTIFIED BY PASSWORD '*2470C0C06DEE42FD1618BB99'"
    four = "GRANT SELECT, INSERT, UPDATE, DELETE ON `acct\\_party`.* TO `acct_app`@`localhost`"
    assert beyond_four([usage, four], "acct_party") == []
    roles = "GRANT `r1`@`%`,`r2`@`%` TO `acct_app`@`localhost`"
    assert beyond_four([usage, four, roles], "acct_party", "`r1`@`%`") == ["SET ROLE `r2`"]
    assert beyond_four(
        [
            "GRANT SELECT (`a`, `b`), ALTER ON `acct_party`.`party_days` TO `u`@`%`",
            "GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `u`@`%` WITH GRANT OPTION",
            "GRANT EXECUTE ON PROCEDURE `acct_wp`.`p` TO `u`@`%`",
            "GRANT SELECT ON `a``b`.* TO `u`@`%`",
            "GRANT PROXY ON ``@`` TO `u`@`%`",
        ],
        "acct_party",
    ) == [
        "ALTER",
        "BACKUP_ADMIN, CLONE_ADMIN, GRANT OPTION on every database (*.*)",
        "EXECUTE procedures",
        "SELECT on a`b",
        "PROXY",
    ]


@on_mariadb
def test_too_few_connections_for_passenger_are_a_warning(
    deployment: Deployment, user: Callable[..., None]
) -> None:
    user(f"{FOUR} ON party_shared.* WITH MAX_USER_CONNECTIONS 15")
    found = deployment.examine()["connections"]
    assert found.status == "ok"
    assert found.found.startswith("max_user_connections is 15; Passenger: 6 processes x 2 = 12; gunicorn: ")
    user(f"{FOUR} ON party_shared.* WITH MAX_USER_CONNECTIONS 9")
    found = deployment.examine()["connections"]
    assert found.status == "warning"
    assert "at most 4 processes" in found.advice


def test_what_nobody_cleans_up_is_told_with_a_line_for_cron(
    deployment: Deployment, make_app: MakeApp, clock: Clock
) -> None:
    Api.of_app(make_app()).create_room()
    assert deployment.examine()["cleanup"].status == "ok"
    clock.advance(5 * 3600)
    found = deployment.examine()["cleanup"]
    assert found.status == "warning"
    assert "rooms caught up (1), rate limits forgotten (1)" in found.found
    assert f"cd {deployment.root} && {sys.executable} -m party cleanup" in found.advice


# From outside


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[str]:
    """Serve while the block runs: the address."""
    thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


Serve = Callable[..., str]


class Quiet(WSGIRequestHandler):
    """Keeps connections, as real servers do."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(deployment: Deployment, make_app: MakeApp) -> Iterator[Serve]:
    """Serves the app with the deployment's settings, some of them changed: its address."""
    running = []

    def start(tls: Path | None = None, **settings: object) -> str:
        app = make_app(**{**deployment.settings, **settings})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if tls:
            context.load_cert_chain(tls)
        server = make_server(
            "127.0.0.1", 0, app, threaded=True, ssl_context=context if tls else None, request_handler=Quiet
        )
        thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
        thread.start()
        running.append((server, thread))
        return f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


class Proxy(BaseHTTPRequestHandler):
    """A proxy that can do to the headers what badly configured servers do."""

    target = ""
    appends = False
    loses: tuple[str, ...] = ()
    adds: tuple[tuple[str, str], ...] = ()
    redirects_to = ""

    def _pass(self) -> None:
        headers = {name: value for name, value in self.headers.items() if name not in self.loses}
        if self.redirects_to:
            self.send_response(301)
            self.send_header("Location", self.redirects_to + self.path)
            self.end_headers()
            return
        if self.appends:
            before = headers.get("X-Forwarded-For")
            headers["X-Forwarded-For"] = ", ".join(filter(None, [before, self.client_address[0]]))
        connection = HTTPConnection(self.target.removeprefix("http://"), timeout=20)
        body = self.rfile.read(int(headers.get("Content-Length") or 0))
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        self.send_response_only(response.status)
        replaced = [name for name, _ in self.adds]
        for name, value in [*response.getheaders(), *self.adds]:
            if (name, value) in self.adds or name not in replaced:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = do_DELETE = do_OPTIONS = _pass

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxy(target: str = "", **options: object) -> Iterator[str]:
    """A proxy before the app: its address."""
    kind = type("P", (Proxy,), {"target": target, **options})
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), kind)) as url:
        yield url


def test_a_good_deployment_is_green_from_outside(
    deployment: Deployment, server: MakeServer, database_url: str
) -> None:
    deployment.configure(ALLOWED_ORIGINS=["https://a.example", "https://b.example"])
    url = server(
        mount="/party", **{**deployment.settings, "ALLOWED_ORIGINS": "https://a.example https://b.example"}
    ).url
    found = deployment.examine(url)
    assert list(found) == [*doctor.INSIDE, *doctor.OUTSIDE]
    assert {name: found[name] for name in doctor.OUTSIDE if found[name].status != "ok"} == {}
    # Its room has ended.
    rooms = Database(database_url).all("SELECT status FROM party_rooms")
    assert [room["status"] for room in rooms] == ["ended"]


@on_sqlite
def test_a_process_from_before_the_update_is_told(
    deployment: Deployment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outside, "VERSION", "9.9.9")
    found = deployment.examine(serve())["health"]
    assert found.status == "failed"
    assert found.found.endswith("this code is 9.9.9")
    assert "tmp/restart.txt" in found.advice


@on_sqlite
def test_an_address_where_nobody_answers_is_one_failure(deployment: Deployment) -> None:
    found = deployment.examine("http://127.0.0.1:1")
    assert found["health"].status == "failed"
    later = list(doctor.OUTSIDE)[2:]
    assert {found[name].found for name in later} == {"the site cannot be reached"}


@on_sqlite
def test_an_address_that_leads_elsewhere_is_told(deployment: Deployment) -> None:
    with proxy(redirects_to="https://example.org") as url:
        found = deployment.examine(url)
    assert found["health"].found == "it sends us to https://example.org/health"
    assert found["exposure"].status == "skipped"


@on_sqlite
def test_a_service_without_its_database_says_so(deployment: Deployment, serve: Serve) -> None:
    url = serve(DATABASE_URL="mysql://u:p@127.0.0.1:1/party")
    found = deployment.examine(url)
    assert (found["health"].status, found["health"].found) == ("failed", "the service is not well: database")


class Folder(SimpleHTTPRequestHandler):
    """Serves every file of a folder, as a web server does that knows nothing of us."""

    def log_message(self, *_: object) -> None:
        pass


@on_sqlite
def test_files_that_are_served_are_named(deployment: Deployment) -> None:
    deployment.write(".env", "")
    (deployment.root / "party").mkdir()
    handler = partial(Folder, directory=str(deployment.root))
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as url:
        found = deployment.examine(url)
    assert found["health"].status == "failed"
    assert "not Party" in found["health"].found
    assert found["Authorization"].status == "skipped"
    exposed = found["exposure"]
    assert exposed.status == "failed"
    # A folder without its slash is a redirect to what shows it.
    assert "addresses show what they must not: config.py, party, party/, .env, " in exposed.found
    assert "config.example.py" not in exposed.found
    assert ".htaccess" in exposed.advice


@on_sqlite
def test_a_server_that_breaks_instead_of_refusing_is_a_warning(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Folder):
        def do_GET(self) -> None:
            self.send_error(500)

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Broken)) as url:
        found = deployment.examine(url)
    assert (found["health"].status, found["exposure"].status) == ("failed", "warning")
    assert "config.py (500)" in found["exposure"].found


@on_sqlite
def test_a_firewall_that_shuts_the_doctor_out_is_no_exposure(deployment: Deployment) -> None:
    asked = []

    class Firewall(Folder):
        def do_GET(self) -> None:
            asked.append(self.path)
            if len(asked) < 20:
                self.send_error(404)

    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Firewall)) as url:
        found = deployment.examine(url)["exposure"]
    assert found.status == "warning"
    assert "stopped answering" in found.found
    assert len(asked) < 40


@on_sqlite
def test_a_header_that_lets_every_site_in_is_told(deployment: Deployment, serve: Serve) -> None:
    with proxy(serve(), adds=(("Access-Control-Allow-Origin", "*"),)) as url:
        found = deployment.examine(url)["CORS"]
    assert found.status == "failed"
    assert found.found.startswith("any site may call the service")


@on_sqlite
def test_a_configured_site_that_is_not_let_in_is_named(deployment: Deployment, serve: Serve) -> None:
    url = serve()
    deployment.configure(ALLOWED_ORIGINS=["https://a.example"])
    found = deployment.examine(url)["CORS"]
    assert (found.status, found.found) == ("failed", "configured, but not let in: https://a.example")


@on_sqlite
def test_a_token_that_gets_lost_on_the_way_is_told(deployment: Deployment, serve: Serve) -> None:
    with proxy(serve(), loses=("Authorization",)) as url:
        found = deployment.examine(url)
    assert found["Authorization"].found == "the header gets lost before the app"
    assert "SetEnvIf Authorization" in found["Authorization"].advice


@pytest.mark.parametrize(
    ("trusted", "proxies", "status", "text"),
    [
        (0, 0, "ok", "counted for 127.0.0."),
        (1, 1, "ok", "counted for 127.0.0."),
        (1, 0, "failed", "whoever makes up an X-Forwarded-For"),
        (2, 1, "failed", "whoever makes up an X-Forwarded-For"),
        (0, 1, "failed", "all visitors share one limit"),
        (1, 2, "failed", "all visitors share one limit"),
    ],
)
def test_trusted_proxies_that_are_wrong_are_told(
    deployment: Deployment, serve: Serve, trusted: int, proxies: int, status: str, text: str
) -> None:
    deployment.configure(TRUSTED_PROXIES=trusted)
    url = serve()
    if proxies == 0:
        found = deployment.examine(url)["client address"]
    elif proxies == 1:
        with proxy(url, appends=True) as front:
            found = deployment.examine(front)["client address"]
    else:
        with proxy(url, appends=True) as inner, proxy(inner, appends=True) as front:
            found = deployment.examine(front)["client address"]
    assert found.status == status
    assert text in found.found


@on_sqlite
def test_without_the_database_the_forged_address_is_still_tried(
    deployment: Deployment, serve: Serve, database_url: str
) -> None:
    urls = [serve(TRUSTED_PROXIES=number) for number in (0, 1)]
    deployment.configure(DATABASE_URL=f"{database_url}-elsewhere")
    found = [deployment.examine(url)["client address"].status for url in urls]
    assert found == ["ok", "failed"]


@on_sqlite
@pytest.mark.parametrize(("seconds", "status"), [(-30, "warning"), (7200, "failed")])
def test_a_server_with_another_time_is_told(
    deployment: Deployment, serve: Serve, seconds: int, status: str
) -> None:
    date = email.utils.formatdate(time.time() + seconds, usegmt=True)
    with proxy(serve(), adds=(("Date", date),)) as url:
        assert deployment.examine(url)["server clock"].status == status


@on_sqlite
def test_polls_that_take_long_are_a_warning(
    deployment: Deployment, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polls, "SLOW_SECONDS", 0)
    found = deployment.examine(serve())["poll latency"]
    assert found.status == "warning"
    assert "Resource Usage" in found.advice


@on_sqlite
def test_a_limit_that_is_used_up_is_no_failure(deployment: Deployment, serve: Serve) -> None:
    url = serve(ROOMS_PER_HOUR=1, LOOKS_PER_MINUTE=1)
    deployment.configure(ROOMS_PER_HOUR=1, LOOKS_PER_MINUTE=1)
    for _ in range(2):
        found = deployment.examine(url)
    assert found["poll latency"].status == found["client address"].status == "skipped"


# Certificates


Certificate = Callable[..., Path]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    """Makes a certificate from an authority that this process trusts, unless that is not wanted."""

    def make(days: float, host: str = "127.0.0.1", trusted: bool = True) -> Path:
        made = certificates.make(tmp_path / "tls", host, days)
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        return made.server

    return make


@on_sqlite
def test_a_good_certificate_is_green_and_one_that_ends_soon_a_warning(
    deployment: Deployment, serve: Serve, certificate: Certificate
) -> None:
    found = deployment.examine(serve(tls=certificate(days=90.1)))
    assert {name: found[name] for name in doctor.OUTSIDE if found[name].status != "ok"} == {}
    assert "good for 90 days" in found["TLS"].found
    found = deployment.examine(serve(tls=certificate(days=5)))
    assert (found["TLS"].status, found["health"].status) == ("warning", "ok")


@on_sqlite
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"days": 90, "trusted": False}, "unable to get local issuer certificate"),
        ({"days": 90, "host": "other.example"}, "IP address mismatch"),
        ({"days": -0.5}, "certificate has expired"),
    ],
)
def test_a_wrong_certificate_is_one_failure(
    deployment: Deployment,
    serve: Serve,
    certificate: Certificate,
    options: dict[str, object],
    reason: str,
) -> None:
    found = deployment.examine(serve(tls=certificate(**options)))
    assert found["TLS"].status == "failed"
    assert reason in found["TLS"].found
    later = list(doctor.OUTSIDE)[1:]
    assert {found[name].found for name in later} == {"the certificate is wrong"}


@on_sqlite
def test_plain_http_that_is_answered_beside_https_is_a_warning(
    deployment: Deployment, serve: Serve, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    secure, plain = serve(tls=certificate(days=90)), serve()
    ports = [int(url.rpartition(":")[2]) for url in (secure, plain)]
    monkeypatch.setitem(outside.PLAIN_PORTS, *ports)
    found = deployment.examine(secure)["TLS"]
    assert found.status == "warning"
    assert "Force HTTPS Redirect" in found.advice
    with proxy(redirects_to=secure) as redirecting:
        monkeypatch.setitem(outside.PLAIN_PORTS, ports[0], int(redirecting.rpartition(":")[2]))
        assert deployment.examine(secure)["TLS"].status == "ok"
