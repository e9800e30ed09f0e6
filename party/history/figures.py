"""What Prometheus is given of the history."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from party import clock
from party.db import Connection, Database
from party.history import days

OUTCOMES = ("opened", "started", "completed")


def metrics(database: Database) -> Iterator[Metric]:
    """Sessions that go on, those of today with their devices, and all games by their type and outcome."""
    today = database.read(lambda tx: days.sessions_of(tx, days.first_moment(clock.now_ms())))
    texts = {
        "sessions": "Members who came today.",
        "devices": "Devices that they came on.",
        "returning_devices": "Those of them that had been there before.",
    }
    for name, text in texts.items():
        yield GaugeMetricFamily(f"party_{name}_today", text, value=today[name])
    active = days.active_sessions(database)
    yield GaugeMetricFamily("party_sessions_active", "Sessions that go on.", value=active)
    games = CounterMetricFamily(
        "party_games", "Rooms that have ended, by their gameType.", labels=["game_type", "outcome"]
    )
    for (game_type, outcome), count in sorted(database.read(_games).items()):
        games.add_metric([game_type, outcome], count)
    yield games


def _games(tx: Connection) -> Counter[tuple[str, str]]:
    """By the type and the outcome: the sums of days, and what has not been summed."""
    found: Counter[tuple[str, str]] = Counter()
    sums = ", ".join(f"SUM({name}) AS {name}" for name in OUTCOMES)
    rows = tx.all(f"SELECT game_type, {sums} FROM party_game_days GROUP BY game_type")
    for row in [*rows, *days.games_since(tx, days.first_unsummed(tx))]:
        for outcome in OUTCOMES:
            found[row["game_type"], outcome] += int(row[outcome])
    return found
