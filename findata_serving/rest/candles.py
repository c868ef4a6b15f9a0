"""Candles of an instrument: stored, as they were known, on another basis, on the grid of the calendar.

What belongs here: the route, and which of these ways a question takes. What does not: queries (candle_queries), frames
(candle_frames), the grid (grids).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from findata_core.market.adjusting import View
from findata_core.schema.frames import empty
from findata_core.schema.tables import ColumnKind
from findata_core.schema.views import view
from findata_serving import candle_queries, cursors, grids, parameters
from findata_serving.answering import answer, form_of, lasting_of, now_of
from findata_serving.auth import requires
from findata_serving.caching import Depends
from findata_serving.candle_frames import DAY, Basis, Found, candles_of, days_read, goes_back, page_of
from findata_serving.candle_grid import on_grid
from findata_serving.candle_queries import Wanted
from findata_serving.formats import Page
from findata_serving.instruments import require_instrument
from findata_serving.openapi import rows_answers
from findata_serving.problems import bad_parameter
from findata_serving.reading import Rows, rows_of
from findata_serving.records import added, described, record
from findata_serving.rest.listing import written
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:market")], route_class=KeepingRoute, tags=["market"])

DAILY = ("1d", "1w", "1mo")
MICROSECOND = timedelta(microseconds=1)
AWAITED_DAYS = timedelta(days=7)  # a session's bars are asked for until then, at least
FACTORS = (
    added("price_factor", ColumnKind.FLOAT64, "What the stored prices were multiplied by.", is_nullable=True),
    added("volume_factor", ColumnKind.FLOAT64, "What the stored volume was multiplied by.", is_nullable=True),
)
ADJUSTED = record("candles").with_columns(*FACTORS)
# What a caller may get, for the description of the API: further columns are there when they are asked for.
DESCRIBED = described(ADJUSTED.with_columns(grids.IS_PRESENT), interval=parameters.ASKED_INTERVALS)

Adjust = Annotated[
    str,
    Query(
        description="none: on the basis of the column adjustment, as stored. split: in the shares of today, or of "
        "as_of. all: dividends taken out too.",
        json_schema_extra={"enum": ["none", "split", "all"]},
    ),
]
Fill = Annotated[
    str,
    Query(
        description="none: what there is. grid: a row for each candle that the calendar expects, too; where there is "
        "none its prices are null and is_present is false.",
        json_schema_extra={"enum": ["none", "grid"]},
    ),
]


@router.get(
    "/v1/instruments/{instrument_id}/candles",
    summary="Candles of an instrument",
    response_model=None,
    responses=rows_answers(
        DESCRIBED, optional={"is_present", "price_factor", "volume_factor"}, is_filled=True
    ),
)
async def candles(
    request: Request,
    instrument_id: parameters.InstrumentId,
    interval: parameters.Interval = "5m",
    source_interval: parameters.SourceInterval = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    as_of: parameters.AsOf = None,
    adjust: Adjust = "none",
    fill: Fill = "none",
    settled: parameters.Settled = False,
    form: parameters.Format = None,
) -> Response:
    """Return candles in the order of time. Without start: the latest ones, and next_cursor goes back in time."""
    chosen = form_of(request, form)
    now = now_of(request)
    instant = parameters.as_of_of(as_of, now)
    basis = Basis(instant, _view(adjust))
    parameters.require_choice("fill", fill, ("none", "grid"))
    wanted = _wanted(request, instrument_id, interval, source_interval, start, end, limit, cursor, settled)
    sources: Sources = request.app.state.sources
    rows, taken, notes = await _with_fallback(sources, wanted, basis, is_given=source_interval is not None)
    if rows.height == 0 and cursor is None:
        notes = (*notes, await _why_nothing(request, taken, instant))
    rows, next_cursor = _page(request, taken, rows)
    depends = _depends(taken, rows) if basis == Basis(None, None) and fill == "none" else None
    is_settled = bool(rows.height) and bool(rows.values["is_settled"].all()) and depends is not None
    if fill == "grid":
        rows = await on_grid(sources, taken, rows, now, is_last=next_cursor is None)
    page = Page(next_cursor, None if instant is None else written(instant), notes)
    lasting = lasting_of(instant, now, is_settled=is_settled and _is_past(taken, now))
    return answer(request, chosen, rows, page, lasting, depends if is_settled else None)


def _view(adjust: str) -> View | None:
    parameters.require_choice("adjust", adjust, ("none", "split", "all"))
    return "split" if adjust == "split" else "all" if adjust == "all" else None


def _wanted(
    request: Request,
    instrument_id: str,
    interval: str,
    source_interval: str | None,
    start: str | None,
    end: str | None,
    limit: int,
    cursor: str | None,
    settled: bool,
) -> Wanted:
    parameters.require_interval(interval)
    parameters.require_choice("source_interval", source_interval, ("1m", "1d"))
    parameters.require_name("an instrument_id", instrument_id)
    span = parameters.span_of(start, end)
    key = cursors.read(request, cursor, [str, int])
    family = source_interval or ("1d" if interval in DAILY else "1m")
    wanted = Wanted(instrument_id, interval, family, span, settled, limit)
    if key is None:
        return wanted
    family, place = key
    place = max(-2_200_000_000_000_000, min(place, 7_258_118_400_000_000))  # 1900 to 2200, in microseconds
    if family not in ("1m", "1d"):
        raise bad_parameter("cursor", "This is no cursor of candles", "Leave the cursor out")
    wanted = replace(wanted, source_interval=family)
    return replace(wanted, before=place) if wanted.is_latest else replace(wanted, after=place)


async def _with_fallback(
    sources: Sources, wanted: Wanted, basis: Basis, *, is_given: bool
) -> tuple[Rows, Wanted, tuple[str, ...]]:
    """Return a page's rows; those of the other source interval where there are none and nobody said which."""
    rows, notes = await _rows(sources, wanted, basis)
    is_paging = wanted.after is not None or wanted.before is not None
    if rows.height or is_given or is_paging or wanted.interval == "1m":
        return rows, wanted, notes
    other = replace(wanted, source_interval="1m" if wanted.source_interval == "1d" else "1d")
    found, others_notes = await _rows(sources, other, basis)
    return (found, other, others_notes) if found.height else (rows, wanted, notes)


async def _rows(sources: Sources, wanted: Wanted, basis: Basis) -> tuple[Rows, tuple[str, ...]]:
    if basis == Basis(None, None):
        return await candle_queries.rows_of(sources, wanted), ()
    days = await days_read(sources, wanted, basis)
    if days is None:
        return rows_of(record("candles"), empty(view("v1_live.candles"))), ()
    first, end = days
    found: Found = await sources.step(
        lambda platform: _computed(candles_of(platform, wanted, basis, first, end), wanted)
    )
    shape = ADJUSTED if "price_factor" in found.rows.columns else record("candles")
    rows = rows_of(shape, found.rows)
    if rows.height <= wanted.limit and await goes_back(sources, wanted, basis, first):
        # All that lies before the first day began and ended before the day after it.
        rows.earlier_than = (
            (first + DAY - date(1970, 1, 1)) // MICROSECOND
            if not rows.height
            else int(rows.first("event_time"))
        )
    return rows, found.notes


def _computed(found: Found, wanted: Wanted) -> Found:
    return Found(page_of(found.rows, wanted), found.notes)


def _page(request: Request, wanted: Wanted, rows: Rows) -> tuple[Rows, str | None]:
    """Return the rows of the page, and the cursor of the next one if there is one."""
    if rows.earlier_than is not None:
        return rows, cursors.made(request, [wanted.source_interval, rows.earlier_than])
    if rows.height <= wanted.limit:
        return rows, None
    if wanted.is_latest:
        page = rows.cut(rows.height - wanted.limit, rows.height)
        return page, cursors.made(request, [wanted.source_interval, int(page.first("event_time"))])
    page = rows.cut(0, wanted.limit)
    return page, cursors.made(request, [wanted.source_interval, int(page.last("event_time"))])


def _depends(wanted: Wanted, rows: Rows) -> Depends | None:
    """Return the scopes that could change these rows: those of the window, or of the page where it is open."""
    if not rows.height:
        return None
    column = rows.values[wanted.date_column]
    days = [date(1970, 1, 1) + timedelta(days=int(day)) for day in (column[0], column[-1])]
    start, end = wanted.span.first_day(), wanted.span.end_day()
    first = days[0] if start is None else min(start, days[0])
    last = date.max if end is None else max(end, days[1])
    return Depends(wanted.table, wanted.instrument_id, first, last)


def _is_past(wanted: Wanted, now: datetime) -> bool:
    """Tell whether a window is closed so long ago that nothing new is awaited in it."""
    end = wanted.span.end_day()
    return wanted.span.start is not None and end is not None and end + AWAITED_DAYS <= now.date()


async def _why_nothing(request: Request, wanted: Wanted, instant: datetime | None) -> str:
    """Return why a page is empty, in words; a Problem where there is no such instrument."""
    await require_instrument(request.app.state.sources, wanted.instrument_id)
    if instant is not None:
        return f"Nothing of this window was known at {written(instant)}"
    return "Nothing of this window is stored"
