"""What a WSGI server loads: `application`."""

import signal
import sys
import threading
from types import FrameType
from typing import Any

from party import create_app
from party.config import ConfigError

# gunicorn takes this exit status as "the worker cannot boot" and stops instead of trying for ever.
WORKER_BOOT_ERROR = 3

try:
    application = create_app()
except ConfigError as error:
    print(f"party: {error}", file=sys.stderr)
    sys.exit(WORKER_BOOT_ERROR)


def _release_held_polls_at_the_end() -> None:
    """Held polls would keep a stopping worker waiting for as long as they wait themselves."""
    before: Any = signal.getsignal(signal.SIGTERM)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        return  # no server has its own way of stopping here

    def stop(number: int, frame: FrameType | None) -> None:
        application.extensions["party.memory"].waiters.release_all()
        before(number, frame)

    signal.signal(signal.SIGTERM, stop)


_release_held_polls_at_the_end()
