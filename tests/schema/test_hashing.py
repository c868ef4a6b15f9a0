"""Content hashes: pinned by another computation, independent of order and knowledge, blind to nothing else."""

import hashlib
import json
import math
import random
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema.hashing import content_hash, digests
from findata_core.schema.tables import Column, ColumnKind, Table, table, tables
from tests.schema.good_rows import KNOWN, OPEN, frame_of, good_row

HASHED = [item.address for item in tables() if item.digest_subject]
MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def minutes(count: int) -> list[dict[str, Any]]:
    """Rows of market.bars, a minute apart."""
    row = good_row(table("market.bars"))
    return [{**row, "event_time": OPEN + n * MINUTE, "volume": n} for n in range(count)]


def one_hash(declared: Table, *rows: dict[str, Any]) -> str:
    return content_hash(declared, frame_of(declared, *rows))


def test_the_digest_of_two_symbols_is_the_one_computed_with_hashlib_alone() -> None:
    symbols = table("reference.symbols")
    row = {"source": "yahoo", "from_date": date(2019, 11, 26), "ingest_time": KNOWN, "payload_id": 7}
    rows = [
        {**row, "symbol": "MSFT", "to_date": None, "instrument_id": "MSFT.XNAS"},
        {**row, "symbol": "AZN.L", "to_date": date(2030, 1, 1), "instrument_id": "AZN.XLON"},
    ]

    # Header, scope, then per column: a null flag a row where nulls may be, lengths and texts, days as int64.
    expected = hashlib.sha256(
        b'["reference.symbols", ["symbol", "from_date", "to_date", "instrument_id"]]'
        b'["yahoo"]'
        + struct.pack("<ii", 5, 4)
        + b"AZN.LMSFT"
        + struct.pack("<qq", (date(2019, 11, 26) - date(1970, 1, 1)).days, 18226)
        + bytes([0, 1])
        + struct.pack("<qq", (date(2030, 1, 1) - date(1970, 1, 1)).days, 0)
        + struct.pack("<ii", 8, 9)
        + b"AZN.XLONMSFT.XNAS"
    ).hexdigest()

    assert digests(symbols, frame_of(symbols, *rows)).rows() == [
        ("reference.symbols", "yahoo", date(1970, 1, 1), "", expected, 2)
    ]


def test_the_digest_of_a_bar_is_the_one_computed_with_hashlib_alone() -> None:
    bars = table("market.bars")
    row = good_row(bars) | {"vwap": None}
    columns = ["event_time", "session_phase", "open", "high", "low", "close", "volume", "vwap", "trade_count"]

    expected = hashlib.sha256(
        json.dumps(["market.bars", [*columns, "settles_time"]]).encode()
        + b'["MSFT.XNAS", "2022-05-19", "1m", "yahoo", "split"]'
        + struct.pack("<q", round((OPEN - EPOCH).total_seconds() * 1_000_000))
        + struct.pack("<i", 7)
        + b"regular"
        + struct.pack("<4d", 253.89, 254.5, 253.5, 254.1)
        + struct.pack("<q", 1000)
        + struct.pack("<Bd", 1, 0.0)
        + struct.pack("<Bq", 0, 12)
        + struct.pack("<q", round((row["settles_time"] - EPOCH).total_seconds() * 1_000_000))
    ).hexdigest()

    assert digests(bars, frame_of(bars, row)).rows() == [
        ("market.bars", "MSFT.XNAS", date(2022, 5, 19), "1m/yahoo/split", expected, 1)
    ]


@given(seed=st.integers(0, 1000), count=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_does_not_matter(seed: int, count: int) -> None:
    bars = table("market.bars")
    rows = minutes(count) + [{**row, "source": "other"} for row in minutes(count)]
    shuffled = random.Random(seed).sample(rows, len(rows))

    assert one_hash(bars, *shuffled) == one_hash(bars, *rows)


@given(cut=st.integers(1, 19))
@settings(max_examples=19, deadline=None)
def test_how_a_frame_is_chunked_does_not_matter(cut: int) -> None:
    bars = table("market.bars")
    rows = frame_of(bars, *minutes(20))
    chunked = pl.concat([rows[:cut], rows[cut:]], rechunk=False)

    assert digests(bars, chunked).equals(digests(bars, rows))
    assert digests(bars, chunked[cut:]).equals(digests(bars, rows[cut:].rechunk()))


@pytest.mark.parametrize("address", HASHED)
def test_times_of_knowledge_and_ids_of_payloads_do_not_matter(address: str) -> None:
    declared = table(address)
    row = good_row(declared)

    for column in declared.columns:
        if column.is_knowledge:
            assert one_hash(declared, {**row, column.name: another(column, row)}) == one_hash(declared, row)


@pytest.mark.parametrize("address", HASHED)
def test_every_other_cell_matters(address: str) -> None:
    declared = table(address)
    row = good_row(declared)

    for column in declared.columns:
        if column.is_knowledge:
            continue
        changed = {**row, column.name: another(column, row)}
        assert one_hash(declared, changed) != one_hash(declared, row), column.name
        if column.is_nullable and row[column.name] is not None:
            assert one_hash(declared, {**row, column.name: None}) != one_hash(declared, row), column.name


OTHER_VALUES: dict[ColumnKind, Callable[[Any], Any]] = {
    ColumnKind.TEXT: lambda value: value + "x",
    ColumnKind.TEXT_LIST: lambda value: [*value, ""],
    ColumnKind.BOOLEAN: lambda value: not value,
    ColumnKind.TIMESTAMP: lambda value: value + timedelta(microseconds=1),
    ColumnKind.DATE: lambda value: value + timedelta(days=1),
    ColumnKind.FLOAT64: lambda value: math.nextafter(value, math.inf),
    ColumnKind.DECIMAL: lambda value: value + Decimal("0.000000000001"),
    ColumnKind.INT32: lambda value: value + 1,
    ColumnKind.INT64: lambda value: value + 1,
}
ENCODED_AS_NULL: dict[ColumnKind, Any] = {
    ColumnKind.TEXT: "",
    ColumnKind.DATE: date(1970, 1, 1),
    ColumnKind.FLOAT64: 0.0,
    ColumnKind.DECIMAL: Decimal(0),
}


def another(column: Column, row: dict[str, Any]) -> Any:
    """A value of the column's kind that is not the row's; for a null the one that null is encoded as."""
    value = row[column.name]
    return ENCODED_AS_NULL[column.kind] if value is None else OTHER_VALUES[column.kind](value)


bar_values = st.fixed_dictionaries(
    {
        "open": st.floats(0.01, 1e6),
        "volume": st.integers(0, 2**62),
        "vwap": st.none() | st.floats(allow_nan=False),
        "trade_count": st.none() | st.integers(0, 2**62),
        "session_phase": st.sampled_from(["regular", "pre", "post", "closing"]),
    }
)


@given(one=st.lists(bar_values, min_size=1, max_size=4), other=st.lists(bar_values, min_size=1, max_size=4))
@settings(max_examples=100, deadline=None)
def test_two_sessions_have_one_hash_only_if_they_are_equal(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    bars = table("market.bars")
    first = [row | values for row, values in zip(minutes(len(one)), one, strict=True)]
    second = [row | values for row, values in zip(minutes(len(other)), other, strict=True)]

    assert (one_hash(bars, *first) == one_hash(bars, *second)) == (one == other)


def test_zero_has_no_sign_and_a_number_that_is_none_no_shade() -> None:
    bars = table("market.bars")
    (row,) = minutes(1)
    (other_nan,) = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_0000_0001))

    assert one_hash(bars, row | {"vwap": -0.0}) == one_hash(bars, row | {"vwap": 0.0})
    assert one_hash(bars, row | {"vwap": other_nan}) == one_hash(bars, row | {"vwap": math.nan})
    assert one_hash(bars, row | {"vwap": math.inf}) != one_hash(bars, row | {"vwap": -math.inf})


@given(
    one=st.lists(st.text("a\x1f:1", max_size=3), max_size=3),
    other=st.lists(st.text("a\x1f:1", max_size=3), max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_lists_of_texts_have_one_hash_only_if_they_are_equal(one: list[str], other: list[str]) -> None:
    pivots = table("signals.weekly_pivots")
    row = good_row(pivots)

    hashes = {one_hash(pivots, {**row, "source_candles": names}) for names in (one, other)}

    assert (len(hashes) == 1) == (one == other)


def test_each_subject_date_and_slice_has_its_own_digest() -> None:
    bars = table("market.bars")
    rows = minutes(2)
    others = [rows[0] | {"instrument_id": "AZN.XLON"}, rows[0] | {"source": "other"}]

    scopes = digests(bars, frame_of(bars, *rows, *others)).select("subject", "slice", "row_count")

    assert sorted(scopes.rows()) == [
        ("AZN.XLON", "1m/yahoo/split", 1),
        ("MSFT.XNAS", "1m/other/split", 1),
        ("MSFT.XNAS", "1m/yahoo/split", 2),
    ]


def test_a_digest_does_not_depend_on_what_else_the_frame_holds() -> None:
    bars = table("market.bars")
    rows = minutes(3)
    alone = digests(bars, frame_of(bars, *rows)).get_column("sha256").item()

    beside = frame_of(bars, *rows, *[row | {"instrument_id": "A.XNAS"} for row in rows])

    assert digests(bars, beside).filter(pl.col("subject") == "MSFT.XNAS").get_column("sha256").item() == alone


def test_the_same_rows_in_another_table_have_another_digest() -> None:
    intraday, daily = table("market.bars"), table("market.bars_1d")

    assert one_hash(intraday, *minutes(1)) != one_hash(daily, *minutes(1))


def test_no_rows_have_no_digest() -> None:
    bars = table("market.bars")

    assert digests(bars, frame_of(bars, *minutes(1)).clear()).is_empty()
    assert content_hash(bars, frame_of(bars, *minutes(1)).clear()) == hashlib.sha256().hexdigest()
