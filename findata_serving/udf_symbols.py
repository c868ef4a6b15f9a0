"""Symbols as TradingView's UDF protocol describes them.

What belongs here: session strings, searching. What does not: routes (udf).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from findata_serving.sources import Sources

PRICE_SCALE = 100  # two decimals are shown; the prices themselves have all they have
RECENT_SESSIONS = 60
_RECENT = (
    "SELECT open_time, break_start_time, break_end_time, close_time FROM v1_live.sessions "
    "WHERE mic = $1 AND close_time <= now() ORDER BY session_date DESC LIMIT $2"
)
_FOUND = """
    SELECT instrument_id, symbol, mic, category FROM v1_live.instruments
    WHERE position(upper($1::text) IN upper(instrument_id)) > 0 AND ($2::text = '' OR mic = $2)
    AND ($3::text = '' OR category = $3) ORDER BY instrument_id LIMIT $4
"""


async def described(sources: Sources, instrument: Mapping[str, Any]) -> dict[str, Any]:
    """Return what UDF's /symbols says of an instrument."""
    zone = instrument["time_zone"] or "Etc/UTC"
    recent = await sources.rows(_RECENT, instrument["mic"], RECENT_SESSIONS)
    return {
        "name": instrument["instrument_id"].rpartition(".")[0],
        "ticker": instrument["instrument_id"],
        "description": instrument["instrument_id"],
        "type": "stock",
        "exchange": instrument["mic"],
        "listed_exchange": instrument["mic"],
        "timezone": zone,
        "session": session_text([tuple(row) for row in recent], ZoneInfo(zone)),
        "minmov": 1,
        "pricescale": PRICE_SCALE,
        "format": "price",
        "currency_code": instrument["currency"],
        "has_intraday": True,
        "has_daily": True,
        "has_weekly_and_monthly": True,
        "intraday_multipliers": ["1", "5", "15", "30", "60", "240"],
        "volume_precision": 0,
        "data_status": "endofday",
    }


def session_text(sessions: Sequence[tuple[datetime | None, ...]], zone: ZoneInfo) -> str:
    """Return the usual hours of an exchange in its own time, "0930-1600" or "0930-1200,1300-1600".

    `sessions`: open, start and end of the break (or None), close. The hours that most of them have: half days are few.
    """
    if not sessions:
        return "24x7"
    return Counter(_hours(session, zone) for session in sessions).most_common(1)[0][0]


def _hours(session: tuple[datetime | None, ...], zone: ZoneInfo) -> str:
    opening, pause, again, closing = (
        None if moment is None else f"{moment.astimezone(zone):%H%M}" for moment in session
    )
    return f"{opening}-{closing}" if pause is None else f"{opening}-{pause},{again}-{closing}"


async def found(sources: Sources, text: str, exchange: str, kind: str, limit: int) -> list[dict[str, Any]]:
    """Return what UDF's /search says of the instruments that have the text in their id."""
    asked = (text, exchange, kind)
    if not all(part.isprintable() for part in asked):
        return []  # nothing is called so
    rows = await sources.rows(_FOUND, *asked, limit)
    return [
        {
            "symbol": row["symbol"],
            "full_name": f"{row['mic']}:{row['symbol']}",
            "description": row["instrument_id"],
            "exchange": row["mic"],
            "ticker": row["instrument_id"],
            "type": "stock",
        }
        for row in rows
    ]
