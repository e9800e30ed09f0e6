"""What is counted of a report, and how it is shown: `python -m party stats` and `/metrics`.

A counter is a text: `outcome OUTCOME REASON`, `ms LIMIT` (the bucket that a time fell into), `ms sum`,
`candidates LOCAL REMOTE PROTOCOL`, `unreported`. What was not said is `-`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import accumulate
from typing import get_args

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from party.db import Connection, Database
from party.reports.models import Outcome, Report

UNREPORTED = "unreported"
# Where the buckets of times end, in milliseconds; the last is the longest that can be reported.
BUCKETS = (
    *(100, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 4000, 5000, 8000),
    *(10_000, 15_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000),
)


def counters(report: Report) -> dict[str, int]:
    """What a report adds to its day."""
    found = {f"outcome {report.outcome} {report.reason or '-'}": 1}
    if report.ms is not None:
        found[f"ms {next(limit for limit in BUCKETS if report.ms <= limit)}"] = 1
        found["ms sum"] = report.ms
    if report.local or report.remote or report.protocol:
        found[f"candidates {report.local or '-'} {report.remote or '-'} {report.protocol or '-'}"] = 1
    return found


def _days(tx: Connection) -> dict[str, Counter[str]]:
    """All counters of each day."""
    days: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in tx.all("SELECT day, counter, total FROM party_report_counts"):
        days[row["day"]][row["counter"]] = int(row["total"])
    return days


def _times(counts: Counter[str]) -> list[int]:
    """How many times fell into each bucket."""
    return [counts[f"ms {limit}"] for limit in BUCKETS]


def percentile(counts: Counter[str], share: float) -> int | None:
    """The end of the bucket up to which this share of the times lies; None where there are none."""
    times = list(accumulate(_times(counts)))
    if not times[-1]:
        return None
    return next(limit for limit, upto in zip(BUCKETS, times, strict=True) if upto >= share * times[-1])


def by_day(tx: Connection, now: int) -> dict[str, dict[str, float]]:
    """For `python -m party stats`: the days on which something was reported; shares are in percent."""
    return {day: shown for day, counts in _days(tx).items() if (shown := _columns(counts))["pairs"]}


def _columns(counts: Counter[str]) -> dict[str, float]:
    outcomes, others = Counter[str](), Counter[str]()
    for counter, count in counts.items():
        kind, *words = counter.split()
        if kind == "outcome":
            outcomes[words[0]] += count
            others[words[1]] += count
        elif kind == "candidates":
            others["/".join(words)] += count
    del others["-"]
    pairs = outcomes.total()
    found: dict[str, float] = {"pairs": pairs}
    found |= {f"{name} %": round(100 * outcomes[name] / max(1, pairs)) for name in get_args(Outcome)}
    found["unreported"] = counts[UNREPORTED]
    for name, share in (("median ms", 0.5), ("95 % ms", 0.95)):
        if (ms := percentile(counts, share)) is not None:
            found[name] = ms
    return found | dict(sorted(others.items()))


def metrics(database: Database) -> Iterator[Metric]:
    """For `/metrics`: all days together."""
    total = sum(database.read(_days).values(), Counter[str]())
    connections = CounterMetricFamily(
        "party_connections", "Pairs of pages by how their connection went.", labels=["outcome", "reason"]
    )
    for counter, count in sorted(total.items()):
        kind, *words = counter.split()
        if kind == "outcome":
            connections.add_metric([words[0], "" if words[1] == "-" else words[1]], count)
    yield connections
    histogram = HistogramMetricFamily("party_connection_seconds", "How long that took.")
    upto = list(accumulate(_times(total)))
    buckets = [(str(limit / 1000), float(count)) for limit, count in zip(BUCKETS, upto, strict=True)]
    histogram.add_metric([], buckets=[*buckets, ("+Inf", float(upto[-1]))], sum_value=total["ms sum"] / 1000)
    yield histogram
    yield CounterMetricFamily(
        "party_connections_unreported", "Pairs of whom no page told.", value=total[UNREPORTED]
    )
