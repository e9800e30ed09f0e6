"""A feature is a folder, a line, a migration and its tests: without them all the rest works as ever.

Here with a selection of the suite, on SQLite; with all of it by `make removal`.
"""

from pathlib import Path

import pytest

from tests.removal import FEATURES, run
from tests.support.server import ROOT

# What meets features most: views, bodies, the document, the order of checks, and each other.
SELECTION = (
    "tests/rooms/test_rooms.py",
    "tests/web/test_order_of_checks.py",
    "tests/ops/test_service.py",
    "tests/quiz/test_quiz_of_rooms.py",
    "tests/ice/test_ice_servers.py",
)
SLOW = "whatever_is_sent"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("feature", FEATURES)
def test_without_a_feature_every_other_test_can_be_found_and_the_rest_works(feature: str) -> None:
    assert all((ROOT / path).exists() for path in SELECTION)
    # By names rather than by paths, so that all that is not chosen is found, too.
    chosen = " or ".join(Path(path).name for path in SELECTION if f"tests/{feature}/" not in path)
    done = run(feature, "-x", "--assert=plain", "-k", f"sqlite and ({chosen}) and not ({SLOW})")
    assert done.returncode == 0, done.stdout[-10_000:]
