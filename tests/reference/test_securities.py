"""Which names are one security: renamed, reused, gone, back, two classes, several sources."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.reference.securities import Identified, identify
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table
from findata_core.schema.validation import validate
from findata_resources.environment import PROJECT

TARGET = table("reference.listings")
KEY = list(TARGET.business_key)
BY_HAND = tomllib.loads((PROJECT / "tests/answers/securities_by_hand.toml").read_text())
JANUARY, MARCH = date(2024, 1, 2), date(2024, 3, 1)


def spell(symbol: str, start: date, end: date | None = None, **more: Any) -> dict[str, Any]:
    """A row of a source that tells securities apart."""
    usual = {
        "region": "US",
        "source": "lean",
        "symbology": "ticker",
        "symbol": symbol,
        "mic": "XNAS",
        "from_date": start,
        "to_date": end,
        "is_snapshot": False,
        "source_id": symbol,
        "name": None,
        "ingest_time": datetime(2024, 6, 1, tzinfo=UTC),
        "payload_id": 1,
    }
    return usual | more


def seen(symbol: str, day: date, **more: Any) -> dict[str, Any]:
    """A row of a list of one day."""
    usual = {
        "source": "list",
        "is_snapshot": True,
        "source_id": "",
        "ingest_time": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
    }
    return spell(symbol, day, day, **usual | more)


def frame(*rows: dict[str, Any]) -> pl.DataFrame:
    if not rows:
        return empty(TARGET)
    return conform(pl.DataFrame(list(rows), infer_schema_length=None), TARGET).sort(KEY)


def identified(*rows: dict[str, Any], first: pl.DataFrame | None = None) -> Identified:
    known = pl.DataFrame(
        schema={**{name: empty(TARGET).schema[name] for name in KEY}, "first_time": pl.Datetime("us", "UTC")}
    )
    return identify(frame(*rows), known if first is None else first)


def names(found: Identified) -> dict[str, list[list[str]]]:
    told: dict[str, list[list[str]]] = {}
    for row in found.names.sort("from_date", "symbol").iter_rows(named=True):
        told.setdefault(row["security_id"], []).append(
            [row["symbol"], str(row["from_date"]), str(row["to_date"] or "")]
        )
    return told


def broken(*rows: dict[str, Any]) -> list[tuple[int, str]]:
    return validate(TARGET, frame(*rows)).failures.select("row_number", "rule").rows()


def test_lists_of_three_days_mean_what_was_worked_by_hand() -> None:
    rows = [
        seen(symbol, one["day"], cik=cik) for one in BY_HAND["list"] for symbol, cik in one["names"].items()
    ]
    assert names(identified(*rows)) == BY_HAND["expected"]


def test_names_of_companies_tell_a_renaming_where_there_is_no_number() -> None:
    rows = [
        seen("FB", JANUARY, name="Facebook, Inc."),
        seen("XYZ", JANUARY, name="Other"),
        seen("META", MARCH, name="FACEBOOK INC"),
        seen("XYZ", MARCH, name="Other"),
    ]
    assert names(identified(*rows))["FB.XNAS@2024-01-02"] == [
        ["FB", "2024-01-02", "2024-01-02"],
        ["META", "2024-03-01", ""],
    ]


def test_a_name_without_an_issuer_is_no_renaming() -> None:
    found = identified(seen("A", JANUARY), seen("B", JANUARY), seen("C", MARCH), seen("B", MARCH))
    assert sorted(names(found)) == ["A.XNAS@2024-01-02", "B.XNAS@2024-01-02", "C.XNAS@2024-03-01"]


def test_two_classes_of_one_issuer_that_are_both_renamed_are_not_guessed() -> None:
    before = [seen("GOOG", JANUARY, cik="1"), seen("GOOGL", JANUARY, cik="1")]
    after = [seen("ABC", MARCH, cik="1"), seen("ABCL", MARCH, cik="1")]
    assert len(names(identified(*before, *after))) == 4


def test_a_company_that_changes_its_name_keeps_its_security() -> None:
    found = identified(seen("A", JANUARY, name="Old Inc"), seen("A", MARCH, name="New Inc"))
    assert names(found) == {"A.XNAS@2024-01-02": [["A", "2024-01-02", ""]]}
    assert found.securities.item(0, "name") == "New Inc"


def test_sources_that_agree_on_a_name_describe_one_security() -> None:
    found = identified(
        spell("NWSA", date(2004, 11, 12), date(2013, 6, 28), source_id="x"),
        spell("FOXA", date(2013, 6, 29), source_id="x"),
        seen("FOXA", MARCH, name="Fox", gics_sector="Communication Services"),
        seen("FOXA", MARCH, source="other", mic="", cik="7"),
    )
    (row,) = found.securities.to_dicts()
    assert row["security_id"] == "FOXA.XNAS@2024-03-01"  # known in March, the map file in June
    assert (row["name"], row["cik"], row["gics_sector"]) == ("Fox", "7", "Communication Services")
    assert (row["sources"], row["symbol"], row["listed_date"]) == (
        ["lean", "list", "other"],
        "FOXA",
        date(2004, 11, 12),
    )


def test_a_name_without_an_exchange_that_fits_two_securities_joins_neither() -> None:
    found = identified(
        spell("ABC", JANUARY, source_id="n", mic="XNAS"),
        spell("ABC", JANUARY, source_id="t", mic="XNYS"),
        seen("ABC", MARCH, mic="", cik="1"),
    )
    assert len(found.securities) == 3


def test_a_security_of_one_source_is_never_joined_with_another_of_it() -> None:
    """A table that calls a ticker one security for ever does not make one of its two holders."""
    found = identified(
        spell("GOOG", date(2004, 8, 19), date(2014, 4, 2), source_id="a"),
        spell("GOOG", date(2014, 4, 3), source_id="c"),
        spell("GOOG", date(2004, 8, 19), source="mine", source_id="goog"),
    )
    assert len(found.securities) == 3


def test_dates_without_exchange_or_identifier_make_no_security() -> None:
    found = identified(spell("GOOGL", date(2006, 4, 3), source_id="", mic=""))
    assert found.securities.is_empty()
    assert found.names.is_empty()


def test_nothing_said_is_nothing_known() -> None:
    found = identified()
    assert (found.securities.height, found.names.height) == (0, 0)


def test_an_identifier_stays_when_its_first_row_is_said_again() -> None:
    """The end of a name is learnt later: a new version, first said in January."""
    closed = spell("A", JANUARY, MARCH, ingest_time=datetime(2025, 1, 1, tzinfo=UTC))
    other = spell(
        "A",
        date(2020, 1, 2),
        MARCH,
        source="mine",
        source_id="z",
        ingest_time=datetime(2024, 9, 1, tzinfo=UTC),
    )
    first = frame(closed).select(*KEY, pl.lit(datetime(2024, 1, 2, tzinfo=UTC)).alias("first_time"))
    assert identified(closed, other, first=first).securities.item(0, "security_id") == "A.XNAS@2024-01-02"


def test_the_last_day_is_known_only_where_no_name_goes_on() -> None:
    found = identified(spell("A", JANUARY, MARCH, delisted_date=date(2024, 3, 4)), spell("B", JANUARY))
    ends = dict(found.securities.select("symbol", "delisted_date").iter_rows())
    assert ends == {"A": date(2024, 3, 4), "B": None}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("ABCDEFG"), min_size=1), min_size=1, max_size=6))
def test_on_each_listed_day_each_name_means_one_security(days: list[set[str]]) -> None:
    listed = [date(2024, 1, 1 + number) for number in range(len(days))]
    rows = [seen(symbol, day) for day, symbols in zip(listed, days, strict=True) for symbol in symbols]
    found = identified(*rows).names
    for day, symbols in zip(listed, days, strict=True):
        then = found.filter(pl.col("from_date") <= day, pl.col("to_date").fill_null(date.max) >= day)
        assert sorted(then["symbol"]) == sorted(symbols)


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    rows = [
        seen("A", JANUARY, cik="1"),
        seen("B", MARCH, cik="1"),
        spell("A", date(2020, 1, 2), JANUARY, source_id="q"),
        spell("B", date(2024, 1, 3), source_id="q"),
        seen("B", MARCH, source="third", mic=""),
        spell("US0000000001", date(2020, 1, 2), symbology="isin", source_id="q"),
    ]
    found = identified(*(rows[number] for number in order))
    assert found.securities.equals(identified(*rows).securities)
    assert found.names.equals(identified(*rows).names)
    assert found.securities.height == 1


@pytest.mark.parametrize(
    ("rows", "rules"),
    [
        ([spell("A", JANUARY, mic="XXXX")], [(0, "unknown_mic")]),
        ([spell("A", MARCH, JANUARY)], [(0, "ends_before_it_begins")]),
        ([spell("A", JANUARY), spell("A", JANUARY)], [(1, "key_not_increasing")]),
        (
            [spell("A", JANUARY, source_id="x"), spell("A", MARCH, source_id="y")],
            [(0, "means_two_securities"), (1, "means_two_securities")],
        ),
        ([spell("A", JANUARY, date(2024, 2, 29), source_id="x"), spell("A", MARCH, source_id="y")], []),
        ([spell("A", JANUARY, source_id="x"), spell("A", MARCH, source_id="x")], []),
        ([spell("A B", JANUARY)], [(0, "symbol_malformed")]),
        ([spell("A", JANUARY, cik="0012")], [(0, "cik_malformed")]),
    ],
)
def test_names_that_cannot_be_are_refused_with_the_reason(
    rows: list[dict[str, Any]], rules: list[tuple[int, str]]
) -> None:
    assert broken(*rows) == rules
