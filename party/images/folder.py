"""The folder with the images' files, under the names that the rows in the database have.

A file is there before its row, and goes after it. So whoever is killed in between leaves a file without a
row, which is swept away some time later.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from party.config import settings
from party.db import Database, Row
from party.images.errors import StorageFull

# Not what rows say is due: the folder itself knows when it was last swept.
DUE = "SELECT 0 AS row_of_none"
EVERY_MS = 30 * 60_000
# A file without a row may just be waiting for it.
WAITS_MS = 10 * 60_000
SWEPT = ".swept"
UNFINISHED = ".part"


def path_of(name: str) -> Path:
    """Where an image lies."""
    return Path(settings().IMAGES_FOLDER) / name


def keep(name: str, data: bytes) -> None:
    """Keep a file; nobody sees half of it. Raises `StorageFull`."""
    path = path_of(name)
    draft = path.with_name(f"{name}.{secrets.token_hex(4)}{UNFINISHED}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StorageFull from error


def drop(name: str) -> None:
    """Delete a file that no row names any more; what cannot be deleted is swept later."""
    with suppress(OSError):
        path_of(name).unlink()


def sweep(db: Database, now: int, row: Row) -> int:
    """Delete the files without a row, if that was not done just now: how many."""
    folder = Path(settings().IMAGES_FOLDER)
    swept = folder / SWEPT
    try:
        if swept.exists() and abs(now - _changed_ms(swept)) < EVERY_MS:
            return 0
        old = [path for path in folder.iterdir() if now - _changed_ms(path) >= WAITS_MS and path != swept]
        swept.touch()
        os.utime(swept, (now / 1000, now / 1000))
    except OSError:  # there is no folder, or nobody may write to it
        return 0
    known = {row["name"] for row in db.all("SELECT name FROM party_images")}
    orphans = [path for path in old if path.name not in known]
    for path in orphans:
        drop(path.name)
    return len(orphans)


def _changed_ms(path: Path) -> float:
    return path.stat().st_mtime * 1000
