"""findata's catalogue of series as a payload: what was followed, and as what, is known of any day.

What belongs here: writing the lines as a body, and reading such a body again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from findata_core.economic.catalogue import SERIES
from findata_core.errors import MalformedPayload
from findata_resources.provider import Clock, Parsed, Received, Request, table_rows

PROVIDER, DATASET = "findata", "catalogue"
_COLUMNS = ("series_id", "name", "unit", "frequency", "seasonal_adjustment", "release", "topic")


def snapshot(clock: Clock) -> Received:
    """Return the catalogue as it stands in this version of findata."""
    body = json.dumps([asdict(line) for line in SERIES], sort_keys=True, indent=0).encode()
    return Received(Request(PROVIDER, PROVIDER, DATASET, DATASET), body, None, {}, clock.now())


def parse(body: bytes, request: Mapping[str, Any]) -> list[Parsed]:
    """Return rows of economic.series whose source is findata."""
    try:
        lines = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedPayload(f"The catalogue is not JSON: {error}", "See the payload") from error
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        raise MalformedPayload("The catalogue is no list of lines", "See the payload")
    rows = [
        {**{name: _text(line.get(name)) for name in _COLUMNS}, "source": request["source"]} for line in lines
    ]
    return [Parsed("economic.series", table_rows("economic.series", rows))]


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        return "\x00"
