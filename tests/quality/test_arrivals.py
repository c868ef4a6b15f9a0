"""What is expected by when, and what is late: instants are worked out by hand from the exchanges' and publishers' hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from findata_core.quality.arrivals import (
    BAR_SLOTS,
    KEY,
    bars_expected,
    exchange_rates_expected,
    in_force,
    matched,
    rates_expected,
    revision_slots,
    series_expected,
    with_lateness,
)
from findata_core.schema.frames import polars_schema
from findata_core.schema.tables import table

INSTANT = pl.Datetime("us", "UTC")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CLOSE = datetime(2025, 11, 28, 18, 0, tzinfo=UTC)  # New York closes at 13:00 on the day after Thanksgiving


def sessions(*rows: tuple[str, bool, datetime | None, datetime | None]) -> pl.DataFrame:
    """Instruments of one session: id, whether it is wanted, when it was told, when it had settled."""
    schema = {
        "instrument_id": pl.String,
        "is_wanted": pl.Boolean,
        "told_time": INSTANT,
        "settled_time": INSTANT,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        dataset=pl.lit("market.bars"),
        mic=pl.lit("XNAS"),
        session_date=pl.lit(date(2025, 11, 28)),
        close_time=pl.lit(CLOSE).cast(INSTANT),
    )


def slot(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    (row,) = rows.filter(slot=name).iter_rows(named=True)
    return row


def test_a_half_day_is_expected_by_its_own_close_and_settles_a_day_after_it() -> None:
    told = CLOSE + HOUR
    rows = bars_expected(sessions(("A", True, told, None), ("B", True, told + HOUR, None)), "yahoo", DAY)
    close, settled = slot(rows, "close"), slot(rows, "settled")
    assert close["expected_time"] == datetime(2025, 11, 28, 21, 0, tzinfo=UTC)
    assert settled["expected_time"] == datetime(2025, 11, 29, 22, 0, tzinfo=UTC)
    # It is here when the last instrument is.
    assert (close["arrived_time"], close["expected_instruments"]) == (told + HOUR, 2)
    assert (settled["arrived_time"], settled["arrived_instruments"]) == (None, 0)


def test_what_lacks_one_instrument_has_not_arrived_and_what_nobody_can_have_is_not_expected() -> None:
    rows = bars_expected(
        sessions(("A", True, CLOSE, None), ("B", True, None, None), ("C", False, None, None)), "yahoo", DAY
    )
    close = slot(rows, "close")
    assert (close["arrived_time"], close["arrived_instruments"], close["expected_instruments"]) == (
        None,
        1,
        2,
    )
    assert bars_expected(sessions(("C", False, None, None)), "yahoo", DAY).is_empty()


def test_a_session_that_closes_before_its_key_exists_is_expected_from_then_on() -> None:
    tokyo = sessions(("A", True, None, None)).with_columns(
        close_time=pl.lit(datetime(2025, 11, 28, 6, 30, tzinfo=UTC)).cast(INSTANT)
    )
    close = slot(bars_expected(tokyo, "yahoo", DAY), "close")
    assert close["expected_time"] == datetime(2025, 11, 28, 13, 5, tzinfo=UTC)


def test_a_source_without_slots_is_expected_to_bring_nothing() -> None:
    assert bars_expected(sessions(("A", True, None, None)), "recorded", DAY).is_empty()


def expected(rows: pl.DataFrame, subject: str, due: date) -> dict[str, datetime]:
    mine = rows.filter(subject=subject, due_date=due)
    return dict(mine.select("slot", "expected_time").iter_rows())


def test_rates_are_expected_an_hour_after_both_slots_of_the_next_business_day_in_new_yorks_time() -> None:
    rows = rates_expected(datetime(2025, 12, 1, 12, tzinfo=UTC))
    # Wednesday's is published on Friday: Thursday is Thanksgiving. Eight and nine in winter are 13:00 and 14:00 UTC.
    assert expected(rows, "SOFR", date(2025, 11, 26)) == {
        "first": datetime(2025, 11, 28, 14, 0, tzinfo=UTC),
        "second": datetime(2025, 11, 28, 20, 30, tzinfo=UTC),
    }
    assert expected(rows, "EFFR", date(2025, 11, 26))["first"] == datetime(2025, 11, 28, 15, 0, tzinfo=UTC)
    assert expected(rows, "SOFR", date(2025, 11, 27)) == {}  # nobody trades
    # The clocks went back on 2 November: Friday's is published at eight on Monday all the same.
    assert expected(rows, "SOFR", date(2025, 10, 31))["first"] == datetime(2025, 11, 3, 14, 0, tzinfo=UTC)


def test_an_answer_has_heard_a_revision_from_half_past_two_on() -> None:
    slots = revision_slots(rates_expected(datetime(2025, 12, 1, 12, tzinfo=UTC)))
    (moment,) = slots.filter(subject="TGCR", due_date=date(2025, 11, 26)).get_column("slot_time")
    assert moment == datetime(2025, 11, 28, 19, 30, tzinfo=UTC)


def test_series_are_expected_by_the_rule_of_their_release() -> None:
    rows = series_expected(datetime(2025, 12, 1, 12, tzinfo=UTC))
    # H.15 of Wednesday is out on Friday (18:00 in Chicago in winter is midnight UTC), H.10 of a week on Monday.
    assert expected(rows, "DGS10", date(2025, 11, 26)) == {
        "release": datetime(2025, 11, 29, 0, 0, tzinfo=UTC)
    }
    assert expected(rows, "DEXUSEU", date(2025, 11, 19)) == {
        "release": datetime(2025, 11, 25, 0, 0, tzinfo=UTC)
    }
    # Claims of the week that ended on Saturday the 15th: by Friday; consumer prices of October: by 20 November.
    assert expected(rows, "ICSA", date(2025, 11, 15)) == {"release": datetime(2025, 11, 22, 0, 0, tzinfo=UTC)}
    assert expected(rows, "CPIAUCSL", date(2025, 10, 1)) == {
        "release": datetime(2025, 11, 21, 0, 0, tzinfo=UTC)
    }
    # The third quarter ends on 30 September; 35 days later it is Tuesday 4 November.
    assert expected(rows, "GDP", date(2025, 7, 1)) == {"release": datetime(2025, 11, 5, 0, 0, tzinfo=UTC)}


def test_the_euros_rates_are_expected_on_its_payment_systems_days_alone() -> None:
    rows = exchange_rates_expected(datetime(2026, 4, 8, 12, tzinfo=UTC))
    days = set(rows.get_column("due_date"))
    assert date(2026, 4, 2) in days
    assert not days & {date(2026, 4, 3), date(2026, 4, 4), date(2026, 4, 5), date(2026, 4, 6)}  # Easter
    # 18:00 in Frankfurt: in winter 17:00 UTC, from 29 March on 16:00.
    assert expected(rows, "EUR", date(2026, 3, 27))["release"] == datetime(2026, 3, 27, 17, 0, tzinfo=UTC)
    assert expected(rows, "EUR", date(2026, 3, 30))["release"] == datetime(2026, 3, 30, 16, 0, tzinfo=UTC)


def one(due: datetime, provider: str = "nyfed", arrived: datetime | None = None) -> pl.DataFrame:
    row = {
        "dataset": "rates.rates",
        "provider": provider,
        "subject": "SOFR",
        "due_date": due.date(),
        "slot": "first",
        "expected_time": due,
        "arrived_time": arrived,
        "expected_instruments": None,
        "arrived_instruments": None,
    }
    return pl.DataFrame([row], schema=polars_schema(table("ops.arrivals")))


def test_the_first_of_several_arrivals_counts() -> None:
    due = datetime(2025, 11, 28, 14, tzinfo=UTC)
    came = one(due).select(*KEY, arrived_time=pl.lit(due).cast(INSTANT))
    later = came.with_columns(arrived_time=pl.lit(due + HOUR).cast(INSTANT))
    (row,) = matched(one(due).select(*KEY, "expected_time"), pl.concat([later, came])).iter_rows(named=True)
    assert row["arrived_time"] == due


def test_nothing_is_expected_of_a_provider_before_it_was_first_asked() -> None:
    due, now = datetime(2025, 11, 28, 14, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)
    assert in_force(one(due), {"nyfed": due + HOUR}, now).is_empty()
    assert in_force(one(due), {}, now).is_empty()
    assert in_force(one(due), {"nyfed": due - HOUR}, now).height == 1


def test_the_table_keeps_thirty_days_the_next_one_and_the_latest_however_old() -> None:
    now = datetime(2025, 12, 1, tzinfo=UTC)
    times = [now - 90 * DAY, now - 60 * DAY]
    old = pl.concat([one(time) for time in times])
    kept = in_force(old, {"nyfed": now - 365 * DAY}, now)
    assert kept.get_column("expected_time").to_list() == [now - 60 * DAY]
    recent = pl.concat([*map(one, [now - 31 * DAY, now - 29 * DAY, now + DAY / 2, now + 2 * DAY])])
    kept = in_force(recent, {"nyfed": now - 365 * DAY}, now)
    assert kept.get_column("expected_time").to_list() == [now - 29 * DAY, now + DAY / 2]


@settings(max_examples=60, deadline=None)
@given(minutes=st.integers(-3000, 3000), came=st.none() | st.integers(-3000, 3000))
def test_late_is_what_should_be_here_and_is_not_and_by_how_much_is_counted_until_it_came(
    minutes: int, came: int | None
) -> None:
    now = datetime(2025, 12, 1, tzinfo=UTC)
    due = now + timedelta(minutes=minutes)
    arrived = None if came is None else now + timedelta(minutes=came)
    (row,) = with_lateness(one(due, arrived=arrived), now).iter_rows(named=True)
    assert row["is_late"] == (arrived is None and due < now)
    until = arrived or now
    assert row["late_by"] == (until - due if until > due else None)


def test_every_provider_of_bars_has_its_slots() -> None:
    from findata_assets.steps.bar_sources import BAR_PROVIDERS

    assert BAR_SLOTS.keys() == BAR_PROVIDERS.keys()
