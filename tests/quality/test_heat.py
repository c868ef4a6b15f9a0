"""Coverage cut into half hours: breaks, half days, stretches that cross slots and midnight. Counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl

from findata_core.calendars import sessions_of
from findata_core.quality.heat import HEAT_SCHEMA, heat, slots

DAY = date(2022, 6, 15)


def state(instrument: str, status: str, ranges: str | None, day: date = DAY) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "instrument_id": instrument,
                "source": "yahoo",
                "session_date": day,
                "status": status,
                "missing_ranges": ranges,
            }
        ],
        schema_overrides={"missing_ranges": pl.String},
    )


def test_a_session_of_new_york_has_thirteen_half_hours() -> None:
    grid = slots(sessions_of("XNAS", DAY, DAY))
    assert grid["expected"].to_list() == [30] * 13
    assert grid["slot_time"][0] == datetime(2022, 6, 15, 13, 30, tzinfo=UTC)


def test_hong_kongs_break_is_no_slot() -> None:
    """09:30 to 12:00 and 13:00 to 16:00: five and six half hours."""
    times = slots(sessions_of("XHKG", DAY, DAY))["slot_time"].dt.strftime("%H:%M").to_list()
    assert times == [
        "01:30",
        "02:00",
        "02:30",
        "03:00",
        "03:30",
        "05:00",
        "05:30",
        "06:00",
        "06:30",
        "07:00",
        "07:30",
    ]


def test_a_half_day_has_seven() -> None:
    """The day after Thanksgiving ends at 13:00."""
    assert slots(sessions_of("XNAS", date(2022, 11, 25), date(2022, 11, 25))).height == 7


def test_a_missing_stretch_is_taken_out_of_the_slots_that_it_touches() -> None:
    sessions = sessions_of("XNAS", DAY, DAY)
    found = heat(state("MSFT.XNAS", "partial", "13:45-14:05 16:30-20:00"), sessions)
    assert found.schema == HEAT_SCHEMA
    assert found["present"].to_list() == [15, 25, 30, 30, 30, 30, *[0] * 7]


def test_what_is_complete_has_all_and_what_is_missing_has_none() -> None:
    sessions = sessions_of("XNAS", DAY, DAY)
    both = pl.concat([state("A.XNAS", "complete", ""), state("B.XNAS", "missing", None)])
    totals = heat(both, sessions).group_by("instrument_id", maintain_order=True).agg(pl.col("present").sum())
    assert totals.rows() == [("A.XNAS", 390), ("B.XNAS", 0)]


def test_a_stretch_may_cross_midnight_in_utc() -> None:
    """Sydney's summer session runs from 23:00 to 05:00 UTC."""
    day = date(2023, 1, 11)
    sessions = sessions_of("XASX", day, day)
    found = heat(state("BHP.XASX", "partial", "23:50-00:10", day), sessions)
    lost = found.with_columns(lost=pl.col("expected") - pl.col("present")).filter(pl.col("lost") > 0)
    assert lost.select(pl.col("slot_time").dt.strftime("%H:%M"), "lost").rows() == [
        ("23:30", 10),
        ("00:00", 10),
    ]
