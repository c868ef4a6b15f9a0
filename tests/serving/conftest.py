"""A client of the app over the bundled sample, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from findata_assets.steps.platform import Platform
from tests.serving.served import served


@pytest.fixture(scope="session")
def client(loaded_sample: Platform) -> Iterator[httpx.Client]:
    """A client of a server over the loaded sample, which asks nobody who they are."""
    with served(loaded_sample) as asking:
        yield asking
