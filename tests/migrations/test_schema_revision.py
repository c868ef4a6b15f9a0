"""One field more in proto/, tried on a copy of the project: what it makes of SQL, Arrow, Pandera and the documents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from findata_core.errors import StoreError
from findata_resources.migrations.migrate import write_revision
from tests.migrations.test_migrations import empty_database, execute, migrated

__all__ = ["empty_database", "migrated"]

PROJECT = Path(__file__).resolve().parents[2]
COPIED = ("proto", "findata", "findata_core", "findata_resources", "findata_assets", "findata_cli", "scripts")
ADDED = """
  // What a test has to say of it.
  optional int32 remark_count = 99 [(findata.annotations.v1.column) = {
    unit: "remarks"
    minimum: 0
  }];
}
"""
LOOK = """
from findata_core.schema.frames import arrow_schema
from findata_core.schema.tables import table
from findata_core.schema.validation import pandera_schema
target = table("signals.pivot_signals")
print(arrow_schema(target).field("remark_count").type, pandera_schema(target).columns["remark_count"].dtype.type)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project's sources, with one more field in the message of one table."""
    for name in COPIED:
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(PROJECT / "docs" / "data", tmp_path / "docs" / "data")
    add_field(tmp_path / "proto/findata/signals/v1/signals.proto", "PivotSignal")
    return tmp_path


def add_field(path: Path, message: str) -> None:
    """Put one more field at the end of a message."""
    head, found, rest = path.read_text().partition(f"message {message} {{")
    assert found
    body, _, after = rest.partition("\n}\n")
    path.write_text(head + found + body + ADDED + after)


def run(folder: Path, *arguments: str, url: str = "") -> str:
    """Run this environment's Python on the copy."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FINDATA_")},
        "PYTHONPATH": str(folder),
        "FINDATA_HOME": str(folder / "home"),
        **({"FINDATA_DATABASE_URL": url} if url else {}),
        # Nothing is asked of S3; an endpoint of one's own is named so that no embedded one is looked for.
        "FINDATA_S3_ENDPOINT": "http://127.0.0.1:9",
        "FINDATA_S3_ACCESS_KEY": "none",
        "FINDATA_S3_SECRET_KEY": "none",
    }
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_one_field_more_is_one_column_more_everywhere_and_nothing_else(copy: Path, migrated: str) -> None:
    versions = copy / "findata_resources/migrations/versions"
    before = {path.name for path in versions.glob("0*.py")}
    documents = {path.name: path.read_text() for path in (copy / "docs/data").iterdir()}

    run(copy, "scripts/generate.py")
    said = run(copy, "-m", "findata_cli", "schema", "revision", "remarks of signals", url=migrated)
    run(copy, "-m", "findata_cli", "migrate", url=migrated)

    (written,) = {path.name for path in versions.glob("0*.py")} - before
    assert written == f"{len(before) + 1:04}_remarks_of_signals.py"
    assert written in said.replace("\n", "")
    upgrade = (versions / written).read_text().partition("def upgrade")[2].partition("def downgrade")[0]
    assert re.findall(r"\bop\.\w+", upgrade) == ["op.add_column"]
    assert "'remark_count', sa.Integer()" in upgrade
    with psycopg.connect(migrated) as connection:
        column = "SELECT data_type FROM information_schema.columns WHERE column_name = 'remark_count'"
        assert connection.execute(column).fetchall() == [("integer",)]
    assert "nothing to do" in run(copy, "-m", "findata_cli", "schema", "diff", url=migrated)
    assert run(copy, "-c", LOOK).split() == ["int32", "Int32"]
    changed = {
        path.name
        for path in (copy / "docs/data").iterdir()
        if path.read_text() != documents.get(path.name, "")
    }
    assert changed == {"signals.pivot_signals.md"}
    # A second time there is nothing to write.
    assert "nothing to write" in run(copy, "-m", "findata_cli", "schema", "revision", "again", url=migrated)


def test_a_table_with_history_gets_the_column_twice_and_can_be_migrated_before_its_revision_is_written(
    copy: Path, migrated: str
) -> None:
    add_field(copy / "proto/findata/reference/v1/reference.proto", "SymbolMapping")
    run(copy, "scripts/generate.py")

    run(copy, "-m", "findata_cli", "migrate", url=migrated)
    run(copy, "-m", "findata_cli", "schema", "revision", "remarks", url=migrated)
    run(copy, "-m", "findata_cli", "migrate", url=migrated)

    with psycopg.connect(migrated) as connection:
        columns = "SELECT table_schema FROM information_schema.columns WHERE column_name = 'remark_count' ORDER BY 1"
        assert connection.execute(columns).fetchall() == [("history",), ("reference",), ("signals",)]
        assert connection.execute("SELECT remark_count FROM as_of.symbols(now())").fetchall() == []


def test_the_compatible_change_passes_the_guard_and_a_renumbered_field_does_not(copy: Path) -> None:
    guard = ["breaking", "--against", "baseline.binpb"]
    buf = str(Path(sys.executable).parent / "buf")

    assert subprocess.run([buf, *guard], cwd=copy / "proto", check=False).returncode == 0
    path = copy / "proto/findata/signals/v1/signals.proto"
    path.write_text(path.read_text().replace("string instrument_id = 1", "string instrument_id = 77", 1))
    refused = subprocess.run([buf, *guard], cwd=copy / "proto", capture_output=True, text=True, check=False)

    assert refused.returncode != 0
    assert "instrument_id" in refused.stdout + refused.stderr


def test_a_database_that_lags_behind_is_to_be_migrated_first(migrated: str) -> None:
    execute(migrated, "UPDATE findata_version SET version_num = '0001'")
    execute(migrated, "ALTER TABLE signals.pivot_signals ADD COLUMN stray integer")

    with pytest.raises(StoreError, match="is at revision 0001"):
        write_revision(migrated, "too early")


def test_without_a_difference_nothing_is_written(migrated: str) -> None:
    assert write_revision(migrated, "nothing") is None
