"""FRED and ALFRED as a stand-in answers them, from a history of true realtime bounds.

Manners as recorded or documented: bounds are cut to the window that is asked for, a window of more than 2,000 vintages
is refused with HTTP 400, an answer holds so many rows and says how many there are, XML unless JSON is asked for (as
fredapi does). What does not belong here: HTTP (standin.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import yaml

FIRST, LAST = "1776-07-04", "9999-12-31"
RECORDED = Path("payloads") / "pyfredapi-0.10.2-sdist"

# One line of ALFRED: (observation date, realtime start, realtime end, value), true bounds.
Line = tuple[str, str, str, str]


@dataclass
class History:
    """A series and all that was ever said of it. `most_vintages`, `most_rows`: what one answer holds."""

    lines: list[Line]
    about: dict[str, Any]
    most_vintages: int = 2000
    most_rows: int = 100_000
    today: str = "2024-11-03"
    further_vintages: list[str] = field(default_factory=list)

    @property
    def vintages(self) -> list[str]:
        """The days on which anything changed: withdrawals too, which show only as an end."""
        return sorted({start for _, start, _, _ in self.lines} | {*self.further_vintages})

    def on(self, day: str) -> dict[str, str]:
        """What the series was on a day: observation date -> value. By definition, not by any code of findata's."""
        return {date: value for date, start, end, value in self.lines if start <= day <= end}

    def observations(self, start: str, end: str) -> list[Line]:
        """The lines of a window, bounds cut to it."""
        return [
            (date, max(begin, start), min(stop, end), value)
            for date, begin, stop, value in self.lines
            if begin <= end and stop >= start
        ]


def answer(series: Mapping[str, History], path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
    """Return status and body for a path below /fred/."""
    is_json = query.get("file_type") == "json"
    if not query.get("api_key"):
        return _error(
            "Bad Request.  Variable api_key is not set.  Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.",
            is_json,
        )
    if query["api_key"] == "wrong":
        return _error(
            "Bad Request.  The value for variable api_key is not registered.  Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.",
            is_json,
        )
    if path == "series/search":
        return 200, _search(series, query["search_text"])
    history = series.get(query.get("series_id", ""))
    if history is None:
        return _error("Bad Request.  The series does not exist.", is_json)
    if path == "series/observations":
        return _observations(history, query, is_json=is_json)
    return 200, _vintages(history, query) if path == "series/vintagedates" else _about(history)


def _about(history: History) -> bytes:
    head = {"realtime_start": history.today, "realtime_end": history.today}
    return json.dumps({**head, "seriess": [history.about]}).encode()


def _search(series: Mapping[str, History], text: str) -> bytes:
    """Answer in XML, as fredapi asks: series whose title or id holds the words."""
    found = [
        item.about
        for item in series.values()
        if text.lower() in f"{item.about['id']} {item.about['title']}".lower()
    ]
    rows = (" ".join(f"{name}={quoteattr(str(value))}" for name, value in item.items()) for item in found)
    return f"<seriess count='{len(found)}'>{''.join(f'<series {row}/>' for row in rows)}</seriess>".encode()


def _vintages(history: History, query: Mapping[str, str]) -> bytes:
    limit, offset = min(int(query.get("limit", 10_000)), history.most_rows), int(query.get("offset", 0))
    head = {"realtime_start": FIRST, "realtime_end": LAST, "order_by": "vintage_date", "sort_order": "asc"}
    page = {"count": len(history.vintages), "offset": offset, "limit": limit}
    return json.dumps({**head, **page, "vintage_dates": history.vintages[offset : offset + limit]}).encode()


def _observations(history: History, query: Mapping[str, str], *, is_json: bool) -> tuple[int, bytes]:
    start, end = query.get("realtime_start", history.today), query.get("realtime_end", history.today)
    held = [day for day in history.vintages if start <= day <= end]
    if len(held) > history.most_vintages:
        return _error(
            f"Bad Request.  This exceeds the maximum number of vintage dates allowed ({history.most_vintages}).",
            is_json,
        )
    lines = history.observations(start, end)
    if not is_json:
        return 200, _xml(lines, start, end)
    return 200, observations_body(lines, start, end, history.most_rows)


def observations_body(lines: Sequence[Line], start: str, end: str, most: int = 100_000) -> bytes:
    """An answer of series/observations in FRED's own shape."""
    head = {
        "realtime_start": start,
        "realtime_end": end,
        "observation_start": "1600-01-01",
        "observation_end": LAST,
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": "asc",
        "count": len(lines),
        "offset": 0,
        "limit": most,
    }
    found = [
        {"realtime_start": begin, "realtime_end": stop, "date": date, "value": value}
        for date, begin, stop, value in lines[:most]
    ]
    return json.dumps({**head, "observations": found}).encode()


def _xml(lines: Sequence[Line], start: str, end: str) -> bytes:
    rows = (
        f"<observation realtime_start={quoteattr(begin)} realtime_end={quoteattr(stop)} date={quoteattr(date)} value={quoteattr(value)}/>"
        for date, begin, stop, value in lines
    )
    return f"<observations realtime_start={quoteattr(start)} realtime_end={quoteattr(end)}>{''.join(rows)}</observations>".encode()


def _error(message: str, is_json: bool) -> tuple[int, bytes]:
    if is_json:
        return 400, json.dumps({"error_code": 400, "error_message": message}).encode()
    return 400, f'<error code="400" message={quoteattr(message)}/>'.encode()


def about(series_id: str, **changed: str) -> dict[str, Any]:
    """What FRED says of a series, in its own shape; by default GDP as it was on 2024-10-30."""
    return {
        "id": series_id,
        "realtime_start": "2024-10-30",
        "realtime_end": "2024-10-30",
        "title": "Gross Domestic Product",
        "observation_start": "1947-01-01",
        "observation_end": "2024-07-01",
        "frequency": "Quarterly",
        "frequency_short": "Q",
        "units": "Billions of Dollars",
        "units_short": "Bil. of $",
        "seasonal_adjustment": "Seasonally Adjusted Annual Rate",
        "seasonal_adjustment_short": "SAAR",
        "last_updated": "2024-10-30 07:54:01-05",
        "popularity": 93,
        "notes": "",
        **changed,
    }


def recorded(folder: Path, name: str) -> list[tuple[str, bytes]]:
    """Return the recorded answers of a VCR file: path and query, and the body."""
    content = yaml.load((folder / RECORDED / name).read_bytes(), Loader=yaml.CSafeLoader)
    return [
        (item["request"]["uri"].partition("/fred/")[2], item["response"]["body"]["string"].encode())
        for item in content["interactions"]
    ]


def recorded_gdp(folder: Path) -> History:
    """All vintages of GDP as recorded last."""
    (*_, (_, body)) = recorded(folder, "test_get_series_all_releases[pandas].yaml")
    lines = [
        (item["date"], item["realtime_start"], item["realtime_end"], item["value"])
        for item in json.loads(body)["observations"]
    ]
    return History(lines, about("GDP", last_updated="2025-06-26 07:52:58-05"), today="2025-07-26")
