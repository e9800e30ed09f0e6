"""Child processes that do not outlive the tests, and ports for them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from typing import NoReturn

import pytest

PR_SET_PDEATHSIG = 1
START_SECONDS = 30


def die_with_parent() -> None:
    """For `preexec_fn`: the kernel kills this child when the test process dies, however it dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def stop_with_parent() -> None:
    """The same for a server with children of its own: it is asked to stop, so that it ends them too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Callable[[], str] = str) -> None:
    """Wait until a server that was just started accepts connections; `log` tells why it did not."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
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
