"""The exports of the New York Fed's data pages: one table of 19 columns, as Excel workbook or as CSV.

What belongs here: which heading is which field of the Markets API, so that an export is read as an answer of the
API is. What does not: the cells of a workbook (workbooks.py), rows (nyfed.py).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from findata_core.errors import MalformedPayload
from findata_resources.providers.workbooks import is_workbook, sheet_rows

# Heading of the export -> field of the API.
HEADINGS: Mapping[str, str] = {
    "Effective Date": "effectiveDate",
    "Rate Type": "type",
    "Rate (%)": "percentRate",
    "1st Percentile (%)": "percentPercentile1",
    "25th Percentile (%)": "percentPercentile25",
    "75th Percentile (%)": "percentPercentile75",
    "99th Percentile (%)": "percentPercentile99",
    "Volume ($Billions)": "volumeInBillions",
    "Target Rate From (%)": "targetRateFrom",
    "Target Rate To (%)": "targetRateTo",
    "Intra Day - Low (%)": "intraDayLow",
    "Intra Day - High (%)": "intraDayHigh",
    "Standard Deviation (%)": "stdDeviation",
    "30-Day Average SOFR": "average30day",
    "90-Day Average SOFR": "average90day",
    "180-Day Average SOFR": "average180day",
    "SOFR Index": "index",
    "Revision Indicator (Y/N)": "revisionIndicator",
    "Footnote ID": "footnoteId",
}
NEEDED = ("Effective Date", "Rate Type", "Rate (%)")
_GET_AGAIN = "Export the data again, or read the file with [set.columns]"


def items(body: bytes) -> list[dict[str, Any]]:
    """Return the rows of an export as the API would give them; a field that is left blank is absent."""
    rows = sheet_rows(body) if is_workbook(body) else _csv_rows(body)
    if not rows:
        raise MalformedPayload("The export is empty", _GET_AGAIN)
    names = [HEADINGS.get(heading.strip()) for heading in rows[0]]
    missing = [heading for heading in NEEDED if HEADINGS[heading] not in names]
    if missing:
        raise MalformedPayload(
            f"The export has no column {', '.join(map(repr, missing))}; it has {', '.join(map(repr, rows[0]))}"[
                :500
            ],
            _GET_AGAIN,
        )
    return [_item(names, row) for row in rows[1:] if any(cell.strip() for cell in row)]


def _item(names: Sequence[str | None], row: Sequence[str]) -> dict[str, Any]:
    """Return a row's fields; of a row with more cells than headings nothing is known: it stays, and is refused."""
    if any(cell.strip() for cell in row[len(names) :]):
        return {}
    cells = dict(zip(names, row, strict=False))
    found = {name: cell.strip() for name, cell in cells.items() if name is not None and cell.strip()}
    return found | {"effectiveDate": _iso_day(found.get("effectiveDate"))}


def _iso_day(text: str | None) -> str | None:
    """Return a day that is written as in America (04/16/2025) in ISO 8601; one in ISO 8601 as it is."""
    if text is None or "/" not in text:
        return text
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None


def _csv_rows(body: bytes) -> list[list[str]]:
    try:
        text = body.decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise MalformedPayload(f"The export is neither a workbook nor CSV: {error}", _GET_AGAIN) from error
