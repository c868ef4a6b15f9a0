"""The journal of changes is kept for as many days as the setting says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from findata_assets.steps.platform import Platform
from findata_assets.steps.retention import prune_changes
from findata_core.errors import ConfigurationError
from findata_resources.environment import SystemClock, load_settings
from findata_resources.stores import journal
from tests.orchestration import SetClock
from tests.stores.test_derived import candles, replace


def test_lines_go_after_as_many_days_as_are_asked_for(platform: Platform) -> None:
    for close in (254.1, 254.2, 254.3):
        replace(platform.store, candles(0, close=close))
    assert prune_changes(platform) == 0  # none is a week old
    platform.clock = SetClock(datetime.now(UTC) + timedelta(days=8))
    try:
        assert prune_changes(platform) == 2  # the third stays as the mark
        assert prune_changes(platform) == 0
    finally:
        platform.clock = SystemClock()


def test_a_restored_database_forgets_its_journal(platform: Platform) -> None:
    replace(platform.store, candles(0))
    with platform.store.database.transaction() as cursor:
        journal.forget(cursor.connection)
        assert cursor.execute(b"SELECT count(*) FROM ops.changes").fetchone() == (0,)


def test_a_journal_of_no_days_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="CHANGE_DAYS"):
        load_settings(change_days=0, _env_file=None)
