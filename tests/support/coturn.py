"""A private coturn: STUN and TURN over UDP and TCP, and TURN over TLS on a port of its own."""

import re
import subprocess
import tempfile
from pathlib import Path

from tests.support import certificates
from tests.support.processes import die_with_parent, free_port, needs, wait_for_port
from tests.support.server import ROOT

SECRET = "a secret of the tests' TURN server"


class Coturn:
    """Starts at once, in the network that its thread is in, on free ports unless others are given.

    It has the configuration that docs/turn.md shows, but for what is of this place.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls_port: int = 0, secret: str = SECRET
    ) -> None:
        self.host, self.port, self.tls_port = host, port or free_port(), tls_port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="party-coturn-")
        folder = Path(self._folder.name)
        self.certificate = certificates.make(folder, host)
        settings = {
            "static-auth-secret": secret,
            "listening-port": self.port,
            "tls-listening-port": self.tls_port,
            "cert": self.certificate.server,
            "pkey": self.certificate.server,
        }
        (shown,) = re.findall(r"```ini\n(.*?)```", (ROOT / "docs" / "turn.md").read_text(), re.DOTALL)
        for name, value in settings.items():
            shown, replaced = re.subn(rf"(?m)^{name}=.*", f"{name}={value}", shown)
            assert replaced == 1, name
        here = {
            "listening-ip": host,
            "relay-ip": host,
            "userdb": folder / "turndb",
            "pidfile": folder / "pid",
        }
        lines = [f"{name}={value}" for name, value in here.items()]
        (folder / "turnserver.conf").write_text("\n".join([shown, "log-file=stdout", *lines]))
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [needs("turnserver", "coturn"), "-c", str(folder / "turnserver.conf")],
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
            )
        wait_for_port(self.port, self._process, lambda: self.log, host)

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> "Coturn":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
