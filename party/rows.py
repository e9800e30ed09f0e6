"""The rows that functions hand to each other, and the columns that are read for them.

Each names what its readers need and no more. A function that needs less asks for less: a `Room` and a
`Caller` are both something with the `Due` of a room.
"""

from typing import Literal, TypedDict

# Who may make a call: anyone; anyone, or a member with a token; who waits for approval, too, or only until it
# has been told that it is refused; a member; one who plays; the host.
Access = Literal["anyone", "anyone or member", "even refused", "even waiting", "member", "player", "host"]


class Due(TypedDict):
    """When something may happen in a room by itself; None where nothing will."""

    due_at: int | None


class Cursor(TypedDict):
    """How far a room has come, and behind which number it has left some out (see `party.rooms.stream`)."""

    seq: int
    skipped_after: int | None


class Activity(TypedDict):
    """What the pace of polls depends on: `negotiated_at` is the last look, join, rejoin or signal for a
    connection, `relayed_at` the last data, message or write of shared state.
    """

    status: str
    negotiated_at: int
    relayed_at: int


class Lifetime(TypedDict):
    """Until when a room lives, unless it has ended; `ttl_ms` is how long without a poll, where it has a time
    of its own."""

    status: str
    expires_at: int
    ttl_ms: int | None


class Stream(Due, Cursor):
    """What taking numbers of a room needs of it."""

    id: int
    status: str
    members_seq: int
    ttl_ms: int | None
    created_at: int
    incarnation: int
    skipped: int


class RoomState(Due, Cursor, Activity):
    """What changes in a room while it is polled, by which whoever remembers it sees that it has moved."""

    code: str
    members_seq: int
    expires_at: int
    ttl_ms: int | None


class PolledRoom(RoomState):
    """The state of a room under the id of its row."""

    id: int


class Room(PolledRoom, Stream):
    """A room, without what features keep of it. Times are milliseconds since the epoch."""

    host_id: str
    password_hash: str | None
    max_participants: int
    name: str | None
    game_type: str | None
    # 0 or 1, as `locked`, `listed` and `shared_state` are.
    approval: int
    locked: int
    listed: int
    seats: int
    shared_state: int
    host_gone: str
    # How many may not come again.
    bans: int
    # The last number that is neither a signal nor an event: a feature keeps something under it.
    silent_seq: int
    started_at: int | None
    ended_at: int | None


class Seen(TypedDict):
    """A member's row, and when it was last seen."""

    id: int
    room_id: int
    last_seen_at: int


class Claim(TypedDict):
    """What tells whether a seat is still that of the page which has this token."""

    token_hash: str | None
    left_at: int | None


class Seat(Seen):
    """Who somebody is in a room, and what its page has processed."""

    participant_id: str
    # host, player, spectator; guest is one who waits for approval.
    role: str
    presence: str
    left_at: int | None
    token_hash: str | None
    previous_token_hash: str | None
    acked_seq: int


class Member(Seat):
    """One who is, or was, in a room, or waits for that."""

    name: str
    # The numbered place that it has, or as a guest wishes for; None without.
    seat: int | None
    # What a guest asks to be.
    asked_role: str | None
    # When a poll last made it online again.
    returned_at: int
    device_hash: str | None
    retry_key_hash: str | None
    # Of a guest, when it asked.
    joined_at: int
    joined_seq: int
    expired_seq: int


class Caller(Seat, RoomState):
    """Who makes a call, and the state of the room as it was then."""

    # Of the token that the request carries: the member's, or the one before an unconfirmed rejoin.
    used_token_hash: str | None
    # The room's `silent_seq` as far as is known: 0 until somebody has read it.
    silent_seq: int
    # Who may make this call (`party.rooms.rules`): looked at again under the room's lock.
    access: Access


class Message(TypedDict):
    """A signal or an event on its way: `from_id` is a name, `to_id` a row, `payload` JSON."""

    seq: int
    type: str
    from_id: str | None
    to_id: int | None
    payload: str
    created_at: int


def columns(row: type, table: str = "") -> str:
    """The columns of such a row for a SELECT, of `table` where several are joined."""
    return ", ".join(f"{table}.{name}" if table else name for name in row.__annotations__)


ROOM_COLUMNS = columns(Room)
MEMBER_COLUMNS = columns(Member)
