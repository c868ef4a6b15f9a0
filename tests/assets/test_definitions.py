"""The definitions as a whole: their shape is the committed one, and every asset says what it is."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from findata_assets.definitions import ASSETS, CHECKED_TABLES, findata
from findata_assets.groups import GROUPS
from findata_core.lineage import upstream_of
from findata_core.schema.tables import table
from findata_resources.environment import PROJECT
from tests.assets.shape import SNAPSHOT, shape

KEYS = sorted(key.to_user_string() for asset in ASSETS for key in asset.keys)
TABLE_KEYS = sorted(name.replace(".", "/") for name in CHECKED_TABLES)


def spec(key: str) -> dg.AssetSpec:
    specs = {item.key.to_user_string(): item for item in findata().resolve_all_asset_specs()}
    return specs[key]


def test_the_shape_is_the_committed_one() -> None:
    """To accept a change: python -m tests.assets.shape."""
    assert json.loads(SNAPSHOT.read_text()) == shape()


def test_definitions_are_valid() -> None:
    dg.Definitions.validate_loadable(findata())


def test_dg_check_defs_passes(tmp_path: Path) -> None:
    program = Path(sysconfig.get_path("scripts")) / "dg"
    done = subprocess.run(
        [program, "check", "defs"],
        cwd=PROJECT,
        env={
            "PATH": f"{program.parent}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "DAGSTER_HOME": str(tmp_path),
            "FINDATA_CACHE": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "All definitions loaded successfully" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("key", KEYS)
def test_every_asset_says_what_it_is_whose_it_is_and_where_it_is_written(key: str) -> None:
    asset = spec(key)
    assert len(asset.description or "") > 40
    assert asset.group_name == key.split("/", maxsplit=1)[0]
    assert asset.owners == ["team:findata"]
    assert asset.kinds
    assert asset.tags["layer"] == asset.group_name
    (reference,) = asset.metadata["dagster/code_references"].code_references
    assert isinstance(reference, dg.LocalFileCodeReference)
    written = Path(reference.file_path).read_text().splitlines()[(reference.line_number or 1) - 1 :]
    assert any(line.startswith("def ") for line in written[:20])
    assert Path(reference.file_path).is_relative_to(PROJECT / "findata_assets")


@pytest.mark.parametrize("key", TABLE_KEYS)
def test_the_column_schema_of_a_table_is_the_contract_with_units_and_bounds(key: str) -> None:
    columns = {column.name: column for column in spec(key).metadata["dagster/column_schema"].columns}
    target = table(key.replace("/", "."))
    assert list(columns) == list(target.column_names)
    for column in target.columns:
        described = columns[column.name]
        assert described.description
        assert (column.unit or "") in (described.description or "")
        assert described.constraints.nullable == column.is_nullable


@pytest.mark.parametrize("key", TABLE_KEYS)
def test_every_table_has_its_blocking_check_and_its_quarantine(key: str) -> None:
    checks = {
        name: check["blocking"] for name, check in shape()["checks"].items() if name.startswith(f"{key}:")
    }
    assert (checks[f"{key}:contract"], checks[f"{key}:quarantine"]) == (True, False)


def test_the_lineage_of_the_assets_is_that_of_what_is_due() -> None:
    """Were an arrow missing in Dagster, the graph would tell a person less than the books do."""
    drawn: dict[str, Any] = {key: asset["deps"] for key, asset in shape()["assets"].items()}
    for key in TABLE_KEYS:
        assert {name.replace(".", "/") for name in upstream_of(key.replace("/", "."))} <= set(drawn[key])


def test_every_table_is_run_by_one_group_of_the_runner_with_its_own_grain() -> None:
    grouped = {name.replace(".", "/"): group.grain for group in GROUPS for name in group.tables}
    assert sorted(grouped) == TABLE_KEYS
    for key, grain in grouped.items():
        assert grain == CHECKED_TABLES[key.replace("/", ".")]


def test_nothing_runs_by_itself_until_someone_turns_it_on() -> None:
    drawn = shape()
    statuses = {item["default_status"] for kind in ("schedules", "sensors") for item in drawn[kind].values()}
    assert statuses == {"STOPPED"}
