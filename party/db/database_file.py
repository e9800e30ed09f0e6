"""The file of an embedded database: whether it is still the one that was opened."""

from contextlib import suppress
from pathlib import Path

# Device and inode; None where there is no file.
Identity = tuple[int, int] | None


def identity_of(path: Path) -> Identity:
    """Tells a file from another that stands under the same name later."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class DatabaseFile:
    """One for each process and database. Somebody may delete the file, or put a backup in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Identity = None
        # SQLite's two files beside it, as they were then.
        self._beside: dict[Path, Identity] = {}

    def prepare(self) -> Identity:
        """Make the file ready to be opened; a new one is made only if this process never had one.

        Raises `OSError`.
        """
        found = identity_of(self.path)
        if found is None and self._opened is None:
            # Nobody else on a shared machine reads it; its -wal and -shm files follow its mode.
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.touch(mode=0o600)
            found = identity_of(self.path)
        if found is None:
            raise FileNotFoundError(f"the database file has gone: {self.path}")
        if self._opened not in (None, found):
            self._remove_leftovers()
        return found

    def note_opened(self, identity: Identity) -> bool:
        """Remember what was opened; whether it was this file, which may have been replaced meanwhile."""
        self._opened = identity
        for suffix in ("-wal", "-shm"):
            path = Path(f"{self.path}{suffix}")
            self._beside[path] = identity_of(path)
        return identity_of(self.path) == identity

    def _remove_leftovers(self) -> None:
        """Of the file that was here before: SQLite would read its last changes into the new one."""
        for path, identity in self._beside.items():
            if identity is not None and identity_of(path) == identity:
                with suppress(FileNotFoundError):
                    path.unlink()
