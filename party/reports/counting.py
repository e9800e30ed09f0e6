"""Which reports count.

Of each pair the one by whoever came later, and of those the first; so many in all for a token. So nobody can
move a day's figures by more than there are others in the room.
"""

from collections.abc import Sequence
from contextlib import suppress

from party.db import Connection, Database, Duplicate, Row, transaction
from party.errors import RoomNotFound, TokenInvalid
from party.reports import figures
from party.reports.models import Enclosed, Report
from party.rooms.counts import day_of
from party.rooms.stream import lock_as_member
from party.rooms.views import present_members
from party.rows import Caller, Member, Room

# Reports of one token that count.
MOST_OF_A_TOKEN = 30
UNREPORTED = {"younger_seq": 0, "elder_seq": 0}


def drop(database: Database, now: int, caller: Caller, enclosed: Enclosed) -> None:
    """Reports are not wanted here."""


def take(database: Database, now: int, caller: Caller, enclosed: Enclosed) -> None:
    """Count what counts of a page's reports. Nothing is refused: a page has better things to do."""
    if enclosed.reports:
        with suppress(TokenInvalid, RoomNotFound):  # since a moment ago
            _take(database, caller, enclosed.reports)


@transaction
def _take(tx: Connection, caller: Caller, reports: Sequence[Report]) -> None:
    room, me = lock_as_member(tx, caller, even_ended=True)
    peers = {member["participant_id"]: member for member in present_members(tx, room["id"])}
    told = _told(tx, room)
    pairs = {(row["younger_seq"], row["elder_seq"]) for row in told}
    left = MOST_OF_A_TOKEN - sum(row["token_hash"] == me["token_hash"] for row in told)
    for report in reports:
        peer = peers.get(report.peerId)
        if left <= 0 or peer is None or not _is_younger(me, peer):
            continue
        pair = (me["joined_seq"], peer["joined_seq"])
        if pair not in pairs:
            pairs.add(pair)
            left -= 1
            tx.run(
                """
                INSERT INTO party_reported_pairs (room_id, younger_seq, elder_seq, token_hash)
                VALUES (:room_id, :younger, :elder, :token_hash)
                """,
                room_id=room["id"],
                younger=pair[0],
                elder=pair[1],
                token_hash=me["token_hash"],
            )
            _add(tx, day_of(room["created_at"]), figures.counters(report))


def _told(tx: Connection, room: Room) -> list[Row]:
    """The pairs of a room that have been counted."""
    return tx.all(
        "SELECT younger_seq, elder_seq, token_hash FROM party_reported_pairs WHERE room_id = :id",
        id=room["id"],
    )


def _is_younger(member: Member, peer: Member) -> bool:
    """Whether a member came later than another; nobody did so than itself."""
    return (member["joined_at"], member["joined_seq"]) > (peer["joined_at"], peer["joined_seq"])


def count_unreported(tx: Connection, room: Room) -> None:
    """Count, once, the pairs of a room of whom no report came; the room is about to be purged."""
    pairs = {(row["younger_seq"], row["elder_seq"]) for row in _told(tx, room)}
    if (0, 0) in pairs:
        return
    # Whoever waits to be let in connects to nobody.
    members = tx.all(
        """
        SELECT joined_seq, joined_at, left_at FROM party_participants
        WHERE room_id = :id AND role <> 'guest' ORDER BY joined_at, joined_seq
        """,
        id=room["id"],
    )
    here = {member["joined_seq"] for member in members}
    unreported = sum(
        1
        for number, younger in enumerate(members)
        for elder in members[:number]
        if elder["left_at"] is None or elder["left_at"] > younger["joined_at"]
    ) - sum(younger in here and elder in here for younger, elder in pairs)
    tx.insert_many("party_reported_pairs", [{"room_id": room["id"], **UNREPORTED}])
    if unreported > 0:
        _add(tx, day_of(room["created_at"]), {figures.UNREPORTED: unreported})


def _add(tx: Connection, day: str, counts: dict[str, int]) -> None:
    """Add to a day's counts, in one order, so that nobody waits for another in a ring."""
    for counter, count in sorted(counts.items()):
        key = {"day": day, "counter": counter}
        add = "UPDATE party_report_counts SET total = total + :count WHERE day = :day AND counter = :counter"
        if not tx.run(add, **key, count=count):
            try:
                tx.insert_many("party_report_counts", [{**key, "total": count}])
            except Duplicate:  # another process has just made it
                tx.run(add, **key, count=count)
