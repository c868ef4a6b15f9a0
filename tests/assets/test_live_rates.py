"""The New York Fed through the asset, over real HTTP: good answers, revisions, and answers that are none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from findata_assets.checks.rates import averages_equal_the_published
from findata_assets.rates.assets import averages, published_averages, rates
from findata_assets.raw.nyfed import nyfed_rates
from findata_assets.steps.live import fetch_rates
from findata_core.errors import RetriableProviderError
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, SetClock, failure_of
from tests.standin import RATES, UNAVAILABLE, Answer, StandIn

# Of the 29th of June; published on the 30th at about 08:00 in New York.
MORNING = datetime(2022, 6, 30, 13, 0, tzinfo=UTC)
RATES_CHAIN = [nyfed_rates, rates, published_averages, averages, averages_equal_the_published]


def published(until: str) -> dict[str, list[dict[str, Any]]]:
    """Return the sample's figures up to an observation date in the shape of the Markets API."""
    with (SAMPLE / "sofr_published.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["observation_date"] <= until]
    fixings = [
        {
            "effectiveDate": row["observation_date"],
            "type": "SOFR",
            "percentRate": float(row["rate_percent"]),
            "volumeInBillions": 900,
            "revisionIndicator": "",
        }
        for row in rows
    ]
    averaged = [
        {
            "effectiveDate": row["observation_date"],
            "type": "SOFRAI",
            "average30day": float(row["average_30day_percent"]),
            "average90day": float(row["average_90day_percent"]),
            "average180day": float(row["average_180day_percent"]),
            "index": float(row["index_value"]),
            "revisionIndicator": "",
        }
        for row in rows
    ]
    return {"sofr": fixings, "sofrai": averaged}


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=MORNING) as server:
        server.nyfed_rates = published("2022-06-29")
        yield server


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str) -> Orchestrated:
    """A platform that asks the stand-in, on that morning."""
    return asking(make_platform, dagster, bucket, standin.base_url)


def asking(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str, url: str, **further: Any
) -> Orchestrated:
    platform = make_platform(s3_bucket=bucket, nyfed_base_url=url, request_timeout_seconds=5, **further)
    platform.clock = SetClock(MORNING)
    return Orchestrated(platform, dagster.instance)


def run(live: Orchestrated) -> dg.ExecuteInProcessResult:
    return live.materialize(RATES_CHAIN)


def last_fixing(live: Orchestrated) -> tuple[Any, ...]:
    query = "SELECT observation_date::text, rate_percent, revision_indicator FROM rates.rates ORDER BY 1 DESC LIMIT 1"
    return live.rows(query)[0]  # type: ignore[arg-type]


def test_a_good_answer_becomes_fixings_and_averages_that_equal_the_published(live: Orchestrated) -> None:
    result = run(live)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    # Four measures of the days whose windows of 30, 90 and 180 days lie inside what was answered.
    assert int(check.metadata["compared"].value) > 400
    assert last_fixing(live)[:2] == ("2022-06-29", 1.51)  # as published
    booked = live.rows(
        "SELECT http_status, size_bytes > 0 AS has_body, rows_answered, subject FROM ops.fetches ORDER BY started_time"
    )
    assert booked == [(200, True, live.count("rates.rates"), "SOFR")] * 2


def test_only_what_is_not_known_is_asked_for_the_last_day_again(live: Orchestrated, standin: StandIn) -> None:
    run(live)
    standin.paths.clear()
    standin.nyfed_rates = published("2022-06-30")
    live.platform.clock = SetClock(MORNING + timedelta(days=1))
    run(live)
    assert [path.partition("?")[2] for path in standin.paths] == [
        "startDate=2022-06-29&endDate=2022-07-01"
    ] * 2
    assert last_fixing(live)[0] == "2022-06-30"
    assert live.count("history.rates") == 0


def test_a_revision_of_the_afternoon_replaces_the_fixing_and_the_first_one_is_kept(
    live: Orchestrated, standin: StandIn
) -> None:
    run(live)
    afternoon = MORNING + timedelta(hours=6)
    standin.nyfed_rates["sofr"][-1] |= {"percentRate": 1.52, "revisionIndicator": "R"}
    live.platform.clock = SetClock(afternoon)
    result = run(live)
    assert last_fixing(live) == ("2022-06-29", 1.52, "R")
    closed = live.rows(
        "SELECT observation_date::text, rate_percent, ingest_time, superseded_time FROM history.rates"
    )
    assert closed == [("2022-06-29", 1.51, MORNING, afternoon)]
    # The averages of the 29th are compounded from the fixings before it.
    (check,) = result.get_asset_check_evaluations()
    assert check.passed


def test_averages_that_failed_are_asked_for_from_where_they_stopped(
    live: Orchestrated, standin: StandIn
) -> None:
    everything = dict(standin.nyfed_rates)
    standin.nyfed_rates = {"sofr": everything["sofr"]}  # 400 for the averages
    told = fetch_rates(live.platform)
    assert (told.requests, len(told.failures)) == (2, 1)
    run(live)
    standin.nyfed_rates = everything
    live.platform.clock = SetClock(MORNING + timedelta(hours=1))
    assert run(live).success
    assert live.count("rates.published_averages") == len(everything["sofrai"])


def test_a_server_that_fails_is_tried_again(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    standin.script = [UNAVAILABLE, UNAVAILABLE]
    result = live.materialize([nyfed_rates])
    assert result.success
    assert [event.event_type_value for event in result.all_events].count("STEP_UP_FOR_RETRY") == 1
    statuses = live.rows("SELECT http_status, count(*) FROM ops.fetches GROUP BY 1 ORDER BY 1")
    assert statuses == [(200, 2), (503, 2)]


def test_a_server_that_keeps_failing_fails_the_run_and_stores_nothing(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    standin.script = [UNAVAILABLE] * 8
    assert not live.materialize([nyfed_rates]).success
    assert standin.count(RATES) == 8  # once, and three times again
    assert (live.count("ops.payloads"), live.count("ops.fetches")) == (0, 8)


def test_a_body_that_is_cut_off_is_no_answer(live: Orchestrated, standin: StandIn) -> None:
    cut = Answer(200, b'{"refRates": [{"effectiveDate": "2022-06-29"}]}', kept_bytes=20)
    standin.script = [cut, cut]
    with pytest.raises(RetriableProviderError, match="no whole answer"):
        fetch_rates(live.platform)
    assert live.count("ops.payloads") == 0
    assert {row[0] for row in live.rows("SELECT http_status FROM ops.fetches")} == {None}


def test_a_whole_body_that_is_no_json_is_kept_quarantined_and_asked_for_again(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.script = [Answer(200, b'{"refRates": [{"effectiveDate": "2022-06-29"')]
    assert run(live).success
    refused = live.rows("SELECT rule, row_number, table_name FROM ops.quarantine")
    assert refused == [("malformed_payload", -1, "rates.rates")]
    assert live.count("rates.rates") == 0
    live.platform.clock = SetClock(MORNING + timedelta(minutes=5))
    assert run(live).success
    assert live.count("rates.rates") == len(standin.nyfed_rates["sofr"])


def test_without_a_network_that_is_said_at_once(
    make_platform: MakePlatform, dagster: Orchestrated, bucket: str
) -> None:
    live = asking(make_platform, dagster, bucket, "http://127.0.0.1:1")
    result = live.materialize([nyfed_rates])
    told = failure_of(result)
    assert "The New York Fed can't be reached" in str(told.description)
    assert "findata config" in str(told.metadata["next_step"].value)
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    assert live.rows("SELECT http_status, error LIKE '%reached%' AS is_said FROM ops.fetches") == [
        (None, True)
    ]


def test_an_answer_that_was_given_before_changes_nothing(live: Orchestrated, standin: StandIn) -> None:
    run(live)
    before = live.rows("SELECT sha256 FROM ops.digests ORDER BY 1")
    live.platform.clock = SetClock(MORNING + timedelta(minutes=5))
    result = run(live)
    assert result.success
    written = [
        event.materialization.metadata["rows_written"].value
        for event in result.get_asset_materialization_events()
        if "rows_written" in event.materialization.metadata
    ]
    assert written == [0, 0, 0]
    assert live.rows("SELECT sha256 FROM ops.digests ORDER BY 1") == before


def test_what_a_limit_does_not_allow_is_left_for_the_next_day_and_no_retry_is_spent_on_it(
    standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str
) -> None:
    live = asking(make_platform, dagster, bucket, standin.base_url, request_limits="nyfed=1/day")
    told: list[dict[str, Any]] = [
        {name: value.value for name, value in event.materialization.metadata.items()}
        for event in live.materialize([nyfed_rates]).get_asset_materialization_events()
    ]
    assert [(said["requests"], said["requests_not_asked"]) for said in told] == [(1, 1)]
    assert "until 2022-07-01 00:00:00 UTC" in told[0]["not_asked_because"][0]
    result = live.materialize([nyfed_rates])
    assert "was not asked" in str(failure_of(result).description)
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    assert standin.count(RATES) == 1
    live.platform.clock = SetClock(MORNING + timedelta(days=1))
    assert live.materialize([nyfed_rates]).success
    assert standin.count(RATES) == 2
