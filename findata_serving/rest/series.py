"""Economic series: what they are, their observations by vintage, their vintages.

What belongs here: their routes. What does not: what a vintage is (findata_core.economic.vintages).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from findata_core.schema.tables import ColumnKind
from findata_serving import parameters
from findata_serving.answering import now_of
from findata_serving.auth import requires
from findata_serving.candle_queries import Conditions
from findata_serving.instruments import near_ones
from findata_serving.openapi import rows_answers
from findata_serving.problems import not_found, shown
from findata_serving.records import Record, added, record
from findata_serving.rest.listing import Listing, listed
from findata_serving.routes import KeepingRoute
from findata_serving.sources import Sources

router = APIRouter(dependencies=[requires("read:rates")], route_class=KeepingRoute, tags=["rates"])

SERIES, OBSERVATION = record("series"), record("observations")
VINTAGE = Record(
    "SeriesVintage",
    "(SELECT series_id, source, vintage_date, count(*) AS observations, min(observation_date) AS "
    "first_observation_date, max(observation_date) AS last_observation_date, min(ingest_time) AS ingest_time "
    "FROM v1_live.observations WHERE series_id = $1 GROUP BY series_id, source, vintage_date) AS vintage",
    "",
    "A day on which values of a series were so, and how many observations were said of it.",
    (
        added("series_id", ColumnKind.TEXT, "Name of the series at its publisher."),
        added("source", ColumnKind.TEXT, "Source that it was received from."),
        added("vintage_date", ColumnKind.DATE, "The day, as the publisher counts days."),
        added("observations", ColumnKind.INT64, "Observations said of it.", unit="observations"),
        added("first_observation_date", ColumnKind.DATE, "The first of them."),
        added("last_observation_date", ColumnKind.DATE, "The last of them."),
        added("ingest_time", ColumnKind.TIMESTAMP, "When findata came to know of it."),
    ),
)
# One row an observation: what was last said of it. The same rule as v1.observations_on, over what was known.
_LATEST = """(SELECT DISTINCT ON (series_id, source, observation_date) * FROM {relation}
    WHERE series_id = $1 {until} ORDER BY series_id, source, observation_date, vintage_date DESC, vintage_kind) AS t"""

SeriesId = Annotated[
    str, Path(description="Name of the series at its publisher.", examples=["GDP"], min_length=1)
]


@router.get(
    "/v1/series", summary="Series that are followed", response_model=None, responses=rows_answers(SERIES)
)
async def series(
    request: Request,
    q: Annotated[
        str | None, Query(description="Part of the id or the title, in any case.", max_length=64)
    ] = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return what each source says of the series."""
    conditions = Conditions()
    if q:
        text = parameters.require_name("q", q)
        conditions.add('position(upper({}::text) IN upper("series_id" || \' \' || "name")) > 0', text)
    return await listed(request, Listing(SERIES, ("series_id", "source"), conditions, limit), cursor, form)


@router.get(
    "/v1/series/{series_id}/observations",
    summary="Observations of a series",
    response_model=None,
    responses=rows_answers(OBSERVATION),
)
async def observations(
    request: Request,
    series_id: SeriesId,
    start: parameters.Start = None,
    end: parameters.End = None,
    as_of: parameters.AsOf = None,
    vintage_date: Annotated[
        str | None,
        Query(description="As its publisher had said by the end of this day; default: the latest."),
    ] = None,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return one row an observation of [start, end): the value that stood; what was withdrawn is left out.

    Without start the latest ones, and next_cursor goes back in time.
    """
    instant = parameters.as_of_of(as_of, now_of(request))
    days, vintage = parameters.days_of(start, end), parameters.day_of("vintage_date", vintage_date)
    conditions = Conditions(parameters.require_name("a series_id", series_id))
    relation, until = "v1_live.observations", ""
    if instant is not None:
        conditions.arguments.append(instant)
        relation = f"v1_live.observations_as_of(${len(conditions.arguments)})"
    if vintage is not None:
        conditions.arguments.append(vintage)
        until = f"AND vintage_date <= ${len(conditions.arguments)}"
    conditions.texts.append("\"state\" <> 'withdrawn'")
    for day, sign in zip(days, (">=", "<"), strict=True):
        if day:
            conditions.add(f'"observation_date" {sign} {{}}', day)
    relation = _LATEST.format(relation=relation, until=until)
    listing = Listing(
        OBSERVATION, ("observation_date", "source"), conditions, limit, relation, is_latest=start is None
    )
    return await listed(request, listing, cursor, form, instant, _missing(request, series_id))


@router.get(
    "/v1/series/{series_id}/vintages",
    summary="Vintages of a series",
    response_model=None,
    responses=rows_answers(VINTAGE),
)
async def vintages(
    request: Request,
    series_id: SeriesId,
    limit: parameters.Limit = parameters.USUAL_ROWS,
    cursor: parameters.Cursor = None,
    form: parameters.Format = None,
) -> Response:
    """Return the days on which values of the series were published, revised or seen."""
    conditions = Conditions(parameters.require_name("a series_id", series_id))
    listing = Listing(VINTAGE, ("vintage_date", "source"), conditions, limit)
    return await listed(request, listing, cursor, form, if_empty=_missing(request, series_id))


def _missing(request: Request, series_id: str) -> Callable[[], Awaitable[None]]:
    sources: Sources = request.app.state.sources

    async def missing() -> None:
        rows = await sources.rows("SELECT DISTINCT series_id FROM v1_live.series ORDER BY 1")
        names = [row[0] for row in rows]
        if series_id not in names:
            near = near_ones(series_id, names)
            step = f"Use {' or '.join(near)}" if near else "See /v1/series"
            raise not_found("no-such-series", f"No series is called {shown(series_id)}", step, near=near)

    return missing
