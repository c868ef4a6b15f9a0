"""Alerts of real runs: what Dagster kept of them is told once, with its cure, and again when it is well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from findata_assets.alert_sensor import alerts
from findata_assets.reference import assets as reference
from findata_assets.resource import given
from findata_assets.steps.alerting import take_in_and_tell
from findata_assets.steps.platform import Platform
from findata_core.errors import RunFailed, StoreError
from findata_resources.alerting.sinks import alert_file
from findata_resources.environment import SystemClock
from findata_resources.stores import alerts as book
from tests.alerts.runs import failed
from tests.alerts.servers import Webhook
from tests.orchestration import Orchestrated, SetClock

DSN = "postgresql://findata:hunter22@db.example.com:5432/findata"


@pytest.fixture
def own(dagster: Orchestrated, tmp_path: Path) -> Iterator[Orchestrated]:
    """The module's platform with a file of its own for alerts, and an empty book."""
    before = dagster.platform.settings
    dagster.platform.settings = before.model_copy(update={"alert_file": tmp_path / "alerts.jsonl"})
    with dagster.platform.store.database.transaction() as cursor:
        cursor.execute(b"DELETE FROM ops.alerts")
    yield dagster
    dagster.platform.settings, dagster.platform.clock = before, SystemClock()


def look(own: Orchestrated, cursor: str | None) -> dg.SensorResult:
    with dg.build_sensor_context(
        instance=own.instance, resources={"platform": given(own.platform)}, cursor=cursor
    ) as context:
        found = alerts(context)
    assert isinstance(found, dg.SensorResult)
    return found


def told(platform: Platform) -> list[dict[str, Any]]:
    path = alert_file(platform.settings)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_failed_run_is_told_with_its_cure_and_again_when_it_is_well(
    own: Orchestrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Platform) -> None:
        raise StoreError(f"The database does not answer: {DSN} refused", "Run findata up")

    cursor = look(own, None).cursor
    with monkeypatch.context() as patched:
        patched.setattr(reference, "refresh_sessions", broken)
        with pytest.raises(RunFailed):
            own.runner().refresh_reference()
    after = look(own, cursor)
    (said,) = told(own.platform)
    assert (
        said["subject"]
        == "findata error: The database does not answer: postgresql://********@db.example.com:5432/findata refused"
    )
    assert "Repair: findata materialize --select reference.sessions" in said["text"]
    assert "Next:   Run findata up" in said["text"]
    assert "hunter22" not in json.dumps(said)

    # The daemon was killed before it kept the cursor: the same runs are looked at again.
    look(own, cursor)
    assert len(told(own.platform)) == 1

    own.runner().refresh_reference()
    look(own, after.cursor)
    assert [line["subject"].split(":")[0] for line in told(own.platform)] == [
        "findata error",
        "findata resolved",
    ]
    assert look(own, after.cursor).cursor == look(own, after.cursor).cursor
    assert len(told(own.platform)) == 2


def test_a_sink_that_fails_fails_nothing_and_is_told_once_it_is_there(own: Orchestrated) -> None:
    with Webhook(status=500) as hook:
        own.platform.settings = own.platform.settings.model_copy(
            update={
                "alert_sinks": "file,webhook",
                "alert_webhook_url": SecretStr(hook.url),
            }
        )
        clock = SetClock(failed(1).ended_time)
        own.platform.clock = clock
        outcome = take_in_and_tell(own.platform, [failed(1), failed(2, 1)])
        assert (outcome.runs, outcome.sent, len(outcome.failures)) == (2, 1, 1)
        assert len(told(own.platform)) == 1  # the other sink has it

        hook.status = 200
        assert take_in_and_tell(own.platform, []).sent == 0  # it is left alone for a minute
        clock.moment += timedelta(minutes=2)
        assert take_in_and_tell(own.platform, [failed(1)]).sent == 1
        assert take_in_and_tell(own.platform, [failed(2, 1)]).sent == 0
    (posted,) = hook.posted
    assert "(2 times)" in posted["text"]
    kept = book.known(own.platform.store.database)
    assert {alert.sink: alert.told_state for alert in kept.values()} == {"file": "open", "webhook": "open"}


def test_with_no_sink_nothing_is_looked_at(own: Orchestrated) -> None:
    own.platform.settings = own.platform.settings.model_copy(update={"alert_sinks": "none"})
    assert look(own, None).skip_reason is not None
    assert take_in_and_tell(own.platform, [failed(1)]).runs == 0
    assert book.known(own.platform.store.database) == {}


def test_what_is_kept_comes_back_as_it_was(own: Orchestrated) -> None:
    take_in_and_tell(own.platform, [failed(1), replace(failed(2, 3), first="", last="")])
    (alert,) = book.known(own.platform.store.database).values()
    assert alert.scopes == ("market.candles", "market.candles|2022-06-15|2022-06-15")
    assert book.write(own.platform.store.database, [alert]) == 0
