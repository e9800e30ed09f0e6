"""The client's unit tests, which run in Node: the poll loop and the negotiation on a clock of their own."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("feature", ["relay", "reports"])
def test_the_client_works_as_ever_without_a_feature_that_is_its_own(tmp_path: Path, feature: str) -> None:
    shutil.copytree(ROOT / "party" / "static", tmp_path / "party" / "static")
    shutil.copytree(ROOT / "tests" / "js", tmp_path / "tests" / "js")
    shutil.copy(ROOT / "tests" / "package.json", tmp_path / "tests")
    client = tmp_path / "party" / "static" / "client"
    (client / f"{feature}.js").unlink()
    for path in client.glob("*.js"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if f'"./{feature}.js"' not in line))
    files = [f"tests/js/{name}.test.js" for name in ("party", "peer")]
    done = subprocess.run(
        [needs("node", "nodejs"), "--test", *files], cwd=tmp_path, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout


def test_the_client_knows_the_error_codes_of_the_service() -> None:
    """Any other code is somebody else's, and says nothing about a seat."""
    listed = (ROOT / "party/static/client/errors.js").read_text().partition("new Set([")[2].partition("]")[0]
    assert set(re.findall(r'"(\w+)"', listed)) >= codes()
