"""The New York Fed through the asset, over real HTTP: good answers, revisions, and answers that are none."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from findata_assets.checks.rates import averages_equal_the_published
from findata_assets.rates.assets import averages, published_averages, rates
from findata_assets.raw.nyfed import nyfed_rates
from findata_assets.steps.live import fetch_rates
from findata_core.errors import ConfigurationError, RetriableProviderError
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, SetClock, failure_of
from tests.standin import RATES, UNAVAILABLE, Answer, StandIn

# Of the 29th of June; published on the 30th at about 08:00 in New York.
MORNING = datetime(2022, 6, 30, 13, 0, tzinfo=UTC)
# The rates that the sample has no figures of: nothing was published.
NOTHING: dict[str, list[dict[str, Any]]] = {name: [] for name in ("bgcr", "effr", "obfr", "tgcr")}
REQUESTS = 8  # for everything: EFFR's twenty-two years take three
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
    return {"sofr": fixings, "sofrai": averaged, **NOTHING}


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


def windows_asked(standin: StandIn, rate_type: str) -> list[tuple[str, str]]:
    """Return the first and last day of each request for a rate, both inclusive, oldest first."""
    asked = [urlsplit(path) for path in standin.paths]
    queries = [parse_qs(one.query) for one in asked if one.path.split("/")[-2] == rate_type]
    return sorted((query["startDate"][0], query["endDate"][0]) for query in queries)


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
        "SELECT http_status, size_bytes > 0 AS has_body, rows_answered, subject FROM ops.fetches "
        "WHERE subject = 'SOFR'"
    )
    assert booked == [(200, True, live.count("rates.rates"), "SOFR")] * 2


def test_what_was_never_answered_is_asked_for_and_the_last_week_again(
    live: Orchestrated, standin: StandIn
) -> None:
    run(live)
    standin.paths.clear()
    standin.nyfed_rates = published("2022-06-30")
    live.platform.clock = SetClock(MORNING + timedelta(days=1))
    run(live)
    for rate_type in ("sofr", "sofrai"):
        # The stand-in has nothing before 2021-11-01, a Monday.
        assert windows_asked(standin, rate_type) == [
            ("2018-04-02", "2021-10-29"),
            ("2022-06-22", "2022-07-01"),
        ]
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
    del standin.nyfed_rates["sofrai"]  # 400 for the averages
    told = fetch_rates(live.platform)
    assert (told.requests, len(told.failures)) == (REQUESTS, 1)
    run(live)
    standin.nyfed_rates = everything
    live.platform.clock = SetClock(MORNING + timedelta(hours=1))
    assert run(live).success
    assert live.count("rates.published_averages") == len(everything["sofrai"])


def test_a_server_that_fails_is_tried_again(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    standin.script = [UNAVAILABLE] * REQUESTS
    result = live.materialize([nyfed_rates])
    assert result.success
    assert [event.event_type_value for event in result.all_events].count("STEP_UP_FOR_RETRY") == 1
    statuses = live.rows("SELECT http_status, count(*) FROM ops.fetches GROUP BY 1 ORDER BY 1")
    assert statuses == [(200, REQUESTS), (503, REQUESTS)]


def test_a_server_that_keeps_failing_fails_the_run_and_stores_nothing(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    standin.script = [UNAVAILABLE] * 4 * REQUESTS
    assert not live.materialize([nyfed_rates]).success
    assert standin.count(RATES) > REQUESTS  # and again, until it counts as down
    assert (live.count("ops.payloads"), live.count("ops.fetches")) == (0, standin.count(RATES))


def test_a_body_that_is_cut_off_is_no_answer(live: Orchestrated, standin: StandIn) -> None:
    cut = Answer(200, b'{"refRates": [{"effectiveDate": "2022-06-29"}]}', kept_bytes=20)
    standin.script = [cut] * REQUESTS
    with pytest.raises(RetriableProviderError, match="no whole answer"):
        fetch_rates(live.platform)
    assert live.count("ops.payloads") == 0
    assert {row[0] for row in live.rows("SELECT http_status FROM ops.fetches")} == {None}


def test_a_whole_body_that_is_no_json_is_kept_quarantined_and_asked_for_again(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.nyfed_bodies["sofr"] = b'{"refRates": [{"effectiveDate": "2022-06-29"'
    assert run(live).success
    refused = live.rows("SELECT rule, row_number, table_name FROM ops.quarantine")
    assert refused == [("malformed_payload", -1, "rates.rates")]
    assert live.count("rates.rates") == 0
    del standin.nyfed_bodies["sofr"]
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
    assert [(said["requests"], said["requests_not_asked"]) for said in told] == [(1, REQUESTS - 1)]
    assert "until 2022-07-01 00:00:00 UTC" in told[0]["not_asked_because"][0]
    result = live.materialize([nyfed_rates])
    assert "was not asked" in str(failure_of(result).description)
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    assert standin.count(RATES) == 1
    live.platform.clock = SetClock(MORNING + timedelta(days=1))
    assert live.materialize([nyfed_rates]).success
    assert standin.count(RATES) == 2


def test_all_rates_come_in_one_run_with_every_field_that_the_new_york_fed_gives(
    live: Orchestrated, standin: StandIn
) -> None:
    shared = {"effectiveDate": "2022-06-29", "revisionIndicator": "", "footnoteId": 4}
    percentiles = {"percentPercentile1": 1.45, "percentPercentile25": 1.57, "percentPercentile75": 1.58}
    effr = {
        "type": "EFFR",
        "percentRate": 1.58,
        "percentPercentile99": 1.6,
        "volumeInBillions": 92,
        **percentiles,
    }
    old = {"effectiveDate": "2016-02-29", "type": "EFFR", "percentRate": 0.29}
    old |= {"intraDayLow": 0.05, "intraDayHigh": 0.56, "stdDeviation": 0.07, "revisionIndicator": ""}
    standin.nyfed_rates["effr"] = [old, shared | effr | {"targetRateFrom": 1.5, "targetRateTo": 1.75}]
    for name in ("BGCR", "OBFR", "TGCR"):
        standin.nyfed_rates[name.lower()] = [
            shared | {"type": name, "percentRate": 1.5, "volumeInBillions": 300}
        ]
    assert run(live).success
    assert live.rows("SELECT DISTINCT rate FROM rates.rates ORDER BY 1") == [
        ("BGCR",), ("EFFR",), ("OBFR",), ("SOFR",), ("TGCR",)
    ]  # fmt: skip
    columns = (
        "rate_percent, percentile_1_percent, percentile_99_percent, volume_billions_usd, target_from_percent, "
        "target_to_percent, intraday_low_percent, intraday_high_percent, standard_deviation_percent, footnote_id, publish_time"
    )
    assert live.rows(f"SELECT {columns} FROM rates.rates WHERE rate = 'EFFR' ORDER BY observation_date") == [
        (0.29, None, None, None, None, None, 0.05, 0.56, 0.07, None, None),
        (1.58, 1.45, 1.6, 92, 1.5, 1.75, None, None, None, "4", None),
    ]


def test_the_whole_history_is_planned_in_windows_that_leave_out_no_day(
    live: Orchestrated, standin: StandIn
) -> None:
    fetch_rates(live.platform)
    assert windows_asked(standin, "effr") == [
        ("2000-07-03", "2010-07-03"),
        ("2010-07-04", "2020-07-03"),
        ("2020-07-04", "2022-06-30"),
    ]
    assert windows_asked(standin, "obfr") == [("2016-03-01", "2022-06-30")]
    assert windows_asked(standin, "bgcr") == [("2018-04-02", "2022-06-30")]


def test_a_window_of_the_past_that_failed_is_asked_for_again(live: Orchestrated, standin: StandIn) -> None:
    days = ("2000-07-03", "2010-07-06", "2022-06-29")
    standin.nyfed_rates["effr"] = [{"effectiveDate": day, "type": "EFFR", "percentRate": 1.5} for day in days]
    run(live)
    standin.paths.clear()
    live.platform.clock = SetClock(MORNING + timedelta(minutes=5))
    fetch_rates(live.platform, family="unsecured")
    # What lies between the three days is not known: Independence Day may be a closure, so 2000-07-05 is the first.
    assert windows_asked(standin, "effr") == [
        ("2000-07-05", "2010-07-02"),
        ("2010-07-07", "2020-07-06"),
        ("2020-07-07", "2022-06-28"),
        ("2022-06-22", "2022-06-30"),
    ]


def test_a_family_is_asked_for_by_itself_and_an_unknown_one_is_an_error(
    live: Orchestrated, standin: StandIn
) -> None:
    fetch_rates(live.platform, family="unsecured")
    assert {path.split("/")[4] for path in standin.paths} == {"effr", "obfr"}
    with pytest.raises(ConfigurationError, match="Use secured or unsecured"):
        fetch_rates(live.platform, family="gold")


def test_days_that_are_named_are_asked_for_whatever_is_known(live: Orchestrated, standin: StandIn) -> None:
    run(live)
    standin.paths.clear()
    fetch_rates(live.platform, "secured", date(2022, 3, 1), date(2022, 4, 1))
    assert windows_asked(standin, "sofr") == [("2022-03-01", "2022-03-31")]


def test_a_rate_that_nobody_publishes_is_quarantined_with_the_reason(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.nyfed_rates["sofr"].append({"effectiveDate": "2022-06-29", "type": "LIBOR", "percentRate": 1.5})
    assert run(live).success
    refused = live.rows("SELECT rule, reason FROM ops.quarantine")
    assert refused == [("rate_unknown", "the rate is none of BGCR, EFFR, OBFR, SOFR, TGCR")]


def test_days_told_twice_and_figures_that_are_none_are_quarantined_not_zero(
    live: Orchestrated, standin: StandIn
) -> None:
    last = standin.nyfed_rates["sofr"][-1]
    standin.nyfed_rates["sofr"] = [
        *standin.nyfed_rates["sofr"][:-2],
        last,
        last | {"percentRate": 9.0},
        last | {"effectiveDate": "2022-06-27", "percentRate": "N/A"},
        last | {"effectiveDate": "2022-06-28", "percentRate": 151},
    ]
    assert run(live).success
    rules = live.rows("SELECT DISTINCT rule FROM ops.quarantine ORDER BY 1")
    assert [rule for (rule,) in rules if "key" in str(rule) or "rate_percent" in str(rule)] == [
        rule for (rule,) in rules
    ]
    assert live.rows("SELECT count(*) FROM rates.rates WHERE rate_percent IN (0, 151)") == [(0,)]
