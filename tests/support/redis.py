"""A private Redis on the loopback interface."""

import os
import signal
import subprocess
from contextlib import suppress

import redis

from tests.support.processes import die_with_parent, free_port, needs, wait_for_port


class Redis:
    """Starts at once, and keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start, on the same port as before."""
        program = needs("redis-server", "redis-server")
        command = [
            program,
            "--bind",
            "127.0.0.1",
            "--port",
            str(self.port),
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
        wait_for_port(self.port, self._process)

    def client(self) -> "redis.Redis":
        """Somebody else who talks to it."""
        return redis.Redis.from_url(self.url)

    def freeze(self, yes: bool = True) -> None:
        """Let it take connections and answer nothing, or go on."""
        os.kill(self._process.pid, signal.SIGSTOP if yes else signal.SIGCONT)

    def stop(self) -> None:
        """Stop it."""
        with suppress(ProcessLookupError):
            self.freeze(False)
        self._process.kill()
        self._process.wait()
