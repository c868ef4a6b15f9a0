"""Every recorded set of bars of the trial data, loaded once for all tests of this folder: they leave it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import Loaded, load_recorded, refresh_reference
from findata_resources.environment import PROJECT, Endpoints, Settings
from findata_resources.stores.reports import WriteReport
from tests.conftest import _platforms

MANIFEST = PROJECT / "tests" / "manifests" / "bars_1m.toml"


@dataclass(frozen=True)
class Trial:
    """The platform with everything loaded, where the files lie, and what loading told."""

    platform: Platform
    folder: Path
    loaded: Loaded
    reports: dict[str, WriteReport]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        composed = sql.SQL(query).format(*map(sql.Literal, values))  # type: ignore[arg-type]
        return self.platform.store.database.frame(composed).rows()


@pytest.fixture(scope="session")
def trial(stack: tuple[Settings, Endpoints], migrated_template: str, trial_data: Path) -> Iterator[Trial]:
    with _platforms(stack[1], migrated_template) as make:
        # The oldest row is MSFT's daily bar of 1986-03-13.
        platform = make(calendar_start=date(1985, 1, 2))
        refresh_reference(platform)
        loaded = load_recorded(platform, trial_data / "bars_1m", MANIFEST, "bars")
        yield Trial(platform, trial_data / "bars_1m", loaded, run_due(platform))
