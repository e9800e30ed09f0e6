"""Signals on their way, in the database: SQL only. Numbers, events and locks are the callers' business.

A signal is deleted by its acknowledgement, never by being read: an answer that got lost is simply
given again. What outlives it is the sender's message id, so that a late retry is still recognised.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict, cast

from party.db import Answer, Connection
from party.rows import Seat
from party.web.models import KIB

MAILBOX_SIGNALS = 1000
MAILBOX_BYTES = 4096 * KIB
# A token's latest client message ids that are remembered.
REMEMBERED_IDS = 2000


@dataclass(frozen=True)
class Signal:
    """One to be stored: `to` is the addressee's row, `payload` JSON, `bytes` its size in UTF-8."""

    to: int
    type: str
    payload: str
    bytes: int
    client_msg_id: str | None


class Expired(TypedDict):
    """A signal that was dropped: `from_id` and `to_id` are rows, `to_name` the addressee's id."""

    seq: int
    from_id: int
    to_id: int
    to_name: str
    client_msg_id: str | None
    sender_left_at: int | None
    sender_joined_seq: int


def known_ids_later(tx: Connection, token_hash: str | None, client_msg_ids: list[str]) -> Answer | None:
    """{client_msg_id, seq} of those of these client message ids that a token has used before."""
    if not client_msg_ids:
        return None
    ids = {f"id_{i}": client_msg_id for i, client_msg_id in enumerate(client_msg_ids)}
    return tx.later(
        f"""
        SELECT client_msg_id, seq FROM party_sent
        WHERE token_hash = :token_hash AND client_msg_id IN ({", ".join(f":{name}" for name in ids)})
        """,
        token_hash=token_hash,
        **ids,
    )


def boxes_later(tx: Connection, room_id: int, participant_ids: Iterable[str]) -> Answer:
    """{id, participant_id, token_hash, signals, bytes} of those of these who are in the room: what waits for
    each."""
    ids = {f"id_{i}": participant_id for i, participant_id in enumerate(participant_ids)}
    return tx.later(
        f"""
        SELECT p.id, p.participant_id, p.token_hash, COUNT(s.seq) AS signals,
               COALESCE(SUM(s.payload_bytes), 0) AS bytes
        FROM party_participants p
        LEFT JOIN party_signaling s ON s.room_id = p.room_id AND s.to_id = p.id
        WHERE p.room_id = :room_id AND p.left_at IS NULL AND p.role <> 'guest'
        AND p.participant_id IN ({", ".join(f":{name}" for name in ids)})
        GROUP BY p.id, p.participant_id, p.token_hash
        """,
        room_id=room_id,
        **ids,
    )


def insert(
    tx: Connection,
    room_id: int,
    sender_id: int,
    token_hash: str | None,
    first: int,
    signals: list[Signal],
    now: int,
    expires_at: int,
) -> None:
    """Store signals under consecutive numbers from `first` on, and the ids that the token used for them."""
    numbered = list(enumerate(signals, first))
    tx.insert_later(
        "party_signaling",
        [
            {
                "room_id": room_id,
                "to_id": signal.to,
                "seq": seq,
                "from_id": sender_id,
                "type": signal.type,
                "payload": signal.payload,
                "payload_bytes": signal.bytes,
                "client_msg_id": signal.client_msg_id,
                "created_at": now,
                "expires_at": expires_at,
            }
            for seq, signal in numbered
        ],
    )
    tx.insert_later(
        "party_sent",
        [
            {
                "token_hash": token_hash,
                "client_msg_id": signal.client_msg_id,
                "room_id": room_id,
                "seq": seq,
            }
            for seq, signal in numbered
            if signal.client_msg_id
        ],
    )
    # No token can have used more ids than its room has given out numbers.
    if first + len(signals) > REMEMBERED_IDS:
        _forget_old_ids(tx, token_hash)


def _forget_old_ids(tx: Connection, token_hash: str | None) -> None:
    """Forget all but a token's latest client message ids."""
    tx.later(
        f"""
        DELETE FROM party_sent
        WHERE token_hash = :token_hash AND seq <= (
            SELECT seq FROM (
                SELECT seq FROM party_sent WHERE token_hash = :token_hash
                ORDER BY seq DESC LIMIT 1 OFFSET {REMEMBERED_IDS}
            ) AS older
        )
        """,
        token_hash=token_hash,
    )


def forget_ids(tx: Connection, token_hash: str | None) -> None:
    """Forget all client message ids of a token that is good for nothing any more; None has none."""
    tx.later("DELETE FROM party_sent WHERE token_hash = :token_hash", token_hash=token_hash)


def pending_later(tx: Connection, room_id: int, member_id: int, after: int, most: int) -> Answer:
    """A member's signals after a number: each a `Message`."""
    return tx.later(
        """
        SELECT s.seq, s.type, p.participant_id AS from_id, s.to_id, s.payload, s.created_at
        FROM party_signaling s JOIN party_participants p ON p.id = s.from_id
        WHERE s.room_id = :room_id AND s.to_id = :id AND s.seq > :after
        ORDER BY s.seq LIMIT :most
        """,
        room_id=room_id,
        id=member_id,
        after=after,
        most=most,
    )


def acknowledge(tx: Connection, caller: Seat, after: int) -> Answer:
    """The caller has processed everything up to `after`: those signals go.

    Nothing happens if the seat has another token by now, or the room has not given this number. The
    answer's `matched` tells whether it was stored; 0 may also mean that it had been before.
    """
    mine = {"id": caller["id"], "room_id": caller["room_id"], "token_hash": caller["token_hash"]}
    # Members before signals, as everywhere: in the other order two would deadlock.
    answer = tx.later(
        """
        UPDATE party_participants SET acked_seq = :after
        WHERE id = :id AND token_hash = :token_hash AND acked_seq < :after
        AND EXISTS (SELECT 1 FROM party_rooms WHERE id = :room_id AND seq >= :after)
        """,
        **mine,
        after=after,
    )
    tx.later(
        """
        DELETE FROM party_signaling
        WHERE room_id = :room_id AND to_id = :id AND seq <= :after AND EXISTS (
            SELECT 1 FROM party_participants
            WHERE id = :id AND token_hash = :token_hash AND acked_seq >= :after
        )
        """,
        **mine,
        after=after,
    )
    return answer


def clear(tx: Connection, room_id: int, member_id: int) -> None:
    """Drop what waits for a member who goes."""
    tx.later(
        "DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :id",
        room_id=room_id,
        id=member_id,
    )


def clear_both_ways(tx: Connection, room_id: int, member_id: int) -> None:
    """Drop what waits for a member, and what it has sent: its page is another one now."""
    tx.later(
        "DELETE FROM party_signaling WHERE room_id = :room_id AND (to_id = :id OR from_id = :id)",
        room_id=room_id,
        id=member_id,
    )


def take_expired(tx: Connection, room_id: int, now: int, most: int) -> list[Expired]:
    """Drop signals of a locked room that nobody acknowledged in time, and note that for their addressees."""
    found = tx.all(
        """
        SELECT s.seq, s.to_id, s.from_id, s.client_msg_id, t.participant_id AS to_name,
               f.left_at AS sender_left_at, f.joined_seq AS sender_joined_seq
        FROM party_signaling s
        JOIN party_participants t ON t.id = s.to_id
        JOIN party_participants f ON f.id = s.from_id
        WHERE s.room_id = :room_id AND s.expires_at <= :now
        ORDER BY s.seq LIMIT :most
        """,
        room_id=room_id,
        now=now,
        most=most,
    )
    for to, seq in {signal["to_id"]: signal["seq"] for signal in found}.items():
        tx.later(
            "UPDATE party_participants SET expired_seq = :seq WHERE id = :id AND expired_seq < :seq",
            id=to,
            seq=seq,
        )
    deleted = [
        tx.later(
            "DELETE FROM party_signaling WHERE room_id = :room_id AND to_id = :to_id AND seq = :seq",
            room_id=room_id,
            to_id=signal["to_id"],
            seq=signal["seq"],
        )
        for signal in found
    ]
    # An acknowledgement needs no room's lock and may have been faster.
    return [cast(Expired, signal) for signal, answer in zip(found, deleted, strict=True) if answer.matched()]


def next_expiry(tx: Connection, room_id: int) -> int | None:
    """When the next signal of a room expires; None where none waits."""
    return next_expiry_later(tx, room_id)()


def next_expiry_later(tx: Connection, room_id: int) -> Callable[[], int | None]:
    """As `next_expiry`, but `later`."""
    answer = tx.later("SELECT MIN(expires_at) AS at FROM party_signaling WHERE room_id = :id", id=room_id)

    def at() -> int | None:
        found = answer.one()
        return found["at"] if found else None

    return at
