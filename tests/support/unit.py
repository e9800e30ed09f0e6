"""deploy/party.service and deploy/party.socket, run as systemd runs them, but for the sandbox."""

import re
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

import requests

from tests.support.apache import NOT_IN_A_CLONE, Account
from tests.support.processes import die_with_parent, needs
from tests.support.server import ROOT

SERVICE = ROOT / "deploy/party.service"
SOCKET = ROOT / "deploy/party.socket"
START_SECONDS = 30
STOP_SECONDS = 40
CLONE = "/opt/party"


def lines(unit: Path, key: str) -> list[str]:
    """The values that a unit file gives to a key."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(), re.MULTILINE)


class Unit:
    """A clone that root owns, and the service in it as the account's user, on a socket of systemd's.

    The socket stays, and holds requests, until the unit is removed. `environment` is what stands in
    /etc/default/party, `settings` what config.py says.
    """

    def __init__(
        self,
        account: Account,
        *,
        environment: dict[str, str] | None = None,
        admin_url: str | None = None,
        **settings: object,
    ) -> None:
        self._activate = needs("systemd-socket-activate", "systemd")
        self._folder = tempfile.TemporaryDirectory(prefix="party-unit-", dir="/tmp")
        self._account = account
        self._environment = environment or {}
        folder = Path(self._folder.name)
        folder.chmod(0o755)
        self.clone = folder / "opt/party"
        self.state = folder / "state"
        self.socket = folder / "run/party.sock"
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copytree(ROOT, self.clone, ignore=NOT_IN_A_CLONE)
        (self.clone / ".venv").symlink_to(account.python.parents[1])
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", self.clone], check=True)
        self.state.mkdir(mode=0o700)
        self.socket.parent.mkdir()
        account.own(self.state, self.socket.parent)
        self.configure(
            **{
                "DATABASE_URL": f"sqlite:///{self.state}/party.sqlite3",
                "SECRET_KEY": "a key for tests",
                "TRUSTED_PROXIES": 1,
                **settings,
            }
        )
        credentials = [f"--database-url={admin_url}"] if admin_url else []
        account.run(account.python, "-m", "party", "migrate", *credentials, cwd=self.clone)
        self.start()

    def configure(self, **settings: object) -> None:
        """Write config.py, for root and the service only."""
        config = self.clone / "config.py"
        config.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        shutil.chown(config, group=self._account.name)
        config.chmod(0o640)

    def start(self) -> None:
        """Begin to listen; the program starts with the first request."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._activate,
                    f"--listen={self.socket}",
                    *(f"--setenv={name}={value}" for name, value in self._environment.items()),
                    *self.commands("ExecStart")[0],
                ],
                cwd=self._here(lines(SERVICE, "WorkingDirectory")[0]),
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                user=self._account.name,
                group=self._account.name,
                extra_groups=[],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.socket.exists():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"the unit did not start:\n{self.log}")
            time.sleep(0.02)
        user, group, mode = (lines(SOCKET, f"Socket{key}")[0] for key in ("User", "Group", "Mode"))
        shutil.chown(self.socket, user, group)
        self.socket.chmod(int(mode, 8))

    def reload(self) -> int:
        """What `systemctl reload` does: one command after the other while they succeed; the last's status."""
        assert self._process is not None
        for command in self.commands("ExecReload"):
            words = [word.replace("$MAINPID", str(self._process.pid)) for word in command]
            status = self._account.run(*words, cwd=self.clone, check=False).returncode
            if status:
                return status
        return 0

    def stop(self) -> None:
        """Stop in order; whoever asks now is not answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None
            self.socket.unlink(missing_ok=True)

    def commands(self, key: str) -> list[list[str]]:
        """The commands of the service, in this clone."""
        return [shlex.split(self._here(line)) for line in lines(SERVICE, key)]

    @property
    def worker_pids(self) -> set[int]:
        """The process ids of the workers."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}

    @property
    def connections(self) -> int:
        """How many connections to the socket are open at this moment."""
        connected = "03"
        rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
        return sum(row[5] == connected and row[7:] == [str(self.socket)] for row in rows)

    @property
    def log(self) -> str:
        """What the service has written so far."""
        return self._log.read_text(errors="replace")

    def remove(self) -> None:
        """Stop for good."""
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> "Unit":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _here(self, text: str) -> str:
        assert CLONE in text or text.startswith("/bin/"), text
        return text.replace(CLONE, str(self.clone))


def wait_until_healthy(session: requests.Session, url: str) -> None:
    """Wait until /health answers 200."""
    deadline = time.monotonic() + START_SECONDS
    while (answer := session.get(f"{url}/health", timeout=START_SECONDS)).status_code != 200:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not healthy: {answer.text}")
        time.sleep(0.05)
