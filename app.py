"""What a WSGI server loads: `application`."""

import sys

from party import create_app
from party.config import ConfigError

# gunicorn takes this exit status as "the worker cannot boot" and stops instead of trying for ever.
WORKER_BOOT_ERROR = 3

try:
    application = create_app()
except ConfigError as error:
    print(f"party: {error}", file=sys.stderr)
    sys.exit(WORKER_BOOT_ERROR)
