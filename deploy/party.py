"""Beside `current` on a server: `python -m party` and `python party.py` run the current release.

`python party.py --release NAME …` runs another that is there: the next one's migrations come before it.
"""

import sys

import launcher

if sys.argv[1:2] == ["--release"]:
    launcher.use_release(sys.argv[2])
    del sys.argv[1:3]
elif (launcher.ROOT / "current").exists():
    launcher.use_current_release()
else:
    sys.exit("party: no release is here yet: the deploy has not come to its end")

# This file has the name of the package that it runs.
sys.modules.pop("party", None)

try:
    from party.commands import main
except ModuleNotFoundError as error:
    sys.exit(f"party: {error.name} is missing: {sys.executable} -m pip install -r requirements.txt")

if __name__ == "__main__":
    main()
