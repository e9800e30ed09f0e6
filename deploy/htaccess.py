"""Our lines in an .htaccess that belongs to the host as well."""

import re

from deploy.errors import DeployError

BEGIN, END = "# BEGIN Party", "# END Party"
_SECTION = re.compile(rf"^{BEGIN}$.*?^{END}$\n?", re.MULTILINE | re.DOTALL)


def merge(existing: bytes | None, ours: bytes, path: str = ".htaccess") -> bytes:
    """`existing` with our section replaced, or added at its end; every other byte stays as it is.

    It lies at `path`. Raises `DeployError` if the section in it has lost its beginning or its end.
    """
    section = _section(ours.decode().replace("\r\n", "\n"))
    # Any byte is a character of this encoding: what we do not know passes through unchanged.
    text = (existing or b"").decode("latin-1").replace("\r\n", "\n")
    crlf = existing is not None and b"\r\n" in existing
    marks = [line for line in text.splitlines() if line in (BEGIN, END)]
    if marks == [BEGIN, END]:
        merged = _SECTION.sub(lambda _: section, text)
    elif not marks:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        merged = text + gap + section
    else:
        raise DeployError(
            f"the server's {path} has not exactly one {BEGIN!r} with its {END!r}: mend it by hand"
        )
    return (merged.replace("\n", "\r\n") if crlf else merged).encode("latin-1")


def _section(text: str) -> str:
    found = _SECTION.search(text)
    if found is None:
        raise DeployError(f".htaccess has no {BEGIN!r} and {END!r}")
    return found[0]
