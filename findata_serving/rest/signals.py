"""Pivot levels of an instrument, and what its candles did at them.

What belongs here: their routes. What does not: how either is computed (findata_core.signals).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import table
from findata_serving import parameters
from findata_serving.answering import now_of
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions, last_days
from findata_serving.instruments import require_instrument
from findata_serving.openapi import rows_answers
from findata_serving.parameters import Bound
from findata_serving.problems import bad_parameter
from findata_serving.records import record
from findata_serving.rest.listing import Listing, computed, known_rows, listed
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:market")], route_class=KeepingRoute, tags=["market"])

PIVOT, SIGNAL = record("pivots"), record("signals")
VARIANTS = table("signals.weekly_pivots").column("variant").allowed
KINDS = table("signals.pivot_signals").column("kind").allowed
WIDEST_PIVOT_DAYS = 772  # two years, and what lies before and after them
WIDEST_DAYS = 93  # of signals that are computed anew while the caller waits
DAY, WEEK = timedelta(days=1), timedelta(days=7)

Variant = Annotated[
    str | None,
    Query(description="Formula of the levels; default: all.", json_schema_extra={"enum": list(VARIANTS)}),
]
Kind = Annotated[
    str | None,
    Query(description="What happened at a level; default: all.", json_schema_extra={"enum": list(KINDS)}),
]


@router.get(
    "/v1/instruments/{instrument_id}/pivots",
    summary="Pivot levels of an instrument",
    response_model=None,
    responses=rows_answers(PIVOT),
)
async def pivots(
    request: Request,
    instrument_id: parameters.InstrumentId,
    variant: Variant = None,
    source_interval: parameters.SourceInterval = "1d",
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return the levels that are valid at some time of [start, end), a date read as its midnight in UTC.

    Without start the latest ones, and next_cursor goes back in time.
    """
    parameters.require_name("an instrument_id", instrument_id)
    parameters.require_choice("variant", variant, VARIANTS)
    parameters.require_choice("source_interval", source_interval, ("1m", "1d"))
    instant, span = parameters.as_of_of(as_of, now_of(request)), parameters.span_of(start, end)
    conditions = Conditions(instrument_id, source_interval)
    conditions.texts += ['"instrument_id" = $1', '"source_interval" = $2']
    if variant:
        conditions.add('"variant" = {}', variant)
    begins, ends = _midnight(span.start), _midnight(span.end)
    if begins:
        conditions.add('"valid_until_time" > {}', begins)
    if ends:
        conditions.add('"valid_from_time" < {}', ends)
    listing = Listing(PIVOT, ("window_start_date", "variant"), conditions, limit, is_latest=start is None)
    sources = request.app.state.sources

    async def missing() -> None:
        await require_instrument(sources, instrument_id)

    if instant is None:
        return await listed(request, listing, cursor, form, if_empty=missing)
    last = min(ends or instant, instant).date() + WEEK
    year = await _year_before(sources, instrument_id, last)
    first, last = (begins.date() - 4 * WEEK if begins else year), min(last, year + 54 * WEEK)
    if (last - first).days > WIDEST_PIVOT_DAYS:
        raise bad_parameter(
            "start",
            f"Levels of {(last - first).days:,} days are too many to be computed while you wait",
            f"Ask for {WIDEST_PIVOT_DAYS - 40} days or fewer at once, with start and end",
            widest_days=WIDEST_PIVOT_DAYS - 40,
        )
    known = known_rows("signals.weekly_pivots", instant, instrument_id, first, last)

    def work(platform: Platform) -> pl.DataFrame:
        chosen = [pl.col("source_interval") == source_interval]
        chosen += [pl.col("variant") == variant] if variant else []
        chosen += [pl.col("valid_until_time") > begins] if begins else []
        chosen += [pl.col("valid_from_time") < ends] if ends else []
        return known(platform).filter(*chosen)

    return await computed(request, listing, cursor, form, instant, work, missing)


@router.get(
    "/v1/instruments/{instrument_id}/signals",
    summary="What candles did at their week's levels",
    response_model=None,
    responses=rows_answers(SIGNAL),
)
async def signals(
    request: Request,
    instrument_id: parameters.InstrumentId,
    variant: Variant = None,
    kind: Kind = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return signals in the order of time. Each is known from its available_time on, not from event_time.

    Without start the latest ones, and next_cursor goes back in time.
    """
    parameters.require_name("an instrument_id", instrument_id)
    parameters.require_choice("variant", variant, VARIANTS)
    parameters.require_choice("kind", kind, KINDS)
    instant, span = parameters.as_of_of(as_of, now_of(request)), parameters.span_of(start, end)
    conditions = Conditions(instrument_id)
    conditions.texts.append('"instrument_id" = $1')
    chosen: list[pl.Expr] = []
    for name, value in (("variant", variant), ("kind", kind)):
        if value:
            conditions.add(f'"{name}" = {{}}', value)
            chosen.append(pl.col(name) == value)
    for bound, sign in ((span.start, ">="), (span.end, "<")):
        if bound:
            column = "event_time" if bound.is_instant else "session_date"
            conditions.add(f'"{column}" {sign} {{}}', bound.at)
            chosen.append(pl.col(column) >= bound.at if sign == ">=" else pl.col(column) < bound.at)
    listing = Listing(
        SIGNAL, ("event_time", "variant", "level", "kind"), conditions, limit, is_latest=start is None
    )
    sources = request.app.state.sources

    async def missing() -> None:
        await require_instrument(sources, instrument_id)

    if instant is None:
        return await listed(request, listing, cursor, form, if_empty=missing)
    last = min(span.end_day() or instant.date() + 2 * DAY, instant.date() + 2 * DAY)
    first = span.first_day()
    if first is None:
        days = await last_days(sources, "market.candles", instrument_id, WIDEST_DAYS * 2 // 3, last)
        first, last = (days[0], min(last, days[1] + DAY)) if days else (last, last)
    if (last - first).days > WIDEST_DAYS + 3:
        raise bad_parameter(
            "start",
            f"Signals of {(last - first).days:,} days are too many to be computed while you wait",
            f"Ask for {WIDEST_DAYS} days or fewer at once, with start and end",
            widest_days=WIDEST_DAYS,
        )
    known = known_rows("signals.pivot_signals", instant, instrument_id, first, max(first, last))
    return await computed(
        request, listing, cursor, form, instant, lambda platform: known(platform).filter(*chosen), missing
    )


async def _year_before(sources: Sources, instrument_id: str, last: date) -> date:
    """Return a day a year before the last session that is known, up to which levels are shown by default."""
    days = await last_days(sources, "market.bars_1d", instrument_id, 1, last)
    days = days or await last_days(sources, "market.bars", instrument_id, 1, last)
    return (days[1] if days else last) - 52 * WEEK


def _midnight(bound: Bound | None) -> datetime | None:
    if bound is None:
        return None
    at = bound.at
    return at if isinstance(at, datetime) else datetime(at.year, at.month, at.day, tzinfo=UTC)
