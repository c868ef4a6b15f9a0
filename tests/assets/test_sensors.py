"""Sensors of what is due, late, held and failed: exactly what is asked for, once, and again only after a pause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from findata_assets.partitions import RANGE_END, RANGE_START
from findata_assets.resource import given
from findata_assets.sensors.attempts import attempt
from findata_assets.sensors.due import due
from findata_assets.sensors.freshness import freshness
from findata_assets.sensors.quarantine import quarantine_waiting
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_resources.stores import fetches
from findata_resources.stores.due import mark
from tests.conftest import MakePlatform
from tests.orchestration import SetClock

NOW = datetime(2026, 4, 8, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def rested(make_module_platform: MakePlatform) -> Platform:
    """A platform of which nothing is due."""
    platform = make_module_platform()
    platform.clock = SetClock(NOW)
    refresh_reference(platform)
    run_due(platform)
    return platform


def look(
    sensor: Any, platform: Platform, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.SensorResult:
    resources = {"platform": given(platform)}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        found = sensor(context)
    assert isinstance(found, dg.SensorResult)
    return found


def ended(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    """Add the run that a request asked for, as it ended."""
    instance.add_run(dg.DagsterRun(request.job_name or "", tags=dict(request.tags), status=status))


def test_nothing_due_asks_for_nothing(rested: Platform, instance: dg.DagsterInstance) -> None:
    found = look(due, rested, instance)
    assert not found.run_requests
    assert "nothing is due" in str(found.skip_reason)


def test_exactly_the_dates_that_are_due_are_asked_for_in_the_order_of_the_lineage(
    rested: Platform, instance: dg.DagsterInstance
) -> None:
    database = rested.store.database
    sessions = [date(2026, 3, day) for day in (26, 27, 30)] + [date(2026, 4, 2)]
    with database.transaction() as cursor:
        mark(cursor, "market.candles", [("MSFT.XNAS", day) for day in sessions])
        mark(cursor, "ops.coverage", [("MSFT.XNAS", sessions[0])])
    try:
        first, second = look(due, rested, instance).run_requests or []
        spans = [(one.tags[RANGE_START], one.tags[RANGE_END]) for one in (first, second)]
        assert spans == [("2026-03-26", "2026-03-30"), ("2026-04-02", "2026-04-02")]
        assert (first.job_name, first.asset_selection) == (
            "due_sessions",
            [dg.AssetKey(["market", "candles"])],
        )

        ended(instance, first, dg.DagsterRunStatus.STARTED)
        assert not look(due, rested, instance).run_requests  # the weeks wait for the sessions
        (run,) = instance.get_runs()
        instance.delete_run(run.run_id)
        for request in (first, second):
            ended(instance, request, dg.DagsterRunStatus.FAILURE)
        (coverage,) = (
            look(due, rested, instance).run_requests or []
        )  # what has failed rests, the others go on
        assert coverage.job_name == "due_periods"
        rested.clock = SetClock(NOW + HOUR)
        again = look(due, rested, instance).run_requests or []
        assert [one.run_key for one in again] == [f"{str(one.run_key)[:-1]}2" for one in (first, second)]
    finally:
        rested.clock = SetClock(NOW)
        with database.transaction() as cursor:
            cursor.execute("DELETE FROM ops.due")


def test_a_date_that_is_no_partition_is_told_and_stops_nobody(
    rested: Platform, instance: dg.DagsterInstance
) -> None:
    database = rested.store.database
    with database.transaction() as cursor:
        mark(cursor, "market.candles", [("MSFT.XNAS", date(2026, 3, 28))])  # a Saturday
    try:
        found = look(due, rested, instance)
        assert not found.run_requests
        assert "2026-03-28 are no partitions" in str(found.skip_reason)
    finally:
        with database.transaction() as cursor:
            cursor.execute("DELETE FROM ops.due")


def test_a_late_publisher_is_asked_again_once_an_hour(rested: Platform, instance: dg.DagsterInstance) -> None:
    asked = NOW - timedelta(days=3)
    row = {
        "fetch_id": "1",
        "source": "nyfed",
        "dataset": "rates",
        "subject": "SOFR",
        "window_start_time": asked,
        "window_end_time": asked,
        "started_time": asked,
        "duration_seconds": 1.0,
        "size_bytes": 0,
        "rows_answered": 0,
    }
    fetches.enter(rested.store.database, row)
    found = look(freshness, rested, instance)
    jobs = {request.job_name: request for request in found.run_requests or []}
    assert jobs.keys() == {"freshness", "rates"}
    ended(instance, jobs["rates"], dg.DagsterRunStatus.SUCCESS)
    again = look(freshness, rested, instance, found.cursor)
    assert not again.run_requests  # the table has been asked for, and the publisher
    assert "again after" in str(again.skip_reason)
    rested.clock = SetClock(NOW + HOUR)
    later = look(freshness, rested, instance, found.cursor).run_requests or []
    assert "rates" in {request.job_name for request in later}
    rested.clock = SetClock(NOW)


def test_payloads_that_wait_for_a_decision_are_noticed_once(
    rested: Platform, instance: dg.DagsterInstance
) -> None:
    assert not look(quarantine_waiting, rested, instance).run_requests
    with rested.store.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO ops.holds (payload_id, state, rule, reason, evidence, hold_id, held_time) "
            "VALUES (7, 'held', 'shifted_in_time', 'an hour', '[]', 8, '2026-04-08 12:00Z')"
        )
    found = look(quarantine_waiting, rested, instance)
    assert len(found.run_requests or []) == 1
    assert not look(quarantine_waiting, rested, instance, found.cursor).run_requests
    with rested.store.database.transaction() as cursor:
        cursor.execute("DELETE FROM ops.holds")
    assert len(look(quarantine_waiting, rested, instance, found.cursor).run_requests or []) == 1


def test_an_attempt_has_another_key_each_time(instance: dg.DagsterInstance) -> None:
    first = attempt(instance, "thing", "content", NOW, HOUR)
    assert attempt(instance, "thing", "content", NOW, HOUR) == first
    instance.add_run(dg.DagsterRun("job", tags=dict(first.tags), status=dg.DagsterRunStatus.FAILURE))
    assert attempt(instance, "thing", "content", NOW, HOUR).run_key == ""
    assert attempt(instance, "thing", "content", NOW + HOUR, HOUR).run_key != first.run_key
    assert attempt(instance, "thing", "other", NOW, HOUR).run_key.endswith("/1")
