"""What a release is made of: the files here, their hashes, and the name that follows from them."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from deploy.errors import DeployError

ROOT = Path(__file__).resolve().parents[1]
# Editors' leftovers and compiled files are none of it.
PATTERNS = ("app.py", "requirements.txt", "migrations/*.sql", "party/**/*")
FOLDERS = ("migrations/", "party/")
SUFFIXES = {".py", ".txt", ".sql", ".html", ".js", ".ts", ".css", ".svg", ".png"}


@dataclass(frozen=True)
class Release:
    """The files of one release: path → SHA-256 of its content, in hexadecimal."""

    number: str
    files: dict[str, str]
    # The release that was current before this one.
    previous: str | None = field(default=None, compare=False)

    @cached_property
    def name(self) -> str:
        """The number and the content's hash: the same files always make the same release."""
        listing = json.dumps(self.files, sort_keys=True)
        return f"{self.number}+{hashlib.sha256(listing.encode()).hexdigest()[:8]}"

    @property
    def migrations(self) -> set[str]:
        return {Path(path).name for path in self.files if path.startswith("migrations/")}

    @property
    def requirements(self) -> str | None:
        """The hash of requirements.txt."""
        return self.files.get("requirements.txt")

    def manifest(self) -> bytes:
        """The release as it is kept on the server."""
        values = {"number": self.number, "previous": self.previous, "files": self.files}
        return json.dumps(values, indent=1, sort_keys=True).encode()

    @classmethod
    def of_manifest(cls, content: bytes, path: str) -> "Release":
        """The release that a manifest, which lies at `path`, describes. Raises `DeployError`."""
        try:
            values = json.loads(content)
            return cls(values["number"], dict(values["files"]), values["previous"])
        except (ValueError, KeyError, TypeError) as error:
            raise DeployError(f"the server's {path} is no manifest: delete it, and deploy again") from error


def of_folder(root: Path = ROOT) -> tuple[Release, dict[str, bytes]]:
    """The release that the files of a working copy make, and their contents: hash → content."""
    found: dict[str, str] = {}
    contents: dict[str, bytes] = {}
    for pattern in PATTERNS:
        for path in sorted(root.glob(pattern)):
            relative = path.relative_to(root)
            hidden = any(part.startswith(".") for part in relative.parts)
            if path.is_file() and path.suffix in SUFFIXES and not hidden:
                content = path.read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                found[relative.as_posix()] = digest
                contents[digest] = content
    number = re.search(r'^NUMBER = "(.+)"$', (root / "party/version.py").read_text(), re.MULTILINE)
    if number is None:
        raise DeployError("party/version.py has no number")
    return Release(number[1], found), contents
