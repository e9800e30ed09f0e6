"""Addresses that are kept out for a time. A process may learn of one some seconds later."""

import time

from flask import request

from party import clock
from party.db import Connection, Database, Row, database, transaction
from party.errors import RateLimited
from party.web import tokens
from party.web.addresses import Address, client_key, network_of

# How long a process goes by what it has read.
KNOWN_SECONDS = 10

OVER = "SELECT address_hash FROM party_banned_addresses WHERE until_at <= :now"


def _hash(key: str) -> str:
    return tokens.keyed(f"banned {key}")


@transaction
def ban(tx: Connection, address: Address, until: int) -> None:
    """Keep an address (IPv6: its /64) out until then."""
    row = {"address_hash": _hash(network_of(address)), "until_at": until}
    tx.run("DELETE FROM party_banned_addresses WHERE address_hash = :address_hash", **row)
    tx.insert_many("party_banned_addresses", [row])


@transaction
def lift(tx: Connection, now: int, row: Row) -> int:
    """Delete one that is over."""
    return tx.run(
        "DELETE FROM party_banned_addresses WHERE address_hash = :hash AND until_at <= :now",
        hash=row["address_hash"],
        now=now,
    )


class Banned:
    """What a process knows of them."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}
        self._read_at = -float(KNOWN_SECONDS)

    def refuse(self) -> None:
        """Raise `RateLimited` for a request from such an address, but to the admin's page."""
        if request.blueprint == "admin" or request.method == "OPTIONS":
            return
        now = clock.now_ms()
        if time.monotonic() - self._read_at >= KNOWN_SECONDS:
            self._read(database(), now)
        if self._until and (until := self._until.get(_hash(client_key()), 0)) > now:
            raise RateLimited(retry_after=1 + (until - now) // 1000)

    def _read(self, db: Database, now: int) -> None:
        self._read_at = time.monotonic()
        known = "SELECT address_hash, until_at FROM party_banned_addresses WHERE until_at > :now"
        self._until = {row["address_hash"]: row["until_at"] for row in db.all(known, now=now)}
