"""Whether the database takes changes: tried now and then, and remembered where one failed."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TRIAL_BYTES = 20_000


def change_and_undo(tx: Any) -> None:
    """A change as large as a signal is stored, and nothing is left of it: only a commit meets a full disk."""
    key = secrets.token_hex(32)
    tx.insert_many("party_rate_limits", [{"key_hash": key, "hits": " " * TRIAL_BYTES, "expires_at": 0}])
    tx.run("DELETE FROM party_rate_limits WHERE key_hash = :key", key=key)


class Writes:
    """What this process knows of it. Only a trial clears a refusal: a right may lack for some things."""

    def __init__(self) -> None:
        # Whether a change was refused since the last trial.
        self.refused = False
        self._tried_at = float("-inf")

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Inside, a change is made only to see whether it can be."""
        yield
        self.refused, self._tried_at = False, time.monotonic()

    def need_a_trial(self, seconds: float) -> bool:
        """Whether a change was refused, or the last trial is longer ago than this."""
        return self.refused or time.monotonic() - self._tried_at > seconds
