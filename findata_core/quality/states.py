"""What is known of each session that a source should hold, and what is still to be asked of it.

What belongs here: the rule by which a session becomes final, and by which asking again ends. What does not:
counting bars (gaps.py), asking (findata_assets/steps/live.py).

A session is final when it is complete and an answer that had settled tells of it; or when two settled answers, a
day apart, say the same of a session that lacks bars: a source that forgets for an evening is asked once more, a
name that did not trade in some minutes is not asked for ever. One that is doubted, since its figures contradict
others, is believed only after answers of several days, one a day: what a source corrects comes late. What lies
beyond the source's wall can't be had, nor what the source has refused twice, a day apart. Asking whatever is due
therefore ends: in a fixed point.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

SESSION = ["instrument_id", "source", "interval", "session_date"]
STATES = ("present", "proven_empty", "awaiting", "unobtainable", "never_asked")

# A source that answers nothing or too little is asked again a day later, when its own night work is done.
SECOND_OPINION = timedelta(days=1)
# What is doubted is asked for once a day until answers so far apart have been received: sick volumes were seen to be
# put right after three days.
LAST_OPINION = timedelta(days=4)
# Of a session without a single bar the source is asked again sooner: it may have been late.
LATE = timedelta(hours=1)

GRID_SCHEMA = pl.Schema(
    [
        *((name, pl.String()) for name in SESSION[:3]),
        ("session_date", pl.Date()),
        ("open_time", pl.Datetime("us", "UTC")),
        ("close_time", pl.Datetime("us", "UTC")),
    ]
)


@dataclass(frozen=True)
class Manners:
    """How a source behaves for an interval: its revisions end `settles_after` the close; it forgets after `wall`.

    `wall` of nothing: nobody can ask it. None: it never forgets.
    """

    settles_after: timedelta
    wall: timedelta | None


def session_states(
    grid: pl.DataFrame,
    counted: pl.DataFrame,
    windows: pl.DataFrame,
    asked: pl.DataFrame,
    manners: Manners,
    now: datetime,
    doubted: pl.DataFrame | None = None,
    spoken: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the grid with what is known of each session, sorted by SESSION.

    All of one source and interval. `grid`: GRID_SCHEMA, sessions that have closed. `counted`: SESSION, status,
    present_bars, expected_bars, read_time (receive time of the youngest payload folded). `windows`: answers, with
    instrument_id, start_time, end_time, received_time, payload_id. `asked`: requests, answered or not, with
    instrument_id, start_time, end_time, refused_time (null where the source did not say no), held_time (null where
    the answer is not held: what is held proves nothing, and is not asked for again the same day), unread_time (null
    where the answer could be read: what could not is asked for again an hour later). `doubted`: SESSION,
    those whose figures can't be right beside others (default: none). `spoken`: instrument_id, session_date and
    payload_id of answers that tell of a session; one that has none of it confirms no bar (default: all do).

    Adds status ("complete", "partial", "missing"), state (STATES), is_final, is_due, present_bars, expected_bars,
    payload_id (the last answer that speaks for the whole session; null where there is none), expires_time: when the
    source forgets the session (null: never, or nothing more is wanted), is_beyond_wall: it is unobtainable since it
    was forgotten, whatever was refused before, told_time: when it was first known after the
    close what the source has of it, and settled_time: the same once it no longer revises it (null: not yet).
    """
    known = (
        grid.join(counted, on=SESSION, how="left")
        .join(_answers(grid, windows, manners, spoken), on=SESSION, how="left")
        .join(_touched(grid, asked), on=SESSION, how="left")
        .join(_doubts(grid, doubted), on=SESSION, how="left")
        .with_columns(
            pl.col("status").fill_null("missing"), pl.col("is_asked", "is_doubted").fill_null(value=False)
        )
    )
    settles = pl.col("close_time") + manners.settles_after
    is_complete = pl.col("status") == "complete"
    is_settled = pl.col("first_told").is_not_null() | (is_complete & (pl.col("read_time") >= settles))
    enough = pl.when("is_doubted").then(LAST_OPINION).otherwise(SECOND_OPINION)
    is_confirmed = pl.col("last_settled") - pl.col("first_settled") >= enough
    never = pl.lit(None, pl.Datetime("us", "UTC"))
    forgotten = never if manners.wall is None else pl.col("open_time") + manners.wall
    judged = known.with_columns(
        is_final=((is_complete & is_settled & ~pl.col("is_doubted")) | is_confirmed).fill_null(value=False),
        is_beyond=(forgotten < now).fill_null(value=False),
        is_refused=(pl.col("last_refused") - pl.col("first_refused") >= SECOND_OPINION).fill_null(
            value=False
        ),
        next_time=_next_time(settles),
        forgotten_time=forgotten,
    )
    is_open = ~pl.col("is_final") & ~pl.col("is_beyond") & ~pl.col("is_refused")
    return judged.with_columns(
        state=_state(),
        is_due=is_open & (pl.col("next_time") <= now).fill_null(value=True),
        expires_time=pl.when(is_open).then("forgotten_time"),
    ).select(
        *grid.columns,
        "status",
        "state",
        "is_final",
        "is_due",
        pl.col("present_bars").fill_null(0),
        "expected_bars",
        "payload_id",
        "expires_time",
        is_beyond_wall=(pl.col("state") == "unobtainable") & pl.col("is_beyond"),
        told_time=pl.coalesce("first_answer_told", _known_otherwise()),
        settled_time=pl.coalesce("first_told", _known_otherwise()),
    ).sort(SESSION)  # fmt: skip


def _known_otherwise() -> pl.Expr:
    """Since when it is known of a session that is final that there is no more: by empty answers, or by a file."""
    return pl.when("is_final").then(pl.coalesce("last_settled", "read_time"))


def _next_time(settles: pl.Expr) -> pl.Expr:
    """When a session that is not final is to be asked for again; null for at once."""
    late = pl.min_horizontal(settles, pl.col("last_answer") + LATE)
    unsettled = pl.when(pl.col("status") == "missing").then(late).otherwise(settles)
    next_time = (
        pl.when(pl.col("first_settled").is_not_null() & pl.col("is_doubted"))
        .then(pl.col("last_settled") + SECOND_OPINION)
        .when(pl.col("first_settled").is_not_null())
        .then(pl.col("first_settled") + SECOND_OPINION)
        .when(pl.col("last_answer").is_not_null())
        .then(unsettled)
        .otherwise(pl.col("first_refused") + SECOND_OPINION)
    )
    return pl.max_horizontal(next_time, pl.col("last_held") + SECOND_OPINION, pl.col("last_unread") + LATE)


def _state() -> pl.Expr:
    return (
        pl.when(pl.col("status") != "missing")
        .then(pl.lit("present"))
        .when("is_final")
        .then(pl.lit("proven_empty"))
        .when(pl.col("is_beyond") | pl.col("is_refused"))
        .then(pl.lit("unobtainable"))
        .when(pl.col("is_asked") | pl.col("last_answer").is_not_null())
        .then(pl.lit("awaiting"))
        .otherwise(pl.lit("never_asked"))
    )


def _doubts(grid: pl.DataFrame, doubted: pl.DataFrame | None) -> pl.DataFrame:
    known = grid.select(SESSION).clear() if doubted is None else doubted.select(SESSION).unique()
    return known.with_columns(is_doubted=pl.lit(value=True))


def _answers(
    grid: pl.DataFrame, windows: pl.DataFrame, manners: Manners, spoken: pl.DataFrame | None
) -> pl.DataFrame:
    """Of each session, the answers that speak for the whole of it and came after its close."""
    whole = _pairs(grid, windows, whole=True).filter(pl.col("received_time") >= pl.col("close_time"))
    is_settled = pl.col("received_time") >= pl.col("close_time") + manners.settles_after
    settled, told = (
        pl.col("received_time").filter(flag) for flag in (is_settled, is_settled & pl.col("is_told"))
    )
    return (
        _with_told(whole, spoken)
        .sort("received_time", "payload_id")
        .group_by(SESSION)
        .agg(
            first_settled=settled.min(),
            first_answer_told=pl.col("received_time").filter(pl.col("is_told")).min(),
            first_told=told.min(),
            last_settled=settled.max(),
            last_answer=pl.col("received_time").max(),
            payload_id=pl.col("payload_id").last(),
        )
    )


def _with_told(answers: pl.DataFrame, spoken: pl.DataFrame | None) -> pl.DataFrame:
    """Add to (answer, session) pairs whether the answer has anything of the session."""
    if spoken is None:
        return answers.with_columns(is_told=pl.lit(value=True))
    key = ["instrument_id", "session_date", "payload_id"]
    told = spoken.select(key).unique().with_columns(is_told=pl.lit(value=True))
    return answers.join(told, on=key, how="left").with_columns(pl.col("is_told").fill_null(value=False))


def _touched(grid: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The sessions that a request was about, whatever came of it."""
    refused = pl.col("refused_time")
    return (
        _pairs(grid, asked, whole=False)
        .group_by(SESSION)
        .agg(
            is_asked=pl.lit(value=True),
            first_refused=refused.min(),
            last_refused=refused.max(),
            last_held=pl.col("held_time").max(),
            last_unread=pl.col("unread_time").max(),
        )
    )


def _pairs(grid: pl.DataFrame, windows: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """Pair each window with the sessions that lie in it as a whole, or that it touches.

    The sessions of an instrument follow each other, so that those of a window are a stretch: its ends are looked up.
    A join on the instrument alone would pair each window of a year with each session of it.
    """
    numbered = grid.sort("instrument_id", "open_time").with_columns(
        place=pl.int_range(pl.len()).over("instrument_id")
    )
    starts, ends = ("open_time", "close_time") if whole else ("close_time", "open_time")
    first = windows.sort("start_time").join_asof(
        numbered.select("instrument_id", starts, pl.col("place").alias("first")).sort(starts),
        left_on="start_time",
        right_on=starts,
        by="instrument_id",
        strategy="forward",
        allow_exact_matches=whole,
        check_sortedness=False,  # it is sorted above; within groups Polars can't tell
    )
    both = first.sort("end_time").join_asof(
        numbered.select("instrument_id", ends, pl.col("place").alias("last")).sort(ends),
        left_on="end_time",
        right_on=ends,
        by="instrument_id",
        strategy="backward",
        allow_exact_matches=whole,
        check_sortedness=False,  # it is sorted above; within groups Polars can't tell
    )
    found = both.filter(pl.col("first") <= pl.col("last")).with_columns(
        place=pl.int_ranges("first", pl.col("last") + 1)
    )
    # The times looked up are those of the stretch's ends, not of each session in it.
    return (
        found.drop(starts, ends)
        .explode("place")
        .join(numbered.select(*SESSION, "open_time", "close_time", "place"), on=["instrument_id", "place"])
    )
