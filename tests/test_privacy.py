"""What is kept of people is documented, is theirs to have and to be forgotten, and goes by itself."""

import json
import re

import pytest
from flask import Flask

from party.db import Database
from party.ops import personal
from party.ops.cleanup import clean
from party.ops.doctor.tables import expected
from tests.conftest import Clock, MakeApp
from tests.ops.test_commands import run
from tests.support.features import installed
from tests.support.peers import Api, Seat
from tests.support.server import ROOT

# Columns that say nothing of a person, whichever table they are in. Another column is described in
# docs/privacy.md, or is added here by whoever has thought about it.
IMPERSONAL = set(
    """
    acked_seq after_quiz applied_at approval asked_role auto_advance back_off bans bytes changes
    checksum closed_at completed counter created_at current_question day devices due_at elapsed_ms
    elder_seq ended_at expired_seq expires_at finished_at from_id game_type height host_gone id
    incarnation is_return joined_seq joins late_until listed locked lost max_participants member_id
    members members_seq moved_at negotiated_at noted_at opened opened_at outcome pause_ms
    payload_bytes played_ms polls presence process question rate_limited reason refused rejoins
    relayed_at returning_devices role room_id rooms round seat seats seconds_per_question sends seq
    sessions shared_state signals silent_seq since_seq skipped skipped_after started started_at
    state_uuid statements_done status to_id total ttl_ms type uses version visible_to width
    younger_seq
    """.split()
)
NAMED_OTHERWISE = {"party_schema_migrations.name", "party_php_signals.code", "party_rooms.code"}
DEVICE = "a-device-of-anns-own"


def test_every_column_that_can_be_about_a_person_is_documented() -> None:
    text = (ROOT / "docs/privacy.md").read_text()
    documented = set(re.findall(r"`(party_\w+\.\w+)`", text))
    columns = {f"{table}.{column}" for table, names in expected().columns.items() for column in names}
    said = {name for name in columns if name.partition(".")[2] in IMPERSONAL} | NAMED_OTHERWISE | documented
    assert columns - said == set(), "describe these in docs/privacy.md, or add them to IMPERSONAL"
    # Features may have been removed.
    tables = {name.partition(".")[0] for name in columns}
    assert {name for name in documented - columns if name.partition(".")[0] in tables} == set()


@pytest.fixture
def ann(app: Flask, clock: Clock) -> Seat:
    """Somebody who does in a room what leaves something behind."""
    client = Api.of_app(app)
    host = client.create_room("Hugo", hostId="hugo")
    ann = client.join(host.code, "Ann Example", participantId="ann-of-example", deviceId=DEVICE)
    ann.call("POST", "/rename", {"name": "Annabel Example"})
    ann.send("hugo", {"candidate": "203.0.113.77"})
    if installed("messages"):
        ann.call("POST", "/messages", {"type": "text", "content": "Call me at 555 0100"})
    return ann


HERS = ("Example", "ann-of-example", "203.0.113.77", "555 0100")


def dump(app: Flask) -> str:
    """All that is in the database, as text."""
    database: Database = app.extensions["party.database"]
    rows = []
    for table, columns in sorted(expected().columns.items()):
        rows += database.all(f"SELECT {', '.join(sorted(columns))} FROM {table}")
    return json.dumps(rows, default=str, ensure_ascii=False)


def test_a_person_gets_what_is_kept(app: Flask, ann: Seat, database_url: str) -> None:
    database = app.extensions["party.database"]
    with app.app_context():
        of_device = personal.export(database, personal.traces(database, device_id=DEVICE))
        of_participant = personal.export(database, personal.traces(database, participant_id=ann.id))
        of_room = personal.export(database, personal.traces(database, ann.code.lower()))
        nobody = personal.traces(database, participant_id="ann")
    assert of_device == of_participant
    for found in (of_device, of_room):
        text = json.dumps(found, ensure_ascii=False)
        assert [hers for hers in HERS if hers in dump(app) and hers not in text] == []
    assert "hugo" in json.dumps(of_room)
    assert "party_rooms" not in of_device[0]
    assert "_hash" not in json.dumps(of_room)
    assert nobody == []


@pytest.mark.parametrize("way", ["device", "participant", "room", "ended room"])
def test_a_person_is_forgotten(app: Flask, ann: Seat, clock: Clock, way: str) -> None:
    database = app.extensions["party.database"]
    client = Api.of_app(app)
    other = client.create_room("Olga", hostId="olga")
    if way == "ended room":
        with app.app_context():
            client.request("GET", f"/rooms/{ann.code}")
            clock.advance(3 * 3600)
            clean(database, clock.now)
            (trace,) = personal.traces(database, participant_id=ann.id)
            list(personal.forget(database, clock.now, [trace]))
    else:
        wanted = {"device": (None, None, DEVICE), "participant": (ann.code, ann.id), "room": (ann.code,)}[way]
        with app.app_context():
            assert list(personal.forget(database, clock.now, personal.traces(database, *wanted)))
        assert ann.poll().status in (401, 403)
    left = dump(app)
    # In a room that goes on the others must learn who has left.
    expected_left = ["ann-of-example"] if way in ("device", "participant") else []
    assert [hers for hers in HERS if hers in left] == expected_left
    if way in ("device", "participant"):
        clock.advance(3 * 3600)
        with app.app_context():
            clean(database, clock.now)
            clock.advance(25 * 3600)
            clean(database, clock.now)
        assert [hers for hers in HERS if hers in dump(app)] == []
    else:
        assert "Olga" in left
        assert other.id in left


def test_after_its_time_nothing_is_left_of_a_day(
    make_app: MakeApp, ann: Seat, clock: Clock, app: Flask
) -> None:
    ann.poll()
    with app.app_context():
        for hours in (2.1, 24.1, 30 * 24):
            clock.advance(hours * 3600)
            clean(app.extensions["party.database"], clock.now)
    left = dump(app)
    assert [hers for hers in (*HERS, "Hugo", "hugo", ann.code) if hers in left] == []
    assert "127.0.0.1" not in left
    if installed("history"):
        sums = next(row for row in json.loads(left) if "devices" in row)
        assert {"sessions": 2, "devices": 1}.items() <= sums.items()


def test_signals_go_where_nobody_comes(app: Flask, ann: Seat, clock: Clock) -> None:
    clock.advance(121)
    with app.app_context():
        clean(app.extensions["party.database"], clock.now)
    assert "203.0.113.77" not in dump(app)


# The same as commands, and those that look into a running service.


def told(database_url: str, *arguments: str) -> tuple[int | None, str, str]:
    process = run(*arguments, database_url=database_url)
    printed, complaints = process.communicate(timeout=60)
    return process.returncode, printed, complaints


def test_an_admin_looks_at_rooms_without_names_and_ends_one(app: Flask, database_url: str) -> None:
    client = Api.of_app(app)
    # Its time is the present, as the commands' is.
    host = client.create_room("Hugo", name="Secret club", gameType="chess")
    client.join(host.code, "Ann Example")
    status, printed, _ = told(database_url, "rooms")
    assert status == 0
    assert host.code in printed
    assert "2 members" in printed
    status, shown, _ = told(database_url, "room", host.code.lower())
    assert json.loads(shown)["members"] == {"host online": 1, "player online": 1}
    for name in ("Hugo", "Ann", "Secret"):
        assert name not in printed + shown
    assert "Ann Example" in told(database_url, "room", host.code, "--names")[1]
    assert told(database_url, "end", host.code)[0] == 0
    assert host.poll().data["messages"][-1]["type"] == "room-ended"
    assert told(database_url, "end", "QQQQQQ") == (1, "", "party: there is no such room\n")
    assert "Ann Example" in told(database_url, "export", host.code)[1]
    assert told(database_url, "forget", "--room", host.code)[0] == 0
    assert told(database_url, "export", host.code)[0] == 1
    assert told(database_url, "export")[0] == 2
