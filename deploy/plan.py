"""What a deploy will do: found out first, so that it can be shown without doing it."""

from dataclasses import dataclass, replace

from deploy import checkout, htaccess, release
from deploy.errors import DamagedPointer, DeployError
from deploy.release import ROOT, Release
from deploy.site import Site

# What lies beside `current`, and the file here that it comes from. The launcher goes first: the
# others import it, and a process may start at any moment.
BESIDE = {
    "launcher.py": "launcher.py",
    "passenger_wsgi.py": "passenger_wsgi.py",
    "party.py": "deploy/party.py",
    "requirements.txt": "requirements.txt",
    "config.example.py": "config.example.py",
}


@dataclass(frozen=True)
class Plan:
    """The way from what is on the server to this working copy's release."""

    release: Release
    current: Release | None
    # Hash → content, of what the server lacks.
    uploads: dict[str, bytes]
    # Path on the server → content, of those that differ.
    writes: dict[str, bytes]
    # The same of the files .htaccess.
    guards: dict[str, bytes]
    # What makes this working copy another thing than its last commit.
    uncommitted: list[str]
    # What is wrong with the server's `current`, which is written anew.
    damage: str | None = None

    @property
    def new_migrations(self) -> list[str]:
        return sorted(self.release.migrations - (self.current.migrations if self.current else set()))

    @property
    def needs_requirements(self) -> bool:
        """Whether other packages than those of the current release are asked for."""
        return self.current is None or self.current.requirements != self.release.requirements

    @property
    def upload_bytes(self) -> int:
        return sum(map(len, self.uploads.values()))

    def describe(self, digest: str) -> str:
        """A file to be uploaded, for people to read."""
        path = next(path for path, found in self.release.files.items() if found == digest)
        return f"{path} ({size(len(self.uploads[digest]))})"

    def lines(self) -> list[str]:
        """The plan for people to read."""
        now = self.current.name if self.current else self.damage or "nothing"
        kept = len(set(self.release.files.values())) - len(self.uploads)
        return [
            f"{self.release.name} is to run; now it is {now}",
            *(f"not as committed: {line}" for line in self.uncommitted),
            *(f"upload  {self.describe(digest)}" for digest in self.uploads),
            *(f"write   {path}" for path in (*self.guards, *self.writes)),
            f"{len(self.uploads)} files, {size(self.upload_bytes)}, to upload; {kept} are there already",
            *(f"migration {name} is new" for name in self.new_migrations if self.current),
            *(["requirements.txt has changed"] if self.needs_requirements and self.current else []),
        ]


def guards(site: Site, public_folder: str | None) -> dict[str, bytes]:
    """The files .htaccess that are not as they should be: path on the server → content.

    In a document root everything else would be served until they are there. Raises `DeployError`.
    """
    if site.account.exists(f"{site.root}/party/__init__.py"):
        raise DeployError(
            f"{site.root} holds a copy of the source, which would run in place of releases:"
            " remove its folder party, or deploy into another folder"
        )
    found = {}
    for folder in filter(None, dict.fromkeys((site.root, public_folder))):
        path = f"{folder}/.htaccess"
        existing = site.account.read(path)
        merged = htaccess.merge(existing, (ROOT / ".htaccess").read_bytes(), path)
        if merged != existing:
            found[path] = merged
    return found


def make(site: Site, public_folder: str | None) -> Plan:
    """Compare this working copy with the server. Raises `DeployError`; changes nothing."""
    first = guards(site, public_folder)
    wanted, contents = release.of_folder()
    current, damage = None, None
    try:
        current = site.current()
    except DamagedPointer as error:
        damage = f"unknown: {error}"
    if current is not None:
        wanted = replace(wanted, previous=current.previous if current == wanted else current.name)
    there = site.account.names(site.files)
    uploads = {digest: content for digest, content in contents.items() if digest not in there}

    account = site.account
    writes = {f"{site.root}/{name}": (ROOT / source).read_bytes() for name, source in BESIDE.items()}
    writes = {path: content for path, content in writes.items() if account.read(path) != content}
    return Plan(wanted, current, uploads, writes, first, uncommitted(), damage)


def uncommitted() -> list[str]:
    """What makes this working copy another thing than its last commit."""
    wanted, _ = release.of_folder()
    return checkout.uncommitted(ROOT, {*wanted.files, *BESIDE.values(), ".htaccess"})


def size(count: int) -> str:
    """A number of bytes for people to read."""
    return f"{count} bytes" if count < 1000 else f"{count / 1000:,.1f} kB"
