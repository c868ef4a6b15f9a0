"""Rows as messages and as JSON: protobuf's own mapping, and nothing lost on the way there and back."""

import json

import polars as pl
import pytest

from findata.market.v1 import market_pb2
from findata_core.errors import DataError
from findata_core.schema.frames import polars_schema
from findata_core.schema.rows import frame_of, from_json_lines, json_lines, messages
from findata_core.schema.tables import Table, table, tables
from tests.schema import good_rows


def good_frame(target: Table) -> pl.DataFrame:
    return good_rows.frame_of(target, good_rows.good_row(target))


CURRENT = [item for item in tables() if item.schema != "history"]


@pytest.mark.parametrize("target", CURRENT, ids=lambda item: item.address)
def test_a_row_is_the_same_after_messages_and_after_json(target: Table) -> None:
    rows = good_frame(target)

    assert frame_of(target, messages(target, rows)).equals(rows)
    assert from_json_lines(target, json_lines(target, rows)).equals(rows)


def test_json_is_protobufs_own_mapping() -> None:
    target = table("market.bars")
    bar = good_frame(target).with_columns(volume=pl.lit(2**60), vwap=pl.lit(None, pl.Float64))

    record = json.loads(next(json_lines(target, bar)))

    assert record["instrumentId"] == "MSFT.XNAS"
    assert record["eventTime"] == "2022-05-19T13:30:00Z"
    assert record["sessionDate"] == "2022-05-19"
    assert record["volume"] == str(2**60)  # 64-bit integers are text: JavaScript's numbers can't hold them
    assert "vwap" not in record  # an optional field that is not set


def test_messages_have_the_fields_of_the_generated_classes() -> None:
    target = table("market.bars")
    record = next(messages(target, good_frame(target)))

    generated = market_pb2.Bar.FromString(record.SerializeToString())

    assert (generated.instrument_id, generated.volume) == ("MSFT.XNAS", 1000)
    assert generated.event_time.ToJsonString() == "2022-05-19T13:30:00Z"


@pytest.mark.parametrize("line", ["{", '{"nonsense": 1}', '{"volume": "many"}'])
def test_a_line_that_is_not_the_message_is_refused_with_its_number(line: str) -> None:
    good = next(json_lines(table("market.bars"), good_frame(table("market.bars"))))

    with pytest.raises(DataError, match=r"Line 2 is no findata\.market\.v1\.Bar"):
        from_json_lines(table("market.bars"), [good, line])


def test_no_lines_give_an_empty_frame_of_the_tables_shape() -> None:
    assert from_json_lines(table("market.bars"), []).schema == polars_schema(table("market.bars"))
