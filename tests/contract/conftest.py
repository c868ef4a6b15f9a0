"""Databases of the contract's tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from findata_assets.steps.platform import Platform
from findata_resources.environment import Endpoints, Settings
from tests.contract.storage import FIRST, add_good_rows, bring_to, copy_rows, execute

MakeDatabase = Callable[[], str]


@pytest.fixture(scope="module")
def make_database(stack: tuple[Settings, Endpoints]) -> Iterator[MakeDatabase]:
    """Makes empty databases on the tests' server."""
    server = stack[1].database_url
    made: list[str] = []

    def make() -> str:
        made.append(f"test_{uuid.uuid4().hex[:12]}")
        execute(server, f"CREATE DATABASE {made[-1]}")
        return server.rpartition("/")[0] + f"/{made[-1]}"

    yield make
    for name in made:
        execute(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def first_storage(make_database: MakeDatabase, loaded_sample: Platform) -> str:
    """A database at the first revision with views, with the sample's rows and a good row where the sample has none."""
    url = make_database()
    bring_to(url, FIRST)
    copy_rows(loaded_sample.store.database.url, url)
    add_good_rows(url)
    return url
