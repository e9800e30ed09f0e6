"""Rooms and members by the hundred thousand, put straight into the tables."""

import secrets
import time
from dataclasses import dataclass
from functools import partial

from party.db import Connection, Database, Row
from party.web import tokens

# Rows in one statement.
AT_ONCE = 500


@dataclass(frozen=True)
class Member:
    """What a client knows of its seat; the cursor is `seq`."""

    code: str
    id: str
    token: str
    seq: int


def populate(
    database: Database, rooms: int, members: int, old_signals: int = 0, due_a_minute: int = 0
) -> list[list[Member]]:
    """Open rooms with so many members each, who have read everything; by room.

    `old_signals` are spread over all rooms: dead rows between ended members, not yet cleaned away. In
    `due_a_minute` rooms somebody is away, minute by minute, the last rooms first.
    """
    now = time.time_ns() // 1_000_000
    first = (database.one("SELECT COALESCE(MAX(id), 0) AS id FROM party_rooms") or {"id": 0})["id"] + 1
    first_member = (database.one("SELECT COALESCE(MAX(id), 0) AS id FROM party_participants") or {"id": 0})[
        "id"
    ] + 1
    taken = {row["code"] for row in database.all("SELECT code FROM party_rooms")}
    codes = set[str]()
    while len(codes) < rooms:
        codes |= {tokens.new_code()} - taken
    made = [[Member(code, f"m{i}", tokens.new_token(), members) for i in range(members)] for code in codes]
    tables = {
        "party_rooms": _room_rows(made, first, now, due_a_minute),
        "party_participants": _member_rows(made, first, first_member, now, due_a_minute),
        "party_signaling": _signal_rows(old_signals, rooms, first, now),
    }
    for table, rows in tables.items():
        for start in range(0, len(rows), AT_ONCE * 20):
            part = rows[start : start + AT_ONCE * 20]
            database.write(partial(_insert, table=table, rows=part))
    return made


def _room_rows(made: list[list[Member]], first: int, now: int, due_a_minute: int) -> list[Row]:
    return [
        {
            "id": first + n,
            "code": seats[0].code,
            "status": "waiting",
            "host_id": "m0",
            "max_participants": 20,
            "seq": len(seats),
            "members_seq": len(seats),
            "negotiated_at": now - 60_000,
            "created_at": now - 60_000,
            "expires_at": now + 7_200_000,
            "due_at": now + ((len(made) - n) * 60_000 // due_a_minute if due_a_minute else 7_200_000),
        }
        for n, seats in enumerate(made)
    ]


def _member_rows(
    made: list[list[Member]], first: int, first_member: int, now: int, due_a_minute: int
) -> list[Row]:
    return [
        {
            "id": first_member + n * len(seats) + i,
            "room_id": first + n,
            "participant_id": seat.id,
            "name": f"Member {i}",
            "role": "player" if i else "host",
            "token_hash": tokens.hashed(seat.token),
            "joined_at": now - 60_000,
            "joined_seq": i + 1,
            # So that all are away as soon as somebody looks.
            "last_seen_at": now - 90_000 if due_a_minute else now,
            "acked_seq": seat.seq,
        }
        for n, seats in enumerate(made)
        for i, seat in enumerate(seats)
    ]


def _signal_rows(count: int, rooms: int, first: int, now: int) -> list[Row]:
    return [
        {
            "room_id": first + n % rooms,
            "to_id": 0,  # nobody's, so that nobody's mailbox grows
            "seq": 1_000_000_000 + n,
            "from_id": 0,
            "type": "ice",
            "payload": '{"candidate":"candidate:0 1 UDP 2122252543 192.0.2.1 50000 typ host"}',
            "payload_bytes": 68,
            "created_at": now - 3_600_000,
            "expires_at": now + 7_200_000,
        }
        for n in range(count)
    ]


def _insert(tx: Connection, table: str, rows: list[dict[str, object]]) -> None:
    """Insert rows of plain texts and numbers, written out: parameters would take ten times as long."""
    columns = ", ".join(rows[0])
    for begin in range(0, len(rows), AT_ONCE):
        values = ", ".join(
            "(" + ", ".join(repr(value) for value in row.values()) + ")"
            for row in rows[begin : begin + AT_ONCE]
        )
        tx.run(f"INSERT INTO {table} ({columns}) VALUES {values}")


def random_member(rooms: list[list[Member]]) -> tuple[Member, Member]:
    """Two members of one room: who sends, and to whom."""
    seats = secrets.choice(rooms)
    sender = secrets.choice(seats)
    return sender, secrets.choice([seat for seat in seats if seat is not sender])
