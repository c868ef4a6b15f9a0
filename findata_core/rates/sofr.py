"""SOFR averages and index recomputed from the fixings, beside the published figures.

The New York Fed's rule (https://www.newyorkfed.org/markets/reference-rates/additional-information-about-reference-rates,
"SOFR Averages and Index"; docs/rates.md): interest compounds on business days; on other days the preceding
business day's rate earns simple interest; ACT/360; the average for a publication day covers exactly 30, 90
or 180 calendar days, that day not included. The index was 1.00000000 on 2018-04-02 and never starts again.
What does not belong here: fetching, the arithmetic of a window (compounding.py), business days (closures.py).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import combinations
from typing import Any

import polars as pl

from findata_core.errors import DataError
from findata_core.rates.compounding import YEAR_DAYS, Fixings, Growth, fixings_in, latest
from findata_core.rates.reviewed import reviewed
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import table

AVERAGES = "rates.averages"
SOFR = "SOFR"
AVERAGE_DAYS = {"average_30day": 30, "average_90day": 90, "average_180day": 180}
PUBLISHED_COLUMNS = {**{name: f"{name}_percent" for name in AVERAGE_DAYS}, "index": "index_value"}
PUBLISHED_DECIMALS = {**dict.fromkeys(AVERAGE_DAYS, 5), "index": 8}
INDEX_START_DATE, INDEX_START = date(2018, 4, 2), 1.0  # first value date of SOFR
NO_ANCHOR = "no index is published until that day, on a day with a fixing from which on none is missing"
FLOAT_SLACK = 1e-12  # binary rounding of figures near one, far below a published digit


Row = dict[str, Any]


@dataclass(frozen=True)
class Anchors:
    """Days from which the index can be carried forward, in order: they have a value and a fixing."""

    dates: list[date]
    values: list[float]
    ingest_times: list[datetime | None]

    def position_for(self, day: date, missing: list[date]) -> int | None:
        """Return the first anchor from which no fixing is missing until `day`."""
        before = missing[: bisect_left(missing, day)]
        position = bisect_right(self.dates, before[-1]) if before else 0
        return position if position < bisect_right(self.dates, day) else None


def recompute_averages(fixings: pl.DataFrame, published: pl.DataFrame) -> pl.DataFrame:
    """Return SOFR's averages and index recomputed, with the published figure and the difference.

    Arguments are rows of rates.rates, and rows of rates.published_averages that may be merged (preferring.py); of each
    one a day (DataError where a day has two). Other rates than SOFR are left out. One row a measure for every day that
    has a fixing or a published figure, in the shape of rates.averages, sorted by business key. Recomputed figures
    are not rounded. They are null, with the reason, where the window begins before the first fixing or a
    business day in it has none. The index starts from 1 on 2018-04-02 where the fixings reach back to it,
    else, and after every missing fixing, from the first published index on a day with a fixing.
    """
    rates = _of_sofr(fixings)
    figures = _of_sofr(published).filter(~pl.all_horizontal(pl.col(PUBLISHED_COLUMNS.values()).is_null()))
    days = sorted({*rates.get_column("observation_date"), *figures.get_column("observation_date")})
    known = fixings_in(rates, days)  # a day with a fixing or a published figure is a business day
    by_day = {row["observation_date"]: row for row in figures.iter_rows(named=True)}
    anchors = _anchors(known, by_day)
    rows = [row for day in days for row in _rows_of_day(day, known, anchors, by_day.get(day, {}))]
    schema = {name: dtype for name, dtype in polars_schema(table(AVERAGES)).items() if name != "difference"}
    frame = pl.DataFrame(rows, schema=schema).with_columns(
        difference=pl.col("recomputed") - pl.col("published")
    )
    return conform(frame, table(AVERAGES)).sort(table(AVERAGES).business_key)


def mismatches(averages: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose published figure is not the recomputed one, rounded as it is published.

    The tolerance is half a unit of the last published digit. An index carried forward from a published one
    also carries that one's rounding: another half unit, grown as the index has grown since.
    """
    starts = averages.filter(measure="index").select(
        "rate", "measure", window_start_date="observation_date", start="published"
    )
    units = {measure: 10.0**-digits for measure, digits in PUBLISHED_DECIMALS.items()}
    grown = (pl.col("recomputed") / pl.col("start")).fill_null(0.0)
    is_exact = pl.col("window_start_date") == INDEX_START_DATE
    halves = 1 + pl.when(is_exact).then(0.0).otherwise(grown)
    tolerance = pl.col("measure").replace_strict(units, return_dtype=pl.Float64) / 2 * halves + FLOAT_SLACK
    joined = averages.join(
        starts, on=["rate", "measure", "window_start_date"], how="left", maintain_order="left"
    )
    return joined.filter(pl.col("difference").abs() > tolerance).select(averages.columns)


def compare(averages: pl.DataFrame) -> pl.DataFrame:
    """Return, per measure, how many figures were compared, are null, and do not match.

    compared: both figures are there; null: the recomputed one is not, whatever is published; unpublished: it is, and
    no figure is known beside it; mismatched: the mismatches() that nobody has reviewed; reviewed: those that
    somebody has (reviewed.py); largest_difference: of the compared.
    """
    wrong = reviewed(mismatches(averages))
    counted = averages.join(
        wrong, on=["rate", "measure", "observation_date"], how="left", maintain_order="left"
    )
    both = pl.col("difference").is_not_null()
    return counted.group_by("rate", "measure", maintain_order=True).agg(
        compared=both.sum(),
        null=pl.col("recomputed").is_null().sum(),
        unpublished=(pl.col("recomputed").is_not_null() & pl.col("published").is_null()).sum(),
        mismatched=(pl.col("cause") == "").sum(),
        reviewed=(pl.col("cause") != "").sum(),
        largest_difference=pl.col("difference").abs().max(),
    )


def outside_percentiles(fixings: pl.DataFrame) -> pl.DataFrame:
    """Return the fixings that do not lie between their own percentiles: p1 <= p25 <= rate <= p75 <= p99.

    The rates are volume-weighted medians of a day's transactions. Percentiles that are absent say nothing.
    """
    ordered = [*(f"percentile_{n}_percent" for n in (1, 25)), "rate_percent"]
    ordered += [f"percentile_{n}_percent" for n in (75, 99)]
    broken = [pl.col(low) > pl.col(high) for low, high in combinations(ordered, 2)]
    return fixings.filter(pl.any_horizontal(broken))


def _of_sofr(frame: pl.DataFrame) -> pl.DataFrame:
    rows = frame.filter(pl.col("rate") == SOFR).sort("observation_date")
    doubled = (
        rows.filter(pl.col("observation_date").is_duplicated()).get_column("observation_date").unique().sort()
    )
    if len(doubled):
        raise DataError(f"SOFR has several rows for {doubled[0]}", "Choose the rows of one source first")
    return rows


def _anchors(known: Fixings, published: dict[date, Row]) -> Anchors:
    has_fixing = set(known.dates)
    values = {day: row["index_value"] for day, row in published.items() if row["index_value"] is not None}
    values |= {INDEX_START_DATE: INDEX_START}
    usable = {day: values[day] for day in sorted(values) if day in has_fixing}
    times = [_said(published[day], "index")[1] if day in published else None for day in usable]
    return Anchors(list(usable), list(usable.values()), times)


def _rows_of_day(day: date, known: Fixings, anchors: Anchors, published: Row) -> Iterator[Row]:
    for measure, days in AVERAGE_DAYS.items():
        start = day - timedelta(days=days)
        growth = known.growth(start, day)
        average = None if growth.factor is None else (growth.factor - 1) * YEAR_DAYS / days * 100
        yield _row(day, measure, start, average, growth, published, known)
    yield _index_row(day, known, anchors, published)


def _index_row(day: date, known: Fixings, anchors: Anchors, published: Row) -> Row:
    position = anchors.position_for(day, known.missing)
    if position is None:
        return _row(day, "index", INDEX_START_DATE, None, Growth(None, 0, None, NO_ANCHOR), published, known)
    growth = known.growth(anchors.dates[position], day)
    known_time = latest(growth.ingest_time, anchors.ingest_times[position])
    value = None if growth.factor is None else anchors.values[position] * growth.factor
    growth = replace(growth, ingest_time=known_time)
    return _row(day, "index", anchors.dates[position], value, growth, published, known)


def _row(
    day: date, measure: str, start: date, value: float | None, growth: Growth, published: Row, known: Fixings
) -> Row:
    figure, published_time, source = _said(published, measure)
    used = latest(growth.ingest_time, published_time)
    return {
        "rate": SOFR,
        "measure": measure,
        "observation_date": day,
        "window_start_date": start,
        "recomputed": value,
        "published": figure,
        "fixing_count": growth.fixing_count,
        "reason": growth.reason,
        "ingest_time": used or latest(known.ingest_time_of(day), published.get("ingest_time")),
        "published_source": source,
    }


def _said(published: Row, measure: str) -> tuple[float | None, datetime | None, str | None]:
    """Return the published figure, when it was known and from which source; nothing where there is none."""
    column = PUBLISHED_COLUMNS[measure]
    if published.get(column) is None:
        return None, None, None
    time, source = (
        published.get(f"{column}.{name}", published.get(name)) for name in ("ingest_time", "source")
    )
    return published[column], time, source
