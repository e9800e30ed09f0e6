"""Puts Party onto a hosting account: `python -m deploy`. See docs/deploy-cpanel.md."""

import sys

# In the words of much older Pythons, so that they can say so.
if sys.version_info[:2] < (3, 10):
    _version = ".".join(map(str, sys.version_info[:3]))
    sys.exit(f"deploy: Python 3.10 or newer is needed; this is {_version}, {sys.executable}")
