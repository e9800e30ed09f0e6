"""The client outside of browsers: in Node, with WebRTC from a package."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import tabs
from tests.support.processes import die_with_parent, needs
from tests.support.server import ROOT, Server
from tests.support.tabs import MakeTab

WERIFT = "werift@0.24.4"

service = tabs.service


@pytest.fixture(scope="session")
def werift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    folder = tmp_path_factory.mktemp("node")
    install = [needs("npm", "npm"), "install", "--no-audit", "--no-fund", "--silent", "--prefix", "."]
    subprocess.run([*install, WERIFT], cwd=folder, check=True, timeout=100)
    return folder


UNREACHABLE = {"error": "The service cannot be reached."}


class NodeHost:
    """A room's host in Node; what it tells."""

    def __init__(self, service: Server, werift: Path) -> None:
        script = ROOT / "tests" / "client" / "node.js"
        self._process = subprocess.Popen(
            [needs("node", "nodejs"), script, service.url, werift],
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )
        self.code: str = self.told()["code"]

    def told(self) -> Any:
        """The next thing that it tells, but for a kept connection that broke: what used it is repeated."""
        assert self._process.stdout
        while (found := json.loads(self._process.stdout.readline())) == UNREACHABLE:
            pass
        return found

    def stop(self) -> None:
        """End the process, if it has not ended."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def node(service: Server, werift: Path) -> Iterator[NodeHost]:
    """A host in Node."""
    host = NodeHost(service, werift)
    yield host
    host.stop()


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_node_and_a_browser_connect_and_talk(node: NodeHost, service: Server, open_tab: MakeTab) -> None:
    ben = open_tab(service)
    ben.join(node.code, "ben")
    ben.wait("harness.opened.node === 1")
    assert node.told() == {"peerId": "ben", "state": "open"}
    ben.run("party.broadcast('hello from a browser'); party.broadcast(new Uint8Array(100_000))")
    for data in ("hello from a browser", 100_000):
        assert node.told() == {"peerId": "ben", "data": data}
    ben.wait("harness.messages.node?.length === 3")
    ben.expected["node"] = [
        "hello from Node",
        "hello from a browser",
        ben.get("harness.describe(new Uint8Array(100_000))"),
    ]
    ben.check_messages()
    ben.run("await party.leave()")
    assert node.told()["peerId"] == "ben"
