"""How shared state changes: by a write, by time, and by what becomes of members.

All of it happens under the room's lock. A write takes one number for all of its keys. What changes because
somebody leaves or gets another role takes the number of that event, which is the room's next.
"""

from dataclasses import replace

from party.db import Connection, transaction
from party.errors import HostOnly, PlayersOnly, TooLarge, ValidationError
from party.rooms.stream import advance, earliest, lock_as_member
from party.rooms.views import present_members
from party.rows import Caller, Member, Room, Seat
from party.state import entries
from party.state.entries import ROOM, Audience, Entry
from party.state.errors import StateMoved
from party.state.models import SetState
from party.web.models import KIB, to_json

# How many keys, and how many bytes of values, there may be in the room's scope and in a member's.
MOST_OF_ROOM = (64, 64 * KIB)
MOST_OF_MEMBER = (16, 16 * KIB)


@transaction
def write(tx: Connection, now: int, caller: Caller, body: SetState) -> int:
    """Set and remove keys, all or none: the number of the change.

    Raises `RoomEnded`, `HostOnly`, `PlayersOnly`, `StateMoved`, `TooLarge`, `ValidationError`.
    """
    room, member = lock_as_member(tx, caller)
    owner = member["id"] if body.scope == "me" else ROOM
    if owner == ROOM:
        _check_writer(room, member)
    known = {entry.name: entry for entry in entries.read(tx, room["id"], "member_id = :owner", owner=owner)}
    alive = {name: entry for name, entry in known.items() if not entry.is_gone}
    _check_numbers(alive, body.ifSeq or {})
    audience = _audience(tx, room, body.visibleTo)
    values = {name: to_json(value) for name, value in (body.set or {}).items()}
    leaving = [alive[name] for name in dict.fromkeys(body.remove or ()) if name in alive]
    sizes = {entry.name: entry.bytes for entry in alive.values() if entry not in leaving}
    sizes |= {name: len(value.encode()) for name, value in values.items()}
    _check_sizes(sizes, MOST_OF_ROOM if owner == ROOM else MOST_OF_MEMBER)
    if not values and not leaving:
        return room["seq"]

    expires_at = now + round(body.ttlSeconds * 1000) if body.ttlSeconds else None
    due_at = earliest(room["due_at"], expires_at)
    seq = advance(tx, room, now, silent=True, due_at=due_at, relayed_at=now)
    later = [Entry(owner, name, seq, sizes[name], audience, expires_at=expires_at) for name in values]
    changed = [entry for entry in later if entry.name in known]
    members: list[Member] = []
    # Who sees what matters only where somebody may lose sight of something.
    if leaving or any(_may_be_lost(known[entry.name], entry) for entry in changed):
        members = present_members(tx, room["id"])
    entries.insert(tx, room["id"], [(new, values[new.name]) for new in later if new.name not in known])
    for entry in changed:
        entries.update(tx, room["id"], known[entry.name].become(entry, members), values[entry.name])
    gone = [entry.become(entry.gone(seq), members) for entry in leaving]
    for entry in gone:
        entries.update(tx, room["id"], entry)
    gone += [entry for entry in known.values() if entry.is_gone and entry.name not in values]
    entries.forget(tx, room["id"], gone, entries.KEPT_GONE)
    return seq


def _may_be_lost(before: Entry, later: Entry) -> bool:
    return before.is_gone or bool(before.lost) or before.audience != later.audience


def _check_writer(room: Room, member: Seat) -> None:
    """Raises `PlayersOnly`, `HostOnly` for whoever may not write the room's keys."""
    if member["role"] == "spectator":
        raise PlayersOnly
    if member["role"] != "host" and not room["shared_state"]:
        raise HostOnly


def _check_numbers(alive: dict[str, Entry], wanted: dict[str, int]) -> None:
    """Raises `StateMoved` unless each key has the number that is wanted, 0 being none."""
    for name, seq in wanted.items():
        if seq != (alive[name].seq if name in alive else 0):
            raise StateMoved


def _check_sizes(sizes: dict[str, int], most: tuple[int, int]) -> None:
    """Raises `TooLarge` for more keys or bytes than a scope may have."""
    keys, size = most
    if len(sizes) > keys:
        raise TooLarge(f"There may be {keys} keys here.")
    if sum(sizes.values()) > size:
        raise TooLarge(f"All values here may have {size // KIB} KiB together.")


def _audience(tx: Connection, room: Room, visible_to: str | list[str] | None) -> Audience:
    """Who is to see a value. Raises `ValidationError` for an id that no member has."""
    if not isinstance(visible_to, list):
        return visible_to or "all"
    rows = {member["participant_id"]: member["id"] for member in present_members(tx, room["id"])}
    if not rows.keys() >= set(visible_to):
        raise ValidationError("visibleTo: not everybody named is here", field="visibleTo")
    return frozenset(rows[id] for id in visible_to)


def catch_up(tx: Connection, now: int, room: Room) -> int | None:
    """Take away the values whose time is over: when that of the next one is."""
    if not room["silent_seq"]:
        return None
    expired = entries.read(tx, room["id"], "expires_at <= :now", now=now)
    if expired and room["status"] == "ended":
        for entry in expired:
            entries.update(tx, room["id"], entry.gone(entry.seq))  # nobody is told of anything any more
    elif expired:
        members = present_members(tx, room["id"])
        # A room that only loses values is not kept alive by that.
        seq = advance(tx, room, now, silent=True, expires_at=room["expires_at"])
        for entry in expired:
            entries.update(tx, room["id"], entry.become(entry.gone(seq), members))
    following = tx.one("SELECT MIN(expires_at) AS at FROM party_state WHERE room_id = :id", id=room["id"])
    return following["at"] if following else None


def member_gone(tx: Connection, member: Seat) -> None:
    """A member's own values vanish, and lists name it no more: whoever gets its row inherits nothing."""
    following = _next_number(tx, member)
    if following is None:
        return
    room_id = member["room_id"]
    members = [each for each in present_members(tx, room_id) if each["id"] != member["id"]]
    all_entries = entries.read(tx, room_id, "(member_id = :id OR visible_to LIKE '[%')", id=member["id"])
    for entry in all_entries:
        if entry.owner == member["id"] and not entry.is_gone:
            entries.update(tx, room_id, entry.become(entry.gone(following), members))
        elif isinstance(entry.audience, frozenset) and member["id"] in entry.audience:
            entries.update(tx, room_id, replace(entry, audience=entry.audience - {member["id"]}))
    _note_number(tx, room_id, following)
    gone = entries.read(tx, room_id, "value IS NULL")
    entries.forget(tx, room_id, gone, entries.KEPT_GONE_OF_ROOM)


def role_changes(tx: Connection, member: Seat, role: str) -> None:
    """What a member is about to see, or not to see any more, by its new role takes a new number.

    A guest becomes a member: whoever polls from before its admission is given all there is.
    """
    following = None if member["role"] == "guest" else _next_number(tx, member)
    if following is None:
        return
    id, room_id = member["id"], member["room_id"]
    for entry in entries.read(tx, room_id, "value IS NOT NULL"):
        saw, will_see = entry.is_seen_by(id, member["role"]), entry.is_seen_by(id, role)
        if saw != will_see:
            lost = {other: seq for other, seq in entry.lost.items() if other != id}
            if saw:
                lost[id] = following
            entries.update(tx, room_id, replace(entry, seq=following, lost=lost))
    _note_number(tx, room_id, following)


def _next_number(tx: Connection, member: Seat) -> int | None:
    """The number that the change of a locked room will take; None where there has never been any state."""
    room = tx.one("SELECT seq, silent_seq FROM party_rooms WHERE id = :id", id=member["room_id"])
    return room["seq"] + 1 if room and room["silent_seq"] else None


def _note_number(tx: Connection, room_id: int, seq: int) -> None:
    """Let polls ask for state from before this number."""
    tx.later("UPDATE party_rooms SET silent_seq = :seq WHERE id = :id", id=room_id, seq=seq)
