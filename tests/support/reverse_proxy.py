"""nginx and Apache on the site files that this repository ships, private and on free ports."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from tests.support import certificates
from tests.support.apache import MODULES
from tests.support.processes import free_port, needs, stop_with_parent, wait_for_port
from tests.support.server import ROOT

STOP_SECONDS = 30
SHIPPED_NAME = "party.example.org"
# Debian's modules that are on by default, and then those that the head of deploy/apache.conf names.
APACHE_MODULES = "mpm_event authz_core alias filter mime reqtimeout setenvif".split() + (
    "socache_shmcb ssl http2 headers deflate proxy proxy_http".split()
)


class ReverseProxy:
    """A site on https://localhost before an app at `upstream`, with a certificate of its own.

    The shipped file is changed as its head tells an admin to, and listens on other ports.
    """

    def __init__(self, upstream: Path, mount: str = "") -> None:
        # The web server's user enters it.
        self._folder = tempfile.TemporaryDirectory(prefix="party-proxy-", dir="/tmp")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self.http_port, self.port = free_port(), free_port()
        self.http = f"http://localhost:{self.http_port}"
        self.site = f"https://localhost:{self.port}"
        self.url = f"{self.site}{mount}"
        self._process: subprocess.Popen[bytes] | None = None
        self._command = self._find()
        certificate = certificates.make(self.folder / "certificate", "localhost")
        self.authority = certificate.authority
        for name in ("fullchain.pem", "privkey.pem"):
            shutil.copy(certificate.server, self.folder / name)
        (self.folder / "html").mkdir()
        site = self._shipped(upstream, mount)
        (self.folder / "site.conf").write_text(site)
        (self.folder / "main.conf").write_text(self._main())
        try:
            self._start()
        except BaseException:
            self.remove()
            raise

    def challenge(self, name: str, content: str) -> None:
        """Put a file where certbot puts the certificate authority's challenges."""
        folder = self.folder / "html/.well-known/acme-challenge"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def remove(self) -> None:
        """Stop for good."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=STOP_SECONDS)
            self._process = None
        self._folder.cleanup()

    def __enter__(self) -> "ReverseProxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _find(self) -> list[str]:
        raise NotImplementedError

    def _main(self) -> str:
        """The server's main configuration, in place of Debian's; it includes site.conf."""
        raise NotImplementedError

    def _shipped(self, upstream: Path, mount: str) -> str:
        """The shipped site, with the names and ports of this one."""
        raise NotImplementedError

    def _start(self) -> None:
        with (self.folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Apache ends all of its process group, which must not be ours.
                start_new_session=True,
                preexec_fn=stop_with_parent,
            )
        wait_for_port(self.port, self._process, lambda: self.log)


class Nginx(ReverseProxy):
    """deploy/nginx.conf under nginx."""

    def _find(self) -> list[str]:
        return [needs("nginx", "nginx"), "-p", ".", "-e", "error.log", "-c", "main.conf"]

    def _main(self) -> str:
        folder = self.folder
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n" for kind in "client_body proxy fastcgi uwsgi scgi".split()
        )
        return (
            f"daemon off;\nuser www-data;\nworker_processes 2;\npid {folder}/pid;\n"
            f"error_log {folder}/error.log;\nevents {{ }}\n"
            f"http {{\naccess_log {folder}/access.log;\n{temporary}include {folder}/site.conf;\n}}\n"
        )

    def _shipped(self, upstream: Path, mount: str) -> str:
        return _replaced(
            (ROOT / "deploy/nginx.conf").read_text(),
            {
                "unix:/run/party.sock": f"unix:{upstream}",
                r"listen \[::\]:.*\n": "",
                "listen 80;": f"listen 127.0.0.1:{self.http_port};",
                "listen 443": f"listen 127.0.0.1:{self.port}",
                f"/etc/letsencrypt/live/{SHIPPED_NAME}": str(self.folder),
                "/var/www/html": str(self.folder / "html"),
                SHIPPED_NAME: "localhost",
                r"(location) / (\{\s+proxy_pass)": rf"\1 {mount}/ \2",
            },
        )


class ApacheProxy(ReverseProxy):
    """deploy/apache.conf under Apache."""

    def _find(self) -> list[str]:
        return [needs("apache2", "apache2"), "-D", "FOREGROUND", "-f", str(self.folder / "main.conf")]

    def _main(self) -> str:
        folder = self.folder
        return "\n".join(
            [
                f'ServerRoot "{folder}"',
                "ServerName localhost",
                f"Listen 127.0.0.1:{self.http_port}",
                f"Listen 127.0.0.1:{self.port}",
                "PidFile pid",
                f'DefaultRuntimeDir "{folder}"',
                "ErrorLog error.log",
                "User www-data",
                "Group www-data",
                *(f'LoadModule {name}_module "{MODULES}/mod_{name}.so"' for name in APACHE_MODULES),
                "TypesConfig /dev/null",
                'CustomLog access.log "%h %l %u %t \\"%r\\" %>s %b"',
                "<Directory />",
                "AllowOverride None",
                "Require all denied",
                "</Directory>",
                f'<Directory "{folder}/html">',
                "Require all granted",
                "</Directory>",
                f'Include "{folder}/site.conf"',
                "",
            ]
        )

    def _shipped(self, upstream: Path, mount: str) -> str:
        return _replaced(
            (ROOT / "deploy/apache.conf").read_text(),
            {
                r"unix:/run/party.sock\|http://party/": f"unix:{upstream}|http://party{mount or '/'}",
                '(ProxyPass|<Location) "/"': rf'\1 "{mount or "/"}"',
                r"\*:80>": f"127.0.0.1:{self.http_port}>",
                r"\*:443>": f"127.0.0.1:{self.port}>",
                f"/etc/letsencrypt/live/{SHIPPED_NAME}": str(self.folder),
                "/var/www/html": str(self.folder / "html"),
                SHIPPED_NAME: "localhost",
            },
        )


def _replaced(text: str, changes: dict[str, str]) -> str:
    for pattern, replacement in changes.items():
        text, count = re.subn(pattern, replacement, text)
        assert count, f"the shipped file has no {pattern}"
    return text
