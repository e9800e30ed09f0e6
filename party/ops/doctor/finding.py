"""What a check says: one of four marks, what was found, and what to do about it."""

from typing import Literal, NamedTuple

Status = Literal["ok", "warning", "failed", "skipped"]


class Result(NamedTuple):
    """The outcome of a check; `advice` may be empty."""

    status: Status
    found: str
    advice: str = ""


class Finding(NamedTuple):
    """A result with the name of its check: a line of the report."""

    check: str
    status: Status
    found: str
    advice: str = ""


class Skipped(Exception):
    """A check cannot be made, for a reason that is no fault of what it looks at."""


def ok(found: str, advice: str = "") -> Result:
    """All is well."""
    return Result("ok", found, advice)


def warning(found: str, advice: str) -> Result:
    """It works, but not as it should."""
    return Result("warning", found, advice)


def failed(found: str, advice: str) -> Result:
    """It does not work, or it is not safe."""
    return Result("failed", found, advice)


def clocks_apart(seconds: float, other: str, effect: str) -> Result:
    """This machine's clock beside another: within 2 s is well, beyond 60 s is a failure."""
    found = f"{abs(seconds):.1f} s apart from {other}"
    if abs(seconds) <= 2:
        return ok(found)
    judge = warning if abs(seconds) <= 60 else failed
    return judge(found, f"One of the two clocks is wrong. {effect}")


def some(names: list[str], most: int = 8) -> str:
    """The first of the names, and how many more there are."""
    return ", ".join(names if len(names) <= most else [*names[:most], f"and {len(names) - most} more"])
