"""The ledger of breaks: what was found at each instant of knowledge becomes one row with its life.

What belongs here: the instants at which something new was known of a session, the bars as they were known
then, and folding findings at those instants into rows of ops.breaks. What does not: finding (reconciliation,
volumes), on whose scale bars are compared (compared_scales), the clock: a break's times are receive times of
payloads, so that the same payloads give the same ledger in whatever order they were loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from findata_core.calendars import mic_of
from findata_core.quality.compared_scales import on_known_scale, rescaling_times
from findata_core.quality.reconciliation import FINDING_SCHEMA, reconcile
from findata_core.schema.frames import conform, empty
from findata_core.schema.tables import table

BREAKS = table("ops.breaks")
SESSION = ("instrument_id", "session_date")
VALUES = (
    "event_time",
    "left_value",
    "right_value",
    "difference",
    "tolerance",
    "compared_bars",
    "broken_bars",
    "explanation",
)


def known_instants(versions: pl.DataFrame, sessions: pl.DataFrame) -> pl.DataFrame:
    """When something new was known of each session: SESSION, step (from 0) and known_time, sorted.

    `versions`: rows of bars with ingest_time, current ones and closed ones. What was known before a session's
    close is not compared: it was not over.
    """
    closes = sessions.select("mic", "session_date", "close_time")
    said = versions.select(*SESSION, known_time="ingest_time").unique()
    mic = mic_of(pl.col("instrument_id"))
    over = (
        said.join(closes, left_on=[mic, "session_date"], right_on=["mic", "session_date"])
        .filter(pl.col("known_time") >= pl.col("close_time"))
        .sort(*SESSION, "known_time")
    )
    return over.select(*SESSION, "known_time", step=pl.int_range(pl.len()).over(SESSION))


def as_known(versions: pl.DataFrame, instants: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the bars as they were known at each session's first instant, then at its second, and so on.

    `versions`: with superseded_time, null where a version is current. The bars carry known_time. Sessions that
    have no further instant are left out: all but the first frames are small.
    """
    for at in instants.sort("step").partition_by("step", maintain_order=True):
        yield bars_at(versions, at.select(*SESSION, "known_time")).drop("superseded_time")


def bars_at(versions: pl.DataFrame, instants: pl.DataFrame) -> pl.DataFrame:
    """Return the bars as they were known at each instant of their session, with the instant's columns."""
    known = pl.col("known_time")
    is_known = (pl.col("ingest_time") <= known) & (
        pl.col("superseded_time").is_null() | (pl.col("superseded_time") > known)
    )
    return versions.join(instants, on=SESSION).filter(is_known)


def facing(versions: pl.DataFrame) -> pl.DataFrame:
    """Return the versions of sessions of which there ever were bars of two widths, sources or bases, in their order.

    Of one slice alone nothing can differ. Closed versions count: what differed once is a break that was healed.
    """
    slice_of = ("interval", "source", "adjustment")
    if all(versions.get_column(name).n_unique() < 2 for name in slice_of):
        return versions.clear()
    slices = versions.select(*SESSION, *slice_of).unique()
    several = slices.filter(pl.len().over(SESSION) > 1)
    if several.is_empty():
        return versions.clear()
    return versions.join(several, on=SESSION, how="semi", maintain_order="left")


def find_breaks(
    versions: pl.DataFrame,
    sessions: pl.DataFrame,
    received: pl.DataFrame | None = None,
    splits: pl.DataFrame | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the findings at all instants (FINDING_SCHEMA), and the instants, for fold_breaks().

    `received`: when payloads spoke of a session: SESSION, table_name, source, ingest_time; without it, when its
    versions came. A payload that says again what is known makes no version, and yet it is an instant at which
    the figures still differ: asked again after they had settled, they are no longer excused by that.
    `splits`: versions of reference.splits with superseded_time; without them none is known. Bars that a split lies
    between are compared on one scale from the instant at which it was known.
    """
    told = told_by(versions) if received is None else received
    times = versions.select(*SESSION, "ingest_time")
    if splits is not None and not splits.is_empty():
        times = pl.concat([times, rescaling_times(versions, splits, sessions)])
    changes = known_instants(times, sessions)
    found = [_differences(bars, splits, sessions) for bars in as_known(versions, changes)]
    findings = pl.concat([pl.DataFrame(schema=FINDING_SCHEMA), *found])
    instants = known_instants(pl.concat([times, told.select(*SESSION, "ingest_time")]), sessions)
    lasting = _at_each_instant(findings, changes, instants)
    return _excused_while_unsettled(lasting, told), instants


def _differences(bars: pl.DataFrame, splits: pl.DataFrame | None, sessions: pl.DataFrame) -> pl.DataFrame:
    if splits is None or splits.is_empty():
        return reconcile(bars, sessions)
    return reconcile(on_known_scale(bars, splits, sessions), sessions)


def told_by(versions: pl.DataFrame) -> pl.DataFrame:
    """When versions of each source's bars came: SESSION, table_name, source, ingest_time."""
    return versions.select(*SESSION, _table_of("interval"), "source", "ingest_time").unique()


def _table_of(interval: str) -> pl.Expr:
    is_daily = pl.col(interval) == "1d"
    return (
        pl.when(is_daily).then(pl.lit("market.bars_1d")).otherwise(pl.lit("market.bars")).alias("table_name")
    )


def _at_each_instant(findings: pl.DataFrame, changes: pl.DataFrame, instants: pl.DataFrame) -> pl.DataFrame:
    """Repeat findings at the instants at which nothing had changed since."""
    latest = (
        instants.select(*SESSION, "known_time")
        .sort("known_time")
        .join_asof(
            changes.select(*SESSION, "known_time", change_time="known_time").sort("known_time"),
            on="known_time",
            by=SESSION,
            check_sortedness=False,
        )
    )
    repeated = findings.rename({"known_time": "change_time"}).join(latest, on=[*SESSION, "change_time"])
    return repeated.select(FINDING_SCHEMA.names())


def _excused_while_unsettled(findings: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Explain findings of bars that were last told of before they had settled, on either side."""
    asked = findings
    for side in ("left", "right"):
        minutes = (pl.col("kind") == "minutes_daily") & (side == "left")
        table_name = pl.when(minutes).then(pl.lit("market.bars")).otherwise(_table_of("interval"))
        times = told.select(
            *SESSION, "table_name", "source", pl.col("ingest_time").alias(f"{side}_asked_time")
        )
        asked = (
            asked.with_columns(table_name=table_name)
            .sort("known_time")
            .join_asof(
                times.sort(f"{side}_asked_time"),
                left_on="known_time",
                right_on=f"{side}_asked_time",
                by_left=[*SESSION, "table_name", f"{side}_source"],
                by_right=[*SESSION, "table_name", "source"],
                check_sortedness=False,
            )
        )
    is_early = pl.min_horizontal("left_asked_time", "right_asked_time") < pl.col("settled_time")
    excuse = pl.when(is_early).then(pl.lit("received before the session had settled"))
    return asked.with_columns(explanation=pl.coalesce("explanation", excuse)).select(FINDING_SCHEMA.names())


def fold_breaks(
    findings: pl.DataFrame, instants: pl.DataFrame, series: Sequence[str] = SESSION
) -> pl.DataFrame:
    """Fold findings into rows of ops.breaks, sorted by business key.

    `instants`: `series` columns, step and known_time: when each series was looked at. What was found at an
    instant and not at the next one was healed by it; found again later, it is opened once more. The figures are
    those of the last instant at which they differed.
    """
    if findings.is_empty():
        return empty(BREAKS)
    key = list(BREAKS.business_key)
    ordered = findings.join(instants, on=[*series, "known_time"]).sort(*key, "step")
    is_opening = (pl.col("step").diff() != 1).fill_null(value=True)
    lives = ordered.group_by(key, maintain_order=True).agg(
        pl.col(VALUES).last(),
        pl.col("step").last(),
        first_seen_time=pl.col("known_time").first(),
        opened_time=pl.col("known_time").filter(is_opening).last(),
        last_seen_time=pl.col("known_time").last(),
        times_opened=is_opening.sum(),
    )
    healed = instants.select(*series, closed_time="known_time", step=pl.col("step") - 1)
    rows = lives.join(healed, on=[*series, "step"], how="left").with_columns(state=_state())
    return conform(rows, BREAKS).sort(key)


def unexplained(breaks: pl.DataFrame) -> pl.DataFrame:
    """The rows of ops.breaks that are open: nobody knows why the figures differ. Empty is what one hopes for."""
    return breaks.filter(state="open")


def _state() -> pl.Expr:
    return (
        pl.when(pl.col("closed_time").is_not_null())
        .then(pl.lit("closed"))
        .when(pl.col("explanation").is_not_null())
        .then(pl.lit("explained"))
        .otherwise(pl.lit("open"))
    )
