"""`python -m bench`: run all benchmarks, print their tables, write bench/results.json."""

import json
import os
import platform
from pathlib import Path
from typing import Any

from bench import connect

RESULTS = Path(__file__).parent / "results.json"


def show(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a table."""
    print(f"\n{title}")
    columns = list(rows[0])
    for row in [dict(zip(columns, columns, strict=True)), *rows]:
        print("  ".join(f"{row[column]!s:>{max(9, len(column))}}" for column in columns))


def main() -> None:
    rows = connect.measure(rounds=int(os.environ.get("ROUNDS", "11")))
    show("From Party.join to open data channels on all sides", rows)
    machine = {"python": platform.python_version(), "cpus": os.cpu_count()}
    RESULTS.write_text(json.dumps({"machine": machine, "connect": rows}, indent=2) + "\n")


main()
