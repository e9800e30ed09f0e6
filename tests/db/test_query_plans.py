"""How the databases find what polls, sends and cleaning ask for: by an index, in the room's own rows.

What the app says in the course of a room's life is written down and explained by the database among
thousands of other rooms, so that its optimizer has a choice.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from party.db import Database
from party.db.engines import Result, Statement
from party.ops.cleanup import clean
from party.polling import heartbeats, notifier, room_cache
from tests.conftest import Clock, MakeApp
from tests.support.features import installed
from tests.support.peers import Api, Seat
from tests.support.php import Php

ROOMS = 3000
ROOMS_AT_ONCE = 50  # SQLite takes long to find each of thousands of names
MEMBERS = 2
HOUR = 3600
# A plan may read so many rows of one table: of a room, or of the rooms that it was asked for.
SOME_ROWS = 250


@pytest.fixture
def full(make_app: MakeApp, clock: Clock, engine: str, request: pytest.FixtureRequest) -> Flask:
    """An app over thousands of rooms with members, signals, message ids and events."""
    app = make_app(LONG_POLL_SECONDS=1, LEGACY_PHP_PATHS=True)
    database: Database = app.extensions["party.database"]
    now = clock.now
    # Most are old: ended or not, with times that are not the app's present.
    for start in range(1, ROOMS, ROOMS_AT_ONCE):
        fill(database, range(start, start + ROOMS_AT_ONCE), now - 20 * HOUR * 1000)
    if engine == "mariadb":
        analyze = f"ANALYZE TABLE {', '.join(tables())}"
        request.getfixturevalue("mariadb").execute(analyze, database="party_shared")
    else:
        database.write(lambda tx: tx.run("ANALYZE"))
    return app


TABLES = (
    "rooms",
    "participants",
    "signaling",
    "sent",
    "events",
    "bans",
    "dead_tokens",
    "rate_limits",
)
TABLES_OF_FEATURES = {
    "quiz": ("quizzes", "questions", "answers", "scores"),
    "php_paths": ("php_rooms", "php_signals"),
    "messages": ("messages",),
    "history": ("sessions", "games"),
}


def tables() -> list[str]:
    """Those of the core and of the features that are installed."""
    features = (names for feature, names in TABLES_OF_FEATURES.items() if installed(feature))
    return [f"party_{name}" for names in (TABLES, *features) for name in names]


def fill(database: Database, numbers: range, at: int) -> None:
    """Rooms with these numbers, which are far from those that the app gives."""

    def insert(tx: Any) -> None:
        ids = [1_000_000 + n for n in numbers]
        times = {"created_at": at, "expires_at": at + 10**9}
        tx.insert_many(
            "party_rooms",
            [
                {
                    "id": id,
                    "code": f"#{id % 100_000:05d}",
                    "status": ("ended", "waiting", "playing")[id % 3],
                    "host_id": "m0",
                    "max_participants": 20,
                    "seq": 5,
                    "negotiated_at": at,
                    "due_at": at + 10**9 + id if id % 3 else None,
                    "listed": id % 2,
                    "game_type": f"game-{id % 5}",
                    "ended_at": None if id % 3 else at,
                    "moved_at": at + id,
                    **times,
                }
                for id in ids
            ],
        )
        seats = [(id, n) for id in ids for n in range(MEMBERS)]
        tx.insert_many(
            "party_participants",
            [
                {
                    "id": id * 10 + n,
                    "room_id": id,
                    "participant_id": f"m{n}",
                    "name": "M",
                    "role": "player" if n else "host",
                    "token_hash": f"token {id} {n}",
                    "retry_key_hash": f"key {id} {n}",
                    "joined_at": at,
                    "joined_seq": 1,
                    "last_seen_at": at,
                    "acked_seq": 1,
                }
                for id, n in seats
            ],
        )
        tx.insert_many(
            "party_signaling",
            [
                {
                    "room_id": id,
                    "to_id": id * 10 + n,
                    "seq": 2 + n,
                    "from_id": id * 10 + 1 - n,
                    "type": "ice",
                    "payload": "{}",
                    "payload_bytes": 2,
                    **times,
                }
                for id, n in seats
            ],
        )
        tx.insert_many(
            "party_sent",
            [
                {"token_hash": f"token {id} {n}", "client_msg_id": "x", "room_id": id, "seq": 2 + n}
                for id, n in seats
            ],
        )
        tx.insert_many(
            "party_dead_tokens",
            [{"token_hash": f"dead {id} {n}", "room_id": id, "reason": "left"} for id, n in seats],
        )
        tx.insert_many("party_bans", [{"room_id": id, "participant_id": f"b{n}"} for id, n in seats])
        tx.insert_many(
            "party_events",
            [
                {"room_id": id, "seq": 4 + n, "type": "tested", "data": "{}", "created_at": at}
                for id, n in seats
            ],
        )
        if installed("quiz"):
            tx.insert_many(
                "party_questions", [{"room_id": id, "question": n + 1, "opened_at": at} for id, n in seats]
            )
            tx.insert_many(
                "party_answers",
                [
                    {"room_id": id, "question": 0, "member_id": id * 10 + n, "points": 10, "score": 10}
                    for id, n in seats
                ],
            )
            tx.insert_many(
                "party_quizzes",
                [{"room_id": id, "quiz_data": "{}", "seconds_per_question": 30} for id in ids],
            )
            tx.insert_many(
                "party_scores", [{"room_id": id, "member_id": id * 10 + n, "score": 10} for id, n in seats]
            )
        if installed("messages"):
            tx.insert_many(
                "party_messages",
                [
                    {
                        "room_id": id,
                        "seq": 4,
                        "member_id": id * 10,
                        "created_at": at,
                        "expires_at": at + 10**9 + id,
                    }
                    for id in ids
                ],
            )
        if installed("history"):
            # Of days that are not summed here: that reads all of a day.
            later = at + 10**11
            tx.insert_many(
                "party_sessions",
                [
                    {
                        "room_id": id,
                        "participant_id": f"m{n}",
                        "device_hash": f"{id} {n}",
                        "started_at": later,
                    }
                    for id, n in seats
                ],
            )
            game = {"code": "x", "game_type": "", "opened_at": at, "completed": 0, "members": 2}
            tx.insert_many("party_games", [{"room_id": id, "ended_at": later, **game} for id in ids])
        if installed("php_paths"):
            tx.insert_many("party_php_rooms", [{"room_id": id} for id in ids])
            tx.insert_many(
                "party_php_signals",
                [
                    {
                        "code": f"#{id % 100_000:05d}",
                        "to_id": f"m{n}",
                        "from_id": "m0",
                        "type": "ice",
                        "payload": "{}",
                        "payload_bytes": 2,
                        "address_hash": f"address {id}",
                        "created_at": at,
                        "expires_at": at + 10**9 + id,
                    }
                    for id, n in seats
                ],
            )
        tx.insert_many(
            "party_rate_limits",
            [{"key_hash": f"key {id}", "hits": "[]", "expires_at": at + 10**9 + id} for id in ids],
        )

    database.write(insert)


Said = list[tuple[str, dict[str, Any] | None]]


@contextmanager
def statements(app: Flask) -> Iterator[Said]:
    """What the app says to its database meanwhile."""
    engine = app.extensions["party.database"].engine
    said: Said = []
    execute = engine.execute

    def note(connection: Any, spoken: Sequence[Statement]) -> list[Result]:
        said.extend(spoken)
        results: list[Result] = execute(connection, spoken)
        return results

    engine.execute = note
    try:
        yield said
    finally:
        del engine.execute


def complaints(database: Database, said: Said) -> list[str]:
    """The statements whose plans are bad, each once, with what is bad."""
    found = []
    explain = explain_mariadb if database.engine.name == "mysql" else explain_sqlite
    for sql, parameters in {sql: (sql, parameters) for sql, parameters in said}.values():
        if re.match(r"\s*(SELECT|UPDATE|DELETE)", sql):
            found += [
                f"{' '.join(sql.split())[:300]} ... {bad}" for bad in explain(database, sql, parameters)
            ]
    return found


def explain_mariadb(database: Database, sql: str, parameters: dict[str, Any] | None) -> Iterator[str]:
    """Whatever reads a whole table or index, or sorts more than a room's rows."""
    with database.connection() as connection:
        rows = (
            connection.all(f"EXPLAIN {sql}")
            if parameters is None
            else connection.all(f"EXPLAIN {sql}", **parameters)
        )
    for row in rows:
        extra = row["Extra"] or ""
        if row["table"] is None or row["table"].startswith("<") or "tables optimized away" in extra:
            continue
        many = int(row["rows"] or 0) > SOME_ROWS
        if row["type"] in ("ALL", "index") or (many and ("filesort" in extra or "temporary" in extra)):
            yield f"{row['type']} of {row['table']} by {row['key']}, {row['rows']} rows, {extra}"
        elif many and "LIMIT" not in sql:  # then it stops early
            yield f"{row['rows']} rows of {row['table']} by {row['key']}"


def explain_sqlite(database: Database, sql: str, parameters: dict[str, Any] | None) -> Iterator[str]:
    """Whatever scans a table; a search by no more than a range of a whole index counts as one."""
    with database.connection() as connection:
        rows = connection.all(f"EXPLAIN QUERY PLAN {sql}", **(parameters or {}))
    for row in rows:
        if re.match(r"SCAN(?! CONSTANT)", row["detail"]):
            yield row["detail"]


@pytest.fixture
def check(full: Flask) -> Callable[[Said], None]:
    """Asserts that the plans of these statements are good ones."""

    def run(said: Said) -> None:
        assert len(said) > 0
        assert complaints(full.extensions["party.database"], said) == []

    return run


@pytest.fixture
def seats(full: Flask) -> list[Seat]:
    """Three members of a room among the many."""
    host = Api.of_app(full).create_room()
    return [host, *(host.api.join(host.code) for _ in range(2))]


Check = Callable[[Said], None]


def test_polls_and_sends_read_what_is_theirs(full: Flask, seats: list[Seat], check: Check) -> None:
    host, guest, other = seats
    batch = [{"toId": guest.id, "type": "ice", "payload": {}, "clientMsgId": f"{n}"} for n in range(20)]
    with statements(full) as said:
        for seat in seats:
            seat.read()
            seat.poll(seat.seq)
        host.send(guest, clientMsgId="a")
        host.send(guest, clientMsgId="a")
        host.send_batch(batch, after=host.seq)
        guest.poll()
        guest.read()
        guest.poll(guest.seq)
        other.poll(0)
        host.api.request("GET", f"/signal/{host.code}/{host.id}/peers", token=host.token)
    check(said)


def test_a_rooms_life_reads_what_is_its_own(full: Flask, seats: list[Seat], check: Check) -> None:
    host, guest, other = seats
    with statements(full) as said:
        host.api.request("GET", f"/rooms/{host.code}")
        host.call("GET")
        again = Seat(guest.api, guest.call("POST", "/rejoin").data)
        again.call("POST", "/leave")
        host.call("POST", "/remove", {"participantId": other.id})
        key = "a-retry-key-of-22-characters"
        for _ in range(2):
            host.api.join(host.code, retryKey=key)
            host.api.create_room(retryKey=key)
        host.api.request("GET", "/limits")
        host.call("DELETE")
    check(said)


def test_a_room_that_a_host_runs_reads_what_is_its_own(
    full: Flask, seats: list[Seat], check: Check, clock: Clock
) -> None:
    host, player, other = seats
    with statements(full) as said:
        host.call("POST", "/settings", {"approval": True, "seats": 3, "listed": True, "gameType": "game-1"})
        for id in ("a", "b"):
            host.api.join(host.code, participantId=id, deviceId=f"device-0123456789-{id}")
        host.call("POST", "/approve", {"participantId": "a", "approved": True})
        host.call("POST", "/remove", {"participantId": "b", "ban": True})
        host.api.request("POST", f"/rooms/{host.code}/join", {"name": "B", "participantId": "b"})
        player.call("POST", "/role", {"role": "spectator"})
        player.call("POST", "/rename", {"name": "Other"})
        player.call("POST", "/away")
        player.read()
        host.call("POST", "/host", {"participantId": other.id})
        host.call("POST", "/leave")
        host.poll()
        clock.advance(100)
        other.read()
    check(said)


@pytest.mark.parametrize("query", ["", "?gameType=game-1", "?limit=50"])
def test_the_list_of_rooms_reads_some_of_those_that_are_listed(full: Flask, check: Check, query: str) -> None:
    with statements(full) as said:
        Api.of_app(full).request("GET", f"/rooms{query}")
    check(said)


@pytest.mark.needs("quiz")
def test_a_game_reads_what_is_its_own(full: Flask, seats: list[Seat], check: Check) -> None:
    host, guest, other = seats
    with statements(full) as said:
        question = {"question": "?", "answers": ["a", "b"], "correct": 0}
        host.call("POST", "/quiz", {"quizData": {"questions": [question, question]}})
        host.call("POST", "/start")
        host.call("POST", "/next")
        for n in (0, 1, 1):
            other.call("POST", "/answer", {"questionIndex": n, "answerIndex": 0, "timeMs": 0})
        other.call("GET")
        guest.call("POST", "/rejoin")
        other.call("POST", "/leave")
        host.call("POST", "/next")
    check(said)


@pytest.mark.needs("php_paths", "quiz")
def test_the_paths_of_the_php_backend_read_what_is_theirs(full: Flask, check: Check, clock: Clock) -> None:
    php = Php(Api.of_app(full))
    with statements(full) as said:
        code = php.create("host").data["code"]
        php.join(code, "guest")
        seat = php.api.join(code)
        for room in (code, "ABC123"):
            php.get(room)
            php.peers(room, "guest")
            php.send(room, "host", "guest")
            for _ in range(2):
                php.poll(room, "guest")
        php.send(code, "host", seat.id)
        seat.send("guest")
        php.poll(code, "guest")
        php.send("ABC123", "host", "guest")
        clock.advance(121)
        with full.app_context():
            clean(full.extensions["party.database"], clock.now, 20)
        php.act(code, "start", hostId="host")
        php.leave(code, "guest")
        php.end(code, "host")
    check(said)


def test_held_polls_read_what_has_come(
    full: Flask, seats: list[Seat], check: Check, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "CHECK_SECONDS", 0)
    monkeypatch.setattr(heartbeats, "FLUSH_SECONDS", 0)
    host, guest, _ = seats
    path = f"/signal/{host.code}/{guest.id}"
    with statements(full) as said:
        guest.read()
        for _ in range(2):
            clock.advance(60)
            host.api.request("GET", f"{path}?after={guest.seq}&wait=0.3", token=guest.token)
        clock.advance(121)
        host.api.request("GET", f"{path}?after={guest.seq}&wait=0.3", token=guest.token)
        since = {1_000_000 + n: 3 for n in range(1, 100)}
        notifier.addressees(full.extensions["party.database"], since)
    assert any("last_seen_at" in sql and sql.startswith("UPDATE") for sql, _ in said)
    check(said)


@pytest.mark.parametrize("rooms", [3, 190])
def test_a_tick_reads_the_rooms_that_are_watched(
    full: Flask, seats: list[Seat], check: Check, rooms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_cache, "READ_WHOLE", 10_000)
    memory: room_cache.RoomCache = full.extensions["party.memory"].rooms
    memory.keep(range(1_000_001, 1_000_001 + rooms))
    with statements(full) as said:
        memory.read()
    check(said)
    monkeypatch.setattr(room_cache, "READ_WHOLE", 0)
    with statements(full) as said:
        memory.read()
    assert any("moved_at >= " in sql for sql, _ in said)
    check(said)


@pytest.mark.parametrize("members", [3, 190])
def test_signs_of_life_are_written_to_the_rows_that_they_are_of(
    full: Flask, seats: list[Seat], check: Check, members: int, clock: Clock
) -> None:
    beats: heartbeats.Heartbeats = full.extensions["party.memory"].heartbeats
    clock.advance(3 * HOUR)
    with statements(full) as said:
        for n in range(members):
            room_id = 1_000_001 + n
            beats._members[room_id * 10] = clock.now
            beats._rooms[room_id] = clock.now
        beats.flush()
    pieces = -(-members // heartbeats.AT_ONCE)
    updated = [sql.split()[1] for sql, _ in said if sql.startswith("UPDATE")]
    assert updated == ["party_rooms"] * pieces + ["party_participants"] * pieces
    check(said)


def test_cleaning_finds_what_is_due(
    full: Flask, seats: list[Seat], check: Check, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, guest, _ = seats
    database = full.extensions["party.database"]
    host.send(guest)
    clock.advance(121)
    with statements(full) as said, full.app_context():
        clean(database, clock.now, 20)
        clock.advance(3 * HOUR)
        clean(database, clock.now, 20)
        clock.advance(25 * HOUR)
        done = clean(database, clock.now, 20)
    assert done["rooms purged"] > 0
    check(said)


def test_a_bad_plan_would_be_noticed(full: Flask) -> None:
    database = full.extensions["party.database"]
    for sql in (
        "SELECT * FROM party_rooms WHERE host_id = 'x'",
        "SELECT * FROM party_signaling WHERE to_id = 7",
        "UPDATE party_participants SET left_at = 1 WHERE name = 'x'",
        "DELETE FROM party_events WHERE seq = 7",
    ):
        assert len(complaints(database, [(sql, {})])) == 1
