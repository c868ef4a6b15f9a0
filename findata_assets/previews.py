"""Dagster's features that it calls beta or preview, used knowingly and without a page of warnings.

Used: `backfill_policy` and code references (beta), partitions of checks (preview). They are tried with the
version that the lock names; the tests of assets say whether they still do what is expected of them.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dagster as dg

Made = TypeVar("Made")
Decorator = Callable[[Callable[..., Any]], Made]


@contextmanager
def accepted_previews() -> Iterator[None]:
    """Let what is defined inside use beta and preview features in silence."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        warnings.simplefilter("ignore", dg.PreviewWarning)
        yield


def asset(**options: Any) -> Decorator[dg.AssetsDefinition]:
    """Return `dagster.asset(**options)`."""
    return _in_silence(dg.asset, options)


def asset_check(**options: Any) -> Decorator[dg.AssetChecksDefinition]:
    """Return `dagster.asset_check(**options)`."""
    return _in_silence(dg.asset_check, options)


def _in_silence(decorator: Callable[..., Any], options: dict[str, Any]) -> Decorator[Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        with accepted_previews():
            return decorator(**options)(function)

    return decorate
