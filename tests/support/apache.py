"""A private Apache with Passenger, as a shared host runs it: one account, mounted at /party.

    with Apache("outside") as apache:
        apache.put_app(ROOMS_PER_HOUR=100)
        requests.get(f"{apache.url}/health")

Debian's own Passenger and Python are used, so that the account's user can run the app wherever the
tests' own interpreter lies.
"""

import os
import pwd
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from importlib import metadata
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Literal

from packaging.requirements import Requirement

from tests.support.processes import free_port, missing, needs, stop_with_parent
from tests.support.server import ROOT

MODULES = Path("/usr/lib/apache2/modules")
PASSENGER_ROOT = Path("/usr/lib/ruby/vendor_ruby/phusion_passenger/locations.ini")
START_SECONDS = 30
STOP_SECONDS = 30
# What a working copy of the repository has beyond a fresh one.
NOT_IN_A_CLONE = shutil.ignore_patterns(
    ".git", ".venv", ".hypothesis", ".*_cache", "__pycache__", "node_modules", "config.py~", "instance", "tmp"
)

Layout = Literal["outside", "inside", "wordpress"]
Php = Literal["module", "fpm"]

# As CloudLinux writes it, but in comments: stock Passenger refuses these directives in this file.
HOST_BLOCK = """\
# DO NOT REMOVE. CLOUDLINUX PASSENGER CONFIGURATION BEGIN
# PassengerAppRoot "{app_root}"
# PassengerBaseURI "/party"
# PassengerPython "{python}"
# DO NOT REMOVE. CLOUDLINUX PASSENGER CONFIGURATION END

"""
# As WordPress writes it.
WORDPRESS_RULES = """\
# BEGIN WordPress
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]
RewriteBase /
RewriteRule ^index\\.php$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]
</IfModule>
# END WordPress
"""
# Whether PHP runs or not, an answer of this file has the words in it.
WORDPRESS_INDEX = '<?php echo "WordPress got ", $_SERVER["REQUEST_URI"];\n'
WORDPRESS_ANSWERED = "WordPress got"

_numbers = count(1)


class Account:
    """A fresh user of this machine with a home of its own, a Python and the app's requirements."""

    def __init__(self) -> None:
        if os.geteuid() != 0:
            missing("only root can make an account")
        _remove_forgotten()
        self._folder = tempfile.TemporaryDirectory(prefix="party-account-", dir="/tmp")
        Path(self._folder.name).chmod(0o755)
        self.name = f"party{os.getpid()}x{next(_numbers)}"
        self.home = Path(self._folder.name) / self.name
        self.python = self.home / "virtualenv/party/bin/python"
        _change_users("useradd", "-M", "-U", "-s", "/bin/bash", "-d", str(self.home), self.name)
        self.uid = pwd.getpwnam(self.name).pw_uid
        try:
            self.home.mkdir(mode=0o751)
            _make_environment(self.python.parents[1])
            self.own(self.home)
        except BaseException:
            self.remove()
            raise

    def own(self, *paths: Path) -> None:
        """Give these files and folders, with all that is in them, to the account."""
        subprocess.run(["chown", "-hR", f"{self.name}:{self.name}", *paths], check=True)

    def run(
        self, *command: str | Path, cwd: Path, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command as the account's user, with what a login gives it and nothing else."""
        done = subprocess.run(
            command,
            cwd=cwd,
            user=self.name,
            group=self.name,
            extra_groups=[],
            env={
                "HOME": str(self.home),
                "USER": self.name,
                "PATH": f"{self.python.parent}:/usr/bin:/bin",
                "LANG": "C.UTF-8",
                **(variables or {}),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{command} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def pids(self, containing: str = "") -> list[int]:
        """The account's processes whose command line contains this."""
        return [pid for pid in _pids_of(self.uid) if containing in _command_line(pid)]

    def remove(self) -> None:
        """Delete the user, its processes and its home."""
        _remove_user(self.name, self.uid)
        self._folder.cleanup()


class Apache:
    """Starts at once, on a port of its own; the account is empty but for its Python until `put_app`.

    `layout`: the app root is `outside` the document root, or `inside` it (`public_html/party` itself),
    or outside it under a site that has WordPress's rewrite rules. `processes` is Passenger's pool.
    With `php`, files ending in .php are PHP's, through mod_php or php-fpm. `directives` are added to
    those of the app's folder, `server_directives` to those of the whole server.
    """

    def __init__(
        self,
        layout: Layout = "outside",
        *,
        processes: int = 6,
        passenger: bool = True,
        php: Php | None = None,
        directives: Iterable[str] = (),
        server_directives: Iterable[str] = (),
    ) -> None:
        self._apache = needs("apache2", "apache2")
        if passenger and not PASSENGER_ROOT.exists():
            missing("Passenger is not installed (Debian's package libapache2-mod-passenger)")
        self._php_module = _php_module() if php == "module" else None
        self._php_fpm = _php_fpm() if php == "fpm" else None
        self.account = Account()
        # Short, for Passenger makes sockets in it.
        self._folder = tempfile.TemporaryDirectory(prefix="party-apache-", dir="/tmp")
        self._root = Path(self._folder.name)
        self._root.chmod(0o755)
        for name in ("run", "logs"):
            (self._root / name).mkdir()
        self._processes = processes
        self.passenger = passenger
        self.layout = layout
        self._directives = tuple(directives)
        self._server_directives = tuple(server_directives)
        self._children: list[subprocess.Popen[bytes]] = []
        self.port = free_port()
        self.site = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.site}/party"
        self.public_html = self.account.home / "public_html"
        self.public = self.public_html / "party"
        self.app_root = self.public if layout == "inside" else self.account.home / "apps/party"
        self._make_site(layout)
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def put_app(self, *, migrate: bool = True, **settings: object) -> None:
        """Put a plain copy of this repository there as an admin would, with these settings in config.py."""
        shutil.copytree(ROOT, self.app_root, ignore=NOT_IN_A_CLONE, dirs_exist_ok=True)
        lines = (ROOT / ".htaccess").read_text()
        for folder in {self.app_root, self.public}:
            block = HOST_BLOCK.format(app_root=self.app_root, python=self.account.python)
            (folder / ".htaccess").write_text(block + lines if folder == self.public else lines)
        config = self.app_root / "config.py"
        config.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
        # Whatever this process' umask is: only config.py is the account's alone.
        subprocess.run(["chmod", "-R", "u=rwX,go=rX", self.app_root, self.public], check=True)
        config.chmod(0o600)
        self.account.own(self.app_root, self.public)
        if migrate:
            self.account.run(self.account.python, "-m", "party", "migrate", cwd=self.app_root)

    def start(self) -> None:
        """Start, on the same port as before, and wait until requests are answered."""
        if self._php_fpm:
            self._spawn(self._php_fpm, "--nodaemonize", "--fpm-config", str(self._root / "fpm.conf"))
        (self._root / "apache.conf").write_text(self._configuration())
        deadline = time.monotonic() + START_SECONDS
        server = self._spawn_apache()
        # It listens long before Passenger has come up, without which it ends again.
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log}")
            if server.poll() is not None:
                self._children.remove(server)
                server = self._spawn_apache()
            time.sleep(0.05)

    def _spawn_apache(self) -> "subprocess.Popen[bytes]":
        return self._spawn(self._apache, "-D", "FOREGROUND", "-f", str(self._root / "apache.conf"))

    def _answers(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("OPTIONS", "*")  # which is about the server, and touches no file
            connection.getresponse().read()
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()
        return True

    def stop(self) -> None:
        """Stop in order, Passenger and its processes included; the account stays."""
        while self._children:
            child = self._children.pop()
            child.terminate()
            try:
                child.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        # Passenger does not wait for those that it has just started or told to end, and they still write.
        deadline = time.monotonic() + STOP_SECONDS
        while self.account.pids(containing="/passenger/"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"Passenger's processes did not end:\n{self.log}")
            time.sleep(0.02)

    def remove(self) -> None:
        """Stop for good; delete the account and all files."""
        try:
            self.stop()
        finally:
            self.account.remove()
            self._folder.cleanup()

    @property
    def app_pids(self) -> list[int]:
        """The processes in which Passenger runs the app."""
        return self.account.pids(containing="wsgi-loader")

    @property
    def log(self) -> str:
        """What Apache, Passenger, PHP and the app have written so far."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')}"
            for path in sorted((self._root / "logs").iterdir())
        )

    def __enter__(self) -> "Apache":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def _spawn(self, *command: str) -> "subprocess.Popen[bytes]":
        with (self._root / "logs/output.log").open("ab") as log:
            child = subprocess.Popen(
                command,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Apache ends all of its process group, which must not be ours.
                start_new_session=True,
                preexec_fn=stop_with_parent,
            )
        self._children.append(child)
        return child

    def _make_site(self, layout: Layout) -> None:
        self.app_root.mkdir(parents=True, exist_ok=True)
        self.public.mkdir(parents=True, exist_ok=True)
        parent_rules = ""
        if layout == "wordpress":
            parent_rules += WORDPRESS_RULES
            (self.public_html / "index.php").write_text(WORDPRESS_INDEX)
        if self._php_module:
            parent_rules += "AddHandler application/x-httpd-php .php .php8 .phtml\n"
        if parent_rules:
            (self.public_html / ".htaccess").write_text(parent_rules)
        (self.public / ".htaccess").write_text(
            HOST_BLOCK.format(app_root=self.app_root, python=self.account.python)
        )
        self.account.own(self.account.home)
        # As hosts have it: the web server may read, strangers may not.
        shutil.chown(self.public_html, group="www-data")
        self.public_html.chmod(0o750)
        if self._php_fpm:
            (self._root / "fpm.conf").write_text(
                f"[global]\nerror_log = {self._root}/logs/fpm.log\n"
                f"[{self.account.name}]\nlisten = {self._root}/run/php.sock\nlisten.owner = www-data\n"
                f"user = {self.account.name}\ngroup = {self.account.name}\n"
                "pm = static\npm.max_children = 1\n"
            )

    def _configuration(self) -> str:
        modules = (
            f"mpm_{'prefork' if self._php_module else 'event'} authz_core authz_host alias dir autoindex env"
            " setenvif headers mime negotiation rewrite filter deflate"
        ).split()
        if self._php_fpm:
            modules += ["proxy", "proxy_fcgi"]
        php = (
            [
                '<FilesMatch "\\.(phtml|php[0-9]*)$">',
                f'SetHandler "proxy:unix:{self._root}/run/php.sock|fcgi://localhost"',
                "</FilesMatch>",
            ]
            if self._php_fpm
            else [f'LoadModule php_module "{self._php_module}"']
            if self._php_module
            else []
        )
        return "\n".join(
            [
                f'ServerRoot "{self._root}"',
                "ServerName 127.0.0.1",
                f"Listen 127.0.0.1:{self.port}",
                "PidFile run/apache.pid",
                "DefaultRuntimeDir run",
                "ErrorLog logs/error.log",
                "User www-data",
                "Group www-data",
                *(f'LoadModule {name}_module "{MODULES}/mod_{name}.so"' for name in modules),
                "TypesConfig /dev/null",
                "AddType text/plain .py",  # or MultiViews would find none
                *php,
                *(self._passenger_server() if self.passenger else []),
                *self._server_directives,
                '<Directory "/">',
                "AllowOverride All",
                # More than most hosts allow: what we refuse must not lean on the host's caution.
                "Options ExecCGI FollowSymLinks IncludesNOEXEC Indexes MultiViews",
                "Require all granted",
                "</Directory>",
                f"<VirtualHost 127.0.0.1:{self.port}>",
                f'DocumentRoot "{self.public_html}"',
                "DirectoryIndex index.php index.html",
                f'<Directory "{self.public}">',
                *(self._passenger_app() if self.passenger else []),
                *self._directives,
                "</Directory>",
                "</VirtualHost>",
                "",
            ]
        )

    def _passenger_server(self) -> list[str]:
        return [
            f'LoadModule passenger_module "{MODULES}/mod_passenger.so"',
            f"PassengerRoot {PASSENGER_ROOT}",
            "PassengerDefaultRuby /usr/bin/ruby",
            f"PassengerInstanceRegistryDir {self._root}/run",
            f"PassengerLogFile {self._root}/logs/passenger.log",
            f"PassengerMaxPoolSize {self._processes}",
            "PassengerStatThrottleRate 0",
            "PassengerDisableSecurityUpdateCheck on",
            "PassengerDisableAnonymousTelemetry on",
        ]

    def _passenger_app(self) -> list[str]:
        return [
            "PassengerEnabled on",
            f'PassengerAppRoot "{self.app_root}"',
            'PassengerBaseURI "/party"',
            f'PassengerPython "{self.account.python}"',
        ]


def _php_module() -> Path:
    found = sorted(MODULES.glob("libphp*.so"))
    return found[-1] if found else missing("mod_php is not installed (Debian's package libapache2-mod-php)")


def _php_fpm() -> str:
    found = sorted(Path("/usr/sbin").glob("php-fpm*"))
    return str(found[-1]) if found else missing("php-fpm is not installed (Debian's package php-fpm)")


def _make_environment(folder: Path) -> None:
    """A virtual environment with what requirements.txt names, copied from the tests' own environment."""
    version = f"python3.{sys.version_info.minor}"
    # Not this process' interpreter: that may lie where only root can go.
    python = shutil.which(version, path="/usr/bin:/usr/local/bin")
    if python is None:
        missing(f"there is no {version} for the account's user")
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    packages = folder / "lib" / version / "site-packages"
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if not line.partition("#")[0].strip():
            continue
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        for file in metadata.files(requirement.name) or []:
            if ".." in file.parts:
                continue  # a program in bin
            target = packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(file.locate()), target)
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", folder], check=True)


def _change_users(*command: str) -> None:
    """useradd or userdel, again while somebody else changes the list of users."""
    locked, busy = (1, 10), 8
    deadline = time.monotonic() + START_SECONDS
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if done.returncode not in (*locked, busy) or time.monotonic() > deadline:
            raise RuntimeError(f"{shlex.join(command)}: {done.stderr}")
        time.sleep(0.1)


def _remove_user(name: str, uid: int) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    # Until the last is gone: it might still write into its home.
    while (pids := _pids_of(uid)) and time.monotonic() < deadline:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    _change_users("userdel", name)


def _remove_forgotten() -> None:
    """Remove the accounts of test processes that were killed before they could do it themselves."""
    for user in pwd.getpwall():
        made_by = re.fullmatch(r"party(\d+)x\d+", user.pw_name)
        if made_by and not Path(f"/proc/{made_by[1]}").exists():
            try:
                _remove_user(user.pw_name, user.pw_uid)
            except RuntimeError:
                continue  # another test process was faster
            shutil.rmtree(Path(user.pw_dir).parent, ignore_errors=True)


def _pids_of(uid: int) -> list[int]:
    found = []
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            # What has ended and waits for its parent has no command line any more.
            with suppress(OSError):
                if path.stat().st_uid == uid and (path / "cmdline").read_bytes():
                    found.append(int(path.name))
    return found


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
