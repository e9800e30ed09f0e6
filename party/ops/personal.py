"""What is kept of a room, a participant or a device: to be given to who asks for it, and to be forgotten.

Tables are found by their columns: a `room_id` is a room's, a `member_id` the row of a member, a
`participant_id` its name. So what features keep is found as well.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from party.db import Connection, Database, snapshot, transaction
from party.ops import cleanup, live
from party.ops.doctor.tables import expected
from party.rooms.ending import depart
from party.rooms.finding import by_code
from party.rooms.stream import lock_room, member_row
from party.web import tokens
from party.web.models import room_code

# What stays of a forgotten member of a room that goes on, so that the others learn that it has left.
FAREWELLS = "('participant-left', 'participant-removed', 'host-changed')"
NOBODY = "-"


class Trace(NamedTuple):
    """A room, or somebody in it: the row, where the room is still there, and the id."""

    room_id: int
    member_id: int | None = None
    participant_id: str | None = None


@snapshot
def traces(
    tx: Connection, code: str | None = None, participant_id: str | None = None, device_id: str | None = None
) -> list[Trace]:
    """Where there is something of a participant or a device, in one room or all; without them, the room."""
    wanted = {"device_hash": tokens.keyed(f"device {device_id}")} if device_id else {}
    if participant_id:
        wanted["participant_id"] = participant_id
    rooms = _rooms(tx, code) if code else None
    if not wanted:
        return [Trace(room_id) for room_id in sorted(rooms or ())]
    where = " AND ".join(f"{name} = :{name}" for name in wanted)
    members = tx.all(f"SELECT id, room_id, participant_id FROM party_participants WHERE {where}", **wanted)
    found = {(row["room_id"], row["participant_id"]): row["id"] for row in members}
    for table in _tables_with(*wanted, "participant_id", "room_id"):
        for row in tx.all(f"SELECT room_id, participant_id FROM {table} WHERE {where}", **wanted):
            found.setdefault((row["room_id"], row["participant_id"]), None)
    return [
        Trace(room_id, member_id, name)
        for (room_id, name), member_id in sorted(found.items())
        if rooms is None or room_id in rooms
    ]


def _rooms(tx: Connection, code: str) -> set[int]:
    """The room that has a code, and those that had it, as long as that is known."""
    room = by_code(tx, code)
    found = {room["id"]} if room else set()
    for table in _tables_with("room_id", "code"):
        rows = tx.all(f"SELECT room_id FROM {table} WHERE code = :code", code=room_code(code))
        found |= {row["room_id"] for row in rows}
    return found


def _tables_with(*columns: str) -> list[str]:
    return sorted(table for table, names in expected().columns.items() if names.issuperset(columns))


def export(database: Database, found: list[Trace]) -> list[dict[str, Any]]:
    """What is kept, table by table, without hashes, which are nobody's to read."""
    return [{"roomId": trace.room_id, **_rows(database, trace)} for trace in found]


@snapshot
def _rows(tx: Connection, trace: Trace) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for table, names in sorted(expected().columns.items()):
        columns = ", ".join(sorted(name for name in names if not name.endswith("_hash")))
        where = _of(table, names, trace)
        if where and (rows := tx.all(f"SELECT {columns} FROM {table} WHERE {where}", **_parameters(trace))):
            shown[table] = rows
    return shown


def _of(table: str, columns: set[str], trace: Trace) -> str | None:
    """What finds the rows of a table that are about this; None where none can be."""
    if table == "party_rooms":
        return None if trace.participant_id else "id = :room_id"
    if "room_id" not in columns:
        return None
    if trace.participant_id is None:
        return "room_id = :room_id"
    theirs = [f"{name} = :participant_id" for name in ("participant_id", "actor_id") if name in columns]
    theirs += ["member_id = :member_id"] if "member_id" in columns else []
    theirs += ["from_id = :member_id OR to_id = :member_id"] if table == "party_signaling" else []
    theirs += [_MENTIONED] if table == "party_events" else []
    return f"room_id = :room_id AND ({' OR '.join(theirs)})" if theirs else None


def _parameters(trace: Trace) -> dict[str, Any]:
    return {**trace._asdict(), "quoted": f'"{trace.participant_id}"'}


# Of a room's few events: each holds an id as JSON writes it.
_MENTIONED = "INSTR(data, :quoted) > 0"


def forget(database: Database, now: int, found: list[Trace]) -> Iterator[str]:
    """Delete all that; tells what was done. Who is still there leaves, and a room that goes on ends."""
    for trace in found:
        if trace.participant_id is None:
            _forget_room(database, now, trace)
            yield f"room {trace.room_id}"
        else:
            _forget_member(database, now, trace)
            yield f"{trace.participant_id} of room {trace.room_id}"


def _forget_room(database: Database, now: int, trace: Trace) -> None:
    row = {"id": trace.room_id}
    if database.one("SELECT id FROM party_rooms WHERE id = :id", **row):
        live.end_by_id(database, now, trace.room_id)
        for _ in cleanup.purge(database, now, row):
            pass
    database.write(lambda tx: _delete(tx, _tables_with("room_id"), trace))


def _delete(tx: Connection, tables: Iterable[str], trace: Trace) -> None:
    for table in tables:
        if where := _of(table, expected().columns[table], trace):
            tx.run(f"DELETE FROM {table} WHERE {where}", **_parameters(trace))


@transaction
def _forget_member(tx: Connection, now: int, trace: Trace) -> None:
    """Whatever is about a member goes; its row stays, as nobody's, for others may refer to it."""
    is_there = tx.one("SELECT id FROM party_rooms WHERE id = :id", id=trace.room_id) is not None
    if is_there and trace.member_id is not None:
        room = lock_room(tx, trace.room_id)
        member = member_row(tx, trace.member_id)
        if member is not None and member["left_at"] is None and room["status"] != "ended":
            depart(tx, now, room, member, "left")
        kept = "" if room["status"] == "ended" else f"AND type NOT IN {FAREWELLS}"
        _forget_events(tx, trace, kept)
        nobody = tokens.new_participant_id()
        tx.run(
            """
            UPDATE party_participants
            SET participant_id = :nobody, name = :name, token_hash = NULL, previous_token_hash = NULL,
                retry_key_hash = NULL, device_hash = NULL
            WHERE id = :id
            """,
            nobody=nobody,
            name=NOBODY,
            id=trace.member_id,
        )
        tx.run(
            "UPDATE party_rooms SET host_id = :nobody WHERE id = :id AND host_id = :participant_id",
            nobody=nobody,
            id=trace.room_id,
            participant_id=trace.participant_id,
        )
    _delete(tx, set(_tables_with("room_id")) - {"party_participants", "party_events"}, trace)


def _forget_events(tx: Connection, trace: Trace, kept: str) -> None:
    """Events that name a member go, but for those `kept`; the others are nobody's any more."""
    of_room = "WHERE room_id = :room_id AND"
    tx.run(f"DELETE FROM party_events {of_room} {_MENTIONED} {kept}", **_parameters(trace))
    theirs = f"actor_id = :participant_id {kept}"
    tx.run(f"UPDATE party_events SET actor_id = NULL {of_room} {theirs}", **_parameters(trace))
