"""FRED asked over real HTTP: all vintages come in, in windows that it answers whole; what is wrong is said, not stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from psycopg import sql
from pydantic import SecretStr

from findata_assets.steps.due_steps import run_due
from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform
from findata_assets.steps.series import fetch_series, settled_vintages
from findata_core.errors import (
    ConfigurationError,
    DataError,
    KeyRefused,
    MalformedPayload,
    RefusedRequest,
    Unreachable,
)
from tests.conftest import MakePlatform
from tests.economic.test_vintages import BY_HAND
from tests.fred import History, about
from tests.orchestration import SetClock
from tests.standin import Answer, StandIn

NOON = datetime(2024, 11, 3, 18, tzinfo=UTC)
KEY = "abcdefghijklmnopqrstuvwxyz123456"
HTML = b"<!DOCTYPE html><html><body>FRED is being maintained</body></html>"
Make = Callable[..., Platform]


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOON) as server:
        server.fred_series["GDP"] = History(list(BY_HAND), about("GDP"), further_vintages=["2020-08-27"])
        yield server


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform) -> Platform:
    platform = make_platform(fred_base_url=f"{standin.base_url}/fred", fred_api_key=SecretStr(KEY))
    platform.clock = SetClock(NOON)
    return platform


def rows(platform: Platform, query: str) -> list[tuple[Any, ...]]:
    return platform.store.database.frame(sql.SQL(query)).rows()  # type: ignore[arg-type]


def on(platform: Platform, moment: str) -> dict[str, str]:
    found = rows(
        platform, f"SELECT observation_date::text, state, value FROM economic.observations_as_of({moment})"
    )
    return {day: "." if state == "missing" else str(value) for day, state, value in found}


@pytest.mark.parametrize("most", [2000, 3])
def test_as_of_in_sql_is_what_each_vintage_was(live: Platform, standin: StandIn, most: int) -> None:
    history = standin.fred_series["GDP"]
    history.most_vintages = most
    fetch_series(live, ["GDP"])
    run_due(live)
    for day in history.vintages:
        assert on(live, f"date '{day}'") == history.on(day)
        assert on(live, f"'{day}'") == history.on(day), "a day without a type is a day, not its midnight"
    assert rows(live, "SELECT count(*) FROM economic.vintages") == [(len(history.vintages),)]
    assert rows(live, "SELECT count(*) FROM economic.revisions WHERE state = 'withdrawn'") == [(1,)]


def test_an_instant_shows_nothing_of_a_day_that_is_not_over_unless_its_release_is_known(
    live: Platform, standin: StandIn
) -> None:
    standin.fred_series["GDP"].about["last_updated"] = "2020-12-22 07:51:06-06"
    fetch_series(live, ["GDP"])
    run_due(live)
    assert on(live, "'2020-12-22 13:51:05Z'")["2020-07-01"] == "."
    assert on(live, "'2020-12-22 13:51:06Z'")["2020-07-01"] == "31.0"
    assert "2020-07-01" not in on(live, "timestamptz '2020-10-30 04:59Z'"), (
        "released on the 29th, at a time unknown"
    )
    assert on(live, "timestamptz '2020-10-30 05:00Z'")["2020-07-01"] == "30.0"


def test_what_is_settled_is_not_asked_for_again_and_a_new_vintage_alone_is(
    live: Platform, standin: StandIn
) -> None:
    history = standin.fred_series["GDP"]
    fetch_series(live, ["GDP"])
    run_due(live)
    stored = rows(live, "SELECT count(*) FROM economic.observations")
    standin.paths.clear()
    fetch_series(live, ["GDP"])
    assert standin.count("/fred/series/observations") == 0

    history.lines = [
        line if line[0] != "2020-07-01" or line[2] != "9999-12-31" else (*line[:2], "2024-11-03", line[3])
        for line in history.lines
    ]
    history.lines.append(("2020-07-01", "2024-11-04", "9999-12-31", "32.0"))
    live.clock = SetClock(datetime(2024, 11, 5, 18, tzinfo=UTC))
    fetch_series(live, ["GDP"])
    run_due(live)
    asked = [path for path in standin.paths if "/observations" in path]
    assert len(asked) == 1
    assert "realtime_start=2020-12-22&realtime_end=9999-12-31" in asked[0]
    assert rows(live, "SELECT count(*) FROM economic.observations") == [(stored[0][0] + 1,)], (
        "nothing is said twice"
    )
    assert on(live, "date '2024-11-04'") == history.on("2024-11-04")
    assert on(live, "date '2024-11-03'") == history.on("2024-11-03")


def test_before_a_vintage_came_in_the_revisions_are_what_they_were(live: Platform, standin: StandIn) -> None:
    fetch_series(live, ["GDP"])
    run_due(live)
    before = live.read("economic.revisions")
    history = standin.fred_series["GDP"]
    history.lines = [
        (*line[:2], "2024-11-03", line[3]) if line[0] == "2020-01-01" and line[2] == "9999-12-31" else line
        for line in history.lines
    ]
    history.lines.append(("2020-01-01", "2024-11-04", "9999-12-31", "12.0"))
    live.clock = SetClock(datetime(2024, 11, 5, 18, tzinfo=UTC))
    fetch_series(live, ["GDP"])
    run_due(live)
    assert KnownAt(live, NOON).read("economic.revisions").equals(before)
    assert (
        KnownAt(live, datetime(2024, 11, 6, tzinfo=UTC))
        .read("economic.revisions")
        .equals(live.read("economic.revisions"))
    )
    assert live.read("economic.revisions").height == before.height + 1


def test_a_vintage_of_today_is_asked_for_again_it_may_grow(live: Platform, standin: StandIn) -> None:
    history = standin.fred_series["GDP"]
    live.clock = SetClock(datetime(2020, 12, 22, 18, tzinfo=UTC))
    fetch_series(live, ["GDP"])
    assert settled_vintages(live, "GDP") == date(2020, 12, 21)
    history.lines.append(("2020-10-01", "2020-12-22", "9999-12-31", "40.0"))
    fetch_series(live, ["GDP"])
    run_due(live)
    assert on(live, "date '2020-12-22'") == history.on("2020-12-22")


def test_more_than_one_answers_rows_are_asked_for_in_narrower_windows(
    live: Platform, standin: StandIn
) -> None:
    history = standin.fred_series["GDP"]
    history.most_rows = 4
    fetch_series(live, ["GDP"])
    run_due(live)
    for day in history.vintages:
        assert on(live, f"date '{day}'") == history.on(day)
    refused = rows(live, "SELECT count(*) FROM ops.fetches WHERE error LIKE '%more rows%'")
    assert refused[0][0] > 0


def test_more_than_two_thousand_vintages_come_in_windows_of_two_thousand(
    live: Platform, standin: StandIn
) -> None:
    days = [date.fromordinal(date(2005, 1, 1).toordinal() + place) for place in range(4500)]
    ends = [*(date.fromordinal(day.toordinal() - 1).isoformat() for day in days[1:]), "9999-12-31"]
    lines = [
        ("2004-12-31", day.isoformat(), end, f"{place}.5")
        for place, (day, end) in enumerate(zip(days, ends, strict=True))
    ]
    standin.fred_series["GDP"] = History(lines, about("GDP"))
    fetched = fetch_series(live, ["GDP"])
    run_due(live)
    assert fetched.failures == ()
    assert standin.count("/fred/series/observations") == 3
    bounds = rows(
        live,
        "SELECT realtime_start_date::text, realtime_end_date::text, value FROM economic.revisions ORDER BY 1",
    )
    assert bounds == [
        (start, None if end == "9999-12-31" else end, float(value)) for _, start, end, value in lines
    ]


def test_the_key_is_in_no_request_that_is_kept_and_in_no_log(
    live: Platform, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        fetch_series(live, ["GDP"])
    assert all(f"api_key={KEY}" in path for path in standin.paths)
    kept = rows(live, "SELECT request::text || headers::text FROM ops.payloads")
    assert not any(KEY in text for (text,) in kept)
    assert KEY not in caplog.text


def test_without_a_key_nothing_is_asked_and_the_next_step_is_said(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform = make_platform(fred_base_url=f"{standin.base_url}/fred")
    with pytest.raises(ConfigurationError, match="FINDATA_FRED_API_KEY") as said:
        fetch_series(platform, ["GDP"])
    assert "fred.stlouisfed.org" in said.value.next_step
    assert standin.paths == []


def test_a_key_that_is_not_registered_ends_the_asking_at_once(
    make_platform: MakePlatform, standin: StandIn
) -> None:
    platform = make_platform(fred_base_url=f"{standin.base_url}/fred", fred_api_key=SecretStr("wrong"))
    with pytest.raises(KeyRefused, match="not registered"):
        fetch_series(platform)
    assert len(standin.paths) == 1


def test_a_series_that_fred_does_not_have_costs_the_others_nothing(live: Platform) -> None:
    fetched = fetch_series(live, ["GDPC1", "GDP"])
    (failure,) = fetched.failures
    assert failure.startswith("GDPC1: FRED answered: Bad Request.  The series does not exist.")
    run_due(live)
    assert rows(live, "SELECT DISTINCT series_id FROM economic.observations") == [("GDP",)]
    with pytest.raises(RefusedRequest):
        fetch_series(live, ["GDPC1"])


def test_a_series_that_is_not_in_the_catalogue_is_refused_before_anything_is_asked(
    live: Platform, standin: StandIn
) -> None:
    with pytest.raises(ConfigurationError, match="no series GPD"):
        fetch_series(live, ["GPD"])
    assert standin.paths == []


@pytest.mark.parametrize(
    ("field", "theirs", "told"),
    [
        ("frequency_short", "M", "frequency"),
        ("units", "Index 2017=100", "unit"),
        ("seasonal_adjustment_short", "NSA", "seasonal adjustment"),
    ],
)
def test_values_of_a_series_that_has_become_another_one_are_not_asked_for(
    live: Platform, standin: StandIn, field: str, theirs: str, told: str
) -> None:
    standin.fred_series["GDP"].about[field] = theirs
    with pytest.raises(DataError, match=f'The {told} of GDP is "{theirs}" now'):
        fetch_series(live, ["GDP"])
    assert standin.count("/fred/series/observations") == 0
    run_due(live)
    assert rows(live, "SELECT count(*) FROM economic.observations") == [(0,)]


def test_html_instead_of_values_is_kept_and_quarantined_and_asked_for_again(
    live: Platform, standin: StandIn
) -> None:
    history = standin.fred_series["GDP"]
    real, calls = standin.answer, iter([False, False, True])
    standin.answer = lambda path, query: Answer(200, HTML) if next(calls, False) else real(path, query)  # type: ignore[method-assign]
    fetched = fetch_series(live, ["GDP"])
    assert fetched.intake.rows_refused == 1
    run_due(live)
    ((rule, reason),) = rows(live, "SELECT rule, reason FROM ops.quarantine")
    assert rule == "malformed_payload"
    assert "not JSON" in reason
    assert settled_vintages(live, "GDP") is None
    fetch_series(live, ["GDP"])
    run_due(live)
    assert on(live, "date '2021-01-01'") == history.on("2021-01-01")


def test_html_instead_of_what_a_series_is_fails_with_the_reason(live: Platform, standin: StandIn) -> None:
    standin.script = [Answer(200, HTML)]
    with pytest.raises(MalformedPayload, match="DOCTYPE"):
        fetch_series(live, ["GDP"])


def test_a_value_that_is_no_number_is_quarantined_and_never_a_zero(live: Platform, standin: StandIn) -> None:
    history = standin.fred_series["GDP"]
    history.lines = [
        ("2020-01-01", "2020-04-29", "9999-12-31", "N/A"),
        ("2020-04-01", "2020-07-30", "9999-12-31", ""),
        ("2020-07-01", "2020-10-29", "9999-12-31", "1e999"),
        ("2020-10-01", "2020-10-29", "9999-12-31", "5.5"),
    ]
    fetch_series(live, ["GDP"])
    run_due(live)
    assert rows(live, "SELECT observation_date::text, value FROM economic.observations") == [
        ("2020-10-01", 5.5)
    ]
    refused = rows(live, "SELECT rule, count(*) FROM ops.quarantine GROUP BY 1")
    assert refused == [("value_unreadable", 3)]


def test_nobody_at_the_address_ends_the_asking(make_platform: MakePlatform, standin: StandIn) -> None:
    platform = make_platform(fred_base_url="http://127.0.0.1:9/fred", fred_api_key=SecretStr(KEY))
    with pytest.raises(Unreachable):
        fetch_series(platform)


def test_too_many_requests_leaves_the_rest_for_later_and_says_so(live: Platform, standin: StandIn) -> None:
    clock = SetClock(NOON)
    live.clock, live.sleep = clock, clock.sleep
    standin.script = [
        Answer(
            429,
            b'{"error_code":429,"error_message":"Too Many Requests.  Exceeded Rate Limit"}',
            {"Retry-After": "20"},
        )
    ]
    fetched = fetch_series(live, ["CPIAUCSL", "GDP"])
    assert [failure.partition(":")[0] for failure in fetched.failures] == ["CPIAUCSL"]
    assert "429" in fetched.failures[0]
    assert clock.moment == NOON + timedelta(seconds=20)  # the next series waits for as long as FRED asks
