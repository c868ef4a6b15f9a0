"""Plain files are cut by columns, others by Python's own CSV reader: both ways give the same fields."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.errors import MalformedPayload
from findata_resources.providers import recorded_layout
from findata_resources.providers.recorded_layout import fields
from findata_resources.providers.recorded_manifest import LayoutPart

CELLS = st.text(alphabet=' \t\x0b\x1f"ab1.-\u00a0é', max_size=4)
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6)


def by_the_reader(
    monkeypatch: pytest.MonkeyPatch, body: bytes, layout: LayoutPart, nulls: list[str]
) -> pl.DataFrame:
    with monkeypatch.context() as patched:
        patched.setattr(recorded_layout, "_split", lambda *_: None)
        return fields(body, layout, nulls)


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, delimiter=st.sampled_from([",", ";", "\t"]), header=st.sampled_from(["line", "none"]))
def test_both_ways_give_the_same_fields(rows: list[list[str]], delimiter: str, header: str) -> None:
    layout = LayoutPart(delimiter=delimiter, header=header)
    body = "\n".join(delimiter.join(row) for row in rows).encode()
    with pytest.MonkeyPatch.context() as patched:
        expected: pl.DataFrame | str
        try:
            expected = by_the_reader(patched, body, layout, ["", "-"])
        except MalformedPayload as error:
            expected = str(error)
    try:
        found: pl.DataFrame | str = fields(body, layout, ["", "-"])
    except MalformedPayload as error:
        found = str(error)
    if isinstance(expected, pl.DataFrame) and isinstance(found, pl.DataFrame):
        assert found.equals(expected)
        assert found.schema == expected.schema
    else:
        assert found == expected


def test_a_plain_file_is_cut_by_columns() -> None:
    frame = recorded_layout._split(["time,open", "2022-05-19 , 1.5", ",", "2022-05-20,2"], ",")
    assert frame is not None
    assert frame.rows() == [("time", "open"), ("2022-05-19", "1.5"), ("2022-05-20", "2")]


@pytest.mark.parametrize("lines", [['a,"b"'], ["a,b", "a"], ["é,b"], [], [","]])
def test_others_are_left_to_the_reader(lines: list[str]) -> None:
    assert recorded_layout._split(lines, ",") is None
