"""Every recorded set of the trial data and of the sample, counted and compared with the csv module."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from findata_resources.providers import parse_payload
from findata_resources.providers.recorded_files import NOT_NAMED, Survey, survey
from findata_resources.providers.recorded_manifest import load_manifest

PROJECT = Path(__file__).parents[2]
MANIFEST = PROJECT / "tests" / "manifests" / "bars_1m.toml"
SAMPLE = PROJECT / "findata_resources" / "sample"
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture(scope="module")
def trial(trial_data: Path) -> Survey:
    return survey(trial_data / "bars_1m", load_manifest(MANIFEST), MANIFEST)


@cache
def rows_of(path: Path, request: str) -> pl.DataFrame:
    return parse_payload(path.read_bytes(), json.loads(request))[0].rows


def raw_lines(path: Path) -> list[list[str]]:
    """Return the file's lines by the csv module alone, header included."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode()
    else:
        text = path.read_text()
    return [row for row in csv.reader(io.StringIO(text)) if row]


HEADER_LINES = {"bsw": 3, "lean_trades": 0}


def test_every_file_of_the_trial_bars_is_loaded_or_skipped_with_a_reason(trial: Survey) -> None:
    reasons = [item.reason for item in trial.skipped]
    assert NOT_NAMED not in reasons
    assert {"best bid and ask, not trades", "not data"} == set(reasons)
    # Files by folder: 16 of Fl4bb0, 41 Lean trade zips, 72 of eqker, 9, 4, 1 and 2 (counted with find).
    assert len(trial.requests) == 16 + 41 + 72 + 9 + 4 + 1 + 2


def test_every_file_gives_as_many_rows_as_it_has_lines(trial: Survey) -> None:
    for path, request in trial.requests:
        heads = HEADER_LINES.get(request.parameters["reading"]["name"], 1)
        assert rows_of(path, request.to_json()).height == len(raw_lines(path)) - heads, path


def test_no_price_volume_or_time_of_the_trial_sets_is_unreadable(trial: Survey) -> None:
    for path, request in trial.requests:
        rows = rows_of(path, request.to_json())
        when = "session_date" if request.parameters["reading"]["interval"] == "1d" else "event_time"
        nulls = rows.select(when, "instrument_id", "open", "high", "low", "close", "volume").null_count()
        assert sum(nulls.row(0)) == 0, path


def test_the_volumes_of_every_file_add_up(trial: Survey) -> None:
    places = {"lean_trades": 5, "bsw": 5, "bhtp": 5}
    for path, request in trial.requests:
        name = request.parameters["reading"]["name"]
        lines = raw_lines(path)[HEADER_LINES.get(name, 1) :]
        expected = sum(int(float(line[places.get(name, 5)])) for line in lines)
        assert int(rows_of(path, request.to_json())["volume"].sum()) == expected, path


Stamp = Callable[[str], datetime]


def ending_in_new_york(minutes: int) -> Stamp:
    def read(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) - timedelta(minutes=minutes)

    return read


def lean(text: str) -> datetime:
    return datetime(2014, 6, 9, tzinfo=NEW_YORK) + timedelta(milliseconds=int(text))


def american(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %H:%M").replace(tzinfo=NEW_YORK)


def naive_utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# set, file, instrument, how a stamp is read by hand, positions of O, H, L, C, divisor
BY_HAND: list[tuple[str, str, str, Stamp, tuple[int, int, int, int], float]] = [
    ("fl4bb0_hf", "hf_2025-01/BABA.csv", "BABA.XNYS", datetime.fromisoformat, (1, 2, 3, 4), 1),
    ("lean_trades", "aapl/20140609_trade.zip", "AAPL.XNAS", lean, (1, 2, 3, 4), 10000),
    ("eqker_1m", "SPY_1min.csv", "SPY.ARCX", ending_in_new_york(1), (1, 2, 3, 4), 1),
    ("eqker_15m", "VXXB_15min.csv", "VXXB.BATS", ending_in_new_york(15), (1, 2, 3, 4), 1),
    ("market_prices_1m", "AZN.L_1T_240116_240214.csv", "AZN.XLON", naive_utc, (1, 2, 3, 4), 1),
    ("market_prices_5m", "MSFT_5T_231218_240214.csv", "MSFT.XNAS", naive_utc, (1, 2, 3, 4), 1),
    ("market_prices_1h", "AZN.L_1H_231218_240214.csv", "AZN.XLON", naive_utc, (1, 2, 3, 4), 1),
    ("bhtp", "BHTP/AAPL_1min.csv", "AAPL.XNAS", datetime.fromisoformat, (1, 2, 3, 4), 1),
    ("mplfinance_1m", "SP500_NOV2019_IDay.csv", "SPX.XCBO", american, (1, 3, 4, 2), 1),
]


@pytest.mark.parametrize(("name", "file", "instrument_id", "stamp", "places", "divisor"), BY_HAND)
def test_every_row_is_what_the_csv_module_and_hand_reading_give(
    trial: Survey,
    name: str,
    file: str,
    instrument_id: str,
    stamp: Stamp,
    places: tuple[int, int, int, int],
    divisor: float,
) -> None:
    path, request = found(trial, name, file)
    expected = [
        (instrument_id, stamp(line[0]).astimezone(UTC), *(float(line[place]) / divisor for place in places))
        for line in raw_lines(path)[HEADER_LINES.get(name, 1) :]
    ]
    rows = rows_of(path, request)
    assert rows.select("instrument_id", "event_time", "open", "high", "low", "close").rows() == expected


def found(trial: Survey, name: str, file: str) -> tuple[Path, str]:
    ((path, request),) = [
        (path, request)
        for path, request in trial.requests
        if request.parameters["reading"]["name"] == name and path.as_posix().endswith(file)
    ]
    return path, request.to_json()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("fl4bb0_yahoo", "2026-05-05/AMD.csv"),
        ("market_prices_2022", "MSFT_T1.csv"),
        ("bsw", "AAPL_1m.csv"),
    ],
)
def test_prices_of_float32_sources_are_restored_to_short_decimals(
    trial: Survey, name: str, file: str
) -> None:
    path, request = found(trial, name, file)
    rows = rows_of(path, request)
    for column in ("open", "high", "low", "close"):
        # A float32 has at most 9 significant digits (IEEE 754 binary32).
        assert max(len(repr(value).replace(".", "").strip("0")) for value in rows[column]) <= 9
    header = [name.lower() for name in raw_lines(path)[0]]
    place = header.index("close")
    written = [float(line[place]) for line in raw_lines(path)[HEADER_LINES.get(name, 1) :]]
    assert rows["close"].to_list() == pytest.approx(written, rel=6e-8)  # half a float32's last place


def test_the_first_bar_of_an_end_labelled_session_starts_at_the_open(trial: Survey) -> None:
    path, request = found(trial, "eqker_1m", "SPY_1min.csv")
    local = (
        rows_of(path, request)["event_time"].dt.convert_time_zone("America/New_York").dt.to_string("%H:%M")
    )
    assert (local.min(), local.max()) == ("09:30", "15:59")


def test_raw_prices_stay_raw_across_a_split(trial: Survey) -> None:
    # AAPL, 7:1 on 2014-06-09: the raw daily file of the same source closes at 645.57 and opens at 92.69.
    last = rows_of(*found(trial, "lean_trades", "aapl/20140606_trade.zip"))
    first = rows_of(*found(trial, "lean_trades", "aapl/20140609_trade.zip"))
    before = last.filter(pl.col("event_time") == datetime(2014, 6, 6, 19, 59, tzinfo=UTC))
    after = first.filter(pl.col("event_time") == datetime(2014, 6, 9, 13, 30, tzinfo=UTC))
    assert after["open"][0] == 92.69
    assert before["close"][0] == pytest.approx(645.57, rel=0.003)  # the closing auction comes after it


def test_the_other_columns_of_interactive_brokers_are_kept(trial: Survey) -> None:
    path, request = found(trial, "bhtp", "AAPL_1min.csv")
    rows = rows_of(path, request)
    assert rows.select("vwap", "trade_count").row(0) == (256.098, 5)
    assert rows.filter(pl.col("trade_count") == 0).select(pl.col("volume").max()).item() == 0.0


def test_parsing_again_from_the_stored_request_gives_the_same_rows(trial: Survey) -> None:
    path, request = found(trial, "bsw", "SPY_1m.csv")
    again = parse_payload(path.read_bytes(), json.loads(request))[0].rows
    assert again.equals(rows_of(path, request))


def sample_files() -> Iterator[Any]:
    path = SAMPLE / "recorded.toml"
    for file, request in survey(SAMPLE, load_manifest(path), path).requests:
        yield pytest.param(file, request.to_json(), id=file.name)


@pytest.mark.parametrize(("path", "request_json"), [*sample_files()])
def test_every_file_of_the_bundled_sample_gives_as_many_rows_as_it_has_lines(
    path: Path, request_json: str
) -> None:
    assert rows_of(path, request_json).height == len(raw_lines(path)) - 1


def test_the_bundled_sample_names_all_its_files() -> None:
    path = SAMPLE / "recorded.toml"
    assert NOT_NAMED not in {item.reason for item in survey(SAMPLE, load_manifest(path), path).skipped}
