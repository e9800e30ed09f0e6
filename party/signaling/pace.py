"""When the next poll should come: the one place that decides it.

What a person notices is the time a connection takes to open, so polls are quick while connections
are being made and rare when nobody is waiting for anything.
"""

import random

from party.db import Row

NEGOTIATING_MS = 120
# Where something has just come, more is on its way: from others who entered at the same time, say.
LIVELY_MS = 80
# Whoever has just sent something, and got no news along with it, gives the other side the time to fetch
# it and to answer: asking before that costs a request and gains nothing.
ANSWERING_MS = 170
LOBBY_MS = 1000
PLAYING_MS = 2000
IDLE_MS = 3000
# After this long without a join, rejoin or signal, connections are made or have failed.
NEGOTIATION_LASTS_MS = 10_000
# After this long, nobody is expected at any moment.
LOBBY_LASTS_MS = 300_000
# Clients that started together spread out, by this share up or down.
JITTER = 0.1


def poll_after_ms(now: int, room: Row, *, more: bool, news: bool, sent: bool = False) -> int:
    """Milliseconds until the caller should poll again.

    `room` has `status` and `negotiated_at`. `news` tells whether the answer has messages, `sent` whether
    the request was a send.
    """
    if more:
        return 0
    quiet_ms = now - room["negotiated_at"]
    if quiet_ms < NEGOTIATION_LASTS_MS:
        pace = LIVELY_MS if news else ANSWERING_MS if sent else NEGOTIATING_MS
    elif quiet_ms < LOBBY_LASTS_MS:
        pace = LOBBY_MS if room["status"] == "waiting" else PLAYING_MS
    else:
        pace = IDLE_MS
    return round(pace * random.uniform(1 - JITTER, 1 + JITTER))
