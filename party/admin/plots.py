"""Plots as points of an SVG: lines that dashes tell apart as well as colours, and the table behind them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

DAYS = 30
WIDTH, HEIGHT = 600, 120

Counts = Mapping[str, float]


@dataclass(frozen=True)
class Line:
    """One line: its name, its values by day, and its points in the plot."""

    name: str
    values: list[float]
    points: str


@dataclass(frozen=True)
class Plot:
    """Some lines over the same days; `most` is the value at its upper edge."""

    title: str
    days: list[str]
    most: float
    lines: list[Line]


def _total(ending: str) -> Callable[[Counts], float]:
    return lambda day: sum(value for name, value in day.items() if name.endswith(ending))


def _completion(day: Counts) -> float:
    started = _total(".started")(day)
    return round(100 * _total(".completed")(day) / started) if started else 0


def _column(name: str) -> Callable[[Counts], float]:
    return lambda day: day.get(name, 0)


# Title → name of each line → its value of a day.
PLOTS: dict[str, dict[str, Callable[[Counts], float]]] = {
    "Rooms": {"ended": _total(".opened"), "started": _total(".started")},
    "Sessions and devices": {
        "sessions": _column("sessions"),
        "devices": _column("devices"),
        "devices that came again": _column("returning_devices"),
    },
    "Games that came to their end, in percent": {"completed": _completion},
}
# What becomes of connections, where pages report it: a line for each outcome, and why some do not open.
SHARE = " %"
REASONS = ("no-candidates", "no-answer", "ice-failed", "turn-refused", "not-supported", "sleeping")


def last_days(now: int) -> list[str]:
    """The days that are plotted, the oldest first."""
    today = datetime.fromtimestamp(now / 1000, timezone.utc).date()
    return [(today - timedelta(days=ago)).isoformat() for ago in reversed(range(DAYS))]


def plots(counted: Mapping[str, Counts], days: Sequence[str]) -> list[Plot]:
    """All plots of what features have counted, by the day and the column."""
    columns = {name for counts in counted.values() for name in counts if name.endswith(SHARE)}
    wanted = dict(PLOTS)
    if columns:
        wanted["Connections, in percent"] = {
            name.removesuffix(SHARE): _column(name) for name in sorted(columns)
        }
        wanted["Why connections did not open"] = {name: _column(name) for name in REASONS}
    return [
        _plot(
            title,
            list(days),
            {name: [of(counted.get(day, {})) for day in days] for name, of in lines.items()},
        )
        for title, lines in wanted.items()
    ]


def _plot(title: str, days: list[str], values: dict[str, list[float]]) -> Plot:
    most = max(1, *(value for line in values.values() for value in line))
    lines = [Line(name, line, _points(line, most)) for name, line in values.items()]
    return Plot(title, days, most, lines)


def _points(values: list[float], most: float) -> str:
    step = WIDTH / max(1, len(values) - 1)
    return " ".join(f"{n * step:.1f},{HEIGHT - value / most * HEIGHT:.1f}" for n, value in enumerate(values))
