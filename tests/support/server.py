"""The app under gunicorn, as on a real server: several processes, several threads."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import requests

from tests.support.processes import die_with_parent, free_port

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 20


class Server:
    """Starts at once. `settings` are those of the contract, by their names in config.py.

    `config` is a configuration file of gunicorn's, `host` an address of the network that this thread is in.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        threads: int = 8,
        worker_class: str = "gthread",
        config: Path | None = None,
        mount: str = "",
        host: str = "127.0.0.1",
        **settings: object,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="party-server-")
        self._log = Path(self._folder.name) / "log"
        self._workers = workers
        self._threads = threads
        self._worker_class = worker_class
        self._config = ["--config", str(config)] if config else []
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PARTY_")
        } | {f"PARTY_{name}": str(value) for name, value in settings.items()}
        if mount:
            self._environment["SCRIPT_NAME"] = mount
        self.port = free_port()
        self._bind = f"{host}:{self.port}"
        self.url = f"http://{self._bind}{mount}"
        self._process: subprocess.Popen[bytes] | None = None
        # Whether somebody has stopped it, or done something else to it since it was started first.
        self.is_touched = False
        self.start()

    def start(self) -> None:
        """Start, on the same port as before, and wait until /health answers anything."""
        log = self._log.open("ab")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                *self._config,
                f"--bind={self._bind}",
                f"--workers={self._workers}",
                f"--worker-class={self._worker_class}",
                f"--threads={self._threads}",
                "--graceful-timeout=5",
                "--no-control-socket",
                "app:application",
            ],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
        log.close()
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                requests.get(f"{self.url}/health", timeout=10)
            except (requests.ConnectionError, requests.Timeout):
                if time.monotonic() > deadline or self._process.poll() is not None:
                    self.stop()
                    raise RuntimeError(f"the server did not start:\n{self.log}") from None
                time.sleep(0.05)
            else:
                return

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text(errors="replace")

    @property
    def worker_pids(self) -> list[int]:
        """The process ids of the workers."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def kill_worker(self) -> None:
        """kill -9 one worker; gunicorn starts another."""
        self.is_touched = True
        os.kill(self.worker_pids[0], signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        """Send the server a signal, as a deploy does."""
        assert self._process is not None
        self.is_touched = True
        self._process.send_signal(number)

    def stop(self) -> None:
        """Stop in order, and by force if that takes too long."""
        self.is_touched = True
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in [*self.worker_pids, self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.wait(timeout=STOP_SECONDS)
        self._process = None

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._folder.cleanup()
