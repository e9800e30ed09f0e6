"""The account is on this machine: cPanel's Git deployment runs the deploy command on the server itself."""

import errno
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.account import Uploaded
from deploy.errors import DISK_FULL, DeployError
from deploy.settings import SECRETS


class LocalAccount:
    """Folders of this machine."""

    has_shell = True

    def __init__(self) -> None:
        os.umask(0o022)  # the web server reads .htaccess as another user

    def read(self, path: str) -> bytes | None:
        with _plain_errors(path):
            try:
                return Path(path).read_bytes()
            except FileNotFoundError:
                return None

    def exists(self, path: str) -> bool:
        return Path(path).is_file()

    def write(self, path: str, content: bytes) -> None:
        draft = f"{path}.{secrets.token_hex(4)}.part"
        with _plain_errors(path):
            try:
                Path(draft).write_bytes(content)
                Path(draft).replace(path)
            finally:
                Path(draft).unlink(missing_ok=True)

    def upload(self, folder: str, files: Mapping[str, bytes], uploaded: Uploaded) -> None:
        for name, content in files.items():
            self.write(f"{folder}/{name}", content)
            uploaded(name)

    def names(self, folder: str) -> set[str]:
        with _plain_errors(folder):
            try:
                return {path.name for path in Path(folder).iterdir()}
            except FileNotFoundError:
                return set()

    def make_folder(self, folder: str) -> None:
        with _plain_errors(folder):
            Path(folder).mkdir(parents=True, exist_ok=True)

    def rename_folder(self, old: str, new: str) -> bool:
        with _plain_errors(new):
            try:
                Path(old).rename(new)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    return False
                raise
        return True

    def remove(self, path: str) -> None:
        with _plain_errors(path):
            Path(path).unlink(missing_ok=True)

    def remove_folder(self, folder: str) -> None:
        with _plain_errors(folder):
            if Path(folder).exists():
                Path(folder).rmdir()

    def run(self, *command: str, given: str = "") -> str:
        program = shutil.which(command[0])
        if program is None:
            raise DeployError(f"{command[0]} is not there")
        done = subprocess.run(
            [program, *command[1:]],
            check=False,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=_without_secrets(),
        )
        if done.returncode:
            raise DeployError(f"{' '.join(command)} failed:\n{done.stdout.strip()}")
        return done.stdout

    def close(self) -> None:
        pass


def _without_secrets() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in SECRETS}


@contextmanager
def _plain_errors(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise DeployError(f"{DISK_FULL} ({path})" if full else f"{path}: {error.strerror}") from error
