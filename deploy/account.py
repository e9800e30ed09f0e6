"""A hosting account as the deploy sees it, however it is reached."""

from collections.abc import Callable, Mapping
from typing import Protocol

# Told the name of each file when it has arrived.
Uploaded = Callable[[str], None]


class Account(Protocol):
    """Every path counts from where a login begins. Each call may be repeated after `ConnectionLost`.

    All raise `DeployError` with a message for people where the server refuses.
    """

    # Whether commands can be run there.
    has_shell: bool

    def read(self, path: str) -> bytes | None:
        """A file's content; None if there is no such file."""

    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    def write(self, path: str, content: bytes) -> None:
        """Put a file in place in one step: at no moment is there a part of it."""

    def upload(self, folder: str, files: Mapping[str, bytes], uploaded: Uploaded) -> None:
        """Put many files into a folder, name → content, each in one step. What is there stays."""

    def names(self, folder: str) -> set[str]:
        """What lies in a folder; nothing if there is no such folder."""

    def make_folder(self, folder: str) -> None:
        """Make a folder, with those above it; it may be there already."""

    def rename_folder(self, old: str, new: str) -> bool:
        """Give a folder another name; False, and no change, if something of that name has content."""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""

    def remove_folder(self, folder: str) -> None:
        """Remove an empty folder, if it is there."""

    def run(self, *command: str, given: str = "") -> str:
        """Run a command, which can read what is `given`, and return what it printed. Only with a shell."""

    def close(self) -> None:
        """End the connection."""
