"""The account over SSH, with rsync for the files. Keys, agents and known hosts are those of `ssh`."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.account import Uploaded
from deploy.errors import DISK_FULL, ConnectionLost, DeployError
from deploy.retry import persistent

CONNECTION_FAILED = 255
# rsync's words for a connection that broke or stood still.
RSYNC_CONNECTION_FAILED = {10, 12, 30, 35, CONNECTION_FAILED}
NO_SUCH_FILE = 44
_HOPELESS = re.compile(r"Permission denied|Host key verification failed|Could not resolve|Bad owner")
_FULL = re.compile(r"No space left|quota exceeded", re.IGNORECASE)


class SshAccount:
    """One connection carries all commands."""

    has_shell = True

    def __init__(self, host: str, port: int | None, user: str, config: Path | None) -> None:
        for program in ("ssh", "rsync"):
            if shutil.which(program) is None:
                raise DeployError(f"{program} is not installed on this machine")
        self._sockets = tempfile.TemporaryDirectory(prefix="party-ssh-")
        self._host = f"{user}@{host}" if user else host
        self._ssh = [
            "ssh",
            *(["-F", str(config)] if config else []),
            *(["-p", str(port)] if port else []),
            # A question could not be answered here: keys or an agent must do.
            "-oBatchMode=yes",
            "-oConnectTimeout=20",
            "-oServerAliveInterval=10",
            "-oControlMaster=auto",
            "-oControlPersist=60",
            # A short name: macOS allows 104 bytes, and its temporary folders take half of them.
            f"-oControlPath={self._sockets.name}/s",
        ]

    @persistent
    def read(self, path: str) -> bytes | None:
        done = self._try(f"[ -e {_q(path)} ] || exit {NO_SUCH_FILE}; cat {_q(path)}")
        return None if done.returncode == NO_SUCH_FILE else self._checked(done, path)

    @persistent
    def exists(self, path: str) -> bool:
        return self._try(f"[ -f {_q(path)} ]").returncode == 0

    @persistent
    def write(self, path: str, content: bytes) -> None:
        draft, target = _q(f"{path}.part"), _q(path)
        # A connection that breaks looks there like the end of the content: only its size tells.
        self._sh(
            f"cat >{draft} && [ $(wc -c <{draft}) -eq {len(content)} ] && mv {draft} {target}", path, content
        )

    @persistent
    def upload(self, folder: str, files: Mapping[str, bytes], uploaded: Uploaded) -> None:
        with tempfile.TemporaryDirectory(prefix="party-upload-") as staging:
            for name, content in files.items():
                Path(staging, name).write_bytes(content)
            command = [
                "rsync",
                "--recursive",
                "--ignore-existing",
                "--timeout=60",
                # With the bytes sent in it, a line is printed when its file has arrived.
                "--out-format=%b %n",
                f"--rsh={shlex.join(self._ssh)}",
                f"{staging}/",
                f"{self._host}:{folder}/",
            ]
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as rsync:
                assert rsync.stdout is not None
                assert rsync.stderr is not None
                for line in rsync.stdout:
                    name = line.strip().partition(" ")[2]
                    if name in files:
                        uploaded(name)
                complaint = rsync.stderr.read()
        if rsync.returncode:
            raise _error(complaint, folder, lost=rsync.returncode in RSYNC_CONNECTION_FAILED)

    @persistent
    def names(self, folder: str) -> set[str]:
        return set(self._sh(f"[ ! -d {_q(folder)} ] || ls -A {_q(folder)}", folder).decode().split())

    @persistent
    def make_folder(self, folder: str) -> None:
        self._sh(f"mkdir -p {_q(folder)}", folder)

    @persistent
    def rename_folder(self, old: str, new: str) -> bool:
        done = self._try(f"mv -T {_q(old)} {_q(new)} || {{ [ -d {_q(new)} ] && exit {NO_SUCH_FILE}; }}")
        if done.returncode == NO_SUCH_FILE:
            return False
        self._checked(done, new)
        return True

    @persistent
    def remove(self, path: str) -> None:
        self._sh(f"rm -f {_q(path)}", path)

    @persistent
    def remove_folder(self, folder: str) -> None:
        self._sh(f"[ ! -d {_q(folder)} ] || rmdir {_q(folder)}", folder)

    @persistent
    def run(self, *command: str, given: str = "") -> str:
        return self._sh(f"{shlex.join(command)} 2>&1", command[0], given.encode()).decode(errors="replace")

    def close(self) -> None:
        subprocess.run([*self._ssh, "-O", "exit", self._host], check=False, capture_output=True)
        self._sockets.cleanup()

    def _try(self, script: str, content: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run a script there. Raises if the connection fails; the script's own failure is in the result."""
        # The web server reads .htaccess as another user.
        command = [*self._ssh, self._host, f"umask 022; {script}"]
        done = subprocess.run(command, check=False, input=content, capture_output=True)
        if done.returncode == CONNECTION_FAILED:
            raise _error(done.stderr.decode(errors="replace"), "", lost=True)
        return done

    def _sh(self, script: str, path: str, content: bytes = b"") -> bytes:
        """What a script about this path prints."""
        return self._checked(self._try(script, content), path)

    @staticmethod
    def _checked(done: "subprocess.CompletedProcess[bytes]", path: str) -> bytes:
        if done.returncode:
            raise _error((done.stdout[-2000:] + done.stderr).decode(errors="replace"), path, lost=False)
        return done.stdout


def _q(path: str) -> str:
    """A path as one word for the shell, which no name turns into an option."""
    return shlex.quote(path if path.startswith("/") else f"./{path}")


def _error(complaint: str, path: str, *, lost: bool) -> DeployError:
    text = complaint.strip()
    if _FULL.search(text):
        return DeployError(f"{DISK_FULL} ({path}: {text.splitlines()[0]})")
    if lost and not _HOPELESS.search(text):
        return ConnectionLost(f"the connection broke ({text or 'closed by the server'})")
    return DeployError(f"the server refused{f' {path}' if path else ''}: {text or 'it does not say why'}")
