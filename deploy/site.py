"""The folder of the app on the account: which releases lie there, and which one runs.

launcher.py, which runs on the server, describes the layout.
"""

import getpass
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from deploy.account import Account
from deploy.errors import DeployError
from deploy.release import Release


class Site:
    """An app root on an account."""

    def __init__(self, account: Account, root: str) -> None:
        self.account = account
        self.root = root
        self.releases = f"{root}/releases"
        self.files = f"{self.releases}/files"
        self._lock = f"{self.releases}/lock"

    def current(self) -> Release | None:
        """The release that new processes run; None before the first deploy."""
        name = self.account.read(f"{self.root}/current")
        return None if name is None else self.release(name.decode("ascii", "replace").strip())

    def release(self, name: str) -> Release | None:
        """The release of this name; None if it is not there, or not any more."""
        manifest = self.account.read(f"{self.releases}/{name}.json")
        return None if manifest is None else Release.of_manifest(manifest)

    def add(self, release: Release) -> None:
        """Keep the manifest of a release whose files have been uploaded."""
        self.account.write(f"{self.releases}/{release.name}.json", release.manifest())

    def switch_to(self, release: Release) -> None:
        """From now on new processes run this release; Passenger is told to start some."""
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
        key = secrets.token_hex(8)
        mine = f"{self._lock}-{key}"
        owner = {
            "key": key,
            "host": socket.gethostname(),
            "user": getpass.getuser(),
            "pid": os.getpid(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        }
        self.account.make_folder(self.files)
        self.account.make_folder(mine)
        held, dead = mine, None
        try:
            self.account.write(f"{mine}/owner", json.dumps(owner).encode())
            while not self.account.rename_folder(mine, self._lock):
                holder = self._owner()
                if holder.get("key") == key:
                    break  # it worked, but the answer got lost
                dead = self._set_aside(holder)
            held = self._lock
            yield
        finally:
            self._remove_lock(held)
            if dead is not None:
                self._remove_lock(dead)

    def _owner(self) -> dict[str, object]:
        with suppress(ValueError, TypeError):
            return dict(json.loads(self.account.read(f"{self._lock}/owner") or b"{}"))
        return {}

    def _set_aside(self, holder: dict[str, object]) -> str:
        """Move the lock of a deploy that was killed on this machine; raises `DeployError` if it may live.

        Of several that find it dead at once one succeeds: for the others the new name is taken.
        """
        if holder.get("host") != socket.gethostname() or _lives(holder.get("pid")):
            who = f"{holder.get('user', 'somebody')}@{holder.get('host', 'somewhere')}"
            raise DeployError(
                f"{who} has been deploying since {holder.get('since', 'just now')}; wait for that to end."
                f" If it has died, delete the folder {self._lock} on the server."
            )
        aside = f"{self._lock}-{holder.get('key')}"
        self.account.rename_folder(self._lock, aside)
        return aside

    def _remove_lock(self, folder: str) -> None:
        self.account.remove(f"{folder}/owner")
        self.account.remove_folder(folder)


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
