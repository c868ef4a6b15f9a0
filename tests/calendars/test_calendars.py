"""Sessions against published hours, and the session and phase of instants."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import exchange_calendars
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.calendars import (
    CALENDAR_VERSION,
    EXCHANGES,
    SESSION_SCHEMA,
    assign_sessions,
    exchange_of,
    session_dates,
    sessions_of,
)
from findata_core.errors import UnknownExchange

ANSWERS = Path(__file__).parents[1] / "answers" / "sessions_published.csv"
PUBLISHED = pl.read_csv(ANSWERS, comment_prefix="#", try_parse_dates=True).rows()


@pytest.mark.parametrize(("mic", "day", "opens", "closes", "minutes"), PUBLISHED)
def test_a_session_has_its_published_hours(
    mic: str, day: date, opens: time, closes: time, minutes: int
) -> None:
    session = sessions_of(mic, day, day).row(0, named=True)

    zone = ZoneInfo(session["time_zone"])
    local = (session["open_time"].astimezone(zone).time(), session["close_time"].astimezone(zone).time())
    assert ((opens, closes), minutes) == (local, session["trading_minutes"])


@pytest.mark.parametrize(
    ("mic", "day"),
    [
        ("XNYS", date(2025, 1, 9)),  # national day of mourning
        ("XNYS", date(2025, 4, 18)),  # Good Friday
        ("XNYS", date(2025, 6, 21)),  # a Saturday
        ("XHKG", date(2025, 1, 29)),  # Lunar New Year
        ("XBOM", date(2025, 2, 8)),  # an ordinary Saturday
        ("XTAE", date(2026, 1, 2)),  # a Friday before Fridays were opened
        ("XTAE", date(2026, 1, 11)),  # a Sunday after Sundays were closed
    ],
)
def test_a_closed_day_has_no_session(mic: str, day: date) -> None:
    assert sessions_of(mic, day, day).is_empty()


@pytest.mark.parametrize("day", [date(2025, 12, 28), date(2026, 1, 4), date(2026, 1, 9)])
def test_tel_aviv_trades_on_sundays_until_2026_and_on_fridays_after(day: date) -> None:
    assert [day] == session_dates(["XTAE"], day, day)


def test_new_york_opens_at_1330_utc_on_165_sessions_of_2025_and_at_1430_on_85() -> None:
    opens = sessions_of("XNYS", date(2025, 1, 1), date(2025, 12, 31))["open_time"].dt.strftime("%H:%M")

    assert dict(opens.value_counts().iter_rows()) == {"13:30": 165, "14:30": 85}


def test_the_catalogue_is_sorted_and_keyed_by_mic() -> None:
    assert sorted(EXCHANGES) == list(EXCHANGES) == [exchange.mic for exchange in EXCHANGES.values()]


@pytest.mark.parametrize("mic", EXCHANGES)
def test_every_exchange_opens_and_closes_on_its_own_calendar_day(mic: str) -> None:
    sessions = sessions_of(mic, date(2015, 1, 1), date(2026, 12, 31))

    zone = sessions["time_zone"][0]
    opens, closes = (
        sessions[name].dt.convert_time_zone(zone).dt.date() for name in ("open_time", "close_time")
    )
    assert sessions.schema == SESSION_SCHEMA
    assert (opens == sessions["session_date"]).all()
    assert (closes == sessions["session_date"]).all()
    assert sessions["session_date"].is_sorted()
    assert sessions["session_date"].is_unique().all()
    assert {CALENDAR_VERSION} == set(sessions["calendar_version"])


@pytest.mark.parametrize("mic", ["XNYS", "XLON", "XHKG", "XTKS", "XETR", "XJSE"])
def test_sessions_are_those_of_the_calendar_library(mic: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = exchange_calendars.get_calendar(mic, start="2020-01-01", end="2025-12-31")
        expected = [(str(day.date()), o.isoformat(), c.isoformat()) for day, o, c in zip(
            library.sessions, library.schedule["open"], library.schedule["close"], strict=True
        )]  # fmt: skip

    sessions = sessions_of(mic, date(2020, 1, 1), date(2025, 12, 31))

    columns = sessions.select("session_date", "open_time", "close_time").rows()
    assert expected == [(str(day), opens.isoformat(), closes.isoformat()) for day, opens, closes in columns]


def test_pence_cents_and_agorot_are_a_hundred_price_units() -> None:
    assert {"XJSE", "XLON", "XTAE"} == {
        mic for mic, exchange in EXCHANGES.items() if exchange.price_units == 100
    }


@pytest.mark.parametrize("year", [1, 1598, 2270, 9999])
def test_years_that_the_library_cannot_count_have_no_sessions(year: int) -> None:
    assert sessions_of("XNYS", date(year, 1, 1), date(year, 2, 1)).is_empty()


def test_dates_beyond_a_calendars_bounds_have_no_sessions() -> None:
    sessions = sessions_of("XHKG", date(1950, 1, 1), date(1960, 1, 6))

    assert date(1960, 1, 1) == sessions["session_date"].min()


def test_the_dates_of_several_exchanges_are_their_union() -> None:
    days = session_dates(["XNYS", "XHKG"], date(2025, 7, 1), date(2025, 7, 7))

    # Hong Kong rests on 1 July, New York on 4 July.
    assert [date(2025, 7, day) for day in (1, 2, 3, 4, 7)] == days


@pytest.mark.parametrize(("mic", "near"), [("XNSY", "XNYS"), ("xlon", "XLON"), ("?", "EXCHANGES")])
def test_an_unknown_exchange_is_refused_with_near_ones(mic: str, near: str) -> None:
    with pytest.raises(UnknownExchange) as refusal:
        exchange_of(mic)

    assert near in refusal.value.next_step


def _placed(mic: str, *times: str) -> list[tuple[date | None, str | None]]:
    stamps = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in times]
    rows = pl.DataFrame({"mic": [mic] * len(stamps), "event_time": stamps}).with_columns(
        pl.col("event_time").cast(pl.Datetime("us", "UTC"))
    )
    days = (stamps[0].date() - timedelta(days=3), stamps[-1].date() + timedelta(days=3))
    placed = assign_sessions(rows, sessions_of(mic, *days))
    return placed.select("session_date", "session_phase").rows()


def test_phases_follow_the_session_and_its_half_day() -> None:
    day = date(2025, 7, 3)
    times = ["08:00", "13:29", "13:30", "16:59", "17:00", "17:01", "23:59"]

    placed = _placed("XNYS", *[f"2025-07-03 {at}" for at in times])

    phases = ["pre", "pre", "regular", "regular", "closing", "post", "post"]
    assert [(day, phase) for phase in phases] == placed


def test_an_instant_belongs_to_the_local_day_of_the_exchange() -> None:
    # 19:30 of 3 January in New York, 10:00 of 10 February in Sydney.
    assert [(date(2025, 1, 3), "post")] == _placed("XNYS", "2025-01-04 00:30")
    assert [(date(2025, 2, 10), "regular")] == _placed("XASX", "2025-02-09 23:00")


def test_a_break_belongs_to_nobody_but_for_its_first_instant() -> None:
    day = date(2022, 5, 20)

    placed = _placed(
        "XHKG", *[f"2022-05-20 {at}" for at in ("03:59", "04:00", "04:01", "04:59", "05:00", "08:00")]
    )

    expected = [
        (day, "regular"),
        (day, "closing"),
        (None, None),
        (None, None),
        (day, "regular"),
        (day, "closing"),
    ]
    assert expected == placed


@pytest.mark.parametrize(
    ("mic", "time", "session_date"),
    [
        ("XNYS", "2026-03-06 14:30", date(2026, 3, 6)),  # winter time, the Friday before the clocks change
        ("XNYS", "2026-03-09 13:30", date(2026, 3, 9)),  # summer time, the Monday after
        ("XNYS", "2025-10-31 13:30", date(2025, 10, 31)),
        ("XNYS", "2025-11-03 14:30", date(2025, 11, 3)),
        ("XLON", "2026-03-27 08:00", date(2026, 3, 27)),
        ("XLON", "2026-03-30 07:00", date(2026, 3, 30)),
        ("XLON", "2025-10-24 07:00", date(2025, 10, 24)),
        ("XLON", "2025-10-27 08:00", date(2025, 10, 27)),
    ],
)
def test_the_first_minute_is_regular_on_both_sides_of_clock_changes(
    mic: str, time: str, session_date: date
) -> None:
    before = (datetime.fromisoformat(time) - timedelta(minutes=1)).isoformat(" ")

    assert [(session_date, "pre"), (session_date, "regular")] == _placed(mic, before, time)


def test_rows_without_an_exchange_or_a_time_or_any_session_are_kept_unplaced() -> None:
    rows = pl.DataFrame(
        {"mic": ["XNYS", None, "NONE"], "event_time": [None, datetime(2025, 7, 3, 14, tzinfo=UTC), None]},
        schema={"mic": pl.String, "event_time": pl.Datetime("us", "UTC")},
    )
    sessions = sessions_of("XNYS", date(2025, 7, 3), date(2025, 7, 3))

    for known in (sessions, sessions.clear()):
        placed = assign_sessions(rows, known)
        assert placed.select("session_date", "session_phase").rows() == [(None, None)] * 3


@settings(max_examples=40, deadline=None)
@given(
    mic=st.sampled_from(["XNYS", "XHKG", "XLON", "XTKS", "XASX", "BVMF"]),
    minutes=st.lists(st.integers(0, 366 * 1440), min_size=1, max_size=40),
)
def test_the_phase_of_any_minute_of_2018_is_that_of_the_calendar_library(
    mic: str, minutes: list[int]
) -> None:
    times = [datetime(2018, 1, 1, tzinfo=UTC) + timedelta(minutes=minute) for minute in minutes]
    rows = pl.DataFrame({"mic": [mic] * len(times), "event_time": times}).cast(
        {"event_time": pl.Datetime("us", "UTC")}
    )

    placed = assign_sessions(rows, sessions_of(mic, date(2017, 12, 1), date(2019, 1, 31)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        library = exchange_calendars.get_calendar(mic, start="2017-12-01", end="2019-01-31")
        # The library's side "left": an open minute from the open inclusive to the close exclusive.
        expected = [library.is_trading_minute(moment) for moment in times]
    assert expected == (placed["session_phase"] == "regular").fill_null(value=False).to_list()
