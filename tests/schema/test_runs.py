"""Runs of rows are those that Python counts off, with nulls and NaN among them; no scope of a table holds a null."""

from __future__ import annotations

from itertools import groupby

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.schema import runs
from findata_core.schema.tables import tables

NAN = float("nan")
row = st.tuples(st.sampled_from(["A", "B", None]), st.sampled_from([0.0, 1.5, NAN, None]))
rows_of_two = st.lists(row, max_size=12)


def framed(rows: list[tuple[str | None, float | None]]) -> pl.DataFrame:
    """Rows of two columns."""
    return pl.DataFrame(rows, schema={"name": pl.String, "value": pl.Float64}, orient="row")


@settings(deadline=None, max_examples=100)
@given(rows_of_two)
def test_a_run_starts_where_a_column_differs(rows: list[tuple[str | None, float | None]]) -> None:
    first, expected = 0, []
    for _, run in groupby(rows, repr):
        expected.append(first)
        first += len(list(run))
    frame = framed(rows)
    assert runs.starts(frame, ["name", "value"]).tolist() == expected
    assert [repr(values) for values in runs.heads(frame, ["name", "value"])] == [
        repr(rows[n]) for n in expected
    ]


@settings(deadline=None, max_examples=60)
@given(rows_of_two, st.sets(st.sampled_from(["A", "B", None])))
def test_rows_within_wanted_values_are_chosen_in_their_order(
    rows: list[tuple[str | None, float | None]], wanted: set[str | None]
) -> None:
    frame = framed(rows)
    chosen = runs.chosen(frame, runs.within(frame, ["name"], {(name,) for name in wanted}))
    assert [repr(found) for found in chosen.iter_rows()] == [repr(said) for said in rows if said[0] in wanted]
    assert chosen.schema == frame.schema


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(row, row), max_size=8))
def test_values_differ_as_what_python_writes_of_them(
    pairs: list[tuple[tuple[str | None, float | None], tuple[str | None, float | None]]],
) -> None:
    before, after = framed([one for one, _ in pairs]), framed([other for _, other in pairs])
    for number, name in enumerate(("name", "value")):
        differs = runs.differences(before.get_column(name), after.get_column(name))
        assert differs.tolist() == [repr(one[number]) != repr(other[number]) for one, other in pairs]


@pytest.mark.parametrize("address", [found.address for found in tables() if found.digest_subject])
def test_what_tells_scopes_apart_is_never_null(address: str) -> None:
    (table,) = (found for found in tables() if found.address == address)
    told_by = (table.digest_subject, table.digest_date, *table.digest_slice)
    assert [name for name in told_by if name and table.column(name).is_nullable] == []
