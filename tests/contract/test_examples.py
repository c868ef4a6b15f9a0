"""docs/sql.md: its examples run, as the reader that they name, and answer the same."""

from __future__ import annotations

import csv
import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from duckdb_extensions import import_extension
from psycopg import connect

from findata_assets.steps.platform import Platform
from findata_core.schema.views import views
from findata_resources.embedded.debian import unpacked
from findata_resources.environment import PROJECT, Endpoints, Settings, child_environment
from tests.contract.storage import QUERIES, query_in

PAGE = (PROJECT / "docs" / "sql.md").read_text(encoding="utf-8")
SAID = "postgresql://findata_reader:PASSWORD@127.0.0.1:5439/findata"
# MSFT's hours of 2022-06-01: times and closes, worked out from the minutes in another test of the sample.
HOURS = 7


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def reader(stack: tuple[Settings, Endpoints], loaded_sample: Platform) -> str:
    """The address of the reader's login, in the sample's database."""
    address = stack[1].reader_database_url
    assert address is not None
    return address.rpartition("/")[0] + "/" + loaded_sample.store.database.url.rpartition("/")[2]


@pytest.fixture(scope="module")
def right(loaded_sample: Platform) -> list[tuple[datetime, float, int]]:
    """The answer, from the table and by its owner."""
    query = (
        "SELECT event_time, close, volume FROM market.candles WHERE instrument_id = 'MSFT.XNAS' AND interval = '1h' "
        "AND session_date = '2022-06-01' ORDER BY event_time"
    )
    with connect(loaded_sample.store.database.url) as connection:
        rows = connection.execute(query.encode()).fetchall()
    assert len(rows) == HOURS
    return [(moment.astimezone(UTC), close, volume) for moment, close, volume in rows]


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"extension_directory": str(tmp_path)}) as connection:
        import_extension("postgres_scanner", con=connection)
        yield connection


def test_psql(reader: str, right: Any, stack: tuple[Settings, Endpoints]) -> None:
    (block,) = blocks("sh")
    program, *arguments = shlex.split(block.replace(SAID, reader))
    settings = stack[0]
    folder = unpacked(settings.cache, settings.debian_mirror, settings.debian_keyring, print)
    done = subprocess.run(
        [str(folder / program), *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=child_environment({}),
    )
    header, *rows = csv.reader(io.StringIO(done.stdout))
    assert header == ["event_time", "close", "volume"]
    assert [(datetime.fromisoformat(row[0] + ":00"), float(row[1]), int(row[2])) for row in rows] == right


@pytest.mark.parametrize("number", [0, 1], ids=["pandas", "polars"])
def test_python(reader: str, right: Any, number: int) -> None:
    names: dict[str, Any] = {}
    said = blocks("python")[number]
    exec(said.replace(SAID.removeprefix("postgresql"), reader.removeprefix("postgresql")), names)
    answer = names["answer"]
    frame = answer if isinstance(answer, pl.DataFrame) else pl.from_pandas(answer)
    assert frame.columns == ["event_time", "close", "volume"]
    assert [(moment.astimezone(UTC), close, volume) for moment, close, volume in frame.rows()] == right


def test_duckdb(reader: str, right: Any, duck: duckdb.DuckDBPyConnection) -> None:
    (block,) = blocks("duckdb")
    answer = duck.sql(block.replace(SAID, reader).replace("LOAD postgres;", "LOAD postgres_scanner;"))
    assert [(moment.astimezone(UTC), close, volume) for moment, close, volume in answer.fetchall()] == right


def test_grafana(reader: str, tmp_path: Path) -> None:
    (block,) = blocks("grafana")
    path = tmp_path / "panel.sql"
    path.write_text(block)
    with connect(reader) as connection:
        cursor = connection.execute(query_in(path))
        rows = cursor.fetchall()
    assert [column.name for column in cursor.description or ()] == ["time", "metric", "value"]
    assert {metric for _, metric, _ in rows} == {"9988.XHKG", "AZN.XLON", "MSFT.XNAS"}


def test_the_query_that_is_named_for_excel_is_there() -> None:
    assert (QUERIES / "latest_excel.sql").name in PAGE


def test_the_page_names_every_view_and_every_function() -> None:
    missing = [item.address for item in views() if f"`{item.address}`" not in PAGE]
    missing += [
        f"{item.name}_as_of" for item in views() if item.has_as_of and f"`{item.name}_as_of`" not in PAGE
    ]
    assert missing == []
