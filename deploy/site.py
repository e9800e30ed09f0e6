"""The folder of the app on the account: which releases lie there, and which one runs.

launcher.py, which runs on the server, describes the layout.
"""

import calendar
import getpass
import hashlib
import json
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from deploy.account import Account
from deploy.errors import DamagedPointer, DeployError
from deploy.release import Release

RELEASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
SINCE = "%Y-%m-%d %H:%M:%S UTC"
# A deploy takes minutes. One from another machine that began earlier was killed, whatever the clocks.
DEAD_SECONDS = 3600


class Site:
    """An app root on an account."""

    def __init__(self, account: Account, root: str) -> None:
        self.account = account
        self.root = root
        self.releases = f"{root}/releases"
        self.files = f"{self.releases}/files"
        self._lock = f"{self.releases}/lock"
        self._key = ""

    def current(self) -> Release | None:
        """The release that new processes run; None before the first deploy. Raises `DamagedPointer`."""
        path = f"{self.root}/current"
        content = self.account.read(path)
        if content is None:
            return None
        name = content.decode("ascii", "replace").strip()
        if not RELEASE_NAME.fullmatch(name):
            raise DamagedPointer(f"{path} names no release: {name[:40]!r}")
        found = self.release(name)
        if found is None:
            raise DamagedPointer(f"{path} names {name}, but {self.releases}/{name}.json is not there")
        return found

    def release(self, name: str) -> Release | None:
        """The release of this name; None if it is not there, or not any more."""
        path = f"{self.releases}/{name}.json"
        manifest = self.account.read(path)
        return None if manifest is None else Release.of_manifest(manifest, path)

    def add(self, release: Release) -> None:
        """Keep the manifest of a release whose files have been uploaded."""
        self.account.write(f"{self.releases}/{release.name}.json", release.manifest())

    def switch_to(self, release: Release) -> None:
        """From now on new processes run this release; Passenger is told to start some.

        Raises `DeployError` if another deploy has taken the lock over meanwhile.
        """
        if not self._is_mine():
            raise DeployError(
                "another deploy has taken over, since this one took so long: nothing is switched"
            )
        self.account.write(f"{self.root}/current", f"{release.name}\n".encode())
        self.restart()

    def restart(self) -> None:
        """Passenger looks at this file's time when a request comes, once in ten seconds."""
        self.account.make_folder(f"{self.root}/tmp")
        self.account.write(f"{self.root}/tmp/restart.txt", f"{time.time()}\n".encode())

    def prune(self, *kept: Release) -> list[str]:
        """Remove other releases' manifests and files; returns the names of those releases.

        Only what a deploy has uploaded: what the launcher makes of it, it removes itself.
        """
        wanted = {digest for release in kept for digest in release.files.values()}
        manifests = {f"{release.name}.json" for release in kept}
        outdated = {name for name in self.account.names(self.releases) if name.endswith(".json")} - manifests
        for name in sorted(outdated):
            self.account.remove(f"{self.releases}/{name}")
        for name in sorted(self.account.names(self.files) - wanted):
            self.account.remove(f"{self.files}/{name}")
        return sorted(name.removesuffix(".json") for name in outdated)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other deploy runs meanwhile. Raises `DeployError` if one does."""
        # The folder's name says it all, for whoever is killed before the file is there.
        self._key = f"{time.time():.0f}-{os.getpid()}-{socket.gethostname()}-{secrets.token_hex(4)}"
        mine = f"{self._lock}-{self._key}"
        owner = {
            "key": self._key,
            "host": socket.gethostname(),
            "user": getpass.getuser(),
            "pid": os.getpid(),
            "since": time.strftime(SINCE, time.gmtime()),
        }
        self.account.make_folder(self.files)
        self.account.make_folder(mine)
        held = mine
        try:
            self.account.write(f"{mine}/owner", json.dumps(owner).encode())
            while not self.account.rename_folder(mine, self._lock):
                if self._is_mine():
                    break  # it worked, but the answer got lost
                self._set_aside(self._owner(self._lock))
            held = self._lock
            yield
        finally:
            if held == mine or self._is_mine():
                self._sweep()
                self._remove_lock(held)

    def _owner(self, folder: str) -> dict[str, object]:
        """Who made a lock, as far as its file and its name tell."""
        with suppress(ValueError, TypeError):
            if content := self.account.read(f"{folder}/owner"):
                return dict(json.loads(content))
        if name := re.search(r"/lock-(\d+)-(\d+)-(.+)-[0-9a-f]{8}$", folder):
            since = time.strftime(SINCE, time.gmtime(int(name[1])))
            return {"host": name[3], "pid": int(name[2]), "since": since}
        return {}

    def _is_mine(self) -> bool:
        return self._owner(self._lock).get("key") == self._key

    def _sweep(self) -> None:
        """Remove what deploys that were killed have left beside the lock.

        Not before the end: a lock that was set aside keeps others from doing that to the new one.
        """
        for name in self.account.names(self.releases):
            folder = f"{self.releases}/{name}"
            if name.startswith("lock-"):
                owner = self._owner(folder)
                if not owner or _is_dead(owner):
                    self._remove_lock(folder)

    def _set_aside(self, owner: dict[str, object]) -> None:
        """Move the lock of a deploy that was killed; raises `DeployError` if it may live.

        Of several that find it dead at once one succeeds: for the others the new name is taken.
        """
        who = f"{owner.get('user', 'somebody')}@{owner.get('host', 'somewhere')}"
        since = owner.get("since", "just now")
        if not _is_dead(owner):
            raise DeployError(
                f"{who} has been deploying since {since}; wait for that to end."
                f" If it has died, delete the folder {self._lock} on the server."
            )
        click.echo(f"took over from {who}, who has been deploying since {since} and was killed")
        known = hashlib.sha256(json.dumps(owner, sort_keys=True).encode()).hexdigest()[:16]
        self.account.rename_folder(self._lock, f"{self._lock}-{known}")

    def _remove_lock(self, folder: str) -> None:
        # A deploy that was killed while it wrote its name leaves a draft of that.
        for name in self.account.names(folder):
            self.account.remove(f"{folder}/{name}")
        self.account.remove_folder(folder)


def _is_dead(owner: dict[str, object]) -> bool:
    """Whether this deploy has ended: on this machine that can be seen, others are given some time."""
    if owner.get("host") == socket.gethostname():
        return not _lives(owner.get("pid"))
    try:
        since = calendar.timegm(time.strptime(str(owner.get("since")), SINCE))
    except ValueError:
        return False
    return time.time() - since > DEAD_SECONDS


def _lives(pid: object) -> bool:
    """Whether a process of this machine still runs."""
    if not isinstance(pid, int) or pid <= 0:
        return False
    if os.name == "nt":
        return True  # it cannot be asked: there, signal 0 is Ctrl-C
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
