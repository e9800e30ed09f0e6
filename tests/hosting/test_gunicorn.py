"""gunicorn's settings for a server of one's own: nobody takes what belongs to others."""

import runpy
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import MakeServer
from tests.support.server import ROOT, Server

CONFIG = ROOT / "deploy" / "gunicorn.conf.py"
CLIENTS = 40

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
def running(server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> Server:
    """As `make run` starts it."""
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--reuse-port")
    return server(config=CONFIG)


def sockets(pid: int) -> int:
    """How many sockets a process has open."""
    return sum(entry.readlink().name.startswith("socket:") for entry in Path(f"/proc/{pid}/fd").iterdir())


@on_sqlite
def test_clients_that_come_at_once_are_shared_out_among_the_workers(running: Server) -> None:
    before = {pid: sockets(pid) for pid in running.worker_pids}
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=30))
            client.sendall(b"GET /limits HTTP/1.1\r\nHost: party\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        taken = [sockets(pid) - count for pid, count in before.items()]
    assert min(taken) >= 5, taken  # of 40, where it is even: not in a million runs


@on_sqlite
def test_a_second_server_does_not_take_a_part_of_the_clients(running: Server) -> None:
    command = [sys.executable, "-m", "gunicorn", "--config", str(CONFIG), f"--bind=127.0.0.1:{running.port}"]
    second = subprocess.run(
        [*command, "app:application"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert second.returncode
    assert "Address already in use" in second.stderr


def test_with_greenlets_a_client_that_asks_without_a_pause_lets_others_ask() -> None:
    gevent = pytest.importorskip("gevent")
    post_request = runpy.run_path(str(CONFIG))["post_request"]
    worker = SimpleNamespace(cfg=SimpleNamespace(worker_class_str="gevent"))
    order: list[str] = []

    def asks(name: str) -> None:
        for _ in range(3):
            order.append(name)
            post_request(worker, None, {}, None)

    gevent.joinall([gevent.spawn(asks, name) for name in "ab"])
    assert order == list("ababab")
