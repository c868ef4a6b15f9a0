"""COPY in by our own encoder, out by ADBC: every kind of column comes back as it went."""

import json
import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from findata_assets.steps.platform import Platform
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import ColumnKind, Table
from findata_resources.stores import database
from findata_resources.stores.database import Cursor, copy_into, upsert
from tests.conftest import MakePlatform
from tests.stores.made_table import KINDS, created, made_table

ALL = made_table(*KINDS)
text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
VALUES: dict[ColumnKind, st.SearchStrategy[Any]] = {
    ColumnKind.TEXT: text,
    ColumnKind.TEXT_LIST: st.lists(text, max_size=3),
    ColumnKind.FLOAT64: st.floats(allow_nan=True),
    ColumnKind.INT32: st.integers(-(2**31), 2**31 - 1),
    ColumnKind.INT64: st.integers(-(2**63), 2**63 - 1),
    ColumnKind.BOOLEAN: st.booleans(),
    # PostgreSQL's own limits; polars reads years 1 to 9999
    ColumnKind.TIMESTAMP: st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    ColumnKind.DATE: st.dates(date(1, 1, 1), date(9999, 12, 31)),
    ColumnKind.DECIMAL: st.decimals(-(10**26) + 1, 10**26 - 1, places=12),
    ColumnKind.JSON: st.dictionaries(text, st.integers(-9, 9), max_size=2).map(json.dumps),
}
rows_of_all = st.lists(st.tuples(*(st.none() | VALUES[kind] for kind in KINDS)), max_size=12)


@pytest.fixture(scope="module")
def platform(make_module_platform: MakePlatform) -> Platform:
    return make_module_platform()


def frame(rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    numbered = [(number, *row) for number, row in enumerate(rows)]
    return pl.DataFrame(numbered, schema=polars_schema(ALL), orient="row")


def comparable(rows: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Rows with JSON as what it means and NaN as itself."""
    return [
        tuple(
            json.dumps(json.loads(value), sort_keys=True)
            if name == "c_json" and value is not None
            else "nan"
            if isinstance(value, float) and math.isnan(value)
            else value
            for name, value in row.items()
        )
        for row in rows.sort("number").iter_rows(named=True)
    ]


@given(rows=rows_of_all)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_goes_in_comes_out(platform: Platform, rows: list[tuple[Any, ...]]) -> None:
    written = frame(rows)
    with created(platform.store.database, ALL) as cursor:
        copy_into(cursor, ALL, written)

    assert comparable(platform.store.read(ALL)) == comparable(written)


@given(rows=rows_of_all)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_few_rows_go_in_as_parameters_and_come_out_the_same(
    platform: Platform, rows: list[tuple[Any, ...]]
) -> None:
    written = frame(rows)
    with created(platform.store.database, ALL) as cursor:
        assert upsert(cursor, ALL, written) == written.height
        assert upsert(cursor, ALL, written) == 0

    assert comparable(platform.store.read(ALL)) == comparable(written)


@pytest.mark.parametrize("write", [copy_into, upsert])
def test_the_values_at_the_edges_come_out_as_they_went_in(
    platform: Platform, write: Callable[[Cursor, Table, pl.DataFrame], object]
) -> None:
    edges: dict[str, list[Any]] = {
        "c_text": ["", "Ä€😀\n\t\\N\"'", None, "x" * 70_000],
        "c_text_list": [[], [""], None, ["a,b", "{}", "NULL", "ü"]],
        "c_float64": [math.inf, -math.inf, None, 5e-324],
        "c_int32": [2**31 - 1, -(2**31), None, 0],
        "c_int64": [2**63 - 1, -(2**63), None, 0],
        "c_boolean": [True, False, None, False],
        "c_timestamp": [
            datetime(1999, 12, 31, 23, 59, 59, 999_999, UTC),
            datetime(1600, 1, 1, tzinfo=UTC),
            None,
            datetime(2000, 1, 1, tzinfo=UTC),
        ],
        "c_date": [date(1999, 12, 31), date(1600, 2, 29), None, date(2000, 1, 1)],
        "c_json": ['{"a": [1, null, "ü"]}', "[]", None, '"text"'],
    }
    written = conform(pl.DataFrame({"number": range(4), **edges}, strict=False), ALL)
    with created(platform.store.database, ALL) as cursor:
        write(cursor, ALL, written)

    assert comparable(platform.store.read(ALL)) == comparable(written)


def test_a_slice_of_a_frame_is_copied_as_it_is(platform: Platform) -> None:
    whole = pl.concat([frame([("a" * n,) + (None,) * (len(KINDS) - 1) for n in range(9)])] * 2, rechunk=False)
    part = whole[4:12].with_columns(number=pl.int_range(8))
    with created(platform.store.database, ALL) as cursor:
        copy_into(cursor, ALL, part)

    assert platform.store.read(ALL).get_column("c_text").to_list() == part.get_column("c_text").to_list()


@pytest.mark.parametrize("few_rows", [0, 20], ids=["staged", "as parameters"])
def test_an_upsert_touches_only_what_differs(
    platform: Platform, few_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "FEW_ROWS", few_rows)
    table = made_table(ColumnKind.TEXT, ColumnKind.TEXT_LIST, ColumnKind.FLOAT64, ColumnKind.JSON)
    columns = {
        "number": [1, 2, 3],
        "c_text": ["a", None, "c"],
        "c_text_list": [[], ["x"], None],
        "c_float64": [math.nan, 2.0, None],
        "c_json": ['{"a": 1,"b":2}', None, "{}"],
    }
    rows = conform(pl.DataFrame(columns), table)
    with created(platform.store.database, table) as cursor:
        assert upsert(cursor, table, rows) == 3
    before = versions(platform)

    with platform.store.database.transaction() as cursor:
        again = upsert(cursor, table, rows)
        changed = upsert(cursor, table, rows.with_columns(c_text=pl.col("c_text").replace("c", None)))

    after = versions(platform)
    assert (again, changed) == (0, 1)
    assert [n for n in before if before[n] != after[n]] == [3]


def versions(platform: Platform) -> dict[int, str]:
    """Which transaction wrote each row: it changes with every update."""
    with platform.store.database.transaction() as cursor:
        return dict(cursor.execute(b"SELECT number, xmin::text FROM made.rows").fetchall())


def test_upserting_nothing_changes_nothing(platform: Platform) -> None:
    with created(platform.store.database, ALL) as cursor:
        assert upsert(cursor, ALL, frame([])) == 0


def test_an_error_inside_a_transaction_takes_everything_back(platform: Platform) -> None:
    with created(platform.store.database, ALL) as cursor:
        copy_into(cursor, ALL, frame([(None,) * len(KINDS)]))

    def write_and_fail() -> None:
        with platform.store.database.transaction() as cursor:
            copy_into(cursor, ALL, frame([(None,) * len(KINDS)] * 2)[1:])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()

    assert platform.store.read(ALL).height == 1


def test_the_servers_time_zone_changes_nothing(make_platform: MakePlatform) -> None:
    platform = make_platform()
    name = platform.store.database.url.rpartition("/")[2]
    with psycopg.connect(platform.store.database.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Hong_Kong'".encode())
    instant = datetime(2022, 5, 19, 13, 30, tzinfo=UTC)
    rows = frame([(None,) * len(KINDS)]).with_columns(
        c_timestamp=pl.lit(instant), c_date=pl.lit(date(2022, 5, 19))
    )
    with created(platform.store.database, ALL) as cursor:
        copy_into(cursor, ALL, rows)

    assert platform.store.read(ALL).select("c_timestamp", "c_date").rows() == [(instant, date(2022, 5, 19))]
