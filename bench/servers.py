"""gunicorn for the benchmarks, and wrk, which asks."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.support.apache import PASSENGER_ROOT, Apache
from tests.support.processes import die_with_parent, free_port
from tests.support.server import ROOT

WORKERS = 2
THREADS = 8
GREENLETS = 20_000
# Limits that a benchmark does not run into.
UNLIMITED = {
    "ROOMS_PER_HOUR": 10_000_000,
    "GUESSES_PER_MINUTE": 10_000_000,
    "LOOKS_PER_MINUTE": 10_000_000,
    "POLLS_PER_SECOND": 1_000_000,
    "SENDS_PER_SECOND": 1_000_000,
    "SECRET_KEY": "a key for benchmarks",
    "STUN_URLS": "",
}


@contextmanager
def gunicorn(application: str, worker_class: str, **settings: object) -> Iterator[tuple[str, int]]:
    """A server with two worker processes on a free port: its address and its process id."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PARTY_")}
    environ |= {f"PARTY_{name}": str(value) for name, value in {**UNLIMITED, **settings}.items()}
    command = [
        *(sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}"),
        # Ours as it is shipped.
        *(["--config=deploy/gunicorn.conf.py"] if application == "app:application" else []),
        *(f"--worker-class={worker_class}", "--no-control-socket", "--keep-alive=75", "--log-level=error"),
        *([f"--threads={THREADS}"] if worker_class == "gthread" else [f"--worker-connections={GREENLETS}"]),
        *("--reuse-port", "--backlog=8192"),
        application,
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environ, preexec_fn=die_with_parent)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            try:
                requests.get(url, timeout=10)
                break
            except (requests.ConnectionError, requests.Timeout):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.05)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


def has_passenger() -> bool:
    """Whether Passenger can run here; only root can make the account that it runs an application in."""
    return os.geteuid() == 0 and PASSENGER_ROOT.exists()


@contextmanager
def passenger(application: str, **settings: object) -> Iterator[str]:
    """The address of an application behind Apache and Passenger, as on a shared host."""
    with Apache(processes=WORKERS * 2) as apache:
        apache.put_app(migrate="DATABASE_URL" not in settings, **UNLIMITED, **settings)
        module, _, name = application.partition(":")
        (apache.app_root / "passenger_wsgi.py").write_text(f"from {module} import {name} as application\n")
        yield apache.url


def workers_of(pid: int) -> list[int]:
    """The process ids of a server's workers."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


def memory_mb(pids: list[int]) -> float:
    """The proportional share of memory of these processes together, in MB."""
    total = 0
    for pid in pids:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        total += int(found[1]) if found else 0
    return total / 1000


def wrk(url: str, requests_as_lua: list[str], clients: int, seconds: float) -> tuple[float, int]:
    """Ask over and over, the requests in turn: requests a second, and how many in all.

    Raises `RuntimeError` if any answer was not a 2xx.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            f"local all = {{{', '.join(requests_as_lua)}}}\n"
            "local next = 0\n"
            "request = function() next = next % #all + 1; return all[next] end\n"
        )
        script.flush()
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "-s", script.name, url]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output:
        raise RuntimeError(output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    count = re.search(r"(\d+) requests in", output)
    assert rate
    assert count
    return float(rate[1]), int(count[1])


def lua_request(method: str, path: str, token: str, body: str = "") -> str:
    """A request with a token, as wrk's script writes it."""
    head = [f"{method} {path} HTTP/1.1", "Host: party", f"Authorization: Bearer {token}"]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    # JSON's texts are Lua's, as long as all is ASCII.
    return json.dumps("\r\n".join([*head, "", body]))
