"""`python -m party cleanup` and `stats`, as cron and the admin run them. (`migrate`: test_migrate.py.)"""

import os
import re
import subprocess
import sys

import pytest

from party.db import Database
from party.ops.cleanup import clean
from tests.conftest import Clock, MakeApp
from tests.support.peers import Api
from tests.support.server import ROOT

DAY = 24 * 3600


def run(*arguments: str, database_url: str) -> "subprocess.Popen[str]":
    """Start a command over this database, at the true time."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARTY_")}
    return subprocess.Popen(
        [sys.executable, "-m", "party", *arguments],
        cwd=ROOT,
        env=environment | {"PARTY_DATABASE_URL": database_url, "PARTY_SECRET_KEY": "s"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def output(process: "subprocess.Popen[str]") -> str:
    """What a command prints if it succeeds."""
    printed, complaints = process.communicate(timeout=60)
    assert (process.returncode, complaints) == (0, "")
    return printed


def counts(line: str) -> dict[str, int]:
    """`rooms purged: 3, …` as a dict."""
    return {name: int(count) for name, count in re.findall(r"([a-z ]+): (\d+)", line.replace(", ", ",\n"))}


@pytest.fixture
def past(make_app: MakeApp, clock: Clock) -> Api:
    """An app whose clock stands where everything it does is long over by now."""
    return Api.of_app(make_app(LOOKS_PER_MINUTE=3))


def test_cleanup_ends_drops_purges_and_forgets(past: Api, clock: Clock, database_url: str) -> None:
    ended = past.create_room()
    past.join(ended.code)
    ended.call("DELETE")
    forgotten = past.create_room()
    guest = past.join(forgotten.code)
    forgotten.send(guest)
    past.create_room()
    done = counts(output(run("cleanup", "--verbose", database_url=database_url)))
    # The ended room, too, where it was not purged before: the jobs have no order.
    assert done["rooms caught up"] in (2, 3)
    expected = {"rooms purged": 1, "rate limits forgotten": 4}
    assert {name: count for name, count in done.items() if name in expected} == expected
    database = Database(database_url)
    assert database.all("SELECT id FROM party_rooms WHERE status <> 'ended'") == []
    assert len(database.all("SELECT id FROM party_rooms")) == 2
    assert database.all("SELECT * FROM party_signaling") == []
    assert database.all("SELECT * FROM party_rate_limits") == []
    assert set(counts(output(run("cleanup", "-v", database_url=database_url))).values()) == {0}


def test_cleanup_says_nothing_that_cron_would_send_a_mail_of(past: Api, database_url: str) -> None:
    past.create_room()
    assert output(run("cleanup", database_url=database_url)) == ""
    assert Database(database_url).all("SELECT id FROM party_rooms WHERE status = 'waiting'") == []


def test_cleanups_that_run_at_once_share_the_work(past: Api, clock: Clock, database_url: str) -> None:
    for n in range(30):
        host = past.create_room()
        if n % 2:
            host.call("DELETE")
    cleanups = [run("cleanup", "--verbose", database_url=database_url) for _ in range(4)]
    done = [counts(output(cleanup)) for cleanup in cleanups]
    database = Database(database_url)
    assert sum(each["rooms purged"] for each in done) == 15
    assert len(database.all("SELECT id FROM party_rooms WHERE status = 'ended'")) == 15
    (events,) = database.all("SELECT COUNT(*) AS n FROM party_events WHERE type = 'room-ended'")
    assert events["n"] == 15
    (day,) = database.all("SELECT * FROM party_days")
    assert day["rooms"] == 15


def test_stats_are_a_table_by_day_that_outlives_the_rooms(
    make_app: MakeApp, clock: Clock, database_url: str
) -> None:
    app = make_app(LOOKS_PER_MINUTE=2)
    client = Api.of_app(app)
    host = client.create_room()
    guest = client.join(host.code)
    host.send_batch([{"toId": guest.id, "type": "ice", "payload": {}}] * 3)
    guest.send(host)
    guest.read()
    guest.poll(guest.seq)
    client.join(host.code)
    client.request("GET", f"/rooms/{host.code}")  # one too many
    clock.advance(DAY)
    client.create_room()
    header = ["day", "rooms", "members", "joins", "signals", "rate_limited"]
    assert table(database_url) == [
        header,
        ["2026-01-10", "1", "1", "0", "0", "0"],
        ["2026-01-09", "1", "3", "2", "4", "1"],
    ]
    clock.advance(3 * DAY)
    for _ in range(2):  # ended, and a day later purged
        with app.app_context():
            clean(app.extensions["party.database"], clock.now)
        clock.advance(2 * DAY)
    assert Database(database_url).all("SELECT id FROM party_rooms") == []
    assert [row for row in table(database_url) if row[0] < "2026-01-11"] == [
        ["2026-01-10", "1", "1", "0", "0", "0"],
        ["2026-01-09", "1", "3", "2", "4", "1"],
    ]


def table(database_url: str) -> list[list[str]]:
    """The rows that `stats` prints, without what features add."""
    return [line.split()[:6] for line in output(run("stats", database_url=database_url)).splitlines()]


@pytest.mark.parametrize("command", ["cleanup", "stats"])
def test_commands_say_in_one_line_what_is_wrong(tmp_path: object, command: str) -> None:
    for url, line in (
        ("mysql://u:hunter2@127.0.0.1:1/party", r"party: the database cannot be reached: .*\n"),
        (f"sqlite:///{tmp_path}/empty.sqlite3", r"party: the database schema is behind: run .*\n"),
        ("nonsense", r"party: DATABASE_URL \(environment\): .*\n"),
    ):
        process = run(command, database_url=url)
        printed, complaints = process.communicate(timeout=60)
        assert process.returncode == 1
        assert printed == ""
        assert re.fullmatch(line, complaints.splitlines(keepends=True)[-1])
        assert "hunter2" not in complaints
        assert "Traceback" not in complaints
