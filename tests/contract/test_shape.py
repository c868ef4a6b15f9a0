"""What v1 promises: names, types and order as they were released, in proto/ and in a database, comments on all."""

from __future__ import annotations

import copy

import polars as pl
import psycopg
import pytest

from findata_assets.steps.platform import Platform
from findata_core.errors import ConfigurationError
from findata_core.schema import tables as contract
from findata_core.schema.frames import arrow_schema, conform, empty
from findata_core.schema.tables import Table
from findata_core.schema.views import View, live_views, view, views
from tests.contract.shape import broken, declared, released

SHAPE_IN_THE_DATABASE = """
    SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        col_description(c.oid, a.attnum), obj_description(c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE n.nspname IN ('v1', 'v1_live') AND c.relkind = 'v' AND a.attnum > 0 ORDER BY 1, a.attnum
"""
# What PostgreSQL calls the types that statements name otherwise.
CALLED = {"TIMESTAMP WITH TIME ZONE": "timestamp with time zone", "FLOAT": "double precision"}


def test_v1_is_what_was_released_but_for_columns_at_the_end() -> None:
    assert broken(released(), declared()) == []


def test_what_was_added_to_v1_is_held_too() -> None:
    assert released() == declared(), "python -m tests.contract.shape writes v1.json anew"


@pytest.mark.parametrize("change", ["renamed", "retyped", "moved", "removed", "in the middle", "view gone"])
def test_every_way_to_break_a_reader_is_found(change: str) -> None:
    now = copy.deepcopy(released())
    columns = now["v1.rates"]
    match change:
        case "renamed":
            columns[3][0] = "value_percent"
        case "retyped":
            columns[3][1] = "NUMERIC"
        case "moved":
            columns[3], columns[4] = columns[4], columns[3]
        case "removed":
            del columns[-1]
        case "in the middle":
            columns.insert(2, ["added", "TEXT"])
        case "view gone":
            del now["v1.rates"]
    assert [text.split()[0] for text in broken(released(), now)] == ["v1.rates"]


def test_a_column_at_the_end_breaks_nobody() -> None:
    now = copy.deepcopy(released())
    now["v1.rates"].append(["added", "TEXT"])
    now["v1_live.bars"].insert(-1, ["added", "TEXT"])
    assert broken(released(), now) == []


def test_the_database_has_the_shape_and_a_comment_on_every_view_and_column(loaded_sample: Platform) -> None:
    found: dict[str, list[list[str]]] = {}
    uncommented = []
    with psycopg.connect(loaded_sample.store.database.url) as connection:
        for address, name, kind, comment, told in connection.execute(SHAPE_IN_THE_DATABASE):
            found.setdefault(address, []).append([name, kind])
            if not comment or not told:
                uncommented.append(f"{address}.{name}")
    spelt = {
        address: [[name, CALLED.get(kind, kind.lower()).replace("varchar", "text")] for name, kind in columns]
        for address, columns in declared().items()
    }
    assert found == spelt
    assert uncommented == []


def test_a_views_comment_on_a_column_is_protos_with_its_unit(loaded_sample: Platform) -> None:
    with psycopg.connect(loaded_sample.store.database.url) as connection:
        row = connection.execute(
            "SELECT col_description('v1.candles'::regclass, attnum) FROM pg_attribute "
            "WHERE attrelid = 'v1.candles'::regclass AND attname = 'volume'"
        ).fetchone()
    assert row == ("Sum of the bars' volumes. [shares]",)


@pytest.mark.parametrize("item", [*views(), *live_views()], ids=lambda item: item.address)
def test_a_view_has_a_tables_shape(item: View) -> None:
    assert isinstance(item, Table)
    assert arrow_schema(item).names == item.column_names
    assert conform(pl.DataFrame(schema=empty(item).schema), item).columns == item.column_names
    assert set(item.business_key) <= set(item.column_names)
    assert item.comment


@pytest.mark.parametrize("item", views(), ids=lambda item: item.address)
def test_the_live_view_has_the_same_columns_and_says_which_rows_are_settled(item: View) -> None:
    more = ["is_settled"] if "settles_time" in item.column_names else []
    assert item.live().column_names == [*item.column_names, *more]
    assert view(f"v1_live.{item.name}") == item.live()


def test_an_unknown_view_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match=r"v1\.candles"):
        view("v1.candels")


def test_a_deprecated_column_says_until_when_it_stays_and_none_is_deprecated_without_it() -> None:
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FieldOptions

    from findata.annotations.v1 import annotations_pb2

    field = FieldDescriptorProto(name="open", options=FieldOptions(deprecated=True))
    option = annotations_pb2.Column(deprecated_until="2027-06-30")
    assert contract._deprecation(field, option) == " Deprecated: stays until 2027-06-30 at least."
    with pytest.raises(ConfigurationError, match="deprecated_until"):
        contract._deprecation(field, annotations_pb2.Column())
