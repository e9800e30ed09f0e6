"""Which optional features are installed: a test of several together needs each of them."""

from importlib.util import find_spec

import pytest


def installed(name: str) -> bool:
    """Whether there is a feature in `party/` that has this name."""
    return find_spec(f"party.{name}") is not None


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests whose `@pytest.mark.needs(...)` names a feature that has been removed."""
    lacking = [
        item
        for item in items
        if not all(installed(name) for mark in item.iter_markers("needs") for name in mark.args)
    ]
    if lacking:
        config.hook.pytest_deselected(items=lacking)
        items[:] = [item for item in items if item not in set(lacking)]
