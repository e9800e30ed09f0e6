"""What a Galera cluster needs of a connection.

Its servers apply each other's commits a moment later. So each session waits before it reads until its server
has what was committed anywhere (`wsrep_sync_wait`): or a token that was given out by one would be unknown to
another.

All of them are one incarnation of the database (see `Engine`), which ends when the cluster is bootstrapped
anew: nobody knows whether that was from the server that had the last commits. It is seen by the number of its
changes, which then begins at 1. Where nobody of ours connects before it has grown past what is stored, it is
not seen.
"""

from typing import Any

import pymysql

from party import clock
from party.db import faults
from party.db.faults import Fault

CAUSAL_READS = "SET SESSION wsrep_sync_wait = 1"
_KNOWN = "SELECT state_uuid, changes, incarnation FROM party_cluster WHERE id = 1"
_STATUS = "SHOW STATUS WHERE Variable_name IN ('wsrep_cluster_state_uuid', 'wsrep_cluster_conf_id')"
_FIRST = "INSERT INTO party_cluster (id, state_uuid, changes, incarnation) VALUES (1, %s, %s, %s)"
_NEXT = """
UPDATE party_cluster SET state_uuid = %s, changes = %s, incarnation = %s
WHERE id = 1 AND (state_uuid <> %s OR changes > %s)
"""
_CHANGED = "UPDATE party_cluster SET changes = %s WHERE id = 1 AND state_uuid = %s AND changes < %s"
# Others notice the same at the same moment.
TRIES = 5


def incarnation(cursor: Any) -> int | None:
    """Prepare a new connection's session for reading from a cluster: its incarnation; None without any."""
    cursor.execute("SHOW VARIABLES LIKE 'wsrep_on'")
    found = cursor.fetchone()
    if found is None or found["Value"] != "ON":
        return None
    cursor.execute(CAUSAL_READS)
    for left in reversed(range(TRIES)):
        try:
            if known := _look(cursor):
                return known
        except pymysql.err.MySQLError as error:
            fault = faults.of_mysql(error)
            # Migrations have not been run; or this server may only be read from.
            if fault in (Fault.SCHEMA, Fault.REFUSED, Fault.READ_ONLY):
                return None
            if fault not in (Fault.CONFLICT, Fault.DUPLICATE) or not left:
                raise
    return None


def _look(cursor: Any) -> int | None:
    """The incarnation as it is stored; None after that was put right."""
    # In this order: what is stored can then only be older than how it is.
    cursor.execute(_KNOWN)
    known = cursor.fetchone()
    cursor.execute(_STATUS)
    status = {row["Variable_name"]: row["Value"] for row in cursor.fetchall()}
    uuid, changes = status["wsrep_cluster_state_uuid"], int(status["wsrep_cluster_conf_id"])
    if known and known["state_uuid"] == uuid and known["changes"] == changes:
        return int(known["incarnation"])
    if known is None:
        cursor.execute(_FIRST, (uuid, changes, clock.now_ms()))
    elif known["state_uuid"] == uuid and known["changes"] < changes:
        cursor.execute(_CHANGED, (changes, uuid, changes))
    else:
        cursor.execute(_NEXT, (uuid, changes, clock.now_ms(), uuid, changes))
    return None
