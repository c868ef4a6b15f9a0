"""The table of arrivals by the books: rates of the bundled sample over a stand-in, by the hours of New York."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl
import pytest

from findata_assets.checks.freshness import check_freshness
from findata_assets.steps.arrivals import arrivals_now, late_now, next_step, refresh_arrivals, stored_arrivals
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.live import fetch_rates
from findata_assets.steps.platform import Platform
from findata_resources.stores import fetches
from tests.assets.test_live_rates import NOTHING, published
from tests.cli.conftest import Run
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.standin import StandIn

# Wednesday's rate is published on Thursday 30 June 2022 at 08:00 in New York, 12:00 UTC.
EARLY = datetime(2022, 6, 30, 11, 30, tzinfo=UTC)
MORNING = datetime(2022, 6, 30, 12, 15, tzinfo=UTC)
AFTERNOON = datetime(2022, 6, 30, 18, 45, tzinfo=UTC)  # a quarter of an hour after the revision slot
WEDNESDAY = date(2022, 6, 29)


@pytest.fixture(scope="module")
def asked(make_module_platform: MakePlatform) -> Iterator[tuple[Platform, StandIn]]:
    """A platform that first asked before Wednesday's rates were published."""
    with StandIn(now=EARLY) as standin:
        platform = make_module_platform(nyfed_base_url=standin.base_url, request_timeout_seconds=5)
        ask(platform, standin, EARLY, "2022-06-28")
        yield platform, standin


def ask(platform: Platform, standin: StandIn, moment: datetime, until: str) -> None:
    platform.clock = SetClock(moment)
    fixings = published(until)
    others = {name: [{**item, "type": name.upper()} for item in fixings["sofr"]] for name in NOTHING}
    standin.nyfed_rates = {**fixings, **others}
    fetch_rates(platform)
    run_due(platform)
    refresh_arrivals(platform)


def of_wednesday(platform: Platform) -> dict[str, dict[str, Any]]:
    rows = stored_arrivals(platform).filter(subject="SOFR", due_date=WEDNESDAY)
    return {row["slot"]: row for row in rows.iter_rows(named=True)}


def test_what_is_not_published_yet_is_expected_and_not_late(asked: tuple[Platform, StandIn]) -> None:
    platform, _ = asked
    row = of_wednesday(platform)["first"]
    assert (row["arrived_time"], row["expected_time"]) == (None, datetime(2022, 6, 30, 13, 0, tzinfo=UTC))
    assert late_now(platform).is_empty()
    # Nothing is expected of what lies before the first time that anybody asked.
    assert stored_arrivals(platform).get_column("expected_time").min() >= EARLY  # type: ignore[operator]


def test_what_does_not_come_is_late_for_the_check_and_the_command(
    asked: tuple[Platform, StandIn], findata: Run
) -> None:
    platform, _ = asked
    platform.clock = SetClock(datetime(2022, 6, 30, 15, 0, tzinfo=UTC))
    late = late_now(platform).filter(subject="SOFR")
    assert late.get_column("late_by").to_list() == [timedelta(hours=2)]
    checked = check_freshness(platform, "nyfed", "first")
    assert (checked.passed, checked.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert checked.metadata["late_by_seconds"].value == 7200
    assert checked.metadata["next_step"].value == "findata materialize --source nyfed"
    platform.clock = SetClock(datetime(2022, 7, 1, 13, 30, tzinfo=UTC))
    assert check_freshness(platform, "nyfed", "first").severity is dg.AssetCheckSeverity.ERROR

    told = findata("freshness", on=platform)  # by the machine's own clock all rates are late
    assert told.exit_code == 0, told.output
    assert "findata materialize --source nyfed" in told.stdout
    assert " late, " in told.stdout
    rows = json.loads(findata("freshness", "--json", on=platform).stdout)
    assert {"SOFR", "EFFR"} <= {row["subject"] for row in rows}
    assert findata("freshness", "--json", "--csv", on=platform).exit_code == 2


def test_each_slot_arrives_by_its_own_answer(asked: tuple[Platform, StandIn]) -> None:
    platform, standin = asked
    ask(platform, standin, MORNING, "2022-06-29")
    rows = of_wednesday(platform)
    assert rows["first"]["arrived_time"] == MORNING
    assert rows["second"]["arrived_time"] is None  # nobody has asked since half past two
    ask(platform, standin, AFTERNOON, "2022-06-29")
    rows = of_wednesday(platform)
    assert (rows["first"]["arrived_time"], rows["second"]["arrived_time"]) == (MORNING, AFTERNOON)
    assert check_freshness(platform, "nyfed", "second").passed


def test_a_second_look_changes_nothing_and_a_weekend_makes_nothing_late(
    asked: tuple[Platform, StandIn],
) -> None:
    platform, standin = asked
    ask(platform, standin, datetime(2022, 7, 1, 19, 0, tzinfo=UTC), "2022-06-30")
    assert refresh_arrivals(platform).rows_written == 0
    # Monday is Independence Day: Friday's rate comes on Tuesday.
    platform.clock = SetClock(datetime(2022, 7, 5, 11, 0, tzinfo=UTC))
    assert late_now(platform).is_empty()
    platform.clock = SetClock(datetime(2022, 7, 5, 13, 1, tzinfo=UTC))
    assert set(late_now(platform).get_column("subject")) == {"BGCR", "SOFR", "TGCR"}


def test_publishers_of_series_and_exchange_rates_are_expected_once_they_were_asked(
    asked: tuple[Platform, StandIn],
) -> None:
    platform, _ = asked
    now = datetime(2022, 7, 5, 23, 30, tzinfo=UTC)
    platform.clock = SetClock(now)
    for source in ("ecb", "fred"):
        row = {
            "fetch_id": source,
            "source": source,
            "dataset": "x",
            "subject": "x",
            "window_start_time": now,
            "window_end_time": now,
            "started_time": now - timedelta(days=1),
            "duration_seconds": 1.0,
            "size_bytes": 0,
            "rows_answered": 0,
        }
        fetches.enter(platform.store.database, row)
    rows = arrivals_now(platform).filter(pl.col("provider").is_in(["ecb", "fred"]))
    due = dict(
        rows.filter(pl.col("expected_time") <= now)
        .group_by("subject")
        .agg(pl.col("due_date").max())
        .iter_rows()
    )
    assert due["EUR"] == date(2022, 7, 5)
    assert due["DGS10"] == date(2022, 7, 1)  # Friday's, on Tuesday after the holiday
    assert next_step("ecb", date(2022, 7, 5)) == "findata materialize --source ecb"
