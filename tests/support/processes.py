"""Child processes that do not outlive the tests, and ports for them."""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

PR_SET_PDEATHSIG = 1
FIRST_PORT = 12_000  # above those that browsers refuse to visit
START_SECONDS = 30


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills this child when the test process dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stop_with_parent() -> None:
    """The same for a server with children of its own: it is asked to stop, so that it ends them too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def client_ports() -> range:
    """The ports that the kernel chooses from for connections, and for servers that ask for any port."""
    first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    return range(int(first), int(last) + 1)


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment.

    It is none of those that the kernel gives to connections: a server that needs a while to start, or
    comes back to its port later, would find it taken now and then.
    """
    while True:
        # Not `random`, which tests seed: processes that run side by side would choose the same ones.
        port = FIRST_PORT + secrets.randbelow(client_ports().start - FIRST_PORT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(
    port: int, process: "subprocess.Popen[bytes]", log: Callable[[], str] = str, host: str = "127.0.0.1"
) -> None:
    """Wait until a server that was just started accepts connections; `log` tells why it did not."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((host, port), timeout=5).close()
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"the server did not start:\n{log()}") from None
            time.sleep(0.02)
        else:
            return


def needs(program: str, package: str) -> str:
    """The path of a program; without it the test is skipped, and fails where CI=true."""
    found = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    return found or missing(f"{program} is not installed (Debian's package {package})")


def missing(what: str) -> NoReturn:
    """Skip the test for want of something; fail instead where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)
