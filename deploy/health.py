"""Waiting until the service itself says that the new release runs."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

PAUSE_SECONDS = 0.5
# A process that happens to start between the switch and the restart runs the new release beside old ones;
# only as many answers in a row from the new one make it likely that all of them have gone.
IN_A_ROW = 10
PAUSE_IN_A_ROW_SECONDS = 0.05
TIMEOUT_SECONDS = 15


def ask(url: str, authority: Path | None = None) -> tuple[str | None, str]:
    """The version that /health reports, or None, and in words what it answered."""
    context = ssl.create_default_context(cafile=authority)
    try:
        with urllib.request.urlopen(
            f"{url.rstrip('/')}/health", timeout=TIMEOUT_SECONDS, context=context
        ) as answer:
            version = str(json.load(answer)["data"]["version"])
            return version, f"runs {version}"
    except urllib.error.HTTPError as error:
        return None, f"answers {error.code} {_reason(error)}".strip()
    except (OSError, HTTPException) as error:
        return None, f"does not answer ({getattr(error, 'reason', None) or error})"
    except (ValueError, KeyError, TypeError):
        return None, "answers something that is not Party's"


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)


def wait_for(
    version: str, ask_once: Callable[[], tuple[str | None, str]], seconds: float, say: Callable[[str], None]
) -> bool:
    """Ask until only `version` runs; whenever the answer changes it is told. False: not within `seconds`."""
    deadline = time.monotonic() + seconds
    heard = ""
    in_a_row = 0
    while True:
        running, answer = ask_once()
        if answer != heard:
            say(answer)
            heard = answer
        in_a_row = in_a_row + 1 if running == version else 0
        if in_a_row == IN_A_ROW:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_IN_A_ROW_SECONDS if in_a_row else PAUSE_SECONDS)
