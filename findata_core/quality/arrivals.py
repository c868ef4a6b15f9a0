"""What should have come from which provider by when, and how late it is.

What belongs here: expectations by exchanges' sessions, rates' slots and release calendars, and matching them with what
arrived. What does not: reading the books (findata_assets/steps/arrivals.py), asking (live.py).

Weekends and holidays expect nothing, so that nothing is late on them. Where a calendar is not certain (a holiday that
may or may not be kept), nothing is expected either: what comes all the same is simply there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl

from findata_core.economic.catalogue import SERIES
from findata_core.economic.releases import fx_expected, observations_expected
from findata_core.rates.catalogue import FAMILIES, RATES
from findata_core.rates.closures import certain_business_days
from findata_core.schema.frames import conform, polars_schema
from findata_core.schema.tables import table

ARRIVALS = table("ops.arrivals")
KEY = list(ARRIVALS.business_key)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KEPT = timedelta(days=30)  # expectations older than that are forgotten
AHEAD = timedelta(days=1)  # and those of the next day stand there already
LONGEST_PERIOD = timedelta(days=200)  # from the start of a quarter to its figure, twice over

NEW_YORK = "America/New_York"
# Provider of bars -> slot -> how long it may take from when the slot begins. Yahoo is asked by schedules some twenty
# minutes after the close and eighty after settling; 2,000 instruments are 4,000 requests, 24 of them a minute.
# A free key of Alpha Vantage has 25 requests a day: it is asked by the healing sensor, for days that are over.
BAR_SLOTS: Mapping[str, Mapping[str, timedelta]] = {
    "alphavantage": {"settled": 2 * DAY},
    "yahoo": {"close": 3 * HOUR, "settled": 4 * HOUR},
}
# A session's key, under which it is asked for, exists from 10:00 UTC of its date (findata_assets/partitions.py).
ASKED_FROM = time(10, 5)
# The schedule asks a quarter of an hour after the time that the New York Fed names.
RATE_PATIENCE = HOUR
RATES_PROVIDER, SERIES_PROVIDER, FX_PROVIDER = "nyfed", "fred", "ecb"

# All (provider, slot) that something is expected in. Sorted.
SLOTS = (
    *((provider, slot) for provider, slots in BAR_SLOTS.items() for slot in slots),
    (FX_PROVIDER, "release"),
    (SERIES_PROVIDER, "release"),
    (RATES_PROVIDER, "first"),
    (RATES_PROVIDER, "second"),
)

# Instants at which something came, by what was expected: KEY and arrived_time.
EXPECTED_SCHEMA = {name: polars_schema(ARRIVALS)[name] for name in (*KEY, "expected_time")}


def bars_expected(sessions: pl.DataFrame, provider: str, settles_after: timedelta) -> pl.DataFrame:
    """Return the rows of ops.arrivals of a provider's bars.

    `sessions`: a row an instrument and session, with dataset, mic, session_date, close_time, is_wanted (false where
    the provider is known not to have it), told_time and settled_time (null: not yet).
    """
    begins = {
        "close": pl.max_horizontal("close_time", _asked_from()),
        "settled": pl.col("close_time") + settles_after,
    }
    came = {"close": pl.col("told_time"), "settled": pl.col("settled_time")}
    wanted = sessions.filter("is_wanted")
    found = [
        wanted.group_by("dataset", "mic", "session_date").agg(
            expected_time=(begins[slot] + patience).max(),
            arrived_time=pl.when(came[slot].is_not_null().all()).then(came[slot].max()),
            expected_instruments=pl.len(),
            arrived_instruments=came[slot].is_not_null().sum(),
            provider=pl.lit(provider),
            slot=pl.lit(slot),
        )
        for slot, patience in BAR_SLOTS.get(provider, {}).items()
    ]
    named = [frame.rename({"mic": "subject", "session_date": "due_date"}) for frame in found]
    return conform(pl.concat(named), ARRIVALS) if named else _none()


def rates_expected(now: datetime) -> pl.DataFrame:
    """Return KEY and expected_time of the rates' slots: the publication, and the revision of the same day."""
    first, last = (now - KEPT - 10 * DAY).date(), (now + AHEAD).date()
    days = certain_business_days(first, last + 10 * DAY)
    rows = []
    for rate in RATES.values():
        family = FAMILIES[rate.family]
        for day, published in pairwise(days):
            for slot, at in (("first", family.publication_time), ("second", family.revision_time)):
                expected = datetime.combine(published, at, ZoneInfo(NEW_YORK)) + RATE_PATIENCE
                rows.append(("rates.rates", RATES_PROVIDER, rate.name, day, slot, expected.astimezone(UTC)))
    return _expected(rows)


def revision_slots(expected: pl.DataFrame) -> pl.DataFrame:
    """Return the expected second slots with `slot_time`: an answer from then on has heard a revision."""
    return expected.filter(slot="second").with_columns(slot_time=pl.col("expected_time") - RATE_PATIENCE)


def series_expected(now: datetime) -> pl.DataFrame:
    """Return KEY and expected_time of the observations of the catalogue's series, as far as their rule is known."""
    first, last = (now - KEPT - LONGEST_PERIOD).date(), (now + AHEAD).date()
    rows = [
        ("economic.observations", SERIES_PROVIDER, line.series_id, day, "release", out.astimezone(UTC))
        for line in SERIES
        for day, out in observations_expected(line, first, last)
    ]
    return _expected(rows)


def exchange_rates_expected(now: datetime) -> pl.DataFrame:
    """Return KEY and expected_time of the euro's reference rates."""
    first, last = (now - KEPT - DAY).date(), (now + AHEAD).date()
    rows = [
        ("economic.fx_rates", FX_PROVIDER, "EUR", day, "release", out.astimezone(UTC))
        for day, out in fx_expected(first, last)
    ]
    return _expected(rows)


def matched(expected: pl.DataFrame, arrived: pl.DataFrame) -> pl.DataFrame:
    """Return rows of ops.arrivals: expectations, with the first instant at which each came (KEY, arrived_time)."""
    first = arrived.group_by(KEY).agg(pl.col("arrived_time").min())
    counts = {name: pl.lit(None, pl.Int32) for name in ("expected_instruments", "arrived_instruments")}
    joined = expected.join(first, on=KEY, how="left").with_columns(**counts)
    return conform(joined, ARRIVALS)


def in_force(rows: pl.DataFrame, asked_since: Mapping[str, datetime], now: datetime) -> pl.DataFrame:
    """Return the expectations that the table keeps, sorted by key.

    Of a provider from when it was first asked on; those of the last thirty days and of the next one; and of each
    subject and slot the latest before, however old: a quarter's figure is expected until the next one is.
    """
    since = pl.DataFrame(
        {"provider": list(asked_since), "since": list(asked_since.values())},
        schema={"provider": pl.String, "since": pl.Datetime("us", "UTC")},
    )
    asked = rows.join(since, on="provider").filter(pl.col("expected_time") >= pl.col("since"))
    over = asked.filter(pl.col("expected_time") <= now)
    latest = over.filter(
        pl.col("expected_time")
        == pl.col("expected_time").max().over("dataset", "provider", "subject", "slot")
    )
    near = asked.filter(pl.col("expected_time").is_between(now - KEPT, now + AHEAD))
    return conform(pl.concat([near, latest]).unique(KEY), ARRIVALS).sort(KEY)


def with_lateness(rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Add late_by (null where it was in time, or may still be) and is_late: it is not here, and should be."""
    late = pl.col("arrived_time").fill_null(now) - pl.col("expected_time")
    return rows.with_columns(
        late_by=pl.when(late > timedelta()).then(late),
        is_late=pl.col("arrived_time").is_null() & (pl.col("expected_time") < now),
    )


def _asked_from() -> pl.Expr:
    return pl.col("session_date").dt.combine(ASKED_FROM).dt.replace_time_zone("UTC")


def _expected(rows: Iterable[tuple[str, str, str, date, str, datetime]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=EXPECTED_SCHEMA, orient="row")


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema=polars_schema(ARRIVALS))
