"""Automation conditions: what new inputs ask for, evaluated as the daemon does, on one June evening."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from findata_assets.betas import accepted_betas
from findata_assets.definitions import findata

EVENING = datetime(2022, 6, 14, 21, 30, tzinfo=UTC)
TUESDAY, JUNE = "2022-06-14", "2022-06"


class Evening:
    """An instance without history, and the conditions evaluated minute by minute."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._definitions = findata()
        self._graph = self._definitions.resolve_asset_graph()
        self._moment = EVENING
        self._cursor: dg.AssetDaemonCursor | None = None  # type: ignore[name-defined]
        for key in ("reference/instruments", "reference/symbols", "reference/sessions"):
            self.materialized(key)
        assert self.asked_for() == {}

    def materialized(self, key: str, partition: str | None = None, *, passed: bool = True) -> None:
        """Report an asset as run, and what its checks said."""
        asset = dg.AssetKey(key.split("/"))
        self._instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))
        for check in self._graph.asset_check_keys:
            if check.asset_key == asset:
                blocking = self._graph.get(check).blocking
                self._instance.report_runless_asset_event(
                    dg.AssetCheckEvaluation(
                        asset_key=asset,
                        check_name=check.name,
                        passed=passed or not blocking,
                        blocking=blocking,
                    )
                )

    def asked_for(self) -> dict[str, set[str]]:
        """Evaluate all conditions once and return which partitions of which assets they ask for."""
        self._moment += timedelta(minutes=1)
        with accepted_betas():
            evaluated = dg.evaluate_automation_conditions(
                defs=self._definitions,
                instance=self._instance,
                cursor=self._cursor,
                evaluation_time=self._moment,
            )
        self._cursor = evaluated.cursor
        asked = {}
        for result in evaluated.results:
            if isinstance(result.key, dg.AssetKey) and not result.true_subset.is_empty:
                is_partitioned = self._graph.get(result.key).is_partitioned
                keys = (
                    set(result.true_subset.expensively_compute_partition_keys()) if is_partitioned else set()
                )
                asked[result.key.to_user_string()] = keys
        return asked


@pytest.fixture
def evening() -> Iterator[Evening]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Evening(instance)


def test_nothing_new_asks_for_nothing(evening: Evening) -> None:
    assert evening.asked_for() == {}


def test_an_answer_of_yahoo_asks_for_the_bars_of_its_session_and_month_and_for_actions(
    evening: Evening,
) -> None:
    """Though nobody has ever loaded a recorded folder, and no other session was asked for."""
    evening.materialized("raw/yahoo/bars", TUESDAY)
    assert evening.asked_for() == {
        "market/bars": {TUESDAY},
        "market/bars_1d": {JUNE},
        "reference/dividends": set(),
        "reference/splits": set(),
    }
    assert evening.asked_for() == {}


def test_bars_ask_for_candles_when_their_checks_have_passed(evening: Evening) -> None:
    evening.materialized("market/bars", TUESDAY)
    assert evening.asked_for() == {"market/candles": {TUESDAY}}


def test_bars_whose_blocking_check_failed_ask_for_nothing(evening: Evening) -> None:
    evening.materialized("market/bars", TUESDAY, passed=False)
    assert evening.asked_for() == {}


def test_days_and_candles_ask_for_weeks_months_and_coverage(evening: Evening) -> None:
    evening.materialized("market/bars", TUESDAY)
    evening.materialized("market/candles", TUESDAY)
    evening.materialized("market/bars_1d", JUNE)
    assert {"market/weekly_candles", "market/monthly_candles", "ops/coverage"} <= evening.asked_for().keys()


def test_splits_ask_for_what_is_folded_across_sessions_unless_their_check_failed(evening: Evening) -> None:
    for key, partition in (
        ("market/candles", TUESDAY),
        ("market/bars_1d", JUNE),
        ("market/weekly_candles", None),
    ):
        evening.materialized(key, partition)
    evening.asked_for()
    evening.materialized("reference/splits", passed=False)
    assert not {"market/weekly_candles", "signals/weekly_pivots"} & evening.asked_for().keys()
    evening.materialized("reference/splits")
    assert {"market/weekly_candles", "signals/weekly_pivots"} <= evening.asked_for().keys()


def test_pivots_and_candles_ask_for_the_signals_of_the_latest_session(evening: Evening) -> None:
    evening.materialized("market/candles", TUESDAY)
    evening.materialized("signals/weekly_pivots")
    assert evening.asked_for()["signals/pivot_signals"] == {TUESDAY}


def test_rates_ask_for_fixings_then_for_what_follows_from_them(evening: Evening) -> None:
    evening.materialized("raw/nyfed/rates")
    assert evening.asked_for() == {"rates/rates": set(), "rates/published_averages": set()}
    evening.materialized("rates/rates")
    evening.materialized("rates/published_averages")
    assert evening.asked_for() == {"rates/averages": set(), "rates/calendar_disagreements": set()}
