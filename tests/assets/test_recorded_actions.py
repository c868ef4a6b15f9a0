"""Splits, dividends and names through Dagster: one command receives and folds them, a second finds nothing to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from findata_assets.running import Runner
from findata_assets.steps.platform import Platform

ACTIONS = "date,ratio,amount\n2022-06-15,4:1,\n2022-05-18,,0.62\n2022-05-19,0:1,\n"
NAMES = "ticker,id,start\nMSFT,m,1986-03-13\n"
MANIFEST = """
[[set]]
name = "actions"
files = "actions.csv"
dataset = "actions"
source = "mine"
adjustment = "raw"
received = 2022-06-16T12:00:00Z
instrument = { symbol = "MSFT", mic = "XNAS" }
time = { column = "date" }

[[set]]
name = "names"
files = "names.csv"
dataset = "securities"
source = "mine"
received = 2022-06-16T12:00:00Z
instrument = { column = "ticker", mic = "XNAS" }
columns = { source_id = "id", from_date = "start" }
"""


def loaded(platform: Platform, folder: Path, instance: Any) -> Runner:
    runner = Runner(platform, instance, lambda _: None, console_log_level="CRITICAL")
    runner.refresh_reference()
    runner.load_recorded(folder, None)
    runner.run_due()
    return runner


def test_recorded_actions_and_names_become_tables_by_runs_of_dagster(
    platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "actions.csv").write_text(ACTIONS)
    (tmp_path / "names.csv").write_text(NAMES)
    (tmp_path / "recorded.toml").write_text(MANIFEST)
    with dg.DagsterInstance.ephemeral() as instance:
        done = loaded(platform, tmp_path, instance).done.materializations
        for name in ("dividends", "listings", "securities", "security_symbols", "splits"):
            assert done[f"reference/{name}"] == 1
            assert platform.read(f"reference.{name}").height == 1
        assert loaded(platform, tmp_path, instance).done.runs == 0
