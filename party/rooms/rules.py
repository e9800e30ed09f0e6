"""Who may what in a room, who has which seat, who is its next host, and what absence does: decided here.

What is decided is stored elsewhere. Times are milliseconds since the epoch.
"""

from collections.abc import Collection, Sequence

from party.config import Settings
from party.errors import HostOnly, NotApproved, PlayersOnly, SeatTaken, ValidationError
from party.rows import Access, Member, Room

# So many may wait for approval.
LOBBY = 50
# Who has come back is not away again sooner than this.
RETURN_MS = 10_000

# What of a call's access lets each role in, besides what is for anyone. Whatever stands nowhere here is for
# nobody, so that no call is open to guests by being forgotten.
_LETS_IN: dict[str, frozenset[Access]] = {
    "guest": frozenset({"even refused", "even waiting"}),
    "spectator": frozenset({"even refused", "even waiting", "anyone or member", "member"}),
    "player": frozenset({"even refused", "even waiting", "anyone or member", "member", "player"}),
    "host": frozenset({"even refused", "even waiting", "anyone or member", "member", "player", "host"}),
}


def check_access(access: Access, role: str) -> None:
    """Whether this role may make such a call. Raises `NotApproved`, `HostOnly`, `PlayersOnly`."""
    if access in _LETS_IN[role]:
        return
    if role == "guest":
        raise NotApproved
    raise HostOnly if access == "host" else PlayersOnly


def taken_seats(members: Collection[Member]) -> set[int]:
    """The numbered seats that members have."""
    return {member["seat"] for member in members if member["seat"] is not None and member["role"] != "guest"}


def check_seat(seats: int, taken: Collection[int], wanted: int) -> None:
    """Whether a seat is to be had. Raises `ValidationError` where there is none, `SeatTaken`."""
    if wanted >= seats:
        raise ValidationError(f"seat: this room has {seats}, counted from 0", field="seat")
    if wanted in taken:
        raise SeatTaken


def seat_for(seats: int, taken: Collection[int], wanted: int | None) -> int | None:
    """The seat of a new player: the one that it wants if that is free, or the lowest free one, or none."""
    if wanted is not None and wanted < seats and wanted not in taken:
        return wanted
    return next((seat for seat in range(seats) if seat not in taken), None)


def next_host(members: Sequence[Member]) -> Member | None:
    """Who follows a host that goes: of the players who are online, or else of all, the one who came first.

    One without a token (`party.php_paths`) does not: whoever knew its id would be the host.
    """
    players = [member for member in members if member["role"] == "player" and member["token_hash"]]
    players.sort(
        key=lambda player: (player["presence"] != "online", player["joined_at"], player["joined_seq"])
    )
    return players[0] if players else None


def away_at(member: Member, after: Settings) -> int:
    """When one who is online is away: not seen for so long, but not at once after it has come back."""
    return max(member["last_seen_at"] + after.online_ms, member["returned_at"] + RETURN_MS)


def presence_at(now: int, member: Member, after: Settings) -> str:
    """How present somebody is that has not been seen since its row says so."""
    if now >= member["last_seen_at"] + after.disconnected_ms:
        return "disconnected"
    if member["presence"] == "online" and now >= away_at(member, after):
        return "away"
    return member["presence"]


def leaves_at(member: Member, after: Settings) -> int | None:
    """When somebody's place is free, unless it is seen again before that.

    None for a member without a token (`party.php_paths`), whose page knows no way back.
    """
    if member["token_hash"] is None:
        return None
    return member["last_seen_at"] + after.seat_freed_ms


def is_gone(now: int, member: Member, after: Settings) -> bool:
    """Whether somebody's place is free by now."""
    at = leaves_at(member, after)
    return at is not None and now >= at


def is_host_gone(now: int, room: Room, host: Member, after: Settings) -> bool:
    """Whether another one may be host in its place."""
    return room["host_gone"] == "promote" and now >= host["last_seen_at"] + after.host_gone_ms


def next_step(now: int, room: Room, member: Member, after: Settings) -> int | None:
    """When the absence of somebody changes something next, as things stand now."""
    times = [leaves_at(member, after)]
    if member["presence"] == "online":
        times.append(away_at(member, after))
    if member["presence"] != "disconnected":
        times.append(member["last_seen_at"] + after.disconnected_ms)
    if (
        member["role"] == "host"
        and room["host_gone"] == "promote"
        and not is_host_gone(now, room, member, after)
    ):
        times.append(member["last_seen_at"] + after.host_gone_ms)
    return min((at for at in times if at is not None), default=None)
