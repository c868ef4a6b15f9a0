"""Series, exchange rates and indices through Dagster: assets, checks, the drawing, and everything made again from raw."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from findata_assets.checks.series import SERIES_CHECKS
from findata_assets.definitions import ASSETS
from findata_assets.economic.assets import revisions, series
from findata_assets.steps.proof import verify
from tests.assets.shape import shape
from tests.conftest import MakePlatform
from tests.economic.test_fred_series import NOON
from tests.economic.test_fx import HISTORY, zipped
from tests.economic.test_indices import LEVELS, MEMBERS
from tests.economic.test_vintages import BY_HAND
from tests.fred import History, about
from tests.orchestration import Orchestrated, SetClock, failure_of, rows_shown
from tests.standin import Answer, StandIn


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn(now=NOON) as server:
        server.fred_series["GDP"] = History(list(BY_HAND), about("GDP"), further_vintages=["2020-08-27"])
        server.ecb_files["eurofxref-hist.zip"] = zipped(HISTORY)
        yield server


@pytest.fixture
def live(standin: StandIn, make_platform: MakePlatform, dagster: Orchestrated, bucket: str) -> Orchestrated:
    platform = make_platform(
        s3_bucket=bucket,
        fred_base_url=f"{standin.base_url}/fred",
        ecb_base_url=f"{standin.base_url}/eurofxref",
        fred_api_key=SecretStr("k" * 32),
    )
    platform.clock = SetClock(NOON)
    return Orchestrated(platform, dagster.instance)


def evaluated(live: Orchestrated, name: str) -> set[bool]:
    """Tell how a check (`asset/key:name`) ended, each time that it was made."""
    key, _, check = name.partition(":")
    records = live.instance.event_log_storage.get_asset_check_execution_history(
        dg.AssetCheckKey(dg.AssetKey(key.split("/")), check), limit=100
    )
    return {
        record.evaluation.passed
        for record in records
        if isinstance(record.evaluation, dg.AssetCheckEvaluation)
    }


def test_sources_become_tables_with_green_checks_and_are_made_again_equal(
    live: Orchestrated, tmp_path: Path
) -> None:
    runner = live.runner()
    today = NOON.date()
    runner.fetch("fred", today, today)
    runner.fetch("ecb", today, today)
    (tmp_path / "recorded.toml").write_text(LEVELS + MEMBERS.format(until="exclusive"))
    (tmp_path / "levels.csv").write_text("DATE,OPEN,HIGH,LOW,CLOSE\n1990-01-02,17.24,17.24,17.24,17.24\n")
    (tmp_path / "members.csv").write_text("ticker,start_date,end_date\nPCG,1996-01-02,2019-01-18\n")
    runner.load_recorded(tmp_path, None)
    runner.run_due()

    counts = {
        name: live.count(f"economic.{name}")
        for name in ("observations", "vintages", "revisions", "fx_rates", "index_levels", "index_members")
    }
    assert counts == {
        "observations": 8,
        "vintages": 8,
        "revisions": 8,
        "fx_rates": 5,
        "index_levels": 1,
        "index_members": 1,
    }
    assert live.rows("SELECT source, frequency FROM economic.series WHERE series_id = 'GDP' ORDER BY 1") == [
        ("findata", "Q"),
        ("fred", "Q"),
    ]
    assert "data:image/png" in live.latest("economic/revisions")["picture"]
    failed = live.latest("raw/fred/series")["requests_failed"]
    assert failed == live.rows("SELECT count(DISTINCT subject) FROM ops.fetches WHERE is_refused")[0][0], (
        "the others are unknown to this server"
    )

    for asset in ASSETS:
        for key in asset.keys:
            if key.path[0] == "economic" or key.path[1:] == ["recorded", "economic"]:
                assert live.latest(key.to_user_string())
    checked = {name for name in shape()["checks"] if name.startswith("economic/")}
    passed = {name for name in checked if evaluated(live, name) == {True}}
    assert passed == checked

    again = live.runner()
    again.run_due()
    assert again.done.runs == 0
    proof = verify(live.platform, live.said.append)
    assert proof.differences.is_empty(), proof.differences
    assert proof.scopes_compared > 20


def test_a_revision_that_does_not_say_what_its_vintage_said_is_found(live: Orchestrated) -> None:
    live.runner().fetch("fred", NOON.date(), NOON.date())
    live.runner().run_due()
    checks = [series, revisions, *SERIES_CHECKS]
    by_name = {item.check_name: item for item in live.materialize(checks).get_asset_check_evaluations()}
    proven = by_name["revisions_say_what_each_vintage_said"]
    assert (proven.passed, proven.metadata["vintages_compared"].value) == (True, 7)
    assert by_name["catalogue_agrees_with_the_publisher"].passed
    with live.platform.store.database.transaction() as cursor:
        cursor.execute(b"UPDATE economic.revisions SET value = 12 WHERE value = 11")
        cursor.execute(
            b"UPDATE economic.series SET unit = 'Dollars' WHERE source = 'findata' AND series_id = 'GDP'"
        )
    found = {item.check_name: item for item in live.materialize(checks).get_asset_check_evaluations()}
    shown = rows_shown(found["revisions_say_what_each_vintage_said"])
    assert [row["observation_date"] for row in shown] == ["2020-01-01"]
    assert found["catalogue_agrees_with_the_publisher"].metadata["different"].value == 1


def test_html_from_the_bank_is_quarantined_and_the_check_says_so(
    live: Orchestrated, standin: StandIn
) -> None:
    standin.ecb_files["eurofxref-hist.zip"] = b"<!DOCTYPE html><html></html>"
    runner = live.runner()
    runner.fetch("ecb", NOON.date(), NOON.date())
    runner.run_due()
    assert live.rows("SELECT table_name, rule FROM ops.quarantine") == [
        ("economic.fx_rates", "malformed_payload")
    ]


def test_a_key_that_is_refused_fails_the_asset_with_the_next_step(
    live: Orchestrated, standin: StandIn
) -> None:
    from findata_assets.raw.fred import fred_series

    standin.script = [
        Answer(
            400,
            b'{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not registered."}',
        )
    ]
    failure = failure_of(live.materialize([fred_series]))
    assert "FINDATA_FRED_API_KEY" in str(failure.metadata["next_step"])
