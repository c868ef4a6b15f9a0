"""Reference rates: fixings, their revisions, averages.

What belongs here: their routes. What does not: compounding (findata_core.rates).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from findata_assets.steps.platform import Platform
from findata_core.schema.tables import ColumnKind, table
from findata_serving import parameters
from findata_serving.answering import now_of
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions
from findata_serving.instruments import near_ones
from findata_serving.openapi import rows_answers
from findata_serving.problems import not_found, shown
from findata_serving.records import Record, added, record
from findata_serving.rest.listing import Listing, computed, known_rows, listed
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:rates")], route_class=KeepingRoute, tags=["rates"])

RATE, AVERAGE = record("rates"), record("averages")
MEASURES = table("rates.averages").column("measure").allowed
SUMMARY = Record(
    "RateSummary",
    "(SELECT rate, source, min(observation_date) AS first_observation_date, max(observation_date) AS "
    "last_observation_date, count(*) AS observations FROM v1_live.rates GROUP BY rate, source) AS summary",
    "",
    "A rate as a source has it, and from when to when.",
    (
        added("rate", ColumnKind.TEXT, "Name of the rate."),
        added("source", ColumnKind.TEXT, "Source that it was received from."),
        added("first_observation_date", ColumnKind.DATE, "First day."),
        added("last_observation_date", ColumnKind.DATE, "Last day."),
        added("observations", ColumnKind.INT64, "How many days.", unit="days"),
    ),
)
REVISION = RATE.with_columns(
    added(
        "superseded_time",
        ColumnKind.TIMESTAMP,
        "When findata came to know other: this version was current until then, exclusive; null while it is.",
        is_nullable=True,
    )
)
_NAMES = ", ".join(f'"{name}"' for name in RATE.names)
_VERSIONS = f"""(SELECT {_NAMES}, NULL::timestamptz AS superseded_time FROM rates.rates AS now WHERE EXISTS (
        SELECT FROM history.rates AS old WHERE old.rate = now.rate AND old.source = now.source
        AND old.observation_date = now.observation_date)
    UNION ALL SELECT {_NAMES}, superseded_time FROM history.rates) AS versions"""  # noqa: S608

RateName = Annotated[str, Path(description="Name of the rate.", examples=["SOFR"], min_length=1)]
SourceName = Annotated[
    str | None, Query(description="As this source has it; default: all sources, side by side.", max_length=64)
]


@router.get(
    "/v1/rates", summary="Rates that are followed", response_model=None, responses=rows_answers(SUMMARY)
)
async def rates(
    request: Request,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return the rates of each source."""
    return await listed(request, Listing(SUMMARY, ("rate", "source"), Conditions(), limit), cursor, form)


@router.get(
    "/v1/rates/{rate}", summary="Fixings of a rate", response_model=None, responses=rows_answers(RATE)
)
async def fixings(
    request: Request,
    rate: RateName,
    source: SourceName = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return fixings of the days [start, end); without start the latest ones, and next_cursor goes back in time."""
    instant = parameters.as_of_of(as_of, now_of(request))
    conditions = _conditions(rate, source, parameters.days_of(start, end))
    relation = ""
    if instant is not None:
        conditions.arguments.append(instant)
        relation = f"v1_live.rates_as_of(${len(conditions.arguments)})"
    listing = Listing(
        RATE, ("observation_date", "source"), conditions, limit, relation, is_latest=start is None
    )
    return await listed(request, listing, cursor, form, instant, _missing(request, rate))


@router.get(
    "/v1/rates/{rate}/revisions",
    summary="Fixings that were said in several versions",
    response_model=None,
    responses=rows_answers(REVISION),
)
async def revisions(
    request: Request,
    rate: RateName,
    source: SourceName = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return every version of the fixings of which there is more than one, the oldest of each first.

    Without start the latest ones, and next_cursor goes back in time.
    """
    conditions = _conditions(rate, source, parameters.days_of(start, end))
    key = ("observation_date", "source", "ingest_time")
    listing = Listing(REVISION, key, conditions, limit, _VERSIONS, books=True, is_latest=start is None)
    return await listed(request, listing, cursor, form, if_empty=_missing(request, rate))


@router.get(
    "/v1/rates/{rate}/averages",
    summary="Averages of a rate, recomputed, the published ones beside them",
    response_model=None,
    responses=rows_answers(AVERAGE),
)
async def averages(
    request: Request,
    rate: RateName,
    measure: Annotated[
        str | None,
        Query(description="Which average; default: all.", json_schema_extra={"enum": list(MEASURES)}),
    ] = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return averages and the index of the days [start, end); without start the latest, and next_cursor goes back."""
    parameters.require_choice("measure", measure, MEASURES)
    instant = parameters.as_of_of(as_of, now_of(request))
    first, end_day = parameters.days_of(start, end)
    conditions = _conditions(rate, None, (first, end_day))
    if measure:
        conditions.add('"measure" = {}', measure)
    listing = Listing(AVERAGE, ("observation_date", "measure"), conditions, limit, is_latest=start is None)
    missing = _missing(request, rate)
    if instant is None:
        return await listed(request, listing, cursor, form, if_empty=missing)
    known = known_rows("rates.averages", instant, rate, None, None)
    day = pl.col("observation_date")
    chosen = [pl.col("measure") == measure] if measure else []
    chosen += [day >= first] if first else []
    chosen += [day < end_day] if end_day else []

    def work(platform: Platform) -> pl.DataFrame:
        return known(platform).filter(*chosen)

    return await computed(request, listing, cursor, form, instant, work, missing)


def _conditions(rate: str, source: str | None, days: tuple[date | None, date | None]) -> Conditions:
    conditions = Conditions(parameters.require_name("a rate", rate))
    conditions.texts.append('"rate" = $1')
    if source:
        conditions.add('"source" = {}', parameters.require_name("a source", source))
    for day, sign in zip(days, (">=", "<"), strict=True):
        if day:
            conditions.add(f'"observation_date" {sign} {{}}', day)
    return conditions


def _missing(request: Request, rate: str) -> Callable[[], Awaitable[None]]:
    sources: Sources = request.app.state.sources

    async def missing() -> None:
        rows = await sources.rows("SELECT DISTINCT rate FROM v1_live.rates ORDER BY 1")
        names = [row[0] for row in rows]
        if rate not in names:
            near = near_ones(rate, names)
            step = f"Use {' or '.join(near)}" if near else "See /v1/rates"
            raise not_found("no-such-rate", f"No rate is called {shown(rate)}", step, near=near)

    return missing
