"""One source for each instrument, session and interval, by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.market.choosing import choose_sources

DAYS = (date(2025, 7, 1), date(2025, 7, 2))
COLUMNS = ("instrument_id", "session_date", "interval", "source", "adjustment", "session_phase")


def bars(rows: Sequence[tuple[str, str] | tuple[str, str, str]]) -> pl.DataFrame:
    plain = [("A.XNYS", DAYS[0], "1m", *row, *(["regular"] if len(row) == 2 else [])) for row in rows]
    return pl.DataFrame(plain, schema=COLUMNS, orient="row")


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([("alphavantage", "raw"), ("yahoo", "split")], ("yahoo", "split")),
        ([("zebra", "split"), ("alphavantage", "raw")], ("alphavantage", "raw")),
        ([("zebra", "split"), ("lean", "raw")], ("lean", "raw")),
        ([("yahoo", "split_dividend"), ("yahoo", "raw")], ("yahoo", "raw")),
        ([("yahoo", "raw"), ("yahoo", "split")], ("yahoo", "split")),
        # Yahoo brought nothing of the session itself: there is nothing to fold from it.
        ([("yahoo", "split", "post"), ("lean", "raw")], ("lean", "raw")),
        ([("lean", "raw", "pre"), ("yahoo", "split", "post")], ("yahoo", "split")),
    ],
)
def test_the_first_source_in_the_order_is_chosen_whatever_the_order_of_rows(
    rows: list[tuple[str, str]], chosen: tuple[str, str]
) -> None:
    for order in (rows, rows[::-1]):
        assert choose_sources(bars(order)).select("source", "adjustment").unique().rows() == [chosen]


def test_each_session_chooses_by_itself() -> None:
    first = bars([("yahoo", "split"), ("lean", "raw")])
    second = bars([("lean", "raw")]).with_columns(session_date=DAYS[1])

    chosen = choose_sources(pl.concat([first, second]))

    assert chosen["source"].to_list() == ["yahoo", "lean"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(DAYS), st.sampled_from(["x", "yahoo"])), max_size=20
    )
)
def test_every_session_that_has_bars_keeps_exactly_one_source(keys: list[tuple[str, date, str]]) -> None:
    rows = [(instrument, day, "1m", source, "raw", "regular") for instrument, day, source in keys]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(COLUMNS, pl.String) | {"session_date": pl.Date}, orient="row"
    )

    chosen = choose_sources(frame)

    scope = ["instrument_id", "session_date"]
    assert chosen.select(scope).unique().height == frame.select(scope).unique().height
    assert chosen.select(*scope, "source").unique().height == chosen.select(scope).unique().height
