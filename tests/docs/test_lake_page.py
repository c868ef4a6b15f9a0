"""The page about reading the lake: its commands run, and count each row once, before, after and amid a merge."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest
from duckdb_extensions import import_extension

from findata_assets.steps.platform import Platform
from findata_assets.steps.upkeep import compact_lake
from findata_resources.environment import PROJECT, Endpoints, resolve_endpoints
from tests.stores.sessions import CANDLES, load, start_again, stored
from tests.stores.test_compaction import STEPS, Dying, Killed, lake_with

PAGE = (PROJECT / "docs" / "lake.md").read_text(encoding="utf-8")
Answer = list[tuple[str, int, int]]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def on(platform: Platform, text: str) -> str:
    """Return the commands with the platform's server, bucket and keys in place of the page's."""
    endpoints: Endpoints = resolve_endpoints(platform.settings)
    for said, meant in (
        ("127.0.0.1:8339", endpoints.s3_endpoint.removeprefix("http://")),
        ("s3://findata/", f"s3://{endpoints.s3_bucket}/"),
        ('    "findata",', f'    "{endpoints.s3_bucket}",'),
        (
            "KEY_ID 'KEY', SECRET 'SECRET'",
            f"KEY_ID '{endpoints.s3_access_key}', SECRET '{endpoints.s3_secret_key}'",
        ),
        ('"KEY"', f'"{endpoints.s3_access_key}"'),
        ('"SECRET"', f'"{endpoints.s3_secret_key}"'),
    ):
        text = text.replace(said, meant)
    return text


@pytest.fixture
def duck(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"extension_directory": str(tmp_path)}) as connection:
        import_extension("httpfs", con=connection)
        yield connection


def expected(platform: Platform) -> Answer:
    rows = stored(platform).filter(pl.col("instrument_id") == "MSFT.XNAS", pl.col("interval") == "1h")
    return [("MSFT.XNAS", rows.height, int(rows.get_column("volume").sum()))]


def by_duckdb(duck: duckdb.DuckDBPyConnection, platform: Platform) -> tuple[Answer, Answer]:
    """Return what the page's glob and the page's rule answer."""
    answers = [duck.sql(on(platform, block)).fetchall() for block in blocks("sql")]
    assert len(answers) == 2
    return answers[0], answers[1]


def by_polars(platform: Platform) -> Answer:
    (block,) = blocks("python")
    names: dict[str, pl.DataFrame] = {}
    exec(on(platform, block), names)
    return names["answer"].rows()


def test_duckdb_and_polars_read_the_lake_by_the_commands_of_the_page(
    platform: Platform, duck: duckdb.DuckDBPyConnection
) -> None:
    load(platform)
    right = expected(platform)
    assert right[0][1] > 0
    assert by_duckdb(duck, platform) == (right, right)
    assert by_polars(platform) == right

    compact_lake(platform)

    assert by_duckdb(duck, platform) == (right, right)
    assert by_polars(platform) == right


def test_amid_a_merge_the_rule_is_exact_and_a_glob_shows_no_row_twice(
    platform: Platform, duck: duckdb.DuckDBPyConnection
) -> None:
    load(platform)
    right = expected(platform)
    shown = set()
    for step in STEPS:
        start_again(platform)
        with pytest.raises(Killed):
            lake_with(platform, Dying(platform, step, before=False)).compact(
                platform.store, CANDLES, "2022-05"
            )
        platform.store.database.close()
        glob, rule = by_duckdb(duck, platform)
        assert rule == right
        assert by_polars(platform) == right
        shown.add(glob[0][1])
    # All seven sessions of two candles, or without what is deleted of the month's three.
    assert shown == {14, 12, 10, 8}
