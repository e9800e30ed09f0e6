"""When the next poll should come: the one place that decides it.

What a person notices is the time a connection takes to open, so polls are quick while connections
are being made and rare when nobody is waiting for anything. What a guest waits for when it knocks at a
quiet lobby is one poll of the host, so that one still comes every second; in a game, whose members are
connected already, news is rarer and less urgent. When the process is short of capacity all pauses grow:
where requests queue, a poll that comes early only waits longer, and everybody with it.
docs/performance.md has what each costs.
"""

import random
import time
from typing import Any

from party.load import load
from party.rows import Activity, Cursor, Due

NEGOTIATING_MS = 120
# Where something has just come, more is on its way: from others who entered at the same time, say.
LIVELY_MS = 80
# Whoever has just sent something, and got no news along with it, gives the other side the time to fetch
# it and to answer: asking before that costs a request and gains nothing.
ANSWERING_MS = 110
# Where polls are held, news come when they come, and all that a pause is good for is that a page which
# answers sends its answer instead of a poll that it would have to give up. So short that nobody whose
# answer is on its way waits for it.
MINIMUM_GAP_MS = 30
# Where pages talk through the service, and nobody connects.
RELAY_MS = 250
LOBBY_MS = 1000
# A question is seen within 1.5 s of its opening, also where nobody knew when that would be.
GAME_MS = 1300
IDLE_MS = 3000
# Of a game it is known when its next question opens, or the open one closes: whoever would poll after that
# comes just then, within so long.
DUE_WITHIN_MS = 500
# After this long without a join, rejoin or signal, connections are made or have failed; after this long
# without data, pages have stopped talking through the service.
NEGOTIATION_LASTS_MS = RELAY_LASTS_MS = 10_000
# After this long, nobody is expected at any moment.
LOBBY_LASTS_MS = 300_000
# Clients that started together spread out, by this share up or down.
JITTER = 0.1


class Paced(Activity, Due):
    """A room that is polled."""


def poll_after_ms(
    now: int, room: Paced, *, more: bool = False, news: bool = False, sent: bool = False
) -> int:
    """Milliseconds until the caller should poll again.

    `news` tells whether the answer has messages, `sent` whether
    the request was a send.
    """
    if more:
        return 0
    # Of what lies in the future only the distance tells something: a clock has been set right.
    quiet_ms = abs(now - room["negotiated_at"])
    if quiet_ms < NEGOTIATION_LASTS_MS:
        pace: float = LIVELY_MS if news else ANSWERING_MS if sent else NEGOTIATING_MS
    elif abs(now - room["relayed_at"]) < RELAY_LASTS_MS:
        pace = RELAY_MS
    elif room["status"] != "waiting":
        pace = GAME_MS
    else:
        pace = LOBBY_MS if quiet_ms < LOBBY_LASTS_MS else IDLE_MS
    factor = load.factor if time.monotonic() < load.holds_until else load.back_off_factor()
    pause = pace * factor * random.uniform(1 - JITTER, 1 + JITTER)
    due_at = room["due_at"]
    if room["status"] == "playing" and due_at is not None and now < due_at < now + pause:
        pause = due_at - now + random.uniform(0, DUE_WITHIN_MS)
    return round(pause)


def minimum_gap_ms() -> int:
    """Milliseconds until a caller whose polls are held should poll again after news or a send."""
    return round(MINIMUM_GAP_MS * random.uniform(1 - JITTER, 1 + JITTER))


class Quiet(Paced, Cursor):
    """A room in which nothing has come for somebody."""


def empty_answer(now: int, room: Quiet) -> dict[str, Any]:
    """The answer of a poll to whom nothing has come: Poll."""
    return {
        "messages": [],
        "count": 0,
        "seq": room["seq"],
        "more": False,
        "gap": False,
        "pollAfterMs": poll_after_ms(now, room),
    }
