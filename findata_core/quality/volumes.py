"""Sick volume: sessions whose minute volumes are not those of the market, told from the minutes alone.

What belongs here: how the volumes of a session's minutes are spread, what is usual of an instrument, and the
verdict. What does not: comparing minutes with daily bars (reconciliation), what zeros after giants say
(running_totals).

A session is sick in one of two ways. Its minutes say running totals, with zeros after them: a few giants are enough,
and no other session is needed to tell. Or zero-volume minutes stand beside giants anyhow, as where a provider
doubles or delays volume: the 95th percentile of the minutes rises far above their median, while the median stays
where it was or falls. On a day of news all minutes rise together, and one block trade moves none of these figures: both
are healthy. No session is known to be healthy beforehand; what is usual is the lower quartile of the
instrument's other sessions around it, which holds while fewer than three quarters of them are sick (sickness only
adds).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

from findata_core.calendars import mic_of
from findata_core.quality.breaks import bars_at
from findata_core.quality.reconciliation import FINDING_SCHEMA
from findata_core.quality.running_totals import excesses, says_running_totals, zeros_after
from findata_core.schema.frames import empty, polars_schema
from findata_core.schema.tables import table

PROFILES = table("ops.volume_profiles")
MINUTES = ("instrument_id", "source", "adjustment")
SERIES = (*MINUTES, "session_date")
VERSION = (*SERIES, "known_time")
VERDICT = (*VERSION, "verdict", "explanation", "total_volume", "usual_volume", "bars", "zero_bars")
# Further apart than any two dates in days.
SERIES_SPAN = 2**32

Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]

# Other sessions count up to a month before and after: a few weeks of trading, and the reach of a change.
REACH_DAYS = 30
# Fewer other sessions say nothing of what is usual: the verdict is "unknown". A week has five.
LEAST_SESSIONS = 5
# Percentiles of fewer minutes are chance (the last half hour alone, a name that trades a few times an hour).
LEAST_BARS = 60

# Recorded sessions of four sources that nobody found fault with and that can be judged (444) stay below 2.9 times the
# usual ratio, three quarters of them below 1.3; sick ones of liquid names begin at 10 times. The line stands between,
# nearer to what is healthy, where it is known how far that goes.
GIANTS = 4.0
# The share of minutes with volume 0, above what is usual. Healthy minutes of the United States have next to none; in
# London, where days of few trades are normal, it rises by up to 5 points.
ZEROS = 0.02
# A sick session says more than was traded. Half as much again is within what days differ by: a bound against
# quiet days, in which a few large trades stand beside empty minutes.
SURPLUS = 1.5
# Where a venue is sick as a whole (at least so many of its names, and at least that share of those judged) less
# is enough, since thin names have few minutes to be wrong in: a mean that stands half as far again above the median
# as usual, and more zeros than usual. Of the healthy sessions one in fifty looks like that.
VENUE_NAMES = 3
VENUE_SHARE = 0.5
LEANING = 1.5


def volume_profiles(bars: pl.DataFrame) -> pl.DataFrame:
    """Rows of ops.volume_profiles: one for each series of regular minutes, known since the youngest of them.

    `bars`: rows of market.bars as known at an instant; other intervals and phases are left out.
    """
    return _profiles(regular_minutes(bars), SERIES).select(PROFILES.column_names)


def profiles_at(minutes: pl.DataFrame, instants: pl.DataFrame) -> pl.DataFrame:
    """Rows of ops.volume_profiles at all instants of the sessions of regular minutes, each once, sorted.

    `minutes`: versions, with superseded_time; `instants`: of known_instants(). The same as volume_profiles() of
    the minutes of each instant: a profile that a later instant says again is that of the first.
    """
    if minutes.is_empty() or instants.is_empty():
        return empty(PROFILES)
    read = minutes.select(*SERIES, "event_time", "volume", "ingest_time", "superseded_time")
    profiles = _profiles(bars_at(read, instants), [*SERIES, "step"]).sort(*VERSION, "step")
    return profiles.unique(VERSION, keep="first", maintain_order=True).select(PROFILES.column_names)


def regular_minutes(bars: pl.DataFrame) -> pl.DataFrame:
    """The bars that profiles are made of."""
    return bars.filter(_is_regular_minute())


def _profiles(minutes: pl.DataFrame, series: Sequence[str]) -> pl.DataFrame:
    """What the profiles of each series of minutes say."""
    return excesses(minutes.group_by(series).agg(*_figures(), *zeros_after()))


@cache
def _is_regular_minute() -> pl.Expr:
    return (pl.col("interval") == "1m") & (pl.col("session_phase") == "regular")


@cache
def _figures() -> Sequence[pl.Expr]:
    """What a profile says of the minutes of a series, in the columns' types."""
    volume = pl.col("volume")
    figures = {
        "known_time": pl.col("ingest_time").max(),
        "bars": pl.len(),
        "zero_bars": (volume == 0).sum(),
        "total_volume": volume.sum(),
        "median_volume": volume.median(),
        "high_volume": volume.quantile(0.95, "nearest"),
    }
    return [figure.cast(polars_schema(PROFILES)[name]).alias(name) for name, figure in figures.items()]


def judge(profiles: pl.DataFrame) -> pl.DataFrame:
    """Judge each profile by the instrument's other sessions within REACH_DAYS, and by its venue.

    Returns VERSION, `verdict` ("sick", "healthy", "unknown": too few minutes or sessions to say, or not all of the
    profile's figures), `explanation` (null unless sick), total_volume and usual_volume. Running totals are sick
    however few the other sessions are. Of other sessions the youngest version counts. A verdict depends on
    profiles of the venue up to 2 * REACH_DAYS away. `profiles`: one of each VERSION, in any order.
    """
    measured = profiles.with_columns(**_measures())
    alone = measured.hstack(_usual(measured)).with_columns(**_judged_alone())
    if not alone.get_column("is_sick").any():  # no venue is sick without names that are: nobody leans with it
        return alone.select(VERDICT)
    named = alone.with_columns(mic=mic_of(pl.col("instrument_id")), **_excesses())
    venue = ["mic", "source", "adjustment", "session_date"]
    together = named.join(_venues(named, venue), on=venue, how="left", maintain_order="left")
    is_sick = pl.col("is_sick") | _is_sick_with_venue()
    return together.with_columns(
        verdict=pl.when(is_sick).then(pl.lit("sick")).otherwise("verdict"),
        explanation=pl.when(is_sick).then(_explanation()),
    ).select(VERDICT)


def sick_findings(verdicts: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """Sick verdicts as findings, for fold_breaks(): the session's volume beside what is usual."""
    if "sick" not in verdicts.get_column("verdict"):
        return pl.DataFrame(schema=FINDING_SCHEMA)
    opens = sessions.select("mic", "session_date", event_time="open_time")
    sick = verdicts.filter(verdict="sick").with_columns(mic=mic_of(pl.col("instrument_id")))
    found = sick.join(opens, on=["mic", "session_date"]).with_columns(
        kind=pl.lit("sick_volume"),
        interval=pl.lit("1m"),
        field=pl.lit("volume"),
        left_source="source",
        right_source="source",
        left_value="total_volume",
        right_value="usual_volume",
        difference=pl.col("total_volume") - pl.col("usual_volume"),
        tolerance=pl.lit(None),
        compared_bars="bars",
        broken_bars="bars",
        settled_time=pl.lit(None),
    )
    return found.select(pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items())


def explain_volumes(findings: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Findings whose volume is explained, where nothing else does, by sick minutes of the left or right source."""
    if "sick" not in verdicts.get_column("verdict"):
        return findings.sort("known_time")
    sick = pl.lit("sick volume")
    told = findings
    for side in ("left_source", "right_source"):
        known = verdicts.select(*VERSION, is_sick=pl.col("verdict") == "sick").sort("known_time")
        at = told.sort("known_time").join_asof(
            known.rename({"source": side}),
            on="known_time",
            by=["instrument_id", "session_date", "adjustment", side],
            check_sortedness=False,
        )
        applies = _is_of_minutes() & pl.col("is_sick").fill_null(value=False)
        told = at.with_columns(explanation=pl.coalesce("explanation", pl.when(applies).then(sick))).drop(
            "is_sick"
        )
    return told


def _is_of_minutes() -> pl.Expr:
    """Whether a finding is about volumes of minutes; a day's own is not, and sick minutes sum to more than it."""
    kind = pl.col("kind")
    is_theirs = (
        (kind == "candles_bars")
        | ((kind == "minutes_daily") & (pl.col("difference") > 0))
        | ((kind == "providers") & (pl.col("interval") == "1m"))
    )
    return is_theirs & (pl.col("field") == "volume")


@cache
def _measures() -> Mapping[str, pl.Expr]:
    """A profile's spread, its lean, its size and its share of zeros; whole shares, so that 0 has a logarithm.

    `place` is the session's place in time among those of the instrument's series of minutes, for _usual().
    """
    median = pl.max_horizontal(pl.col("median_volume"), 1.0)
    day = pl.col("session_date").to_physical().cast(pl.Int64)
    return {
        "place": pl.struct(MINUTES).rank("dense").cast(pl.Int64) * SERIES_SPAN + day,
        "spread": (pl.max_horizontal(pl.col("high_volume"), 1.0) / median).log(),
        "lean": ((pl.col("total_volume") / pl.col("bars")).clip(1.0) / median).log(),
        "size": pl.col("total_volume").clip(1).log(),
        "zeros": pl.col("zero_bars") / pl.col("bars"),
    }


def _usual(measured: pl.DataFrame) -> pl.DataFrame:
    """What is usual beside each profile, in their order: other_sessions and, where there are none, usual_* are NaN."""
    place = measured.get_column("place").to_numpy()
    youngest = _youngest(measured)
    first = np.searchsorted(place[youngest], place - REACH_DAYS, "left")
    last = np.searchsorted(place[youngest], place + REACH_DAYS, "right")
    # A row for each profile, a column for each session that may lie around it: some forty.
    around = first[:, np.newaxis] + np.arange(np.max(last - first, initial=0))
    is_around = around < last[:, np.newaxis]
    session = youngest[np.where(is_around, around, 0)]
    is_other = is_around & (place[session] != place[:, np.newaxis])
    usual = {
        f"usual_{name}": _lower_quartiles(measured.get_column(name).to_numpy()[session], is_other)
        for name in ("spread", "lean", "size", "zeros")
    }
    return pl.DataFrame({"other_sessions": np.count_nonzero(is_other, axis=1), **usual})


def _youngest(measured: pl.DataFrame) -> Int64Array:
    """Positions of the youngest version of each session of enough minutes, sorted by their place."""
    place = measured.get_column("place").to_numpy()
    order = np.lexsort((measured.get_column("known_time").to_numpy(), place))
    is_last = np.append(np.diff(place[order]) != 0, True)[: len(order)]
    youngest: Int64Array = order[is_last]
    return youngest[measured.get_column("bars").to_numpy()[youngest] >= LEAST_BARS]


def _lower_quartiles(values: Float64Array, is_counted: npt.NDArray[np.bool_]) -> Float64Array:
    """The counted value of each row that a quarter of them do not reach; NaN where none counts."""
    counts = np.count_nonzero(is_counted, axis=1)
    if not counts.any():
        return np.full(len(counts), np.nan)
    ordered = np.sort(np.where(is_counted, values, np.nan), axis=1)  # NaN comes last
    quartiles: Float64Array = ordered[np.arange(len(counts)), np.maximum(counts - 1, 0) // 4]
    return quartiles


@cache
def _judged_alone() -> Mapping[str, pl.Expr]:
    """The verdict of each profile by itself, and the usual volume."""
    more = _excesses()
    is_long = pl.col("bars") >= LEAST_BARS
    is_judged = (pl.col("other_sessions") >= LEAST_SESSIONS) & is_long
    is_spread = (
        (more["more_spread"].exp() >= GIANTS)
        & (more["more_zeros"] >= ZEROS)
        & (more["more_size"].exp() >= SURPLUS)
    )
    is_told = is_judged & pl.col("before_zero_excess").is_not_null()
    is_total = is_long & says_running_totals().fill_null(value=False)
    return {
        "usual_volume": _usual_volume(is_total),
        "is_judged": is_judged,
        "is_spread": is_judged & is_spread,
        "is_sick": is_total | (is_judged & is_spread),
        "verdict": pl.when(is_told).then(pl.lit("healthy")).otherwise(pl.lit("unknown")),
        "explanation": pl.lit(None, pl.String),
    }


def _usual_volume(is_total: pl.Expr) -> pl.Expr:
    """What other sessions have; of running totals, where too few others are there to say it, what else was told."""
    rest = (pl.col("total_volume") - pl.col("before_zero_volume")).cast(pl.Float64)
    is_short = pl.col("other_sessions") < LEAST_SESSIONS
    usual = pl.when(pl.col("other_sessions") > 0).then(pl.col("usual_size").exp())
    return pl.when(is_total & is_short).then(rest).otherwise(usual)


def _excesses() -> Mapping[str, pl.Expr]:
    return {
        f"more_{name}": pl.col(name) - pl.col(f"usual_{name}") for name in ("spread", "lean", "size", "zeros")
    }


def _is_sick_with_venue() -> pl.Expr:
    is_venue_sick = (pl.col("names_sick") >= VENUE_NAMES) & (
        pl.col("names_sick") >= VENUE_SHARE * pl.col("names_judged")
    )
    leans = (pl.col("more_lean").exp() >= LEANING) & (pl.col("more_zeros") > 0)
    return (pl.col("is_judged") & is_venue_sick & leans).fill_null(value=False)


def _venues(alone: pl.DataFrame, venue: list[str]) -> pl.DataFrame:
    """How many names of a venue were judged by themselves in each session, and how many of them are sick."""
    youngest = alone.sort("known_time").unique(SERIES, keep="last").filter("is_judged")
    return youngest.group_by(venue).agg(
        names_judged=pl.len().cast(pl.Int64), names_sick=pl.col("is_sick").sum().cast(pl.Int64)
    )


def _explanation() -> pl.Expr:
    spread = pl.format(
        "sick volume: {} % of the minutes have volume 0, their 95th percentile is {} times as many medians as usual",
        (pl.col("zeros") * 100).round(1),
        pl.col("more_spread").exp().round(1),
    )
    totals = pl.format(
        "sick volume: {} % of it stands in minutes right before one with volume 0, as running totals do",
        (pl.col("before_zero_volume") / pl.col("total_volume") * 100).round(1),
    )
    venue = pl.format(
        "sick volume: {} of {} names of {} are sick, and it leans with them",
        "names_sick",
        "names_judged",
        "mic",
    )
    return pl.when("is_spread").then(spread).when("is_sick").then(totals).otherwise(venue)
