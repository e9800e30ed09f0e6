"""Beside `current` on a server: `python -m party` and `python party.py` run the current release."""

import sys

import launcher

if not (launcher.ROOT / "current").exists():
    sys.exit("party: no release is here yet: the deploy has not come to its end")
launcher.use_current_release()

# This file has the name of the package that it runs.
sys.modules.pop("party", None)

try:
    from party.commands import main
except ModuleNotFoundError as error:
    sys.exit(f"party: {error.name} is missing: {sys.executable} -m pip install -r requirements.txt")

if __name__ == "__main__":
    main()
