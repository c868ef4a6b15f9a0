"""Apple's split of 2014-06-09 and the names of recorded securities: what the recorded data says, through the whole platform."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from psycopg import sql

from findata_assets.steps.adjusted import Wanted, adjusted_bars
from findata_assets.steps.due_steps import run_due
from findata_assets.steps.known import KnownAt
from findata_assets.steps.names import find_security, history_of, show_security
from findata_assets.steps.platform import Platform
from findata_assets.steps.proof import verify
from findata_assets.steps.sources import load_recorded, refresh_reference
from findata_core.errors import ConfigurationError
from findata_core.market.adjusting import unadjusted
from findata_core.schema.tables import table
from findata_resources.environment import PROJECT, Endpoints, Settings
from tests.cli.conftest import run
from tests.conftest import _platforms

AAPL = "AAPL.XNAS"
SPLIT = date(2014, 6, 9)
MANIFESTS = PROJECT / "tests" / "manifests"
MINUTES = "bars_1m/QuantConnect-Lean/equity/usa/minute/aapl"
DAYS = "bars_1d/QuantConnect-Lean"


@pytest.fixture(scope="module")
def loaded(stack: tuple[Settings, Endpoints], migrated_template: str, trial_data: Path) -> Iterator[Platform]:
    with _platforms(stack[1], migrated_template) as make:
        platform = make(calendar_start=date(1998, 1, 2))
        refresh_reference(platform)
        load_recorded(platform, trial_data / MINUTES, MANIFESTS / "aapl_split.toml", "bars")
        for dataset in ("actions", "bars", "securities"):
            load_recorded(platform, trial_data / DAYS, MANIFESTS / "actions.toml", dataset)
        run_due(platform)
        yield platform


@pytest.fixture(scope="module")
def closes(trial_data: Path) -> dict[date, list[float]]:
    """Closes of the minutes as the files have them, by session, those of the regular session."""
    found: dict[date, list[float]] = {}
    for path in sorted((trial_data / MINUTES).glob("*_trade.zip")):
        with zipfile.ZipFile(path) as archive:
            lines = csv.reader(io.StringIO(archive.read(archive.namelist()[0]).decode()))
            day = datetime.strptime(path.name[:8], "%Y%m%d").replace(tzinfo=UTC).date()
            found[day] = [int(line[4]) / 10_000 for line in lines]
    return found


def minutes(platform: Platform, **how: Any) -> Any:
    return adjusted_bars(platform, Wanted(AAPL, "1m", how.pop("view", "split"), **how)).rows


def by_session(rows: Any) -> dict[date, list[float]]:
    return {
        day: mine["close"].to_list() for (day,), mine in rows.group_by("session_date", maintain_order=True)
    }


def test_what_is_stored_is_what_was_traded(loaded: Platform, closes: dict[date, list[float]]) -> None:
    stored = loaded.read("market.bars").sort("event_time")
    assert by_session(stored) == closes
    assert set(stored["adjustment"]) == {"raw"}
    assert by_session(minutes(loaded, view="raw")) == closes


def test_adjusted_for_the_split_apple_goes_on_where_it_stood(
    loaded: Platform, closes: dict[date, list[float]]
) -> None:
    """645.57 on Friday, 92.70 on Monday: 92.22 in Monday's shares."""
    found = by_session(minutes(loaded, on=date(2014, 6, 30)))
    for day, traded in closes.items():
        divisor = 7 if day < SPLIT else 1
        assert found[day] == pytest.approx([price / divisor for price in traded], rel=1e-15)
    days = sorted(found)
    jumps = [found[later][0] / found[day][-1] for day, later in pairwise(days)]
    assert all(0.97 < jump < 1.03 for jump in jumps)
    assert closes[SPLIT][0] / closes[date(2014, 6, 6)][-1] < 0.15


@pytest.mark.parametrize("on", [date(2014, 6, 6), date(2014, 6, 8)])
def test_before_the_split_nothing_is_adjusted(
    loaded: Platform, closes: dict[date, list[float]], on: date
) -> None:
    found = by_session(minutes(loaded, on=on))
    assert found == {day: traded for day, traded in closes.items() if day <= on}


def test_what_nobody_knew_yet_adjusts_nothing(loaded: Platform, closes: dict[date, list[float]]) -> None:
    """The minutes were received in June 2014, the factors in 2021."""
    instant = datetime(2014, 6, 11, tzinfo=UTC)
    assert by_session(minutes(loaded, instant=instant)) == closes
    later = minutes(loaded, instant=datetime(2021, 4, 2, tzinfo=UTC))
    assert later.item(0, "price_factor") == 1 / 28  # 7:1 in 2014, 4:1 in 2020


def test_the_weeks_levels_after_the_split_are_in_its_shares(loaded: Platform, trial_data: Path) -> None:
    """High, low and close of the week before from Lean's daily file, by seven; 2014-06-09 opened at 92.70."""
    with zipfile.ZipFile(trial_data / DAYS / "equity/usa/daily/aapl.zip") as archive:
        lines = list(csv.reader(io.StringIO(archive.read("aapl.csv").decode())))
    week = [
        [int(field) / 10_000 for field in line[1:5]]
        for line in lines
        if "20140602" <= line[0][:8] <= "20140606"
    ]
    high, low, close = max(row[1] for row in week) / 7, min(row[2] for row in week) / 7, week[-1][3] / 7
    pivots = loaded.read("signals.weekly_pivots", date(2014, 6, 2), date(2014, 6, 3))
    level = pivots.row(
        by_predicate=(pl.col("variant") == "traditional") & (pl.col("source_interval") == "1d"), named=True
    )
    assert level["pp"] == pytest.approx((high + low + close) / 3, rel=1e-12)
    assert 90 < level["pp"] < 94


@pytest.mark.parametrize("view", ["raw", "split", "all"])
def test_adjusted_and_back_is_what_is_stored(loaded: Platform, view: str) -> None:
    found = adjusted_bars(loaded, Wanted(AAPL, "1d", view)).rows  # type: ignore[arg-type]
    stored = loaded.read("market.bars_1d").sort("event_time")
    assert unadjusted(found).equals(stored)


def test_with_dividends_apples_days_are_leans_own_adjusted_prices(loaded: Platform, trial_data: Path) -> None:
    """Lean multiplies by price factor and split factor of its files, which are rounded to seven digits."""
    text = (trial_data / DAYS / "equity/usa/factor_files/aapl.csv").read_text().split()
    factors = [(line.split(",")[0], float(line.split(",")[1]) * float(line.split(",")[2])) for line in text]
    found = adjusted_bars(loaded, Wanted(AAPL, "1d", "all", on=date(2021, 3, 31))).rows
    raw = adjusted_bars(loaded, Wanted(AAPL, "1d", "raw", on=date(2021, 3, 31))).rows
    assert found.height > 5_000
    for day, ours, traded in zip(found["session_date"], found["close"], raw["close"], strict=True):
        factor = next(value for last, value in factors if f"{day:%Y%m%d}" <= last)
        assert ours == pytest.approx(traded * factor, rel=1e-5)


def test_dividends_after_the_sessions_shown_are_taken_out_of_them(loaded: Platform) -> None:
    how = {"view": "all", "on": date(2021, 3, 31)}
    some = adjusted_bars(
        loaded, Wanted(AAPL, "1d", start=date(2014, 6, 5), end=date(2014, 6, 10), **how)
    ).rows  # type: ignore[arg-type]
    every = adjusted_bars(loaded, Wanted(AAPL, "1d", **how)).rows  # type: ignore[arg-type]
    assert some.height == 3
    assert some.equals(every.join(some, on="session_date", how="semi"))


def test_the_command_says_in_whose_shares_prices_are(loaded: Platform) -> None:
    told = run(
        "adjusted", AAPL, "--interval", "1m", "--on", "2014-06-30", "--sessions", "2014-06-06", on=loaded
    )
    assert told.exit_code == 0
    assert "in the shares of 2014-06-30" in told.stdout
    refused = run("adjusted", AAPL, "--adjust", "total", on=loaded)
    assert (refused.exit_code, "raw, split, all" in refused.output) == (2, True)
    nothing = run("adjusted", "ZZZ.XNAS", on=loaded)
    assert (nothing.exit_code, "No bars of ZZZ.XNAS" in nothing.output) == (2, True)


def test_refused_splits_are_told_beside_the_prices(loaded: Platform) -> None:
    """GOOG's factor of 2015 is no ratio: whoever adjusts GOOG must know."""
    query = "SELECT subject, rule FROM ops.quarantine WHERE table_name = 'reference.splits' AND subject = 'GOOG.XNAS'"
    rules = {rule for _, rule in loaded.store.database.frame(sql.SQL(query)).rows()}  # type: ignore[arg-type]
    assert "ratio_not_whole" in rules


# Lean's map files: name, date -> the security's id, after its first name.
MEANINGS = [
    ("GOOG", "2014-04-02", "GOOG.XNAS@2004-08-19"),  # class A until then, GOOGL after
    ("GOOG", "2014-04-03", "GOOCV.XNAS@2014-03-27"),  # class C from then on
    ("GOOGL", "2014-04-03", "GOOG.XNAS@2004-08-19"),
    ("NWSA", "2013-06-28", "NWSA.XNAS@2004-11-12"),  # renamed FOXA, then TFCFA
    ("FOXA", "2013-06-29", "NWSA.XNAS@2004-11-12"),
    ("FOXA", "2019-03-18", "NWSA.XNAS@2004-11-12"),
    ("TFCFA", "2019-03-20", "NWSA.XNAS@2004-11-12"),
    ("FB", "2003-03-28", "FB.XNYS@1999-09-29"),  # another company's before Facebook's
    ("FB", "2012-05-18", "FB.XNAS@2012-05-18"),
    ("TWX", "2001-01-11", "TWX.XNYS@1998-01-02"),  # Time Warner, bought by AOL
    ("AOL", "2003-10-15", "AOL.XNYS@1998-01-02"),  # which took its name
    ("TWX", "2003-10-16", "AOL.XNYS@1998-01-02"),
    ("SPWR", "2008-09-29", "SPWR.XNAS@2005-11-17"),  # SPWRA in between
    ("SPWRA", "2011-11-16", "SPWR.XNAS@2005-11-17"),
    ("SPWR", "2011-11-17", "SPWR.XNAS@2005-11-17"),
    ("VXX", "2019-01-29", "VXX.ARCX@2009-01-30"),
    ("VXX", "2019-05-02", "VXXB.BATS@2018-01-18"),
    ("BAC", "1998-10-01", "NB.XNYS@1998-01-02"),
    ("QQQQ", "2011-03-22", "QQQ.XNAS@1999-03-10"),
]


@pytest.mark.parametrize(("symbol", "day", "security_id"), MEANINGS)
def test_renamed_and_reused_tickers_mean_the_right_security(
    loaded: Platform, symbol: str, day: str, security_id: str
) -> None:
    found = find_security(loaded, symbol, date.fromisoformat(day))
    assert found.item(0, "security_id") == security_id


@pytest.mark.parametrize(
    ("symbol", "day"),
    [
        ("FB", "2005-01-03"),
        ("GOOGL", "2014-04-02"),
        ("FOXA", "2019-03-19"),
        ("TWX", "2018-06-16"),
        ("VXX", "2019-03-01"),
    ],
)
def test_between_two_meanings_a_ticker_means_nothing(loaded: Platform, symbol: str, day: str) -> None:
    with pytest.raises(ConfigurationError, match="meant no security"):
        find_security(loaded, symbol, date.fromisoformat(day))


def test_a_security_keeps_its_names_and_its_dates(loaded: Platform) -> None:
    names = history_of(loaded, "NWSA.XNAS@2004-11-12")
    assert names["symbol"].to_list() == ["NWSA", "FOXA", "TFCFA"]
    row = show_security(loaded, "NWSA.XNAS@2004-11-12").row(0, named=True)
    assert (row["symbol"], row["listed_date"], row["delisted_date"]) == (
        "TFCFA",
        date(2004, 11, 12),
        date(2019, 3, 20),
    )


def test_before_a_list_was_received_nothing_was_known_of_names(loaded: Platform) -> None:
    before = datetime(2021, 3, 31, tzinfo=UTC)
    assert KnownAt(loaded, before).read("reference.securities").is_empty()
    after = KnownAt(loaded, before + timedelta(days=2)).read("reference.securities")
    assert after.equals(loaded.read("reference.securities").sort("region", "security_id"))
    assert after.height == 26  # one a map file


def test_names_are_asked_for_with_a_date(loaded: Platform) -> None:
    told = run("instrument", "find", "GOOG", on=loaded)
    assert (told.exit_code, "say when with --on" in told.output) == (2, True)
    found = run("instrument", "find", "GOOG", "--on", "2014-04-02", "--csv", on=loaded)
    assert (found.exit_code, "GOOG.XNAS@2004-08-19" in found.stdout) == (0, True)
    shown = run("instrument", "show", "GOOG.XNAS@2004-08-19", on=loaded)
    assert (shown.exit_code, "GOOGL" in shown.stdout) == (0, True)
    named = run("instrument", "history", "GOOG.XNAS@2004-08-19", on=loaded)
    assert (named.exit_code, "2014-04-02" in named.stdout) == (0, True)
    unknown = run("instrument", "show", "GOOG", on=loaded)
    assert (unknown.exit_code, "No security is called GOOG" in unknown.output) == (2, True)


def test_what_is_stored_follows_from_the_files(loaded: Platform) -> None:
    proof = verify(loaded, lambda _: None)
    assert proof.differences.rows() == []
    tables = {
        "reference.dividends",
        "reference.listings",
        "reference.securities",
        "reference.security_symbols",
        "reference.splits",
    }
    digests = loaded.store.database.frame(sql.SQL("SELECT DISTINCT table_name FROM ops.digests"))
    assert tables <= set(digests["table_name"])
    assert all(not loaded.store.read(table(name)).is_empty() for name in tables)
