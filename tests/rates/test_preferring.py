"""Which source speaks for a day, and where sources contradict each other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

import polars as pl

from findata_core.rates.preferring import contradicting_sources, merged_averages, preferred_fixings
from findata_core.rates.reviewed import reviewed
from findata_core.rates.sofr import compare, mismatches, recompute_averages

Rows = Callable[..., pl.DataFrame]
DAY, NEXT = date(2022, 6, 29), date(2022, 6, 30)
LATER = datetime(2022, 7, 2, tzinfo=UTC)


def test_the_administrator_speaks_before_others_and_these_by_name(fixings: Rows) -> None:
    rows = pl.concat(
        [
            fixings({DAY: 1.5, NEXT: 1.6}, source="fred"),
            fixings({DAY: 1.51}, source="nyfed"),
            fixings({NEXT: 1.7}, source="abc"),
        ]
    )
    chosen = preferred_fixings(rows)
    assert chosen.select("observation_date", "source", "rate_percent").rows() == [
        (DAY, "nyfed", 1.51),
        (NEXT, "abc", 1.7),
    ]


def test_each_average_comes_from_the_source_that_has_it(published: Rows) -> None:
    rows = pl.concat(
        [
            published({DAY: {"average_30day_percent": 1.06}}, source="fred_sofr30dayavg"),
            published({DAY: {"index_value": 1.04}}, source="fred_sofrindex", ingest_time=LATER),
            published({DAY: {"average_30day_percent": 1.07}}, source="nyfed"),
        ]
    )
    (row,) = merged_averages(rows).to_dicts()
    assert (row["average_30day_percent"], row["average_30day_percent.source"]) == (1.07, "nyfed")
    assert (row["index_value"], row["index_value.source"], row["index_value.ingest_time"]) == (
        1.04,
        "fred_sofrindex",
        LATER,
    )
    assert row["average_90day_percent"] is row["average_90day_percent.source"] is None


def test_an_average_names_the_source_that_it_is_compared_with(fixings: Rows, published: Rows) -> None:
    figures = pl.concat(
        [
            published({DAY: {"index_value": 1.0}}, source="fred_sofrindex", ingest_time=LATER),
            published({DAY: {"average_30day_percent": 1.07}}, source="nyfed"),
        ]
    )
    rows = recompute_averages(fixings({DAY: 1.5}), merged_averages(figures))
    assert dict(rows.select("measure", "published_source").iter_rows()) == {
        "average_30day": "nyfed",
        "average_90day": None,
        "average_180day": None,
        "index": "fred_sofrindex",
    }
    assert rows.filter(measure="index")["ingest_time"].to_list() == [LATER]


def test_sources_that_differ_are_found_and_those_that_agree_are_not(fixings: Rows) -> None:
    one, other = fixings({DAY: 1.5, NEXT: 1.6}), fixings({DAY: 1.5, NEXT: 1.61}, source="fred")
    found = contradicting_sources(pl.concat([one, other]))
    assert found.select("observation_date", "source").rows() == [(NEXT, "fred"), (NEXT, "nyfed")]


def test_counts_say_what_was_compared_what_is_null_and_what_differs(fixings: Rows, published: Rows) -> None:
    figures = published({DAY: {"index_value": 1.0}, NEXT: {"index_value": 1.1, "average_30day_percent": 1.5}})
    averages = recompute_averages(fixings({DAY: 3.6, NEXT: 3.6}), figures)
    counts = {row["measure"]: row for row in compare(averages).to_dicts()}
    index, thirty = counts["index"], counts["average_30day"]
    assert (index["compared"], index["null"], index["mismatched"], index["reviewed"]) == (2, 0, 1, 0)
    assert (thirty["compared"], thirty["null"], thirty["unpublished"]) == (0, 2, 0)


def test_a_mismatch_that_somebody_has_reviewed_has_its_cause(fixings: Rows, published: Rows) -> None:
    figures = published({DAY: {"index_value": 1.0}, NEXT: {"index_value": 1.1}})
    wrong = mismatches(recompute_averages(fixings({DAY: 3.6, NEXT: 3.6}), figures))
    assert reviewed(wrong)["cause"].to_list() == [""]
    ledger = [("SOFR", "index", NEXT, "misprint"), ("SOFR", "index", DAY, "of another day")]
    assert reviewed(wrong, ledger)["cause"].to_list() == ["misprint"]
