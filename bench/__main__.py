"""`python -m bench [NAME...]`: run all benchmarks, or these; print tables, write bench/results.json.

The environment variable ROUNDS says how often what is compared takes its turn.
"""

import json
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import bursts, connect, delivery, distant, growth, idle, lobby, pace, quiz, relay, sends

RESULTS = Path(__file__).parent / "results.json"
ROUNDS = int(os.environ.get("ROUNDS", "11"))
# How many members poll, and how. Short polls of many more would only measure the load generator.
CROWDS = [(peers, polls) for peers in (10, 100, 1_000) for polls in ("short", "held")]
CROWDS += [(10_000, "held"), (10_000, "roaming"), (15_000, "held"), (20_000, "held")]

Rows = list[dict[str, Any]]
BENCHMARKS: dict[str, tuple[str, Callable[[], Rows]]] = {
    "pace": ("Polling policies, simulated: an hour of one peer", pace.measure),
    "idle": ("Idle polls beside the barest routes, 16 clients", lambda: idle.measure(ROUNDS)),
    "connect": ("From Party.join to open data channels on all sides", lambda: connect.measure(ROUNDS)),
    "relay": ("Texts through the service, and what they cost", lambda: relay.measure(ROUNDS)),
    "lobby": ("The first look on slow 4G with a slow processor", lambda: lobby.measure(ROUNDS)),
    "sends": ("Signals stored, 16 clients", lambda: sends.measure(ROUNDS)),
    "distant": ("Calls with the database a millisecond away", distant.measure),
    "refused": ("Connects to a database that is not there", distant.refused),
    "bursts": ("All at once: the slowest", lambda: bursts.measure(ROUNDS)),
    "delivery": (
        "From send to receipt, 100 signals a second",
        lambda: [delivery.measure(peers, polls) for peers, polls in CROWDS],
    ),
    "quiz": (
        "Questions that close by themselves, in 200 rooms of 30",
        lambda: [quiz.measure(polls) for polls in ("held", "short")],
    ),
    "growth": ("A call beside few rooms and beside many", lambda: growth.measure(ROUNDS)),
}


def show(title: str, rows: Rows) -> None:
    """Print rows as a table."""
    print(f"\n{title}")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[str(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for line in [columns, *cells]:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), flush=True)


def main() -> None:
    """Results of benchmarks that are not run this time stay in the file."""
    # Each waiting peer is an open file, on both sides.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results["machine"] = {"python": platform.python_version(), "cpus": os.cpu_count()}
    for name in sys.argv[1:] or BENCHMARKS:
        title, measure = BENCHMARKS[name]
        rows = measure()
        show(title, rows)
        results[name] = rows
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")


main()
