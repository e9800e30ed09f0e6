"""A feature is a folder, a line, a migration and its tests: without them all the rest works as ever.

Here with a selection of the suite, on SQLite; with all of it by `make removal`.
"""

import pytest

from tests.removal import FEATURES, run
from tests.support.server import ROOT

# What meets features most: views, bodies, the document, the order of checks, and each other.
SELECTION = (
    "tests/rooms/test_rooms.py",
    "tests/web/test_order_of_checks.py",
    "tests/ops/test_service.py",
    "tests/quiz/test_quiz_of_rooms.py",
    "tests/ice",
)
SLOW = "whatever_is_sent"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("feature", FEATURES)
def test_without_a_feature_the_rest_works(feature: str) -> None:
    present = [path for path in SELECTION if f"tests/{feature}" not in path]
    assert all((ROOT / path).exists() for path in SELECTION)
    done = run(feature, "-x", "-k", f"sqlite and not ({SLOW})", *present)
    assert done.returncode == 0, done.stdout


@pytest.mark.timeout(300)
@pytest.mark.parametrize("feature", FEATURES)
def test_without_a_feature_every_other_test_can_be_found(feature: str) -> None:
    done = run(feature, "--collect-only", "-q")
    assert done.returncode == 0, done.stdout[-3000:]
