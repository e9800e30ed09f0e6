"""Going on after a broken connection."""

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from deploy.errors import ConnectionLost

PAUSES_SECONDS = (1, 2, 4, 8)

P = ParamSpec("P")
T = TypeVar("T")


def persistent(method: Callable[P, T]) -> Callable[P, T]:
    """Repeat a call whose connection broke, a few times with growing pauses; it must be repeatable."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for pause in PAUSES_SECONDS:
            try:
                return method(*args, **kwargs)
            except ConnectionLost as error:
                click.echo(f"{error}; trying again in {pause} s", err=True)
                time.sleep(pause)
        return method(*args, **kwargs)

    return call
