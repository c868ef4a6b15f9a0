"""Coverage: every session asked for has a row, and what is missing is named to the minute."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.calendars import assign_sessions, mic_of, sessions_of
from findata_core.intervals import width_minutes
from findata_core.quality.gaps import coverage
from findata_core.schema.frames import conform
from findata_core.schema.tables import table

DAY = date(2025, 7, 2)
SESSIONS = pl.concat(
    sessions_of(mic, date(2025, 6, 30), date(2025, 7, 4)) for mic in ("XASX", "XHKG", "XNYS")
)
ASKED = {
    "instrument_id": pl.String,
    "source": pl.String,
    "interval": pl.String,
    "first_date": pl.Date,
    "last_date": pl.Date,
}


def bars(times: Iterable[datetime], instrument_id: str = "A.XNYS", interval: str = "1m") -> pl.DataFrame:
    rows = pl.DataFrame({"event_time": list(times)}, schema={"event_time": pl.Datetime("us", "UTC")})
    named = rows.with_columns(
        instrument_id=pl.lit(instrument_id), interval=pl.lit(interval), source=pl.lit("yahoo")
    )
    placed = assign_sessions(named.with_columns(mic=mic_of(pl.col("instrument_id"))), SESSIONS)
    return placed.filter(pl.col("session_date").is_not_null())


def asked(
    instrument_id: str = "A.XNYS", interval: str = "1m", first: date | None = DAY, last: date | None = DAY
) -> pl.DataFrame:
    return pl.DataFrame([(instrument_id, "yahoo", interval, first, last)], schema=ASKED, orient="row")


def minutes(hour: int, minute: int, count: int, step: int = 1, day: date = DAY) -> list[datetime]:
    first = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
    return [first + timedelta(minutes=step * number) for number in range(count)]


def summary(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.select("status", "expected_bars", "present_bars", "other_bars", "missing_ranges").rows()


def test_a_whole_session_is_complete_and_other_phases_are_counted_apart() -> None:
    whole = bars([*minutes(13, 25, 5), *minutes(13, 30, 390), *minutes(20, 0, 3)])

    assert summary(coverage(whole, SESSIONS, asked())) == [("complete", 390, 390, 8, [])]


def test_missing_ranges_are_half_open_and_name_the_edges_too() -> None:
    times = minutes(13, 32, 10) + minutes(13, 45, 1) + minutes(13, 47, 370)

    row = coverage(bars(times), SESSIONS, asked())

    missing = ["13:30-13:32", "13:42-13:45", "13:46-13:47", "19:57-20:00"]
    assert summary(row) == [("partial", 390, 381, 0, missing)]


def test_sessions_without_any_bar_are_missing_and_closed_days_are_not() -> None:
    rows = coverage(bars([]), SESSIONS, asked(first=date(2025, 6, 28), last=date(2025, 7, 6)))

    # 4 July is a holiday; on 3 July New York closes at 13:00, 17:00 UTC.
    assert rows["session_date"].to_list() == [date(2025, 6, 30), date(2025, 7, 1), DAY, date(2025, 7, 3)]
    assert summary(rows)[-2:] == [
        ("missing", 390, 0, 0, ["13:30-20:00"]),
        ("missing", 210, 0, 0, ["13:30-17:00"]),
    ]


def test_nothing_is_missing_in_a_break() -> None:
    times = minutes(1, 30, 150) + minutes(5, 10, 170) + minutes(4, 0, 1)

    row = coverage(bars(times, "9988.XHKG"), SESSIONS, asked("9988.XHKG"))

    assert summary(row) == [("partial", 330, 320, 1, ["05:00-05:10"])]
    empty = coverage(bars([]), SESSIONS, asked("9988.XHKG"))
    assert summary(empty) == [("missing", 330, 0, 0, ["01:30-04:00", "05:00-08:00"])]


@pytest.mark.parametrize(
    ("interval", "times", "expected"),
    [
        ("1h", minutes(13, 30, 7, 60), ("complete", 7, 7, 0, [])),
        ("1h", minutes(13, 30, 6, 60), ("partial", 7, 6, 0, ["19:30-20:00"])),
        # Hours counted from the whole hour: 13:00 starts before the open, so six are regular.
        ("1h", minutes(13, 0, 7, 60), ("complete", 6, 6, 1, [])),
        ("1h", minutes(15, 0, 5, 60), ("partial", 6, 5, 0, ["14:00-15:00"])),
        ("30m", minutes(13, 30, 13, 30), ("complete", 13, 13, 0, [])),
        ("5m", minutes(13, 30, 77, 5), ("partial", 78, 77, 0, ["19:55-20:00"])),
        ("1d", minutes(13, 30, 1), ("complete", 1, 1, 0, [])),
        ("1d", [], ("missing", 1, 0, 0, ["13:30-20:00"])),
    ],
)
def test_wider_bars_are_counted_on_their_own_grid(
    interval: str, times: list[datetime], expected: tuple[object, ...]
) -> None:
    rows = coverage(bars(times, interval=interval), SESSIONS, asked(interval=interval))

    assert summary(rows) == [expected]


def test_hours_of_an_exchange_with_a_break_are_counted_in_each_segment() -> None:
    times = minutes(1, 30, 3, 60) + minutes(5, 0, 3, 60)

    row = coverage(bars(times, "9988.XHKG", "1h"), SESSIONS, asked("9988.XHKG", "1h"))

    assert summary(row) == [("complete", 6, 6, 0, [])]


def test_a_session_over_midnight_utc_is_one_session() -> None:
    # Sydney's 2 July: 10:00 to 16:00 at UTC+10 is 00:00 to 06:00; the range keeps the order of time.
    row = coverage(bars(minutes(0, 0, 60), "BHP.XASX"), SESSIONS, asked("BHP.XASX"))

    assert summary(row) == [("partial", 360, 60, 0, ["01:00-06:00"])]


def test_several_bases_of_one_source_count_once() -> None:
    whole = bars(minutes(13, 30, 390))

    assert summary(coverage(pl.concat([whole, whole]), SESSIONS, asked())) == [("complete", 390, 390, 0, [])]


def test_each_series_has_rows_of_its_own_and_bars_not_asked_for_have_none() -> None:
    both = pl.concat([asked(), asked(interval="1d", first=None, last=None), asked("9988.XHKG")])

    rows = coverage(bars(minutes(13, 30, 390), "B.XNYS"), SESSIONS, both)

    counts = rows.group_by("instrument_id", "interval").len().sort("len", "instrument_id").rows()
    assert counts == [("9988.XHKG", "1m", 1), ("A.XNYS", "1m", 1), ("A.XNYS", "1d", 4)]
    assert set(rows["status"]) == {"missing"}


def test_rows_fit_their_table() -> None:
    rows = coverage(bars(minutes(13, 30, 3)), SESSIONS, asked())

    assert rows.equals(conform(rows, table("ops.coverage")))
    assert rows.columns == [column.name for column in table("ops.coverage").columns]


def test_nothing_asked_or_no_session_gives_no_rows() -> None:
    whole = bars(minutes(13, 30, 390))

    assert coverage(whole, SESSIONS, asked().clear()).is_empty()
    assert coverage(whole, SESSIONS.clear(), asked()).is_empty()


@settings(max_examples=100, deadline=None)
@given(
    starts=st.lists(st.integers(0, 24 * 60 - 1), max_size=60),
    interval=st.sampled_from(["1m", "5m", "30m", "1h"]),
    instrument_id=st.sampled_from(["A.XNYS", "9988.XHKG", "BHP.XASX"]),
)
def test_missing_ranges_and_present_bars_add_up_to_the_session(
    starts: list[int], interval: str, instrument_id: str
) -> None:
    width = width_minutes(interval)
    times = {minute - minute % width for minute in starts}
    placed = bars(
        [minutes(0, 0, 1)[0] + timedelta(minutes=minute) for minute in times], instrument_id, interval
    )

    row = coverage(placed, SESSIONS, asked(instrument_id, interval)).row(0, named=True)

    assert 0 <= row["present_bars"] <= row["expected_bars"]
    assert row["present_bars"] == placed.filter(session_phase="regular").height
    spans = [[int(at[:2]) * 60 + int(at[3:]) for at in span.split("-")] for span in row["missing_ranges"]]
    assert spans == sorted(spans)
    missing = sum(-(-(end - start) // width) for start, end in spans)
    assert missing + row["present_bars"] == row["expected_bars"]


def test_the_thin_name_of_january_2025_has_its_minutes_counted(trial_data: Path) -> None:
    path = trial_data / "bars_1m" / "Fl4bb0-Daytrading1.0" / "hf_2025-01" / "MELI.csv"
    lines = [line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    sessions = sessions_of("XNAS", date(2025, 1, 2), date(2025, 1, 31))
    rows = pl.DataFrame({"event_time": [datetime.fromisoformat(line) for line in lines]}).with_columns(
        pl.col("event_time").dt.convert_time_zone("UTC"),
        instrument_id=pl.lit("MELI.XNAS"),
        interval=pl.lit("1m"),
        source=pl.lit("hf"),
        mic=pl.lit("XNAS"),
    )
    series = pl.DataFrame([("MELI.XNAS", "hf", "1m", None, None)], schema=ASKED, orient="row")

    result = coverage(assign_sessions(rows, sessions), sessions, series)

    # grep -cE '^2025-01-10 (14:[345]|1[5-9]|20)' MELI.csv: 115 minutes from 14:30 to 20:59 UTC.
    assert result.filter(session_date=date(2025, 1, 10))["present_bars"].to_list() == [115]
    assert date(2025, 1, 9) not in set(result["session_date"])
    assert set(result["status"]) == {"partial"}
