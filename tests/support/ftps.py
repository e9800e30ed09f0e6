"""FTP servers with TLS: pyftpdlib, which can be made to fail at will, and vsftpd, which is strict."""

import logging
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from tests.support import certificates
from tests.support.apache import Account
from tests.support.processes import client_ports, die_with_parent, free_port, needs, wait_for_port

USER, PASSWORD = "acct", "correct horse"

logging.getLogger("pyftpdlib").setLevel(logging.ERROR)


class Pyftpdlib:
    """A server in a thread of this process; `home` is where its one user begins."""

    def __init__(self, home: Path, *, certificate_for: str = "127.0.0.1") -> None:
        # Data connections to cut in the middle, and seconds that each upload takes.
        self.cuts = 0
        self.upload_seconds = 0.0
        # What has been stored, by the names that the client gave, drafts included.
        self.stored: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix="party-ftps-")
        self.certificate = certificates.make(Path(self._folder.name), certificate_for)
        authorizer = DummyAuthorizer()
        authorizer.add_user(USER, PASSWORD, str(home), perm="elradfmwMT")
        self._loop = IOLoop()
        self._server = FTPServer(("127.0.0.1", 0), self._handler(authorizer), ioloop=self._loop)
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._stopping = False
        self._thread.start()

    def _handler(self, authorizer: DummyAuthorizer) -> type[TLS_FTPHandler]:
        outer = self

        class Data(TLS_FTPHandler.dtp_handler):  # type: ignore[misc]
            def handle_read_event(self) -> None:
                super().handle_read_event()
                if outer.upload_seconds and self.tot_bytes_received:
                    time.sleep(outer.upload_seconds)
                if outer.cuts and self.tot_bytes_received:
                    outer.cuts -= 1
                    self.cmd_channel.close()

        class Handler(TLS_FTPHandler):  # type: ignore[misc]
            certfile = str(outer.certificate.server)
            tls_control_required = True
            tls_data_required = True
            dtp_handler: type[DTPHandler] = Data
            auth_failed_timeout = 0

            def respond(self, resp: str, **options: Any) -> None:
                # As Pure-FTPd says it, which is cPanel's own.
                super().respond(re.sub(r"^550 (?=Directory not empty)", "451 ", resp), **options)

            def on_file_received(self, file: str) -> None:
                outer.stored.append(Path(file).name)

        Handler.authorizer = authorizer
        return Handler

    def _serve(self) -> None:
        while not self._stopping:
            self._loop.loop(timeout=0.05, blocking=False)

    def __enter__(self) -> "Pyftpdlib":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        self._thread.join()
        self._server.close_all()
        self._loop.close()
        self._folder.cleanup()


class Vsftpd:
    """A server that wants each data connection to go on with the TLS session of its control connection."""

    def __init__(self, account: Account) -> None:
        program = needs("vsftpd", "vsftpd")
        subprocess.run(["chpasswd"], input=f"{account.name}:{PASSWORD}", text=True, check=True)
        self._folder = tempfile.TemporaryDirectory(prefix="party-vsftpd-")
        folder = Path(self._folder.name)
        (folder / "empty").mkdir(mode=0o755)
        self.certificate = certificates.make(folder)
        self.port = free_port()
        clients = client_ports()
        options: dict[str, Any] = {
            "listen": "YES",
            "listen_address": "127.0.0.1",
            "listen_port": self.port,
            "background": "NO",
            "local_enable": "YES",
            "write_enable": "YES",
            "local_umask": "077",  # its own default
            "anonymous_enable": "NO",
            "pam_service_name": "vsftpd",
            "secure_chroot_dir": folder / "empty",
            "rsa_cert_file": self.certificate.server,
            "ssl_enable": "YES",
            "require_ssl_reuse": "YES",
            "ssl_ciphers": "HIGH",
            "pasv_address": "127.0.0.1",
            # Of all that there are it would take those of other tests' servers.
            "pasv_min_port": clients.start,
            "pasv_max_port": clients.stop - 1,
            "isolate_network": "NO",
            "seccomp_sandbox": "NO",
            "vsftpd_log_file": folder / "log",
            "log_ftp_protocol": "YES",
        }
        configuration = folder / "vsftpd.conf"
        configuration.write_text("".join(f"{name}={value}\n" for name, value in options.items()))
        self._process = subprocess.Popen(
            [program, configuration], stdin=subprocess.DEVNULL, preexec_fn=die_with_parent
        )
        wait_for_port(self.port, self._process)

    def __enter__(self) -> "Vsftpd":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()
