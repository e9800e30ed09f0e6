"""Puts Party onto a hosting account: `python -m deploy`. See docs/deploy-cpanel.md."""
