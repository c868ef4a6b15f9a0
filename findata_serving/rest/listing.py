"""Pages of rows sorted by a key: what most routes are.

What belongs here: conditions, cursors and the as_of of rows that SQL or a step can answer. What does not: routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from fastapi import Request
from starlette.responses import Response

from findata_assets.steps.known import KnownAt
from findata_assets.steps.platform import Platform
from findata_core.schema.tables import ColumnKind
from findata_serving import cursors
from findata_serving.answering import answer, form_of, lasting_of, now_of
from findata_serving.candle_queries import Conditions, instant_at
from findata_serving.formats import Page, instant_text
from findata_serving.reading import Query, Rows, read, rows_of
from findata_serving.records import Record
from findata_serving.sources import Sources

FIRST_DAY = date(1970, 1, 1)
_CURSOR_KINDS: Mapping[ColumnKind, type] = {
    ColumnKind.DATE: int,
    ColumnKind.TIMESTAMP: int,
    ColumnKind.INT64: int,
}
MOST_DAYS, MOST_MICROSECONDS = 84_000, 7_258_118_400_000_000  # from 1970 to 2200


@dataclass
class Listing:
    """What is listed: rows of a record that fulfil conditions, in the order of a key that tells them apart.

    `relation`: in SQL, instead of the record's. `books`: asked of findata's own books, which readers don't see.
    `is_latest`: nobody said where to begin: the first page has the latest rows, and pages go back in time.
    """

    record: Record
    key: tuple[str, ...]
    conditions: Conditions
    limit: int
    relation: str = ""
    books: bool = False
    is_latest: bool = False
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


async def listed(
    request: Request,
    listing: Listing,
    cursor: str | None,
    form: str | None,
    as_of: datetime | None = None,
    if_empty: Callable[[], Any] | None = None,
) -> Response:
    """Return the page that a cursor begins, as SQL answers it. `if_empty`: asked where nothing is there at all."""
    chosen = form_of(request, form)
    key = cursors.read(request, cursor, _kinds(listing))
    conditions = listing.conditions
    if key is not None:
        places = []
        for name, value in zip(listing.key, key, strict=True):
            conditions.arguments.append(_argument(listing.record, name, value))
            places.append(f"${len(conditions.arguments)}")
        names = ", ".join(f'"{name}"' for name in listing.key)
        sign = "<" if listing.is_latest else ">"
        conditions.texts.append(f"({names}) {sign} ({', '.join(places)})")
    query = Query(
        listing.record,
        conditions.joined(),
        conditions.arguments,
        order=listing.key,
        limit=listing.limit + 1,
        relation=listing.relation,
        books=listing.books,
        is_latest=listing.is_latest,
    )
    rows = await read(request.app.state.sources, query)
    if not rows.height and cursor is None and if_empty is not None:
        await if_empty()
    return _answered(request, listing, rows, chosen, as_of)


async def computed(
    request: Request,
    listing: Listing,
    cursor: str | None,
    form: str | None,
    as_of: datetime,
    work: Callable[[Platform], pl.DataFrame],
    if_empty: Callable[[], Any],
) -> Response:
    """Return the page that a cursor begins, of rows that a step computes, sorted by the key."""
    chosen = form_of(request, form)
    key = cursors.read(request, cursor, _kinds(listing))
    sources: Sources = request.app.state.sources
    frame: pl.DataFrame = await sources.step(work)
    if frame.is_empty() and cursor is None:
        await if_empty()
        listing.notes = (*listing.notes, f"Nothing of this was known at {written(as_of)}")
    frame = frame.sort(listing.key)
    if key is not None:
        values = [
            _argument(listing.record, name, value) for name, value in zip(listing.key, key, strict=True)
        ]
        frame = frame.filter(_beyond(listing, values))
    count = listing.limit + 1
    rows = rows_of(listing.record, frame.tail(count) if listing.is_latest else frame.head(count))
    return _answered(request, listing, rows, chosen, as_of)


def known_rows(
    address: str, as_of: datetime, subject: str, first: date | None, end: date | None
) -> Callable[[Platform], pl.DataFrame]:
    """Return the work that reads a table as it was known; is_settled is what was settled then."""

    def work(platform: Platform) -> pl.DataFrame:
        frame = KnownAt(platform, as_of).read(address, first, end, pl.Series([subject]))
        if "settles_time" in frame.columns:
            frame = frame.with_columns(is_settled=pl.col("settles_time") <= as_of)
        return frame

    return work


def written(instant: datetime) -> str:
    """Return an instant by RFC 3339."""
    return instant_text(round(instant.timestamp() * 1_000_000))


def _answered(request: Request, listing: Listing, rows: Rows, form: str, as_of: datetime | None) -> Response:
    next_cursor = None
    if rows.height > listing.limit and listing.is_latest:
        rows = rows.cut(rows.height - listing.limit, rows.height)
        next_cursor = cursors.made(request, [rows.first(name) for name in listing.key])
    elif rows.height > listing.limit:
        rows = rows.cut(0, listing.limit)
        next_cursor = cursors.made(request, [rows.last(name) for name in listing.key])
    page = Page(next_cursor, None if as_of is None else written(as_of), listing.notes, listing.facts)
    return answer(request, form, rows, page, lasting_of(as_of, now_of(request), is_settled=False))


def _kinds(listing: Listing) -> list[type]:
    return [_CURSOR_KINDS.get(_kind(listing.record, name), str) for name in listing.key]


def _kind(record: Record, name: str) -> ColumnKind:
    return next(column.kind for column in record.columns if column.name == name)


def _argument(record: Record, name: str, value: Any) -> Any:
    kind = _kind(record, name)
    if kind is ColumnKind.DATE:
        return FIRST_DAY + timedelta(days=max(-MOST_DAYS, min(value, MOST_DAYS)))
    if kind is ColumnKind.TIMESTAMP:
        return instant_at(max(-MOST_MICROSECONDS // 4, min(value, MOST_MICROSECONDS)))
    return value


def _beyond(listing: Listing, values: Sequence[Any]) -> pl.Expr:
    """Return the condition of rows that come after a key, or before it where pages go back in time."""
    condition = pl.lit(value=False)
    for place, (name, value) in enumerate(zip(listing.key, values, strict=True)):
        same = [pl.col(first) == values[at] for at, first in enumerate(listing.key[:place])]
        goes_on = pl.col(name) < value if listing.is_latest else pl.col(name) > value
        condition = condition | pl.all_horizontal(*same, goes_on)
    return condition
