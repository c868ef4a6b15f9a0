"""The client: one method a question.

What belongs here: questions and their parameters. What does not: asking (asking), frames, errors.

Times: `start` is inclusive, `end` exclusive; a date counts sessions or observations, an instant has a zone. `as_of`: as
it was known at that instant. `limit`: at most so many rows, the latest ones without a start; without it all rows come,
page after page. Candles without a start are the latest ones, one page of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, Self
from urllib.parse import quote

import polars as pl

from findata_client.asking import Asking, Patience, Values
from findata_client.errors import BadQuestion
from findata_client.following import Event, follow
from findata_client.frames import ACCEPTED, Body, When, frame_of, when

MOST_ROWS = 50_000  # of a page
AT_ONCE = 4  # questions about several instruments


class Client:
    """Asks a findata server. May be shared by threads.

    `base_url`: default FINDATA_URL, else http://127.0.0.1:8642. `api_key`: default FINDATA_API_KEY, else none.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        timeout_seconds: float = 60.0,
        patience: Patience | None = None,
    ) -> None:
        self._asking = Asking(base_url, api_key, timeout_seconds, patience or Patience())

    def close(self) -> None:
        """Close the connections; `with Client() as client:` does it."""
        self._asking.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def candles(
        self,
        instrument_id: str | Sequence[str],
        interval: str = "5m",
        *,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        source_interval: str | None = None,
        adjust: str = "none",
        fill: str = "none",
        settled: bool = False,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return candles (1m: the bars of the chosen source) by time; of several instruments one after the other."""
        asked = {
            "interval": interval,
            **_window(start, end),
            "as_of": when("as_of", as_of),
            "source_interval": source_interval,
            "adjust": adjust if adjust != "none" else None,
            "fill": fill if fill != "none" else None,
            "settled": settled or None,
        }
        names = [instrument_id] if isinstance(instrument_id, str) else list(instrument_id)
        if not names:
            raise BadQuestion("No instrument is named", "Name one or more, as symbol.MIC")
        if len(names) == 1:
            return self._rows(_of(names[0], "candles"), asked, limit)
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="findata-client") as pool:
            frames = pool.map(lambda name: self._rows(_of(name, "candles"), asked, limit), names)
            return pl.concat(list(frames), rechunk=False)

    def bars(
        self,
        instrument_id: str | Sequence[str],
        *,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        adjust: str = "none",
        fill: str = "none",
        settled: bool = False,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return the minutes of the source that candles are folded from."""
        return self.candles(
            instrument_id,
            "1m",
            start=start,
            end=end,
            as_of=as_of,
            adjust=adjust,
            fill=fill,
            settled=settled,
            limit=limit,
        )

    def pivots(
        self,
        instrument_id: str,
        *,
        variant: str | None = None,
        source_interval: str | None = None,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return the weekly pivot levels that are valid at some time of the window."""
        asked = {**_window(start, end, as_of), "variant": variant, "source_interval": source_interval}
        return self._rows(_of(instrument_id, "pivots"), asked, limit)

    def signals(
        self,
        instrument_id: str,
        *,
        variant: str | None = None,
        kind: str | None = None,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return what candles did at their week's levels; each is known from its available_time on."""
        asked = {**_window(start, end, as_of), "variant": variant, "kind": kind}
        return self._rows(_of(instrument_id, "signals"), asked, limit)

    def coverage(
        self, instrument_id: str, *, start: When | None = None, end: When | None = None
    ) -> pl.DataFrame:
        """Return how whole and how good each session of an instrument is."""
        return self._rows(_of(instrument_id, "sessions"), _window(start, end), None)

    def known_times(
        self, instrument_id: str, interval: str = "5m", *, start: When | None = None, end: When | None = None
    ) -> pl.DataFrame:
        """Return the instants at which something of a window became known: what `as_of` can tell apart."""
        return self._rows(
            _of(instrument_id, "known-times"), {"interval": interval, **_window(start, end)}, None
        )

    def instruments(
        self, query: str | None = None, *, mic: str | None = None, limit: int | None = None
    ) -> pl.DataFrame:
        """Return instruments whose id or name is like the query; all without one."""
        return self._rows("/v1/instruments", {"q": query, "mic": mic}, limit)

    def instrument(self, instrument_id: str) -> dict[str, Any]:
        """Return what is known of one instrument; NotFound has names that are like it."""
        return self._told(_of(instrument_id, ""), {})

    def explain(
        self, instrument_id: str, interval: str, event_time: When, *, source_interval: str | None = None
    ) -> dict[str, Any]:
        """Return how a candle came about, down to the payloads, and whether it comes out the same again."""
        asked = {
            "interval": interval,
            "event_time": when("event_time", event_time),
            "source_interval": source_interval,
        }
        return self._told(_of(instrument_id, "explain"), asked)

    def sessions(
        self,
        mic: str,
        *,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return the sessions of an exchange."""
        return self._rows(f"/v1/sessions/{_part(mic)}", _window(start, end, as_of), limit)

    def rates(
        self,
        rate: str | None = None,
        *,
        source: str | None = None,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return the fixings of a rate; without one the rates that are followed."""
        if rate is None:
            return self._rows("/v1/rates", {}, limit)
        asked = {**_window(start, end, as_of), "source": source}
        return self._rows(f"/v1/rates/{_part(rate)}", asked, limit)

    def revisions(
        self,
        rate: str,
        *,
        source: str | None = None,
        start: When | None = None,
        end: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return the closed versions of a rate's fixings: what was said, from when until when."""
        asked = {**_window(start, end), "source": source}
        return self._rows(f"/v1/rates/{_part(rate)}/revisions", asked, limit)

    def averages(
        self,
        rate: str,
        *,
        measure: str | None = None,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return compounded averages and the index of a rate."""
        asked = {**_window(start, end, as_of), "measure": measure}
        return self._rows(f"/v1/rates/{_part(rate)}/averages", asked, limit)

    def series(self, query: str | None = None, *, limit: int | None = None) -> pl.DataFrame:
        """Return the economic series that are followed."""
        return self._rows("/v1/series", {"q": query}, limit)

    def observations(
        self,
        series_id: str,
        *,
        start: When | None = None,
        end: When | None = None,
        as_of: When | None = None,
        vintage_date: When | None = None,
        limit: int | None = None,
    ) -> pl.DataFrame:
        """Return a series' observations: now, as known to findata at `as_of`, or as published by `vintage_date`."""
        asked = {**_window(start, end, as_of), "vintage_date": when("vintage_date", vintage_date)}
        return self._rows(f"/v1/series/{_part(series_id)}/observations", asked, limit)

    def vintages(self, series_id: str, *, limit: int | None = None) -> pl.DataFrame:
        """Return every published version of a series' observations."""
        return self._rows(f"/v1/series/{_part(series_id)}/vintages", {}, limit)

    def stream(
        self,
        instrument_id: str | Sequence[str] | None = None,
        interval: str | Sequence[str] | None = None,
        *,
        cursor: str | None = None,
    ) -> Iterator[Event]:
        """Follow candles from now, or from an event's cursor on: new, revised, retracted; for ever, across cuts."""
        return follow(
            self._asking, {"instrument_id": _several(instrument_id), "interval": _several(interval)}, cursor
        )

    def _rows(self, path: str, asked: Values, limit: int | None) -> pl.DataFrame:
        """Return all rows, or so many; of candles without a start the latest page alone.

        Without a start pages go back in time; a calendar has no latest day, and always goes forward.
        """
        goes_back = "start" in asked and asked["start"] is None and not path.startswith("/v1/sessions/")
        is_page = goes_back and path.endswith("/candles")
        most = MOST_ROWS if is_page else sys.maxsize
        if limit is not None and not 1 <= limit <= most:
            raise BadQuestion(f"limit is {limit}", f"Ask for 1 to {most} rows, or give a start")
        bodies = self._asking.pages(path, {**asked, **_page_size(path, limit, is_page=is_page)}, ACCEPTED)
        if is_page and limit is None:
            return frame_of(islice(bodies, 1))
        pages = _pages(bodies, limit)
        rows = pl.concat(reversed(pages) if goes_back else pages, rechunk=False)
        return rows if limit is None else rows.tail(limit) if goes_back else rows.head(limit)

    def _told(self, path: str, asked: Values) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self._asking.get(path, asked, "application/json").data)
        return told


def _pages(bodies: Iterator[Body], limit: int | None) -> list[pl.DataFrame]:
    """Return pages, and ask for no more of them than so many rows take."""
    taken: list[pl.DataFrame] = []
    for body in bodies:
        taken.append(frame_of([body]))
        if limit is not None and sum(frame.height for frame in taken) >= limit:
            break
    return taken


def _page_size(path: str, limit: int | None, *, is_page: bool) -> dict[str, int]:
    if path.endswith(("/sessions", "/known-times")):
        return {}
    if limit is not None:
        return {"limit": min(limit, MOST_ROWS)}
    return {} if is_page else {"limit": MOST_ROWS}


def _window(start: When | None, end: When | None, as_of: When | None = None) -> dict[str, str | None]:
    return {"start": when("start", start), "end": when("end", end), "as_of": when("as_of", as_of)}


def _of(instrument_id: str, what: str) -> str:
    path = f"/v1/instruments/{_part(instrument_id)}"
    return f"{path}/{what}" if what else path


def _part(name: str) -> str:
    if not name:
        raise BadQuestion("A name is empty", "Name an instrument as symbol.MIC, a rate or a series by its id")
    return quote(name, safe="")


def _several(names: str | Sequence[str] | None) -> list[str] | None:
    return [names] if isinstance(names, str) else list(names) if names is not None else None
