"""Sessions: of an exchange, and in what condition an instrument's sessions are.

What belongs here: their routes. What does not: how a condition is judged (findata_assets.steps.conditions).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from findata_assets.steps.conditions import SCHEMA, conditions
from findata_core.quality.verdicts import ANSWERS
from findata_core.schema.frames import POLARS_TYPES
from findata_core.schema.tables import Column, ColumnKind
from findata_serving import parameters
from findata_serving.answering import answer, form_of, now_of
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions, last_days
from findata_serving.formats import Page
from findata_serving.instruments import near_ones, require_instrument
from findata_serving.openapi import rows_answers
from findata_serving.problems import bad_parameter, not_found, shown
from findata_serving.reading import rows_of
from findata_serving.records import Record, added, record
from findata_serving.rest.listing import Listing, listed
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:market")], route_class=KeepingRoute, tags=["market"])

SESSION = record("sessions")
WIDEST_DAYS = 93
USUAL_SESSIONS = 20
DAY = timedelta(days=1)
_ABOUT = {
    "instrument_id": "symbol.MIC of the instrument.",
    "mic": "Market identifier code of the exchange.",
    "session_date": "The exchange's own calendar day.",
    "time_zone": "IANA time zone of the exchange.",
    "open_time": "First instant of trading, inclusive.",
    "break_start_time": "Start of the break; null where the session has none.",
    "break_end_time": "End of the break; null where there is none.",
    "close_time": "End of trading, exclusive.",
    "status": "complete, partial or missing: regular bars of the source that has most.",
    "source": "That source; null where nothing is known.",
    "interval": "Width of its bars: minutes before days.",
    "present_bars": "Regular bars that are there.",
    "expected_bars": "Regular bars that the calendar expects.",
    "missing_ranges": "Missing ranges [start, end) in UTC, HH:MM-HH:MM.",
    "quarantined_rows": "Rows that were refused, and are kept with their reason.",
    "revised_rows": "Closed versions: rows that a source said otherwise later.",
    "settles_time": "When the last bar settles; null where there is none.",
    "is_settled": "Whether that has passed.",
    "verdict": f"Whether the session can be used: {', '.join(ANSWERS)}.",
    "verdict_line": "The verdict in one line.",
    "findings": "What speaks against it, in words.",
}
_REQUIRED = ("instrument_id", "mic", "session_date", "time_zone", "open_time", "close_time", "status")
_ALSO = ("quarantined_rows", "revised_rows", "is_settled", "verdict", "verdict_line", "findings")


def _column(name: str) -> Column:
    kind = next(kind for kind, stored in _KINDS.items() if stored == SCHEMA[name])
    return added(name, kind, _ABOUT[name], is_nullable=name not in (*_REQUIRED, *_ALSO))


_KINDS = {kind: POLARS_TYPES[kind] for kind in ColumnKind if kind is not ColumnKind.JSON}
CONDITION = Record(
    "SessionCondition",
    "",
    "",
    "A session of an instrument: what is there of it, and whether it can be used.",
    tuple(_column(name) for name in SCHEMA),
)
Mic = Annotated[
    str, Path(description="Market identifier code of the exchange.", examples=["XNAS"], min_length=1)
]


@router.get(
    "/v1/sessions/{mic}",
    summary="Trading days of an exchange",
    response_model=None,
    responses=rows_answers(SESSION),
)
async def sessions(
    request: Request,
    mic: Mic,
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return the sessions of the days [start, end), those to come included."""
    instant = parameters.as_of_of(as_of, now_of(request))
    first, last = parameters.days_of(start, end)
    wanted = Conditions(parameters.require_name("an exchange", mic))
    wanted.texts.append('"mic" = $1')
    relation = ""
    if instant is not None:
        wanted.arguments.append(instant)
        relation = f"v1_live.sessions_as_of(${len(wanted.arguments)})"
    for day, sign in ((first, ">="), (last, "<")):
        if day:
            wanted.add(f'"session_date" {sign} {{}}', day)
    listing = Listing(SESSION, ("session_date",), wanted, limit, relation)
    return await listed(request, listing, cursor, form, instant, _missing(request, mic))


@router.get(
    "/v1/instruments/{instrument_id}/sessions",
    summary="The condition of an instrument's sessions",
    response_model=None,
    responses=rows_answers(CONDITION),
)
async def condition(
    request: Request,
    instrument_id: parameters.InstrumentId,
    start: parameters.Start = None,
    end: parameters.End = None,
    form: parameters.Format = None,
) -> Response:
    """Return a line a session of the days [start, end) that has opened; without start the latest ones with bars."""
    chosen = form_of(request, form)
    parameters.require_name("an instrument_id", instrument_id)
    first, last = parameters.days_of(start, end)
    sources: Sources = request.app.state.sources
    await require_instrument(sources, instrument_id)
    first, last = await _days(sources, instrument_id, first, last, now_of(request).date() + DAY)
    if (last - first).days > WIDEST_DAYS:
        raise bad_parameter(
            "start",
            f"The condition of {(last - first).days:,} days is too much to be judged while you wait",
            f"Ask for {WIDEST_DAYS} days or fewer at once, with start and end",
            widest_days=WIDEST_DAYS,
        )
    frame: pl.DataFrame = await sources.step(
        lambda platform: conditions(platform, instrument_id, first, last)
    )
    notes = () if frame.height else ("The exchange has no session in this window that has opened",)
    return answer(request, chosen, rows_of(CONDITION, frame), Page(None, None, notes))


async def _days(
    sources: Sources, instrument_id: str, first: date | None, last: date | None, end: date
) -> tuple[date, date]:
    if first is not None:
        return first, min(last or end, end) if (last or end) > first else first
    found = await last_days(sources, "market.bars", instrument_id, USUAL_SESSIONS, last)
    found = found or await last_days(sources, "market.bars_1d", instrument_id, USUAL_SESSIONS, last)
    return (found[0], found[1] + DAY) if found else (end, end)


def _missing(request: Request, mic: str) -> Callable[[], Awaitable[None]]:
    sources: Sources = request.app.state.sources

    async def missing() -> None:
        rows: Any = await sources.rows("SELECT DISTINCT mic FROM v1_live.sessions ORDER BY 1")
        names = [row[0] for row in rows]
        if mic not in names:
            near = near_ones(mic, names)
            step = f"Use {' or '.join(near or names[:5])}" if names else "findata materialize loads calendars"
            raise not_found("no-such-exchange", f"No exchange is called {shown(mic)}", step, near=near)

    return missing
