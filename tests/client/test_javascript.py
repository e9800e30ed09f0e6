"""The client's unit tests, which run in Node: the poll loop and the negotiation on a clock of their own."""

import re
import subprocess

from tests.support.peers import codes
from tests.support.processes import needs
from tests.support.server import ROOT


def test_the_clients_unit_tests_pass() -> None:
    files = sorted((ROOT / "tests").rglob("*.test.js"))
    done = subprocess.run(
        [needs("node", "nodejs"), "--test", *map(str, files)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
    )
    assert len(files) >= 2
    assert done.returncode == 0, done.stdout


def test_the_client_knows_the_error_codes_of_the_service() -> None:
    """Any other code is somebody else's, and says nothing about a seat."""
    listed = (ROOT / "party/static/client/errors.js").read_text().partition("new Set([")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', listed)) >= codes()
