"""What the doctor says of three nodes."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from party.ops.doctor import examine
from party.ops.doctor.finding import Finding
from tests.support.galera import Node
from tests.support.mariadb import DatabaseUrls

Examine = Callable[[], dict[str, Finding]]


@pytest.fixture
def findings(
    nodes: list[Node], urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Examine:
    """Examines, and gives the findings by their names."""
    monkeypatch.setenv("PARTY_DATABASE_URL", urls.app)
    monkeypatch.setenv("PARTY_SECRET_KEY", "a key for tests")
    monkeypatch.setenv("PARTY_STUN_URLS", "")
    return lambda: {finding.check: finding for finding in examine(root=tmp_path)}


def test_a_cluster_that_is_well_is_said_to_be(findings: Examine) -> None:
    found = findings()
    assert (found["database hosts"].status, found["Galera"].status) == ("ok", "ok"), found
    assert found["Galera"].found == "3 nodes, all well"


def test_a_node_that_is_alone_is_named(findings: Examine, nodes: list[Node]) -> None:
    nodes[1].isolate()
    deadline = time.monotonic() + 15
    # It takes the node a while to find out.
    while (found := findings())["database hosts"].status == "ok" and time.monotonic() < deadline:
        time.sleep(0.2)
    nodes[1].isolate(False)
    assert found["database hosts"].status == "failed"
    assert f"127.0.0.1:{nodes[1].port}" in found["database hosts"].found
