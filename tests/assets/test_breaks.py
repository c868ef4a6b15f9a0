"""ops/breaks through Dagster: counts in its metadata, and a check that warns of what nobody can explain."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from findata_assets.checks.derived import breaks_are_explained
from findata_assets.ops.assets import breaks
from findata_assets.steps.facts import fold_facts
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from tests.orchestration import SetClock, orchestrated, rows_shown
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder

WHOLE = minutes_from(at("2022-05-19 13:30"), [flat(10)] * 390)


def bring(platform: Platform, folder: Path, received: str, price: float) -> None:
    """Bring a daily bar of the session, and fold it."""
    bars = {"2022-05-19": flat(price, 50_000)}
    take_in(platform, write_folder(folder, received, bars, interval="1d"))
    fold_facts(platform, "market.bars_1d")


def test_open_breaks_are_counted_aged_and_warned_of_until_they_are_healed(
    platform: Platform, tmp_path: Path
) -> None:
    platform.clock = SetClock(at("2022-06-12 00:00"))
    refresh_reference(platform)
    take_in(platform, write_folder(tmp_path / "minutes", "2022-06-01T12:00:00Z", WHOLE))
    fold_facts(platform, "market.bars")
    bring(platform, tmp_path / "wrong", "2022-06-02T12:00:00Z", 11)
    with orchestrated(platform) as dagster:
        warned = dagster.materialize([breaks, breaks_are_explained])
        metadata = dagster.latest("ops/breaks")
        bring(platform, tmp_path / "right", "2022-06-03T12:00:00Z", 10)
        healed = dagster.materialize([breaks, breaks_are_explained])

    (said,), (well,) = warned.get_asset_check_evaluations(), healed.get_asset_check_evaluations()
    assert (said.passed, said.severity, said.blocking) == (False, dg.AssetCheckSeverity.WARN, False)
    assert (metadata["rows_written"], metadata["minutes_daily_open"], metadata["oldest_open_days"]) == (
        4,
        4,
        9.5,
    )
    assert {row["field"] for row in rows_shown(said)} == {"open", "high", "low", "close"}
    assert well.passed
    assert well.metadata["minutes_daily_closed"].value == 4
