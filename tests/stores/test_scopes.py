"""Scopes told apart row by row are those that a join tells apart, and changes are the ones that can be counted off."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema.frames import empty
from findata_core.schema.tables import table
from findata_resources.stores import scopes as module
from findata_resources.stores.scopes import SCOPE, changed_scopes, rows_of, scope_set, scopes_frame, split

BARS = table("market.bars")
RATES = table("rates.averages")
DAYS = [date(2025, 6, 2), date(2025, 6, 3)]
scope = st.tuples(st.sampled_from(["A.XNYS", "B.XNYS"]), st.sampled_from(DAYS), st.sampled_from(["1m", "5m"]))


def bars(scopes: list[tuple[str, date, str]]) -> pl.DataFrame:
    """Rows that have nothing but their scope, and a number to be told by."""
    kinds = [(*item, "seeded", "split", number) for number, item in enumerate(scopes)]
    schema = ["instrument_id", "session_date", "interval", "source", "adjustment", "volume"]
    return pl.DataFrame(kinds, schema=schema, orient="row")


@settings(deadline=None, max_examples=60)
@given(st.lists(scope, min_size=1, max_size=8), st.lists(scope, max_size=4))
def test_few_rows_are_chosen_as_many_are(
    rows: list[tuple[str, date, str]], wanted: list[tuple[str, date, str]]
) -> None:
    chosen = scopes_frame((subject, day, f"{interval}/seeded/split") for subject, day, interval in wanted)
    few = rows_of(BARS, bars(rows), chosen)
    limit, module.FEW_ROWS = module.FEW_ROWS, 0
    try:
        many = rows_of(BARS, bars(rows), chosen)
    finally:
        module.FEW_ROWS = limit
    expected = [number for number, row in enumerate(rows) if row in wanted]
    assert few.get_column("volume").to_list() == many.get_column("volume").to_list() == expected


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
