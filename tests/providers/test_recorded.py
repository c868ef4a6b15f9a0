"""Reading recorded files: every way in which a file says what, when and how much."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from findata_core.errors import MalformedPayload, RefusedRequest
from findata_resources.provider import BAR_ROWS, Parsed
from findata_resources.providers import parse_payload
from findata_resources.providers.recorded import RecordedProvider, scaled
from findata_resources.providers.recorded_files import expand
from findata_resources.providers.recorded_manifest import TimePart, manifest_from
from findata_resources.providers.recorded_times import instants

PLAIN = "time,open,high,low,close,volume\n2024-01-16 14:31:00+00:00,10,12,9,11,100\n"


def manifest(**changes: Any) -> dict[str, Any]:
    """Return a small manifest; a key of changes replaces the set's key, None removes it."""
    one = {
        "name": "one",
        "files": "*",
        "dataset": "bars",
        "source": "here",
        "interval": "1m",
        "adjustment": "raw",
        "received": datetime(2024, 2, 1, tzinfo=UTC),
        "instrument": {"symbol": "MSFT", "mic": "XNAS"},
        "time": {"column": "time", "label": "start"},
    }
    merged = {**one, **changes}
    return {"set": [{key: value for key, value in merged.items() if value is not None}]}


def parsed(folder: Path, content: str | bytes, name: str = "file.csv", **changes: Any) -> list[Parsed]:
    """Put one file into a folder, and parse it as the platform does: from bytes and the stored request."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    changes.setdefault("files", name)
    ((_, request),) = expand(folder, manifest_from(manifest(**changes)))
    received = RecordedProvider(folder).fetch(request, NoClock())
    return parse_payload(received.body, json.loads(request.to_json()))


class NoClock:
    """A clock that must not be asked: recorded files state when they were received."""

    def now(self) -> datetime:
        raise AssertionError


def bars(folder: Path, content: str | bytes, name: str = "file.csv", **changes: Any) -> pl.DataFrame:
    return parsed(folder, content, name, **changes)[0].rows


def test_a_plain_file_gives_bars_and_its_instrument(tmp_path: Path) -> None:
    rows, instruments = parsed(tmp_path, PLAIN)
    assert rows.table == "market.bars"
    assert dict(rows.rows.schema) == dict(BAR_ROWS)
    assert rows.rows.row(0) == (
        *(0, "MSFT.XNAS", "1m", "here", "raw", datetime(2024, 1, 16, 14, 31, tzinfo=UTC), None),
        *(10.0, 12.0, 9.0, 11.0, 100.0, None, None),
    )
    assert instruments.table == "reference.instruments"
    assert instruments.rows.select("instrument_id", "symbol", "mic", "currency", "price_units").rows() == [
        ("MSFT.XNAS", "MSFT", "XNAS", "USD", 1)
    ]


def test_the_receive_time_is_the_stated_one(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(PLAIN)
    ((_, request),) = expand(tmp_path, manifest_from(manifest()))
    received = RecordedProvider(tmp_path).fetch(request, NoClock())
    assert (received.received_time, received.http_status) == (datetime(2024, 2, 1, tzinfo=UTC), None)
    assert received.body == PLAIN.encode()


def test_a_file_that_has_gone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text(PLAIN)
    ((path, request),) = expand(tmp_path, manifest_from(manifest()))
    path.unlink()
    with pytest.raises(RefusedRequest, match="can't be read"):
        RecordedProvider(tmp_path).fetch(request, NoClock())


NOON = datetime(2024, 1, 16, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "time", "instant"),
    [
        ("2024-01-16 12:00:00+00:00", {}, NOON),
        ("2024-01-16T12:00:00Z", {}, NOON),
        ("2024-01-16 07:00:00-05:00", {}, NOON),
        ("2024-01-16T17:30+0530", {}, NOON),
        ("2024-01-16 12:00:00", {"zone": "UTC"}, NOON),
        ("2024-01-16 12:00:00.250", {"zone": "UTC"}, NOON + timedelta(milliseconds=250)),
        ("2024-01-16 07:00", {"zone": "America/New_York"}, NOON),
        ("2024-07-16 08:00", {"zone": "America/New_York"}, datetime(2024, 7, 16, 12, 0, tzinfo=UTC)),
        # An offset in the stamp outranks the zone of the set.
        ("2024-01-16 12:00:00+00:00", {"zone": "America/New_York"}, NOON),
        ("1/16/2024 7:00", {"zone": "America/New_York", "format": "%m/%d/%Y %H:%M"}, NOON),
        ("16.01.2024 12:00:00 +0000", {"format": "%d.%m.%Y %H:%M:%S %z"}, NOON),
        ("01/16/2024 07:00:00 AM", {"zone": "America/New_York", "format": "%m/%d/%Y %I:%M:%S %p"}, NOON),
        ("1705406400", {"epoch": "s"}, NOON),
        ("1705406400.25", {"epoch": "s"}, NOON + timedelta(milliseconds=250)),
        ("1705406400000", {"epoch": "ms"}, NOON),
        ("1705406400000001", {"epoch": "us"}, NOON + timedelta(microseconds=1)),
        ("1705406400000001999", {"epoch": "ns"}, NOON + timedelta(microseconds=1)),
        # A stamp that names a bar's end is moved back by the bar's width.
        ("2024-01-16 12:01:00Z", {"label": "end"}, NOON),
    ],
)
def test_a_stamp_becomes_the_instant_it_means(
    tmp_path: Path, written: str, time: dict[str, Any], instant: datetime
) -> None:
    content = f"time,open,high,low,close,volume\n{written},1,1,1,1,1\n"
    rows = bars(tmp_path, content, time={"column": "time", "label": "start", **time})
    assert rows["event_time"].to_list() == [instant]


def test_a_time_that_does_not_exist_or_exists_twice_is_null(tmp_path: Path) -> None:
    # Clocks in New York: 02:30 on 2019-03-10 does not exist, 01:30 on 2019-11-03 exists twice.
    stamps = ("2019-03-10 02:30:00", "2019-11-03 01:30:00", "2019-11-04 01:30:00", "not a time")
    content = "time,open,high,low,close,volume\n" + "".join(f"{stamp},1,1,1,1,1\n" for stamp in stamps)
    rows = bars(tmp_path, content, time={"column": "time", "label": "start", "zone": "America/New_York"})
    assert rows["event_time"].to_list() == [None, None, datetime(2019, 11, 4, 6, 30, tzinfo=UTC), None]


@given(
    zone=st.sampled_from(["America/New_York", "Europe/London", "Asia/Hong_Kong", "Australia/Sydney", "UTC"]),
    seconds=st.integers(min_value=0, max_value=2_000_000_000),
)
def test_writing_an_instant_with_its_offset_and_reading_it_gives_it_back(zone: str, seconds: int) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)
    frame = pl.DataFrame({"time": [instant.astimezone(ZoneInfo(zone)).isoformat(sep=" ")]})
    read = instants(frame, TimePart(column="time", label="start"), "file.csv", timedelta(minutes=1))
    assert read.to_list() == [instant]


def test_date_and_time_may_stand_in_two_columns(tmp_path: Path) -> None:
    content = "day,clock,open,high,low,close,volume\n16/01/2024,07:00,1,1,1,1,1\n"
    time = {
        "date_column": "day",
        "time_column": "clock",
        "format": "%d/%m/%Y %H:%M",
        "zone": "America/New_York",
    }
    rows = bars(tmp_path, content, time={**time, "label": "start"})
    assert rows["event_time"].to_list() == [NOON]


def test_the_date_may_stand_in_the_path_and_the_time_in_a_column(tmp_path: Path) -> None:
    content = "clock,open,high,low,close,volume\n07:00:30,1,1,1,1,1\n"
    time = {
        "date_in_path": r"/(?P<date>\d{4}-\d\d-\d\d)\.csv$",
        "date_format": "%Y-%m-%d",
        "time_column": "clock",
    }
    time |= {"format": "%H:%M:%S", "zone": "America/New_York", "label": "start"}
    rows = bars(tmp_path, content, "MSFT/2024-01-16.csv", time=time)
    assert rows["event_time"].to_list() == [NOON + timedelta(seconds=30)]


@pytest.mark.parametrize(("unit", "count"), [("ms", "25200000"), ("s", "25200")])
def test_counts_since_midnight_are_of_the_wall_clock(tmp_path: Path, unit: str, count: str) -> None:
    # 07:00 by the clock, on a winter day and on the day that clocks go forward.
    time = {"date_in_path": r"(?P<date>\d{8})", "time_column": 0, "since_midnight": unit, "label": "start"}
    time |= {"zone": "America/New_York"}
    columns = {"open": 1, "high": 2, "low": 3, "close": 4, "volume": 5}
    layout = {"header": "none"}
    for name, instant in (("20240116", NOON), ("20240310", datetime(2024, 3, 10, 11, 0, tzinfo=UTC))):
        rows = bars(
            tmp_path, f"{count},1,1,1,1,1\n", f"{name}.csv", time=time, columns=columns, layout=layout
        )
        assert rows["event_time"].to_list() == [instant]


@pytest.mark.parametrize(
    ("written", "time", "day"),
    [
        ("2024-01-16", {}, date(2024, 1, 16)),
        ("2024-01-16 00:00:00", {}, date(2024, 1, 16)),
        # pandas writes a day of a New York index as its local midnight: the day is the one that is written.
        ("2024-01-16 00:00:00-05:00", {}, date(2024, 1, 16)),
        # Midnight in Hong Kong, written in UTC, is the day before: only the zone tells.
        ("2024-01-15 16:00:00+00:00", {"zone": "Asia/Hong_Kong"}, date(2024, 1, 16)),
        ("1/16/2024", {"format": "%m/%d/%Y"}, date(2024, 1, 16)),
        ("20240116 00:00", {"format": "%Y%m%d %H:%M"}, date(2024, 1, 16)),
        ("1705381200", {"epoch": "s", "zone": "America/New_York"}, date(2024, 1, 16)),
        ("16 Jan 2024", {"format": "%d %b %Y"}, date(2024, 1, 16)),
        ("yesterday", {}, None),
    ],
)
def test_a_daily_row_has_its_day_and_no_instant(
    tmp_path: Path, written: str, time: dict[str, Any], day: date | None
) -> None:
    content = f"time,open,high,low,close,volume\n{written},1,1,1,1,1\n2024-01-17,1,1,1,1,1\n"
    one, _ = parsed(tmp_path, content, interval="1d", time={"column": "time", **time})
    assert one.table == "market.bars_1d"
    assert one.rows.select("session_date", "event_time").row(0) == (day, None)


@pytest.mark.parametrize(
    ("values", "written", "read"),
    [
        ({}, "1.5", 1.5),
        ({}, "1.5e3", 1500.0),
        ({"decimal": ","}, "1,5", 1.5),
        ({"decimal": ",", "thousands": "."}, "1.234,5", 1234.5),
        ({"thousands": ","}, "1,234.5", 1234.5),
        ({"price_divisor": 10000}, "6448000", 644.8),
        ({"price_divisor": 10000}, "7479500", 747.95),
        ({"price_multiplier": 100}, "1.25", 125.0),
        ({}, "NaN", None),
        ({}, "", None),
        ({}, "N/A", None),
        ({}, "n.a.", None),
        ({"nulls": ["-"]}, "-", None),
    ],
)
def test_a_field_becomes_the_number_it_means(
    tmp_path: Path, values: dict[str, Any], written: str, read: float | None
) -> None:
    content = "time;open;high;low;close;volume\n" + "".join(
        f"2024-01-16 12:0{minute}:00Z;{price};10000;10000;10000;10000\n"
        for minute, price in enumerate((written, "10000"))
    )
    rows = bars(tmp_path, content, layout={"delimiter": ";"}, values=values)
    assert rows["open"][0] == read


@given(st.integers(min_value=1, max_value=10**9))
def test_scaled_whole_numbers_are_the_decimals_that_they_denote(count: int) -> None:
    expected = float(Decimal(count) / 10000)
    assert scaled(pl.Series([float(count)]), 10000, 1).to_list() == [expected]


def test_volumes_may_be_in_lots(tmp_path: Path) -> None:
    assert bars(tmp_path, PLAIN, values={"volume_multiplier": 100})["volume"].to_list() == [10000.0]


def test_a_source_without_volume_has_volume_0(tmp_path: Path) -> None:
    content = "time,open,high,low,close\n2024-01-16 12:00:00Z,1,1,1,1\n"
    assert bars(tmp_path, content, values={"has_volume": False})["volume"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("written", "restored"),
    [
        # As Yahoo writes 250.803 (MANIFEST.md, 4), and as pandas writes it after reading that text.
        ("250.80299377441406", 250.803),
        ("189.0200042724609", 189.02),
        ("189.02000427246094", 189.02),
        # No float32 is near: the text stands.
        ("189.0200042", 189.0200042),
    ],
)
def test_prices_that_were_float32_are_restored(tmp_path: Path, written: str, restored: float) -> None:
    content = PLAIN.replace(",11,", f",{written},")
    assert bars(tmp_path, content, values={"float32": True})["close"].to_list() == [restored]
    assert bars(tmp_path, content)["close"].to_list() == [float(written)]


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def as_parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


TYPED = pl.DataFrame(
    {
        "time": pl.Series([datetime(2024, 1, 16, 14, 31, tzinfo=UTC)], dtype=pl.Datetime("ns", "UTC")),
        "open": [10.0],
        "high": [12.0],
        "low": [9.0],
        "close": [11.0],
        "volume": [100],
    }
)


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (gzip.compress(PLAIN.encode(), mtime=0), {}),
        (zipped(a=PLAIN), {}),
        (zipped(a=PLAIN, b="other"), {"member": "a"}),
        (as_parquet(TYPED), {"format": "parquet"}),
        (
            as_parquet(TYPED.with_columns(pl.col("time").dt.to_string("%Y-%m-%dT%H:%M:%SZ"))),
            {"format": "parquet"},
        ),
        (PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
        (b"\xef\xbb\xbf" + PLAIN.encode(), {}),
        (PLAIN.replace("\n", "\r\n").encode(), {}),
        (b"Source: here\nAll times UTC\n" + PLAIN.encode(), {"skip_lines": 2}),
        (PLAIN.replace("\n", "\n(units)\n", 1).encode(), {"skip_lines_after_header": 1}),
        (PLAIN.replace(",", "\t").encode(), {"delimiter": "\t"}),
        (PLAIN.replace(",", " , ").encode(), {}),
        (PLAIN.encode() + b"\n\n", {}),
    ],
)
def test_the_same_rows_come_out_of_every_layout(
    tmp_path: Path, content: bytes, layout: dict[str, Any]
) -> None:
    assert bars(tmp_path, content, layout=layout).equals(bars(tmp_path, PLAIN))


def test_parquet_times_without_a_zone_need_one(tmp_path: Path) -> None:
    naive = TYPED.with_columns(pl.col("time").dt.replace_time_zone(None))
    with pytest.raises(MalformedPayload, match="zone"):
        bars(tmp_path, as_parquet(naive), layout={"format": "parquet"})
    time = {"column": "time", "label": "start", "zone": "UTC"}
    rows = bars(tmp_path, as_parquet(naive), layout={"format": "parquet"}, time=time)
    assert rows.equals(bars(tmp_path, PLAIN))


def test_a_line_cut_short_and_a_line_too_long_stay_rows_with_nulls(tmp_path: Path) -> None:
    content = PLAIN + "2024-01-16 14:32:00+00:00,10,12,9\n2024-01-16 14:33:00+00:00,1,0,12,9,11,100\n"
    rows = bars(tmp_path, content)
    assert rows["row_number"].to_list() == [0, 1, 2]
    assert rows.select("low", "close", "volume").rows() == [
        (9.0, 11.0, 100.0),
        (9.0, None, None),
        (None,) * 3,
    ]
    assert rows["event_time"].null_count() == 1


def test_rows_keep_the_files_order(tmp_path: Path) -> None:
    content = "time,open,high,low,close,volume\n" + "".join(
        f"2024-01-16 12:0{minute}:00Z,1,1,1,1,{minute}\n" for minute in (2, 1, 0)
    )
    assert bars(tmp_path, content)["volume"].to_list() == [2.0, 1.0, 0.0]


YFINANCE_TWO = (
    "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
    "Ticker,AAPL,SPY,AAPL,SPY,AAPL,SPY,AAPL,SPY,AAPL,SPY\n"
    "Datetime,,,,,,,,,,\n"
    "2025-05-09 13:44:00+00:00,1,11,2,12,0.5,10,1.5,11.5,100,200\n"
    "2025-05-09 13:45:00+00:00,1,,2,,0.5,,1.5,,100,\n"
)
YFINANCE: dict[str, Any] = {
    "layout": {"header": "yfinance"},
    "time": {"column": "Datetime", "label": "start"},
    "instrument": {"column": "Ticker", "mic": "XNAS", "symbols": {"SPY": {"mic": "ARCX"}}},
    "columns": {name.lower(): name for name in ("Open", "High", "Low", "Close", "Volume")},
}


def test_yfinances_header_of_several_tickers_gives_rows_of_each(tmp_path: Path) -> None:
    rows = bars(tmp_path, YFINANCE_TWO, **YFINANCE)
    assert rows.select("instrument_id", "open", "high", "low", "close", "volume").rows() == [
        ("AAPL.XNAS", 1.5, 2.0, 0.5, 1.0, 100.0),
        ("AAPL.XNAS", 1.5, 2.0, 0.5, 1.0, 100.0),
        ("SPY.ARCX", 11.5, 12.0, 10.0, 11.0, 200.0),
    ]


def test_yfinances_two_header_lines_may_stand_in_either_order(tmp_path: Path) -> None:
    first, second, rest = YFINANCE_TWO.split("\n", 2)
    assert bars(tmp_path, f"{second}\n{first}\n{rest}", **YFINANCE).equals(
        bars(tmp_path, YFINANCE_TWO, **YFINANCE)
    )


def test_instruments_may_stand_in_a_column(tmp_path: Path) -> None:
    content = "sym,time,open,high,low,close,volume\n" + "".join(
        f"{name},2024-01-16 12:00:00Z,1,1,1,1,1\n" for name in ("msft", "vod.l", "???")
    )
    symbols = {"msft": {"mic": "XNAS"}, "vod.l": {"symbol": "VOD", "mic": "XLON"}}
    rows, instruments = parsed(
        tmp_path, content, instrument={"column": "sym", "upper_case": True, "symbols": symbols}
    )
    assert rows.rows["instrument_id"].to_list() == ["MSFT.XNAS", "VOD.XLON", None]
    assert instruments.rows.select("instrument_id", "symbol", "currency", "price_units").rows() == [
        ("MSFT.XNAS", "MSFT", "USD", 1),
        ("VOD.XLON", "VOD", "GBP", 100),
    ]


def test_a_manifest_may_say_how_an_instrument_is_quoted(tmp_path: Path) -> None:
    instrument = {"symbol": "X", "mic": "XLON", "currency": "USD", "price_units": 1}
    _, instruments = parsed(tmp_path, PLAIN, instrument=instrument, category="etf", tags=["mine"])
    one = instruments.rows.row(0, named=True)
    assert (one["currency"], one["price_units"], one["region"]) == ("USD", 1, "GB")
    assert (one["source_system"], one["category"], one["tags"]) == ("here", "etf", ["mine"])


def test_means_and_counts_are_kept_where_the_file_has_them(tmp_path: Path) -> None:
    content = PLAIN.replace("volume", "volume,average,barCount").replace(",100\n", ",100,10.5,7\n")
    rows = bars(tmp_path, content, columns={"vwap": "average", "trade_count": "barCount"})
    assert rows.select("vwap", "trade_count").row(0) == (10.5, 7)


IN_SECONDS = {"time": {"column": "time", "label": "start", "epoch": "s"}}


@pytest.mark.parametrize(
    ("content", "changes", "words"),
    [
        ("", {}, "no header"),
        (PLAIN, {"columns": {"open": "Open"}}, "no column 'Open'.*'open'"),
        (PLAIN, {"time": {"column": "time", "label": "start", "format": "%d.%m.%Y"}}, "No stamp.*2024-01-16"),
        (PLAIN.replace("+00:00", ""), {}, "zone"),
        # Milliseconds read as seconds lie in no year of ours.
        (PLAIN.replace("2024-01-16 14:31:00+00:00", "1705406400000"), IN_SECONDS, "No stamp.*1705406400000"),
        (PLAIN.replace(",10,", ",ten,"), {}, "column 'open'.*'ten'"),
        (
            PLAIN,
            {
                "layout": {"header": "none"},
                "columns": {n: i for i, n in enumerate(("open", "high", "low", "close", "volume"), 7)},
                "time": {"column": 0, "label": "start"},
            },
            "no field 7",
        ),
        (PLAIN, {"layout": {"format": "parquet"}}, "not Parquet"),
        (b"PAR1 and no more", {"layout": {"format": "parquet"}}, "Parquet"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-12], {}, "compressed"),
        (zipped(a=PLAIN)[:-30], {}, "compressed"),
        (zipped(a=PLAIN, b=PLAIN), {}, "a, b.*member|a, b"),
        (b"\xff\xfe\xff", {}, "utf-8"),
        (PLAIN.replace("open", "close"), {}, "'close'"),
        (PLAIN, {"layout": {"header": "yfinance"}}, "yfinance"),
    ],
)
def test_a_file_that_can_not_be_read_is_malformed(
    tmp_path: Path, content: str | bytes, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(MalformedPayload, match=f"{words}.*Next: .+"):
        parsed(tmp_path, content, **changes)


def test_a_file_of_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert bars(tmp_path, PLAIN.split("\n", maxsplit=1)[0] + "\n").height == 0


SOFR: dict[str, Any] = {"dataset": "sofr", "interval": None, "adjustment": None, "instrument": None}


def test_rates_may_be_in_findatas_own_columns(tmp_path: Path) -> None:
    content = (
        "rate,observation_date,rate_percent,average_30day_percent,index_value\n"
        "SOFR,2022-06-29,1.51,1.06443,1.04439047\n"
        "SOFR,2022-06-30,1.50,,\n"
    )
    fixings, averages = parsed(tmp_path, content, **SOFR, time={"column": "observation_date"})
    assert fixings.table == "rates.rates"
    assert fixings.rows.select("rate", "source", "observation_date", "rate_percent").rows() == [
        ("SOFR", "here", date(2022, 6, 29), 1.51),
        ("SOFR", "here", date(2022, 6, 30), 1.5),
    ]
    assert averages.table == "rates.published_averages"
    assert averages.rows.select("row_number", "average_30day_percent", "index_value").rows() == [
        (0, 1.06443, 1.04439047)
    ]


def test_a_day_marked_empty_has_no_row_and_an_unreadable_one_stays(tmp_path: Path) -> None:
    # FRED's own CSV: "." on a holiday.
    content = "DATE,SOFR\n2019-08-30,2.16\n2019-09-02,.\n2019-09-03,two\n"
    changes: dict[str, Any] = {
        **SOFR,
        "rate": "SOFR",
        "time": {"column": "DATE"},
        "columns": {"rate_percent": "SOFR"},
    }
    (fixings,) = parsed(tmp_path, content, **changes)
    assert fixings.rows.select("row_number", "observation_date", "rate_percent").rows() == [
        (0, date(2019, 8, 30), 2.16),
        (2, date(2019, 9, 3), None),
    ]


def test_rates_of_a_file_without_a_mapped_column_are_malformed(tmp_path: Path) -> None:
    with pytest.raises(MalformedPayload, match="'DATE', 'SOFR'"):
        parsed(tmp_path, "DATE,SOFR\n2019-08-30,2.16\n", **SOFR, rate="SOFR", time={"column": "DATE"})


def test_a_recorded_answer_of_the_new_york_fed_is_read_as_such(trial_data: Path) -> None:
    folder = trial_data / "rates/siddharthqs-RustyQLib"
    changes = {
        **SOFR,
        "files": "nyfed_sofr.json",
        "layout": {"format": "nyfed_json"},
        "time": None,
        "source": "nyfed",
    }
    ((path, request),) = expand(folder, manifest_from(manifest(**changes)))
    (fixings,) = parse_payload(path.read_bytes(), json.loads(request.to_json()))
    assert fixings.rows["rate_percent"].to_list() == [3.64, 3.66]
    assert fixings.rows["source"].to_list() == ["nyfed", "nyfed"]
