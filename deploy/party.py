"""Beside `current` on a server: `python -m party` and `python party.py` run the current release."""

import sys

import launcher

launcher.use_current_release()

# This file has the name of the package that it runs.
sys.modules.pop("party", None)

from party.commands import main  # noqa: E402

if __name__ == "__main__":
    main()
