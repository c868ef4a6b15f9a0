"""Session keys: those that Dagster itself counts off, at any moment."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
import pytest

from findata_assets.partitions import SESSIONS


@pytest.mark.parametrize(
    ("moment", "last"),
    [
        (datetime(2022, 5, 19, 9, 59, tzinfo=UTC), "2022-05-18"),
        (datetime(2022, 5, 19, 10, 0, tzinfo=UTC), "2022-05-19"),
        (datetime(2022, 5, 21, 12, 0, tzinfo=UTC), "2022-05-20"),  # a Saturday
        (datetime(2021, 12, 26, 12, 0, tzinfo=UTC), "2021-12-24"),
        (datetime(1999, 1, 1, tzinfo=UTC), None),
    ],
)
def test_keys_end_with_the_last_session_that_has_begun_everywhere(moment: datetime, last: str | None) -> None:
    keys = SESSIONS.get_partition_keys(moment)

    assert list(keys) == list(dg.TimeWindowPartitionsDefinition.get_partition_keys(SESSIONS, moment))
    assert (keys[-1] if keys else None) == last


def test_keys_of_now_are_dagsters_own() -> None:
    with dg.partition_loading_context(datetime(2024, 2, 1, tzinfo=UTC)):
        assert SESSIONS.get_partition_keys()[-1] == "2024-01-31"
    own = dg.TimeWindowPartitionsDefinition.get_partition_keys(SESSIONS)
    assert list(SESSIONS.get_partition_keys()) == list(own)
