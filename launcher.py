"""Chooses the release that runs, where `python -m deploy` has put one; it lies beside `current`.

    current                 one line: the name of the release that new processes run
    releases/NAME.json      {"files": {path: SHA-256 of its content}, ...}
    releases/files/SHA-256  the contents, each uploaded once
    releases/NAME/          the release, put together here by the first process that runs it

A process reads `current` once, at its start, so it never runs a mixture of two releases. Only the
standard library is used, in the form that every supported Python has.

What an admin can mend ends the process with one line.
"""

import sys

# This line, and all of this file, can be read by much older Pythons, so that they can say so.
if sys.version_info[:2] < (3, 10):
    _version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"party: Python 3.10 or newer is needed; this is {_version}, {sys.executable}")

import hashlib
import json
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent
RELEASES = ROOT / "releases"
FILES = RELEASES / "files"
# Older drafts were left by processes that got killed.
DRAFT_SECONDS = 3600


def use_current_release() -> None:
    """Let imports find the current release first; a plain copy of the repository stays as it is."""
    try:
        name = (ROOT / "current").read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return
    use_release(name)


def use_release(name: str) -> None:
    """Let imports find this release first, whichever is the current one."""
    folder = RELEASES / name
    is_name = re.fullmatch("[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", name)
    if not is_name or (folder.is_dir() and not (folder / "app.py").exists()):
        sys.exit(f"party: {ROOT / 'current'} names no release ({name[:40]!r}): deploy again")
    if not folder.is_dir():
        _assemble(folder)
        _remove_outdated()
    sys.path.insert(0, str(folder))


def _assemble(folder: Path) -> None:
    """Copy the files of a release to where the manifest wants them; they appear all at once."""
    listing = folder.with_name(f"{folder.name}.json")
    try:
        files = dict(json.loads(listing.read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        sys.exit(f"party: {ROOT / 'current'} names {folder.name}, but {listing} is not there: deploy again")
    except (ValueError, KeyError, TypeError):
        sys.exit(f"party: {listing} is damaged: delete it and deploy again")
    draft = _draft()
    # Not for our eyes only: if root was first, the app's user must be able to run it all the same.
    draft.mkdir()
    try:
        for path, digest in files.items():
            content = (FILES / digest).read_bytes()
            if hashlib.sha256(content).hexdigest() != digest:
                sys.exit(f"party: {FILES / digest} is damaged: delete it and deploy again")
            target = draft / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        draft.rename(folder)
    except OSError:
        # Several processes may start at once: whoever was first has done it for all.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _draft() -> Path:
    """A folder that nobody else uses."""
    return RELEASES / f".draft-{secrets.token_hex(8)}"


def _remove_outdated() -> None:
    """Remove releases that were put together here and whose manifests a deploy has meanwhile deleted."""
    for program in RELEASES.glob("[!.]*/app.py"):
        folder = program.parent
        if not folder.with_name(f"{folder.name}.json").exists():
            # If we get killed, what is left of it must not have the name of a release.
            draft = _draft()
            with suppress(OSError):
                folder.rename(draft)
            shutil.rmtree(draft, ignore_errors=True)
    for draft in RELEASES.glob(".draft-*"):
        with suppress(OSError):
            if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                shutil.rmtree(draft)
