"""Who came, how often again, what was played: right over a month that is known, and after crashes."""

import csv
import io
import json
import threading
from contextlib import suppress
from typing import Any

import pytest
import requests
from flask import Flask

from party.db import Database, Row
from party.history import days
from party.ops import statistics
from party.ops.cleanup import clean
from party.web import tokens
from tests.conftest import Clock, MakeApp, MakeServer
from tests.ops.test_commands import output, run
from tests.support.peers import Api, Seat

HOUR, DAY = 3600, 24 * 3600
MONTH = 30


def device(name: str) -> str:
    """A device's id, as its page made it."""
    return f"{name:_<16}"


def one(database: Database, sql: str, **parameters: object) -> Row:
    found = database.one(sql, **parameters)
    assert found is not None
    return found


def live_a_day(client: Api, clock: Clock, n: int) -> str:
    """A room with its host, a regular, somebody new, and somebody without a device who leaves: its code.

    Of three days one game comes to its end, one is left by its host, and one is never started.
    """
    host = client.create_room(gameType="chess" if n % 2 else "quiz", deviceId=device("host"), hostId="host")
    regular = client.join(host.code, participantId="regular", deviceId=device("regular"))
    for _ in range(2):
        regular = Seat(client, regular.call("POST", "/rejoin").data)
    client.join(host.code, deviceId=device(f"new{n}"))
    client.join(host.code).call("POST", "/leave")
    if n % 3 < 2:
        assert host.call("POST", "/start").data["status"] == "playing"
        clock.advance(10 * 60)
        for seat in (host, regular):
            seat.poll()
        host.call("POST", "/end" if n % 3 == 0 else "/leave")
    return host.code


def pass_time(app: Flask, clock: Clock, seconds: float) -> None:
    """Let so much time pass, and cron come once at its end."""
    clock.advance(seconds)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)


@pytest.mark.needs("quiz")
def test_a_month_is_counted_as_it_was(make_app: MakeApp, clock: Clock) -> None:
    first = clock.now
    for n in range(MONTH):
        if n % 10 == 0:
            app = make_app(HISTORY_DAYS=10)
        code = live_a_day(Api.of_app(app), clock, n)
        pass_time(app, clock, 5 * HOUR)
        pass_time(app, clock, (first - clock.now) / 1000 + (n + 1) * DAY)
    database = app.extensions["party.database"]

    with app.app_context():
        found = {row["day"]: dict(row) for row in statistics.with_features(database, clock.now)}
        regular = tokens.keyed(f"device {device('regular')}")
    assert len(found) == MONTH
    for n, day in enumerate(sorted(found)):
        row: dict[str, Any] = found[day]
        assert (row["sessions"], row["devices"], row["returning_devices"]) == (4, 3, 2 if n else 0)
        game = "game.chess" if n % 2 else "game.quiz"
        played = {0: (1, 1, 1, 10), 1: (1, 0, 0, 10), 2: (0, 0, 0, 0)}[n % 3]
        columns = ("started", "completed", "completion_rate", "minutes")
        assert tuple(row[f"{game}.{column}"] for column in columns) == played
        assert (row[f"{game}.opened"], row[f"{game}.members"]) == (1, 4)

    # What is older than HISTORY_DAYS has gone; the sums of its day have not.
    newest = "SELECT MAX(ended_at) AS at FROM party_sessions WHERE device_hash = :hash"
    assert days.device(database, regular) == {
        "sessions": 10,
        "reconnections": 20,
        "days": 10,
        "first_seen_at": first + 20 * DAY * 1000,
        "last_seen_at": one(database, newest, hash=regular)["at"],
    }
    room = one(database, "SELECT room_id, game_type FROM party_games WHERE code = :code", code=code)
    assert room["game_type"] == "chess"
    sessions = days.sessions_in(database, room["room_id"])
    # The last room was not started, and nobody came any more; but one had left before.
    assert [row["outcome"] for row in sessions] == ["timeout"] * 3 + ["left"]
    assert [row["rejoins"] for row in sessions] == [0, 2, 0, 0]
    assert days.active_sessions(database) == 0
    live_a_day(Api.of_app(app), clock, 2)
    assert days.active_sessions(database) == 3
    metrics = Api.of_app(app).request("GET", "/metrics").text
    counts = {"sessions_active": 3, "sessions_today": 4, "devices_today": 3, "returning_devices_today": 2}
    for name, count in counts.items():
        assert f"party_{name} {count}.0" in metrics
    assert f'party_games_total{{game_type="chess",outcome="opened"}} {MONTH // 2}.0' in metrics


def test_statistics_come_for_people_for_programs_and_for_spreadsheets(
    make_app: MakeApp, clock: Clock, database_url: str
) -> None:
    client = Api.of_app(make_app())
    client.join(client.create_room(gameType="go").code).call("POST", "/leave")
    shown = {
        option: output(run("stats", *filter(None, [option]), database_url=database_url))
        for option in ("", "--json", "--csv")
    }
    (*_, day) = json.loads(shown["--json"])
    assert (day["day"], day["rooms"], day["sessions"]) == ("2026-01-09", 1, 2)
    *_, row = csv.DictReader(io.StringIO(shown["--csv"]))
    assert (row["day"], row["rooms"], row["sessions"]) == ("2026-01-09", "1", "2")
    header, *_, line = (text.split() for text in shown[""].splitlines())
    assert dict(zip(header, line, strict=True))["sessions"] == "2"


def test_switched_off_nothing_is_noted_and_what_there_was_goes(make_app: MakeApp, clock: Clock) -> None:
    Api.of_app(make_app()).create_room().call("POST", "/end")
    app = make_app(HISTORY_DAYS=0)
    database = app.extensions["party.database"]
    client = Api.of_app(app)
    host = client.create_room()
    client.join(host.code)
    host.call("POST", "/end")
    pass_time(app, clock, 1)
    assert database.all("SELECT id FROM party_sessions") == []
    assert database.all("SELECT room_id FROM party_games") == []


def test_after_crashes_everybody_has_a_session_and_nobody_two(server: MakeServer, database_url: str) -> None:
    running = server(workers=2)
    api = Api.of_url(running.url)
    host = api.create_room(maxParticipants=50)
    stop = threading.Event()

    def come() -> None:
        while not stop.is_set():
            with suppress(requests.RequestException, KeyError, AssertionError):
                api.join(host.code).call("POST", "/rejoin")

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    database = Database(database_url)
    for kills in range(3):
        while one(database, "SELECT COUNT(*) AS n FROM party_sessions")["n"] < 4 * (kills + 1):
            stop.wait(0.02)
        running.kill_worker()
    stop.set()
    for thread in threads:
        thread.join()
    members = database.all("SELECT participant_id FROM party_participants ORDER BY participant_id")
    sessions = database.all("SELECT participant_id FROM party_sessions ORDER BY participant_id")
    assert members == sessions
    rejoined = one(database, "SELECT COUNT(*) AS n FROM party_events WHERE type = 'participant-rejoined'")
    assert rejoined["n"] == int(one(database, "SELECT SUM(rejoins) AS n FROM party_sessions")["n"])


# A room's events, for its host


def test_the_host_reads_what_happened_for_as_long_as_there_is_the_room(client: Api, host: Seat) -> None:
    guest = client.join(host.code, participantId="guest")
    for name in range(201):
        guest.call("POST", "/rename", {"name": f"N{name}"})
    guest.call("POST", "/leave")
    host.call("POST", "/end")
    seen, after, pages, more = [], 0, 0, True
    while more:
        data = host.call("GET", f"/events?after={after}").data
        seen += data["events"]
        pages += 1
        after, more = data["seq"], data["more"]
    assert pages == 2
    types = [event["type"] for event in seen]
    assert types == ["participant-joined", *["participant-renamed"] * 201, "participant-left", "room-ended"]
    assert [event["seq"] for event in seen] == sorted({event["seq"] for event in seen})
    assert seen[0]["payload"]["participant"]["id"] == "guest"
    assert host.call("GET", f"/events?after={after}").data == {"events": [], "seq": after, "more": False}
    for bad in ("-1", "x", "1.5", ""):
        assert host.call("GET", f"/events?after={bad}").code == "BAD_CURSOR"


def test_nobody_but_the_host_reads_it(client: Api, host: Seat, guest: Seat) -> None:
    assert guest.call("GET", "/events").code == "HOST_ONLY"
    assert client.request("GET", f"/rooms/{host.code}/events").code == "TOKEN_REQUIRED"
    other = client.create_room()
    assert client.request("GET", f"/rooms/{host.code}/events", token=other.token).code == "NOT_A_MEMBER"
