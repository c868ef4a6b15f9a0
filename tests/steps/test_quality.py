"""Quality reports from the books: what was received, refused, revised and awaited; and pages on S3 by content."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from findata_assets.reports.page import page
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.quality import session_report, week_report
from findata_assets.steps.reports import closed_sessions, publish_session, publish_week, touched_sessions
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ConfigurationError, UnknownExchange
from findata_core.schema.frames import conform
from findata_core.schema.tables import table
from findata_resources.stores.database import upsert
from tests.conftest import MakePlatform
from tests.orchestration import SetClock
from tests.steps.folders import at, flat, minutes_from, take_in, write_folder

DAY = date(2022, 5, 19)
OPEN = "2022-05-19 13:30"


@pytest.fixture(scope="module")
def revised(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A session of MSFT: 380 of 390 minutes, one refused, one revised the day after; and an arrival that is late."""
    platform = make_module_platform()
    folder = tmp_path_factory.mktemp("said")
    refresh_reference(platform)
    platform.clock = SetClock(at("2022-05-21 00:00"))
    bars = minutes_from(at(OPEN), [flat(10)] * 380)
    bars["2022-05-19 13:35:00+00:00"] = (10, 9, 10, 10, 100)  # its high is below its low
    take_in(platform, write_folder(folder / "first", "2022-05-19T21:00:00Z", bars))
    run_due(platform)
    changed = {"2022-05-19 14:00:00+00:00": (10, 12, 10, 10, 100)}
    take_in(platform, write_folder(folder / "second", "2022-05-20T12:00:00Z", changed))
    run_due(platform)
    _expect(platform, datetime(2022, 5, 19, 20, 30, tzinfo=UTC))
    return platform


def _expect(platform: Platform, expected: datetime) -> None:
    """Write down that bars were due at an instant, and did not come."""
    row = {
        "dataset": "market.bars",
        "provider": "yahoo",
        "subject": "XNAS",
        "due_date": DAY,
        "slot": "close",
        "expected_time": expected,
        "arrived_time": None,
        "expected_instruments": 1,
        "arrived_instruments": 0,
    }
    arrivals = table("ops.arrivals")
    with platform.store.database.transaction() as cursor:
        upsert(cursor, arrivals, conform(pl.DataFrame([row]), arrivals))


def reasons(report: Any) -> set[tuple[str, str]]:
    return set(report.findings.select(pl.col("weight").cast(pl.String), "reason").iter_rows())


def test_what_is_missing_refused_and_late_is_told_with_what_to_run(revised: Platform) -> None:
    report = session_report(revised, DAY)
    assert report.verdict.answer == "exceptions"
    assert {("excepts", "minutes_missing"), ("excepts", "refused_rows"), ("excepts", "late")} <= reasons(
        report
    )
    (missing,) = report.findings.filter(reason="minutes_missing")["words"]
    assert missing == "11 of 390 bars of 1m missing (recorded): 13:35-13:36, 19:50-20:00 UTC"
    (late,) = report.findings.filter(reason="late")["cure"]
    assert late == "findata materialize --source yahoo --sessions 2022-05-19"


def test_a_revision_says_who_when_and_what(revised: Platform) -> None:
    (row,) = session_report(revised, DAY).parts["revisions"].rows.iter_rows(named=True)
    assert (row["instrument_id"], row["source"], row["bars"]) == ("MSFT.XNAS", "recorded", 1)
    assert (row["field"], row["old_value"], row["new_value"]) == ("high", 10.0, 12.0)
    assert row["superseded_time"] == at("2022-05-20 12:00")


def test_a_price_that_stands_apart_is_drawn_with_its_session(revised: Platform) -> None:
    report = session_report(revised, DAY)
    (drawing,) = report.drawings
    assert drawing.farthest["price"] == 12.0
    assert drawing.minutes.height == 379
    assert "svg" in page(report)


def test_the_heat_map_lacks_the_last_ten_minutes(revised: Platform) -> None:
    heat = session_report(revised, DAY).heat
    assert heat["present"].to_list() == [29, *[30] * 11, 20]


def test_sessions_that_nobody_knows_anything_of_are_lines_without_a_minute(revised: Platform) -> None:
    heat = week_report(revised, DAY).heat
    by_day = (
        heat.group_by("session_date")
        .agg(pl.col("present").sum(), pl.col("source").first())
        .sort("session_date")
    )
    assert by_day.rows() == [
        (date(2022, 5, day), 379 if day == 19 else 0, "recorded") for day in range(16, 21)
    ]


def test_the_page_says_what_the_books_say(revised: Platform) -> None:
    text = page(session_report(revised, DAY))
    for words in (
        "high_not_highest",
        "high 10 → 12 (+20.00%)",
        "not here (0 of 1 instruments)",
        "2022-05-20 12:00 UTC",
    ):
        assert words in text


def test_the_same_books_are_the_same_page_and_object_and_other_books_another(
    revised: Platform, tmp_path: Path
) -> None:
    first = publish_session(revised, DAY)
    again = publish_session(revised, DAY)
    assert (first.page.is_new, again.page.is_new) == (True, False)
    assert again.page.address == first.page.address
    assert first.page.address.startswith(f"s3://{revised.settings.s3_bucket}/reports/sessions/2022-05-19/")
    more = minutes_from(at("2022-05-19 19:50"), [flat(10)] * 10)
    take_in(revised, write_folder(tmp_path / "third", "2022-05-20T13:00:00Z", more))
    run_due(revised)
    after = publish_session(revised, DAY)
    assert after.page.is_new
    assert after.page.address != first.page.address
    assert "findata" in after.browser_address or "X-Amz-Signature" in after.browser_address


def test_a_browser_can_open_the_page(revised: Platform) -> None:
    import httpx

    put = publish_week(revised, DAY)
    assert put.page.newest_key == "reports/weeks/2022-W20.html"
    answer = httpx.get(put.browser_address)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text == page(put.report)


def test_sessions_that_were_touched_are_put_again(revised: Platform) -> None:
    assert touched_sessions(revised, timedelta(days=3)) == [DAY]
    assert touched_sessions(revised, timedelta(hours=1)) == []
    assert closed_sessions(revised, date(2022, 5, 19), date(2022, 5, 23)) == [DAY, date(2022, 5, 20)]


def test_days_without_anything_are_told_apart(revised: Platform) -> None:
    assert session_report(revised, date(2022, 5, 20)).verdict.answer == "no"  # nothing came
    assert session_report(revised, date(2022, 5, 21)).verdict.line.startswith("No session: weekend")
    assert session_report(revised, date(2022, 5, 30)).verdict.line.startswith("No session: holiday")
    assert session_report(revised, date(2022, 5, 23)).verdict.answer == "not_closed"
    with pytest.raises(ConfigurationError, match="No calendar reaches 1999-01-04"):
        session_report(revised, date(1999, 1, 4))


def test_exchanges_that_nobody_knows_or_follows_are_refused(revised: Platform) -> None:
    with pytest.raises(UnknownExchange):
        session_report(revised, DAY, ["NYSE"])
    with pytest.raises(ConfigurationError, match="No followed instrument trades on XLON"):
        session_report(revised, DAY, ["XLON"])


def test_the_last_session_of_the_sample_lacks_new_yorks_afternoon(loaded_sample: Platform) -> None:
    report = session_report(loaded_sample, date(2022, 6, 15))
    assert report.verdict.line == "Yes, with exceptions: 1 of 3 instruments with missing minutes (MSFT.XNAS)"
    assert [(venue.mic, venue.verdict.answer) for venue in report.venues] == [
        ("XHKG", "yes"),
        ("XLON", "yes"),
        ("XNAS", "exceptions"),
    ]
    assert session_report(loaded_sample, date(2022, 6, 15), ["XHKG"]).verdict.answer == "yes"


def test_prints_of_the_sample_that_stand_apart_are_found(loaded_sample: Platform) -> None:
    """AZN on 2022-06-14: 97.08 pounds at 10:32 and 11:32 UTC, while it trades below 95 (the sample's file)."""
    stray = week_report(loaded_sample, date(2022, 6, 14)).parts["outliers"].rows
    assert stray.select("instrument_id", "price").unique().rows() == [("AZN.XLON", 9708.0)]
    assert stray["event_time"].dt.strftime("%H:%M").sort().to_list() == ["10:32", "11:32"]
