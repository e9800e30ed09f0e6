"""Who can read and write the files."""

import os
from pathlib import Path

from party.ops.doctor.finding import Result, failed, ok, warning
from party.ops.doctor.installation import Installation, group_of


def privacy(installation: Installation) -> Result:
    """Whether others on this machine can read the settings and secrets, or write the app's files."""
    root, instance = installation.root, installation.root / "instance"
    readable = [
        path
        for path in [*installation.settings_files, instance / "secret_key"]
        if path.exists() and path.stat().st_mode & _others(path, _app_user(installation))
    ]
    folders = {root, installation.code, installation.code / "party", instance}
    writable = [
        path
        for path in sorted({*folders, *installation.settings_files})
        if path.exists() and path.stat().st_mode & 0o022
    ]
    found, advice = [], []
    if readable:
        found.append(f"others can read {_names(readable)}")
        advice += [_hide(path, installation) for path in readable]
    if writable:
        found.append(f"others can write {_names(writable)}")
        advice.append(f"chmod go-w {_names(writable)}")
    if found:
        return warning("; ".join(found), "; ".join(advice) + " (or Change Permissions in the File Manager)")
    return ok("others cannot read the settings, nor write the app's files")


def _app_user(installation: Installation) -> int:
    """Whose the app is: ours, or for root, who looks after others, the folder's owner."""
    if os.geteuid() != 0:
        return os.geteuid()
    folders = (installation.root / "instance", installation.root)
    return next(path.stat().st_uid for path in folders if path.exists())


def _others(path: Path, user: int) -> int:
    """The mode's bits of those whose business a file is not: its group's too, unless that lets the app in."""
    return 0o044 if path.stat().st_uid == user else 0o004


def _hide(path: Path, installation: Installation) -> str:
    """How to keep a file from others and not from the app."""
    user = _app_user(installation)
    if path.stat().st_uid == user:
        return f"chmod 600 {path}"
    # The owner alone would be somebody else: the app reads it through its group.
    return f"chgrp {group_of(user)} {path} && chmod 640 {path}"


def _names(paths: list[Path]) -> str:
    return " ".join(map(str, paths))


def writable(installation: Installation) -> Result:
    """Whether the app's user can write where it must."""
    root, instance = installation.root, installation.root / "instance"
    owner = next(path.stat().st_uid for path in (instance, root) if path.exists())
    if os.geteuid() == 0 != owner:
        return warning(
            f"you are root, but {root} belongs to user {owner}",
            "Run the doctor as the app's user: what root can do tells nothing, and what root makes, the "
            "app cannot change.",
        )
    needed = [root / "tmp"] if (root / "tmp").exists() else []
    if installation.url.startswith("sqlite:"):
        needed.append(_nearest(instance))
        file = Path(installation.url.removeprefix("sqlite:///"))
        needed.append(_nearest(file.parent))
        needed += [file] if file.exists() else []
    if locked := sorted({path for path in needed if not os.access(path, os.W_OK)}):
        return failed(
            f"cannot be written: {_names(locked)}",
            "They must belong to the app's user: tmp/ for restarts, instance/ and the database's folder "
            f"for SQLite. chmod u+w {_names(locked)}",
        )
    return ok(", ".join(str(path) for path in sorted(set(needed))) or "nothing needs to be")


def restarts(installation: Installation) -> Result:
    """Whether Passenger is told to start the app anew for each request."""
    folders = {installation.root, installation.code}
    always = sorted(path for folder in folders if (path := folder / "tmp" / "always_restart.txt").exists())
    if always:
        return warning(
            f"there is {_names(always)}",
            "Passenger starts the app anew for every request as long as it is there: polls take a second, "
            f"and nothing is remembered. rm {_names(always)}",
        )
    return ok("only when asked for")


def _nearest(folder: Path) -> Path:
    """The folder, or the one in which it would be made."""
    return next(path for path in (folder, *folder.parents) if path.exists())
