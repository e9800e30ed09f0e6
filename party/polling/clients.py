"""Whether the clients of waiting requests are still there, as far as the server shows it."""

import select
import sys
from collections.abc import Iterable
from typing import Any

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


def connection_of(environ: dict[str, Any]) -> Any:
    """The socket that a request came on, or None: only gunicorn and werkzeug tell."""
    return environ.get("gunicorn.socket") or environ.get("werkzeug.socket")


def gone(connections: Iterable[Any]) -> set[int]:
    """Which of these sockets their clients have closed, by file number; asks for all of them at once.

    One that was closed on this side too has none any more, and is in the set as -1.
    """
    poll = _poll()
    found = set()
    for connection in connections:
        number = connection.fileno()
        if number < 0:
            found.add(number)
        else:
            poll.register(number, select.POLLRDHUP)
    return found | {number for number, events in poll.poll(0) if events & _GONE}


def _poll() -> Any:
    # gevent's own one would start a watcher for each; this one does not wait anyway.
    monkey = sys.modules.get("gevent.monkey")
    return (monkey.get_original("select", "poll") if monkey else select.poll)()
