"""Signals among members without a token, and from or to nobody that a room knows: SQL only.

They wait under a code and an id, whether or not there are such, and go when they are read.
"""

from party import mailbox
from party.config import settings
from party.db import Connection, Row, transaction
from party.errors import MailboxFull
from party.hooks import Job
from party.php_paths.models import Signal
from party.rows import Room
from party.web.models import KIB, to_json

# What one address may have waiting here, in all mailboxes: anybody can make up codes and ids. Senders
# that send at the very same moment may exceed this, and a mailbox that no room has, by one signal each.
ADDRESS_SIGNALS = 4 * mailbox.MAILBOX_SIGNALS
ADDRESS_BYTES = 16 * 1024 * KIB
RETRY_SECONDS = 2


def put(tx: Connection, now: int, signal: Signal, address_hash: str) -> int:
    """Store a signal from this address: its number. Raises `MailboxFull`."""
    payload = to_json(signal.payload)
    size = len(payload.encode())
    _check_space(tx, now, signal, size, address_hash)
    return tx.insert(
        """
        INSERT INTO party_php_signals (code, to_id, from_id, type, payload, payload_bytes, address_hash,
                                       created_at, expires_at)
        VALUES (:code, :to_id, :from_id, :type, :payload, :size, :address_hash, :now, :expires_at)
        """,
        code=signal.roomCode,
        to_id=signal.toId,
        from_id=signal.fromId,
        type=signal.type,
        payload=payload,
        size=size,
        address_hash=address_hash,
        now=now,
        expires_at=now + settings().signal_ttl_ms,
    )


def _check_space(tx: Connection, now: int, signal: Signal, size: int, address_hash: str) -> None:
    """Raises `MailboxFull` if the mailbox takes no more, or nothing more from this address."""
    tx.run(
        "DELETE FROM party_php_signals WHERE address_hash = :address_hash AND expires_at <= :now",
        address_hash=address_hash,
        now=now,
    )
    stored = "SELECT COUNT(*) AS n, COALESCE(SUM(payload_bytes), 0) AS bytes FROM party_php_signals"
    waiting = tx.one(
        f"{stored} WHERE code = :code AND to_id = :to_id AND expires_at > :now",
        code=signal.roomCode,
        to_id=signal.toId,
        now=now,
    )
    address = tx.one(f"{stored} WHERE address_hash = :address_hash", address_hash=address_hash)
    for found, most, most_bytes in (
        (waiting, mailbox.MAILBOX_SIGNALS, mailbox.MAILBOX_BYTES),
        (address, ADDRESS_SIGNALS, ADDRESS_BYTES),
    ):
        if found and (found["n"] >= most or int(found["bytes"]) + size > most_bytes):
            raise MailboxFull(retry_after=RETRY_SECONDS)


def take(tx: Connection, code: str, participant_id: str) -> list[Row]:
    """Remove what waits here: as many signals and bytes as a mailbox takes at most."""
    rows = tx.all(
        """
        SELECT id, from_id, type, payload, created_at, expires_at FROM party_php_signals
        WHERE code = :code AND to_id = :to_id ORDER BY id FOR UPDATE
        """,
        code=code,
        to_id=participant_id,
    )
    # These and no others: another one may be on its way in.
    if rows:
        ids = ", ".join(str(row["id"]) for row in rows)
        tx.run(f"DELETE FROM party_php_signals WHERE id IN ({ids})")
    return rows


def drop_of_former_member(tx: Connection, room: Room, participant_id: str) -> None:
    """Remove what waited when this id's seat became free: it was for whoever had the seat.

    What was sent since then waits for the next one; the same holds for an id that had no seat yet.
    """
    seat = tx.one(
        """
        SELECT left_at FROM party_participants
        WHERE room_id = :room_id AND participant_id = :id AND left_at IS NOT NULL
        """,
        room_id=room["id"],
        id=participant_id,
    )
    if seat:
        tx.run(
            """
            DELETE FROM party_php_signals
            WHERE code = :code AND to_id = :to_id AND created_at <= :left_at
            """,
            code=room["code"],
            to_id=participant_id,
            left_at=seat["left_at"],
        )


@transaction
def drop(tx: Connection, code: str, participant_id: str) -> None:
    """Remove what waits for this id."""
    take(tx, code, participant_id)


@transaction
def _drop_expired(tx: Connection, now: int, row: Row) -> int:
    return tx.run(
        "DELETE FROM party_php_signals WHERE code = :code AND to_id = :to_id AND expires_at <= :now",
        code=row["code"],
        to_id=row["to_id"],
        now=now,
    )


EXPIRED_SIGNALS = Job(
    "php signals dropped",
    "SELECT code, to_id FROM party_php_signals WHERE expires_at <= :now",
    _drop_expired,
)
