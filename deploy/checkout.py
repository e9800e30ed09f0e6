"""What git says of this working copy."""

import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from deploy.release import FOLDERS


def uncommitted(root: Path, shipped: Collection[str]) -> list[str]:
    """What makes the files that are shipped other than those of the last commit, a line for each.

    Paths count from `root`. Nothing where that is no clone, or git is not installed.
    """
    if not (root / ".git").exists() or shutil.which("git") is None:
        return []
    try:
        tracked = set(_git(root, "ls-files", "-z"))
        changed = set(_git(root, "diff", "--name-only", "--relative", "--no-renames", "-z", "HEAD"))
    except subprocess.CalledProcessError as error:
        return [f"{root}: git cannot tell: {' '.join(error.stderr.split())}"]
    deleted = {path for path in changed if path.startswith(FOLDERS) and not (root / path).exists()}
    return [
        *(f"{path} is not in git" for path in sorted(set(shipped) - tracked)),
        *(f"{path} has changed" for path in sorted(tracked & changed & set(shipped))),
        *(f"{path} has been deleted" for path in sorted(deleted)),
    ]


def _git(root: Path, *command: str) -> list[str]:
    """The paths that it prints."""
    done = subprocess.run(
        ["git", "-C", str(root), *command],
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
    )
    return [path for path in done.stdout.split("\0") if path]
