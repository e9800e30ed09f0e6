"""Phusion Passenger, which runs the app on shared hosts: a process of it serves one request at a time."""

import logging
import os
import sys
from pathlib import Path

from party.config import Settings

log = logging.getLogger(__name__)

NOT_HELD = "polls are not held behind Passenger, where each one that waits would occupy a process"


def is_here() -> bool:
    """Whether this process is one of Passenger's; it says so in the environment."""
    return "IN_PASSENGER" in os.environ or "Phusion_Passenger" in os.environ.get("SERVER_SOFTWARE", "")


def runs(root: Path) -> bool:
    """Whether Passenger seems to run the installation in this folder, seen from another process.

    Its processes may have ended for want of visitors; then the environment that CloudLinux's panel makes
    for an app, below ~/virtualenv, is a sign.
    """
    if is_here() or "virtualenv" in Path(sys.prefix).parts:
        return True
    for process in Path("/proc").glob("[0-9]*"):
        try:
            loader = b"passenger" in (process / "cmdline").read_bytes().lower()
            if loader and (process / "cwd").resolve() == root.resolve():
                return True
        except OSError:
            continue  # it has ended, or is somebody else's
    return False


def without_held_polls(settings: Settings) -> Settings:
    """The settings as they hold in this process, with a line in the log if that is another thing."""
    if not settings.LONG_POLL_SECONDS or not is_here():
        return settings
    log.warning("LONG_POLL_SECONDS is %g, but %s: it counts as 0 here.", settings.LONG_POLL_SECONDS, NOT_HELD)
    return settings.model_copy(update={"LONG_POLL_SECONDS": 0})
