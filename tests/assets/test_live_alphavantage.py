"""Alpha Vantage through its asset, over real HTTP: a month in a request, the key nowhere, a quota that ends the step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import sql

from findata_assets.raw.alphavantage import alphavantage_bars
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.expected import followed_states
from findata_assets.steps.healing import health_of
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import DailyLimitReached, QuotaExhausted
from findata_resources.environment import resolve_endpoints
from findata_resources.providers import CAPABILITIES, limits_of
from findata_resources.stores.objects import Objects
from findata_resources.stores.quotas import free_from, key_id
from tests.conftest import MakePlatform
from tests.orchestration import Orchestrated, SetClock, failure_of
from tests.standin import QUERY, Answer, StandIn, sample_bars

MONDAY, TUESDAY = date(2022, 6, 13), date(2022, 6, 14)
EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close
NEW_YORK = ZoneInfo("America/New_York")
KEY = "Q7ZSECRETKEY42XX"
PREMIUM = "Thank you for using Alpha Vantage! The outputsize=full parameter value is a premium feature."
UNIVERSE = """instrument_id,mic,currency,price_units,alphavantage,from_date,to_date
MSFT.XNAS,XNAS,USD,1,MSFT,2019-11-26,
"""


@pytest.fixture
def standin() -> Iterator[StandIn]:
    """Alpha Vantage, as it would have answered about June 2022 on that Tuesday evening."""
    with StandIn(now=EVENING) as server:
        server.alphavantage_bodies["MSFT", "1min", "2022-06"] = minutes(label_seconds=0)
        server.alphavantage_bodies["MSFT", "Daily", ""] = days()
        yield server


def sample(interval: str) -> list[tuple[datetime, list[str]]]:
    """Return the sample's rows of June up to that evening, newest first: stamp in New York, fields as text."""
    first = datetime(2022, 6, 1, tzinfo=NEW_YORK)
    rows = [(datetime.fromtimestamp(row[0], NEW_YORK), row[1:]) for row in sample_bars("MSFT", interval).rows]
    return [(stamp, list(map(str, row))) for stamp, row in reversed(rows) if first <= stamp < EVENING]


def series(name: str, meta: dict[str, str], rows: list[tuple[str, list[str]]]) -> bytes:
    fields = ("1. open", "2. high", "3. low", "4. close", "5. volume")
    said = {stamp: dict(zip(fields, row, strict=True)) for stamp, row in rows}
    body = {"Meta Data": {"2. Symbol": "MSFT", **meta}, f"Time Series ({name})": said}
    return json.dumps(body).encode()


def minutes(label_seconds: int) -> bytes:
    """Return June's minutes; stamps lie `label_seconds` after a minute's start."""
    moved = [(stamp + timedelta(seconds=label_seconds), row) for stamp, row in sample("1m")]
    meta = {"4. Interval": "1min", "6. Time Zone": "US/Eastern"}
    return series("1min", meta, [(f"{stamp:%Y-%m-%d %H:%M:%S}", row) for stamp, row in moved])


def days() -> bytes:
    rows = [(f"{stamp:%Y-%m-%d}", row) for stamp, row in sample("1d")]
    return series("Daily", {"5. Time Zone": "US/Eastern"}, rows)


@pytest.fixture
def live(
    standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str, tmp_path: Path
) -> Orchestrated:
    return asking(standin, make_platform, dagster, bucket, tmp_path, alphavantage_api_key=KEY)


def asking(
    standin: StandIn,
    make_platform: MakePlatform,
    dagster: Orchestrated,
    bucket: str,
    folder: Path,
    **settings: Any,
) -> Orchestrated:
    universe = folder / "universe.csv"
    universe.write_text(UNIVERSE)
    platform = make_platform(
        universe=universe,
        s3_bucket=bucket,
        alphavantage_base_url=standin.base_url,
        request_timeout_seconds=5,
        **settings,
    )
    platform.clock = SetClock(EVENING)
    refresh_reference(platform)
    return Orchestrated(platform, dagster.instance)


def fetch(live: Orchestrated, day: date = TUESDAY) -> dict[str, Any]:
    result = live.materialize([alphavantage_bars], partition_key=str(day))
    assert result.success
    (event,) = result.get_asset_materialization_events()
    run_due(live.platform)
    return {name: value.value for name, value in event.materialization.metadata.items()}


def stored(live: Orchestrated) -> list[tuple[Any, ...]]:
    return live.rows(
        "SELECT event_time, open, high, low, close, volume::float8 FROM market.bars WHERE source = 'alphavantage' "
        "AND adjustment = 'raw' AND session_phase = 'regular' ORDER BY event_time DESC"
    )


@pytest.mark.parametrize("label_seconds", [0, 60])
def test_the_bars_are_the_samples_whichever_end_the_stamps_name(
    live: Orchestrated, standin: StandIn, label_seconds: int
) -> None:
    standin.alphavantage_bodies["MSFT", "1min", "2022-06"] = minutes(label_seconds)
    told = fetch(live)
    assert (told["requests"], told["requests_failed"]) == (2, 0)
    # Without Yahoo's own row at 16:00.
    expected = [(stamp, *map(float, row)) for stamp, row in sample("1m") if stamp.hour < 16]
    assert len(expected) > 3800  # ten sessions
    assert stored(live) == expected
    assert live.rows("SELECT session_date::text FROM market.bars_1d ORDER BY 1 DESC") == [
        (f"{stamp:%Y-%m-%d}",) for stamp, _ in sample("1d")
    ]


@pytest.mark.parametrize("said", ["inf", "Infinity", "1e999"])
def test_a_price_that_is_not_finite_is_refused_by_itself_and_the_other_days_are_stored(
    said: str, live: Orchestrated, standin: StandIn
) -> None:
    good = [(f"{stamp:%Y-%m-%d}", row) for stamp, row in sample("1d")]
    odd = [(day, [said] * 4 + row[4:] if day == "2022-06-13" else row) for day, row in good]
    standin.alphavantage_bodies["MSFT", "Daily", ""] = series("Daily", {"5. Time Zone": "US/Eastern"}, odd)
    fetch(live)
    stored = live.rows("SELECT session_date::text, close FROM market.bars_1d ORDER BY 1 DESC")
    assert stored == [(day, float(row[3])) for day, row in good if day != "2022-06-13"]
    assert live.rows("SELECT rule, table_name, scope_date::text FROM ops.quarantine") == [
        ("not_finite", "market.bars_1d", "2022-06-13")
    ]


def test_a_month_that_has_settled_is_not_asked_for_again(live: Orchestrated, standin: StandIn) -> None:
    fetch(live)
    # Monday came with Tuesday's answer, 25 hours after its close.
    assert fetch(live, MONDAY)["requests"] == 0
    assert standin.count(QUERY) == 2


def test_the_key_is_stored_nowhere(live: Orchestrated, standin: StandIn) -> None:
    notice = f"We have detected your API key as {KEY} and our standard API rate limit is 25 requests per day."
    standin.script = [Answer(200, json.dumps({"Information": notice}).encode())]
    failed = failure_of(live.materialize([alphavantage_bars], partition_key=str(TUESDAY)))
    assert KEY not in f"{failed.description} {failed.metadata}"
    live.platform.clock = SetClock(
        EVENING + timedelta(days=1)
    )  # where no day is limited, a used up one is 24 hours
    assert KEY not in json.dumps(fetch(live))
    assert all(f"apikey={KEY}" in path for path in standin.paths)
    objects = Objects(resolve_endpoints(live.platform.settings))
    assert [key for key in objects.keys("raw/") if KEY.encode() in objects.get(key)] == []
    for name in ("payloads", "fetches", "quarantine"):
        query = sql.SQL("SELECT 1 AS one FROM {} AS t WHERE to_jsonb(t)::text LIKE {}").format(
            sql.Identifier("ops", name), sql.Literal(f"%{KEY}%")
        )
        assert live.platform.store.database.frame(query).is_empty()


def test_a_used_up_quota_ends_the_step_without_another_try(live: Orchestrated, standin: StandIn) -> None:
    notice = b'{"Information": "our standard API rate limit is 25 requests per day"}'
    standin.script = [Answer(200, notice)] * 2
    result = live.materialize([alphavantage_bars], partition_key=str(TUESDAY))
    assert not result.success
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in result.all_events]
    assert "tomorrow" in str(failure_of(result).metadata["next_step"].value)
    assert len(standin.paths) == 1, "the rest is not asked"


def test_a_day_that_the_provider_says_is_used_up_is_remembered_by_the_next_runs(
    standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str, tmp_path: Path
) -> None:
    limits = "alphavantage=40/minute+25/day"
    live = asking(
        standin, make_platform, dagster, bucket, tmp_path, alphavantage_api_key=KEY, request_limits=limits
    )
    clock = SetClock(EVENING)
    live.platform.clock, live.platform.sleep = clock, clock.sleep
    fetch_bars(live.platform, "alphavantage", MONDAY, TUESDAY)  # so that it is followed
    asked = len(standin.paths)
    standin.script = [
        Answer(200, b'{"Information": "our standard API rate limit is 25 requests per day"}')
    ] * 20
    with pytest.raises(DailyLimitReached):  # somebody else asks with the key, too
        fetch_bars(live.platform, "alphavantage", TUESDAY, TUESDAY + timedelta(days=1))
    midnight = datetime(2022, 6, 15, 4, tzinfo=UTC)  # of New York
    for _ in range(12):
        clock.moment += timedelta(minutes=15)
        assert health_of(live.platform, "alphavantage").rests_until == midnight
        with pytest.raises(QuotaExhausted) as left:
            fetch_bars(live.platform, "alphavantage", TUESDAY, TUESDAY + timedelta(days=1))
        assert left.value.not_before == midnight
    assert len(standin.paths) == asked + 1
    other, declared = key_id("ANOTHERKEY"), limits_of("alphavantage", limits)
    free = free_from(live.platform.store.database, "alphavantage", other, declared, clock.now())
    assert free == clock.now()
    standin.script, clock.moment = [], midnight
    assert fetch_bars(live.platform, "alphavantage", TUESDAY, TUESDAY + timedelta(days=1)).requests == 2


def test_minutes_whose_label_is_not_told_are_kept_and_quarantined_as_a_whole(
    live: Orchestrated, standin: StandIn
) -> None:
    rows = [(f"{stamp:%Y-%m-%d %H:%M:%S}", row) for stamp, row in sample("1m") if 10 <= stamp.hour < 15]
    meta = {"4. Interval": "1min", "6. Time Zone": "US/Eastern"}
    standin.alphavantage_bodies["MSFT", "1min", "2022-06"] = series("1min", meta, rows)
    assert fetch(live)["requests_failed"] == 0
    (refused,) = live.rows("SELECT rule, reason, payload_id IS NOT NULL AS is_known FROM ops.quarantine")
    assert (refused[0], refused[2]) == ("malformed_payload", True)
    assert "start or the end" in refused[1]
    assert (live.count("market.bars"), live.count("market.bars_1d")) == (0, len(sample("1d")))


def test_without_a_key_the_step_says_which_setting_is_missing(
    standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str, tmp_path: Path
) -> None:
    live = asking(standin, make_platform, dagster, bucket, tmp_path)
    result = live.materialize([alphavantage_bars], partition_key=str(TUESDAY))
    assert "FINDATA_ALPHAVANTAGE_API_KEY" in str(failure_of(result).description)
    assert standin.count() == 0


def test_days_that_only_paid_plans_give_do_not_take_the_last_hundred_with_them(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """119 days before the evening of 14 June is that of 15 February: sessions from the 16th on are recent."""
    (days_alone,) = [item for item in CAPABILITIES["alphavantage"] if item.interval == "1d"]
    monkeypatch.setitem(CAPABILITIES, "alphavantage", (days_alone,))  # type: ignore[arg-type]
    standin.script = [Answer(200, json.dumps({"Information": PREMIUM}).encode())]
    told = fetch_bars(live.platform, "alphavantage", date(2022, 1, 3), date(2022, 6, 15))
    run_due(live.platform)
    assert (told.requests, len(told.failures)) == (2, 1)
    assert "premium" in told.failures[0]
    sizes = [path.partition("outputsize=")[2].partition("&")[0] for path in standin.paths if "DAILY" in path]
    assert sizes == ["full", "compact"]
    assert live.count("market.bars_1d") == 10  # June's, which is all that the stand-in has
    refused = "SELECT window_end_time::text FROM ops.fetches WHERE is_refused"
    assert live.rows(refused) == [("2022-02-16 00:00:00+00",)]  # three hours after the close of the 15th

    live.platform.clock = SetClock(EVENING + timedelta(days=1))
    standin.script = [Answer(200, json.dumps({"Information": PREMIUM}).encode())]
    fetch_bars(live.platform, "alphavantage", date(2022, 1, 3), date(2022, 6, 15))
    states = followed_states(live.platform, "alphavantage")
    lost = states.filter(state="unobtainable").get_column("session_date")
    assert (lost.min(), lost.max()) == (date(2022, 1, 3), date(2022, 2, 15))
