"""Healing: the sensor asks for what is due and stops at a fixed point; the guard warns before the wall."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from findata_assets.checks.expiry import nothing_expires_soon
from findata_assets.healing_sensor import HEALS, healing
from findata_assets.partitions import RANGE_END, RANGE_START
from findata_assets.resource import given
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.expected import asked_capabilities, followed_states, known_states, states_of
from findata_assets.steps.healing import health_of
from findata_assets.steps.live import fetch_bars
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ProviderDown
from tests.conftest import SAMPLE, MakePlatform
from tests.orchestration import Orchestrated, SetClock
from tests.standin import TOO_MANY_REQUESTS, Bars, StandIn

EVENING = datetime(2022, 6, 14, 21, 0, tzinfo=UTC)  # an hour after New York's close
DAY = timedelta(days=1)
FIRST = date(2022, 6, 6)  # a Monday


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str) -> Orchestrated:
    """A platform that asked Yahoo for a week's sessions, on a Tuesday evening."""
    platform = make_platform(
        universe=SAMPLE / "universe.csv",
        s3_bucket=bucket,
        yahoo_base_url=standin.base_url,
        request_timeout_seconds=5,
    )
    at(platform, standin, EVENING)
    refresh_reference(platform)
    return Orchestrated(platform, dagster.instance)


def at(platform: Any, standin: StandIn, moment: datetime) -> None:
    standin.now, platform.clock = moment, SetClock(moment)


def look(live: Orchestrated) -> dg.SensorResult:
    resources = {"platform": given(live.platform)}
    with dg.build_sensor_context(instance=live.instance, resources=resources) as context:
        found = healing(context)
    assert isinstance(found, dg.SensorResult)
    return found


def ask(live: Orchestrated, standin: StandIn, moment: datetime, end: date | None = None) -> int:
    """Ask for what is due at a moment, of sessions before `end`, fold it, and return how many requests that took."""
    at(live.platform, standin, moment)
    made = fetch_bars(live.platform, "yahoo", FIRST, end or moment.date() + DAY).requests
    run_due(live.platform)
    return made


def test_a_source_that_was_never_asked_is_not_asked_by_itself(live: Orchestrated) -> None:
    found = look(live)
    assert not found.run_requests
    assert "yahoo: was never asked" in str(found.skip_reason)


def test_the_sensor_asks_for_the_sessions_that_are_due_until_nothing_is(
    live: Orchestrated, standin: StandIn
) -> None:
    ask(live, standin, EVENING)
    found = look(live)
    assert not found.run_requests  # what has not settled is not asked for again
    assert "nothing is due" in str(found.skip_reason)

    at(live.platform, standin, EVENING + DAY)
    (request,) = look(live).run_requests or []
    assert (request.job_name, request.tags[HEALS]) == ("heal_yahoo", "yahoo")
    # Wednesday's session, which is new, Tuesday's, which has settled, and Monday's of the week before, which is
    # doubted: in what Yahoo said, AZN's last minute is 0.30 % off its day's close.
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2022-06-06", "2022-06-15")

    for day in range(1, 6):
        ask(live, standin, EVENING + day * DAY)
    assert ask(live, standin, EVENING + 5 * DAY) == 0
    states = followed_states(live.platform, "yahoo").filter(session_date=date(2022, 6, 14))
    assert set(states.get_column("state")) == {"present"}
    assert states.get_column("is_final").all()


def test_a_source_owes_nothing_of_the_session_before_the_first_that_it_was_asked_for(
    live: Orchestrated, standin: StandIn
) -> None:
    tuesday = FIRST + DAY
    at(live.platform, standin, EVENING)
    fetch_bars(live.platform, "yahoo", tuesday, EVENING.date() + DAY)
    first = followed_states(live.platform, "yahoo").group_by("interval").agg(pl.col("session_date").min())
    assert dict(first.iter_rows()) == {"1m": tuesday, "1d": tuesday}


def test_a_source_that_rests_is_left_alone(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(live, standin, EVENING)
    at(live.platform, standin, EVENING + DAY)
    monkeypatch.setattr("findata_core.breaker.FAILURES_IN_ROW", 1)
    standin.script = [TOO_MANY_REQUESTS]
    with pytest.raises(ProviderDown):
        fetch_bars(live.platform, "yahoo", FIRST, EVENING.date() + 2 * DAY)
    health = health_of(live.platform, "yahoo")
    assert health.due > 0
    assert health.rests_until is not None
    found = look(live)
    assert not found.run_requests
    assert "left alone until" in str(found.skip_reason)


def test_sessions_without_a_partition_yet_wait_for_it_and_stop_no_other_source(
    live: Orchestrated, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokyo closes hours before its day has a partition (10:00 UTC)."""
    ask(live, standin, EVENING)
    at(live.platform, standin, EVENING + DAY)
    monkeypatch.setattr(
        "findata_assets.healing_sensor.SESSIONS", dg.StaticPartitionsDefinition(["2022-06-03"])
    )
    found = look(live)
    assert not found.run_requests
    assert "which have no partition yet" in str(found.skip_reason)

    some = dg.StaticPartitionsDefinition(["2022-06-03", "2022-06-06", "2022-06-08", "2022-06-14"])
    monkeypatch.setattr("findata_assets.healing_sensor.SESSIONS", some)
    (request,) = look(live).run_requests or []
    assert (request.tags[RANGE_START], request.tags[RANGE_END]) == ("2022-06-06", "2022-06-14")


def test_a_run_that_is_under_way_is_not_doubled(live: Orchestrated, standin: StandIn) -> None:
    ask(live, standin, EVENING)
    at(live.platform, standin, EVENING + DAY)
    run = dg.DagsterRun("heal_yahoo", tags={HEALS: "yahoo"}, status=dg.DagsterRunStatus.STARTED)
    live.instance.add_run(run)
    found = look(live)
    assert not found.run_requests
    assert "a run is under way" in str(found.skip_reason)


def test_a_symbol_that_was_corrected_is_asked_for_alone_and_one_that_was_taken_away_no_more(
    live: Orchestrated, standin: StandIn, tmp_path: Path
) -> None:
    """Old files' symbols stay in reference.symbols, by which old payloads are read."""
    path = tmp_path / "universe.csv"
    live.platform.settings = live.platform.settings.model_copy(update={"universe": path})
    line = "instrument_id,mic,currency,price_units,yahoo\nMSFT.XNAS,XNAS,USD,1,{}\n"
    symbols = []
    for hour, symbol in enumerate(("MFST", "MSFT", "", "MFST")):
        at(live.platform, standin, EVENING + timedelta(hours=hour))
        path.write_text(line.format(symbol))
        refresh_reference(live.platform)
        (capability,) = [item for item in asked_capabilities("yahoo") if item.interval == "1d"]
        states = states_of(live.platform, "yahoo", capability, date(2022, 6, 13), date(2022, 6, 15))
        symbols.append(states.get_column("symbol").to_list())
    assert symbols == [["MFST"] * 2, ["MSFT"] * 2, [], ["MFST"] * 2]
    kept = live.rows(
        "SELECT DISTINCT symbol FROM reference.symbols WHERE instrument_id = 'MSFT.XNAS' ORDER BY 1"
    )
    assert kept == [("MFST",), ("MSFT",)]


def test_a_session_that_the_source_says_nothing_of_is_proven_empty_by_its_answer(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.yahoo_bars["MSFT", "1m"] = Bars("America/New_York", "USD", [])
    for day in range(3):
        # The sample ends on the 15th: of later sessions all answers are empty, and held.
        ask(live, standin, EVENING + day * DAY, date(2022, 6, 15))
    states = known_states(live.platform, FIRST, date(2022, 6, 15), ["MSFT.XNAS"]).filter(interval="1m")
    assert set(states.get_column("state")) == {"proven_empty"}
    payloads = live.rows("SELECT payload_id FROM ops.payloads WHERE request ->> 'subject' = 'MSFT.XNAS'")
    assert set(states.get_column("payload_id")) <= {payload_id for (payload_id,) in payloads}


def test_an_unknown_symbol_is_given_up_after_it_was_refused_twice(
    live: Orchestrated, standin: StandIn
) -> None:
    del standin.yahoo_bars["AZN.L", "1m"], standin.yahoo_bars["AZN.L", "1d"]
    ask(live, standin, EVENING)
    ask(live, standin, EVENING + DAY)
    at(live.platform, standin, EVENING + DAY)
    lost = followed_states(live.platform, "yahoo").filter(
        instrument_id="AZN.XLON", session_date=date(2022, 6, 14)
    )
    assert set(lost.get_column("state")) == {"unobtainable"}
    assert not lost.get_column("is_due").any()


def test_the_guard_warns_of_what_is_forgotten_within_seven_days(live: Orchestrated, standin: StandIn) -> None:
    ask(live, standin, EVENING)
    assert guard(live).passed
    # 14 June opens at 01:30 UTC in Hong Kong: 29 days later it is lost; 23 days later that is six days away.
    standin.yahoo_bars.clear()
    at(live.platform, standin, EVENING + 23 * DAY)
    warned = guard(live)
    assert not warned.passed
    assert warned.severity is dg.AssetCheckSeverity.WARN
    expiring: Any = warned.metadata["sessions_expiring"].value
    assert expiring > 0


def guard(live: Orchestrated) -> dg.AssetCheckResult:
    found = nothing_expires_soon(given(live.platform))
    assert isinstance(found, dg.AssetCheckResult)
    return found
