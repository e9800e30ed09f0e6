"""A private coturn: STUN and TURN over UDP and TCP, and TURN over TLS on a port of its own."""

import subprocess
import tempfile
from pathlib import Path

from tests.support import certificates
from tests.support.processes import die_with_parent, free_port, needs, wait_for_port

SECRET = "a secret of the tests' TURN server"


class Coturn:
    """Starts at once, in the network that its thread is in. Without ports it takes free ones."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, tls_port: int = 0, secret: str = SECRET
    ) -> None:
        self.host, self.port, self.tls_port = host, port or free_port(), tls_port or free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="party-coturn-")
        folder = Path(self._folder.name)
        self.certificate = certificates.make(folder, host)
        options = {
            "listening-ip": host,
            "relay-ip": host,
            "listening-port": self.port,
            "tls-listening-port": self.tls_port,
            "realm": "party.test",
            "static-auth-secret": secret,
            "cert": self.certificate.server,
            "pkey": self.certificate.server,
            "userdb": folder / "turndb",
            "pidfile": folder / "pid",
            "relay-threads": 1,
        }
        command = [
            needs("turnserver", "coturn"),
            *("-n", "--use-auth-secret", "--no-cli", "--no-dtls", "--log-file=stdout"),
            *(f"--{name}={value}" for name, value in options.items()),
        ]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent
        )
        wait_for_port(self.port, self._process, host=host)

    def stop(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> "Coturn":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
