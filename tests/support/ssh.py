"""An SSH server that lets one account in by its key."""

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tests.support.apache import Account
from tests.support.processes import die_with_parent, free_port, needs, wait_for_port

# sshd insists on this folder.
SEPARATION = Path("/run/sshd")


class SshServer:
    """Starts at once; `config` is a file for `ssh -F` with which a login works."""

    def __init__(self, account: Account) -> None:
        program = needs("sshd", "openssh-server")
        keygen = needs("ssh-keygen", "openssh-client")
        needs("rsync", "rsync")
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="party-sshd-")
        folder = Path(self._folder.name)
        folder.chmod(0o755)
        for name in ("host", "user"):
            subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
        (folder / "user.pub").chmod(0o644)
        self.port = free_port()
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile {folder}/pid\n"
            f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM yes\nPasswordAuthentication no\n"
            f"AllowUsers {account.name}\nPrintMotd no\n"
        )
        host_key = (folder / "host.pub").read_text()
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {host_key}")
        self.config = folder / "ssh_config"
        self.config.write_text(
            f"Host *\nIdentityFile {folder}/user\nIdentitiesOnly yes\n"
            f"UserKnownHostsFile {folder}/known_hosts\nStrictHostKeyChecking yes\nLogLevel ERROR\n"
        )
        self._process = subprocess.Popen(
            [program, "-D", "-e", "-f", folder / "sshd_config"],
            stdin=subprocess.DEVNULL,
            stderr=(folder / "log").open("w"),
            preexec_fn=die_with_parent,
        )
        wait_for_port(self.port, self._process)

    def __enter__(self) -> "SshServer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()
