"""Dagster's features that it calls beta, used knowingly and without a page of warnings.

Used: `backfill_policy` and code references, both beta. They are tried with the version that the lock names;
the tests of assets say whether they still do what is expected of them.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

Decorator = Callable[[Callable[..., Any]], dg.AssetsDefinition]


@contextmanager
def accepted_betas() -> Iterator[None]:
    """Let what is defined inside use beta features in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        yield


def asset(**options: Any) -> Decorator:
    """Return `dagster.asset(**options)`."""

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        with accepted_betas():
            made: dg.AssetsDefinition = dg.asset(**options)(function)
            return made

    return decorate
