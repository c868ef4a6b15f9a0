"""Rows are chosen by their scopes, and differences are the ones that can be counted off."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.stores.scopes import (
    SCOPE,
    changed_scopes,
    difference,
    pairs_frame,
    pairs_of,
    rows_of,
    scope_set,
    scopes_frame,
    split,
)

BARS = table("market.bars")
RATES = table("rates.averages")
DAYS = [date(2025, 6, 2), date(2025, 6, 3)]
scope = st.tuples(st.sampled_from(["A.XNYS", "B.XNYS"]), st.sampled_from(DAYS), st.sampled_from(["1m", "5m"]))

price = st.one_of(st.none(), st.sampled_from([0.0, 1.5, float("nan")]))


def priced(rows: dict[int, float | None]) -> pl.DataFrame:
    """Rows of a key and a value."""
    return pl.DataFrame(list(rows.items()), schema={"key": pl.Int64, "close": pl.Float64}, orient="row")


def told(rows: pl.DataFrame) -> set[str]:
    """What rows hold, NaN as itself."""
    return {repr(row) for row in rows.iter_rows()}


def bars(scopes: list[tuple[str, date, str]]) -> pl.DataFrame:
    """Rows that have nothing but their scope, and a number to be told by."""
    kinds = [(*item, "seeded", "split", number) for number, item in enumerate(scopes)]
    schema = ["instrument_id", "session_date", "interval", "source", "adjustment", "volume"]
    return pl.DataFrame(kinds, schema=schema, orient="row")


@settings(deadline=None, max_examples=60)
@given(st.lists(scope, min_size=1, max_size=8), st.lists(scope, max_size=4))
def test_rows_are_chosen_by_their_scopes_whatever_lies_between_them(
    rows: list[tuple[str, date, str]], wanted: list[tuple[str, date, str]]
) -> None:
    chosen = scopes_frame((subject, day, f"{interval}/seeded/split") for subject, day, interval in wanted)
    expected = [number for number, row in enumerate(rows) if row in wanted]
    assert rows_of(BARS, bars(rows), chosen).get_column("volume").to_list() == expected

    pairs = {row[:2] for row in wanted}
    outside, inside = split(BARS, bars(rows), pairs_frame(pairs))
    assert inside.get_column("volume").to_list() == [n for n, row in enumerate(rows) if row[:2] in pairs]
    assert outside.get_column("volume").to_list() == [n for n, row in enumerate(rows) if row[:2] not in pairs]
    assert pairs_of(BARS, bars(rows)) == {row[:2] for row in rows}


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.integers(0, 5), price, max_size=6),
    st.dictionaries(st.integers(0, 5), price, max_size=6),
)
def test_rows_differ_that_only_one_side_holds(
    old: dict[int, float | None], new: dict[int, float | None]
) -> None:
    gone, come = difference(priced(old), priced(new))
    assert told(gone) == {row for row in told(priced(old)) if row not in told(priced(new))}
    assert told(come) == {row for row in told(priced(new)) if row not in told(priced(old))}


def test_new_different_and_gone_scopes_are_changed_and_others_only_when_asked_for() -> None:
    a, b, c, d = (("A", DAYS[0], name) for name in "abcd")

    def digests(sums: dict[tuple[str, date, str], str]) -> pl.DataFrame:
        return scopes_frame(sums).with_columns(pl.Series("sha256", list(sums.values()), pl.String))

    fresh, stored = digests({a: "1", b: "2", c: "3"}), digests({a: "1", b: "9", d: "4"})
    assert scope_set(changed_scopes(fresh, stored)) == {b, c, d}
    assert scope_set(changed_scopes(fresh, stored, frozenset({("A", DAYS[0])}))) == {a, b, c, d}
    assert changed_scopes(fresh, fresh).columns == SCOPE


def test_nothing_is_inside_of_no_pairs() -> None:
    rows = bars([("A.XNYS", DAYS[0], "5m")])
    outside, inside = split(BARS, rows, scopes_frame([]).drop("slice"))
    assert (outside.height, inside.height) == (1, 0)
    assert rows_of(RATES, empty(RATES), scopes_frame([])).is_empty()
