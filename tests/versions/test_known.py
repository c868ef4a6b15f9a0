"""What was known at an instant is what a database holds that was given only the payloads received by then."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.derivations import daily_of_both_families
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.known import DERIVATIONS, KnownAt
from findata_assets.steps.platform import Platform
from findata_assets.steps.sources import refresh_reference
from findata_core.errors import ConfigurationError
from findata_core.schema.tables import table
from tests.conftest import CALENDAR_START, SAMPLE, MakePlatform, load_sample
from tests.steps.folders import Bar, flat, load, minutes_from, take_in, write_folder, write_rates

# The minutes were received first, the rates last: findata_resources/sample/recorded.toml.
SAMPLE_RECEIVED = datetime(2022, 6, 15, 16, 30, tzinfo=UTC)
REVISED = datetime(2022, 7, 20, 12, tzinfo=UTC)
FACTS = ("market.bars", "market.bars_1d", "rates.rates", "rates.published_averages")
# Series are not in the sample: tests/economic/test_fred_series.py.
NOT_IN_SAMPLE = {"economic.revisions", "reference.securities", "reference.security_symbols"}
TABLES = (*FACTS, *sorted(DERIVATIONS))


@pytest.fixture(scope="module")
def revised(make_module_platform: MakePlatform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The sample, of which a later payload corrects MSFT's first week by the minute and two of SOFR's fixings."""
    platform = make_module_platform(universe=SAMPLE / "universe.csv", calendar_start=CALENDAR_START)
    load_sample(platform)
    folder = tmp_path_factory.mktemp("later")
    moved = {stamp: (o, h + 5, low, c, v) for stamp, (o, h, low, c, v) in _minutes(date(2022, 5, 23)).items()}
    bars = write_folder(folder / "bars", REVISED.isoformat(), moved, source="yahoo")
    manifest = bars / "recorded.toml"
    manifest.write_text(manifest.read_text().replace('adjustment = "raw"', 'adjustment = "split"'))
    load(platform, bars)
    load(
        platform,
        write_rates(folder / "rates", REVISED.isoformat(), {"2022-05-24": 0.9, "2022-05-25": 0.91}),
        "rates",
    )
    run_due(platform)
    return platform


def _minutes(monday: date) -> dict[str, tuple[float, float, float, float, float]]:
    """The sample's minutes of MSFT in the week of a Monday."""
    text = (SAMPLE / "MSFT_1m.csv").read_text()
    rows = csv.reader(io.StringIO(text))
    next(rows)
    week = {str(monday + timedelta(days=number)) for number in range(5)}
    found = {row[0]: [float(value) for value in row[1:6]] for row in rows if row[0][:10] in week}
    return {stamp: (o, h, low, c, v) for stamp, (o, h, low, c, v) in found.items()}


@pytest.mark.parametrize("name", TABLES)
def test_before_a_correction_every_table_is_what_it_was_without_it(
    revised: Platform, loaded_sample: Platform, name: str
) -> None:
    expected = loaded_sample.read(name)

    assert KnownAt(revised, REVISED - timedelta(microseconds=1)).read(name).equals(expected)
    assert expected.is_empty() == (name in NOT_IN_SAMPLE)


@pytest.mark.parametrize("name", TABLES)
def test_from_the_correction_on_every_table_is_what_it_is_now(revised: Platform, name: str) -> None:
    assert KnownAt(revised, REVISED).read(name).equals(revised.read(name))


def test_the_correction_reaches_what_is_derived_from_it(revised: Platform, loaded_sample: Platform) -> None:
    for name in ("market.candles", "market.weekly_candles", "signals.weekly_pivots", "rates.averages"):
        assert not revised.read(name).equals(loaded_sample.read(name)), name


@pytest.mark.parametrize("name", TABLES)
def test_before_the_first_payload_nothing_was_known(revised: Platform, name: str) -> None:
    known = KnownAt(revised, SAMPLE_RECEIVED - timedelta(microseconds=1)).read(name)

    assert known.is_empty()
    assert known.schema == revised.read(name).schema


@pytest.mark.parametrize(
    "name", ["market.bars", "market.candles", "market.weekly_candles", "signals.pivot_signals"]
)
@pytest.mark.parametrize("first", [date(2022, 5, 23), date(2022, 5, 25)])  # a Monday, a Wednesday
def test_a_window_and_an_instrument_are_a_part_of_the_whole(
    revised: Platform, name: str, first: date
) -> None:
    known = KnownAt(revised, REVISED - timedelta(days=1))
    after = date(2022, 6, 4)
    day = table(name).digest_date

    part = known.read(name, first, after, pl.Series(["MSFT.XNAS"]))

    whole = known.read(name).filter(
        pl.col(day) >= first, pl.col(day) < after, pl.col("instrument_id") == "MSFT.XNAS"
    )
    assert part.equals(whole)
    assert not part.is_empty()


@pytest.mark.parametrize("name", FACTS)
def test_the_sql_functions_say_the_same(revised: Platform, name: str) -> None:
    for instant in (SAMPLE_RECEIVED - timedelta(hours=1), SAMPLE_RECEIVED, REVISED):
        query = sql.SQL("SELECT * FROM {}({}) ORDER BY {}").format(
            sql.Identifier("as_of", table(name).name),
            sql.Literal(instant.isoformat()),
            sql.SQL(", ").join(map(sql.Identifier, table(name).business_key)),
        )
        assert revised.store.database.frame(query).equals(KnownAt(revised, instant).read(name))


def test_months_that_begin_before_a_window_are_not_shown_by_half(revised: Platform) -> None:
    """June begins in it, May does not: its sessions from the 25th on would make a candle of their own."""
    rows = KnownAt(revised, REVISED).read("market.monthly_candles", date(2022, 5, 25), date(2022, 6, 4))
    assert set(rows.get_column("period_start_date")) == {date(2022, 6, 1)}
    assert rows.equals(revised.read("market.monthly_candles", date(2022, 5, 25), date(2022, 6, 4)))


def test_a_window_of_what_has_no_dates_is_refused(revised: Platform) -> None:
    with pytest.raises(ConfigurationError, match="no sessions"):
        KnownAt(revised, REVISED).read("rates.averages", date(2022, 6, 1))


def test_what_keeps_no_versions_is_refused_with_what_does(revised: Platform) -> None:
    with pytest.raises(ConfigurationError, match=r"market\.candles"):
        KnownAt(revised, REVISED).read("ops.coverage")


PAYLOADS: list[dict[str, Bar]] = [
    minutes_from(datetime(2022, 5, 19, 13, 30, tzinfo=UTC), [flat(10), flat(11)]),
    minutes_from(datetime(2022, 5, 19, 13, 30, tzinfo=UTC), [flat(12), flat(11), flat(13)]),
    minutes_from(datetime(2022, 5, 19, 13, 30, tzinfo=UTC), [flat(10)]),
]
TIMES = [datetime(2022, 6, day, 12, tzinfo=UTC) for day in (1, 2, 3)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_any_order_the_past_is_what_the_payloads_of_that_time_make(
    make_platform: MakePlatform, tmp_path: Path, order: tuple[int, ...]
) -> None:
    folders = [
        write_folder(tmp_path / str(number), TIMES[number].isoformat(), PAYLOADS[number])
        for number in range(3)
    ]
    platform = make_platform()
    refresh_reference(platform)
    for number in order:
        take_in(platform, folders[number])
        run_due(platform)

    fresh = make_platform()
    refresh_reference(fresh)
    for number, instant in enumerate(TIMES):
        take_in(fresh, folders[number])
        run_due(fresh)
        known = KnownAt(platform, instant)
        for name in ("market.bars", "market.candles"):
            assert known.read(name).equals(fresh.read(name)), (name, instant)
        assert daily_of_both_families(known).equals(daily_of_both_families(fresh))
